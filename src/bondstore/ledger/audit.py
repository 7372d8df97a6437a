"""The audit chain: who read which object, when, how many bytes, for which run; each entry bound to all before it."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Read:
    """One object read: its key, version (etag) and the bytes that were fetched."""

    key: str
    version: str
    size: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link of the chain.

    Parameters
    ----------
    seq : int
        Position, from 1.
    at_ms : int
        UTC, ms since 1970.
    who : str
        The account on this machine.
    action : str
        ``read``, ``run.start``, ``run.end`` …
    run : str
        The run it was for; empty outside runs.
    key, version : str
        The object; empty for actions on no object.
    size : int
        How many bytes were read.
    hash : bytes
        SHA-256 over the previous hash and this entry.
    """

    seq: int
    at_ms: int
    who: str
    action: str
    run: str
    key: str
    version: str
    size: int
    hash: bytes

    def expected_hash(self, previous: bytes) -> bytes:
        """Return the hash this entry must have after `previous`."""
        return _link(
            previous,
            (self.seq, self.at_ms, self.who, self.action, self.run, self.key, self.version, self.size),
        )


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What `Audit.verify` found.

    Parameters
    ----------
    entries : int
        Entries walked.
    head : bytes
        The last hash: written down elsewhere, it proves later that nothing was cut off.
    broken_at : int or None
        Position of the first entry that does not fit, or None when the chain holds.
    problem : str
        A sentence for a person; empty when the chain holds.
    """

    entries: int
    head: bytes
    broken_at: int | None = None
    problem: str = ""


class Audit:
    """The audit table."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def head(self) -> tuple[int, bytes]:
        """Return position and hash of the last entry; ``(0, 32 zero bytes)`` of an empty chain."""
        row = self._connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, GENESIS)

    def reads(self, who: str, run: str, reads: Iterable[Read]) -> None:
        """Append one ``read`` entry an object. Call inside a transaction of the ledger."""
        self._append(who, run, (("read", r.key, r.version, r.size) for r in reads))

    def event(self, who: str, run: str, action: str, subject: str = "", size: int = 0) -> None:
        """Append an entry that is no read. Call inside a transaction of the ledger."""
        self._append(who, run, [(action, subject, "", size)])

    def _append(self, who: str, run: str, entries: Iterable[tuple[str, str, str, int]]) -> None:
        seq, previous = self.head()
        now = int(time.time() * 1000)
        rows = []
        for action, key, version, size in entries:
            seq += 1
            fields = (seq, now, who, action, run, key, version, size)
            previous = _link(previous, fields)
            rows.append((*fields, previous))
        self._connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def entries(self, *, run: str | None = None, after: int = 0) -> Iterator[AuditEntry]:
        """Yield entries in order; those of one run only where `run` is given."""
        query = "SELECT seq, at_ms, who, action, run, key, version, bytes, hash FROM audit WHERE seq > ?"
        rows = (
            self._connection.execute(query + " ORDER BY seq", (after,))
            if run is None
            else self._connection.execute(query + " AND run = ? ORDER BY seq", (after, run))
        )
        for row in rows:
            yield AuditEntry(*row)

    def verify(self) -> ChainReport:
        """Walk the whole chain, and hold it against what each ended run wrote down of it."""
        anchors = dict(
            self._connection.execute("SELECT audit_seq, audit_hash FROM runs WHERE audit_seq IS NOT NULL").fetchall()
        )
        previous, count = GENESIS, 0
        for entry in self.entries():
            count += 1
            if entry.seq != count:
                return ChainReport(count - 1, previous, count, f"Entry {count} is missing.")
            if entry.hash != entry.expected_hash(previous):
                return ChainReport(count - 1, previous, count, f"Entry {count} was changed.")
            previous = entry.hash
            if anchors.pop(count, previous) != previous:
                return ChainReport(count, previous, count, f"Entry {count} is not the one a run ended with.")
        anchors.pop(0, None)
        if anchors:
            return ChainReport(count, previous, count + 1, "Entries after the last one were cut off.")
        return ChainReport(count, previous)


def _link(previous: bytes, fields: tuple[Any, ...]) -> bytes:
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(previous + text.encode("ascii")).digest()
