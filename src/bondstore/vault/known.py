"""The newest manifest that this account saw of each vault: an older state that is put back is noticed by it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from bondstore.errors import IntegrityError
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
    """Return the newest manifest that was seen of a vault. Raises IntegrityError where the note of it is damaged."""
    place = known_manifest(spec)
    try:
        noted = json.loads(place.read_text())
        return Seen(int(noted["number"]), str(noted["sha256"]))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(
            f"{place}, which names the newest manifest that you saw of {spec.url}, is damaged.",
            hint="Compare the vault's manifests with a backup. Then move that file away, and run the command again.",
        ) from None


def note_seen(spec: StoreSpec, number: int, sha256: str) -> None:
    """Note the newest manifest of a vault. One that is newer, noted by another run meanwhile, stays."""
    place, before = known_manifest(spec), seen(spec)
    if number <= (before.number if before is not None else 0):
        return
    make_folder(place.parent)
    refuse_writable(place.parent)
    refuse_led_away(place)
    noted = {"vault": spec.url, "number": number, "sha256": sha256}
    write_private(place, json.dumps(noted).encode())


def known_manifest(spec: StoreSpec) -> Path:
    """Return the file that notes the newest manifest of a vault."""
    folder = known_at(spec, "vaults")
    return folder.with_name(f"{folder.name}.json")  # a suffix would take the place of what follows a dot
