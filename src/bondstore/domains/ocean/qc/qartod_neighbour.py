"""QARTOD test 11: a step that a neighbour at the same depth does not share."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Earlier, Floats, Integers, Mask, Position
from bondstore.domains.ocean.qc.common import distance, levels_of
from bondstore.domains.ocean.qc.qartod_change import unshared
from bondstore.domains.ocean.qc.qartod_common import MANUAL, told
from bondstore.domains.ocean.qc.qartod_windows import Window
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.domains.ocean.qc.tests import Verdict, test

ALONE = "there is no neighbour near enough in time and space"


@test("qartod.neighbour", f"{MANUAL} 11", "TEMP", "PSAL")
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
    batch : Batch
        The profiles.
    on : str
        ``TEMP`` or ``PSAL``.
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
    alone = levels_of(batch, ~near | (sizes == 0))
    if not alone.any():
        return said
    nobody = told(batch, on, unknown={ALONE: alone})
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
