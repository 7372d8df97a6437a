"""File names made from keys: whatever the key says, the file stays below its folder."""

from __future__ import annotations

import hashlib
import re

_LONGEST = 200
_ORDINARY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:+ -]{0,%d}" % (_LONGEST - 1))  # noqa: UP031 - braces stay readable

_ODD_NAME = re.compile(r"|\.\.?|.*[\x00-\x1f\x7f\ufffd].*", re.DOTALL)  # U+FFFD: a name whose bytes are no text


def is_odd_name(name: str) -> bool:
    """Say whether a folder's name says nothing safely: it is empty, ``.``, ``..``, or holds what cannot be shown."""
    return _ODD_NAME.fullmatch(name) is not None


def safe_relpath(key: str) -> str:
    r"""Turn a key into a relative path that cannot leave its folder.

    Ordinary keys stay as they are. A leading dot, control characters, backslashes and ``%`` are percent-encoded byte by
    byte, an empty segment becomes ``%empty``, and one too long for a file system ends in ``%-`` and its hash. Encoded
    bytes have two capital digits behind their ``%``, so two keys never meet in one path.

    Parameters
    ----------
    key : str
        Any string.

    Returns
    -------
    str
        A relative path with ``/`` between its segments.
    """
    return "/".join(_segment(part) for part in key.split("/"))


def _segment(part: str) -> str:
    if not part:
        return "%empty"
    if _ORDINARY.fullmatch(part):
        return part
    safe = "".join(c if c.isprintable() and c not in "\\%" else _encoded(c) for c in part)
    if safe.startswith("."):  # neither `..` nor a hidden file such as our own private corner
        safe = "%2E" + safe[1:]
    encoded = safe.encode()
    if len(encoded) <= _LONGEST:
        return safe
    digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return encoded[: _LONGEST - 34].decode("utf-8", "ignore") + "%-" + digest


def _encoded(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
