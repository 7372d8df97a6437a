"""A batch of profile files: fetched, read together, tested together, written one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from bondstore.domains.ocean.making import Maker
from bondstore.domains.ocean.output.names import deployment_name, output_path
from bondstore.domains.ocean.ownership import taken
from bondstore.domains.ocean.places import part_path, plot_path, record_path
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate, pick
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.runkinds import RUN_KINDS
from bondstore.errors import BondstoreError, ConfigurationError, DamagedError, NotFoundError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Output, Read
from bondstore.runs.outlets import outlet
from bondstore.runs.recording import Record, note_reads
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench
from bondstore.stores import Fetched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.domains.ocean.settings import QcSettings
    from bondstore.ledger import Item, Ledger
    from bondstore.runs.outlets import Outlet

Answer = tuple["Item", Fetched]
Tested = tuple["Item", Fetched, "Batch"]


@lru_cache(4)
def maker(settings: QcSettings, source: str) -> Maker:
    """Return what writes files for these settings; made once in a process."""
    return Maker(settings, source)


@dataclass(frozen=True, slots=True)
class ProfilesShard:
    """Files that are taken up together.

    Parameters
    ----------
    place : Place
        Store and record.
    job : QcJob
        How.
    items : tuple of Item
        The objects.
    digest : str
        What says how the outputs are made.
    marked : frozenset of str
        Keys whose files carry a mark, as another object's file has the plain name.
    counted : bool
        They were counted already.
    """

    place: Place
    job: QcJob
    items: tuple[Item, ...]
    digest: str
    marked: frozenset[str] = frozenset()
    counted: bool = False

    def run(self) -> Tally:
        """Fetch → note the reads → read → test → write → make visible → record."""
        tools = bench(self.place)
        out = outlet(self.job.dest, self.place.destination)
        work = _Work(self, out, tools.ledger)
        try:
            answers = tools.store.get_many([item.key for item in self.items])
            fetched = work.settle_failures(list(zip(self.items, answers, strict=True)))
            note_reads(
                tools.ledger, self.place, [Read(item.key, one.info.etag, len(one.data)) for item, one in fetched]
            )
            work.handle(fetched)
            work.record.outputs += out.commit()
        finally:
            out.discard()
        tally = work.record.commit(tools.ledger, self.place)
        return Tally() if self.counted else tally


class _Work:
    """The work of one shard while it runs."""

    def __init__(self, shard: ProfilesShard, out: Outlet, ledger: Ledger) -> None:
        self._shard, self._out, self._ledger = shard, out, ledger
        self._maker = maker(shard.job.settings, shard.job.store.url)
        self.record = Record()

    def settle_failures(self, pairs: Sequence[tuple[Item, Fetched | BondstoreError]]) -> list[Answer]:
        """Name the objects that could not be fetched; return the others."""
        fetched = []
        for item, answer in pairs:
            if isinstance(answer, Fetched):
                fetched.append((item, answer))
            elif isinstance(answer, ConfigurationError):
                raise answer  # no other object will fare better
            else:
                word = "gone" if isinstance(answer, NotFoundError) else "not-fetched"
                self.record.failed(item, RUN_KINDS[word].about(item.key))
        return fetched

    def handle(self, fetched: Sequence[Answer]) -> None:
        """Read all, test all at once, write each."""
        results = read_many([(item.key, bytes(answer.data)) for item, answer in fetched], self._maker.columns)
        good: list[Tested] = []
        for (item, answer), result in zip(fetched, results, strict=True):
            if isinstance(result, DamagedError):
                self.record.findings.append(Finding(result.kind, Severity.ERROR, item.key, str(result)))
                self.record.quarantined(item, answer.info.etag, result.kind)
                continue
            batch, findings = result
            batch, more = self._maker.with_deployments(batch)
            self.record.findings += [*findings, *more]
            good.append((item, answer, batch))
        if good:
            self._write(good)

    def _write(self, good: Sequence[Tested]) -> None:
        batch = joined([one for _, _, one in good])
        said = evaluate(batch, self._maker.suite)
        first = 0
        for item, answer, own in good:
            numbers = range(first, first + len(own))
            first += len(own)
            self._write_one(item, answer, *pick(batch, said, numbers))

    def _path(self, key: str, batch: Batch) -> str:
        """Return where an object's file goes; another object's file is never written over."""
        path = self._filed(key, batch, distinct=key in self._shard.marked)
        if not self._shard.counted and self._is_taken(path, key):
            return self._filed(key, batch, distinct=True)
        return path

    def _filed(self, key: str, batch: Batch, *, distinct: bool) -> str:
        settings = self._shard.job.settings
        path = output_path(key, batch, settings.style, distinct=distinct)
        return path if settings.per == "profile" else part_path(deployment_name(batch), path)

    def _is_taken(self, path: str, key: str) -> bool:
        job = self._shard.job
        if job.keys is not None:  # an event may know of no other objects than its own: it looks at what lies there
            return taken(job, path, key)
        return self._ledger.items.keys_of(job.name, [path]).get(path, key) != key

    def _write_one(self, item: Item, answer: Fetched, batch: Batch, result: Result) -> None:
        made = self._maker.make(item.key, answer, batch, result, self._path(item.key, batch))
        parts = ((made.path, made.file), (record_path(made.path), made.record), (plot_path(made.path), made.plot))
        for path, data in parts:
            if data is not None:
                self._out.write(path, data, self._shard.digest)
        if made.file is None:
            # its rows go into a table of the month: there is no file of its own to be missing
            self.record.outputs.append(Output(made.path, b"", 0, 0, kind="profile", made_by=self._shard.digest))
        self.record.findings += made.findings
        self.record.done(replace(item, output=made.path), answer.info.etag)
