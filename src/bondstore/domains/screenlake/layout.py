"""What names say: the key of a phone's zip, parsed and built, and the names of the files in it.

Keys have two shapes: ``academia/tenant/<tenant>/panel/<panel>/<V_nn>/panelist/<panelist>/<name>.zip``, and for those
who share no images ``tenant/<tenant>/<V_nn>/<panelist>/<name>.zip``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bondstore.runs.paths import is_odd_name

MemberKind = Literal["image", "table", "junk", "unknown"]

_VERSION = re.compile(r"[Vv]_?\d+")
_ZIP_ENDING = re.compile(r"(\.zip)+", re.IGNORECASE)
_IMAGES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif"})
_TABLES = frozenset({"", ".csv", ".tsv", ".txt", ".log"})
_DATA = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*?_data)(?![A-Za-z0-9])")
_CSV = re.compile(r"(.+?)_csv(?:_|$)", re.IGNORECASE)
_TAIL = re.compile(r"(?:[_.-]?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+))+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PhoneZip:
    """A zip that a phone uploaded; tenant, panel and version are empty where the key does not name them."""

    key: str
    panelist: str  # the hash that names the folder
    name: str
    tenant: str = ""
    panel: str = ""
    version: str = ""
    may_show: bool = True
    """Whether images may be in it: not in those of people who share none, by the shape of the key."""


@dataclass(frozen=True, slots=True)
class Other:
    """An object that is not a phone's zip."""

    key: str
    reason: Literal["not a zip", "of no panelist", "odd folder"]


def parse_key(key: str, prefix: str = "") -> PhoneZip | Other:
    """Parse a key that is relative to a store; the store's own prefix may begin anywhere in the tree."""
    *folders, name = key.split("/")
    if not _is_zip(name):
        return Other(key, "not a zip")
    path = [*(prefix.split("/") if prefix else ()), *folders]
    place = _place_of_panelist(path)
    if place is None:
        return Other(key, "of no panelist")
    if is_odd_name(path[place]):
        return Other(key, "odd folder")
    return PhoneZip(
        key,
        path[place],
        name,
        _after(path, "tenant"),
        _after(path, "panel"),
        next((part for part in path[:place] if _VERSION.fullmatch(part)), ""),
        "panelist" in path[:-1] or "tenant" not in path,
    )


def build_key(tenant: str, panel: str, version: str, panelist: str, name: str) -> str:
    """Build a key: with a panel in the shape with images, without one in the other."""
    if panel:
        return f"academia/tenant/{tenant}/panel/{panel}/{version}/panelist/{panelist}/{name}"
    return f"tenant/{tenant}/{version}/{panelist}/{name}"


def _is_zip(name: str) -> bool:
    stem = _ZIP_ENDING.sub("", name)
    return name.lower().endswith(".zip") and bool(stem) and not name.startswith("._")


def _place_of_panelist(path: list[str]) -> int | None:
    # the folder behind `panelist`, else the one behind the version, else the zip's own
    if "panelist" in path[:-1]:
        return path.index("panelist") + 1
    versions = [n for n, part in enumerate(path[:-1]) if _VERSION.fullmatch(part)]
    if versions:
        return versions[-1] + 1
    return len(path) - 1 if path else None


def _after(path: list[str], word: str) -> str:
    return path[path.index(word) + 1] if word in path[:-1] else ""


def base_name(name: str) -> str:
    r"""Return the last part of a member's name or of a path on the phone, with ``/`` or ``\`` between the parts."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2]


def kind_of_member(name: str) -> MemberKind:
    """Tell what a file in a zip is, from its name alone."""
    base = base_name(name)
    if base in {".DS_Store", "Thumbs.db", "desktop.ini"} or base.startswith("._") or "__MACOSX/" in name:
        return "junk"
    ending = _ending(base)
    if ending in _IMAGES:
        return "image"
    if ending in _TABLES and (ending in (".csv", ".tsv") or _DATA.match(base)):
        return "table"
    return "unknown"


def prefix_of(name: str) -> str:
    """Return which table a file is part of: ``screenshot_data`` for ``screenshot_data_csv_<uuid>.csv``."""
    base = base_name(name)
    stem = base[: len(base) - len(_ending(base))]
    found = _DATA.match(stem) or _CSV.match(stem)
    return found[1] if found else _TAIL.sub("", stem) or "table"


def _ending(base: str) -> str:
    stem, dot, ending = base.rpartition(".")
    return f".{ending.lower()}" if dot and stem and len(ending) <= 5 else ""
