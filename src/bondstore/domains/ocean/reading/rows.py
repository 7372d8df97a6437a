"""The rows of many Moana files parsed in one go: which lines are rows, and their cells as numbers.

All work is done on the bytes by numpy: a library of tables takes longer to load than one file takes to read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Floats, Integers, Mask
from bondstore.domains.ocean.reading.header import MISSING

Bytes = NDArray[np.uint8]

_LF, _CR, _TAB, _COMMA, _DOT, _MINUS = b"\n\r\t,.-"
_BLANKS = b" \t\r"
_STAMP = 15
"""Signs of a time such as 20240501T030250."""
_MONTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_EXACT = 15
"""Figures that a whole number may have to be exact in floating point."""
_TENS = np.array([float(f"1e{power}") for power in range(_EXACT + 1)])
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class MoanaRows:
    """The rows of several files, one after the other."""

    sizes: Integers  # rows of each file
    time: Floats  # seconds since 1970-01-01 UTC; NaN where there is no time
    values: Sequence[Floats]  # the other columns asked for; NaN where a value is missing
    bad_times: Integers  # of each file; a missing time counts as bad
    bad_values: Integers  # of each file: neither missing nor numbers
    bad_rows: dict[int, list[int]]  # by file: the lines (from 1, below the names of the columns) that are no rows


@dataclass(frozen=True, slots=True)
class _Cells:
    """A column: where in the bytes each cell begins and ends, without blanks around it."""

    data: Bytes
    first: Integers
    end: Integers

    @property
    def sizes(self) -> Integers:
        return self.end - self.first

    def signs(self, place: int) -> Bytes:
        """Return the signs at a place, counted from the start of each cell; anything where a cell is shorter."""
        return self.data[np.minimum(self.first + place, len(self.data) - 1)]

    def take(self, where: Mask) -> _Cells:
        return _Cells(self.data, self.first[where], self.end[where])

    def texts(self) -> list[bytes]:
        held = self.data.tobytes()
        return [held[first:end] for first, end in zip(self.first.tolist(), self.end.tolist(), strict=True)]


def parse_rows(bodies: Sequence[bytes], width: int, time: int, others: Sequence[int]) -> MoanaRows:
    """Parse the rows of several files with the same columns: that of times, and others of numbers.

    Each body is empty, or lines that all end with LF. A line is a row if it has as many cells as there are columns
    (`width`), and holds nothing but printable ASCII. Lines of blanks alone are passed over.
    """
    text = b"".join(bodies)
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == _LF)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    file_ends = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    owner = np.searchsorted(file_ends, ends, side="right")
    blank = _blank(text, data, starts, ends)
    commas = np.flatnonzero(data == _COMMA)
    line = np.searchsorted(ends, commas)
    good = (np.bincount(line, minlength=len(ends)) == width - 1) & ~blank
    odd = (data >= 127) | ((data < 32) & (data != _LF) & (data != _CR) & (data != _TAB))
    if odd.any():
        good[np.searchsorted(ends, np.flatnonzero(odd))] = False
    bad_rows = _where(~good & ~blank, owner)
    owner, inner = owner[good], commas[good[line]].reshape(-1, width - 1)
    edges = np.column_stack([starts[good] - 1, inner, ends[good]])
    seconds = _times(_column(data, edges, time))
    numbers, wrong = [], np.zeros(len(owner), np.int64)
    for one in others:
        values, damaged = _numbers(_column(data, edges, one))
        numbers.append(values)
        wrong += damaged
    files = len(bodies)
    return MoanaRows(
        np.bincount(owner, minlength=files).astype(np.int64),
        seconds,
        numbers,
        np.bincount(owner[np.isnan(seconds)], minlength=files).astype(np.int64),
        np.bincount(owner, weights=wrong, minlength=files).astype(np.int64),
        bad_rows,
    )


def _blank(text: bytes, data: Bytes, starts: Integers, ends: Integers) -> Mask:
    """Tell which lines hold nothing but blanks; only those that begin with one are looked at closely."""
    blank: Mask = ends == starts
    for line in np.flatnonzero(~blank & _is_blank(data[starts])):
        blank[line] = not text[starts[line] : ends[line]].strip(_BLANKS)
    return blank


def _is_blank(signs: Bytes) -> Mask:
    blank: Mask = (signs == _BLANKS[0]) | (signs == _BLANKS[1]) | (signs == _BLANKS[2])
    return blank


def _where(bad: Mask, owner: Integers) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    lines = np.flatnonzero(bad)
    first = np.searchsorted(owner, owner[lines])
    for file, line in zip(owner[lines].tolist(), (lines - first + 1).tolist(), strict=True):
        found.setdefault(file, []).append(line)
    return found


def _column(data: Bytes, edges: Integers, number: int) -> _Cells:
    """Return a column's cells, from what stands before and behind each."""
    first, end = edges[:, number] + 1, edges[:, number + 1].copy()
    while (more := (first < end) & _is_blank(data[first])).any():
        first += more
    while (more := (first < end) & _is_blank(data[end - 1])).any():
        end -= more
    return _Cells(data, first, end)


