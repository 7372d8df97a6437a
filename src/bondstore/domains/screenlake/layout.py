"""What the key of a phone's zip says: tenant, panel, app version, panelist. Parsed and built, both ways.

Two shapes are known: ``academia/tenant/<tenant>/panel/<panel>/<V_nn>/panelist/<panelist>/<name>.zip``, and for those
who share no images ``tenant/<tenant>/<V_nn>/<panelist>/<name>.zip``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_VERSION = re.compile(r"[Vv]_?\d+")
_ENDING = re.compile(r"(\.zip)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PhoneZip:
    """A zip that a phone uploaded.

    Parameters
    ----------
    key : str
        Its key, relative to the store.
    panelist : str
        Whose it is: the hash that names the folder.
    name : str
        The last part of the key, such as ``image_zip_<uuid>_50.zip``.
    tenant, panel, version : str
        As the folders say; empty where the store's address or the shape leaves them out.
    """

    key: str
    panelist: str
    name: str
    tenant: str = ""
    panel: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Other:
    """An object that is no phone's zip.

    Parameters
    ----------
    key : str
        Its key.
    reason : {"not a zip", "of no panelist"}
        Why.
    """

    key: str
    reason: Literal["not a zip", "of no panelist"]


def parse_key(key: str, prefix: str = "") -> PhoneZip | Other:
    """Say what a key means.

    Parameters
    ----------
    key : str
        Relative to the store. Any string.
    prefix : str
        The store's own prefix, so that a store may begin anywhere in the tree.
    """
    *folders, name = key.split("/")
    if not _is_zip(name):
        return Other(key, "not a zip")
    path = [*(prefix.split("/") if prefix else ()), *folders]
    place = _place_of_panelist(path)
    if place is None or not path[place]:
        return Other(key, "of no panelist")
    return PhoneZip(
        key,
        path[place],
        name,
        _after(path, "tenant"),
        _after(path, "panel"),
        next((part for part in path[:place] if _VERSION.fullmatch(part)), ""),
    )


def build_key(tenant: str, panel: str, version: str, panelist: str, name: str) -> str:
    """Build a key: with a panel in the shape with images, without one in the other."""
    if panel:
        return f"academia/tenant/{tenant}/panel/{panel}/{version}/panelist/{panelist}/{name}"
    return f"tenant/{tenant}/{version}/{panelist}/{name}"


def _is_zip(name: str) -> bool:
    stem = _ENDING.sub("", name)
    return name.lower().endswith(".zip") and bool(stem) and not name.startswith("._")


def _place_of_panelist(path: list[str]) -> int | None:
    """The folder behind ``panelist``, else the one behind the version, else the zip's own."""
    if "panelist" in path[:-1]:
        return path.index("panelist") + 1
    versions = [n for n, part in enumerate(path[:-1]) if _VERSION.fullmatch(part)]
    if versions:
        return versions[-1] + 1
    return len(path) - 1 if path else None


def _after(path: list[str], word: str) -> str:
    return path[path.index(word) + 1] if word in path[:-1] else ""
