"""Moana tests of a profile's shape, for delivery: a level that sticks out alone, and one value repeated in motion."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.ragged import absent, column, neighbour, only, spread
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

_FEW = "fewer than three levels have a value"
_NOT_FINITE = "a value is no finite number"
_NO_PRESSURE = "a level has no pressure"
_TO_DEVIATION = 1.4826
"""What a median of absolute values is multiplied with to be a standard deviation, of values that are normal."""


@test("moana.one_level_spike", "moana-qc, spike; here of one level, over a local scale", "TEMP")
def one_level_spike(
    batch: Batch, on: str, *, shallow: float, deep: float, split: float, factor: float, beside: int
) -> Verdict:
    """Flag a level that alone sticks out of the profile around it.

    With ``d(n) = x(n) - (x(n-1) + x(n+1)) / 2``, the height of a level is the greater of two. The first is ``|d(n)| -
    |x(n+1) - x(n-1)| / 2``: it is 0 or less for all that goes only up or only down (steps, slopes, the foot of a mixed
    layer). The second is the least of ``|d(n)|``, ``2 |d(n-1)|`` and ``2 |d(n+1)|`` where `d` changes its sign on both
    sides: it is the height of one level off any slope, however steep. A height over the bound, and over `factor` times
    the scale of what is around, is suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    shallow, deep : float
        °C; the bound above `split` and from it on: 1 and 0.5 in use.
    split : float
        dbar; 500 in use, as in Argo's spike test.
    factor : float
        6 in use. The scale is 1.4826 times the median of ``|d|`` over the levels beside.
    beside : int
        Levels on each side that the scale is taken from, without the level itself and the two next to it: 10 in use.

    Notes
    -----
    Missing values are left out: the level beside is the nearest that has one. The first and last level have one
    neighbour only: silent. Unevaluated with under three values, and where a value or one beside it is not finite. A
    level without a pressure counts as shallow. Two levels that are off together are not found.

    Source: Argo QC manual 3.9, test 9, for the first height and the split; the bounds by the error rates that are
    measured (``docs/explanation/ocean-rates.md``). The rule of moana-qc, 3 standard deviations of the whole profile,
    does not see 4 °C in a profile from 18 to 13 °C, and sees the levels beside a spike in well mixed water.
    """
    if beside < 1:
        raise ConfigurationError("beside of moana.one_level_spike is under 1.", hint="10 is in use.")
    have = ~absent(batch, on)
    kept = only(batch, have)
    values = column(kept, on)
    before, after = neighbour(kept, values, -1), neighbour(kept, values, 1)
    with np.errstate(all="ignore"):
        off = values - (before + after) / 2
        bound = np.where(kept.pressure >= split, deep, shallow)
        high = np.maximum(_extreme(values, before, after), _alone(kept, off))
        chosen = np.flatnonzero(high > bound)
        limit = np.maximum(bound[chosen], factor * _scale(kept, off, chosen, beside))
    suspect, silent, wild = np.zeros((3, batch.levels), np.bool_)
    rows = np.flatnonzero(have)
    suspect[rows[chosen[high[chosen] > limit]]] = True
    silent[have] = np.isnan(before) | np.isnan(after)
    wild[have] = ~np.isfinite(values) | np.isinf(before) | np.isinf(after)
    few = spread(batch, (kept.sizes < 3) & (batch.sizes > 0))
    return verdict(batch, on, unknown={_FEW: few, _NOT_FINITE: wild & ~few}, silent=silent, suspect=suspect & ~wild)


def _extreme(values: Floats, before: Floats, after: Floats) -> Floats:
    """Return how far each level lies above both beside it, or below both; 0 for any other."""
    up, down = values - before, values - after
    return np.where(up * down > 0, np.minimum(np.abs(up), np.abs(down)), 0.0)


def _alone(batch: Batch, off: Floats) -> Floats:
    """Return how far each level lies off the line through the levels beside it; 0 where those lie off it as well.

    One level off a slope by h leaves -h/2, h, -h/2 in `off`; a step leaves one such neighbour, a bend none.
    """
    left, right = neighbour(batch, off, -1), neighbour(batch, off, 1)
    least = np.minimum(np.abs(off), 2 * np.minimum(np.abs(left), np.abs(right)))
    return np.where((off * left < 0) & (off * right < 0), least, 0.0)


def _scale(batch: Batch, off: Floats, chosen: Integers, beside: int) -> Floats:
    """Return the scale of `off` around each chosen level; 0 where there is nothing around."""
    steps = np.concatenate([np.arange(-beside, -1), np.arange(2, beside + 1)])
    found = np.zeros(len(chosen))
    for part in _parts(len(chosen)):
        rows = chosen[part, None] + steps
        inside = np.clip(rows, 0, max(len(off) - 1, 0))
        there = (rows == inside) & (batch.owner[inside] == batch.owner[chosen[part], None])
        around = np.where(there, np.abs(off[inside]), np.nan)
        some = ~np.isnan(around).all(axis=1)
        found[part[some]] = _TO_DEVIATION * np.nanmedian(around[some], axis=1)
    return found


@test("moana.repeated_value", "moana-qc, stuck value; here of exact repeats in motion", "TEMP")
def repeated_value(batch: Batch, on: str, *, repeats: int, resolution: float, moving: float, release: float) -> Verdict:
    """Flag one and the same value, written again and again while the sensor moves through the water.

    A run of levels of one value, as written to `resolution`, is suspect where more than `repeats` levels
    have it, its pressures differ by `moving` or more, and the value after it differs by more than `release`, or
    there is none after it.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    repeats : int
        20 in use: 21 equal values are flagged, 20 are not.
    resolution : float
        °C; 0.001 in use, what the sensor writes.
    moving : float
        dbar; 5 in use. Gear that rests on the bottom may well measure one temperature for hours.
    release : float
        °C; 0.01 in use. A sensor that comes loose from a value jumps to what it missed; water that was mixed does not.

    Notes
    -----
    Missing values are left out: a run goes on over them. A level without a pressure is unevaluated. A profile with too
    few values for a run is none of this test's: silent.

    Source: moana-qc, "Stuck Value", whose author asks for a rule that knows how long and how far. There a value is
    stuck that stays within 0.05 °C over 20 levels, which is any mixed layer; real profiles have at most 7 exact
    repeats.
    """
    if repeats < 1 or resolution <= 0:
        raise ConfigurationError(
            "repeats of moana.repeated_value is under 1, or its resolution is not above 0.",
            hint="In use are repeats = 20 and resolution = 0.001.",
        )
    lost = np.isnan(batch.pressure)
    have = ~absent(batch, on) & ~lost
    kept = only(batch, have)
    suspect = np.zeros(batch.levels, np.bool_)
    if kept.levels:
        values = column(kept, on)
        with np.errstate(invalid="ignore", over="ignore"):
            written = np.round(values / resolution)
            begins = np.append(True, (written[1:] != written[:-1]) | (kept.owner[1:] != kept.owner[:-1]))
            starts = np.flatnonzero(begins)
            sizes = np.diff(np.append(starts, kept.levels))
            moved = np.maximum.reduceat(kept.pressure, starts) - np.minimum.reduceat(kept.pressure, starts)
            after = np.abs(neighbour(kept, values, 1) - values)[starts + sizes - 1]
            stuck = (sizes > repeats) & (moved >= moving) & ~(after <= release)
        suspect[have] = np.repeat(stuck, sizes)
    short = spread(batch, kept.sizes <= repeats)
    return verdict(batch, on, unknown={_NO_PRESSURE: lost}, silent=short & ~lost, suspect=suspect)


def _parts(number: int) -> list[Integers]:
    """Return the numbers up to one in parts, so that a table of them is bounded."""
    return np.array_split(np.arange(number), 1 + number // 10_000)
