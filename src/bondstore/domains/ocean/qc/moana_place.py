"""Moana tests of place: what can be on Earth and at sea, speed, and where the gear was while it stood or moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.land import is_land, on_earth
from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import (
    KNOT,
    distance,
    gear,
    verdict,
)
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.moana_time import impossible_date, timing_gap
from bondstore.domains.ocean.qc.ragged import (
    absent,
    count,
    neighbour,
    only,
    per_profile,
    spread,
)
from bondstore.domains.ocean.qc.tests import Verdict, test

_NO_GEAR = "no deployment says whether the gear is mobile or stationary"


_NO_GOOD = "too few levels have a good time and position"


@test("moana.impossible_location", "moana-qc, impossible location", "POSITION")
def impossible_location(
    batch: Batch, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]
) -> Verdict:
    """Flag positions that are none on Earth: outside `latitude` or `longitude`, bounds included in what is good.

    A position of exactly 0, 0 is suspect: it is what a receiver without a fix writes.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    latitude : (float, float)
        Degrees north; -90 and 90 in use.
    longitude : (float, float)
        Degrees east; -180 and 360 in use, which allows both ways of writing it.

    Notes
    -----
    A latitude or a longitude of 0 is a position like any other. Outside is bad.

    Source: moana-qc, "Impossible Location" (flags 1, 4), whose chain drops every row with a 0 in its position.
    """
    with np.errstate(invalid="ignore"):
        bad = (batch.latitude < latitude[0]) | (batch.latitude > latitude[1])
        bad |= (batch.longitude < longitude[0]) | (batch.longitude > longitude[1])
    return verdict(batch, on, suspect=(batch.latitude == 0) & (batch.longitude == 0), bad=bad)


@test("moana.remove_ref_location", "moana-qc, remove reference location", "POSITION")
def remove_ref_location(batch: Batch, on: str, *, reference: tuple[float, float], radius: float) -> Verdict:
    """Flag positions at the maker's workshop: what was measured there is a test of the sensor, not of the sea.

    Great-circle distance to `reference` under `radius` is bad.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    reference : (float, float)
        Latitude and longitude in degrees; -41.25707, 173.28393 in use.
    radius : float
        Kilometres; 5 in use.

    Notes
    -----
    Source: moana-qc, "Remove Reference Location" (flags 1, 4).
    """
    return verdict(batch, on, bad=distance(batch.latitude, batch.longitude, *reference) < radius)


@test("moana.impossible_speed", "moana-qc, impossible speed", "POSITION")
def impossible_speed(batch: Batch, on: str, *, fastest: float, resolution: float) -> Verdict:
    """Flag positions that cannot be reached from the one before them in time.

    Great-circle distance over ``max(|t(n) - t(n-1)|, resolution)`` above `fastest` is suspect; the later of the two is
    flagged. The one before is the nearest level that has both position and time.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    fastest : float
        Knots; 100 in use.
    resolution : float
        Seconds that a step takes at least: what times are written to (1). Two levels of one second are otherwise
        infinitely fast.

    Notes
    -----
    The first position of a profile has none before it: silent. A position without a time is unevaluated.

    Source: moana-qc, "Impossible Speed" (flag 3). A clock that goes back is a matter of `datetime_increasing`.
    """
    timeless = absent(batch, "TIME")
    have = ~timeless & ~absent(batch, on)
    kept = only(batch, have)
    before = neighbour(kept, kept.time, -1)
    silent, fast = np.zeros((2, batch.levels), np.bool_)
    silent[have] = np.isnan(before)
    with np.errstate(invalid="ignore"):
        hours = np.maximum(np.abs(kept.time - before), resolution) / 3600
        fast[have] = _steps(kept) / KNOT > fastest * hours
    return verdict(batch, on, unknown={"a position has no time": timeless}, silent=silent, suspect=fast)


def _steps(batch: Batch) -> Floats:
    """The way to each level from the one before it in km; NaN for a first one."""
    latitude, longitude = batch.latitude, batch.longitude
    return distance(neighbour(batch, latitude, -1), neighbour(batch, longitude, -1), latitude, longitude)


@test("moana.position_on_land", "moana-qc, position on land", "POSITION")
def position_on_land(batch: Batch, on: str) -> Verdict:
    """Flag positions on land, well away from any shore: suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.

    Notes
    -----
    The mask (see `bondstore.domains.ocean.land`) is coarse, and calls nothing near a shore land. A position that is
    none on Earth is unevaluated.

    Source: moana-qc, "Position on Land" (flags 1, 3; there with a fine mask and 200 m, and not recommended).
    """
    unknown = {"a position is none on Earth": ~on_earth(batch.latitude, batch.longitude)}
    return verdict(batch, on, unknown=unknown, suspect=is_land(batch.latitude, batch.longitude))


@dataclass(frozen=True, slots=True)
class GoodLevels:
    """The thresholds by which a level's time and position are good, under the names of the tests that state them."""

    earliest: str
    longest_gap: float
    smallest_cluster: int
    latitude: tuple[float, float]
    longitude: tuple[float, float]
    reference: tuple[float, float]
    radius: float

    def of(self, batch: Batch) -> Mask:
        """Return which levels have a time and a position that no such test calls suspect or bad."""
        good = ~absent(batch, "TIME") & ~absent(batch, "POSITION")
        for said in (
            impossible_date(batch, "TIME", earliest=self.earliest),
            timing_gap(batch, "TIME", longest_gap=self.longest_gap, smallest_cluster=self.smallest_cluster),
            impossible_location(batch, "POSITION", latitude=self.latitude, longitude=self.longitude),
            remove_ref_location(batch, "POSITION", reference=self.reference, radius=self.radius),
        ):
            good &= (said.flags != Flag.SUSPECT) & (said.flags != Flag.BAD)
        return good


