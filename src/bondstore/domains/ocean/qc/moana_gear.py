"""Moana tests of what the gear is: where stationary gear begins and ends, and whether it moves."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import KNOT, absent, because, distance, flagged, gear, levels_of, present
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.moana_place import impossible_location, remove_ref_location
from bondstore.domains.ocean.qc.moana_time import impossible_date, timing_gap
from bondstore.domains.ocean.qc.ragged import any_in, neighbour, per_profile
from bondstore.domains.ocean.qc.tests import Verdict, test, verdict

_NO_GEAR = "no deployment says whether the gear is mobile or stationary"
_NO_GOOD = "too few levels have a good time and position"


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


def _good(
    batch: Batch,
    *,
    earliest: str,
    longest_gap: float,
    smallest_cluster: int,
    latitude: tuple[float, float],
    longitude: tuple[float, float],
    reference: tuple[float, float],
    radius: float,
) -> Mask:
    """Which levels have a time and a position that none of the tests they rest on called suspect or bad."""
    good = ~absent(batch, "TIME") & ~absent(batch, "POSITION")
    for said in (
        impossible_date(batch, "TIME", earliest=earliest),
        timing_gap(batch, "TIME", longest_gap=longest_gap, smallest_cluster=smallest_cluster),
        impossible_location(batch, "POSITION", latitude=latitude, longitude=longitude),
        remove_ref_location(batch, "POSITION", reference=reference, radius=radius),
    ):
        good &= (said.flags != Flag.SUSPECT) & (said.flags != Flag.BAD)
    return good


@test("moana.stationary_position_check", "moana-qc, stationary position check", "POSITION")
def stationary_position_check(
    batch: Batch,
    on: str,
    *,
    surface: float,
    earliest: str,
    longest_gap: float,
    smallest_cluster: int,
    latitude: tuple[float, float],
    longitude: tuple[float, float],
    reference: tuple[float, float],
    radius: float,
) -> Verdict:
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
    good = _good(
        batch,
        earliest=earliest,
        longest_gap=longest_gap,
        smallest_cluster=smallest_cluster,
        latitude=latitude,
        longitude=longitude,
        reference=reference,
        radius=radius,
    )
    first, last = ends(batch, good & ~np.isnan(batch.pressure), batch.pressure)
    with np.errstate(invalid="ignore"):
        deep = (first > surface) | (last > surface)
    moves, stands = gear(batch)
    none, unknown = np.isnan(first), deep & ~moves & ~stands
    flags = flagged(
        batch,
        on,
        unevaluated=levels_of(batch, none | unknown),
        probable=levels_of(batch, deep & moves),
        suspect=levels_of(batch, deep & stands),
    )
    open_ = any_in(batch, flags == Flag.UNEVALUATED)
    return verdict(batch, flags, because(open_ & none, _NO_GOOD) | because(open_ & unknown, _NO_GEAR))


@test("moana.start_end_dist_check", "moana-qc, start end distance check", "POSITION")
def start_end_dist_check(
    batch: Batch,
    on: str,
    *,
    unsure: float,
    suspect: float,
    earliest: str,
    longest_gap: float,
    smallest_cluster: int,
    latitude: tuple[float, float],
    longitude: tuple[float, float],
    reference: tuple[float, float],
    radius: float,
) -> Verdict:
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
    good = _good(
        batch,
        earliest=earliest,
        longest_gap=longest_gap,
        smallest_cluster=smallest_cluster,
        latitude=latitude,
        longitude=longitude,
        reference=reference,
        radius=radius,
    )
    few = np.bincount(batch.owner[good], minlength=len(batch)) < 2
    (north, to_north), (east, to_east) = ends(batch, good, batch.latitude), ends(batch, good, batch.longitude)
    metres = distance(north, east, to_north, to_east) * 1000
    moves, stands = gear(batch)
    with np.errstate(invalid="ignore"):
        apart = metres > min(unsure, suspect)
        far = metres > suspect
    unknown = apart & ~stands & ~few
    flags = flagged(
        batch,
        on,
        unevaluated=levels_of(batch, few | unknown),
        probable=levels_of(batch, apart & stands & ~few),
        suspect=levels_of(batch, far & stands & ~few),
    )
    flags[levels_of(batch, moves) & (flags != Flag.MISSING)] = Flag.SILENT
    open_ = any_in(batch, flags == Flag.UNEVALUATED)
    return verdict(batch, flags, because(open_ & few, _NO_GOOD) | because(open_ & unknown, _NO_GEAR))


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
    kept = present(batch, have)
    step = distance(
        neighbour(kept, kept.latitude, -1), neighbour(kept, kept.longitude, -1), kept.latitude, kept.longitude
    )
    first, last = ends(kept, np.ones(kept.levels, np.bool_), kept.time)
    way = per_profile(kept, np.where(np.isnan(step), 0.0, step), np.add)
    with np.errstate(all="ignore"):
        moved = way / KNOT / (np.abs(last - first) / 3600) > still
    moves, stands = gear(batch)
    unknown = ~moves & ~stands
    few = (kept.sizes < 2) | ~(np.abs(last - first) > 0)
    flags = flagged(
        batch,
        on,
        unevaluated=levels_of(batch, few | unknown),
        suspect=levels_of(batch, ((stands & moved) | (moves & ~moved)) & ~few),
    )
    open_ = any_in(batch, flags == Flag.UNEVALUATED)
    return verdict(batch, flags, because(open_ & few, _NO_GOOD) | because(open_ & unknown, _NO_GEAR))
