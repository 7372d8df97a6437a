"""The bytes of a text file of profiles as plain UTF-8: byte-order marks, UTF-16, old line ends."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from bondstore.domains.ocean.findings import KINDS
from bondstore.errors import DamagedError
from bondstore.findings import Finding

_UTF16 = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CODE = re.compile(r"[^\s\d]*\d\S*", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)


def damaged(kind: str, key: str, message: str = "") -> DamagedError:
    """Return the error that a file cannot be read, with the advice of its kind and its sentence, or another one."""
    return DamagedError(f"{key}: {message or KINDS[kind].sentence}", kind=kind, hint=KINDS[kind].advice)


def plain_text(data: bytes, key: str) -> tuple[bytes, list[Finding]]:
    """Return a file's bytes without a byte-order mark, as UTF-8, with lines that end in LF (CR may stand before it)."""
    if not data:
        raise damaged("empty-file", key)
    found: list[Finding] = []
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
        found.append(KINDS["byte-order-mark"].about(key))
    for mark, encoding in _UTF16:
        if data.startswith(mark):
            try:
                data = data[len(mark) :].decode(encoding).encode()
            except UnicodeError:
                raise damaged("text-damaged", key, "It is marked as UTF-16, but cannot be decoded as that.") from None
            found.append(KINDS["utf-16"].about(key))
    if data[1:2] == b"\0" or data[:1] == b"\0":
        said = "It looks like UTF-16 without a byte-order mark." if data[:16].count(0) == len(data[:16]) // 2 else ""
        raise damaged("text-damaged", key, said)
    if b"\r" in data and b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    return data, found


def platform_named(text: str, codes: Sequence[str] = ()) -> tuple[str, str]:
    """Return the number of a platform; and where it has none, what it is called, which may be a vessel or a person.

    A code, the best first, is a number if it is one word with a digit in it (``MOANA-12``); free text, if it is digits.
    """
    number = next((one for one in codes if _CODE.fullmatch(one)), text if _DIGITS.fullmatch(text) else "")
    return number, "" if number else next((one for one in (*codes, text) if one), "")
