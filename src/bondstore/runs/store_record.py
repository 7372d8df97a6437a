"""The record that lies in a store beside what it is about, so that every machine knows what is done.

It is a snapshot of the ledger and, one object for each, the entries since. The ledger on this machine is a copy of it:
what others did is taken over before it is asked, and what is recorded here is put there first. A pointer that is only
replaced under its etag says which snapshot counts.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bondstore.errors import (
    AlreadyExistsError,
    BondstoreError,
    ChangedError,
    IntegrityError,
    NotFoundError,
    PolicyError,
)
from bondstore.runs.journal import RecordEntry, replay
from bondstore.runs.ledger_copy import CHUNK, LedgerCopy
from bondstore.stores.rangefile import RangeFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bondstore.ledger import Ledger
    from bondstore.stores import Store

FOLD = 64
"""After so many entries they are put into a snapshot: what another machine reads before it begins stays small."""
MOST = 4096
"""After so many even a run that goes on does so: what it leaves when it is killed stays small, too."""
POINTER, ENTRIES = "record.json", "receipts/"
"""What says that there is a record: an object, and a folder. Where events alone wrote there is no pointer yet."""
_BEGUN = ".begun.json"
_ANEW = (
    "Put it back if you have it. Else move the folder .bondstore of the store away: the next run puts its machine's "
    "copy of the record there. With none, accept a new one: bondstore audit verify --dest URL --accept-new-chain"
)


@dataclass(frozen=True, slots=True)
class _Pointer:
    """Which snapshot counts; none of an empty record."""

    snapshot: str = ""
    sha256: str = ""
    size: int = 0
    etag: str = ""
    """Of the pointer itself; empty where there is none."""

    def to_json(self) -> bytes:
        return json.dumps({"snapshot": self.snapshot, "sha256": self.sha256, "bytes": self.size}).encode()


class StoreRecord:
    """The record of one store, below a prefix of it; `ledger` is the copy on this machine.

    The audit chain binds each entry to all before it, so all copies must hold them in one order. The run that holds
    the lease decides: it names, as it begins, those before it in the order in which it knows them. A copy that holds
    them in another order is thrown away and made anew.
    """

    def __init__(self, store: Store, prefix: str, ledger: Path) -> None:
        self._store, self._copy = store, LedgerCopy(ledger, store.url)
        self._pointer = f"{prefix}/{POINTER}"
        self._entries, self._snapshots = f"{prefix}/{ENTRIES}", f"{prefix}/ledger/"
        self._last = ""
        self._order: list[str] = []
        self._begun: RecordEntry | None = None

    @property
    def is_full(self) -> bool:
        """Whether there are so many entries that a run must not wait for its end to fold them."""
        return len(self._order) >= MOST

    def stray(self) -> None:
        """Note that the copy here will hold what the record does not, or not in its order."""
        self._copy.stray()

    def refresh(self) -> None:
        """Take over what others recorded. Nobody else of this machine may be at it.

        Raises
        ------
        IntegrityError
            A part of the record is gone, or is not what was put there.
        """
        while True:
            said = self._newest()
            names = self._names()
            missing = self._missing(said, names)
            if not missing or self._current() == said:
                break  # else a run that goes on has folded them just now
        if missing:
            raise self._gone(self._entries + missing[0], len(missing) - 1)
        if not self._take_over(names):
            self._start_over(said)
            self._take_over(names, anyway=True)

    def begin(self) -> None:
        """Say that there is a record, before anything is in it: so one whose pointer is gone is told from a new one."""
        if not self._current().etag:
            with suppress(AlreadyExistsError):
                self._store.put_if_absent(self._pointer, _Pointer().to_json())
        self._copy.begin()

    def _newest(self) -> _Pointer:
        """Bring the snapshot here that counts, unless the copy began with it."""
        while True:
            said = self._current()
            try:
                self._bring(said)
            except NotFoundError:
                if self._current() == said:  # else a run that goes on has put another in its place just now
                    raise self._gone(self._snapshots + said.snapshot) from None
            else:
                return said

    def _bring(self, said: _Pointer) -> None:
        if not said.etag and any(page.keys for page in self._store.pages(self._snapshots)):
            raise self._gone(self._pointer)
        key = self._snapshots + said.snapshot
        if said.snapshot and said.snapshot != self._copy.known().snapshot:
            self._fetch(said)
        elif said.snapshot and self._store.head(key).size != said.size:  # not needed here, but by the next machine
            raise self._damaged(key)

    def _missing(self, said: _Pointer, names: list[str]) -> list[str]:
        """Return the entries that the copy here knows, no snapshot holds, and are not there."""
        known = self._copy.known()
        if not said.etag or said.snapshot != known.snapshot or not self._copy.is_there:
            return []
        with self._copy.open() as ledger:
            return sorted(set(ledger.received.behind(known.place)).difference(names))

    def _start_over(self, said: _Pointer) -> None:
        if said.snapshot:
            self._fetch(said)
        else:
            self._copy.clear()

    def _take_over(self, names: list[str], *, anyway: bool = False) -> bool:
        """Record the entries that are new here; false where the copy holds others in another order than theirs."""
        self._order = []
        if not names:
            return True
        with self._copy.open() as ledger:
            known = ledger.received.in_order(names)
            order = known if len(known) == len(names) else self._ordered(names)
            if order[: len(known)] != known and not anyway:
                return False
            self._order = order
            here = set(known)
            self._replay(ledger, [name for name in order if name not in here])
        return True

    def _ordered(self, names: list[str]) -> list[str]:
        """Return names in the order that counts: what the last run knew as it began, itself, what came in beside it."""
        begun = next((name for name in reversed(names) if name.endswith(_BEGUN)), None)
        if begun is None:
            return names
        there = set(names)
        try:
            entry = RecordEntry.from_json(bytes(self._store.get(self._entries + begun).data), begun)
        except NotFoundError:
            return names
        before = [name for name in entry.before or () if name in there]
        later = sorted(there.difference(before))
        # A run of this machine that was resumed has entries before its beginning: those are named there.
        return before + sorted(later, key=lambda name: _run_of(name) != entry.run)

    def _replay(self, ledger: Ledger, names: list[str]) -> None:
        for start in range(0, len(names), FOLD):
            some = names[start : start + FOLD]
            keys = [self._entries + name for name in some]
            for name, answer in zip(some, self._store.get_many(keys), strict=True):
                if isinstance(answer, NotFoundError):
                    continue  # folded just now, by a run that goes on
                if isinstance(answer, BondstoreError):
                    raise answer
                replay(ledger, name, RecordEntry.from_json(bytes(answer.data), name))

    def append(self, entry: RecordEntry) -> str:
        """Put an entry of the run that holds the lease; return its name."""
        if entry.begun is not None:
            entry = replace(entry, before=tuple(self._order))
        name = self._put(entry)
        self._order.append(name)
        return name

    def _put(self, entry: RecordEntry) -> str:
        """Put an entry. Its name sorts behind all that were there, whatever the clocks say."""
        at = max(entry.at_ms, int(self._last[:13] or 0))
        end = f"-{entry.run}-{secrets.token_hex(4)}{'.json' if entry.before is None else _BEGUN}"
        name = f"{at:013d}{end}"
        if name <= self._last:
            name = f"{at + 1:013d}{end}"
        self._store.put(self._entries + name, entry.to_json())
        self._last = name
        return name

    def append_what_matters(self, entry: RecordEntry) -> str:
        """Put an entry of one of many small runs: of those that change nothing, nothing is put."""
        if entry.begun is not None:
            self._begun = entry
            return ""
        if entry.receipts and self._begun is not None:
            entry, self._begun = replace(entry, begun=self._begun.begun), None
        elif self._begun is not None:
            return ""
        return self._put(entry)

    def fold(self, check: Callable[[], None]) -> None:
        """Put the entries into a new snapshot, where they have become many, or there is none yet.

        `check` raises where another run has taken over: what counts then is what that one folds.
        """
        said = self._current()
        names = self._names()
        if said.snapshot and (len(names) < FOLD or said.snapshot != self._copy.known().snapshot):
            return
        if not self._take_over(names):
            return
        with self._copy.open() as ledger, ledger.transaction():
            ledger.received.keep(names)
        snapshot, digest, size = self._put_snapshot()
        content = _Pointer(snapshot, digest, size).to_json()
        try:
            check()
            if said.etag:
                self._store.put_if_unchanged(self._pointer, content, said.etag)
            else:
                self._store.put_if_absent(self._pointer, content)
        except (ChangedError, AlreadyExistsError, PolicyError):
            self._store.delete(self._snapshots + snapshot)
            return
        self._copy.note(snapshot)
        # Killed from here on, what is left over is known to the snapshot, and removed by the next fold.
        old = [self._snapshots + said.snapshot] if said.snapshot else []
        for answer in self._store.delete_many([*(self._entries + name for name in names), *old]):
            if isinstance(answer, BondstoreError):
                raise answer
        self._order = []

    def _current(self) -> _Pointer:
        try:
            there = self._store.get(self._pointer)
        except NotFoundError:
            return _Pointer()
        try:
            said = json.loads(bytes(there.data))
            return _Pointer(str(said["snapshot"]), str(said["sha256"]), int(said["bytes"]), there.info.etag)
        except (ValueError, KeyError, TypeError) as error:
            raise self._damaged(self._pointer) from error

    def _names(self) -> list[str]:
        names = [key.removeprefix(self._entries) for page in self._store.pages(self._entries) for key in page.keys]
        names.sort()
        self._last = max([self._last, *names[-1:]])
        return names

    def _put_snapshot(self) -> tuple[str, str, int]:
        name = f"{int(time.time() * 1000):013d}-{secrets.token_hex(4)}.sqlite.zst"
        hashed, size = hashlib.sha256(), 0

        def passing(chunks: Iterator[bytes]) -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                hashed.update(chunk)
                size += len(chunk)
                yield chunk

        with self._copy.packed() as chunks:
            self._store.put_stream(self._snapshots + name, passing(chunks))
        return name, hashed.hexdigest(), size

    def _fetch(self, said: _Pointer) -> None:
        key = self._snapshots + said.snapshot
        with RangeFile(self._store, self._store.head(key)) as source:
            if not self._copy.replace(said.snapshot, iter(lambda: source.read(CHUNK), b""), said.sha256):
                raise self._damaged(key)

    def _damaged(self, key: str) -> IntegrityError:
        return IntegrityError(f"{self._store.url}/{key} is damaged: it is not what was put there.", hint=_ANEW)

    def _gone(self, key: str, more: int = 0) -> IntegrityError:
        others = f" So are {more} more." if more else ""
        return IntegrityError(
            f"{self._store.url}/{key} is gone, which the record of this store needs.{others}", hint=_ANEW
        )


def _run_of(name: str) -> str:
    return name[14:].removesuffix(_BEGUN).removesuffix(".json").rpartition("-")[0]
