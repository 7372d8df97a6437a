"""Export in the layout of forest, so that forest reads every row: planned hour by hour.

What shares an hour (or a raw file's time) of a participant's stream is one *unit*, made as a whole: hours of several
surveys in one file, of one survey each, and what the server named a duplicate. Raw rows are then added to the hours, in
order of time; the ledger keeps which hours a raw object's rows went into.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, ClassVar

from bondstore.domains.beiwe.export.forest_raw import CUT, ForestRows, cut_text
from bondstore.domains.beiwe.export.forest_units import MADE, Unit, Units
from bondstore.domains.beiwe.integrity import has_headers
from bondstore.domains.beiwe.layout import BESIDE, DUPLICATES, forest_path, forest_stem, parse_key, stem_of, weight
from bondstore.domains.beiwe.listing import left_out, sort_twins, superseded_finding, walk_by_participant
from bondstore.domains.beiwe.oddfolders import OddFolders, page_of_odd
from bondstore.domains.beiwe.planning import SETTLED, SeriesPlanning
from bondstore.domains.beiwe.reconcile.hours import RAW_AFTER_MS, RAW_BEFORE_MS, Series, hours_of
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import PolicyError
from bondstore.ledger import Item, Output
from bondstore.runs.batches import grouped
from bondstore.runs.paths import safe_relpath
from bondstore.runs.pipeline import NOTHING, Step
from bondstore.runs.plan import Plan, total
from bondstore.runs.receipt import Receipt
from bondstore.runs.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.config.secrets import SecretRef
    from bondstore.domains.beiwe.layout import BeiweObject
    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.progress import Progress

_HOURS = "hours"  # what a ledger notes of a raw object begins so


@dataclass(frozen=True, slots=True)
class Forest(Step):
    """Writes every hour and file of a selection as forest reads it."""

    study: str
    key: SecretRef
    selection: StudySelection
    number: ClassVar[int] = 256
    bytes: ClassVar[int] = 24 << 20
    raw_number: ClassVar[int] = 4096
    raw_bytes: ClassVar[int] = 128 << 20
    """Raw objects of a series, and about how many bytes of them, that are one shard: what a kill may cost."""

    @property
    def odd(self) -> OddFolders:
        """The step that sets aside what lies in odd folders."""
        return OddFolders(self.study)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List participant by participant, and record what is not proved done."""
        if ledger is not None:
            self._refuse_narrower(ledger, context.job)
        holder = context.dest.holder() if ledger is not None else NOTHING
        plan = Plan()
        for _, listed in walk_by_participant(context.store, self.study, self.selection):
            plan += self._plan_some(ledger, context, holder, listed)
            progress.listing(plan.todo + plan.skipped + plan.quarantined)
        return plan

    def _refuse_narrower(self, ledger: Ledger, job: str) -> None:
        """Refuse to make hours anew without a source that rows of theirs came from."""
        raw = any(item.output.startswith(_HOURS) for item, _ in ledger.items.under(job, f"{self.study}/"))
        chunked = next(ledger.items.under(job, f"CHUNKED_DATA/{self.study}/"), None) is not None
        if (self.selection.source == "chunked" and raw) or (self.selection.source == "raw" and chunked):
            raise PolicyError(
                f"The folder holds hours of another source: from {self.selection.source} alone they would lose rows.",
                hint="Add --source both, or name another folder.",
            )

    def _plan_some(self, ledger: Ledger | None, context: RunContext, holder: Holder, listed: Sequence[Listed]) -> Plan:
        others: Counter[str] = Counter()
        series: dict[tuple[str, str], list[Listed]] = {}
        odd = []
        wanted = []
        for one in listed:
            if self.selection.wants_odd(one.object):
                odd.append(one)
            elif (reason := left_out(one.object)) is not None:
                others[reason] += 1
            elif self._wants(one.object):
                wanted.append(one)
        superseded = []
        for kept, twins in sort_twins([sorted(wanted, key=lambda one: one.object.key)]):
            superseded += twins
            for one in kept:
                series.setdefault((one.object.participant, one.object.stream), []).append(one)
        plan = self.odd.plan_page(ledger, context, holder, page_of_odd(odd)) if odd else Plan()
        for _, some in sorted(series.items()):
            work = _ForestPlanning(ledger, context, holder, self, some)
            work.sort()
            if ledger is not None and context.run:
                work.record(ledger)
            plan += work.plan()
        if ledger is not None and context.run and superseded:
            record(ledger, context, [Receipt(findings=list(map(superseded_finding, superseded)), counted=False)])
        return plan + Plan(skipped=total([item_of(one) for one in superseded]), left_out=dict(others))

    def _wants(self, obj: BeiweObject) -> bool:
        if not is_rows(obj):
            return self.selection.wants(obj)
        return self.selection.wants(obj, raw_margin_ms=RAW_BEFORE_MS, raw_after_ms=RAW_AFTER_MS)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield what is set aside, the units, and then portions of raw rows: one of a series after the other."""
        yield self.odd.shards(ledger, context)
        yield self.shards(ledger, context)
        raw = f"{self.study}/"
        while self.selection.source != "chunked" and ledger.items.any_planned(context.job, context.run, raw):
            yield self._portions(ledger, context, raw)

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield the units in batches."""
        units = self._units(ledger, context)
        for batch in grouped(units, lambda unit: unit.weight, number=self.number, weight=self.bytes):
            yield Units(context, self.study, self.key, self.selection.source, tuple(batch))

    def _units(self, ledger: Ledger, context: RunContext) -> Iterator[Unit]:
        items = (item for page in ledger.items.planned(context.job, context.run) for item in page)
        parsed = ((item, parse_key(self.study, item.key)) for item in items)
        units = ((item, obj) for item, obj in parsed if obj.is_data and not is_rows(obj))
        for (participant, stream), some in groupby(units, lambda pair: (pair[1].participant, pair[1].stream)):
            old = _outputs(ledger, context.job, participant, stream)
            stems: dict[str, list[Item]] = {}
            for item, obj in some:
                stems.setdefault(forest_stem(obj.time_ms or 0), []).append(item)
            for stem, members in sorted(stems.items()):
                yield Unit(stream, tuple(members), tuple(one.path for one in old.get(stem, ())))

    def _portions(self, ledger: Ledger, context: RunContext, raw: str) -> Iterator[Shard]:
        items = (item for page in ledger.items.planned(context.job, context.run, under=raw) for item in page)
        begun: set[Series] = set()
        for series, mine in groupby(items, self._series_of):
            if series in begun:
                continue
            begun.add(series)
            portion = next(grouped(mine, _weight, number=self.raw_number, weight=self.raw_bytes))
            outputs = _outputs(ledger, context.job, series.participant, series.stream)
            hours = tuple(one for some in outputs.values() for one in some)
            yield ForestRows(context, self.key, self.selection, series, tuple(portion), hours)

    def _series_of(self, item: Item) -> Series:
        obj = parse_key(self.study, item.key)
        return Series(self.study, obj.participant, obj.stream)


