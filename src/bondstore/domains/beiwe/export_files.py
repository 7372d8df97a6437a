"""Export object by object: ``original`` and ``forest``. Every file holds exactly the decrypted, decompressed bytes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from bondstore.domains.beiwe.findings import failed_finding, finding_of, moved_finding
from bondstore.domains.beiwe.key import check_key, opener, refuse_mixture, refuse_plaintext
from bondstore.domains.beiwe.layout import forest_path, original_path, parse_key, weight
from bondstore.domains.beiwe.listing import left_out, sort_twins, superseded_finding, walk
from bondstore.domains.beiwe.reading.fetch import SealedObject, fetch
from bondstore.errors import BondstoreError, ConfigurationError, DamagedError, NoSpaceError, NotFoundError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Item, Read
from bondstore.runs.batches import grouped
from bondstore.runs.plan import Plan, split, total
from bondstore.runs.recording import Record, note_reads, output_of
from bondstore.runs.tally import Count, Tally
from bondstore.runs.work import Place, bench
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.decode import Opened, Opener
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.durable import OutputGroup
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Shard
    from bondstore.stores import ObjectInfo, Store

FileForm = Literal["original", "forest"]

SHARD_OBJECTS = 256
SHARD_BYTES = 24 << 20
LARGE = 8 << 20
"""Objects that hold about so many bytes or more are streamed in ranges, one at a time."""
OPENED_BYTES = 4 << 20
"""About so much of a shard is in memory in the clear at once."""

_PATHS = {"original": original_path, "forest": forest_path}


@dataclass(frozen=True, slots=True)
class FilesJob:
    """Export of every selected object into a file of its own.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    study : str
        The study's id.
    key : SecretRef
        Where its decryption key is kept.
    form : {"original", "forest"}
        The layout of the files.
    selection : StudySelection
        Which objects.
    """

    store: StoreSpec
    study: str
    key: SecretRef
    form: FileForm
    selection: StudySelection

    @property
    def name(self) -> str:
        """The same for every selection: a wider one later does only what is new."""
        return f"beiwe.export.{self.form}:{self.study}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": "beiwe.export",
            "study": self.study,
            "form": self.form,
            "key": str(self.key),
            "store": self.store.url,
            "profile": self.store.profile.name,
            "selection": self.selection.params(),
        }

    def check(self) -> None:
        """Refuse a wrong key, or plaintext where it is forbidden, before anything is written."""
        refuse_plaintext(self.store)
        opened = open_store(self.store)
        pages = walk(opened, self.study, self.selection)
        check_key(
            opened,
            self.key,
            ((one.object, one.size) for page in pages for one in page if self.selection.wants(one.object)),
        )

    def plan(self, ledger: Ledger | None, place: Place, progress: Progress) -> Plan:
        """List the selection and record what is not proved done."""
        if self.form == "original":
            refuse_mixture(ledger, f"beiwe.reconcile:{self.study}")
        plan = Plan()
        others: dict[str, int] = {}
        pages = (self._wanted(page, others) for page in walk(open_store(self.store), self.study, self.selection))
        for wanted, superseded in sort_twins(pages):
            plan += self.plan_page(ledger, place, wanted)
            plan += self._set_aside(ledger, place, superseded)
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        return replace(plan, left_out=others)

    def _wanted(self, page: Sequence[Listed], others: dict[str, int]) -> list[Listed]:
        """Keep what is selected; count what is no participant's data."""
        wanted = []
        for one in page:
            if self.selection.wants(one.object):
                wanted.append(one)
            elif (reason := left_out(one.object)) is not None:
                others[reason] = others.get(reason, 0) + 1
        return wanted

    def _set_aside(self, ledger: Ledger | None, place: Place, superseded: Sequence[Listed]) -> Plan:
        """Name objects whose twin is taken in their place: their file would be the same one."""
        if superseded and ledger is not None and place.run:
            with ledger.transaction():
                ledger.findings.put(place.job, place.run, map(superseded_finding, superseded))
        return Plan(skipped=Count(len(superseded), sum(one.size for one in superseded)))

    def plan_page(self, ledger: Ledger | None, place: Place, page: Sequence[Listed]) -> Plan:
        """Compare some listed objects with the ledger, and record there what is to be done."""
        path = _PATHS[self.form]
        items = [Item(one.object.key, one.version, one.size, path(one.object)) for one in page]
        parts = split(ledger, place.job, place.destination, items)
        if ledger is not None and place.run:
            with ledger.transaction():
                ledger.items.put(place.job, place.run, parts.todo)
        return Plan(total(parts.todo), total(parts.skipped), total(parts.quarantined))

    def stages(self, ledger: Ledger, place: Place) -> Iterator[Iterator[Shard]]:
        """All of it at once."""
        yield self.shards(ledger, place)

    def shards(self, ledger: Ledger, place: Place, *, under: str = "") -> Iterator[FilesShard]:
        """Group what was planned by number and bytes.

        Parameters
        ----------
        ledger : Ledger
            That it was planned in.
        place : Place
            The run.
        under : str
            Only files below this folder.
        """
        pages = ledger.items.planned(place.job, place.run)
        items = (item for page in pages for item in page if item.output.startswith(under))
        for batch in grouped(items, _weight, number=SHARD_OBJECTS, weight=SHARD_BYTES):
            yield FilesShard(place, self, tuple(batch))


