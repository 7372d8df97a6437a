"""One CSV out of many, columns matched by name, rows that came twice left out: in memory that does not grow with them.

One pass writes every row and, into scratch files, its digest and its length. Then the rows that an earlier unit holds
already are found by their digests, and cut out of the file in place.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, BinaryIO

from bondstore.errors import IntegrityError, UsageError
from bondstore.modes import make_path
from bondstore.tables.quoted import free_name
from bondstore.tables.rowdigests import DIGEST, digester
from bondstore.tables.textcsv import csv_line, encoded

if TYPE_CHECKING:
    from bondstore.tables.repeats import RowSet

SOURCE = "_source"
_BATCH_ROWS = 1000
_BATCH_CHARACTERS = 1 << 20
_BLOCK = 4 << 20
_LENGTH = 8


@dataclass(frozen=True, slots=True)
class SourceTable:
    """One table that goes into a consolidated one."""

    name: str  # what `_source` shows
    unit: str  # what it came in, such as a zip: rows are compared between units, never within one
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[list[str]]]  # called once
    digests: Callable[[], bytes] | None = None  # what `row_digests` makes of the rows, where that is known already


Added = Callable[[SourceTable, Mapping[str, str]], str]
"""Computes the value of an added column from a table and one of its rows, by the names of the table's own columns."""


@dataclass(frozen=True, slots=True)
class Consolidated:
    """What was written."""

    rows: int
    repeats: int  # rows left out because an earlier unit holds them
    columns: tuple[str, ...]  # as in the file's header
    repeats_by: Mapping[str, int] = field(default_factory=dict)  # by the unit that lost them
    renamed: tuple[tuple[str, str], ...] = ()  # columns of the data whose name is `_source` or an added one's


def consolidate(
    tables: Sequence[SourceTable], out: BinaryIO, *, added: Mapping[str, Added] | None = None, scratch: Path
) -> Consolidated:
    """Write many tables as one CSV, all text as it came, every value quoted.

    Columns are the union in order of first appearance, then `_source`, then the added ones. Of rows that several units
    hold, the first unit's stay: each row is there as often as in the unit that has it most often. With more than one
    unit `out` must be open for reading, too.
    """
    added = added or {}
    units = _units(tables)
    names, columns, renamed = _columns(tables, added)
    compared = len(units) > 1
    if compared and not (out.readable() and out.seekable()):
        raise UsageError("The file for a consolidated table must be open for reading and writing.")
    with ExitStack() as stack:
        log = _Log(stack, scratch) if compared else None
        first = out.tell() if compared else 0
        start = len(encoded(csv_line(columns)))
        out.write(encoded(csv_line(columns)))
        unit_starts: list[int] = []
        rows = 0
        for place, table in enumerate(tables):
            if not place or table.unit != tables[place - 1].unit:
                unit_starts.append(rows)
            rows += _write(table, out, names, added, log)
        if log is None:
            return Consolidated(rows, 0, columns, renamed=renamed)
        repeats = _without_repeats(out, first + start, log, rows, unit_starts)
    by = {unit: count for unit, count in zip(units, repeats, strict=True) if count}
    return Consolidated(rows - sum(repeats), sum(repeats), columns, by, renamed)


class _Log:
    """Digests and lengths of the rows written, in scratch files that have no name and vanish with the process."""

    def __init__(self, stack: ExitStack, scratch: Path) -> None:
        make_path(str(scratch))
        self.scratch = scratch
        self.digests: IO[bytes] = stack.enter_context(TemporaryFile(dir=scratch))  # noqa: SIM115 - see the stack
        self.lengths: IO[bytes] = stack.enter_context(TemporaryFile(dir=scratch))  # noqa: SIM115

    def add_lengths(self, lines: Sequence[bytes]) -> None:
        """Note the lengths of lines."""
        self.lengths.write(array("Q", map(len, lines)).tobytes())


def _units(tables: Sequence[SourceTable]) -> list[str]:
    units = [table.unit for place, table in enumerate(tables) if not place or table.unit != tables[place - 1].unit]
    if len(set(units)) != len(units):
        raise UsageError("Tables of one unit must stand together.")
    return units


