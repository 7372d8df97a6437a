"""Rebuilding from raw the hours that chunked lacks rows of: what of it is still to be done, and in which portions.

The ledger keeps, for every raw object, the hours its rows went into, and for every rebuilt hour the hash of its file.
A raw object is taken up when it is new or changed, and when one of its hours is *stale*: the rebuilt file is gone or
altered, or the chunked object is new, changed or gone since.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from bondstore.domains.beiwe.key import refuse_mixture
from bondstore.domains.beiwe.layout import parse_key, study_prefixes, weight
from bondstore.domains.beiwe.oddfolders import OddFolders, page_of_odd
from bondstore.domains.beiwe.planning import SeriesPlanning
from bondstore.domains.beiwe.reconcile.hours import Series, hours_of, list_series, series_of
from bondstore.domains.beiwe.reconcile.shard import REVISION, RebuildShard
from bondstore.ledger import Item, Output, State
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import NOTHING, EachObject, Step
from bondstore.runs.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reconcile.hours import Hour, SeriesListing
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.progress import Progress
    from bondstore.runs.work import Work


@dataclass(frozen=True, slots=True)
class Rebuild(Step):
    """Writes every hour that lacks rows, whole: the rows of its chunked objects, and those that raw holds besides."""

    study: str
    key: SecretRef
    selection: StudySelection
    number: ClassVar[int] = 4096
    bytes: ClassVar[int] = 128 << 20
    """Raw objects of a series, and about how many bytes of them, that are one shard: what a kill may cost."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List raw and chunked, stream by stream, and record what is to be done."""
        refuse_mixture(ledger, f"beiwe.export.original:{self.study}")
        holder = context.dest.holder() if ledger is not None else NOTHING
        plan = Plan()
        for series in series_of(context.store, self.study, self.selection):
            listing = list_series(context.store, series, self.selection)
            work = _HoursPlanning(ledger, context, series, listing, holder)
            work.sort()
            if ledger is not None and context.run:
                work.record(ledger)
            if listing.odd:
                plan += self.odd.plan_page(ledger, context, holder, page_of_odd(listing.odd))
            plan += work.plan() + Plan(left_out=listing.others)
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        return plan

    @property
    def odd(self) -> OddFolders:
        """The step that sets aside what lies in odd folders."""
        return OddFolders(self.study)

    def is_left(self, ledger: Ledger, context: RunContext) -> bool:
        """Whether raw objects are still to be read."""
        return ledger.items.any_planned(context.job, context.run, self._raw)

    @property
    def _raw(self) -> str:
        return study_prefixes(self.study)[1]

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the next portion of every series; portions of one must not run side by side."""
        items = (item for page in ledger.items.planned(context.job, context.run, under=self._raw) for item in page)
        begun: set[Series] = set()
        for series, mine in groupby(items, self._series_of):
            if series not in begun:
                begun.add(series)
                portion = next(
                    grouped(mine, lambda one: weight(one.key, one.size), number=self.number, weight=self.bytes)
                )
                yield self._shard(ledger, context, series, portion)

    def _shard(self, ledger: Ledger, context: RunContext, series: Series, portion: Sequence[Item]) -> RebuildShard:
        known = list(ledger.items.under(context.job, series.chunked_prefix))
        return RebuildShard(
            context,
            self.key,
            self.selection,
            series,
            tuple(portion),
            tuple(item for item, _ in known),
            frozenset(item.key for item, run in known if run == context.run),
            tuple(ledger.outputs.under(context.job, series.folder, written=False)),
        )

    def _series_of(self, item: Item) -> Series:
        obj = parse_key(self.study, item.key)
        return Series(self.study, obj.participant, obj.stream)


@dataclass(frozen=True, slots=True)
class Unasked(EachObject):
    """Counts the chunked objects that no raw row belongs to as skipped: they need not be looked at."""

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """Plan nothing: which they are shows once all raw objects are read."""
        return Step.plan(self, ledger, context, progress)

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Skip them."""
        work.receipt.skipped += items


class _HoursPlanning(SeriesPlanning):
    """A raw object is taken up again with each of its hours that is stale."""

    def __init__(
        self, ledger: Ledger | None, context: RunContext, series: Series, listing: SeriesListing, holder: Holder
    ) -> None:
        self._series, self._listing = series, listing
        self._chunked = [one for some in listing.chunked.values() for one in some]
        SeriesPlanning.__init__(self, ledger, context, holder, [*listing.raw, *self._chunked])
        self._stale = self._stale_hours(ledger) if ledger is not None else {}
        self._unfinished = self._unfinished_hours(ledger) if ledger is not None else []

    def sort(self) -> None:
        """Tell what must be done from what is proved done."""
        chunks: list[Item] = []
        for one in self._listing.raw:
            item, old = _item(one), self._settled(one)
            if old is not None and not any(hour in self._stale for hour in self._hours_known(one.object)):
                self._leave(item)
                continue
            self.todo.append(item)
            if old is not None:
                self.again.append(item)
        for one in self._chunked:
            item, known = _item(one), self._known.get(one.object.key)
            if known is not None and known.state is State.PLANNED:
                self.todo.append(item)  # of a run that is taken up again: it is counted when its turn comes
            elif self._settled(one) is None:
                chunks.append(item)
            else:
                self._leave(item)
        # Read when an hour asks for them; where no raw object is read, none will.
        (self.todo if self.todo else self.skipped).extend(chunks)

    def record(self, ledger: Ledger) -> None:
        """Write down what is to be done; stale hours are forgotten, so that they are made anew from all their rows."""
        paths = [*filter(None, self._stale.values()), *self._unfinished]
        self._record(ledger, [Output(path, b"", 0, 0, kind="hour") for path in paths])

    def _stale_hours(self, ledger: Ledger) -> dict[Hour, str]:
        """Return the hours that must be made anew; those that were rebuilt before with their path."""
        touched = {hour for one in self._listing.raw for hour in self._hours_known(one.object)}
        paths = {hour: self._series.path(hour) for hour in touched}
        outputs = ledger.outputs.known(self._context.job, list(paths.values()))
        stale: dict[Hour, str] = {}
        for hour, path in paths.items():
            output = outputs.get(path)
            chunks = self._listing.chunks(self._series, hour)
            moved = any(self._settled(one) is None for one in chunks)
            if output is None:
                if moved or not chunks:
                    stale[hour] = ""
            elif moved or not output.sha256 or output.made_by != REVISION or not self._holder.holds(output):
                stale[hour] = path
        return stale

    def _unfinished_hours(self, ledger: Ledger) -> list[str]:
        """Return the files of hours that no raw object is recorded to have gone into.

        A kill left them so: a file is known before it gets its name, and that before what became of the objects is
        recorded. They are made anew, with all that is to be found about their chunked objects.
        """
        job, series = self._context.job, self._series
        alone = {output.path for output in ledger.outputs.under(job, series.folder)}
        alone -= {series.path(hour) for one in self._listing.raw for hour in self._hours_known(one.object)}
        if alone:  # unless they are of raw objects that were not asked for, or are gone: their rows lie nowhere else
            for item, _ in ledger.items.under(job, series.raw_prefix):
                obj = parse_key(series.study, item.key)
                if obj.stream == series.stream:
                    alone -= {series.path(hour) for hour in hours_of(item.output, series.survey_of(obj))}
        return sorted(alone)

    def _hours_known(self, obj: BeiweObject) -> Iterator[Hour]:
        old = self._known.get(obj.key)
        return hours_of(old.output, self._series.survey_of(obj)) if old is not None else iter(())


def _item(one: Listed) -> Item:
    return Item(one.object.key, one.version, one.size, "")
