"""What the runs of all domains have in common: list, compare, fetch, handle, record; and files made of many objects.

A job is a source, a destination, settings, and the steps that these ask for. A step that handles each object
(`EachObject`) or that makes files of many (`Product`) says only what is special to its domain. Its shards carry the
step and a context, never the job, and bring back a receipt.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from bondstore.findings import NOT_FETCHED
from bondstore.ledger import Item
from bondstore.runs.batches import grouped
from bondstore.runs.changed import keep_changed
from bondstore.runs.plan import Plan, split, total
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record
from bondstore.runs.work import UnreadError, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.progress import Progress
    from bondstore.runs.tally import Count
    from bondstore.stores import ObjectInfo

PAGE = 1000
"""Paths that are looked up at a time."""


class Job(ABC):
    """What a run does: a frozen dataclass of a source and settings, which give its steps."""

    store: StoreSpec
    """What it reads from."""
    few = False
    """Whether it is about a few objects that it names; others like it may then run at the same time."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Identity of the job: runs of the same name share their items."""

    @property
    @abstractmethod
    def params(self) -> Mapping[str, Any]:
        """All that is needed to build the job again, as JSON; secrets by reference."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """What is done, in this order: a step begins when all before it is recorded."""

    def check(self) -> None:  # noqa: B027 - most have nothing to refuse
        """Refuse what cannot succeed (a wrong key, a policy), before anything is written."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List and compare; record what is to be done, where there is a ledger."""
        plan = Plan()
        for step in self.steps:
            plan += step.plan(ledger, context, progress)
        return plan

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield the shards of each step."""
        for step in self.steps:
            yield step.shards(ledger, context)


class Step(ABC):
    """A part of a job. It is sent to workers with its shards: settings only, nothing that is open."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:  # noqa: ARG002
        """Say what will be done; nothing, where that shows only once the steps before are recorded."""
        return Plan()

    @abstractmethod
    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what is to be done, in pieces that fit into memory."""


class Shard(ABC):
    """A piece of a run. Done twice it gives the same bytes, and only the first receipt counts."""

    context: RunContext

    def run(self) -> Receipt:
        """Do the work. Nothing of it is to be seen before its receipt is recorded."""
        work = Work(self.context)
        with work.open():
            self.handle(work)
            return work.seal()

    @abstractmethod
    def handle(self, work: Work) -> None:
        """Do the work."""


class _Nothing:
    """Where there is no record, nothing is proved to be in place, and a store need not be listed."""

    def holds(self, output: Output) -> bool:  # noqa: ARG002
        return False

    def stands(self, output: Output, path: str) -> bool:  # noqa: ARG002
        return False


NOTHING = _Nothing()


@dataclass(slots=True)
class Page:
    """Some listed objects: candidates, what is left out by the word for it, and what another object stands for."""

    items: list[Item] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    superseded: list[Item] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class EachObject(Step):
    """Handles the objects of the source, each by itself, in batches."""

    kinds: ClassVar[tuple[str, ...]] = ()
    """Kinds of its outputs; `Leftovers` removes those that no item names any more."""
    few = False
    """Whether it is about a few objects of many, so that the destination need not be listed."""

    def pages(self, context: RunContext) -> Iterator[Page]:
        """List the source."""
        for listing in context.store.pages():
            yield self.page(listing.objects())

    def page(self, objects: Iterable[ObjectInfo]) -> Page:
        """Sort listed objects; what cannot be seen behind one that is barred may well be asked for."""
        page = Page()
        for one in objects:
            item = Item(one.key, "", 0, "") if one.barred else self.item_of(one)
            if isinstance(item, Item):
                page.items.append(item)
            elif item:
                page.left_out[item] += 1
        return page

    def item_of(self, found: ObjectInfo) -> Item | str | None:
        """Return the item of a listed object; a word for why it is left out; None where it was not asked for.

        An item's output may be empty, where it shows only from the content.
        """
        raise NotImplementedError

    def beside(self, path: str) -> tuple[str, ...]:  # noqa: ARG002
        """Return what may lie beside an output and belongs to it."""
        return ()

    def is_current(self, item: Item, outputs: Mapping[str, Output], holder: Holder) -> bool:  # noqa: ARG002
        """Whether a settled item of an unchanged object was handled as is asked for now; `outputs` are those known."""
        return True

    def informed(self, ledger: Ledger, context: RunContext, holder: Holder) -> EachObject:  # noqa: ARG002
        """Return the step with what must be known before objects are compared."""
        return self

    def weight(self, item: Item) -> int:
        """Return about how many bytes an object is in memory."""
        return item.size

    number = 256
    bytes: ClassVar[int] = 24 << 20
    under: ClassVar[str] = ""
    """Only planned items whose output is below this folder."""

    def seconds(self, todo: Count) -> float | None:  # noqa: ARG002
        """Return about how long one core will take; None where nobody can say."""
        return None

    def room(self, items: Sequence[Item]) -> int:  # noqa: ARG002
        """Return about how many bytes the results of some objects take; 0 where nobody says."""
        return 0

    def writes(self, items: Sequence[Item]) -> Mapping[str, int]:  # noqa: ARG002
        """Return what will be written for some objects, counted by the step's own words."""
        return {}

    @abstractmethod
    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Handle a batch: every item ends up in the work's receipt."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List, and record what is not proved done: a set difference, never a high-water mark."""
        holder: Holder = context.dest.holder(few=self.few) if ledger is not None else NOTHING
        step = self.informed(ledger, context, holder) if ledger is not None else self
        plan, told = Plan(), Receipt(counted=False)
        for page in self.pages(context):
            plan += step.plan_page(ledger, context, holder, page)
            told.findings += page.findings
            if len(told.findings) >= PAGE:
                told = _recorded(ledger, context, told)
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        _recorded(ledger, context, told)
        return replace(plan, seconds=self.seconds(plan.todo))

    def plan_page(self, ledger: Ledger | None, context: RunContext, holder: Holder, page: Page) -> Plan:
        """Compare a page, record what of it is to be done, and count."""
        parts = split(ledger, context.job, holder, page.items, self)
        if ledger is not None and context.run:
            with ledger.transaction():
                ledger.items.put(context.job, context.run, parts.todo)
        skipped = total(parts.skipped) + total(page.superseded)
        left_out, room = dict(page.left_out), self.room(parts.todo)
        writes = self.writes(parts.todo)
        return Plan(total(parts.todo), skipped, total(parts.quarantined), left_out, room=room, writes=writes)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield what was planned, in batches."""
        pages = ledger.items.planned(context.job, context.run)
        items = (item for page in pages for item in page if item.output.startswith(self.under))
        for batch in grouped(items, self.weight, number=self.number, weight=self.bytes):
            yield Objects(context, self, tuple(batch))

    def leftovers(self, ledger: Ledger, context: RunContext) -> tuple[list[str], list[str]]:
        """Return outputs that no item names any more, and files of items that have a record but no file now."""
        named: set[str] = set()
        fileless: list[str] = []
        for paths in grouped(ledger.items.outputs_of(context.job), lambda _: 0, number=PAGE, weight=1):
            known = ledger.outputs.known(context.job, [one for path in paths for one in (path, *self.beside(path))])
            for path in paths:
                main = known.get(path)
                beside = [one for one in self.beside(path) if one in known]
                named.add(path)
                named.update(one for one in beside if main is None or known[one].made_by == main.made_by)
                if main is not None and not main.sha256 and beside:
                    fileless.append(path)
        written = ledger.outputs.of_kind(context.job, *self.kinds)
        return [one.path for one in written if one.path not in named], fileless


@dataclass(frozen=True, slots=True)
class Leftovers(Step):
    """Removes what a step's earlier runs wrote and no object has any more: another name, other settings."""

    step: EachObject

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Remove them; nothing is left for workers."""
        stale, fileless = self.step.leftovers(ledger, context)
        if self.step.few and not context.dest.few_know_all:
            # Another machine may have given the name to another object since: then it is no leftover.
            known, holder = ledger.outputs.known(context.job, stale), context.dest.holder(few=True)
            stale = [path for path in stale if holder.holds(known[path])]
        forget(ledger, context, stale, also=fileless)
        yield from ()


@dataclass(frozen=True, slots=True)
class Objects(Shard):
    """A batch of objects for a step."""

    context: RunContext
    step: EachObject
    items: tuple[Item, ...]

    def handle(self, work: Work) -> None:
        """Hand them over."""
        self.step.handle(self.items, work)


@dataclass(frozen=True, slots=True)
class Group:
    """What one product is made of."""

    name: str
    paths: tuple[str, ...]
    digest: str
    """Tells it from the same product made of other sources or in another way; empty where it is left as it is."""
    items: tuple[Item, ...] = ()
    sources: tuple[str, ...] = ()
    """Outputs it is made of."""
    beside: tuple[tuple[Item, ...], ...] = ()
    """What each item is compared with, where the domain compares any: read along, and no part of the product."""


class Product(Step):
    """Makes files, each of many objects or outputs: again, as a whole, when what they are made of changes."""

    kinds: ClassVar[tuple[str, ...]]
    """Kinds of its outputs: those that belong to no group are removed."""
    few = False

    @abstractmethod
    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:
        """Yield all groups there are now."""

    @abstractmethod
    def make(self, group: Group, work: Work) -> None:
        """Write the files of a group. Those of its paths that are not written are removed."""

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the groups whose files are made of something else, or are gone; then remove those of no group."""
        before = [one.path for one in ledger.outputs.of_kind(context.job, *self.kinds)]
        named: set[str] = set()
        holder = context.dest.holder(few=self.few)
        for group in self.groups(ledger, context, holder):
            named.update(group.paths)
            if self.is_stale(group, ledger.outputs.known(context.job, group.paths), holder):
                yield Whole(context, self, self.ready(group, ledger, context, holder))
        # Not what is written meanwhile: some groups know only when they are made which files they have.
        forget(ledger, context, [path for path in before if path not in named])

    def ready(self, group: Group, ledger: Ledger, context: RunContext, holder: Holder) -> Group:  # noqa: ARG002
        """Return a group that is to be made, with what only the record knows."""
        return group

    def is_stale(self, group: Group, known: Mapping[str, Output], holder: Holder) -> bool:
        """Whether files of a group must be made again."""
        return bool(group.digest) and (
            len(known) < len(group.paths)
            or any(one.made_by != group.digest or not holder.holds(one) for one in known.values())
        )


