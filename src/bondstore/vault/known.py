"""The newest manifest that this account saw of each vault: an older state that is put back is noticed by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from bondstore.modes import make_folder, refuse_led_away, refuse_writable, write_private
from bondstore.vault.places import known_at

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.config.profiles import StoreSpec


class Seen(NamedTuple):
    """A manifest that was there."""

    number: int
    sha256: str


def seen(spec: StoreSpec) -> Seen | None:
    """Return the newest manifest that was seen of a vault."""
    try:
        noted = json.loads(_place(spec).read_text())
        return Seen(int(noted["number"]), str(noted["sha256"]))
    except (FileNotFoundError, NotADirectoryError):
        return None


def note_seen(spec: StoreSpec, number: int, sha256: str) -> None:
    """Note the newest manifest of a vault."""
    place = _place(spec)
    if not number or seen(spec) == (number, sha256):
        return
    make_folder(place.parent)
    refuse_writable(place.parent)
    refuse_led_away(place)
    noted = {"vault": spec.url, "number": number, "sha256": sha256}
    write_private(place, json.dumps(noted).encode())


def _place(spec: StoreSpec) -> Path:
    return known_at(spec, "vaults").with_suffix(".json")
