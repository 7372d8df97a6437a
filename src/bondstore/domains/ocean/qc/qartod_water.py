"""QARTOD tests 11 to 13: a neighbour's steps, salinity that fits the temperature, density that grows with depth."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Earlier, Floats, Integers, Mask, Position
from bondstore.domains.ocean.qc.common import distance, verdict
from bondstore.domains.ocean.qc.qartod import MANUAL, not_above
from bondstore.domains.ocean.qc.qartod_change import unshared
from bondstore.domains.ocean.qc.ragged import column, neighbour, per_profile, spread
from bondstore.domains.ocean.qc.seawater import sigma_theta
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.domains.ocean.qc.windows import Window
from bondstore.errors import ConfigurationError

ALONE = "there is no neighbour near enough in time and space"


@test("qartod.neighbour", f"{MANUAL} 11", "TEMP", "PSAL", compares=lambda stated: stated.get("table") is None)
def neighbour_test(
    batch: Batch,
    on: str,
    *,
    deviations: float,
    other_deviations: float,
    window: float,
    along: str,
    least: int,
    max_age: float | None = None,
    max_distance: float | None = None,
    table: list[tuple[float, float]] | None = None,
) -> Verdict:
    """Flag a step that a neighbouring sensor does not have.

    ``|T1(n) - T1(n-1)| > N_T1_DEV * SD1`` and ``|T2(n) - T2(n-1)| < N_T2_DEV * SD2``: suspect; test 9 with a second
    sensor as the second variable. The neighbour is the platform's earlier profile, or a table that stands for one; its
    values are taken at the pressures of the profile, linearly between its levels. The manual has no fail flag here.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    deviations, other_deviations : float
        N_T1_DEV and N_T2_DEV.
    window, along, least
        As in `rate_of_change`.
    max_age : float, optional
        Seconds between the first times of two profiles, for one to be the other's neighbour.
    max_distance : float, optional
        Kilometres between their first positions.
    table : list of pair of float, optional
        Pressures in dbar, each with its value; then it is the neighbour of every profile.

    Returns
    -------
    Verdict
        Unevaluated where there is no adequate neighbour (the manual's exception), and as in `multi_variate`.

    Raises
    ------
    ConfigurationError
        `along` is neither ``TIME`` nor ``PRES``.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 11, neighbor (suggested).
    """
    pressures, values, sizes = _neighbours(batch, on, table)
    near = np.ones(len(batch), np.bool_) if table is not None else _near(batch, max_age, max_distance)
    there = _at(batch, pressures, values, sizes)
    said = unshared(batch, on, there, (deviations, other_deviations), Window(window, along, least))
    alone = spread(batch, ~near | (sizes == 0))
    if not alone.any():
        return said
    nobody = verdict(batch, on, unknown={ALONE: alone})
    numbers = set(np.flatnonzero(~near | (sizes == 0)).tolist())
    reasons = {one: why for one, why in said.reasons.items() if one not in numbers} | dict(nobody.reasons)
    return Verdict(np.where(alone, nobody.flags, said.flags), reasons)


def _neighbours(batch: Batch, on: str, table: list[tuple[float, float]] | None) -> tuple[Floats, Floats, Integers]:
    """Return the neighbours' levels as one ragged table with rising pressures: pressures, values, sizes."""
    if table is not None:
        pairs = [np.array(table, np.float64).reshape(-1, 2)] * len(batch)
    else:
        pairs = [_levels(one.earlier, on) for one in batch.profiles]
    sizes = np.array([len(one) for one in pairs], np.int64)
    levels = np.concatenate([*pairs, np.zeros((0, 2))])
    owner = np.repeat(np.arange(len(batch)), sizes)
    order = np.lexsort((levels[:, 0], owner))
    return levels[order, 0], levels[order, 1], sizes


def _levels(earlier: Earlier | None, on: str) -> Floats:
    pressure = earlier.pressure if earlier else None
    values: Floats | None = getattr(earlier, COLUMNS[on], None)
    if pressure is None or values is None:
        return np.zeros((0, 2))
    levels = np.column_stack([pressure, values])
    return levels[np.isfinite(levels).all(axis=1)]


def _near(batch: Batch, max_age: float | None, max_distance: float | None) -> Mask:
    """Return which profiles have an earlier one near enough; one of which that cannot be told has none."""
    near = np.array([one.earlier is not None for one in batch.profiles], np.bool_)
    nowhere = Position(np.nan, np.nan)
    if max_age is not None:
        times = np.array([one.earlier.time if one.earlier else np.nan for one in batch.profiles], np.float64)
        near &= np.abs(per_profile(batch, batch.time, np.fmin) - times) <= max_age
    if max_distance is not None:
        places = [(one.earlier and one.earlier.position) or nowhere for one in batch.profiles]
        latitude, longitude = (_first(batch, one) for one in (batch.latitude, batch.longitude))
        to = np.array([[one.latitude, one.longitude] for one in places], np.float64).reshape(-1, 2)
        with np.errstate(invalid="ignore"):
            near &= distance(latitude, longitude, to[:, 0], to[:, 1]) <= max_distance
    return near


def _first(batch: Batch, values: Floats) -> Floats:
    """Return the first value of each profile that is not missing; shape (profiles,)."""
    placed = ~(np.isnan(batch.latitude) | np.isnan(batch.longitude))
    rows = np.where(placed, np.arange(batch.levels), batch.levels).astype(np.float64)
    first = per_profile(batch, rows, np.minimum, empty=float(batch.levels)).astype(np.int64)
    return np.append(values, np.nan)[first]


def _at(batch: Batch, pressures: Floats, values: Floats, sizes: Integers) -> Floats:
    """Return the neighbour's value at each level's pressure, linearly between its levels; NaN beyond its ends."""
    found = np.full(batch.levels, np.nan)
    if not len(pressures):
        return found
    starts = np.cumsum(sizes) - sizes
    start, end = np.repeat(starts, batch.sizes), np.repeat(starts + sizes, batch.sizes)
    low, high = start.copy(), end.copy()
    for _ in range(int(sizes.max()).bit_length()):  # where each level's pressure belongs among its neighbour's
        middle = np.minimum((low + high) // 2, len(pressures) - 1)
        before = pressures[middle] < batch.pressure
        low, high = (
            np.where((low < high) & before, middle + 1, low),
            np.where((low < high) & ~before, middle, high),
        )
    deeper = np.clip(low, 0, len(pressures) - 1)
    inside = (low < end) & ~np.isnan(batch.pressure)
    same = inside & (pressures[deeper] == batch.pressure)
    between = inside & ~same & (low > start)
    found[same] = values[deeper[same]]
    to, at = deeper[between], batch.pressure[between]
    part = (at - pressures[to - 1]) / (pressures[to] - pressures[to - 1])
    found[between] = values[to - 1] + part * (values[to] - values[to - 1])
    return found


@test("qartod.ts_space", f"{MANUAL} 12", "TEMP", "PSAL")
def ts_space(
    batch: Batch,
    on: str,
    *,
    curve: list[tuple[float, float]],
    warn: float,
    fail: float,
    below: float | None = None,
) -> Verdict:
    """Flag salinities that do not go with their temperature.

    ``|S - Sfit(T)| > S_fit_fail``: fail; not over it and ``>= S_fit_warn``: suspect; ``< S_fit_warn``: pass. Sfit
    comes from a table, linearly between its points.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    curve : list of pair of float
        Temperatures in degrees Celsius, rising, each with its practical salinity.
    warn, fail : float
        S_fit_warn and S_fit_fail, practical salinity.
    below : float, optional
        Pressure in dbar; levels above it are not judged, since no curve holds above the thermocline.

    Returns
    -------
    Verdict
        Silent for a temperature beyond the ends of the curve, and above `below`; unevaluated where temperature,
        salinity or, with `below`, pressure is missing.

    Raises
    ------
    ConfigurationError
        `warn` is over `fail`, or the temperatures of the curve do not rise.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 12, T/S curve/space (suggested).
    """
    not_above("warn", warn, "fail", fail)
    at, fitted = np.array([one[0] for one in curve]), np.array([one[1] for one in curve])
    if not len(at) or not (np.diff(at) > 0).all():
        raise ConfigurationError(
            "The curve of qartod.ts_space has no points, or its temperatures do not rise.",
            hint="Write: curve = [[2.0, 34.6], [10.0, 35.1]]",
        )
    temperature, salinity = batch.temperature, column(batch, "PSAL")
    silent = (temperature < at[0]) | (temperature > at[-1])
    unknown = np.isnan(temperature) | np.isnan(salinity)
    if below is not None:
        silent |= batch.pressure < below
        unknown |= np.isnan(batch.pressure)
    with np.errstate(invalid="ignore"):
        off = np.abs(salinity - np.interp(temperature, at, fitted))
    return verdict(
        batch,
        on,
        unknown={"temperature, salinity or pressure is missing": unknown & ~silent},
        silent=silent,
        suspect=~silent & ~unknown & (off >= warn),
        bad=~silent & ~unknown & (off > fail),
    )


@test("qartod.density_inversion", f"{MANUAL} 13", "TEMP", "PSAL")
def density_inversion(batch: Batch, on: str, *, tolerance: float) -> Verdict:
    """Flag water that lies on lighter water.

    Of two neighbouring levels, sigma-theta of the deeper less than that of the shallower minus DT: fail, for both
    levels, since it cannot be told which one is wrong. The threshold allows for small overturns, so that an example of
    DT = 0.03 kg/m3 means a density that falls by more than 0.03. Down and up casts alike.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    tolerance : float
        DT in kg/m3; a fall of just DT passes.

    Returns
    -------
    Verdict
        Silent for a level whose neighbours lie at its own pressure; unevaluated where its density or a neighbour's
        cannot be computed, for want of salinity, temperature, pressure or position, and in profiles of one level.

    Raises
    ------
    ConfigurationError
        The tolerance is under 0: other programs state it so, with another meaning.
    MissingExtraError
        gsw is not installed.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 13, density inversion (suggested). Sigma-theta by TEOS-10.
    """
    if tolerance < 0:
        raise ConfigurationError(
            "The tolerance of qartod.density_inversion is under 0.",
            hint="State by how much density may fall, as in: tolerance = 0.03",
        )
    fall, compared, unsure = inversions(batch, sigma_theta(batch, 0.0), tolerance)
    return verdict(
        batch,
        on,
        least=2,
        unknown={"no density: salinity, temperature, pressure or position is missing": unsure},
        silent=~compared,
        bad=fall,
    )


def inversions(batch: Batch, density: Floats, tolerance: float) -> tuple[Mask, Mask, Mask]:
    """Return which levels belong to an inversion, which were compared at all, and for which that was not possible."""
    deeper = neighbour(batch, batch.pressure, 1) - batch.pressure
    growth = np.sign(deeper) * (neighbour(batch, density, 1) - density)
    paired = np.zeros(batch.levels, np.bool_)
    paired[:-1] = batch.owner[1:] == batch.owner[:-1]
    falls, judged, lacking = growth < -tolerance, ~np.isnan(growth) & (deeper != 0), paired & np.isnan(growth)
    return _both(falls), _both(judged), _both(lacking)


def _both(pairs: Mask) -> Mask:
    """Return the levels of the pairs that are true; a pair has the number of its first level."""
    levels = pairs.copy()
    levels[1:] |= pairs[:-1]
    return levels
