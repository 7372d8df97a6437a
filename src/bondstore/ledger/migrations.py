"""From ledgers of earlier versions to the tables of this one, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

# Version 1 kept what an output was made of in one text, in a language of each job's own. What each part meant:
#   planned:SUBJECT   a file that a run was to make again (any job)
#   CHUNKED+ADDED     rows of a rebuilt hour; ``stale`` for one that was to be made again (beiwe.reconcile)
#   TOKEN PART        an image: what tells it from others, and the part that brings it back (screenlake.process)
#   DIGEST|ETAG       a file in a store (ocean.qc)
_TO_2 = """
ALTER TABLE outputs RENAME TO outputs_1;
CREATE TABLE outputs (
  job TEXT NOT NULL, path TEXT NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  rows INTEGER, kind TEXT NOT NULL DEFAULT '', made_by TEXT NOT NULL DEFAULT '', etag TEXT NOT NULL DEFAULT '',
  source TEXT NOT NULL DEFAULT '', rows_added INTEGER, todo TEXT NOT NULL DEFAULT '', run TEXT NOT NULL,
  PRIMARY KEY (job, path)
) STRICT, WITHOUT ROWID;
INSERT INTO outputs SELECT
  job, path, sha256, size, mtime_ns, rows,
  CASE
    WHEN job LIKE 'beiwe.reconcile:%' THEN 'hour'
    WHEN job LIKE 'beiwe.export.%' THEN iif(path LIKE 'tables/%', 'table', 'object')
    WHEN job LIKE 'screenlake.process:%' THEN CASE
      WHEN path LIKE '.bondstore/parts/%' THEN 'part'
      WHEN instr(digest, ' ') > 0 THEN 'image'
      WHEN path LIKE '%/panelists/%' THEN 'panelist'
      ELSE 'report' END
    WHEN job LIKE 'ocean.qc:%' THEN CASE
      WHEN path = 'status.csv' THEN 'status'
      WHEN path LIKE 'parquet/%' THEN 'month'
      WHEN path LIKE 'deployments/%' AND instr(substr(path, 13), '/') = 0 THEN 'deployment'
      WHEN path LIKE '%.json' THEN 'record'
      WHEN path LIKE '%.png' THEN 'plot'
      ELSE 'profile' END
    ELSE ''
  END,
  CASE
    WHEN digest LIKE 'planned:%' OR job LIKE 'beiwe.reconcile:%' THEN ''
    WHEN job LIKE 'screenlake.process:%' AND instr(digest, ' ') > 0 THEN substr(digest, 1, instr(digest, ' ') - 1)
    WHEN job LIKE 'ocean.qc:%' AND instr(digest, '|') > 0 THEN substr(digest, 1, instr(digest, '|') - 1)
    ELSE digest
  END,
  iif(job LIKE 'ocean.qc:%' AND instr(digest, '|') > 0, substr(digest, instr(digest, '|') + 1), ''),
  CASE
    WHEN digest LIKE 'planned:%' THEN substr(digest, 9)
    WHEN job LIKE 'screenlake.process:%' AND instr(digest, ' ') > 0 THEN substr(digest, instr(digest, ' ') + 1)
    ELSE ''
  END,
  iif(job LIKE 'beiwe.reconcile:%' AND instr(digest, '+') > 0,
      CAST(substr(digest, instr(digest, '+') + 1) AS INTEGER), NULL),
  iif(digest LIKE 'planned:%', run, ''),
  run
FROM outputs_1;
DROP TABLE outputs_1;
"""
_TO_4 = """
ALTER TABLE received RENAME TO received_3;
CREATE TABLE received (place INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO received (name) SELECT name FROM received_3 ORDER BY name;
DROP TABLE received_3;
"""
STEPS = {
    1: _TO_2,
    2: "CREATE TABLE received (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    3: _TO_4,
    4: "CREATE INDEX audit_anchors ON audit (key) WHERE action IN ('anchor', 'anchor.new')",
}
"""The statements that lead on from each version."""


def migrate(connection: sqlite3.Connection, target: int) -> None:
    """Bring an open ledger to a version; another process may be doing the same at this moment."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    while version < target:
        for statement in STEPS[version].split(";\n"):
            if statement.strip():
                connection.execute(statement)
        version += 1
        connection.execute(f"PRAGMA user_version={version}")
    connection.execute("COMMIT")
