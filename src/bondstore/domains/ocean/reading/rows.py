"""The rows of many Moana files parsed in one go: which lines are rows, and their cells as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from bondstore.domains.ocean.profiles import Floats, Integers, Mask
from bondstore.domains.ocean.reading.header import MISSING

_LF, _CR, _TAB, _COMMA = 10, 13, 9, 44
_BLANKS = " \t\r"
_STAMP = 15
"""Signs of a time such as 20240501T030250."""
_MONTHS = np.array([0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of several files, one after the other.

    Parameters
    ----------
    sizes : ndarray of int64, shape (files,)
        Rows of each file.
    time : ndarray of float64, shape (rows,)
        Seconds since 1970-01-01 UTC; NaN where there is no time.
    values : sequence of ndarray of float64, shape (rows,)
        The other columns asked for; NaN where a value is missing.
    bad_times, bad_values : ndarray of int64, shape (files,)
        How many times and values are neither missing nor what they should be (a missing time counts as bad).
    bad_rows : mapping of int to list of int
        By file: the lines (from 1, below the names of the columns) that are no rows.
    """

    sizes: Integers
    time: Floats
    values: Sequence[Floats]
    bad_times: Integers
    bad_values: Integers
    bad_rows: dict[int, list[int]]


def parse_rows(bodies: Sequence[bytes], width: int, time: int, others: Sequence[int]) -> Rows:
    """Parse the rows of several files with the same columns.

    A line is a row if it has as many cells as there are columns, and holds nothing but printable ASCII. Lines of blanks
    alone are passed over.

    Parameters
    ----------
    bodies : sequence of bytes
        Each empty, or lines that all end with LF.
    width : int
        Columns.
    time : int
        The number of the column of times, such as 20240501T030250.
    others : sequence of int
        The numbers of the columns of numbers that are wanted.
    """
    text = b"".join(bodies)
    data = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero(data == _LF)
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    file_ends = np.cumsum([len(body) for body in bodies], dtype=np.int64)
    owner = np.searchsorted(file_ends, ends, side="right")
    blank = _blank(text, data, starts, ends)
    good = _counts(data == _COMMA, starts, ends) == width - 1
    odd = (data >= 127) | ((data < 32) & (data != _LF) & (data != _CR) & (data != _TAB))
    if odd.any():
        good &= _counts(odd, starts, ends) == 0
    good &= ~blank
    bad_rows = _where(~good & ~blank, owner)
    if not good.all():
        text = data[np.repeat(good, ends - starts + 1)].tobytes()
        owner = owner[good]
    cells = _cells(text, width, len(owner))
    seconds = _times(cells[time])
    numbers, wrong = [], np.zeros(len(owner), np.int64)
    for one in others:
        values, damaged = _numbers(cells[one])
        numbers.append(values)
        wrong += damaged
    files = len(bodies)
    return Rows(
        np.bincount(owner, minlength=files).astype(np.int64),
        seconds,
        numbers,
        np.bincount(owner[np.isnan(seconds)], minlength=files).astype(np.int64),
        np.bincount(owner, weights=wrong, minlength=files).astype(np.int64),
        bad_rows,
    )


def _counts(where: Mask, starts: Integers, ends: Integers) -> Integers:
    """Return how many of some bytes each line has."""
    places = np.flatnonzero(where)
    found: Integers = np.searchsorted(places, ends) - np.searchsorted(places, starts)
    return found


def _blank(text: bytes, data: np.typing.NDArray[np.uint8], starts: Integers, ends: Integers) -> Mask:
    """Tell which lines hold nothing but blanks; only those that begin with one are looked at closely."""
    blank: Mask = ends == starts
    likely = ~blank & np.isin(data[starts], [ord(sign) for sign in _BLANKS])
    for line in np.flatnonzero(likely):
        blank[line] = not text[starts[line] : ends[line]].strip(_BLANKS.encode())
    return blank


def _where(bad: Mask, owner: Integers) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    lines = np.flatnonzero(bad)
    first = np.searchsorted(owner, owner[lines])
    for file, line in zip(owner[lines].tolist(), (lines - first + 1).tolist(), strict=True):
        found.setdefault(file, []).append(line)
    return found


def _cells(text: bytes, width: int, rows: int) -> list[pl.Series]:
    """Return the columns as text; every line has been seen to have as many cells as there are columns."""
    if not rows:
        return [pl.Series([], dtype=pl.String)] * width
    frame = pl.read_csv(
        text, has_header=False, infer_schema=False, quote_char=None, new_columns=[str(one) for one in range(width)]
    )
    if frame.shape != (rows, width):
        raise AssertionError("Lines and rows do not agree.")
    return [column.str.strip_chars(_BLANKS).fill_null("") for column in frame.get_columns()]


def _numbers(cells: pl.Series) -> tuple[Floats, Mask]:
    """Return cells as numbers, and which of them are neither numbers nor missing."""
    values = cells.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    absent = np.isnan(values)
    if absent.any():
        absent &= ~cells.is_in(MISSING).to_numpy()
    return values, absent


def _times(cells: pl.Series) -> Floats:
    """Return cells such as 20240501T030250 as seconds since 1970; NaN where they are none."""
    seconds = np.full(len(cells), np.nan)
    long = (cells.str.len_bytes() == _STAMP).to_numpy()
    if not long.any():
        return seconds
    signs = np.frombuffer("".join(cells.filter(pl.Series(long)).to_list()).encode(), np.uint8).reshape(-1, _STAMP)
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
