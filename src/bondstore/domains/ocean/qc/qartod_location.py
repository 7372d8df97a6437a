"""QARTOD test 3: a place that can be, within reach of the place before."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask, Position
from bondstore.domains.ocean.qc.common import EARTH_RADIUS, distance, levels_of
from bondstore.domains.ocean.qc.qartod_common import BESIDE, MANUAL, ordered, place, told
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.domains.ocean.qc.tests import Verdict, test


@test("qartod.location", f"{MANUAL} 3", "POSITION")
def location(
    batch: Batch,
    on: str,
    *,
    latitudes: tuple[float, float],
    longitudes: tuple[float, float],
    range_max: float | None = None,
    from_earlier: bool = False,
) -> Verdict:
    """Flag impossible places, and displacements that are too large.

    ``LAT`` or ``LONG`` outside their limits: fail. ``DISP > RANGEMAX``: suspect.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``POSITION``.
    latitudes, longitudes : pair of float
        Limits in degrees north and east; a place on a limit passes. The manual has 90 and 180 either way; longitudes
        of 0 to 360 are the same places written otherwise, and a suite allows them with ``[-180.0, 360.0]``.
    range_max : float, optional
        RANGEMAX in km, along a great circle of a sphere of 6371 km, from the level before. Without it, displacements
        are not looked at.
    from_earlier : bool, optional
        Judge the first level of a profile by its displacement from the platform's earlier profile, where that is known;
        where one position stands for all levels, all have the flag of the first.

    Returns
    -------
    Verdict
        Missing where either half of the position is. With `range_max`, unevaluated where the level before has no
        position, or the earlier profile none.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 3, location (required).
    """
    south, north = ordered("latitudes", latitudes)
    west, east = ordered("longitudes", longitudes)
    bad = (batch.latitude < south) | (batch.latitude > north)
    bad |= (batch.longitude < west) | (batch.longitude > east)
    if range_max is None:
        return told(batch, on, bad=bad)
    displaced, judged = _displacements(batch, from_earlier, range_max)
    return told(
        batch,
        on,
        unknown={BESIDE: judged & np.isnan(displaced)},
        suspect=judged & (displaced > range_max),
        bad=bad,
    )


def _displacements(batch: Batch, from_earlier: bool, range_max: float) -> tuple[Floats, Mask]:
    """Return each level's displacement in km (or a bound of it under the limit), and where there should be one."""
    first = place(batch) == 0
    known = np.array([from_earlier and one.earlier is not None for one in batch.profiles], np.bool_)
    placed = levels_of(batch, np.array([one.placed for one in batch.profiles], np.bool_))
    start = [(one.earlier and one.earlier.position) or Position(np.nan, np.nan) for one in batch.profiles]
    from_latitude = _before(batch, batch.latitude, [one.latitude for one in start])
    from_longitude = _before(batch, batch.longitude, [one.longitude for one in start])
    displaced = _kilometres(from_latitude, from_longitude, batch, range_max)
    opening = np.full(len(batch), np.nan)
    some = batch.sizes > 0
    opening[some] = displaced[batch.starts[some]]
    displaced = np.where(placed, displaced, np.repeat(opening, batch.sizes))
    return displaced, np.where(first | ~placed, levels_of(batch, known), True)


def _before(batch: Batch, values: Floats, earlier: list[float]) -> Floats:
    """Return the value of the level before, and for the first of a profile that of the earlier profile."""
    found = neighbour(batch, values, -1)
    some = batch.sizes > 0
    found[batch.starts[some]] = np.array(earlier, np.float64)[some]
    return found


def _kilometres(latitude: Floats, longitude: Floats, batch: Batch, range_max: float) -> Floats:
    """Return distances to the levels; where moving along a meridian and the equator is no further than the limit, that.

    Nearly all levels are close to the one before: for them the bound is enough, and trigonometry too slow.
    """
    with np.errstate(invalid="ignore"):  # a place may be infinite, and then fails for that
        bound = np.abs(batch.latitude - latitude) + np.abs(batch.longitude - longitude)
        bound *= np.radians(EARTH_RADIUS) * (1 + 1e-9)
        far = np.flatnonzero(bound > range_max)
        bound[far] = distance(latitude[far], longitude[far], batch.latitude[far], batch.longitude[far])
    return bound
