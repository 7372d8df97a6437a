"""What a CSV would change in a table of participants; computed, nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bondstore.databases.rows import Row, Value
from bondstore.errors import ConfigurationError
from bondstore.findings import Finding, FindingKind
from bondstore.registry import findings
from bondstore.registry.identity import Identity, identity_of, normal, user_id
from bondstore.registry.settings import GONE
from bondstore.registry.sheet import BadRow, Sheet

Action = Literal["new", "changed", "reactivated", "inactive"]
ACTIONS: tuple[Action, ...] = ("new", "changed", "reactivated", "inactive")


@dataclass(frozen=True, slots=True)
class Planned:
    """One change."""

    action: Action
    key: int
    expected: int | None  # the version of the row as it is; None for a new one
    old: Mapping[str, Value] = field(repr=False)
    new: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SyncPlan:
    """What a CSV would change."""

    changes: tuple[Planned, ...]  # by number
    counts: Mapping[str, int]  # see `SyncResult`
    active: int  # participants in the table that are not gone, before
    findings: tuple[Finding, ...]


def make_plan(sheet: Sheet, table: Iterable[Row], key: Sequence[str], *, now: str, source: str) -> SyncPlan:
    """Compare a CSV with a table; with no key the row's number, from 1 below the header, tells participants apart."""
    rows = {int(row.key): row for row in table}
    known = _known(rows, key)
    wanted, bad, repeated = _wanted(sheet, key)
    matched, changes, same = _match(wanted, rows, known, key)
    active = {number for number, row in rows.items() if GONE not in row.fields}
    missing = active - matched
    guarded, withheld = _guarded(bad, known, key)
    gone = set() if withheld else missing - guarded
    changes += [
        Planned("inactive", number, rows[number].version, rows[number].fields, {**rows[number].fields, GONE: now})
        for number in gone
    ]
    found = [kind.about(source, message=message) for kind, message in sheet.assumed]
    found += [one.kind.about(source, where=f"row {one.number}") for one in bad]
    found += [findings.REPEATED.about(source, where=f"row {number}") for number in repeated]
    if withheld and missing:
        found.append(findings.WITHHELD.about(source, count=len(missing)))
    lost = _lost_columns(sheet, (rows[number] for number in active))
    if lost and sheet.rows:
        found.append(findings.COLUMNS.about(source, count=lost))
    actions = Counter(one.action for one in changes)
    counts = {name: actions[name] for name in ACTIONS} | {
        "unchanged": same,
        "damaged": len(bad),
        "duplicate": len(repeated),
        "kept": len(missing) - len(gone),
        "still-inactive": len(rows) - len(active) - actions["reactivated"],
    }
    return SyncPlan(tuple(sorted(changes, key=lambda one: one.key)), counts, len(active), tuple(found))


def _identity(number: int, fields: Mapping[str, Value], key: Sequence[str]) -> Identity | None:
    """Return what tells the participant of a row apart; the header is row 1."""
    return identity_of(fields, key) if key else (str(number - 1),)


def _known(rows: Mapping[int, Row], key: Sequence[str]) -> dict[Identity, int]:
    """Return the number of each identity in the table; of two the one that is not gone, then the lower one."""
    if not key:
        return {(str(number),): number for number in rows}
    found: dict[Identity, int] = {}
    for number in sorted(rows, key=lambda number: (GONE in rows[number].fields, number)):
        identity = identity_of(rows[number].fields, key)
        if identity is not None:
            found.setdefault(identity, number)
    return found


def _wanted(sheet: Sheet, key: Sequence[str]) -> tuple[dict[Identity, Mapping[str, str]], list[BadRow], list[int]]:
    """Return the sound rows by identity, the rows that cannot be taken, and the numbers of repeated ones."""
    wanted: dict[Identity, Mapping[str, str]] = {}
    first: dict[Identity, int] = {}
    twice: set[Identity] = set()
    bad, repeated = list(sheet.bad), []

    def refuse(number: int, kind: FindingKind, fields: Mapping[str, str]) -> None:
        bad.append(BadRow(number, kind, tuple(fields.values()), fields))

    for row in sheet.rows:
        identity = _identity(row.number, row.fields, key)
        if identity is None:
            refuse(row.number, findings.NO_KEY, row.fields)
        elif identity not in first:
            first[identity], wanted[identity] = row.number, row.fields
        elif wanted.get(identity) == row.fields:
            repeated.append(row.number)
        else:
            if identity not in twice:
                twice.add(identity)
                refuse(first[identity], findings.TWICE, wanted[identity])
            refuse(row.number, findings.TWICE, row.fields)
    for identity in twice:
        del wanted[identity]
    return wanted, sorted(bad, key=lambda one: one.number), repeated


def _match(
    wanted: Mapping[Identity, Mapping[str, str]],
    rows: Mapping[int, Row],
    known: Mapping[Identity, int],
    key: Sequence[str],
) -> tuple[set[int], list[Planned], int]:
    """Return the numbers of participants that the CSV names, the changes to them, and how many are the same."""
    changes: list[Planned] = []
    taken = {known[identity] for identity in wanted if identity in known}
    same = 0
    for identity, fields in wanted.items():
        number = known.get(identity)
        if number is None:
            number = user_id(identity) if key else int(identity[0])
            held = rows.get(number)
            if number in taken or (held is not None and _is_own(held, key)):
                raise ConfigurationError(
                    "Two participants would get the same number.", hint="Make the key from other or more columns."
                )
            taken.add(number)
        row = rows.get(number)
        if row is None:
            changes.append(Planned("new", number, None, {}, fields))
        elif dict(row.fields) == dict(fields):
            same += 1
        else:
            changes.append(
                Planned("reactivated" if GONE in row.fields else "changed", number, row.version, row.fields, fields)
            )
    return taken, changes, same


def _is_own(row: Row, key: Sequence[str]) -> bool:
    """Tell whether a row's number is that of its own identity: then nobody else can have it."""
    identity = identity_of(row.fields, key)
    return identity is not None and user_id(identity) == row.key


def _guarded(bad: Sequence[BadRow], known: Mapping[Identity, int], key: Sequence[str]) -> tuple[set[int], bool]:
    """Return whom the damaged rows may be about, and whether that cannot be told of one of them.

    In a damaged row cells stand at other places than they should: everybody counts whose key stands anywhere in it.
    """
    guarded: set[int] = set()
    withheld = False
    for one in bad:
        exact = _identity(one.number, one.fields or {}, key)
        if exact is not None and not one.swallowed:
            guarded |= {known[exact]} if exact in known else set()
            continue
        # A comma inside a value may have split it: two cells side by side count as one, too.
        cells = {normal(cell) for cell in (*one.cells, *map(",".join, zip(one.cells, one.cells[1:], strict=False)))}
        about = {number for identity, number in known.items() if cells.issuperset(identity)}
        guarded |= about
        withheld = withheld or one.swallowed or not about
    return guarded, withheld


def _lost_columns(sheet: Sheet, rows: Iterable[Row]) -> int:
    return len({name for row in rows for name in row.fields} - set(sheet.columns) - {GONE})
