"""The Moana test against a climatology: least and greatest values by period, area and depth, from a given table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import (
    verdict,
)
from bondstore.domains.ocean.qc.files import FileName, content_of
from bondstore.domains.ocean.qc.ragged import (
    column,
)
from bondstore.domains.ocean.qc.tests import Side, Verdict, test
from bondstore.errors import ConfigurationError, MissingExtraError

COLUMNS = ("first", "last", "south", "north", "west", "east", "shallow", "deep", "lowest", "highest")
"""Of a row of the table, in order: period, area, pressure, and what is allowed there."""


PERIODS = ("month", "quarter", "day_of_year")


_MOST_ROWS = 10_000


_ADVICE = f"Its columns are: {', '.join(COLUMNS)}."


Row = tuple[float, ...]


@test("moana.climatology", "moana-qc, climatology", "TEMP", "PSAL")
def climatology(
    batch: Batch, on: str, *, period: str, rows: list[tuple[Side, ...]] | None = None, path: FileName | None = None
) -> Verdict:
    """Flag values that the sea does not have at that place, depth and time of year.

    The first row of the table that holds a level decides: ``x < lowest`` or ``x > highest`` is suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    period : str
        What `first` and `last` count: ``month`` (1 to 12), ``quarter`` (1 to 4) or ``day_of_year`` (1 to 366), of the
        level's time in UTC. A period may run over the end of the year: 11 to 2.
    rows : list of ten floats each, optional
        The table: first, last (period, both included), south, north (degrees, both included), west, east (degrees, both
        included, of either convention, over the antimeridian where west is east of east), shallow, deep (dbar, deep
        itself excluded), lowest, highest. ``-inf`` and ``inf`` leave a side open.
    path : FileName, optional
        Instead of `rows`, the name of a file, from the suite's folder on: a CSV file with these columns by name, an
        empty cell leaving a side open; or a netCDF file with a one-dimensional variable for each.

    Notes
    -----
    A level is unevaluated where no row holds it: the table has nothing there, or the time, position or pressure that
    it would take is missing.

    Source: moana-qc, "Climatology" (flags 1, 3), which is not recommended there for want of a table fit for New
    Zealand; QARTOD T/S manual 2.1, test 5, for the rule. No table ships with Bondstore.

    Raises
    ------
    ConfigurationError
        There is no table, or it cannot be read; the period is unknown.
    """
    if period not in PERIODS:
        raise ConfigurationError("The period of a climatology is unknown.", hint=f"Periods are: {', '.join(PERIODS)}.")
    if (rows is None) == (path is None):
        raise ConfigurationError("A climatology needs its table: rows or path, one of both.", hint=_ADVICE)
    table = _checked(rows) if path is None else content_of(path, _parsed, "The table of a climatology", _ADVICE)
    values, when = column(batch, on), _periods(batch.time, period)
    held, suspect = np.zeros(batch.levels, np.bool_), np.zeros(batch.levels, np.bool_)
    for first, last, south, north, west, east, shallow, deep, lowest, highest in table:
        with np.errstate(invalid="ignore"):
            here = ~held & _round(when, first, last) & _between(batch.latitude, south, north)
            here &= _turned(batch.longitude, west, east) & _between(
                batch.pressure, shallow, np.nextafter(deep, -np.inf)
            )
            suspect |= here & ((values < lowest) | (values > highest))
        held |= here
    return verdict(batch, on, unknown={"the table has no row for some of its levels": ~held}, suspect=suspect)


def _between(values: Floats, low: float, high: float) -> Mask:
    """Which values lie within; an open side asks nothing, so that a missing value passes two open ones."""
    inside = np.ones(len(values), np.bool_)
    if low != -np.inf:
        inside &= values >= low
    if high < np.finfo(np.float64).max:
        inside &= values <= high
    return inside


def _round(values: Floats, first: float, last: float) -> Mask:
    """Which periods lie from first to last, over the end of the year where last comes before first."""
    if first <= last:
        return _between(values, first, last)
    over: Mask = (values >= first) | (values <= last)
    return over


def _turned(longitude: Floats, west: float, east: float) -> Mask:
    """Which longitudes lie from west eastwards to east."""
    if not np.isfinite(west) or not np.isfinite(east) or east - west >= 360:
        return np.ones(len(longitude), np.bool_)
    inside: Mask = (longitude - west) % 360 <= (east - west) % 360
    return inside


def _periods(time: Floats, period: str) -> Floats:
    """Return the month, quarter or day of the year of each time; NaN where there is none, or none in the calendar."""
    numbers = np.full(len(time), np.nan)
    known = np.abs(np.nan_to_num(time, nan=np.inf)) < 1e11
    days = np.floor(time[known] / 86400).astype("datetime64[D]")
    if period == "day_of_year":
        numbers[known] = (days - days.astype("datetime64[Y]")).astype(np.int64) + 1
        return numbers
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    numbers[known] = month + 1 if period == "month" else month // 3 + 1
    return numbers


def _checked(rows: Sequence[Row] | None) -> tuple[Row, ...]:
    table = tuple(tuple(row) for row in rows or ())
    if not table or len(table) > _MOST_ROWS:
        raise ConfigurationError("The table of a climatology has no rows, or far too many.", hint=_ADVICE)
    if any(len(row) != len(COLUMNS) or any(value != value for value in row) for row in table):  # noqa: PLR0124 - NaN
        raise ConfigurationError("A row of a climatology has not its ten numbers.", hint=_ADVICE)
    return table


def _parsed(held: bytes, path: str) -> tuple[Row, ...]:
    return _checked(_netcdf(held) if path.endswith((".nc", ".nc4", ".cdf")) else _csv(held))


def _csv(held: bytes) -> list[Row]:
    rows = csv.DictReader(io.StringIO(held.decode("utf-8-sig"), newline=""))
    return [tuple(_cell(name, row[name]) for name in COLUMNS) for row in rows]


def _cell(name: str, stated: str | None) -> float:
    """Return a cell as a number; an empty one leaves its side open, one that the row breaks off before is none."""
    if stated is None:
        raise ValueError("a row is too short")
    if stated.strip():
        return float(stated)
    return -np.inf if name in COLUMNS[::2] else np.inf


def _netcdf(held: bytes) -> list[Row]:
    try:
        import netCDF4
    except ImportError as error:
        raise MissingExtraError(
            "Reading a climatology from netCDF needs a part that is not installed.",
            hint="Install it: pip install 'bondstore[ocean]'",
        ) from error
    with netCDF4.Dataset("table", memory=held) as data:
        parts = [np.ma.filled(data.variables[name][:].astype(np.float64), np.nan) for name in COLUMNS]
    return [tuple(row) for row in np.stack(parts, axis=1).tolist()]
