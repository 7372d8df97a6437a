"""QARTOD tests 1 to 3: did observations arrive, did they arrive whole, and from a place that can be.

Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1.
"""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask, Position
from bondstore.domains.ocean.qc.common import EARTH_RADIUS, distance, verdict
from bondstore.domains.ocean.qc.ragged import level_index, neighbour, spread
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

MANUAL = "QARTOD T/S 2.1, test"
"""The IOOS Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1 (2020)."""


BESIDE = "a value that the test compares with is missing"


def ordered(name: str, span: tuple[float, float]) -> tuple[float, float]:
    """Return a span of a suite after checking it."""
    if not span[0] <= span[1]:
        raise ConfigurationError(
            f"The span {name} of a QARTOD test ends before it begins.", hint="Write the smaller number first."
        )
    return span


def not_above(name: str, low: float, high_name: str, high: float) -> None:
    """Check that one threshold is not over another."""
    if not low <= high:
        raise ConfigurationError(
            f"The threshold {name} of a QARTOD test is over {high_name}.", hint=f"Make {name} the smaller one."
        )


@test("qartod.gap", f"{MANUAL} 1", "TIME")
def gap(batch: Batch, on: str, *, increment: float) -> Verdict:
    """Flag an observation that came later after the one before it than it was to come.

    ``NOW - TIM_STMP > TIM_INC``: fail. NOW is here the time stamp of the observation that has arrived and TIM_STMP that
    of the one before it in the same profile: a profile that is read later has no other clock, and the same file gets
    the same flags whenever it is read.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    increment : float
        TIM_INC in seconds: what is over it fails, what equals it passes.

    Returns
    -------
    Verdict
        Bad for the level after the gap. Silent for the first level, and where one time stands for all levels;
        unevaluated after a level without a time and in a profile of one level with a time of its own.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 1, timing/gap (required).
    """
    timed = spread(batch, np.array([one.timed for one in batch.profiles], np.bool_))
    silent = (level_index(batch) == 0) | ~timed
    with np.errstate(invalid="ignore"):  # a time may be infinite
        waited = batch.time - neighbour(batch, batch.time, -1)
    return verdict(
        batch,
        on,
        unknown={
            "the profile has one level": spread(batch, batch.sizes == 1) & timed,
            BESIDE: np.isnan(waited) & ~silent,
        },
        silent=silent,
        bad=(waited > increment) & ~silent,
    )


@test("qartod.syntax", f"{MANUAL} 2", "TIME", "POSITION", "PRES", "TEMP", "PSAL")
def syntax(batch: Batch, on: str) -> Verdict:
    """Flag the levels of a message that did not arrive whole.

    ``REC_CHAR != NCHAR``: fail. A profile's file is the message; its reader knows whether it is whole, by its last line
    or its format, and says so in ``known["truncated"]``. The message fails as one, as the manual has it: also
    the levels before the cut.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.

    Returns
    -------
    Verdict
        Bad for all levels of a truncated file, else good: a level that could not be parsed is not in the batch.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 2, syntax (required).
    """
    cut = np.array([one.known.get("truncated") == "yes" for one in batch.profiles], np.bool_)
    return verdict(batch, on, bad=spread(batch, cut))


@test("qartod.location", f"{MANUAL} 3", "POSITION", compares=lambda stated: bool(stated.get("from_earlier")))
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
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
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
        return verdict(batch, on, bad=bad)
    displaced, judged = _displacements(batch, from_earlier, range_max)
    return verdict(
        batch,
        on,
        unknown={BESIDE: judged & np.isnan(displaced)},
        suspect=judged & (displaced > range_max),
        bad=bad,
    )


def _displacements(batch: Batch, from_earlier: bool, range_max: float) -> tuple[Floats, Mask]:
    """Return each level's displacement in km (or a bound of it under the limit), and where there should be one."""
    first = level_index(batch) == 0
    known = np.array([from_earlier and one.earlier is not None for one in batch.profiles], np.bool_)
    placed = spread(batch, np.array([one.placed for one in batch.profiles], np.bool_))
    start = [(one.earlier and one.earlier.position) or Position(np.nan, np.nan) for one in batch.profiles]
    from_latitude = _before(batch, batch.latitude, [one.latitude for one in start])
    from_longitude = _before(batch, batch.longitude, [one.longitude for one in start])
    displaced = _kilometres(from_latitude, from_longitude, batch, range_max)
    opening = np.full(len(batch), np.nan)
    some = batch.sizes > 0
    opening[some] = displaced[batch.starts[some]]
    displaced = np.where(placed, displaced, np.repeat(opening, batch.sizes))
    return displaced, np.where(first | ~placed, spread(batch, known), True)


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
