"""Files made of many objects: the netCDF of a deployment, the table of a month, the status of all deployments."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.domains.ocean.cycles import files_before
from bondstore.domains.ocean.linked import grouped_with, link
from bondstore.domains.ocean.output.status import status_csv
from bondstore.domains.ocean.paths import (
    RECORD,
    STATUS,
    deployment_of,
    deployment_path,
    month_of,
    month_path,
    record_path,
)
from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.write import maker
from bondstore.errors import DamagedError
from bondstore.ledger import Item, State
from bondstore.release.records import Record
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import Group, Product, made_of
from bondstore.runs.work import Work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.settings import QcSettings
    from bondstore.domains.ocean.write import Maker
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination, Holder
    from bondstore.runs.pipeline import Shard

RECORDS = 256


@dataclass(frozen=True, slots=True)
class _FilesOfMany(Product):
    """Files that each hold the profiles of many objects."""

    settings: QcSettings
    digest: str
    few: bool = False
    whole: bool = True
    """Whether the run is about all objects of the source."""

    @property
    @abstractmethod
    def asked(self) -> bool:
        """Whether there are to be such files."""

    @abstractmethod
    def name_of(self, output: str) -> str:
        """Return what an object belongs to, by its output; nothing for none."""

    @abstractmethod
    def paths_of(self, name: str) -> tuple[str, ...]:
        """Return the paths of its files."""

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield those to be made. A few objects are no reason to remove any, nor to make one of them alone."""
        if self.few and not (self.asked and context.dest.few_know_all):
            return iter(())
        return Product.shards(self, ledger, context)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield what done objects belong to; what only has objects to be done is left as it is."""
        if not self.asked:
            return
        groups: dict[str, list[Item]] = {}
        for item in ledger.items.in_state(context.job, State.DONE):
            if name := self.name_of(item.output):
                groups.setdefault(name, []).append(item)
        waiting = {self.name_of(item.output) for item in ledger.items.in_state(context.job, State.PLANNED)} - {""}
        # What a killed run was to do again, and this one is not asked for, still has its rows in the file that stands.
        left: set[str] = set() if self.whole else waiting
        compares = self.settings.load().compares
        with files_before(ledger, context.job, None if self.whole else context.store, listed=compares) as before:
            for name, items in sorted(groups.items()):
                beside: tuple[tuple[Item, ...], ...] = ()
                if compares:
                    known = ledger.outputs.known(context.job, [one.output for one in items])
                    told = (known[one.output].source if one.output in known else None for one in items)
                    beside = tuple(before.of(one.key, said) for one, said in zip(items, told, strict=True))
                digest = "" if name in left else _made_of(self.digest, items, beside)
                yield Group(name, self.paths_of(name), digest, tuple(items), beside=beside)
        for name in sorted(waiting - groups.keys()):
            yield Group(name, self.paths_of(name), "")


@dataclass(frozen=True, slots=True)
class DeploymentFiles(_FilesOfMany):
    """The netCDF file of each deployment and its record. Its levels are in memory together."""

    kinds = ("deployment",)

    @property
    def asked(self) -> bool:
        """As the settings say."""
        return self.settings.gathered

    def name_of(self, output: str) -> str:
        """Return the deployment."""
        return deployment_of(output)

    def paths_of(self, name: str) -> tuple[str, ...]:
        """Return file and record."""
        return deployment_path(name), record_path(deployment_path(name))

    def make(self, group: Group, work: Work) -> None:
        """Read, test and write a deployment."""
        tool = maker(self.settings, work.context.source.url)
        read: list[tuple[Item, int]] = []
        batches = list(_read_again(tool, group, work, read))
        if not batches:
            return
        sources = [(item.key, item.version) for item, _ in read]
        newest = max(modified_ms for _, modified_ms in read)
        made = tool.gather(group.paths[0], joined(batches), sources, newest)
        digest = _made_of_read(self.digest, group, read)
        for path, data in zip(group.paths, made, strict=True):
            work.write(path, [data], last=path.endswith(RECORD), kind="deployment", made_by=digest)


@dataclass(frozen=True, slots=True)
class MonthTables(_FilesOfMany):
    """The Parquet table of each month."""

    kinds = ("month",)

    @property
    def asked(self) -> bool:
        """As the settings say."""
        return self.settings.tables

    def name_of(self, output: str) -> str:
        """Return the month."""
        return month_of(output)

    def paths_of(self, name: str) -> tuple[str, ...]:
        """Return the table."""
        return (month_path(name),)

    def make(self, group: Group, work: Work) -> None:
        """Read the objects a batch at a time, test them, and write the table."""
        from bondstore.domains.ocean.output.parquet import month_table  # pyarrow is large, and events do without it

        tool = maker(self.settings, work.context.source.url)
        read: list[tuple[Item, int]] = []
        tested = ((one, evaluate(one, tool.suite)) for one in _read_again(tool, group, work, read))
        first = next(tested, None)
        if first is not None:
            table = month_table(chain([first], tested))
            digest = _made_of_read(self.digest, group, read)
            work.write(group.paths[0], [table], kind="month", made_by=digest)


@dataclass(frozen=True, slots=True)
class Status(Product):
    """The status of all deployments, a CSV beside the files: one row for each, from the records of the files."""

    few: bool = False
    """Whether the run is about a few objects: then the status is left as it is."""
    kinds = ("status",)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        """Yield it, where there are records. One that somebody removed, and whose object is gone, is not missed."""
        seen, paths = hashlib.sha256(), []
        for one in ledger.outputs.of_kind(context.job, "record", "deployment"):
            if one.path.endswith(RECORD) and (self.few or holder.holds(one)):
                paths.append(one.path)
                seen.update(one.path.encode() + one.sha256)
        if paths:
            yield Group(STATUS, (STATUS,), "" if self.few else seen.hexdigest(), sources=tuple(paths))

    def make(self, group: Group, work: Work) -> None:
        """Read all records, and write one row for each deployment."""
        data = status_csv(_records(work.dest, group.sources))
        work.write(STATUS, [data], kind="status", made_by=group.digest)


def _made_of(settings: str, items: Sequence[Item], beside: Sequence[Sequence[Item]]) -> str:
    """Return the digest of a product: of what it is made of, and of what that was compared with."""
    compared = {one.key: one for befores in beside for one in befores}
    return made_of(settings, [*items, *(compared[key] for key in sorted(compared))])


def _made_of_read(settings: str, group: Group, read: Sequence[tuple[Item, int]]) -> str:
    """Return the digest of a product of those objects of a group that could be read."""
    beside = dict(zip((one.key for one in group.items), group.beside, strict=False))
    return _made_of(settings, [item for item, _ in read], [beside.get(item.key, ()) for item, _ in read])


def _read_again(tool: Maker, group: Group, work: Work, read: list[tuple[Item, int]]) -> Iterator[Batch]:
    """Yield the profiles of a group's objects, batch by batch; `read` gets what was there, and since when."""
    beside = dict(zip((one.key for one in group.items), group.beside, strict=False))
    for fetched in work.again(group.items):
        answers = {item.key: answer for item, answer in fetched}
        for some in grouped_with((item, beside.get(item.key, ())) for item, _ in fetched):
            found: dict[str, Batch] = {}
            results = read_many([(item.key, bytes(answers[item.key].data)) for item, _ in some], tool.columns)
            for (item, _), result in zip(some, results, strict=True):
                if isinstance(result, DamagedError):
                    raise result
                found[item.key] = result[0]
            linked = link(found, {item.key: befores for item, befores in some}, tool, work.store)
            work.receipt.reads += linked.reads
            for _, error in linked.unsure.values():
                raise work.unread(error)
            read += [(item, answers[item.key].info.modified_ms) for item, _ in some]
            yield joined([linked.batches[item.key] for item, _ in some])


def _records(dest: Destination, paths: Sequence[str]) -> Iterator[Record]:
    for some in grouped(paths, lambda _: 0, number=RECORDS, weight=1):
        for data in dest.read_many(some):
            if data is not None:  # somebody removed it just now: the next run sees that
                yield Record.from_json(data)
