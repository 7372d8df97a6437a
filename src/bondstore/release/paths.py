"""Which relative paths may be named where something is released; anything odd is refused, not repaired."""

from __future__ import annotations

_LONGEST = 900  # bytes: object stores allow 1,024, and DEST's own prefix comes before it
_LONGEST_PART = 200


def is_plain_path(path: str) -> bool:
    """Say whether a path is relative, stays below its folder, names nothing hidden and holds no odd sign.

    Parameters
    ----------
    path : str
        With ``/`` between its parts. No part may be empty, start with a dot (``..`` and private corners such as
        ``.bondstore`` among them), hold a backslash, a control sign or one that turns the direction of text, or be
        longer than 200 bytes; the whole not longer than 900.
    """
    if not path or not path.isprintable() or "\\" in path:
        return False
    try:
        parts = [part.encode() for part in path.split("/")]
    except UnicodeEncodeError:
        return False
    if sum(map(len, parts)) + len(parts) - 1 > _LONGEST:
        return False
    return all(
        part and not part.startswith((b".", b" ")) and not part.endswith(b" ") and len(part) <= _LONGEST_PART
        for part in parts
    )
