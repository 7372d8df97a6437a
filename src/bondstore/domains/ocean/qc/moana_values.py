"""Moana tests of values: ranges, spikes, stuck values, rates of change, drift between casts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask
from bondstore.domains.ocean.qc.common import (
    verdict,
)
from bondstore.domains.ocean.qc.ragged import (
    absent,
    column,
    deviation,
    from_first,
    last,
    level_index,
    neighbour,
    only,
    spread,
)
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

_TOO_SHORT = "the profile is too short"


_NO_NEIGHBOUR = "a level beside has no value"


_NOT_FINITE = "its spread is no finite number"


@test("moana.global_range", "moana-qc, global range", "TEMP", "PRES")
def global_range(
    batch: Batch,
    on: str,
    *,
    lowest: float,
    suspect_from: float,
    bad_from: float,
    lasting: bool,
    marker: float | None = None,
) -> Verdict:
    """Flag values that the sea, or the sensor, does not have.

    ``x < lowest`` is bad; ``x >= suspect_from`` suspect; ``x >= bad_from`` bad. With `lasting`, what follows a value
    above a bound carries the same flag: a sensor that was beyond its range is not trusted after it. A level is never
    better for it: the worst flag stands.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    lowest, suspect_from, bad_from : float
        °C: -2, 30, 34 in use; dbar: 0, 1600, 2000 in use.
    lasting : bool
        Whether a bound once reached marks the rest of the profile (true in use).
    marker : float, optional
        A value that stands for an event, such as the 44.444 °C of a reset, as written to three decimals: flagged as
        above, but nothing follows from it.

    Notes
    -----
    Source: moana-qc, "Temperature / Pressure Global Range" (flags 1, 3, 4) and the description of its test. The
    existing chain lets the suspect flag of a later bound replace a bad one.
    """
    values = column(batch, on)
    with np.errstate(invalid="ignore"):
        low, warm, hot = values < lowest, values >= suspect_from, values >= bad_from
        if lasting:
            event = np.zeros(batch.levels, np.bool_) if marker is None else np.abs(values - marker) < 5e-4
            warm |= from_first(batch, warm & ~event)
            hot |= from_first(batch, hot & ~event)
    return verdict(batch, on, suspect=warm, bad=low | hot)


@test("moana.spike", "moana-qc, spike", "TEMP", "PRES")
def spike(batch: Batch, on: str, *, deviations: float) -> Verdict:
    """Flag values that stick out from the two beside them.

    ``|x(n) - (x(n-1) + x(n+1)) / 2| > deviations * SD`` is suspect, SD being the profile's standard deviation (with n
    in the denominator) over all values present.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    deviations : float
        3 for temperature, 2 for pressure in use.

    Notes
    -----
    The first and last level have one neighbour only: silent. A level whose neighbour is missing is unevaluated, as is a
    profile of under three levels.

    Source: moana-qc, "Temperature / Pressure Spike" (flags 1, 3). The existing chain takes 0 for the values beyond the
    ends, and so flags the first and last level of nearly every profile.
    """
    values = column(batch, on)
    with np.errstate(all="ignore"):
        apart = np.abs(values - (neighbour(batch, values, -1) + neighbour(batch, values, 1)) / 2)
        limit = spread(batch, deviations * deviation(batch, values))
        suspect = apart > limit
    ends = last(batch) | (level_index(batch) == 0)
    return _beside(batch, on, found=apart, limit=limit, suspect=suspect, silent=ends, short=batch.sizes < 3)


@test("moana.rate_of_change", "moana-qc, rate of change", "TEMP")
def rate_of_change(
    batch: Batch, on: str, *, rate: float, deviations: float, resolution: float = 0.0, but_back: bool = False
) -> Verdict:
    """Flag values that change too much for the change of pressure from the level before.

    ``|T(n) - T(n-1)| / max(|P(n) - P(n-1)|, resolution) > rate + deviations * SD(T)`` is suspect; SD as in `spike`.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    rate : float
        °C/dbar; 2 in use.
    deviations : float
        °C/dbar for each °C of SD; 2 in use.
    resolution : float
        dbar that a step counts as at least; 1 in use. Gear that rests moves by 0.1 dbar in minutes, and a change of
        temperature over so small a step is no gradient of the sea.
    but_back : bool
        Whether a level is left alone that comes back from the one before it to the one before that, by half of the
        change or more: what is off is the level between them. True in use.

    Notes
    -----
    Silent: the first level, and without a `resolution` a level at the same pressure as the one before, where the rate
    has no value. A level is unevaluated where its pressure, or a value of the level before, is missing; a profile of
    one level is too short.

    Source: moana-qc, "Rate of Change" (flags 1, 3). In the existing chain it counts for pressure.
    """
    values = column(batch, on)
    with np.errstate(all="ignore"):
        change = np.abs(values - neighbour(batch, values, -1))
        deep = np.maximum(np.abs(batch.pressure - neighbour(batch, batch.pressure, -1)), resolution)
        limit = spread(batch, rate + deviations * deviation(batch, values))
        suspect = (change / deep > limit) & (deep > 0)
        if but_back:
            suspect &= ~(np.abs(values - neighbour(batch, values, -2)) <= change / 2)
    silent = (level_index(batch) == 0) | ((deep == 0) & ~np.isnan(change))
    return _beside(batch, on, found=change + deep, limit=limit, suspect=suspect, silent=silent, short=batch.sizes < 2)


def _beside(
    batch: Batch, on: str, *, found: Floats, limit: Floats, suspect: Mask, silent: Mask, short: Mask
) -> Verdict:
    """Flags of a test that looks at neighbours: unevaluated where `found` or `limit` has no value."""
    lost = np.isnan(found) & ~silent
    wild = ~np.isfinite(limit) & ~silent
    unknown = {_TOO_SHORT: spread(batch, short), _NOT_FINITE: wild & ~lost, _NO_NEIGHBOUR: lost}
    return verdict(batch, on, unknown=unknown, silent=silent, suspect=suspect & ~silent & ~wild)


@test("moana.stuck_value", "moana-qc, stuck value", "TEMP", "PRES")
def stuck_value(batch: Batch, on: str, *, repeats: int, within: float) -> Verdict:
    """Flag runs of values that hardly change.

    A value is stuck where each of the `repeats` values before it differs from it by less than `within`; it and those
    before it are suspect. Missing values are left out: a run goes on over them.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    repeats : int
        20 in use: 21 equal values are flagged, 20 are not.
    within : float
        0.05 °C, 0.01 dbar in use; a difference of just that is not stuck.

    Notes
    -----
    A profile with too few values for one run is unevaluated: it is too short. Water that is well mixed over more levels
    than `repeats` is flagged as well, which the rule cannot tell from a stuck sensor.

    Source: moana-qc, "Stuck Value" (flags 1, 3). The existing chain leaves the last value of a run out.
    """
    if repeats < 1:
        raise ConfigurationError("repeats of moana.stuck_value is under 1.", hint="20 is in use.")
    have = ~absent(batch, on)
    kept = only(batch, have)
    values = column(kept, on)
    stuck = np.zeros(len(values) + 1, np.int64)
    ends = ends_of_runs(values, kept.owner, repeats, within)
    np.add.at(stuck, ends - repeats, 1)
    np.add.at(stuck, ends + 1, -1)
    short = (kept.sizes <= repeats) & (batch.sizes > 0)
    suspect = np.zeros(batch.levels, np.bool_)
    suspect[have] = np.cumsum(stuck[:-1]) > 0
    return verdict(batch, on, unknown={_TOO_SHORT: spread(batch, short)}, suspect=suspect)


def ends_of_runs(values: Floats, owner: Integers, repeats: int, within: float) -> Integers:
    """Where all of the `repeats` values before are near: their least and greatest are. Windows double in width."""
    if len(values) <= repeats:
        return np.zeros(0, np.int64)
    least, most, width = values, values, 1
    while width < repeats:
        step = min(width, repeats - width)
        least, most = np.minimum(least[:-step], least[step:]), np.maximum(most[:-step], most[step:])
        width += step
    here = values[repeats:]
    with np.errstate(all="ignore"):
        near = (here - least[:-1] < within) & (most[:-1] - here < within) & (owner[repeats:] == owner[:-repeats])
    found: Integers = np.flatnonzero(near) + repeats
    return found


@test("moana.temp_drift", "moana-qc, temperature drift", "TEMP")
def temp_drift(
    batch: Batch,
    on: str,
    *,
    edges: tuple[float, ...],
    spreads: tuple[float, ...],
    ranges: tuple[float, ...],
    trim: int = 0,
) -> Verdict:
    """Flag temperatures that differ between casts at one depth more than the sea does: a cracked sensor drifts.

    All temperatures of a profile in one bin of pressure: standard deviation (n in the denominator) over the bin's
    spread, and greatest less least over its range: all of them are suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    edges : tuple of float
        dbar, ascending, one more than bins; a bin holds its upper edge only if it is the last.
    spreads : tuple of float
        °C, a bin each; 1.5 to 3.5 in use.
    ranges : tuple of float
        °C, a bin each; 5 to 8 in use.
    trim : int
        So many of the highest and of the lowest values of each bin are left out of its spread and range; 1 in use. One
        level that is off is no other cast.

    Notes
    -----
    Silent outside all bins; unevaluated where the pressure is missing.

    Source: moana-qc, "Temperature Drift" (flags 1, 3). The existing chain leaves out levels that lie on an edge.
    """
    inside, place = binned(batch.pressure, edges)
    have = inside & ~absent(batch, on)
    bins = len(edges) - 1
    drifted, wild = drift(batch, have, place, spreads=spreads, ranges=ranges, bins=bins)
    if trim and drifted.any():
        few = drifted & have & ~_outermost(batch, drifted & have, place, bins, trim)
        still = drift(batch, few, place, spreads=spreads, ranges=ranges, bins=bins)[0]
        groups = batch.owner * bins + np.clip(place, 0, bins - 1)
        drifted &= np.isin(groups, groups[still])
    lost = np.isnan(batch.pressure)
    unknown = {"a level has no pressure": lost, _NOT_FINITE: wild}
    return verdict(batch, on, unknown=unknown, silent=~inside & ~lost, suspect=drifted)


def _outermost(batch: Batch, chosen: Mask, place: Integers, bins: int, trim: int) -> Mask:
    """Which of the chosen levels are among the `trim` lowest or highest of their profile and bin."""
    rows = np.flatnonzero(chosen)
    group = batch.owner[rows] * bins + place[rows]
    order = np.lexsort((batch.temperature[rows], group))
    group = group[order]
    rank = np.arange(len(rows)) - np.searchsorted(group, group, side="left")
    left = np.searchsorted(group, group, side="right") - 1 - np.arange(len(rows))
    found = np.zeros(batch.levels, np.bool_)
    found[rows[order[(rank < trim) | (left < trim)]]] = True
    return found


def binned(pressure: Floats, edges: tuple[float, ...]) -> tuple[Mask, Integers]:
    """Return which levels lie in a bin, and in which; the last bin holds its upper edge."""
    if len(edges) < 2 or any(low >= high for low, high in pairwise(edges)):
        raise ConfigurationError("edges of temp_drift are not ascending.", hint="State them from shallow to deep.")
    place = np.searchsorted(edges, pressure, side="right") - 1
    place[pressure == edges[-1]] = len(edges) - 2
    with np.errstate(invalid="ignore"):
        inside = (pressure >= edges[0]) & (pressure <= edges[-1])
    return inside, place


def drift(
    batch: Batch, inside: Mask, place: Integers, *, spreads: tuple[float, ...], ranges: tuple[float, ...], bins: int
) -> tuple[Mask, Mask]:
    """Return which levels are of a bin that drifted, and which of one whose spread is not finite; shape (levels,)."""
    if len(spreads) != bins or len(ranges) != bins:
        raise ConfigurationError(
            "spreads and ranges of temp_drift do not fit its bins.", hint="State one a bin: one fewer than edges."
        )
    group = batch.owner[inside] * bins + place[inside]
    values = batch.temperature[inside]
    groups = len(batch) * bins
    least, most = np.full(groups, np.inf), np.full(groups, -np.inf)
    np.minimum.at(least, group, values)
    np.maximum.at(most, group, values)
    with np.errstate(all="ignore"):
        number = np.bincount(group, minlength=groups)
        mean = np.bincount(group, weights=values, minlength=groups) / number
        off = values - mean[group]
        deviated = np.sqrt(np.bincount(group, weights=off * off, minlength=groups) / number)
        wide = (deviated > np.tile(spreads, len(batch))) & (most - least > np.tile(ranges, len(batch)))
        wild = ~np.isfinite(deviated)
    drifted, unsure = np.zeros(batch.levels, np.bool_), np.zeros(batch.levels, np.bool_)
    drifted[inside] = (wide & ~wild)[group]
    unsure[inside] = wild[group]
    return drifted, unsure