def _numbers(cells: _Cells) -> tuple[Floats, Mask]:
    """Return cells as the nearest numbers, and which of them are neither numbers nor missing."""
    sizes = cells.sizes
    # a whole number of up to 15 figures and a power of ten are both exact in floating point, so that one division gives
    # the nearest number (Clinger 1990, How to read floating point numbers accurately); others go to Python
    whole, places = np.zeros((2, len(sizes)), np.int64)
    figures, dots = np.zeros((2, len(sizes)), np.int8)
    signed = np.isin(cells.signs(0), [_MINUS, ord("+")])
    for place in range(int(min(sizes.max(initial=0), _EXACT + 2))):
        sign, inside = cells.signs(place), place < sizes
        figure = sign - np.uint8(ord("0"))
        is_figure = inside & (figure <= 9)
        whole = np.where(is_figure, whole * 10 + figure, whole)
        places += is_figure & (dots > 0)
        figures += is_figure
        dots += inside & (sign == _DOT)
    plain = (figures + dots + (signed & (sizes > 0)) == sizes) & (dots <= 1) & (figures > 0) & (figures <= _EXACT)
    values = np.full(len(sizes), np.nan)
    sign_of = np.where(cells.signs(0) == _MINUS, -1.0, 1.0)
    values[plain] = (sign_of * whole)[plain] / _TENS[places[plain]]
    wrong = np.zeros(len(sizes), np.bool_)
    for row, text in zip(np.flatnonzero(~plain).tolist(), cells.take(~plain).texts(), strict=True):
        value = float(text) if _NUMBER.fullmatch(text) else np.nan
        values[row] = value if np.isfinite(value) else np.nan
        wrong[row] = np.isnan(values[row]) and text.decode() not in MISSING
    return values, wrong


def _times(cells: _Cells) -> Floats:
    """Return cells such as 20240501T030250 as seconds since 1970; NaN where they are none."""
    seconds = np.full(len(cells.first), np.nan)
    long = cells.sizes == _STAMP
    if not long.any():
        return seconds
    signs = cells.data[cells.first[long][:, None] + np.arange(_STAMP)]
    figures = signs.astype(np.int64) - ord("0")
    is_time = (signs[:, 8] == ord("T")) & np.delete((figures >= 0) & (figures <= 9), 8, axis=1).all(axis=1)

    def whole(first: int, last: int) -> Integers:
        value = np.zeros(len(figures), np.int64)
        for place in range(first, last):
            value = value * 10 + figures[:, place]
        return value

    year, month, day = whole(0, 4), whole(4, 6), whole(6, 8)
    hour, minute, second = whole(9, 11), whole(11, 13), whole(13, 15)
    is_time &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    is_time &= (hour < 24) & (minute < 60) & (second < 60)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    longest = _MONTHS[np.where(is_time, month, 1)] - ((month == 2) & ~leap)
    is_time &= day <= longest
    stamps = (_days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second).astype(np.float64)
    seconds[long] = np.where(is_time, stamps, np.nan)
    return seconds


def _days(year: Integers, month: Integers, day: Integers) -> Integers:
    """Return days since 1970-01-01 in the Gregorian calendar, counted in years that begin with March."""
    year = year - (month <= 2)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return year * 365 + year // 4 - year // 100 + year // 400 + of_year - 719_468
