"""The step that tests each profile file, and what is done where two of them would have one name."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bondstore.domains.ocean.cycles import CycleIndex, index_of, is_cycle, likely_before, told_of
from bondstore.domains.ocean.output.names import deployment_name, output_path, unmarked
from bondstore.domains.ocean.paths import part_path, plot_path, record_path
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate, pick
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.reading.metadata import parse_metadata
from bondstore.domains.ocean.write import maker
from bondstore.errors import (
    HOPELESS,
    BondstoreError,
    ChecksumError,
    DamagedError,
    NotFoundError,
    NothingThereError,
)
from bondstore.findings import Finding, Severity
from bondstore.ledger import Item, Output, Read, State
from bondstore.release.records import Record
from bondstore.runs.batches import grouped
from bondstore.runs.journal import entry_of, replay
from bondstore.runs.pipeline import PAGE, EachObject, Objects, Page, Step
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

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
    before: tuple[tuple[str, Item], ...] = ()
    """By key, the file of the float's cycle before: read along, and compared with."""
    kinds = ("profile", "record", "plot")
    number = 64
    bytes = 4 << 20

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
        if self.settings.metadata and ledger is not None and context.run:
            found = parse_metadata(self.settings.metadata).findings(METADATA)
            told = Receipt(findings=list(found), afresh=[METADATA], counted=False)
            if self.few:  # an event that changes nothing puts nothing into a store's record
                replay(ledger, "", entry_of(context.job, context.run, context.who, receipts=(told,)))
            else:
                record(ledger, context, [told])
        return EachObject.plan(self, ledger, context, progress)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned, in batches; each object with that of its float's cycle before."""
        if not self.settings.load().compares:
            yield from EachObject.shards(self, ledger, context)
            return
        with index_of(ledger, context.job) as index:
            pages = ledger.items.planned(context.job, context.run)
            pairs = ((item, self._before(item.key, index, context)) for page in pages for item in page)
            for some in grouped(pairs, _weight, number=self.number, weight=self.bytes):
                step = replace(self, before=_by_key(some))
                yield Objects(context, step, tuple(item for item, _ in some))

    def _before(self, key: str, index: CycleIndex, context: RunContext) -> Item | None:
        """Return the file of the cycle before; where not all of the source was listed, it is asked for by its name."""
        found = index.before(key)
        if found is not None or not (self.few or self.since_ms is not None):
            return found
        for likely in likely_before(key):
            with suppress(NotFoundError):
                info = context.store.head(likely)
                return Item(info.key, info.etag, info.size, "")
        return None

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
        linked, unsure = with_befores(read, dict(self.before), tool, work)
        good: list[tuple[Item, Fetched, Batch]] = []
        for (item, answer), result in zip(fetched, results, strict=True):
            if item.key in unsure:
                work.not_fetched(item, unsure[item.key])
                continue
            if isinstance(result, DamagedError):
                work.receipt.findings.append(Finding(result.kind, Severity.ERROR, item.key, str(result)))
                work.quarantine(item, answer.info.etag, result.kind)
                continue
            batch, more = tool.with_deployments(linked[item.key])
            work.receipt.findings += [*result[1], *more]
            good.append((item, answer, batch))
        if good:
            self._write_all(good, tool, work)

    def _write_all(self, good: Sequence[tuple[Item, Fetched, Batch]], tool: Maker, work: Work) -> None:
        batch = joined([one for _, _, one in good])
        said = evaluate(batch, tool.suite)
        paths = self._paths([(item.key, own) for item, _, own in good], work)
        first = 0
        for (item, answer, own), path in zip(good, paths, strict=True):
            numbers = range(first, first + len(own))
            first += len(own)
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
                told = told_of(dict(self.before).get(item.key)) if kind == "profile" else ""
                work.write(path, [data], last=kind == "record", kind=kind, made_by=self.digest, source=told)
        if made.file is None:
            # its rows go into a table of the month: there is no file of its own to be missing
            told = told_of(dict(self.before).get(item.key))
            work.receipt.outputs.append(
                Output(item.output, b"", 0, 0, kind="profile", made_by=self.digest, source=told)
            )
        work.receipt.findings += made.findings
        work.receipt.done(item, answer.info.etag)

    def _paths(self, batches: Sequence[tuple[str, Batch]], work: Work) -> list[str]:
        """Return where the files of objects go; another object's file is never written over."""
        paths = [self._path(key, batch, distinct=key in self.marked) for key, batch in batches]
        if self.again or not self.settings.files:
            return paths
        records = work.dest.read_many([record_path(path) for path in paths])
        return [
            self._path(key, batch, distinct=True) if _is_anothers(record, work.context.source.url, key) else path
            for (key, batch), path, record in zip(batches, paths, records, strict=True)
        ]

    def _path(self, key: str, batch: Batch, *, distinct: bool) -> str:
        path = output_path(key, batch, self.settings.style, distinct=distinct)
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