def _weight(item: Item) -> int:
    return weight(item.key, item.size)


def is_rows(obj: BeiweObject) -> bool:
    """Whether an object is raw, and its rows belong into hours."""
    return obj.source == "raw" and not STREAMS[obj.stream].raw_only and has_headers(obj)


def item_of(one: Listed) -> Item:
    """Return the item of an object; hours of several surveys, and raw rows, go into no file of their own."""
    obj = one.object
    mixed = obj.stream == "survey_timings" and not obj.survey_id and has_headers(obj)
    alone = not is_rows(obj) and not mixed
    return Item(obj.key, one.version, one.size, forest_path(obj) if alone else "")


def _outputs(ledger: Ledger, job: str, participant: str, stream: str) -> dict[str, list[Output]]:
    """Return what is recorded of a series' files, by the stem of their names."""
    folder = safe_relpath(f"{participant}/{stream}") + "/"
    found: dict[str, list[Output]] = {}
    for start in ("", DUPLICATES, BESIDE):
        for one in ledger.outputs.under(job, start + folder, written=False):
            found.setdefault(stem_of(one.path), []).append(one)
    return found


class _ForestPlanning(SeriesPlanning):
    """A unit is made anew as a whole, and with it all raw objects that have rows in its hour."""

    def __init__(
        self,
        ledger: Ledger | None,
        context: RunContext,
        holder: Holder,
        step: Forest,
        listed: Sequence[Listed],
    ) -> None:
        SeriesPlanning.__init__(self, ledger, context, holder, listed)
        self._ledger, self._step = ledger, step
        self._raw: list[Listed] = []
        self._units: dict[str, list[Listed]] = {}
        for one in listed:
            if is_rows(one.object):
                self._raw.append(one)
            else:
                self._units.setdefault(forest_stem(one.object.time_ms or 0), []).append(one)
        self._series = Series(step.study, listed[0].object.participant, listed[0].object.stream)
        series = self._series
        self._outputs = _outputs(ledger, context.job, series.participant, series.stream) if ledger is not None else {}
        self._forgotten: list[Output] = []

    def sort(self) -> None:
        """Tell what must be done from what is proved done."""
        stale: set[str] = set()
        for stem, members in self._units.items():
            settled = [self._settled(one) for one in members]
            if all(settled) and self._in_place(stem):
                for one in members:
                    self._leave(item_of(one))
                continue
            stale.add(stem)
            self.todo += map(item_of, members)
            self.again += [item_of(one) for one, old in zip(members, settled, strict=True) if old]
        raw = [(one, self._settled(one)) for one in self._raw]
        window = cut_text(self._step.selection).partition(CUT)[1:]
        # What was done for another window may have left rows out.
        raw = [(one, old if old and old.output.partition(CUT)[1:] in (("", ""), window) else None) for one, old in raw]
        stems = {one.object.key: list(_stems(old)) for one, old in raw if old}
        for stem in {stem for some in stems.values() for stem in some} - self._units.keys():
            if stem not in self._outputs or not self._in_place(stem):
                stale.add(stem)
                self._forgotten += [Output(one.path, b"", 0, 0, kind="hour") for one in self._outputs.get(stem, ())]
        for one, old in raw:
            if old and stale.isdisjoint(stems[one.object.key]):
                self._leave(item_of(one))
                continue
            self.todo.append(item_of(one))
            if old:
                self.again.append(item_of(one))
        self._look_elsewhere(stale)

    def _look_elsewhere(self, stale: set[str]) -> None:
        """Take up raw objects that were not listed and have rows in an hour that is made anew, and find hours of none.

        They lie outside of the window, or are gone; then that is told of each. An hour that no object is recorded to
        have gone into was left by a kill: a file is known before it has its name, and that before its objects are done.
        """
        known = {one.object.key: self._known[one.object.key] for one in self._raw if one.object.key in self._known}
        alone = {stem for stem, some in self._outputs.items() if any(one.sha256 for one in some)} - self._units.keys()
        alone -= {stem for old in known.values() for stem in _stems(old)}
        if self._ledger is None or not (stale or alone):
            return
        for item, obj in self._recorded(self._ledger):
            if item.key in known:
                continue
            stems = set(_stems(item)) if is_rows(obj) else {forest_stem(obj.time_ms or 0)}
            alone -= stems
            if is_rows(obj) and item.state in SETTLED and not stale.isdisjoint(stems):
                self.again.append(Item(item.key, item.version, item.size, ""))
                self.todo.append(self.again[-1])
        for stem in sorted(alone):
            self._forgotten += [Output(one.path, b"", 0, 0, kind="hour") for one in self._outputs[stem]]

    def _recorded(self, ledger: Ledger) -> Iterator[tuple[Item, BeiweObject]]:
        """Yield what is recorded of the series' objects."""
        series = self._series
        raw = f"{series.study}/{series.participant}/{STREAMS[series.stream].raw_name}/"
        for prefix in (series.chunked_prefix, raw):
            for item, _ in ledger.items.under(self._context.job, prefix):
                obj = parse_key(series.study, item.key)
                if obj.is_data:
                    yield item, obj

    def record(self, ledger: Ledger) -> None:
        """Write down what is to be done."""
        self._record(ledger, self._forgotten)

    def _in_place(self, stem: str) -> bool:
        outputs = self._outputs.get(stem, ())
        return all(one.made_by == MADE and self._holder.holds(one) for one in outputs)


def _stems(old: Item) -> Iterator[str]:
    return (forest_stem(hour.start_ms) for hour in hours_of(old.output.partition(CUT)[0], None))
