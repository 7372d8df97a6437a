"""What plots say in words: names, times, positions, which tests failed where, and a plot for who cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Profile
from bondstore.domains.ocean.qc.flags import BETTER_FIRST, Flag, Flags
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.domains.ocean.qc.evaluate import Result


NAMES = {"TIME": "time", "POSITION": "position", "PRES": "pressure", "TEMP": "temperature", "PSAL": "salinity"}


FLAG_WORDS = {
    Flag.GOOD: "good",
    Flag.PROBABLY_GOOD: "probably good",
    Flag.SUSPECT: "suspect",
    Flag.BAD: "bad",
    Flag.UNEVALUATED: "not evaluated",
    Flag.MISSING: "missing",
}


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


_LARGEST = 1e6


_FIRST_TIME, _LAST_TIME = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1800, 2200))


_FAILED = (Flag.SUSPECT, Flag.BAD)


def shown(text: str, longest: int = 60) -> str:
    """Return a name as it may be drawn: control signs escaped, signs without a glyph as boxes, not too long."""
    drawable = _glyphs()
    kept = "".join(
        (sign if ord(sign) in drawable else "\N{WHITE SQUARE}")
        if sign.isprintable()
        else sign.encode("unicode_escape", "surrogatepass").decode()
        for sign in text[: 4 * longest]
    )
    if len(kept) <= longest:
        return kept
    half = (longest - 1) // 2
    return f"{kept[:half]}…{kept[-half:]}"


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from matplotlib import font_manager

    return frozenset(font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap())


def platform_of(profile: Profile) -> str:
    """Return what a profile's platform is called."""
    return profile.platform or profile.header.sensor_serial


def test_words(label: str) -> str:
    """Return a test's label for people."""
    return shown(label.replace("_", " "), 40)


def moment(seconds: float) -> str:
    """Return a time in UTC to the minute; seconds since 1970."""
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError):
        return "a time out of range"


def span_of(times: Floats) -> str:
    """Return the first and the last of some times."""
    some = times[np.isfinite(times)]
    if not len(some):
        return "time unknown"
    first, last = moment(float(some.min())), moment(float(some.max()))
    if first == last:
        return f"{first} UTC"
    return f"{first} – {last[11:] if first[:10] == last[:10] else last} UTC"


def place(latitude: float, longitude: float) -> str:
    """Return a position; degrees, in the way that maps write them."""
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return "position unknown"
    east = (longitude + 180) % 360 - 180
    return f"{abs(latitude):.3f}° {'S' if latitude < 0 else 'N'} {abs(east):.3f}° {'W' if east < 0 else 'E'}"


def first_place(batch: Batch, rows: slice) -> tuple[float, float]:
    """Return the first position there is among some levels; NaN where there is none."""
    latitude, longitude = batch.latitude[rows], batch.longitude[rows]
    some = np.flatnonzero(np.isfinite(latitude) & np.isfinite(longitude))
    return (float(latitude[some[0]]), float(longitude[some[0]])) if len(some) else (np.nan, np.nan)


def heading(batch: Batch, title: str) -> str:
    """Return what a picture of several profiles is called: a given title, or the platforms' names."""
    if title:
        return shown(title, 50)
    names = list(dict.fromkeys(platform_of(one) for one in batch.profiles if platform_of(one)))
    if not names:
        return "Unknown platform"
    return f"Platform {shown(names[0], 40)}" if len(names) == 1 else counted(len(names), "platform")


def drawable(values: Floats) -> Floats:
    """Return values without those that no axis could show beside others; they become NaN."""
    return np.where(np.abs(values) < _LARGEST, values, np.nan)


def drawable_times(seconds: Floats) -> Floats:
    """Return times without those that no instrument was there for; they become NaN."""
    return np.where((seconds > _FIRST_TIME) & (seconds < _LAST_TIME), seconds, np.nan)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring levels that the same tests flag."""

    first: int  # levels of the profile, both included
    last: int
    tests: tuple[str, ...]  # their labels, for people
    worst: Flag

    @property
    def text(self) -> str:
        """What stands beside the levels."""
        number = self.last - self.first + 1
        return ", ".join(self.tests) + (f" ×{number:,}" if number > 1 else "")


def stretches(result: Result, rows: slice, variable: str) -> list[Stretch]:
    """Return where tests of a variable found levels suspect or bad, in the order of the levels."""
    named = {label: flags[rows] for (label, on), flags in result.flags.items() if on == variable}
    if not named:
        return []
    table = np.array([np.where(np.isin(flags, _FAILED), flags, 0) for flags in named.values()], np.int8)
    labels = list(named)
    if not table.any():
        return []
    seams = np.flatnonzero((np.diff(table != 0, axis=1)).any(axis=0)) + 1
    edges = [0, *seams.tolist(), table.shape[1]]
    found = []
    for first, end in pairwise(edges):
        block = table[:, first:end]
        said = np.flatnonzero(block.any(axis=1))
        if len(said):
            tests = tuple(test_words(labels[one]) for one in said)
            found.append(Stretch(first, end - 1, tests, Flag(int(block.max()))))
    return found


def failed_tests(result: Result, rows: slice, variable: str) -> list[str]:
    """Return the labels of the tests that found levels of a variable suspect or bad, for people."""
    return list(dict.fromkeys(test for one in stretches(result, rows, variable) for test in one.tests))


def flag_counts(flags: Flags) -> dict[Flag, int]:
    """Return how many levels have each flag, the worst first; flags that none has are left out."""
    order = (flag for flag in reversed(BETTER_FIRST) if flag != Flag.SILENT)
    return {flag: number for flag in order if (number := int(np.sum(flags == flag)))}


def remarks(result: Result, rows: slice, number: int, variables: tuple[str, ...]) -> list[str]:
    """Return what a picture says in words: variables that are not all good, and tests that could not speak."""
    said = []
    for variable in variables:
        flags = result.rolled.get(variable)
        if flags is None:
            continue
        parts = [
            f"{counted(count, 'level')} {FLAG_WORDS[flag]}"
            for flag, count in flag_counts(flags[rows]).items()
            if flag not in (Flag.GOOD, Flag.PROBABLY_GOOD)
        ]
        if parts:
            tests = failed_tests(result, rows, variable)
            because = f" ({', '.join(tests)})" if tests else ""
            said.append(f"{NAMES[variable].capitalize()}: {', '.join(parts)}{because}")
    silent = [test_words(label) for (label, _), why in result.reasons.items() if number in why]
    if silent:
        said.append(f"Could not be evaluated: {', '.join(dict.fromkeys(silent))}")
    return said


def describe(batch: Batch, result: Result, number: int = 0) -> str:
    """Return a profile's picture in words: platform, time, position, ranges, flags and the tests that failed."""
    rows = batch.rows(number)
    latitude, longitude = first_place(batch, rows)
    what = "temperature and salinity" if batch.carries("PSAL")[number] else "temperature"
    parts = [
        f"Profile of {what} over pressure. Platform {shown(platform_of(batch.profiles[number])) or 'unknown'}, "
        f"{span_of(batch.time[rows])}, {place(latitude, longitude)}",
        f"{counted(int(batch.sizes[number]), 'level')}{_range(batch.pressure[rows], ' from {} to {} dbar')}"
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
        f"{number:,} {FLAG_WORDS[flag]}" for flag, number in flag_counts(result.rolled[variable][rows]).items()
    )
    tests = failed_tests(result, rows, variable)
    words = "Temperature" if variable == "TEMP" else "Salinity"
    failed = f"; failed tests: {', '.join(tests)}" if tests else ""
    return f"{words} flags: {counts or 'none'}{failed}"