def with_befores(
    read: Mapping[str, Batch], before: Mapping[str, Item], tool: Maker, work: Work
) -> tuple[dict[str, Batch], dict[str, BondstoreError]]:
    """Return the profiles of files by key, each with that of the cycle before, and what could not be had just now.

    A file of a cycle before that is gone or damaged is none: where there is none, what compares with it is silent.
    """
    wanted = list(dict.fromkeys(one.key for key, one in before.items() if key in read and one.key not in read))
    pairs: list[tuple[str, bytes]] = []
    lost: dict[str, BondstoreError] = {}
    for key, answer in zip(wanted, work.store.get_many(wanted), strict=True):
        if isinstance(answer, BondstoreError):
            if isinstance(answer, HOPELESS):
                raise answer
            if not isinstance(answer, NotFoundError | ChecksumError):
                lost[key] = answer
            continue
        work.receipt.reads.append(Read(key, answer.info.etag, len(answer.data)))
        pairs.append((key, bytes(answer.data)))
    results = read_many(pairs, tool.columns)
    more = {key: one[0] for (key, _), one in zip(pairs, results, strict=True) if isinstance(one, tuple)}
    everything = {**read, **more}
    named = {key: one.key for key, one in before.items() if key in read and one.key in everything}
    found = tool.with_predecessors(everything, named)
    unsure = {key: lost[one.key] for key, one in before.items() if key in read and one.key in lost}
    return {key: found[key] for key in read}, unsure


def _weight(pair: tuple[Item, Item | None]) -> int:
    item, before = pair
    return item.size + (0 if before is None else before.size)


def _by_key(pairs: Sequence[tuple[Item, Item | None]]) -> tuple[tuple[str, Item], ...]:
    return tuple((item.key, before) for item, before in pairs if before is not None)


@dataclass(frozen=True, slots=True)
class Sequels(Step):
    """Objects whose cycle before came later, or has changed, are tested again: in which order they came is the same."""

    step: ProfileFiles

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the objects that were compared with another one than they should be."""
        if self.step.few or not self.step.settings.load().compares:
            return
        with index_of(ledger, context.job) as index:
            done = (one for one in ledger.items.in_state(context.job, State.DONE) if is_cycle(one.key))
            for items in grouped(done, lambda _: 0, number=PAGE, weight=1):
                known = ledger.outputs.known(context.job, [one.output for one in items])
                index.note(one.key for one in items if _differs(known.get(one.output), index.before(one.key)))
            # Only now: what is done again is recorded while the shards are asked for.
            for keys in index.noted(PAGE):
                stale = ledger.items.known(context.job, keys)
                pairs = [(stale[key], index.before(key)) for key in keys if _is_there(context, stale[key])]
                for some in grouped(pairs, _weight, number=self.step.number, weight=self.step.bytes):
                    marked = frozenset(one.key for one, _ in some if unmarked(one.output, one.key) != one.output)
                    step = replace(self.step, before=_by_key(some), marked=marked, again=True)
                    yield Objects(context, step, tuple(item for item, _ in some))


def _differs(output: Output | None, before: Item | None) -> bool:
    return output is not None and output.source != told_of(before)


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
