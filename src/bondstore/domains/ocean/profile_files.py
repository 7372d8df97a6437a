"""The step that tests each profile file, and what is done where two of them would have one name."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.cycles import FilesBefore, files_before, is_cycle, told_of
from bondstore.domains.ocean.findings import RUN_KINDS
from bondstore.domains.ocean.linked import BYTES, FILES, grouped_with, link
from bondstore.domains.ocean.output.attributes import AODN_ASKS, parse_attributes
from bondstore.domains.ocean.output.names import deployment_name, output_path, unmarked
from bondstore.domains.ocean.paths import part_path, plot_path, record_path
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate, pick
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.reading.metadata import parse_metadata
from bondstore.domains.ocean.write import maker, version_of
from bondstore.errors import DamagedError, NotFoundError, NothingThereError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Item, Output, State
from bondstore.release.records import Record
from bondstore.runs.batches import grouped
from bondstore.runs.journal import entry_of, replay
from bondstore.runs.pipeline import PAGE, EachObject, Objects, Page, Step
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.settings import QcSettings
    from bondstore.domains.ocean.write import Maker
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.tally import Count
    from bondstore.runs.work import Work
    from bondstore.stores import Fetched, ObjectInfo, Store

METADATA = "(table of deployments)"
ATTRIBUTES = "(attributes)"
SUFFIXES = (".csv", ".nc")
SECONDS, SECONDS_DRAWN = 0.01, 0.5
"""About what one object takes a core, and with its plot: 60 Argo files, suite argo, took 10 and 470 ms of CPU each."""


@dataclass(frozen=True, slots=True)
class ProfileFiles(EachObject):
    """Tests profile files, and writes each of them with its flags."""

    settings: QcSettings
    digest: str
    since_ms: int | None = None
    keys: tuple[str, ...] | None = None
    marked: frozenset[str] = frozenset()
    """Keys whose files carry a mark, as another object's file has the plain name."""
    again: bool = False
    """The objects were counted before, and who has which name is settled."""
    few: bool = False
    before: tuple[tuple[str, tuple[Item, ...]], ...] = ()
    """By key, the files of the float's cycles before: read along, and compared with."""
    known_only: bool = False
    """Whether only objects are tested whose results are in the destination."""
    kinds = ("profile", "record", "plot")
    number = FILES
    bytes = BYTES

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source, or ask for the few objects that are named."""
        if self.keys is not None:
            yield self.page([context.store.head(key) for key in self.keys])
        else:
            yield from EachObject.pages(self, context)

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Take what may be a profile by its name; where its file goes depends on its date."""
        if not found.key.lower().endswith(SUFFIXES):
            return "no-profile"
        if self.since_ms is not None and found.modified_ms < self.since_ms:
            return None
        return Item(found.key, found.etag, found.size, "")

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Say what is wrong with the table of deployments; then list."""
        if (self.settings.metadata or self.settings.style == "aodn") and ledger is not None and context.run:
            found = parse_metadata(self.settings.metadata).findings(METADATA) if self.settings.metadata else ()
            told = Receipt(findings=[*found, *self._asked_by_aodn()], afresh=[METADATA, ATTRIBUTES], counted=False)
            if self.few:  # an event that changes nothing puts nothing into a store's record
                replay(ledger, "", entry_of(context.job, context.run, context.who, receipts=(told,)))
            else:
                record(ledger, context, [told])
        return EachObject.plan(self, ledger, context, progress)

    def _asked_by_aodn(self) -> list[Finding]:
        if self.settings.style != "aodn":
            return []
        stated = parse_attributes(self.settings.attributes).given if self.settings.attributes else {}
        missing = [name for name in AODN_ASKS if not stated.get(name)]
        said = f"AODN asks for attributes that are not stated: {', '.join(missing)}."
        return [RUN_KINDS["aodn-attributes"].about(ATTRIBUTES, message=said)] if missing else []

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned, in batches; each object with those of its float's cycles before."""
        if not self.settings.load().compares:
            yield from EachObject.shards(self, ledger, context)
            return
        with self.files_before(ledger, context) as before:
            pages = ledger.items.planned(context.job, context.run)
            pairs = ((item, before.of(item.key)) for page in pages for item in page)
            for some in grouped_with(pairs, self.number, self.bytes):
                step = replace(self, before=_by_key(some))
                yield Objects(context, step, tuple(item for item, _ in some))

    def files_before(self, ledger: Ledger, context: RunContext) -> AbstractContextManager[FilesBefore]:
        """Return what says which files are before another; where not all was listed, the store is asked too."""
        listed = not self.few and self.since_ms is None
        return files_before(ledger, context.job, None if listed else context.store)

    def seconds(self, todo: Count) -> float:
        """Return about how long one core will take."""
        return todo.objects * (SECONDS_DRAWN if self.settings.plots else SECONDS)

    def beside(self, path: str) -> tuple[str, ...]:
        """Return the record and the plot of a file."""
        return record_path(path), plot_path(path)

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:
        """Whether a file was made by these settings, its record is there, and its plot where one was drawn."""
        if item.state is State.QUARANTINED:
            return True
        if outputs[item.output].made_by != self.digest:
            return False
        if not self.settings.files:
            return True
        beside = [outputs[path] for path in self.beside(item.output) if path in outputs]
        return record_path(item.output) in outputs and all(
            one.made_by != self.digest or holder.holds(one) for one in beside
        )

    def leftovers(self, ledger: Ledger, context: RunContext) -> tuple[list[str], list[str]]:
        """Return what may go; where the next whole run makes the files that are asked for, what there is stays."""
        if self.few and not self.settings.files and not context.dest.few_know_all:
            return [], []
        return EachObject.leftovers(self, ledger, context)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Fetch all, read all, test all at once, write each."""
        work.receipt.counted = not self.again
        tool = maker(self.settings, work.context.source.url)
        fetched = work.fetch(items)
        results = read_many([(item.key, bytes(answer.data)) for item, answer in fetched], tool.columns)
        read = {item.key: one[0] for (item, _), one in zip(fetched, results, strict=True) if isinstance(one, tuple)}
        linked = link(read, dict(self.before), tool, work.store)
        work.receipt.reads += linked.reads
        good: list[tuple[Item, Fetched, Batch]] = []
        for (item, answer), result in zip(fetched, results, strict=True):
            if item.key in linked.unsure:
                work.not_fetched(item, linked.unsure[item.key][1])
                continue
            if isinstance(result, DamagedError):
                work.receipt.findings.append(Finding(result.kind, Severity.ERROR, item.key, str(result)))
                work.quarantine(item, answer.info.etag, result.kind)
                continue
            work.receipt.findings += [*result[1], *linked.findings[item.key]]
            good.append((item, answer, linked.batches[item.key]))
        if good:
            self._write_all(good, tool, work)

    def _write_all(self, good: Sequence[tuple[Item, Fetched, Batch]], tool: Maker, work: Work) -> None:
        batch = joined([one for _, _, one in good])
        said = evaluate(batch, tool.suite)
        firsts = np.cumsum([0, *(len(own) for _, _, own in good)])
        versions = [version_of(said.grades[start:end]) for start, end in pairwise(firsts)]
        named = [(item.key, own, version) for (item, _, own), version in zip(good, versions, strict=True)]
        paths = self._paths(named, work)
        there = self._there(good, paths, work)
        first = 0
        for (item, answer, own), path in zip(good, paths, strict=True):
            numbers = range(first, first + len(own))
            first += len(own)
            if item.key not in there:
                continue
            self._write(replace(item, output=path), answer, pick(batch, said, numbers), tool, work)

    def _write(self, item: Item, answer: Fetched, tested: tuple[Batch, Result], tool: Maker, work: Work) -> None:
        made = tool.make(item.key, answer, *tested, item.output)
        parts = (
            ("profile", item.output, made.file),
            ("record", record_path(item.output), made.record),
            ("plot", plot_path(item.output), made.plot),
        )
        for kind, path, data in parts:
            if data is not None:
                told = told_of(dict(self.before).get(item.key, ())) if kind == "profile" else ""
                work.write(path, [data], last=kind == "record", kind=kind, made_by=self.digest, source=told)
        if made.file is None:
            # its rows go into a table of the month: there is no file of its own to be missing
            told = told_of(dict(self.before).get(item.key, ()))
            work.receipt.outputs.append(
                Output(item.output, b"", 0, 0, kind="profile", made_by=self.digest, source=told)
            )
        work.receipt.findings += made.findings
        work.receipt.done(item, answer.info.etag)

    def _paths(self, batches: Sequence[tuple[str, Batch, int]], work: Work) -> list[str]:
        """Return where the files of objects go; another object's file is never written over."""
        paths = [self._path(key, batch, version, distinct=key in self.marked) for key, batch, version in batches]
        if (self.again and not self.known_only) or not self.settings.files:
            return paths
        records = work.dest.read_many([record_path(path) for path in paths])
        return [
            self._path(*named, distinct=True) if _is_anothers(record, work.context.source.url, named[0]) else path
            for named, path, record in zip(batches, paths, records, strict=True)
        ]

    def _there(self, good: Sequence[tuple[Item, Fetched, Batch]], paths: Sequence[str], work: Work) -> set[str]:
        """Return the objects that are to be written: all, or those of which results are in the destination."""
        if not self.known_only:
            return {item.key for item, _, _ in good}
        records = work.dest.read_many([record_path(path) for path in paths])
        store = work.context.source.url
        return {
            item.key
            for (item, _, _), record in zip(good, records, strict=True)
            if record is not None and not _is_anothers(record, store, item.key)
        }

    def _path(self, key: str, batch: Batch, version: int, *, distinct: bool) -> str:
        path = output_path(key, batch, self.settings.style, distinct=distinct, version=version)
        return path if self.settings.per == "profile" else part_path(deployment_name(batch), path)


