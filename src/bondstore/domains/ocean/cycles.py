"""The files of single cycles in a store, by their names: which one holds a float's cycle before another."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from bondstore.ledger import Item, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bondstore.ledger import Ledger

_NAME = re.compile(
    r"(?:.*/)?(?P<mode>[RD])(?P<platform>[0-9]{5,8})_(?P<cycle>[0-9]{3,4})(?P<down>D?)\.nc", re.IGNORECASE
)
"""A file of one cycle. Source: Argo user's manual, section 4.1: <R|D><float>_<cycle>[D].nc."""


class CycleIndex:
    """The single-cycle files of a store by float and cycle, on disk: memory does not grow with their number."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._rows = sqlite3.connect("")  # a private file of its own, gone when it is closed
        self._rows.execute(
            "CREATE TABLE cycles (platform TEXT, cycle INTEGER, down INTEGER, delayed INTEGER, key TEXT, version TEXT,"
            " size INTEGER, PRIMARY KEY (platform, cycle, key)) WITHOUT ROWID"
        )
        named = ((*name, one.key, one.version, one.size) for one in items if (name := _named(one.key)))
        self._rows.executemany("INSERT OR REPLACE INTO cycles VALUES (?, ?, ?, ?, ?, ?, ?)", named)
        self._rows.execute("CREATE TABLE noted (key TEXT PRIMARY KEY) WITHOUT ROWID")

    def before(self, key: str) -> Item | None:
        """Return the file of the float's cycle before that of `key`, in whatever folder; None where there is none.

        Of the highest cycle below it: one of the same direction, then of the same mode (real time or delayed), then the
        delayed one.
        """
        name = _named(key)
        if name is None:
            return None
        platform, cycle, down, delayed = name
        row = self._rows.execute(
            "SELECT key, version, size FROM cycles WHERE platform = ? AND cycle < ?"
            " ORDER BY cycle DESC, down <> ?, delayed <> ?, delayed DESC, key LIMIT 1",
            (platform, cycle, down, delayed),
        ).fetchone()
        return None if row is None else Item(row[0], row[1], row[2], "")

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


def index_of(ledger: Ledger, job: str) -> closing[CycleIndex]:
    """Return an index of what a job has listed and can be read, to be used in a with statement."""
    states = (State.PLANNED, State.DONE)
    return closing(CycleIndex(item for state in states for item in ledger.items.in_state(job, state)))


def is_cycle(key: str) -> bool:
    """Whether an object has the name of a single-cycle file."""
    return _named(key) is not None


def likely_before(key: str) -> tuple[str, ...]:
    """Return the keys that the file of the cycle before would most likely have, in the same folder."""
    match = _NAME.fullmatch(key)
    if match is None or int(match["cycle"]) < 1:
        return ()
    start, cycle = match.start("mode"), int(match["cycle"]) - 1
    modes = dict.fromkeys((match["mode"], "D", "R"))
    return tuple(f"{key[:start]}{mode}{match['platform']}_{cycle:03d}{match['down']}.nc" for mode in modes)


def _named(key: str) -> tuple[str, int, int, int] | None:
    match = _NAME.fullmatch(key)
    if match is None:
        return None
    return match["platform"], int(match["cycle"]), int(bool(match["down"])), int(match["mode"] in "Dd")


def told_of(before: Item | None) -> str:
    """Return what is recorded of an output (`Output.source`): which object its profiles were compared with."""
    return "" if before is None else f"{before.key} {before.version}"
