"""Fetching sealed objects in batches, with an eye on keys that moved to their compressed twin."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.layout import twin_keys
from bondstore.errors import HOPELESS, BondstoreError, NoPlaceError, NotFoundError
from bondstore.ledger import Read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.stores import Fetched, Store


@dataclass(frozen=True, slots=True)
class SealedObject:
    """A fetched object."""

    object: BeiweObject  # with the key it was found under
    version: str
    data: memoryview
    size: int

    @property
    def read(self) -> Read:
        """The entry for the audit chain."""
        return Read(self.object.key, self.version, self.size)


def fetch(store: Store, objects: Sequence[BeiweObject]) -> list[SealedObject | BondstoreError]:
    """Fetch objects, each in one piece and small enough to be held together; an error stands in its object's place.

    Raises what every other object will meet, too: the store as a whole gives no answer, or refuses the credentials.
    """
    results: list[SealedObject | BondstoreError] = []
    for obj, found in zip(objects, store.get_many([obj.key for obj in objects]), strict=True):
        lost = isinstance(found, NotFoundError) and not isinstance(found, NoPlaceError)
        answer = _twin(store, obj) if lost else _sealed(obj, found)
        if isinstance(answer, HOPELESS):
            raise answer
        results.append(answer)
    return results


def _sealed(obj: BeiweObject, found: Fetched | BondstoreError) -> SealedObject | BondstoreError:
    if isinstance(found, BondstoreError):
        return found
    return SealedObject(obj, found.info.etag, memoryview(found.data), len(found.data))


def _twin(store: Store, obj: BeiweObject) -> SealedObject | BondstoreError:
    """Look for an object whose key vanished: servers compress on read, which moves ``x.csv`` to ``x.csv.zst``."""
    for key in twin_keys(obj.key):
        try:
            found = store.get(key)
        except NotFoundError:
            continue
        except BondstoreError as error:
            return error
        compression = key[len(obj.key) :] if len(key) > len(obj.key) else ""
        return _sealed(dataclasses.replace(obj, key=key, compression=compression), found)
    return NotFoundError(
        "The object was listed, but is gone now, and so is its compressed twin.", hint="Run the same command again."
    )