def check_any(store: Store) -> None:
    """Raise NotFoundError where a source holds no file whose name is that of profiles, written at any time."""
    with closing(store.pages()) as pages:
        if any(key.lower().endswith(SUFFIXES) for page in pages for key in page.keys):
            return
    raise NothingThereError(
        f"There are no profile files in {store.url}: none ends in {' or '.join(SUFFIXES)}.",
        hint="Check the folder, or the bucket and its prefix.",
    )


def _is_anothers(record: bytes | None, store: str, key: str) -> bool:
    """Whether what lies at a path is another object's, by the record beside it."""
    if record is None:
        return False
    try:
        source = Record.from_json(record).source
    except DamagedError:
        return False  # no record of ours: what is written next takes its place
    return (source.store, source.key) != (store, key)


def _by_key(pairs: Sequence[tuple[Item, Sequence[Item]]]) -> tuple[tuple[str, tuple[Item, ...]], ...]:
    return tuple((item.key, tuple(before)) for item, before in pairs if before)


@dataclass(frozen=True, slots=True)
class Sequels(Step):
    """Objects whose cycles before came later, or have changed, are tested again: no order decides."""

    step: ProfileFiles

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the objects that were compared with others than they should be."""
        if not self.step.settings.load().compares:
            return
        with self.step.files_before(ledger, context) as before:
            again = self._of_few(ledger, context, before) if self.step.few else self._of_all(ledger, context, before)
            for some in grouped_with(again, self.step.number, self.step.bytes):
                marked = frozenset(
                    one.key for one, _ in some if one.output and unmarked(one.output, one.key) != one.output
                )
                unknown = any(not one.output for one, _ in some)
                step = replace(self.step, before=_by_key(some), marked=marked, again=True, known_only=unknown)
                yield Objects(context, step, tuple(item for item, _ in some))

    def _of_all(
        self, ledger: Ledger, context: RunContext, before: FilesBefore
    ) -> Iterator[tuple[Item, tuple[Item, ...]]]:
        index = before.index
        done = (one for one in ledger.items.in_state(context.job, State.DONE) if is_cycle(one.key))
        for items in grouped(done, lambda _: 0, number=PAGE, weight=1):
            known = ledger.outputs.known(context.job, [one.output for one in items])
            index.note(one.key for one in items if _differs(known.get(one.output), one.key, before))
        # Only now: what is done again is recorded while the shards are asked for.
        for keys in index.noted(PAGE):
            stale = ledger.items.known(context.job, keys)
            yield from ((stale[key], before.of(key)) for key in keys if _is_there(context, stale[key]))

    def _of_few(self, ledger: Ledger, context: RunContext, before: FilesBefore) -> list[tuple[Item, tuple[Item, ...]]]:
        """Return what comes after the few objects, and was there before one of them came.

        What was written later than they were found them when it was tested, or will. Where others may write to the
        destination at the same time, not all that is done is known here; then its record there tells.
        """
        later: dict[str, ObjectInfo] = {}
        for key in self.step.keys or ():
            own = before.head(key)
            found = before.after(key) if own is not None and is_cycle(key) else ()
            later |= {one.key: one for one in found if own is not None and one.modified_ms <= own.modified_ms}
        later = {key: one for key, one in later.items() if key not in (self.step.keys or ())}
        known = ledger.items.known(context.job, sorted(later))
        outputs = ledger.outputs.known(context.job, [one.output for one in known.values()])
        again: list[tuple[Item, tuple[Item, ...]]] = []
        for key, info in sorted(later.items()):
            item = known.get(key)
            if item is not None and item.state is State.DONE and item.version == info.etag:
                if _differs(outputs.get(item.output), key, before):
                    again.append((item, before.of(key)))
            elif not context.dest.few_know_all and self.step.settings.files:
                again.append((Item(key, info.etag, info.size, ""), before.of(key)))
        return again


def _differs(output: Output | None, key: str, before: FilesBefore) -> bool:
    return output is not None and output.source != told_of(before.of(key, output.source))


@dataclass(frozen=True, slots=True)
class Clashes(Step):
    """Objects whose files would have one name are written again: the first by key has it, the others carry a mark.

    So it does not matter which of them came first, nor in which run.
    """

    step: ProfileFiles

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the objects of each name together, where another than the first of them has it."""
        for items in _sharing(ledger, context.job):
            there = [one for one in items if _is_there(context, one)]
            marked = {one.key for one in items[1:]}
            if len(there) < len(items):
                # One is no more in the store: its file stays as it is, and whoever shares its name gets a mark.
                shared = [one.output for one in items]
                there = [one for one in there if shared.count(one.output) > 1]
                marked = {one.key for one in there}
            if there:
                step = replace(self.step, marked=frozenset(marked), again=True)
                yield Objects(context, step, tuple(there))  # what they are compared with, the step after this sees to


def _sharing(ledger: Ledger, job: str) -> Iterator[tuple[Item, ...]]:
    """Yield the objects of each name that is not the first one's alone, by key."""
    shared = {items[0].output: items for items in ledger.items.sharing(job)}
    groups = {path: {one.key: one for one in items} for path, items in shared.items()}
    for item in ledger.items.in_state(job, State.DONE):
        plain = unmarked(item.output, item.key)
        if plain != item.output:
            groups.setdefault(plain, {})[item.key] = item
    for path, items in sorted(groups.items()):
        holder = ledger.items.keys_of(job, [path]).get(path)
        if holder is not None and (path in shared or min(items) < holder):
            known = ledger.items.known(job, [*items, holder])
            yield tuple(known[key] for key in sorted(known))


def _is_there(context: RunContext, item: Item) -> bool:
    try:
        return context.store.head(item.key).etag == item.version
    except NotFoundError:
        return False
