"""Which parts were made as is asked for today, and which otherwise, because their zips are not to be had any more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.work import Place


@dataclass(frozen=True, slots=True)
class Made:
    """The parts of a panelist.

    Parameters
    ----------
    parts : tuple of str
        Paths of those that are as asked for.
    outdated : mapping of str to str
        Keys of zips, by the paths of their parts, that were made with another handling or other decisions, or altered
        since: they could not be made anew, as the zip is gone from the store or could not be fetched. What they hold is
        kept, and not shown under today's promise.
    digest : str
        Of both.
    """

    parts: tuple[str, ...]
    outdated: Mapping[str, str]
    digest: str

    def waits(self, image: Output) -> bool:
        """Whether an image without a name is one that is kept for a handling like the one it was made with."""
        return image.source in self.outdated


def digest_of(work: str, decided: Mapping[str, str], key: str) -> str:
    """Return what a zip's part was made by: the handling, and the decisions about its images."""
    return hashlib.sha256(f"{work} {decided.get(key, '')}".encode()).hexdigest()


def sort_out(
    ledger: Ledger, place: Place, outputs: Sequence[Output], *, work: str, decided: Mapping[str, str], salt: str
) -> Made:
    """Tell the parts of a panelist that are as asked for from the others, and from those that are gone or altered.

    Parameters
    ----------
    ledger : Ledger
        The destination's ledger.
    place : Place
        The run.
    outputs : sequence of Output
        All parts of the panelist.
    work : str
        `ProcessJob.work_digest`.
    decided : mapping
        From `decisions.digests`.
    salt : str
        What else decides how a panelist's files look.
    """
    keys = ledger.items.keys_of(place.job, [one.path for one in outputs])
    said = hashlib.sha256(salt.encode())
    parts, outdated = [], {}
    for one in outputs:
        key = keys.get(one.path, one.path)
        if one.made_by == digest_of(work, decided, key) and place.destination.holds(one):
            parts.append(one.path)
            said.update(f"\n{one.path} {one.sha256.hex()}".encode())
        else:
            outdated[one.path] = key
            said.update(f"\nwithout {one.path}".encode())
    return Made(tuple(parts), outdated, said.hexdigest())
