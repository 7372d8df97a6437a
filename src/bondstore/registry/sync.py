"""A participants' CSV brought into a table: all or nothing as far as the database can, again from anywhere else.

A relational database takes everything in one transaction. DynamoDB takes transactions of 100 rows: each holds rows,
their history, and one row of state with the run's id. That row's version is a fence: a sync that another one has
overtaken fails at its next transaction, and plans anew. A sync that was killed in between leaves the state
``running``; the next one does what is left.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bondstore.databases.rows import Change, Row, Value
from bondstore.errors import (
    ChangedError,
    ConfigurationError,
    DamagedError,
    PolicyError,
    TransientStoreError,
    UsageError,
)
from bondstore.registry.history import STATE, entry_of
from bondstore.registry.plan import SyncPlan, make_plan
from bondstore.registry.settings import USUAL_KEY, SyncSettings
from bondstore.registry.sheet import Sheet, read_sheet, weight
from bondstore.runs.tally import Count, Tally
from bondstore.text import iso_text

if TYPE_CHECKING:
    from bondstore.databases.rows import Table
    from bondstore.findings import Finding
    from bondstore.registry.plan import Planned

RUNNING, DONE = "running", "done"
_LOOK = 0.1
_LARGEST = 1 << 20  # bytes; a transaction of DynamoDB holds 4 MiB, names and the state included


@dataclass(frozen=True, slots=True)
class Participants:
    """A table of participants with its history.

    Parameters
    ----------
    rows, history : Table
        The two tables.
    """

    rows: Table
    history: Table

    @property
    def place(self) -> str:
        """Where it is, for messages and the record of reads."""
        return f"{self.rows.url.rstrip('/')}/{self.rows.name}"


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How a sync ended.

    Parameters
    ----------
    run : str
        Its id.
    counts : mapping of str to int
        ``new``, ``changed``, ``reactivated`` and ``inactive``; ``unchanged``: rows of the CSV that change nothing;
        ``damaged`` and ``duplicate``: rows of the CSV that are not taken, or taken before; ``kept``: participants that
        no sound row names and that stay as they are; ``still-inactive``: those that were marked as gone before.
    written : int
        Changes that were written; 0 for a plan only.
    key : tuple of str
        The columns that tell participants apart; empty by row number.
    sha256 : str
        Of the CSV.
    attempts : int
        How often it planned.
    findings : tuple of Finding
        What a person should know.
    """

    run: str
    counts: Mapping[str, int]
    written: int
    key: tuple[str, ...]
    sha256: str
    attempts: int
    findings: tuple[Finding, ...]

    @property
    def tally(self) -> Tally:
        """What became, or for a plan becomes, of the rows of the CSV: taken, as they were before, or damaged."""
        written = sum(self.counts[name] for name in ("new", "changed", "reactivated"))
        return Tally(
            done=Count(written),
            skipped=Count(self.counts["unchanged"] + self.counts["duplicate"]),
            quarantined=Count(self.counts["damaged"]),
        )

    @property
    def taking_part(self) -> int:
        """Participants that are not gone, afterwards."""
        return sum(self.counts[name] for name in ("new", "changed", "reactivated", "unchanged", "kept"))


