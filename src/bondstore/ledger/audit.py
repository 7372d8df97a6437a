"""The audit chain: who read which object, when, how many bytes, for which run; each entry bound to all before it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

GENESIS = bytes(32)
COMPLETE = "2"
"""What the start of a run says whose outputs, outcomes and findings are all in the chain; earlier ones say nothing."""
_OF_RESULTS = ("write", "remove", "done", "quarantined", "failed", "looked", "finding", "noted-done", "noted-planned")


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
        ``read``, ``run.start``, ``run.end``; ``write`` and ``remove`` of an output; ``done``, ``quarantined`` or
        ``failed`` of an object …
    run : str
        The run it was for; empty outside runs.
    key, version : str
        The object; empty for actions on no object. Of an output its path, and the SHA-256 of its content.
    size : int
        How many bytes were read or written.
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
        """Return the hash this entry must have after `previous`; of what is no text in the place of one, none."""
        fields = (self.seq, self.at_ms, self.who, self.action, self.run, self.key, self.version, self.size)
        try:
            return _link(previous, fields)
        except TypeError:  # somebody made the table anew, without types
            return b""


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

    def reads(self, who: str, run: str, reads: Iterable[Read], *, at_ms: int | None = None) -> None:
        """Append one ``read`` entry an object. Call inside a transaction of the ledger."""
        self.add(who, run, (("read", r.key, r.version, r.size) for r in reads), at_ms=at_ms)

    def event(
        self,
        who: str,
        run: str,
        action: str,
        subject: str = "",
        size: int = 0,
        *,
        version: str = "",
        at_ms: int | None = None,
    ) -> None:
        """Append an entry that is no read. Call inside a transaction of the ledger."""
        self.add(who, run, [(action, subject, version, size)], at_ms=at_ms)

    def add(
        self, who: str, run: str, entries: Iterable[tuple[str, str, str, int]], *, at_ms: int | None = None
    ) -> None:
        """Append entries, each an action, a key, a version and a size. Call inside a transaction of the ledger."""
        seq, previous = self.head()
        now = int(time.time() * 1000) if at_ms is None else at_ms
        rows = []
        for action, key, version, size in entries:
            seq += 1
            fields = (seq, now, who, action, run, key, version, size)
            previous = _link(previous, fields)
            rows.append((*fields, previous))
        self._connection.executemany("INSERT INTO audit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def last_run(self) -> str:
        """Return the run the last entry was for; empty where there is none."""
        row = self._connection.execute("SELECT run FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
        return str(row[0]) if row else ""

    def hash_at(self, seq: int) -> bytes | None:
        """Return the hash of the entry at a position; None where there is none."""
        row = self._connection.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
        return row[0] if row else None

    def position(self, digest: bytes) -> int | None:
        """Return the position of the entry with this hash, 0 for the start of every chain, or None."""
        if digest == GENESIS:
            return 0
        row = self._connection.execute("SELECT seq FROM audit WHERE hash = ?", (digest,)).fetchone()
        return row[0] if row else None

    def written(self, paths: Sequence[str]) -> set[tuple[str, str]]:
        """Return what was ever written at these paths: each with the SHA-256 of a content, in hex."""
        rows = self._connection.execute(
            "SELECT key, version FROM audit WHERE action = 'write' AND key IN (SELECT value FROM json_each(?))",
            (json.dumps(paths),),
        )
        return set(rows)

    def anchors(self, place: str) -> Iterator[AuditEntry]:
        """Yield what was noted of the ends of runs at a place, newest first, back to where a new record was begun."""
        rows = self._connection.execute(
            "SELECT * FROM audit WHERE action IN ('anchor', 'anchor.new') AND key = ? ORDER BY seq DESC", (place,)
        )
        for row in rows:
            entry = AuditEntry(*row)
            if entry.action == "anchor.new":
                return
            yield entry

    def entries(
        self,
        *,
        run: str | None = None,
        prefixes: Sequence[str] = (),
        since_ms: int | None = None,
        until_ms: int | None = None,
        last: int | None = None,
        results: bool = True,
    ) -> Iterator[AuditEntry]:
        """Yield entries in order.

        Parameters
        ----------
        run : str, optional
            Only those of this run.
        prefixes : sequence of str
            Only those whose key starts with one of these.
        since_ms, until_ms : int, optional
            Half-open window, in ms since 1970, UTC.
        last : int, optional
            Only the last so many of all these.
        results : bool
            Also what was written and removed, and what became of each object.
        """
        keys = [("substr(key, 1, ?) = ?", (len(prefix), prefix)) for prefix in prefixes]
        wanted: list[tuple[str, tuple[Any, ...]]] = [("TRUE", ())]
        wanted += [("run = ?", (run,))] if run is not None else []
        wanted += [(f"({' OR '.join(t for t, _ in keys)})", tuple(v for _, vs in keys for v in vs))] if keys else []
        wanted += [("at_ms >= ?", (since_ms,))] if since_ms is not None else []
        wanted += [("at_ms < ?", (until_ms,))] if until_ms is not None else []
        marks = ", ".join("?" * len(_OF_RESULTS))
        wanted += [] if results else [(f"action NOT IN ({marks})", _OF_RESULTS)]
        query = f"SELECT * FROM audit WHERE {' AND '.join(text for text, _ in wanted)} ORDER BY seq"
        values = [value for _, some in wanted for value in some]
        if last is not None:
            query, values = f"SELECT * FROM ({query} DESC LIMIT ?) ORDER BY seq", [*values, last]
        for row in self._connection.execute(query, values):
            yield AuditEntry(*row)

    def verify(self) -> ChainReport:
        """Walk the whole chain, and hold it against what each ended run wrote down of it."""
        previous, count = GENESIS, 0
        try:
            anchors = self._anchors()
            for entry in self.entries():
                count += 1
                if entry.seq != count:
                    return ChainReport(count - 1, previous, count, f"Entry {count} is missing.")
                if entry.hash != entry.expected_hash(previous):
                    return ChainReport(count - 1, previous, count, f"Entry {count} was changed.")
                previous = entry.hash
                if anchors.pop(count, {previous}) != {previous}:
                    return ChainReport(count, previous, count, f"Entry {count} is not the one a run ended with.")
        except sqlite3.DatabaseError:  # pages or texts that SQLite itself cannot read
            return ChainReport(count, previous, count + 1, f"Entry {count + 1} cannot be read; the file is damaged.")
        if anchors:
            return ChainReport(count, previous, count + 1, "Entries after the last one were cut off.")
        return ChainReport(count, previous)

    def _anchors(self) -> dict[int, set[bytes]]:
        """Return position and hash that ended runs wrote down: of one position there can be but one hash."""
        anchors: dict[int, set[bytes]] = {}
        for seq, digest in self._connection.execute(
            "SELECT audit_seq, audit_hash FROM runs WHERE audit_seq IS NOT NULL"
        ):
            anchors.setdefault(seq, set()).add(digest)
        return anchors


def _link(previous: bytes, fields: tuple[int, int, str, str, str, str, str, int]) -> bytes:
    # What json.dumps writes without spaces; to build an encoder for every entry would take four times as long.
    seq, at_ms, who, action, run, key, version, size = fields
    texts = ",".join(map(encode_basestring_ascii, (who, action, run, key, version)))
    return hashlib.sha256(previous + f"[{seq},{at_ms},{texts},{size}]".encode("ascii")).digest()
