"""What files are called for a hospital's viewer: by the person's name, not the code; equal names are told apart."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING

from bondstore.domains.neuro.layout import folded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bondstore.deid.crosswalk import Entry

_REFUSED = frozenset('/\\:*?"<>|')
"""Characters that some file system, or the share of a hospital, refuses in names."""
_LONGEST = 150
"""Bytes of a name: a file system takes 255, and numbers and endings come behind it."""
_OURS = frozenset({"records", "recordings.csv", ".bondstore"})


def shown_names(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the name of each subject by code, as folders and files begin with it.

    It is the first spelling that the crosswalk has. The code follows it where a folder would have the name of another
    one, also for file systems that ignore case; and stays alone where a subject has no name.
    """
    plain = {one.code: _usable(next(iter(one.person.names), "")) or one.code for one in entries}
    owners = Counter(folder for name in plain.values() for folder in _folders(name))
    codes = {folder: code for code in plain for folder in _folders(code)}
    chosen = {}
    for code, name in plain.items():
        told_apart = f"{name}_{code}"
        if _is_free(name, code, codes) and all(owners[one] == 1 for one in _folders(name)):
            chosen[code] = name
        elif _is_free(told_apart, code, codes) and not any(owners[one] for one in _folders(told_apart)):
            chosen[code] = told_apart
        else:
            chosen[code] = code
    return chosen


def code_of(path: str) -> str:
    """Return the code that a result is under."""
    return path.partition("/")[0].removesuffix("_edf")


def _is_free(name: str, code: str, codes: Mapping[str, str]) -> bool:
    return all(one not in _OURS and codes.get(one, code) == code for one in _folders(name))


def _folders(name: str) -> frozenset[str]:
    """Return the folders of a subject, as file systems that ignore case see them."""
    return frozenset({folded(name), folded(f"{name}_edf")})


def _usable(name: str) -> str:
    """Return a name as a folder can have it: without what file systems refuse, not hidden, and not too long."""
    whole = unicodedata.normalize("NFC", name)
    safe = "".join("_" if one in _REFUSED or not one.isprintable() else one for one in whole)
    return safe.encode()[:_LONGEST].decode("utf-8", "ignore").strip(" .")
