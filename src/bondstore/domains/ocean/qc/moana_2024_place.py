"""Suite moana-2024: tests of time and place that set the flags of the existing chain, with its defects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Integers, Mask
from bondstore.domains.ocean.qc.common import (
    because,
    distance,
    download_times,
    firmwares,
    gear,
    seconds,
)
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.moana_2024 import DROPPED, chain_rows, on_rows, run_over_rows
from bondstore.domains.ocean.qc.moana_place import GoodLevels, ends
from bondstore.domains.ocean.qc.moana_place import impossible_location as _location
from bondstore.domains.ocean.qc.moana_place import remove_ref_location as _reference
from bondstore.domains.ocean.qc.moana_time import timestamp_overflow as _overflow
from bondstore.domains.ocean.qc.ragged import (
    absent,
    count,
    neighbour,
    only,
    per_profile,
    spread,
)
from bondstore.domains.ocean.qc.tests import Verdict, test

_KNOTS = 0.539957
"""Knots a km/h, to the digits of the existing chain."""


@test("moana2024.impossible_date", "moana-qc 2024, impossible date", "TIME")
def impossible_date(batch: Batch, on: str, *, earliest: str) -> Verdict:
    """Set the existing chain's flags of `moana.impossible_date`.

    Defects reproduced: a time that is bad and suspect at once is suspect (the later assignment stands); without a
    download time the test raises and vanishes, so that nothing speaks against the profile; rows dropped (see
    `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    earliest : str
        ISO date, UTC.
    """
    rows = chain_rows(batch)
    latest = spread(batch, download_times(batch))
    flags = np.full(batch.levels, Flag.GOOD, np.int8)
    with np.errstate(invalid="ignore"):
        flags[batch.time >= latest] = Flag.BAD
        flags[batch.time <= seconds(earliest)] = Flag.SUSPECT
    flags[np.isnan(latest)] = Flag.SILENT
    return on_rows(batch, on, rows, flags, because(np.isnan(download_times(batch)), DROPPED))


@test("moana2024.datetime_increasing", "moana-qc 2024, datetime increasing", "TIME")
def datetime_increasing(batch: Batch, on: str) -> Verdict:
    """Set the existing chain's flags of `moana.datetime_increasing`.

    Defects reproduced: one step back makes the whole profile bad, and a profile without any carries no flag at all;
    rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    """
    rows = chain_rows(batch)
    kept = only(batch, rows)
    with np.errstate(invalid="ignore"):
        back = count(kept, kept.time < neighbour(kept, kept.time, -1)) > 0
    flags = np.where(spread(batch, back), Flag.BAD, Flag.SILENT).astype(np.int8)
    return on_rows(batch, on, rows, flags)


@test("moana2024.timing_gap", "moana-qc 2024, timing gap", "TIME")
def timing_gap(batch: Batch, on: str, *, longest_gap: float, smallest_cluster: int) -> Verdict:
    """Set the existing chain's flags of `moana.timing_gap`.

    Defects reproduced: the last cluster counts as one level shorter than it is, and its last level is not flagged,
    unless it is alone; a profile without a gap is a cluster too, so that one of up to `smallest_cluster` levels is bad
    but for its last level; rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    longest_gap : float
        Minutes.
    smallest_cluster : int
        Levels.
    """
    return run_over_rows(batch, on, lambda kept: _clusters(kept, longest_gap, smallest_cluster))


def _clusters(kept: Batch, longest_gap: float, smallest_cluster: int) -> Verdict:
    before = neighbour(kept, kept.time, -1)
    with np.errstate(invalid="ignore"):
        begins = np.isnan(before) | (kept.time - before > longest_gap * 60)
    cluster = np.cumsum(begins) - 1
    size = np.bincount(cluster)[cluster] if len(cluster) else cluster
    final = np.isnan(neighbour(kept, kept.time, 1))  # the last level of its profile
    last_cluster = np.bincount(cluster, weights=final)[cluster] > 0 if len(cluster) else final
    counted = size - last_cluster
    bad = (counted < smallest_cluster) & (~final | (size == 1))
    return Verdict(np.where(bad, Flag.BAD, Flag.GOOD).astype(np.int8))


@test("moana2024.reset_code_check", "moana-qc 2024, sensor reset", "TIME")
def reset_code_check(batch: Batch, on: str, *, firmware: float, marker: float, within: float) -> Verdict:
    """Set the existing chain's flags of `moana.reset_code_check`.

    Defects reproduced: the place of the reset is counted before rows with missing values are dropped, and used after,
    so that the flags begin too late by as many rows; a pressure that is missing at a reset hides all resets; where the
    firmware has no number, all levels are good (the column is written before the test raises); rows dropped (see
    `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    firmware, marker, within
        As in `moana.reset_code_check`.
    """
    rows, version = chain_rows(batch), firmwares(batch)
    single = chain_rows(batch, complete=False)
    with np.errstate(invalid="ignore"):
        marked = single & (np.abs(batch.temperature - marker) <= within)
        old = version < firmware
    place = per_profile(batch, np.where(marked, _rank(batch, single), np.inf), np.minimum, empty=np.inf)
    hidden = count(batch, marked & np.isnan(batch.pressure)) > 0
    after = _rank(batch, rows) >= spread(batch, place)
    bad = after & spread(batch, old & ~hidden)
    return on_rows(batch, on, rows, np.where(bad, Flag.BAD, Flag.GOOD).astype(np.int8))


def _rank(batch: Batch, where: Mask) -> Floats:
    """Return how many true levels come before each in its profile; shape (levels,)."""
    before: Integers = np.cumsum(where) - where
    at_start = np.append(before, 0)[batch.starts]
    ranks: Floats = (before - np.repeat(at_start, batch.sizes)).astype(np.float64)
    return ranks


@test("moana2024.timestamp_overflow", "moana-qc 2024, timestamp overflow", "TIME")
def timestamp_overflow(
    batch: Batch,
    on: str,
    *,
    firmware: float,
    overflow: float,
    dive: float,
    dive_limits: tuple[float, float],
    shallow_limits: tuple[float, float],
) -> Verdict:
    """Set the existing chain's flags of `moana.timestamp_overflow`.

    Defects reproduced: where the firmware or the download time is unknown, all levels are good (the column is written
    before the test raises); rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    firmware, overflow, dive, dive_limits, shallow_limits
        As in `moana.timestamp_overflow`.
    """

    def run(kept: Batch) -> Verdict:
        said = _overflow(
            kept,
            on,
            firmware=firmware,
            overflow=overflow,
            dive=dive,
            dive_limits=dive_limits,
            shallow_limits=shallow_limits,
        )
        return Verdict(np.where(said.flags == Flag.UNEVALUATED, Flag.GOOD, said.flags).astype(np.int8))

    return run_over_rows(batch, on, run)


@test("moana2024.impossible_location", "moana-qc 2024, impossible location", "POSITION")
def impossible_location(
    batch: Batch, on: str, *, latitude: tuple[float, float], longitude: tuple[float, float]
) -> Verdict:
    """Set the existing chain's flags of `moana.impossible_location`.

    Defect reproduced: positions of 0 vanish, with all else of their rows (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    latitude, longitude : (float, float)
        As in `moana.impossible_location`.
    """
    return run_over_rows(batch, on, lambda kept: _location(kept, on, latitude=latitude, longitude=longitude))


@test("moana2024.remove_ref_location", "moana-qc 2024, remove reference location", "POSITION")
def remove_ref_location(batch: Batch, on: str, *, reference: tuple[float, float], radius: float) -> Verdict:
    """Set the existing chain's flags of `moana.remove_ref_location`; rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    reference, radius
        As in `moana.remove_ref_location`.
    """
    return run_over_rows(batch, on, lambda kept: _reference(kept, on, reference=reference, radius=radius))


@test("moana2024.impossible_speed", "moana-qc 2024, impossible speed", "POSITION")
def impossible_speed(batch: Batch, on: str, *, fastest: float) -> Verdict:
    """Set the existing chain's flags of `moana.impossible_speed`.

    Defects reproduced: a step back in time has a negative speed, which is never too fast; the first level is good
    though nothing was looked at; rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    fastest : float
        Knots.
    """

    def run(kept: Batch) -> Verdict:
        north, east = neighbour(kept, kept.latitude, -1), neighbour(kept, kept.longitude, -1)
        with np.errstate(all="ignore"):
            hours = (kept.time - neighbour(kept, kept.time, -1)) / 3600
            fast = distance(north, east, kept.latitude, kept.longitude) / hours * _KNOTS > fastest
        return Verdict(np.where(fast, Flag.SUSPECT, Flag.GOOD).astype(np.int8))

    return run_over_rows(batch, on, run)


@test("moana2024.stationary_position_check", "moana-qc 2024, stationary position check", "POSITION")
def stationary_position_check(
    batch: Batch,
    on: str,
    *,
    surface: float,
    longest_gap: float,
    smallest_cluster: int,
    reference: tuple[float, float],
    radius: float,
) -> Verdict:
    """Set the existing chain's flags of `moana.stationary_position_check`.

    Defects reproduced: the flags of impossible dates and positions are asked for by names they no longer have, so that
    such levels count as good; a profile without a good level carries 0; rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    surface, longest_gap, smallest_cluster, reference, radius
        As in `moana.stationary_position_check`.

    Notes
    -----
    The chain takes no file whose class of gear it does not know: silent there, with the reason.
    """

    def run(kept: Batch) -> Verdict:
        good = _clusters(kept, longest_gap, smallest_cluster).flags != Flag.BAD
        good &= _reference(kept, on, reference=reference, radius=radius).flags != Flag.BAD
        first, last = ends(kept, good, kept.pressure)
        moves, stands = gear(kept)
        flags = np.full(len(kept), Flag.GOOD, np.int8)
        deep = (first > surface) | (last > surface)
        flags[deep] = np.where(stands[deep], Flag.SUSPECT, Flag.PROBABLY_GOOD)
        unknown, none = ~moves & ~stands, np.isnan(first)
        flags[unknown | none] = Flag.SILENT
        reasons = because(none, DROPPED) | because(unknown, "the existing chain takes no file of unknown gear")
        return Verdict(np.repeat(flags, kept.sizes), reasons)

    return run_over_rows(batch, on, run)


@dataclass(frozen=True, slots=True)
class ChainGoodLevels(GoodLevels):
    """The thresholds by which a level is good for the existing chain."""

    firmware: float
    marker: float
    within: float

    def of(self, batch: Batch) -> Mask:
        """Return which levels have a position and no such test of the chain calls bad."""
        good = ~absent(batch, "POSITION")
        for said in (
            impossible_date(batch, "TIME", earliest=self.earliest),
            timing_gap(batch, "TIME", longest_gap=self.longest_gap, smallest_cluster=self.smallest_cluster),
            reset_code_check(batch, "TIME", firmware=self.firmware, marker=self.marker, within=self.within),
            impossible_location(batch, "POSITION", latitude=self.latitude, longitude=self.longitude),
            remove_ref_location(batch, "POSITION", reference=self.reference, radius=self.radius),
        ):
            good &= said.flags != Flag.BAD
        return good


@test("moana2024.start_end_dist_check", "moana-qc 2024, start end distance check", "POSITION", shared=ChainGoodLevels)
def start_end_dist_check(batch: Batch, on: str, *, unsure: float, shared: ChainGoodLevels) -> Verdict:
    """Set the existing chain's flags of `moana.start_end_dist_check`.

    Defects reproduced: never suspect, since the smaller threshold is asked for first; bad where there are under two
    good levels and so no distance; the distance is rounded to a centimetre before it is compared; rows dropped (see
    `chain_rows`). Good is what no test of time or position called bad. Silent for gear that is not stationary.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    unsure : float
        Metres; 5 in use. The greater threshold (50) has no effect there, and so is not stated.
    earliest, longest_gap, smallest_cluster, latitude, longitude, reference, radius, firmware, marker, within
        As in the chain's tests that tell good levels.
    """
    rows = chain_rows(batch)
    good = rows & shared.of(batch)
    (north, to_north), (east, to_east) = ends(batch, good, batch.latitude), ends(batch, good, batch.longitude)
    metres = np.round(distance(north, east, to_north, to_east) * 1000, 2)
    _, stands = gear(batch)
    flags = np.full(len(batch), Flag.GOOD, np.int8)
    with np.errstate(invalid="ignore"):
        flags[metres > unsure] = Flag.PROBABLY_GOOD
    flags[count(batch, good) < 2] = Flag.BAD
    flags[~stands] = Flag.SILENT
    return on_rows(batch, on, rows, np.repeat(flags, batch.sizes))
