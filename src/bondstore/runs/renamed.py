"""A folder whose files have other names now than its record has: until they are renamed back, no run writes there."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.errors import IntegrityError, PolicyError
from bondstore.modes import CORNER
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec

NAME = "renamed.json"
_PLACE = "DEST"


@dataclass(frozen=True, slots=True)
class Renamed:
    """What is noted in the private corner for as long as files have other names."""

    back: str
    """The command that renames them back, with ``DEST`` for the folder."""
    sealed: bytes
    """Which names they have, encrypted: the note itself tells none."""

    def to_json(self) -> bytes:
        """Return it as JSON."""
        return json.dumps({"back": self.back, "sealed": self.sealed.hex()}).encode() + b"\n"


def renamed(corner: Path) -> Renamed | None:
    """Return what is noted in a private corner; None where files have the names that the record has."""
    place = corner / NAME
    try:
        said = json.loads(place.read_bytes())
        return Renamed(str(said["back"]), bytes.fromhex(said["sealed"]))
    except OSError:
        return None  # there is none, or only its owner may look: a group that reads the files sees their names anyway
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(
            f"{place} is damaged. It tells which names the files have now.", hint="Bring it back from a backup."
        ) from None


def refuse_renamed(corner: Path, shown: str) -> None:
    """Refuse a place whose files have other names now; `shown` is what a person calls it.

    Raises
    ------
    PolicyError
        It is so.
    """
    there = renamed(corner)
    if there is not None:
        raise PolicyError(
            f"The files in {shown} have other names now than the record has.",
            hint=f"Rename them back first: {there.back.replace(_PLACE, shlex.quote(shown))}",
        )


def refuse_renamed_source(source: StoreSpec) -> None:
    """Refuse to copy a folder, or one inside it, whose files have other names now: those would leave with them."""
    folder = parse_address(source.url).folder
    if folder is not None:
        whole = Path(folder).absolute()
        for one in (whole, *whole.parents):
            refuse_renamed(one / CORNER, str(one))
