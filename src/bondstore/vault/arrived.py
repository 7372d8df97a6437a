"""What an upload that goes on, or was stopped, has brought into a vault, and no manifest names yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from bondstore.errors import ConfigurationError, IntegrityError, NotFoundError, StoreError
from bondstore.runs.destinations import open_destination
from bondstore.vault.manifest import PAYLOAD, Content
from bondstore.vault.records import OBJECT

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store

BEGUN = "begun"
"""In the place of the etag of an object whose upload in parts has begun, and is not whole."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """What the record of a vault's uploads says. Nobody signed it: it proves no object, and tells what came whole."""

    recorded: Mapping[str, Content]
    is_going_on: bool
    """Whether an upload is at it now: what it has put just now may not be recorded yet."""


@lru_cache(maxsize=4)
def arrived_in(spec: StoreSpec, run: str) -> Arrived:  # noqa: ARG001 - asked again by the next run
    """Return what is recorded in a vault; nothing where its record cannot be read."""
    place = open_destination(spec)
    try:
        going_on = place.busy()
        place.refresh()
        if not place.has_record():
            return Arrived({}, going_on)
        with place.ledger(create=False) as ledger:
            found = {
                one.path: Content(one.size, one.sha256.hex()) for one in ledger.outputs.walk() if one.kind == OBJECT
            }
    except (ConfigurationError, IntegrityError, NotFoundError):
        return Arrived({}, is_going_on=False)
    return Arrived(found, going_on)


def unfinished_in(store: Store) -> Iterator[str]:
    """Yield the objects whose upload in parts is not whole, as far as these credentials may list them."""
    if store.resumes:
        try:
            yield from {one.key for one in store.unfinished(PAYLOAD)}
        except (ConfigurationError, StoreError):
            return