def _columns(
    tables: Sequence[SourceTable], added: Mapping[str, Added]
) -> tuple[list[str], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Return the names in the data in their order, the header, and the names that differ between the two."""
    for table in tables:
        if len(set(table.columns)) != len(table.columns):
            raise UsageError(f"SourceTable {table.name} has two columns of one name.")
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    ours = (SOURCE, *(name for name in added if name != SOURCE))
    if len(ours) != len(added) + 1:
        raise UsageError(f"An added column cannot be called {SOURCE}.")
    taken = {*names, *ours}
    shown, renamed = [], []
    for name in names:
        other = name
        if name in ours:
            other = free_name(name, taken)
            taken.add(other)
            renamed.append((name, other))
        shown.append(other)
    return names, (*shown, *ours), tuple(renamed)


def _write(table: SourceTable, out: BinaryIO, names: list[str], added: Mapping[str, Added], log: _Log | None) -> int:
    """Write one table's rows; return how many."""
    digest = digester(table.columns) if log is not None and table.digests is None else None
    rows = 0
    for batch, lines in _batches(table, names, added):
        content = [encoded(line) for line in lines]
        out.write(b"".join(content))
        rows += len(content)
        if log is not None:
            log.add_lengths(content)
        if log is not None and digest is not None:
            log.digests.write(b"".join(map(digest, batch)))
    if log is not None and table.digests is not None:
        known = table.digests()
        if len(known) != rows * DIGEST:
            raise IntegrityError(f"The digests of {table.name} do not belong to its rows.", hint="Make its part anew.")
        log.digests.write(known)
    return rows


def _batches(
    table: SourceTable, names: list[str], added: Mapping[str, Added]
) -> Iterator[tuple[list[list[str]], list[str]]]:
    """Yield rows with their lines in the file, of bounded number and size."""
    width = len(table.columns)
    place = {name: number for number, name in enumerate(table.columns)}
    # Behind the row's own values stand an empty one for what it lacks, the source, and what is added.
    behind = ["", table.name]
    picks = [*(place.get(name, width) for name in names), *range(width + 1, width + 2 + len(added))]
    pick = itemgetter(*picks) if len(picks) > 1 else lambda row: row[-1:]
    same = list(table.columns) == names and not added
    batch: list[list[str]] = []
    lines: list[str] = []
    size = 0
    for row in table.rows():
        if len(row) != width:
            raise UsageError(f"A row of {table.name} has {len(row)} values for {width} columns.")
        if same:
            line = csv_line([*row, table.name])
        elif added:
            by_name = dict(zip(table.columns, row, strict=True))
            line = csv_line(pick([*row, *behind, *(compute(table, by_name) for compute in added.values())]))
        else:
            line = csv_line(pick(row + behind))
        batch.append(row)
        lines.append(line)
        size += len(line)
        if size >= _BATCH_CHARACTERS or len(lines) >= _BATCH_ROWS:
            yield batch, lines
            batch, lines, size = [], [], 0
    if lines:
        yield batch, lines


def _without_repeats(out: BinaryIO, start: int, log: _Log, rows: int, unit_starts: list[int]) -> list[int]:
    """Take repeated rows out of the file; return how many each unit lost."""
    import numpy as np

    from bondstore.tables.repeats import find_repeats

    # A unit without rows begins where the next one does.
    starts = np.array(unit_starts, np.int64)
    repeats = find_repeats(log.digests, starts, rows, log.scratch)
    counts = [_count(repeats, first, last) for first, last in pairwise([*unit_starts, rows])]
    if any(counts):
        _cut(out, start, log.lengths, rows, repeats)
    return counts


def _count(repeats: RowSet, first: int, last: int) -> int:
    return sum(int(repeats.part(at, min(1 << 16, last - at)).sum()) for at in range(first, last, 1 << 16))


def _cut(out: BinaryIO, start: int, lengths: IO[bytes], rows: int, repeats: RowSet) -> None:
    """Move the rows that stay to the front, a block at a time, and end the file behind them."""
    read = written = start
    for sizes, gone in _blocks(lengths, rows, repeats):
        total = sum(sizes)
        if read == written and not any(gone):
            read = written = read + total
            continue
        # What is written never passes what was read: rows only move to the front.
        out.seek(read)
        block = out.read(total)
        ends = list(accumulate(sizes, initial=0))
        kept = b"".join(
            [block[at:end] for (at, end), left_out in zip(pairwise(ends), gone, strict=True) if not left_out]
        )
        out.seek(written)
        out.write(kept)
        read += total
        written += len(kept)
    out.seek(written)
    out.truncate()


def _blocks(lengths: IO[bytes], rows: int, repeats: RowSet) -> Iterator[tuple[list[int], list[bool]]]:
    """Yield the lengths of rows, and whether they are left out, for about 4 MiB of the file at a time."""
    lengths.seek(0)
    for first in range(0, rows, _BATCH_ROWS):
        sizes = array("Q", lengths.read(min(_BATCH_ROWS, rows - first) * _LENGTH)).tolist()
        gone = repeats.part(first, len(sizes)).tolist()
        at = size = 0
        for place, length in enumerate(sizes):
            size += length
            if size >= _BLOCK:
                yield sizes[at : place + 1], gone[at : place + 1]
                at, size = place + 1, 0
        if size:
            yield sizes[at:], gone[at:]
