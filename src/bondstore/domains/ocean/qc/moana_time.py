"""Moana tests of time: dates, order, clusters beside gaps, and what resets and overflows do to the clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import (
    download_times,
    firmwares,
    made_times,
    seconds,
    verdict,
)
from bondstore.domains.ocean.qc.ragged import (
    absent,
    any_in,
    from_first,
    neighbour,
    only,
    per_profile,
    spread,
)
from bondstore.domains.ocean.qc.tests import Verdict, test

PHASE_CUT = 240.0
"""Seconds between levels from which on a sensor counts as deployed (moana-qc, preprocess: 4 minutes)."""


_NO_FIRMWARE = "the file states no firmware of the sensor"
_NO_DOWNLOAD = "the file states no download time"


@test("moana.impossible_date", "moana-qc, impossible date", "TIME")
def impossible_date(batch: Batch, on: str, *, earliest: str) -> Verdict:
    """Flag times that cannot be: a level was measured before it was downloaded, and after the first sensor was built.

    ``t >= download time`` is bad, or in a file that states none (netCDF) ``t >=`` the time when the file was made.
    ``t <= earliest`` is suspect (it may be the clock of the deck unit that is wrong). A time that is both is bad.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    earliest : str
        ISO date or time, UTC; 2010-01-01 in use.

    Notes
    -----
    Where the file states neither, a level that is not suspect is unevaluated: half of the test could not run.

    Source: Bondstore's list of Moana tests; public documentation of moana-qc ("Impossible Date", flags 1, 3, 4).
    """
    latest = made_times(batch)
    with np.errstate(invalid="ignore"):
        bad = batch.time >= spread(batch, latest)
        suspect = batch.time <= seconds(earliest)
    unknown = {_NO_DOWNLOAD: spread(batch, np.isnan(latest))}
    return verdict(batch, on, unknown=unknown, suspect=suspect, bad=bad)


@test("moana.datetime_increasing", "moana-qc, datetime increasing", "TIME")
def datetime_increasing(batch: Batch, on: str) -> Verdict:
    """Flag levels from the first one on whose time lies before that of the level before it.

    ``t(n) < t(n-1)``: level n and all after it are bad. Equal times are no step back. Times that are missing are left
    out: the level before is the nearest that has one. The first level has none before it: silent.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.

    Notes
    -----
    Source: moana-qc, "Datetime Increasing" (flags 1, 4), and its hardware notes: a sample older than the one before
    affects itself and all samples after it to the end of the file. The levels before it stay as they are; the existing
    chain flags the whole profile.
    """
    have = ~absent(batch, on)
    kept = only(batch, have)
    before = neighbour(kept, kept.time, -1)
    silent, back = np.zeros((2, batch.levels), np.bool_)
    silent[have] = np.isnan(before)
    with np.errstate(invalid="ignore"):
        back[have] = from_first(kept, kept.time < before)
    return verdict(batch, on, silent=silent, bad=back)


@test("moana.timing_gap", "moana-qc, timing gap", "TIME")
def timing_gap(batch: Batch, on: str, *, longest_gap: float, smallest_cluster: int) -> Verdict:
    """Flag small clusters of observations beside a long gap: a sensor that was splashed, not lowered.

    A gap is ``t(n) - t(n-1) > longest_gap``. Gaps cut a profile into clusters; one of under `smallest_cluster` levels
    is bad. A profile without a gap has no cluster: all is good, however short. Missing times are left out.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    longest_gap : float
        Minutes; 60 in use.
    smallest_cluster : int
        Levels; 5 in use: 4 are flagged, 5 are not.

    Notes
    -----
    Source: moana-qc, "Timing Gap" (flags 1, 4). Where all clusters are small, all are flagged: none of them is the
    dive. The existing chain counts the last cluster one short and takes a short profile without any gap for a cluster.
    """
    have = ~absent(batch, on)
    small = np.zeros(batch.levels, np.bool_)
    small[have] = _small(only(batch, have), longest_gap, smallest_cluster)
    return verdict(batch, on, bad=small)


def _small(kept: Batch, longest_gap: float, smallest: int) -> Mask:
    """Which levels are of a small cluster; every level has a time."""
    before = neighbour(kept, kept.time, -1)
    with np.errstate(invalid="ignore"):
        gap = kept.time - before > longest_gap * 60
    cluster = np.cumsum(gap | np.isnan(before)) - 1
    size = np.bincount(cluster)[cluster] if len(cluster) else cluster
    small: Mask = (size < smallest) & spread(kept, any_in(kept, gap))
    return small


@test("moana.reset_code_check", "moana-qc, sensor reset", "TIME")
def reset_code_check(batch: Batch, on: str, *, firmware: float, marker: float, within: float) -> Verdict:
    """Flag times after a reset of a sensor whose firmware loses its clock over one.

    A level whose temperature is `marker` stands for a reset (its pressure then holds the code). With firmware under
    `firmware`, it and all levels after it are bad; newer firmware keeps its time.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    firmware : float
        Version of the sensor's firmware that is right again; 2.00 in use.
    marker : float
        °C; 44.444 in use.
    within : float
        °C by which a marker may differ; 0.044 in use.

    Notes
    -----
    A profile without a reset is good whatever its firmware: reset codes in the header alone tell of resets before these
    levels. With a reset and no known firmware, what follows it is unevaluated.

    Source: moana-qc, "Sensor Reset" (flags 1, 4) and its hardware notes.
    """
    with np.errstate(invalid="ignore"):
        after = from_first(batch, np.abs(batch.temperature - marker) <= within)
        old = firmwares(batch) < firmware
    unknown = {_NO_FIRMWARE: spread(batch, np.isnan(firmwares(batch))) & after}
    return verdict(batch, on, unknown=unknown, bad=after & spread(batch, old))


@test("moana.timestamp_overflow", "moana-qc, timestamp overflow", "TIME")
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
    """Flag times after the first surfacing, where the 16-bit counter of seconds may have run over before the download.

    With firmware under `firmware`: the first level that is near the surface (pressure under the second limit) and lies
    just before or just after a gap in time (over the first limit) ends the first dive. If it lies more than `overflow`
    before the download, it and all levels after it are suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    firmware : float
        Version of the sensor's firmware that is right again; 2.00 in use.
    overflow : float
        Seconds; 65535 in use: at just that many the counter still holds.
    dive : float
        dbar; a profile whose greatest pressure is over it is a dive (10 in use), any other is shallow work (trolling).
    dive_limits, shallow_limits : (float, float)
        Gap in minutes and pressure in dbar: 5 and 2, 20 and 2.1 in use.

    Notes
    -----
    Levels without time or pressure are left out in looking for the surfacing. Unevaluated, from the surfacing on, where
    the firmware or the download time is unknown; and a profile without any pressure, unless its firmware is new.

    Source: moana-qc, description of its timestamp overflow test (flags 1, 3) and its hardware notes.
    """
    version, download = firmwares(batch), download_times(batch)
    after, surfaced = _first_surfacing(batch, dive, dive_limits, shallow_limits)
    with np.errstate(invalid="ignore"):
        new = version >= firmware
        run_over = ~new & (download - surfaced > overflow)
        safe = download - surfaced <= overflow
    blind = ~new & ~any_in(batch, ~np.isnan(batch.pressure) & ~np.isnan(batch.time))
    no_version = np.isnan(version) & ~safe
    no_download = ~new & np.isnan(download)
    return verdict(
        batch,
        on,
        unknown={
            "no level has both time and pressure": spread(batch, blind),
            _NO_FIRMWARE: after & spread(batch, no_version),
            _NO_DOWNLOAD: after & spread(batch, no_download),
        },
        suspect=after & spread(batch, run_over & ~no_version),
    )


def _first_surfacing(
    batch: Batch, dive: float, dive_limits: tuple[float, float], shallow_limits: tuple[float, float]
) -> tuple[Mask, Floats]:
    """Return the levels from the first surfacing on, and its time in each profile; NaN where there is none."""
    have = ~absent(batch, "TIME") & ~np.isnan(batch.pressure)
    kept = only(batch, have)
    deep = spread(kept, per_profile(kept, kept.pressure, np.fmax)) > dive
    gap, surface = (np.where(deep, *pair) for pair in zip(dive_limits, shallow_limits, strict=True))
    with np.errstate(invalid="ignore"):
        parted = kept.time - neighbour(kept, kept.time, -1) > gap * 60
        parted |= neighbour(kept, kept.time, 1) - kept.time > gap * 60
        candidate = np.zeros(batch.levels, np.bool_)
        candidate[have] = parted & (kept.pressure < surface)
    after = from_first(batch, candidate)
    leading = after & (neighbour(batch, after.astype(np.float64), -1) != 1)
    surfaced = per_profile(batch, np.where(leading, batch.time, np.nan), np.fmax)
    return after, surfaced


def phase(batch: Batch, *, cut: float = PHASE_CUT) -> NDArray[np.str_]:
    """Return the phase of each level: ``P`` while the sensor moves through the water, ``D`` while it is deployed.

    ``t(n) - t(n-1) < cut`` is P; from `cut` on it is D, since the sensor logs slowly while its depth stays the same.
    The first level is P. Empty where there is no time; the level before is the nearest that has one.
    """
    have = ~absent(batch, "TIME")
    kept = only(batch, have)
    with np.errstate(invalid="ignore"):
        slow = kept.time - neighbour(kept, kept.time, -1) >= cut
    phases = np.full(batch.levels, "", "U1")
    phases[have] = np.where(slow, "D", "P")
    return phases
