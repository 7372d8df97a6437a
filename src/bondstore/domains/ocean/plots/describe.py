"""A picture of a profile in words, for those who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.failing import counted, failed_tests, remarks
from bondstore.domains.ocean.plots.words import (
    FLAG_WORDS,
    first_place,
    place,
    platform_of,
    plural,
    rows_of,
    shown,
    span_of,
)
from bondstore.domains.ocean.qc.flags import Flag

if TYPE_CHECKING:
    from bondstore.domains.ocean.profiles import Batch, Floats
    from bondstore.domains.ocean.qc.evaluate import Result


def describe(batch: Batch, result: Result, number: int = 0) -> str:
    """Return a profile's picture in words: platform, time, position, ranges, flags and the tests that failed.

    Parameters
    ----------
    batch : Batch
        Profiles.
    result : Result
        What the tests say of them.
    number : int
        Which profile.

    Returns
    -------
    str
        A few sentences in one line; fit for the alternative text of an image once it is escaped.
    """
    rows = rows_of(batch, number)
    latitude, longitude = first_place(batch, rows)
    what = "temperature and salinity" if batch.carries("PSAL")[number] else "temperature"
    parts = [
        f"Profile of {what} over pressure. Platform {shown(platform_of(batch.profiles[number])) or 'unknown'}, "
        f"{span_of(batch.time[rows])}, {place(latitude, longitude)}",
        f"{plural(int(batch.sizes[number]), 'level')}{_range(batch.pressure[rows], ' from {} to {} dbar')}"
        f"{_range(batch.temperature[rows], ', {} to {} °C')}",
        _flags(result, rows, "TEMP"),
    ]
    if what != "temperature" and batch.salinity is not None:
        parts += [f"Salinity{_range(batch.salinity[rows], ' {} to {}')}", _flags(result, rows, "PSAL")]
    parts += remarks(result, rows, number, ("TIME", "POSITION", "PRES"))
    parts.append(f"The profile is {FLAG_WORDS.get(Flag(int(result.grades[number])), 'not evaluated')}")
    return ". ".join(parts) + "."


def _range(values: Floats, pattern: str) -> str:
    some = values[np.isfinite(values)]
    return pattern.format(f"{some.min():.2f}", f"{some.max():.2f}") if len(some) else ""


def _flags(result: Result, rows: slice, variable: str) -> str:
    counts = ", ".join(
        f"{number:,} {FLAG_WORDS[flag]}" for flag, number in counted(result.rolled[variable][rows]).items()
    )
    tests = failed_tests(result, rows, variable)
    words = "Temperature" if variable == "TEMP" else "Salinity"
    failed = f"; failed tests: {', '.join(tests)}" if tests else ""
    return f"{words} flags: {counts or 'none'}{failed}"
