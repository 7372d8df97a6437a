"""One sorted table without repeated rows, out of any number of frames, in bounded memory.

Frames come mostly in order of time. Rows in order go straight to the output; rows that come too late for that go,
sorted, to run files in a scratch folder. If there were any, the output and the runs are merged once at the end. Row
order is (time, order of arrival) and row groups have a fixed number of rows, so the bytes depend neither on the sizes
of the frames nor on the budget.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from bondstore.errors import UsageError
from bondstore.modes import make_path

if TYPE_CHECKING:
    import polars as pl

    from bondstore.tables.sinks import Format, Sink

DEFAULT_BUDGET = 64 << 20
DEFAULT_ROW_GROUP = 1 << 16
_FAN_IN = 16


@dataclass(frozen=True, slots=True)
class SortedResult:
    """What was written."""

    rows: int
    duplicates: int  # rows left out because they repeat another exactly
    overflowed: bool  # whether late rows went through scratch files


class _Grouped:
    """Writes a sorted stream: repeats out, row groups of a fixed size."""

    def __init__(self, sink: Sink, by: str, group: int) -> None:
        self._sink = sink
        self._by = by
        self._group = group
        self._parts: list[pl.DataFrame] = []
        self._waiting = 0
        self._tie: list[pl.DataFrame] = []  # rows of the last time; in the first frame none repeats
        self._tied = 0
        self.rows = 0

    @property
    def held(self) -> int:
        """Rows in memory."""
        return self._waiting + self._tied

    def write(self, frame: pl.DataFrame) -> None:
        """Take rows at or after all that came before; those at the last time wait for their repeats."""
        from bondstore.tables.merge import times

        values = times(frame, self._by)
        sure = int(values.searchsorted(values[-1], "left"))
        if sure or (self._tie and self._tie[0][self._by][0] != values[0]):
            self._add(self._distinct([*self._tie, frame[:sure]]))
            self._tie, self._tied = [], 0
        self._tie.append(frame[sure:].rechunk())
        self._tied += frame.height - sure
        # Only once they are twice as many, or a clock that stands still would cost the square of its rows.
        if self._tied > 2 * self._tie[0].height:
            self._tie = [self._distinct(self._tie).rechunk()]
            self._tied = self._tie[0].height

    def _distinct(self, frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
        import polars as pl

        from bondstore.tables.merge import without_repeats

        return without_repeats(pl.concat(frames), self._by)

    def close(self) -> None:
        """Write what waits, and finish the file."""
        if self._tie:
            self._add(self._distinct(self._tie))
            self._tie, self._tied = [], 0
        self._flush(1)
        self._sink.close()

    def abandon(self) -> None:
        """Let go of the file, which is not needed any more."""
        _let_go(self._sink)

    def _add(self, frame: pl.DataFrame) -> None:
        self._parts.append(frame)
        self._waiting += frame.height
        self._flush(self._group)

    def _flush(self, least: int) -> None:
        """Write row groups while at least `least` rows wait."""
        import polars as pl

        if self._waiting < least:
            return
        whole = pl.concat(self._parts)
        start = 0
        while self._waiting >= least and self._waiting:
            part = whole[start : start + self._group]
            self._sink.write(part)
            start += part.height
            self._waiting -= part.height
            self.rows += part.height
        self._parts = [whole[start:].rechunk()] if self._waiting else []


class SortedTable:
    """Writer of one sorted table; leaving it as a context by an error removes the output and the scratch folder."""

    def __init__(
        self,
        path: Path,
        schema: pl.Schema | dict[str, pl.DataType],
        form: Format,
        *,
        scratch: Path,
        by: str = "timestamp",
        budget: int = DEFAULT_BUDGET,  # bytes of rows in memory, roughly; rows of one timestamp are held on top
        row_group: int = DEFAULT_ROW_GROUP,
    ) -> None:
        import polars as pl

        self._path = path
        self._schema = pl.Schema(schema)
        self._form = form
        self._scratch = scratch
        self._by = by
        self._share = max(budget // 4, 1)
        self._group = row_group
        self._main = _Grouped(form.open(path, self._schema), by, row_group)
        self._latest: int | None = None
        self._window: list[pl.DataFrame] = []
        self._window_bytes = 0
        self._late: list[pl.DataFrame] = []
        self._late_bytes = 0
        self._runs: list[Path] = []
        self._made = 0
        self._rows_in = 0
        self._closed = False

    @property
    def held(self) -> int:
        """Rows in memory now."""
        return sum(frame.height for frame in (*self._window, *self._late)) + self._main.held

    def __enter__(self) -> SortedTable:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._closed:
            self.abort()

    def write(self, frame: pl.DataFrame) -> None:
        """Take a frame; frames arrive in the caller's own deterministic order."""
        if frame.schema != self._schema or frame[self._by].null_count():
            raise UsageError("A frame does not have the columns of the table it is written to.")
        if not frame.height:
            return
        self._rows_in += frame.height
        for part in frame.iter_slices(self._slice_rows(frame)):
            self._window.append(part)
            self._window_bytes += int(part.estimated_size())
            if self._window_bytes >= self._share:
                self._release(whole=False)

    def finish(self) -> SortedResult:
        """Write everything out and close the file."""
        if self._window:
            self._release(whole=True)
        self._main.close()
        rows = self._main.rows
        overflowed = bool(self._runs or self._late)
        if overflowed:
            self._spill()
            rows = self._merge_all()
        self._closed = True
        shutil.rmtree(self._scratch, ignore_errors=True)
        return SortedResult(rows, self._rows_in - rows, overflowed)

    def abort(self) -> None:
        """Give up: remove the output and all scratch files."""
        self._closed = True
        self._main.abandon()
        self._path.unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _slice_rows(self, frame: pl.DataFrame) -> int:
        """Rows of a frame that make about half a share."""
        return max(1, int(frame.height * self._share / 2 / max(frame.estimated_size(), 1)))

    def _release(self, *, whole: bool) -> None:
        """Sort the window and let its earlier half go (all of it at the end); keep the rest for late rows."""
        import polars as pl

        from bondstore.tables.merge import detached, in_order, times

        # Half of it stays: a row that comes late still finds its place, unless it is older than all that has left.
        window = in_order(pl.concat(self._window), self._by)
        count = window.height if whole else (window.height + 1) // 2
        leaving, staying = window[:count], window[count:].rechunk()
        self._window = [staying] if staying.height else []
        self._window_bytes = int(staying.estimated_size())
        late = 0 if self._latest is None else int(times(leaving, self._by).searchsorted(self._latest, "left"))
        if late:
            self._late.append(detached(leaving[:late]))
            self._late_bytes += int(self._late[-1].estimated_size())
        if late < leaving.height:
            self._latest = int(leaving[self._by][-1])
            self._main.write(leaving[late:])
        if self._late_bytes >= self._share:
            self._spill()

    def _spill(self) -> None:
        """Write late rows as one more sorted run."""
        import polars as pl

        from bondstore.tables.merge import in_order

        if self._late:
            late = in_order(pl.concat(self._late), self._by)
            self._late, self._late_bytes = [], 0
            rows = max(1, late.height // _FAN_IN)
            self._runs.append(self._write_run(late.iter_slices(rows)))

    def _write_run(self, frames: Iterable[pl.DataFrame]) -> Path:
        from bondstore.tables.parquet import ParquetFormat

        make_path(str(self._scratch))
        path = self._scratch / f"run-{self._made:05d}.parquet"
        self._made += 1
        sink = ParquetFormat().open(path, self._schema)
        try:
            for frame in frames:
                sink.write(frame)
        except BaseException:
            _let_go(sink)
            raise
        sink.close()
        return path

    def _read_run(self, path: Path) -> Iterator[pl.DataFrame]:
        from bondstore.tables.parquet import ParquetFormat

        return ParquetFormat().read(path, self._schema, self._group)

    def _merge_all(self) -> int:
        """Merge the output so far with the runs, in order of arrival, into the final file."""
        from bondstore.tables.merge import merge

        while len(self._runs) > _FAN_IN:
            self._runs = [self._merge_some(self._runs[at : at + _FAN_IN]) for at in range(0, len(self._runs), _FAN_IN)]
        # Rows of one time stand as they came: the output so far is the first source, then the runs by number.
        first = self._scratch / f"in-order{self._form.suffix}"
        self._path.rename(first)
        self._main = _Grouped(self._form.open(self._path, self._schema), self._by, self._group)
        in_order = self._form.read(first, self._schema, max(1, self._group // _FAN_IN))
        for frame in merge([in_order, *map(self._read_run, self._runs)], self._by):
            self._main.write(frame)
        self._main.close()
        return self._main.rows

    def _merge_some(self, paths: list[Path]) -> Path:
        """Merge consecutive runs into one."""
        from bondstore.tables.merge import merge

        if len(paths) == 1:
            return paths[0]
        rows = max(1, self._group // _FAN_IN)
        merged = merge([self._read_run(path) for path in paths], self._by)
        run = self._write_run(part for frame in merged for part in frame.iter_slices(rows))
        for path in paths:
            path.unlink()
        return run


def _let_go(sink: Sink) -> None:
    """Close a file whose content does not count: where writing failed, writing its end fails as well."""
    with suppress(OSError, ValueError):  # pyarrow's own errors are ValueErrors
        sink.close()
