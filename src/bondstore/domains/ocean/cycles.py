"""The files of single cycles in a store, by their names: which of them hold a float's cycles before another."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import TYPE_CHECKING

from bondstore.domains.ocean.earlier import LOOK_BACK
from bondstore.errors import NotFoundError
from bondstore.ledger import Item, State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from bondstore.ledger import Ledger
    from bondstore.stores import ObjectInfo, Store

_NAME = re.compile(
    r"(?:.*/)?(?P<mode>[RD])(?P<platform>[0-9]{5,8})_(?P<cycle>[0-9]{3,4})(?P<down>D?)(?P<made>_qc)?\.nc",
    re.IGNORECASE,
)
"""A file of one cycle, or what quality control made of it. Source: Argo user's manual, section 4.1:
<R|D><float>_<cycle>[D].nc."""


class CycleIndex:
    """The single-cycle files of a store by float and cycle, on disk: memory does not grow with their number."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._rows = sqlite3.connect("")  # a private file of its own, gone when it is closed
        self._rows.execute(
            "CREATE TABLE cycles (platform TEXT, cycle INTEGER, down INTEGER, delayed INTEGER, made INTEGER, key TEXT,"
            " version TEXT, size INTEGER, PRIMARY KEY (platform, cycle, key)) WITHOUT ROWID"
        )
        named = ((*name, one.key, one.version, one.size) for one in items if (name := _named(one.key)))
        self._rows.executemany("INSERT OR REPLACE INTO cycles VALUES (?, ?, ?, ?, ?, ?, ?, ?)", named)
        self._rows.execute("CREATE TABLE noted (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def earlier(self, key: str) -> dict[int, Item]:
        """Return one file of each of the float's cycles before that of `key`, nearest first, in whatever folder.

        Of several files of a cycle: a raw one for a raw one, then one of the same direction, then of the same mode
        (real time or delayed), then the delayed one.
        """
        name = _named(key)
        if name is None:
            return {}
        platform, cycle, down, delayed, made = name
        rows = self._rows.execute(
            "SELECT cycle, key, version, size FROM cycles WHERE platform = ? AND cycle < ? AND cycle >= ?"
            " ORDER BY cycle DESC, made <> ?, down <> ?, delayed <> ?, delayed DESC, key",
            (platform, cycle, cycle - LOOK_BACK, made, down, delayed),
        )
        found: dict[int, Item] = {}
        for number, file, version, size in rows:
            found.setdefault(number, Item(file, version, size, ""))
        return found

    def later(self, key: str) -> list[str]:
        """Return the files of the float's cycles that `key` is among the earlier ones of, by key."""
        name = _named(key)
        if name is None:
            return []
        rows = self._rows.execute(
            "SELECT key FROM cycles WHERE platform = ? AND cycle > ? AND cycle <= ? ORDER BY key",
            (name[0], name[1], name[1] + LOOK_BACK),
        )
        return [row[0] for row in rows]

    def note(self, keys: Iterable[str]) -> None:
        """Remember some keys."""
        self._rows.executemany("INSERT OR IGNORE INTO noted VALUES (?)", ((key,) for key in keys))

    def noted(self, page: int) -> Iterator[list[str]]:
        """Yield the keys that were noted, in their order, so many at a time."""
        last = ""
        while rows := self._rows.execute(
            "SELECT key FROM noted WHERE key > ? ORDER BY key LIMIT ?", (last, page)
        ).fetchall():
            yield [row[0] for row in rows]
            last = rows[-1][0]

    def close(self) -> None:
        """Let go of it."""
        self._rows.close()


class FilesBefore:
    """Says of each file which ones hold the float's cycles before it: the one place where that is decided."""

    def __init__(self, index: CycleIndex, store: Store | None = None) -> None:
        """Look in what was listed; with a store also there, by the likely names: where not all of it was listed."""
        self.index = index
        self._head = None if store is None else lru_cache(4096)(_asked(store))

    def of(self, key: str, told: str | None = None) -> tuple[Item, ...]:
        """Return them, nearest first; one file of each cycle, up to `LOOK_BACK` cycles before.

        Where the file was compared with all that was listed (`told` by `told_of`), the store is not asked for more.
        """
        found = self.index.earlier(key)
        if self._head is None or told == told_of(tuple(found.values())):
            return tuple(found.values())
        for number, names in likely_names(key, -1).items():
            if number not in found and (there := self._first(names)) is not None:
                found[number] = Item(there.key, there.etag, there.size, "")
        return tuple(found[number] for number in sorted(found, reverse=True))

    def after(self, key: str) -> list[ObjectInfo]:
        """Return what the store has of the float's cycles that `key` is among the earlier ones of."""
        every = [*self.index.later(key), *(name for names in likely_names(key, 1).values() for name in names)]
        return [found for name in dict.fromkeys(every) if self._head and (found := self._head(name)) is not None]

    def head(self, key: str) -> ObjectInfo | None:
        """Return what the store says of an object; None where it is not there, or where no store is asked."""
        return self._head(key) if self._head is not None else None

    def _first(self, names: Sequence[str]) -> ObjectInfo | None:
        return next((found for name in names if (found := self.head(name)) is not None), None)


def _asked(store: Store) -> Callable[[str], ObjectInfo | None]:
    def head(key: str) -> ObjectInfo | None:
        with suppress(NotFoundError):
            return store.head(key)
        return None

    return head


@contextmanager
def files_before(ledger: Ledger, job: str, store: Store | None, *, listed: bool = True) -> Iterator[FilesBefore]:
    """Give what decides by all that a job has listed and can be read; with a store, by what that has too."""
    states = (State.PLANNED, State.DONE) if listed else ()
    index = CycleIndex(item for state in states for item in ledger.items.in_state(job, state))
    try:
        yield FilesBefore(index, store)
    finally:
        index.close()


def is_cycle(key: str) -> bool:
    """Whether an object has the name of a single-cycle file."""
    return _named(key) is not None


def likely_names(key: str, step: int) -> dict[int, tuple[str, ...]]:
    """Return the keys that the files of the cycles before (step -1) or after (1) would have, in the same folder."""
    match = _NAME.fullmatch(key)
    if match is None:
        return {}
    start, cycle = key[: match.start("mode")], int(match["cycle"])
    modes = dict.fromkeys((match["mode"], "D", "R"))
    end = f"{match['down']}{match['made'] or ''}.nc"
    numbers = (cycle + step * one for one in range(1, LOOK_BACK + 1))
    return {
        number: tuple(f"{start}{mode}{match['platform']}_{number:03d}{end}" for mode in modes)
        for number in numbers
        if number >= 0
    }


def _named(key: str) -> tuple[str, int, int, int, int] | None:
    match = _NAME.fullmatch(key)
    if match is None:
        return None
    down, delayed, made = bool(match["down"]), match["mode"] in "Dd", bool(match["made"])
    return match["platform"], int(match["cycle"]), int(down), int(delayed), int(made)


def told_of(before: Sequence[Item]) -> str:
    """Return what is recorded of an output (`Output.source`): a digest of what its profiles were compared with."""
    named = [(one.key, one.version) for one in before]
    return hashlib.sha256(repr(named).encode()).hexdigest() if named else ""
