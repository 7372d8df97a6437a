"""Who does the shards: this thread, a few threads, or processes. The results are the same bytes with each."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait as wait_for_one
from typing import TYPE_CHECKING, Protocol

from bondstore.config import secrets
from bondstore.errors import BondstoreError
from bondstore.runs.memory import few_arenas
from bondstore.runs.work import clear_benches

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Executor as Pool

    from bondstore.runs.tally import Tally
    from bondstore.runs.work import Shard


class Executor(Protocol):
    """Runs shards, in any order, and hands back their tallies as they come."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Tally]:
        """Run all shards. Closing the iterator early lets running shards end and starts no more."""


@dataclass(frozen=True, slots=True)
class Serial:
    """One shard after the other, in this thread."""

    def run(self, shards: Iterable[Shard]) -> Iterator[Tally]:
        """Run all shards."""
        try:
            for shard in shards:
                yield shard.run()
        finally:
            clear_benches()


@dataclass(frozen=True, slots=True)
class Threads:
    """A few shards at once in this process: one fetches while another decrypts.

    Transfer, cipher, decompression and parsing release the interpreter lock, so this fills a few cores.
    """

    width: int

    def run(self, shards: Iterable[Shard]) -> Iterator[Tally]:
        """Run all shards."""
        try:
            with ThreadPoolExecutor(self.width, "shard") as pool:
                yield from _drain(pool, shards, self.width)
        finally:
            clear_benches()


@dataclass(frozen=True, slots=True)
class Processes:
    """Shards in processes of their own, for more cores than a few.

    Workers are started fresh, not forked: the transfer library's threads do not survive a fork. Secrets that were typed
    at a prompt reach them through the pool's pipe, never through arguments or the environment.
    """

    width: int

    def run(self, shards: Iterable[Shard]) -> Iterator[Tally]:
        """Run all shards."""
        known = [(reference, secret.reveal()) for reference, secret in secrets.remembered().items()]
        pool = ProcessPoolExecutor(self.width, get_context("spawn"), initializer=_start_worker, initargs=(known,))
        try:
            with pool:
                yield from _drain(pool, shards, self.width)
        except BrokenProcessPool as error:
            raise BondstoreError(
                "A worker process died (out of memory, or killed).",
                hint="What was done is kept: run the same command again, with fewer --jobs.",
            ) from error


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


def _start_worker(known: Sequence[tuple[secrets.SecretRef, str]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and lets running shards end
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    few_arenas()
    for reference, value in known:
        secrets.remember(reference, value)


def _end_with_parent() -> None:
    """Leave at once when the parent was killed: another run may begin, and nobody waits for this one's shards."""
    parent = parent_process()
    assert parent is not None
    wait_for_one([parent.sentinel])
    os._exit(1)


def _run(shard: Shard) -> Tally:
    return shard.run()


def _drain(pool: Pool, shards: Iterable[Shard], width: int) -> Iterator[Tally]:
    """Keep a bounded number of shards under way, whatever their number."""
    waiting: set[Future[Tally]] = set()
    source = iter(shards)
    try:
        exhausted = False
        while True:
            while not exhausted and len(waiting) < 2 * width:
                shard = next(source, None)
                if shard is None:
                    exhausted = True
                else:
                    waiting.add(pool.submit(_run, shard))
            if not waiting:
                return
            ready, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ready:
                yield future.result()
    finally:
        for future in waiting:
            future.cancel()
