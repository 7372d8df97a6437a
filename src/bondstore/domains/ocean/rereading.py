"""Reading objects once more, for a file that is made of many of them: in the version that was tested, or not at all."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.runkinds import RUN_KINDS
from bondstore.domains.ocean.shard import maker
from bondstore.errors import BondstoreError, ChangedError, DamagedError, NotFoundError
from bondstore.ledger import Read, State
from bondstore.runs.batches import grouped
from bondstore.runs.outlets import made_by, outlet, remove, shelf
from bondstore.runs.recording import note_reads
from bondstore.runs.work import bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Item, Ledger, Output
    from bondstore.runs.work import Place
    from bondstore.stores import Store

BATCH = 512
BATCH_BYTES = 16 << 20


def gathered_digest(settings: str, items: Sequence[Item]) -> str:
    """Return what says which objects a file is made of, and how.

    Parameters
    ----------
    settings : str
        Digest of the settings.
    items : sequence of Item
        The objects.
    """
    return hashlib.sha256(repr([settings, *((one.key, one.version) for one in items)]).encode()).hexdigest()


def gathered_shards(
    job: QcJob, ledger: Ledger, place: Place, name_of: Callable[[str], str], paths_of: Callable[[str], Sequence[str]]
) -> Iterator[tuple[str, tuple[Item, ...]]]:
    """Yield what is gathered and not made of its objects as they are now, or not there: its name and its objects.

    Parameters
    ----------
    job, ledger, place
        The run.
    name_of : callable
        Tells from an object's output what it belongs to; empty for nothing.
    paths_of : callable
        Returns the files of what is gathered under a name.
    """
    holder, settings = shelf(job.dest, place.destination), job.settings.digest()
    groups: dict[str, list[Item]] = {}
    for item in ledger.items.in_state(place.job, State.DONE):
        if name := name_of(item.output):
            groups.setdefault(name, []).append(item)
    for name, items in sorted(groups.items()):
        paths, digest = paths_of(name), gathered_digest(settings, items)
        known = ledger.outputs.known(place.job, paths)
        if len(known) < len(paths) or any(made_by(one) != digest or not holder.holds(one) for one in known.values()):
            yield name, tuple(items)


def gather(
    place: Place,
    job: QcJob,
    items: Sequence[Item],
    paths: Sequence[str],
    make: Callable[[Rereading], Sequence[bytes] | None],
) -> None:
    """Read objects again, and write the files that are made of all of them; where none is left, remove those.

    Parameters
    ----------
    place, job
        The run.
    items : sequence of Item
        The objects.
    paths : sequence of str
        Where the files go.
    make : callable
        Reads, and returns the content of each file; None where there was nothing to read.
    """
    tools = bench(place)
    out = outlet(job.dest, place.destination)
    reading = Rereading(place, job, items, tools.store, tools.ledger)
    outputs: list[Output] = []
    try:
        made = make(reading)
        if made is None:
            remove(job.dest, place.destination, paths)
        else:
            digest = gathered_digest(job.settings.digest(), reading.read)
            for path, data in zip(paths, made, strict=True):
                out.write(path, data, digest)
            outputs = out.commit()
    finally:
        out.discard()
    with tools.ledger.transaction():
        reading.note_gone()
        if made is None:
            tools.ledger.outputs.forget(place.job, paths)
        tools.ledger.outputs.put(place.job, place.run, outputs)


class Rereading:
    """The reading of some objects while it goes on; afterwards it knows what was read, and what was gone.

    Parameters
    ----------
    place : Place
        The run.
    job : QcJob
        How.
    items : sequence of Item
        The objects.
    store : Store
        Where they are.
    ledger : Ledger
        Where reads are noted.
    """

    def __init__(self, place: Place, job: QcJob, items: Sequence[Item], store: Store, ledger: Ledger) -> None:
        self._place, self._job, self._items, self._store, self._ledger = place, job, items, store, ledger
        self._maker = maker(job.settings, job.store.url)
        self.read: list[Item] = []
        self.gone: list[Item] = []
        self.modified_ms = 0
        """When the newest of what was read was put into the store."""

    def tested(self) -> Iterator[tuple[Batch, Result]]:
        """Yield the objects that are there, tested, a batch at a time."""
        for batch in self.batches():
            yield batch, evaluate(batch, self._maker.suite)

    def batches(self) -> Iterator[Batch]:
        """Yield the objects that are there, a batch at a time."""
        for items in grouped(self._items, lambda item: item.size, number=BATCH, weight=BATCH_BYTES):
            batches = self._batches(items)
            if batches:
                yield joined([self._maker.with_deployments(one)[0] for one in batches])

    def _batches(self, items: Sequence[Item]) -> list[Batch]:
        """Read objects again, in the version that was tested; one that has changed since is for the next run."""
        answers = self._store.get_many([item.key for item in items])
        pairs = []
        reads = []
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, NotFoundError):
                self.gone.append(item)
                continue
            if isinstance(answer, BondstoreError):
                raise answer
            if answer.info.etag != item.version:
                raise ChangedError(
                    f"{item.key} was replaced while what it belongs to was put together.",
                    hint="Run the same command again: it takes up what is there now.",
                )
            self.read.append(item)
            self.modified_ms = max(self.modified_ms, answer.info.modified_ms)
            pairs.append((item.key, bytes(answer.data)))
            reads.append(Read(item.key, item.version, len(answer.data)))
        note_reads(self._ledger, self._place, reads)
        batches = []
        for result in read_many(pairs, self._maker.columns):
            if isinstance(result, DamagedError):
                raise result
            batches.append(result[0])
        return batches

    def note_gone(self) -> None:
        """Name the objects that are in the store no more: should they come back, they are taken up again."""
        word = RUN_KINDS["gone"]
        self._ledger.findings.forget(self._place.job, [item.key for item in self.gone])
        self._ledger.findings.put(self._place.job, self._place.run, [word.about(item.key) for item in self.gone])
        failed = [replace(item, state=State.FAILED, reason=word.word) for item in self.gone]
        self._ledger.items.put(self._place.job, self._place.run, failed)