@test("moana.stationary_position_check", "moana-qc, stationary position check", "POSITION", shared=GoodLevels)
def stationary_position_check(batch: Batch, on: str, *, surface: float, shared: GoodLevels) -> Verdict:
    """Flag profiles that do not begin and end near the surface: the vessel may have been far from the gear.

    First or last good pressure over `surface`: all levels are probably good for mobile gear, suspect for stationary
    gear. A good pressure is one at a level whose time and position pass `impossible_date`, `timing_gap`,
    `impossible_location` and `remove_ref_location`, whose thresholds are stated here again.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    surface : float
        dbar; 10 in use.
    earliest, longest_gap, smallest_cluster, latitude, longitude, reference, radius
        As in the tests named above.

    Notes
    -----
    Near the surface is good whatever the gear. Else, without a known class of gear, unevaluated; as is a profile
    without a good pressure.

    Source: moana-qc, "Stationary Position Check" (flags 1, 2, 3). The existing chain asks for two of the four flags by
    names they no longer have, and so takes impossible dates and positions for good.
    """
    first, last = ends(batch, shared.of(batch) & ~np.isnan(batch.pressure), batch.pressure)
    with np.errstate(invalid="ignore"):
        deep = (first > surface) | (last > surface)
    moves, stands = gear(batch)
    return verdict(
        batch,
        on,
        unknown={
            _NO_GEAR: spread(batch, deep & ~moves & ~stands),
            _NO_GOOD: spread(batch, np.isnan(first)),
        },
        probable=spread(batch, deep & moves),
        suspect=spread(batch, deep & stands),
    )


@test("moana.start_end_dist_check", "moana-qc, start end distance check", "POSITION", shared=GoodLevels)
def start_end_dist_check(batch: Batch, on: str, *, unsure: float, suspect: float, shared: GoodLevels) -> Verdict:
    """Flag stationary gear whose first and last good positions lie apart: one position for all levels is then unsure.

    Great-circle distance over `unsure`: all levels are probably good; over `suspect`: suspect. Good positions are those
    of `stationary_position_check`.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    unsure, suspect : float
        Metres; 5 and 50 in use.
    earliest, longest_gap, smallest_cluster, latitude, longitude, reference, radius
        As in `stationary_position_check`.

    Notes
    -----
    Silent for mobile gear. Where the class of the gear is not known: good if the distance is under both, else
    unevaluated. Unevaluated with under two good positions.

    Source: moana-qc, "Start End Distance Check" (flags 1, 2, 3). The existing chain asks for the smaller threshold
    first and never gives 3, and gives 4 where it knows no distance.
    """
    good = shared.of(batch)
    few = count(batch, good) < 2
    (north, to_north), (east, to_east) = ends(batch, good, batch.latitude), ends(batch, good, batch.longitude)
    metres = distance(north, east, to_north, to_east) * 1000
    moves, stands = gear(batch)
    with np.errstate(invalid="ignore"):
        apart = metres > min(unsure, suspect)
        far = metres > suspect
    return verdict(
        batch,
        on,
        unknown={
            _NO_GOOD: spread(batch, few & ~moves),
            _NO_GEAR: spread(batch, apart & ~stands & ~moves & ~few),
        },
        silent=spread(batch, moves),
        probable=spread(batch, apart & stands & ~few),
        suspect=spread(batch, far & stands & ~few),
    )


@test("moana.gear_type", "moana-qc, gear type", "POSITION")
def gear_type(batch: Batch, on: str, *, still: float) -> Verdict:
    """Flag profiles whose positions move though the gear stands, or stand though it moves.

    Mean speed is the length of the way from position to position over the time from the first to the last. Over `still`
    for stationary gear, or not over it for mobile gear, all levels are suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    still : float
        Knots; 0 as documented, which takes every jitter of a position for a movement.

    Notes
    -----
    Levels without time or position are left out. Unevaluated with under two positions, where no time passes between
    them, and where the class of the gear is not known.

    Source: moana-qc, description of its gear type test (flags 1, 3): not among those recommended, since the positions
    of stationary gear are the vessel's until they are set to their mean. Bondstore's own suite leaves it out too.
    """
    have = ~absent(batch, "TIME") & ~absent(batch, on)
    kept = only(batch, have)
    step = _steps(kept)
    first, last = ends(kept, np.ones(kept.levels, np.bool_), kept.time)
    way = per_profile(kept, np.where(np.isnan(step), 0.0, step), np.add)
    with np.errstate(all="ignore"):
        moved = way / KNOT / (np.abs(last - first) / 3600) > still
    moves, stands = gear(batch)
    few = (kept.sizes < 2) | ~(np.abs(last - first) > 0)
    return verdict(
        batch,
        on,
        unknown={_NO_GEAR: spread(batch, ~moves & ~stands), _NO_GOOD: spread(batch, few)},
        suspect=spread(batch, ((stands & moved) | (moves & ~moved)) & ~few),
    )


def ends(batch: Batch, good: Mask, values: Floats) -> tuple[Floats, Floats]:
    """Return a column's value at the first and at the last true level of each profile; NaN where there is none."""
    numbers = np.arange(batch.levels, dtype=np.float64)
    padded = np.append(values, np.nan)
    places = (
        per_profile(batch, np.where(good, numbers, np.inf), np.minimum, empty=np.inf),
        per_profile(batch, np.where(good, numbers, -np.inf), np.maximum, empty=-np.inf),
    )
    first, last = (padded[np.where(np.isfinite(one), one, batch.levels).astype(np.int64)] for one in places)
    return first, last