@dataclass(frozen=True, slots=True)
class Whole(Shard):
    """One product, to be made as a whole. Its objects were counted when they were handled."""

    context: RunContext
    step: Product
    group: Group

    def handle(self, work: Work) -> None:
        """Make it, or remove it where there is nothing to make it of."""
        work.receipt.counted = False
        path = self.group.paths[0] if self.group.paths else self.group.name
        try:
            self.step.make(self.group, work)
        except UnreadError as error:
            work.drop()
            work.receipt.left = 1
            work.receipt.findings.append(NOT_FETCHED.about(path, message=f"It is left as it was: {error.message}"))
            return
        if work.read_again:
            work.receipt.afresh.append(path)
        work.receipt.gone += [path for path in self.group.paths if path not in work.written]


def made_of(settings: str, items: Iterable[Item]) -> str:
    """Return the digest of a product: of its settings, and of the keys and versions it is made of."""
    return hashlib.sha256(repr([settings, *((one.key, one.version) for one in items)]).encode()).hexdigest()


def _recorded(ledger: Ledger | None, context: RunContext, told: Receipt) -> Receipt:
    """Record what a plan found; return an empty receipt for more."""
    if ledger is not None and context.run and told.findings:
        record(ledger, context, [told])
    return Receipt(counted=False)


def forget(ledger: Ledger, context: RunContext, paths: Sequence[str], *, also: Sequence[str] = ()) -> None:
    """Remove outputs and their record, and files whose record stays."""
    if not paths and not also:
        return
    keep_changed(ledger, context.dest, also)
    context.dest.remove(also)
    record(ledger, context, [Receipt(gone=list(paths), counted=False)])
