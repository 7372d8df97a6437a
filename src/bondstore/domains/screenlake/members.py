"""What the files in a phone's zip are, from their names alone."""

from __future__ import annotations

import re
from typing import Literal

Sort = Literal["image", "table", "junk", "unknown"]

_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"})
_TABLES = frozenset({"", ".csv", ".txt", ".log"})
_DATA = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*?_data)(?![A-Za-z0-9])")
_CSV = re.compile(r"(.+?)_csv(?:_|$)", re.IGNORECASE)
_TAIL = re.compile(r"(?:[_.-]?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+))+$", re.IGNORECASE)


def base_name(name: str) -> str:
    r"""Return the last part of a member's name or of a path on the phone, whichever slashes it has."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def sort_of(name: str) -> Sort:
    """Say what a member is."""
    base = base_name(name)
    if base in {".DS_Store", "Thumbs.db", "desktop.ini"} or base.startswith("._") or "__MACOSX/" in name:
        return "junk"
    ending = _ending(base)
    if ending in _IMAGES:
        return "image"
    if ending in _TABLES and (ending == ".csv" or _DATA.match(base)):
        return "table"
    return "unknown"


def prefix_of(name: str) -> str:
    """Return which table a member is part of: ``screenshot_data`` for ``screenshot_data_csv_<uuid>.csv``."""
    base = base_name(name)
    stem = base[: len(base) - len(_ending(base))]
    found = _DATA.match(stem) or _CSV.match(stem)
    return found[1] if found else _TAIL.sub("", stem) or "table"


def _ending(base: str) -> str:
    stem, dot, ending = base.rpartition(".")
    return f".{ending.lower()}" if dot and stem and len(ending) <= 5 else ""
