"""Names that no two archives share: none is another's, and no file is where another one needs a folder."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bondstore.vault.room import above

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.ledger import Item, Ledger


class Apart:
    """The names of a page of items, and of all that the ledger has of their job: who had a name first keeps it."""

    def __init__(self, ledger: Ledger | None, job: str, items: Sequence[Item]) -> None:
        self._ledger, self._job = ledger, job
        keys = [item.key for item in items]
        found = ledger.items.known(job, keys) if ledger is not None else {}
        self._known: dict[str, Item | None] = {key: found.get(key) for key in keys}
        self._taken: set[str] = set()
        self._folders: set[str] = set()

    def known(self, key: str) -> Item | None:
        """Return what the ledger has of a name."""
        if key not in self._known:
            found = self._ledger.items.known(self._job, [key]) if self._ledger is not None else {}
            self._known[key] = found.get(key)
        return self._known[key]

    def names(self, item: Item) -> Iterator[str]:
        """Yield names that an item may have: the one it has by now, or those that are free, the nicest first."""
        for key in _names(item.key, item.version):
            old = self.known(key)
            # after a retry an item has no version
            if key not in self._taken and (self._is_free(key) if old is None else old.version in ("", item.version)):
                yield key

    def take(self, key: str) -> None:
        """Note that an item has a name."""
        self._taken.add(key)
        self._folders.update(above(key))

    def _is_free(self, key: str) -> bool:
        below = key in self._folders
        if self._ledger is not None and not below:
            below = next(self._ledger.items.under(self._job, f"{key}/"), None) is not None
        return not below and all(one not in self._taken and self.known(one) is None for one in above(key))


def _names(path: str, version: str) -> Iterator[str]:
    """Yield a path, then others like it: ``a/b``, ``a/b~2``, ``a~2/b``, ``a/b~3``, and at last one by the version.

    Of ten thousand that have one name each is asked about a few names only.
    """
    yield path
    first, slash, rest = path.partition("/")
    for mark in (*range(2, 10), hashlib.sha256(version.encode()).hexdigest()[:16]):
        yield f"{path}~{mark}"
        if slash:
            yield f"{first}~{mark}/{rest}"