def sync_participants(
    data: bytes,
    participants: Participants,
    settings: SyncSettings,
    *,
    run: str,
    now: float,
    who: str = "",
    dry_run: bool = False,
    agree: Callable[[SyncResult], None] | None = None,
) -> SyncResult:
    """Bring a CSV into a table and its history, in one database; the same CSV again changes nothing."""
    table, history = participants.rows, participants.history
    sheet = read_sheet(data)
    # to the millisecond: of two syncs in one second it must be told which came first
    at = iso_text(now, "milliseconds")
    digest = hashlib.sha256(data).hexdigest()
    before: Counter[str] = Counter()
    for attempt in range(1, settings.attempts + 1):
        state = _state(history, run, settings.patience * 2 ** (attempt - 1), wait=not dry_run)
        key = _key(settings, state, sheet)
        plan = make_plan(sheet, table.scan() if table.exists() else (), key, now=at, source=settings.source)
        result = SyncResult(run, _with(plan.counts, before), 0, key, digest, attempt, plan.findings)
        _check_gone(plan, settings)
        if dry_run:
            return result
        if agree is not None and plan.changes:
            agree(result)
            agree = None
        about = _Run(run, digest, at, key, sheet.columns, len(plan.changes), who)
        wrote: Counter[str] = Counter()
        history.create()  # only now: who does not agree, or names the wrong columns, gets no tables
        table.create()
        try:
            _write(plan.changes, participants, state, about, wrote)
        except ChangedError:
            before += wrote
            continue
        return replace(result, written=(before + wrote).total())
    raise TransientStoreError(
        f"The table {table.name} was changed by others again and again; what is left was not written.",
        hint="Run the same command again; it goes on where it stopped.",
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What the history says of one sync."""

    run: str
    sha256: str
    at: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    planned: int
    who: str

    def state(self, written: int) -> dict[str, Value]:
        """Return the row of state once so many changes are written."""
        return {
            "run": self.run,
            "sha256": self.sha256,
            "at": self.at,
            "key": json.dumps(list(self.key)),
            "columns": json.dumps(list(self.columns)),
            "planned": self.planned,
            "written": written,
            "state": DONE if written == self.planned else RUNNING,
        }


def _with(counts: Mapping[str, int], before: Mapping[str, int]) -> dict[str, int]:
    """Add what this sync wrote before it had to plan anew: it is found as the same, or as gone before, by now."""
    added = {name: counts[name] + before.get(name, 0) for name in counts}
    added["unchanged"] -= sum(before.get(name, 0) for name in ("new", "changed", "reactivated"))
    added["still-inactive"] -= before.get("inactive", 0)
    return added


def _write(
    changes: Sequence[Planned], participants: Participants, state: Row | None, about: _Run, wrote: Counter[str]
) -> None:
    """Write all changes, in as few transactions as the database allows, and count those that are written."""
    if not changes and state is not None and state.fields.get("state") == DONE:
        return
    version = state.version if state is not None else None
    for some in _batches(changes, participants.rows.most):
        added = [entry_of(one, at=about.at, run=about.run, who=about.who) for one in some]
        rows = [Change(one.key, one.expected, one.new) for one in some]
        # The state's version is the fence: a sync that another one has overtaken fails here, and plans anew.
        fence = Change(STATE, version, about.state(wrote.total() + len(some)))
        participants.rows.apply(rows, also=[(participants.history, [*added, fence])])
        wrote.update(one.action for one in some)
        version = (version or 0) + 1


def _batches(changes: Sequence[Planned], most: int | None) -> Iterator[Sequence[Planned]]:
    """Yield what goes into one transaction: each change takes two rows, and the state one. At least once."""
    if most is None or not changes:
        yield changes
        return
    some: list[Planned] = []
    size = 0
    for one in changes:
        large = weight(one.old) + weight(one.new)
        if some and (len(some) == (most - 1) // 2 or size + large > _LARGEST):
            yield some
            some, size = [], 0
        some.append(one)
        size += large
    yield some


def _state(history: Table, run: str, patience: float, *, wait: bool) -> Row | None:
    """Return the state of the last sync; one of another run that is going on is waited for while it moves."""
    if not history.exists():
        return None
    state, since = history.get(STATE), time.monotonic()
    while wait and state is not None and state.fields.get("state") == RUNNING and state.fields.get("run") != run:
        if time.monotonic() - since > patience:
            break
        time.sleep(min(_LOOK, patience / 4))
        later = history.get(STATE)
        if later is None or later.version != state.version:
            state, since = later, time.monotonic()
    return state


def _key(settings: SyncSettings, state: Row | None, sheet: Sheet) -> tuple[str, ...]:
    """Return the columns of the key: those named, else those of the last sync, else the usual one."""
    last = _last_key(state)
    if settings.by_row_number:
        if settings.key:
            raise UsageError("The key is either made of columns or the row's number.", hint="Leave out one of them.")
        if any(one.swallowed for one in sheet.bad):
            raise DamagedError(
                "The CSV's quotes do not match, or it is cut off: rows cannot be counted.", kind="participants-csv"
            )
        key: tuple[str, ...] = ()
    else:
        key = settings.key or (last if last is not None else USUAL_KEY)
        if not key:
            raise ConfigurationError(
                "Until now the row's number was the key of this table.",
                hint="Add --by-row-number, or name a column with --key-column for a new table.",
            )
        if not set(key) <= set(sheet.columns) or len(set(key)) < len(key):
            missing = len(set(key) - set(sheet.columns))
            raise DamagedError(
                f"The CSV lacks {missing} of the {len(key)} columns that the key is made of.",
                kind="participants-csv",
                hint="Name columns of the CSV's header with --key-column, each once; the separator must be a comma.",
            )
    if last is not None and key != last:
        raise ConfigurationError(
            "The key is made of other columns than at the last sync of this table.",
            hint="Leave out --key-column, or choose a new table with --table.",
        )
    return key


def _last_key(state: Row | None) -> tuple[str, ...] | None:
    if state is None:
        return None
    try:
        found = json.loads(str(state.fields.get("key")))
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigurationError(
            "The history of the table is not one that Bondstore wrote.", hint="Name another table."
        )
    return tuple(found)


def _check_gone(plan: SyncPlan, settings: SyncSettings) -> None:
    gone = plan.counts["inactive"]
    if gone * 2 > plan.active and not settings.allow_many_gone:
        raise PolicyError(
            f"{gone} of {plan.active} participants are missing in the CSV; so many are not marked as gone unasked.",
            hint="Check that the export is whole. If they did leave, add --allow-many-gone.",
        )
