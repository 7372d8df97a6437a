"""What became of each participant: one entry a change, with the fields as they were before; never changed again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bondstore.databases.rows import Change, Row, Value
from bondstore.errors import ConfigurationError
from bondstore.registry.settings import GONE

if TYPE_CHECKING:
    from bondstore.databases.rows import Table
    from bondstore.registry.plan import Planned

STATE = "~sync"
"""The key of the one row of a history that is no entry: how far the last sync came."""
_EARLIER = {"back": "reactivated", "gone": "inactive"}
"""Actions as histories of earlier versions have them, and their words today."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of one participant."""

    user_id: int
    version: int  # of the row that the change made
    action: str
    at: str  # UTC
    run: str
    who: str
    old: Mapping[str, Value] = field(repr=False)  # the fields before; empty for a new participant


def entry_of(planned: Planned, *, at: str, run: str, who: str) -> Change:
    """Return the change that adds an entry to the history."""
    version = (planned.expected or 0) + 1
    fields: dict[str, Value] = {
        "user_id": planned.key,
        "version": version,
        "action": planned.action,
        "at": at,
        "run": run,
        "who": who,
        "old": json.dumps(dict(planned.old), sort_keys=True, ensure_ascii=False),
    }
    # With the run in it: a row that somebody took away and that came back starts again at version 1.
    return Change(f"{planned.key}#{version:08d}#{run}", None, fields)


def entries(history: Table, user_id: int | None = None) -> list[HistoryEntry]:
    """Return the history, oldest first."""
    found = [_entry(row) for row in _rows(history) if user_id is None or row.fields.get("user_id") == user_id]
    return sorted(found, key=lambda one: (one.at, one.user_id, one.version))


def differing(old: Mapping[str, Value], new: Mapping[str, Value]) -> tuple[str, ...]:
    """Return the names of the columns that two states of a row do not share, sorted; the mark of being gone is none."""
    names = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    return tuple(sorted(names - {GONE}))


def _rows(history: Table) -> Iterator[Row]:
    return (row for row in history.scan() if row.key != STATE)


def _entry(row: Row) -> HistoryEntry:
    fields = row.fields
    try:
        old = json.loads(str(fields["old"]))
        return HistoryEntry(
            user_id=int(fields["user_id"] or 0),
            version=int(fields["version"] or 0),
            action=_EARLIER.get(str(fields["action"]), str(fields["action"])),
            at=str(fields["at"]),
            run=str(fields["run"]),
            who=str(fields["who"]),
            old=dict(old),
        )
    except (KeyError, TypeError, ValueError):
        # the cause's text may hold a value
        raise ConfigurationError("The table is no history of participants.", hint="Check its name.") from None
