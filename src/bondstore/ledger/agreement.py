"""Whether the tables still say what the audit chain says: a row that somebody changed is found, however late."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bondstore.ledger.audit import COMPLETE
from bondstore.ledger.runs import COUNTS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from bondstore.findings import Finding


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A row that is not what the chain says, or that it says should be there."""

    table: str
    """``outputs``, ``items``, ``findings`` or ``runs``."""
    name: str
    """Its path, key or run."""


def finding_version(finding: Finding) -> str:
    """Return what the chain holds of a finding: its kind and place, and a hash of all it says."""
    return _finding_version(finding.kind, finding.where, finding.severity.value, finding.message, finding.count)


def tally_digest(state: str, objects: Mapping[str, int], sizes: Mapping[str, int]) -> str:
    """Return what the chain holds of a run's tally."""
    return _digest(state, *(objects[name] for name in COUNTS), *(sizes[name] for name in COUNTS))


def disagreements(connection: sqlite3.Connection) -> Iterator[Disagreement]:
    """Compare each row with the last that the chain, which must be proved before, says of it.

    Rows of runs whose start is not marked as complete are of earlier versions, and not in the chain. Objects that are
    planned are compared once something became of them.
    """
    for table, query in _QUERIES.items():
        for (name,) in connection.execute(query):
            yield Disagreement(table, name)
    yield from _findings(connection)
    yield from _runs(connection)


# With max() SQLite takes the other columns from the row that has the maximum.
_LAST = """
  SELECT begun.job, audit.key, audit.action, audit.version, audit.bytes, max(audit.seq)
  FROM audit JOIN begun ON begun.run = audit.run WHERE audit.action IN ({actions}) GROUP BY begun.job, audit.key
"""
# Which job a run did is taken from the chain: whoever drops a run from its table does not drop what it did.
_BEGUN = "SELECT run, key AS job, min(seq) AS seq FROM audit WHERE action = 'run.start' GROUP BY run"
_OUTCOMES = "'done', 'quarantined', 'failed', 'noted-done', 'noted-planned'"
_COMPLETE = f"""
  SELECT run FROM (SELECT run, version, min(seq) FROM audit WHERE action = 'run.start' GROUP BY run)
  WHERE version = '{COMPLETE}'
"""
_QUERIES = {
    "outputs": f"""
  WITH begun AS MATERIALIZED ({_BEGUN}), said AS ({_LAST.format(actions="'write', 'remove'")})
  SELECT path FROM outputs LEFT JOIN said ON said.job = outputs.job AND said.key = outputs.path
  WHERE sha256 <> x'' AND iif(
    said.key IS NULL,
    outputs.run IN ({_COMPLETE}) OR outputs.run NOT IN (SELECT id FROM runs),
    said.action = 'remove' OR said.version <> lower(hex(sha256)) OR said.bytes <> outputs.size
  )
  UNION ALL
  SELECT said.key FROM said LEFT JOIN outputs ON outputs.job = said.job AND outputs.path = said.key
  WHERE said.action = 'write' AND said.version <> '' AND (outputs.path IS NULL OR sha256 = x'')
  ORDER BY 1
""",
    "items": f"""
  WITH begun AS MATERIALIZED ({_BEGUN}), said AS ({_LAST.format(actions=_OUTCOMES)})
  SELECT items.key FROM items LEFT JOIN said ON said.job = items.job AND said.key = items.key
  WHERE items.state <> 'planned' AND iif(
    said.key IS NULL,
    items.run IN ({_COMPLETE}) OR items.run NOT IN (SELECT id FROM runs),
    replace(said.action, 'noted-', '') <> items.state OR items.version NOT IN ('', said.version)
  )
  ORDER BY 1
""",
}


def _findings(connection: sqlite3.Connection) -> Iterator[Disagreement]:
    complete = {run for (run,) in connection.execute(_COMPLETE)}
    # Both in the same order. An outcome, or another look, clears what was found before.
    said = connection.execute(
        f"WITH begun AS MATERIALIZED ({_BEGUN})"
        " SELECT begun.job, audit.key, iif(action = 'finding', audit.version, '')"
        " FROM audit JOIN begun ON begun.run = audit.run WHERE action IN"
        " ('done', 'quarantined', 'failed', 'looked', 'finding') ORDER BY begun.job, audit.key, audit.seq"
    )
    rows = connection.execute(
        "SELECT job, key, kind, place, severity, message, count, run FROM findings ORDER BY job, key"
    )
    there = groupby(rows, key=lambda row: row[:2])
    now = next(there, None)
    for name, entries in groupby(said, key=lambda entry: entry[:2]):
        while now is not None and now[0] < name:
            yield from _unsaid(now, complete)
            now = next(there, None)
        due: dict[str, str] = {}
        for _, _, version in entries:
            if version:
                due[version.rpartition("#")[0]] = version
            else:
                due.clear()
        found: set[str] = set()
        if now is not None and now[0] == name:
            found.update(_finding_version(*row[2:7]) for row in now[1] if row[7] in complete)
            now = next(there, None)
        if found != set(due.values()):
            yield Disagreement("findings", name[1])
    while now is not None:
        yield from _unsaid(now, complete)
        now = next(there, None)


def _unsaid(group: tuple[Any, Iterator[tuple[Any, ...]]], complete: set[str]) -> Iterator[Disagreement]:
    if any(row[7] in complete for row in group[1]):
        yield Disagreement("findings", group[0][1])


def _runs(connection: sqlite3.Connection) -> Iterator[Disagreement]:
    columns = ", ".join([*COUNTS, *(f"{name}_bytes" for name in COUNTS)])
    # Of one that was taken up again and killed then, the end that it once had counts no more.
    last = connection.execute(
        f"SELECT said.run, said.action, said.version, id, job, said.key, runs.state, {columns} FROM"
        " (SELECT run, action, version, key, max(seq) FROM audit WHERE action IN ('run.start', 'run.end') GROUP BY run)"
        " AS said LEFT JOIN runs ON said.run = id ORDER BY said.run"
    )
    for run, action, version, known, job, key, state, *tally in last:
        ended = action == "run.end" and version
        if known is None or (ended and _digest(state, *tally) != version) or (action == "run.start" and job != key):
            yield Disagreement("runs", run)


def _finding_version(kind: str, place: str, severity: str, message: str, count: int) -> str:
    return f"{kind}@{place}#{_digest(severity, message, count)}"


def _digest(*values: str | int) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()
