"""Who does the shards: this thread, a few threads, or processes. The results are the same bytes with each."""

from __future__ import annotations

import os
import signal
import threading
from abc import ABC, abstractmethod
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait as wait_for_one
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import TYPE_CHECKING, Protocol

from bondstore.config import secrets
from bondstore.errors import BondstoreError
from bondstore.runs import pulse
from bondstore.runs.process import few_arenas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Executor as Pool

    from bondstore.runs.receipt import Receipt


class Shard(Protocol):
    """A self-contained piece of a run, which may go to any worker and may run twice: it changes nothing to be seen."""

    def run(self) -> Receipt:
        """Do the work, and say what became of every object."""


class Executor(Protocol):
    """Runs shards, in any order, and hands back their receipts as they come."""

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        """Begin with the shards; what stands behind a barrier is taken once all before it was handed back."""


class Barrier:
    """Stands between the stages of a run: the next one is not asked for before the one before is recorded."""


class Results(ABC):
    """Receipts as they come. An error leaves it as it is: what other shards did can still be had."""

    def __iter__(self) -> Iterator[Receipt]:
        return self

    @abstractmethod
    def __next__(self) -> Receipt:
        """Return the next receipt."""

    @abstractmethod
    def stop(self) -> None:
        """Begin no more shards: what comes from now on is of those that are running."""

    @abstractmethod
    def close(self) -> None:
        """Wait for the shards that are running, and let go of all that was opened."""


class _InTurn(Results):
    """One shard after the other."""

    def __init__(self, shards: Iterable[Shard | Barrier]) -> None:
        self._shards = iter(shards)

    def __next__(self) -> Receipt:
        shard = next(self._shards)
        while isinstance(shard, Barrier):
            shard = next(self._shards)
        return shard.run()

    def stop(self) -> None:
        self._shards = iter(())

    def close(self) -> None:
        self.stop()


class _Pooled(Results):
    """A bounded number of shards under way, whatever their number."""

    def __init__(self, pool: Pool, shards: Iterable[Shard | Barrier], width: int) -> None:
        self._pool, self._shards, self._width = pool, iter(shards), width
        self._running: set[Future[Receipt]] = set()
        self._ready: deque[Future[Receipt]] = deque()
        self._barrier = False

    def __next__(self) -> Receipt:
        while not self._ready:
            self._fill()
            if not self._running:
                raise StopIteration
            done, self._running = wait(self._running, return_when=FIRST_COMPLETED)
            self._ready.extend(future for future in done if not future.cancelled())
        return self._ready.popleft().result()

    def _fill(self) -> None:
        while len(self._running) < 2 * self._width:
            if self._barrier and self._running:
                return
            self._barrier = False
            shard = next(self._shards, None)
            if shard is None:
                return
            if isinstance(shard, Barrier):
                self._barrier = True
            else:
                self._running.add(self._pool.submit(_run, shard))

    def stop(self) -> None:
        self._shards = iter(())
        for future in self._running:
            future.cancel()

    def close(self) -> None:
        self.stop()
        self._pool.shutdown()
        self._running.clear()
        self._ready.clear()


class _InProcesses(_Pooled):
    def __next__(self) -> Receipt:
        try:
            return super().__next__()
        except BrokenProcessPool as error:
            raise BondstoreError(
                "A worker process died (out of memory, or killed).",
                hint="What was done is kept: run the same command again, with fewer --jobs.",
            ) from error


@dataclass(frozen=True, slots=True)
class Serial:
    """One shard after the other, in this thread."""

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        """Begin with the shards."""
        return _InTurn(shards)


@dataclass(frozen=True, slots=True)
class Threads:
    """A few shards at once in this process: one fetches while another decrypts.

    Transfer, cipher, decompression and parsing release the interpreter lock, so this fills a few cores.
    """

    width: int

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        """Begin with the shards."""
        return _Pooled(ThreadPoolExecutor(self.width, "shard"), shards, self.width)


@dataclass(frozen=True, slots=True)
class Processes:
    """Shards in processes of their own, for more cores than a few.

    Workers are started fresh, not forked: the transfer library's threads do not survive a fork. Secrets that were typed
    at a prompt reach them through the pool's pipe, never through arguments or the environment.
    """

    width: int

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        """Begin with the shards."""
        known = [(reference, secret.reveal()) for reference, secret in secrets.remembered().items()]
        context = _Spawning()
        pool = ProcessPoolExecutor(
            self.width, context, initializer=_start_worker, initargs=(known, pulse.shared(context))
        )
        return _InProcesses(pool, shards, self.width)


@dataclass(frozen=True, slots=True)
class Fitting:
    """What suits the work: workers of their own where it is long, this thread where it ends before they would start."""

    wide: Executor

    def run(self, shards: Iterable[Shard | Barrier]) -> Results:
        """Begin with the shards, as though they were many."""
        return self.wide.run(shards)


STARTING = 2.0
"""Seconds of work below which starting worker processes costs more than it saves."""


def fitted(executor: Executor, seconds: float | None) -> Executor:
    """Return the executor for work of about so many seconds on one core."""
    if not isinstance(executor, Fitting):
        return executor
    return Serial() if seconds is not None and seconds < STARTING else executor.wide


def usable_cores() -> int:
    """Return the number of cores this process may use: in a container or a job fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_executor(jobs: int | None, cores: int | None = None) -> Executor:
    """Return the executor for a number of jobs asked for, or the one that suits the machine.

    Parameters
    ----------
    jobs : int or None
        1 for one shard at a time; more for that many workers; None to choose.
    cores : int, optional
        Cores to choose by; `usable_cores` when not given.
    """
    cores = cores or usable_cores()
    if jobs == 1:
        return Serial()
    if jobs is None:
        return Threads(3) if cores <= 4 else Processes(min(cores, 16))
    return Processes(jobs)


class _Worker(SpawnProcess):
    """A worker that never hears Ctrl-C: not while it still imports its modules, either, which would print a trace."""

    def start(self) -> None:
        """Start with the signal held back, which a new process inherits; this one hears it a moment later."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Spawning(SpawnContext):
    Process = _Worker


def _start_worker(known: Sequence[tuple[secrets.SecretRef, str]], counts: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and lets running shards end
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    few_arenas()
    pulse.use(counts)
    for reference, value in known:
        secrets.remember(reference, value)


def _end_with_parent() -> None:
    """Leave at once when the parent was killed: another run may begin, and nobody waits for this one's shards."""
    parent = parent_process()
    assert parent is not None
    wait_for_one([parent.sentinel])
    os._exit(1)


def _run(shard: Shard) -> Receipt:
    return shard.run()
