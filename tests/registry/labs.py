from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bondstore.databases import Row, Table
from bondstore.registry import SyncResult, SyncSettings, sync_participants
from bondstore.registry.history import HistoryEntry, entries
from bondstore.registry.settings import GONE
from bondstore.registry.sync import Participants

PATIENCE = 0.05


@dataclass
class Lab:
    """A table of participants, what is done to it, and what is in it."""

    kind: str
    open: Callable[[], tuple[Any, Any]]
    runs: Any = field(default_factory=lambda: itertools.count(1))

    def sync(self, data: bytes, *, tables: tuple[Table, Table] | None = None, **settings: Any) -> SyncResult:
        number = next(self.runs)
        dry_run = settings.pop("dry_run", False)
        rows, history = tables or self.open()
        return sync_participants(
            data,
            Participants(rows, history),
            SyncSettings(**{"patience": PATIENCE, **settings}),
            run=f"run-{number}",
            now=1_700_000_000.0 + number,
            who="tester",
            dry_run=dry_run,
        )

    def rows(self) -> list[Row]:
        return sorted(self.open()[0].scan(), key=lambda row: row.key)

    def active(self) -> dict[str, Mapping[str, Any]]:
        """The participants that are not gone, by vessel's number."""
        return {str(row.fields["Vessel number"]): row.fields for row in self.rows() if GONE not in row.fields}

    def gone(self) -> set[str]:
        return {str(row.fields["Vessel number"]) for row in self.rows() if GONE in row.fields}

    def numbers(self) -> dict[str, int]:
        return {str(row.fields["Vessel number"]): int(row.key) for row in self.rows()}

    def history(self, number: int | None = None) -> list[HistoryEntry]:
        return entries(self.open()[1], number)

    def everything(self) -> tuple[list[Row], list[Row]]:
        rows, history = self.open()
        return (sorted(rows.scan(), key=lambda r: r.key), sorted(history.scan(), key=lambda r: r.key))
