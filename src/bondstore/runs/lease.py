"""One run at a time writes to a store, whatever machine it is on; one that died is told from one that goes on."""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bondstore.errors import AlreadyExistsError, BondstoreError, ChangedError, NotFoundError, PolicyError
from bondstore.modes import open_private
from bondstore.runs.process import whoami

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.stores import Store

BEAT = 10.0
"""Seconds after which a holder says again that it is there."""
PATIENCE = 3 * BEAT
"""Seconds without a word after which a holder is taken for dead. They are counted here: clocks are not compared."""
LOOK = 0.5
_log = logging.getLogger(__name__)


class Lease:
    """An object in the store that names who may write; `own` is the file in which this account notes its own name."""

    def __init__(self, store: Store, key: str, own: Path) -> None:
        self._store, self._key, self._own = store, key, own
        self._name = secrets.token_hex(8)
        self._beats, self._etag, self._heard = 0, "", 0.0
        self._lost = self._ended = False
        self._turn = threading.Lock()
        self._wake = threading.Event()

    def take(self) -> None:
        """Take it, or take over that of a run that died.

        Raises
        ------
        PolicyError
            Another run holds it, and goes on.
        """
        while not self._etag:
            self._heard = _awake()
            try:
                self._etag = self._store.put_if_absent(self._key, self._content())
            except AlreadyExistsError:
                self._take_over()
        with open_private(self._own) as own:
            own.write(self._name.encode())
        threading.Thread(target=self._renew_until_ended, name="lease", daemon=True).start()

    def _take_over(self) -> None:
        try:
            there = self._store.get(self._key)
        except NotFoundError:
            return
        holder = _read(bytes(there.data))
        if holder.get("name") == self._name:  # put just now, and the answer was lost on its way
            self._etag = there.info.etag
            return
        # Nobody else of this machine runs: the caller holds the local lock. So a lease with our old name is a dead one.
        if not self._is_ours(holder):
            _log.warning(
                "Another run was writing to %s (%s). Waiting up to %.0f s to see whether it goes on.",
                self._store.url,
                holder.get("who", "unknown"),
                PATIENCE,
            )
            now = self._watch(there.info.etag)
            if now is None:
                return
            if now != there.info.etag:
                raise self._refused(holder)
        self._heard = _awake()
        try:
            self._etag = self._store.put_if_unchanged(self._key, self._content(), there.info.etag)
        except ChangedError:
            raise self._refused(holder) from None

    def is_held(self) -> bool:
        """Whether a run goes on that holds it: one of another machine has renewed it lately, by the clock here.

        Who asks knows that no run of this machine goes on.
        """
        try:
            there = self._store.get(self._key)
        except NotFoundError:
            return False
        age = time.time() - there.info.modified_ms / 1000
        return age < PATIENCE and not self._is_ours(_read(bytes(there.data)))

    def _is_ours(self, holder: dict[str, Any]) -> bool:
        return self._own.exists() and self._own.read_text() == holder.get("name")

    def _watch(self, etag: str) -> str | None:
        """Watch a lease until it changes, or was not renewed for so long that its holder must be dead.

        Return its etag then; None where its holder has ended.
        """
        end = time.monotonic() + PATIENCE
        now = etag
        while now == etag and time.monotonic() < end:
            time.sleep(LOOK)
            try:
                now = self._store.head(self._key).etag
            except NotFoundError:
                return None
        return now

    def _refused(self, holder: dict[str, Any]) -> PolicyError:
        return PolicyError(
            f"Another run is writing to {self._store.url} ({holder.get('who', 'unknown')}).",
            hint="Wait for it to end, or name another destination.",
        )

    def check(self) -> None:
        """Refuse to go on where another run has taken over, as after this machine slept."""
        with self._turn:
            # The thread that renews may be as late as this one: after a sleep nobody has told it yet.
            if not self._lost and self._is_stale():
                self._renew()
        if self._lost:
            raise PolicyError(
                "Another run has taken over this destination, as nothing was heard of this one.",
                hint="What was recorded is kept. Run the same command again once the other has ended.",
            )

    def _is_stale(self) -> bool:
        return _awake() - self._heard > 2 * BEAT

    def _renew_until_ended(self) -> None:
        while not self._wake.wait(BEAT):
            with self._turn:
                if self._ended or self._lost:
                    return
                with suppress(BondstoreError):  # a bad line: the next beat tries again, and `check` asks by itself
                    self._renew()

    def _renew(self) -> None:
        self._beats += 1
        content, now = self._content(), _awake()
        try:
            self._etag = self._store.put_if_unchanged(self._key, content, self._etag)
        except ChangedError:
            there = self._store.get(self._key)
            if bytes(there.data) != content:
                self._lost = True
                return
            self._etag = there.info.etag  # put, and the answer was lost on its way
        except NotFoundError:
            self._lost = True
            return
        self._heard = now

    def give_back(self) -> None:
        """End it; one that another run has taken over is left."""
        self._wake.set()
        with self._turn:
            self._ended = True
            with suppress(BondstoreError):  # then it falls silent, and is taken over
                if not self._lost and self._is_stale():
                    self._renew()
                if not self._lost:
                    self._store.delete(self._key)
        self._own.unlink(missing_ok=True)

    def _content(self) -> bytes:
        return json.dumps({"name": self._name, "who": whoami(), "beats": self._beats}).encode()


def _awake() -> float:
    """Return seconds that go on while the machine sleeps."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.time() if clock is None else time.clock_gettime(clock)


def _read(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