@dataclass(frozen=True, slots=True)
class FilesShard:
    """A batch of objects, each to be fetched, opened and written."""

    place: Place
    job: FilesJob
    items: tuple[Item, ...]

    def run(self) -> Tally:
        """Fetch → note the reads → open → write → one sync → rename → record."""
        tools = bench(self.place)
        group = self.place.destination.group()
        work = _Shard(tools.store, opener(self.job.key), tools.ledger, self, group)
        try:
            work.small([item for item in self.items if _weight(item) <= LARGE])
            for item in self.items:
                if _weight(item) > LARGE:
                    work.large(item)
            group.commit()
        finally:
            group.discard()
        return work.record.commit(tools.ledger, self.place)


class _Shard:
    """The work of one shard while it runs."""

    def __init__(self, store: Store, tool: Opener, ledger: Ledger, shard: FilesShard, group: OutputGroup) -> None:
        self._store, self._tool, self._ledger, self._shard, self._group = store, tool, ledger, shard, group
        self.record = Record()

    def small(self, items: Sequence[Item]) -> None:
        """Handle objects that fit into memory together."""
        study = self._shard.job.study
        answers = fetch(self._store, [parse_key(study, item.key) for item in items])
        pairs = list(zip(items, answers, strict=True))
        fetched = [(item, answer) for item, answer in pairs if isinstance(answer, SealedObject)]
        note_reads(self._ledger, self._shard.place, [sealed.read for _, sealed in fetched])
        for item, answer in pairs:
            if isinstance(answer, BondstoreError):
                self.record.failed(item, failed_finding(answer, item.key))
        for part in grouped(fetched, lambda pair: _weight(pair[0]), number=SHARD_OBJECTS, weight=OPENED_BYTES):
            results = self._tool.open_many([(sealed.object, sealed.data) for _, sealed in part])
            for (item, sealed), result in zip(part, results, strict=True):
                self._settle(item, sealed, result)

    def _settle(self, item: Item, sealed: SealedObject, result: Opened | DamagedError) -> None:
        if isinstance(result, DamagedError):
            self.record.findings.append(finding_of(result, item.key))
            reason = result.kind
        else:
            self.record.findings += [_about(item, finding) for finding in result.findings]
            reason = next((f.kind for f in result.findings if f.severity is Severity.ERROR), "")
            if not reason:
                self.record.outputs.append(output_of(self._group.write(item.output, [result.plain]), kind="object"))
                self.record.done(item, sealed.version)
        if reason:
            self._group.write(self._shard.place.destination.quarantine_path(item.key), [sealed.data])
            self.record.quarantined(item, sealed.version, reason)
        self._moved(item, sealed)

    def _moved(self, item: Item, sealed: SealedObject) -> None:
        """An object found under its twin's key is known there from now on, too."""
        if sealed.object.key == item.key:
            return
        self.record.findings.append(moved_finding(item.key))
        last = self.record.items[-1]
        self.record.also.append(
            Item(sealed.object.key, sealed.version, sealed.size, item.output, last.state, last.reason)
        )

    def large(self, item: Item) -> None:
        """Handle an object in ranges, in memory that does not grow with it."""
        obj = parse_key(self._shard.job.study, item.key)
        try:
            info = self._store.head(item.key)
        except NotFoundError:
            self.small([item])  # it may have moved to its twin; compressed it is smaller
            return
        except ConfigurationError:
            raise
        except BondstoreError as error:
            self.record.failed(item, failed_finding(error, item.key))
            return
        note_reads(self._ledger, self._shard.place, [Read(item.key, info.etag, info.size)])
        found: list[Finding] = []
        try:
            content = self._tool.open_stream(obj, self._store.open_ranges(info), found)
            written = self._group.write(item.output, content)
        except DamagedError as error:
            self._set_aside(item, info, error)
        except (ConfigurationError, NoSpaceError):
            raise  # no other object will fare better
        except BondstoreError as error:
            self.record.failed(item, failed_finding(error, item.key))
        else:
            self.record.findings += found
            self.record.outputs.append(output_of(written, kind="object"))
            self.record.done(item, info.etag)

    def _set_aside(self, item: Item, info: ObjectInfo, error: DamagedError) -> None:
        """Keep the sealed bytes of a large object; they are fetched once more, as they were not held."""
        note_reads(self._ledger, self._shard.place, [Read(item.key, info.etag, info.size)])
        path = self._shard.place.destination.quarantine_path(item.key)
        try:
            self._group.write(path, self._store.open_ranges(info))
        except (ConfigurationError, NoSpaceError):
            raise
        except BondstoreError as failure:
            self.record.failed(item, failed_finding(failure, item.key))
        else:
            self.record.findings.append(finding_of(error, item.key))
            self.record.quarantined(item, info.etag, error.kind)


def _weight(item: Item) -> int:
    return weight(item.key, item.size)


def _about(item: Item, finding: Finding) -> Finding:
    return (
        finding
        if finding.key == item.key
        else Finding(finding.kind, finding.severity, item.key, finding.message, finding.where, finding.count)
    )
