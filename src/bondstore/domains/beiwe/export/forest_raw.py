"""Raw rows on their way into the hours that forest reads: those that an hour lacks are added where they belong."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.forest_rows import file_of, rows_of_file, rows_of_lines, time_of
from bondstore.domains.beiwe.export.forest_units import MADE
from bondstore.domains.beiwe.findings import finding
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.layout import forest_path, parse_key
from bondstore.domains.beiwe.reading.raw_rows import woven
from bondstore.domains.beiwe.reconcile.hours import Hour, Series, hours_text
from bondstore.domains.beiwe.reconcile.read import GROUP_BYTES, Tools, raw_batches, read_back, settle
from bondstore.domains.beiwe.selection import StudySelection
from bondstore.domains.beiwe.streams import AHEAD_MS, STREAMS, match_header
from bondstore.ledger import Item, Output
from bondstore.runs.batches import grouped
from bondstore.runs.context import RunContext
from bondstore.runs.pipeline import Shard

if TYPE_CHECKING:
    from bondstore.domains.beiwe.reconcile.read import HourRows, Outcome, RawBatch
    from bondstore.runs.work import Work

CUT = " cut "


@dataclass(frozen=True, slots=True)
class ForestRows(Shard):
    """Some raw objects of one series, with what is recorded of its hours."""

    context: RunContext
    key: SecretRef
    selection: StudySelection
    series: Series
    raw: tuple[Item, ...]
    hours: tuple[Output, ...]

    def handle(self, work: Work) -> None:
        """Fetch → open → add to what stands → write, batch after batch."""
        latest = int(time.time() * 1000) + AHEAD_MS
        tools = Tools(work.store, opener(self.key), work.receipt.reads.extend, latest, fit=True)
        adding = _Adding(self, work, latest)
        objects = [(parse_key(self.series.study, item.key), item.size) for item in self.raw]
        objects.sort(key=lambda pair: (pair[0].time_ms or 0, pair[0].key))
        for batch in raw_batches(tools, self.series, self.selection, objects):
            adding.add(batch)
            for one in batch.outcomes:
                adding.settle(one)


class _Adding:
    """The work of one shard while it goes on."""

    def __init__(self, shard: ForestRows, work: Work, latest_ms: int) -> None:
        self._shard, self._work, self._latest = shard, work, latest_ms
        self._stream = STREAMS[shard.series.stream]
        self._items = {item.key: item for item in shard.raw}
        self._outputs = {output.path: output for output in shard.hours if output.sha256 and output.made_by == MADE}

    def add(self, batch: RawBatch) -> None:
        """Add a batch's rows to their hours."""
        hours = sorted(batch.hours, key=lambda hour: (hour.start_ms, hour.survey or ""))
        for group in grouped(hours, self._size, number=len(hours) or 1, weight=GROUP_BYTES):
            paths = {hour: self._path(hour) for hour in group}
            standing = read_back(self._work, [self._outputs[path] for path in paths.values() if path in self._outputs])
            for hour, path in paths.items():
                self._add(path, standing.get(path), batch.hours[hour])

    def _path(self, hour: Hour) -> str:
        return forest_path(self._shard.series.chunk(hour))

    def _size(self, hour: Hour) -> int:
        output = self._outputs.get(self._path(hour))
        return 0 if output is None else output.size

    def _add(self, path: str, plain: bytes | None, raw: HourRows) -> None:
        """Write an hour, unless it has all the rows already."""
        lines = set(plain.split(b"\n")) if plain is not None else set()
        lacking = [line for line in raw.rows if line not in lines and _unspaced(line) not in lines]
        if plain is not None and not lacking:
            return
        header = raw.header or b""
        new = rows_of_lines(self._stream, header, raw.rows, self._latest)
        old = rows_of_file(self._stream, plain) if plain is not None else []
        if plain is not None and set(new) <= set(old):
            return
        first = header if plain is None else plain.partition(b"\n")[0]
        match = match_header(self._stream, first, "chunked")
        made = file_of(self._stream, match.variant if match else None, woven(old, new, time_of))
        self._work.write(path, [made], kind="hour", made_by=MADE)
        self._outputs[path] = Output(path, hashlib.sha256(made).digest(), len(made), 0, kind="hour", made_by=MADE)

    def settle(self, one: Outcome) -> None:
        """Say what became of an object; keep the sealed bytes of a damaged one."""
        cut = cut_text(self._shard.selection) if one.cut else ""
        item = replace(self._items[one.object.key], output=hours_text(one.hours) + cut)
        if self._stream.name == "survey_timings" and not one.object.survey_id:
            self._work.receipt.findings.append(finding("no-survey", item.key))
        settle(self._work, item, one)


def cut_text(selection: StudySelection) -> str:
    """Return what a ledger notes of a raw object that has rows outside a window, which are not written."""
    return f"{CUT}{selection.since_ms if selection.since_ms is not None else ''}-{selection.until_ms or ''}"


def _unspaced(line: bytes) -> bytes:
    return line.replace(b", ", b",")
