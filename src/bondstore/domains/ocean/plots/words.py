"""What pictures say in words: names drawn as they are, times, positions and tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Profile
from bondstore.domains.ocean.qc.flags import Flag

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


def rows_of(batch: Batch, number: int) -> slice:
    """Return the levels of a profile."""
    first = int(batch.starts[number])
    return slice(first, first + int(batch.sizes[number]))


def plural(number: int, one: str) -> str:
    """Return a number of things."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def heading(batch: Batch, title: str) -> str:
    """Return what a picture of several profiles is called: a given title, or the platforms' names."""
    if title:
        return shown(title, 50)
    names = list(dict.fromkeys(platform_of(one) for one in batch.profiles if platform_of(one)))
    if not names:
        return "Unknown platform"
    return f"Platform {shown(names[0], 40)}" if len(names) == 1 else f"{len(names):,} platforms"


def drawable(values: Floats) -> Floats:
    """Return values without those that no axis could show beside others; they become NaN."""
    return np.where(np.abs(values) < _LARGEST, values, np.nan)


def drawable_times(seconds: Floats) -> Floats:
    """Return times without those that no instrument was there for; they become NaN."""
    return np.where((seconds > _FIRST_TIME) & (seconds < _LAST_TIME), seconds, np.nan)
