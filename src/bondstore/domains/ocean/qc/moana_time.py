"""Moana tests of time: impossible dates, order, clusters beside gaps; and the phase of each level."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Mask
from bondstore.domains.ocean.qc.common import (
    absent,
    because,
    download_times,
    flagged,
    from_first,
    levels_of,
    present,
    seconds,
)
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in, neighbour, spread
from bondstore.domains.ocean.qc.tests import Verdict, test, verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

PHASE_CUT = 240.0
"""Seconds between levels from which on a sensor counts as deployed (moana-qc, preprocess: 4 minutes)."""


@test("moana.impossible_date", "moana-qc, impossible date", "TIME")
def impossible_date(batch: Batch, on: str, *, earliest: str) -> Verdict:
    """Flag times that cannot be: a level was measured before it was downloaded, and after the first sensor was built.

    ``t >= download time`` is bad; ``t <= earliest`` is suspect (it may be the clock of the deck unit that is wrong). A
    time that is both is bad.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    earliest : str
        ISO date or time, UTC; 2010-01-01 in use.

    Notes
    -----
    Where the file states no download time, a level that is not suspect is unevaluated: half of the test could not run.

    Source: Bondstore's list of Moana tests; public documentation of moana-qc ("Impossible Date", flags 1, 3, 4).
    """
    latest = download_times(batch)
    with np.errstate(invalid="ignore"):
        bad = batch.time >= spread(batch, latest)
        suspect = batch.time <= seconds(earliest)
    unknown = np.isnan(latest)
    flags = flagged(batch, on, unevaluated=levels_of(batch, unknown), suspect=suspect, bad=bad)
    open_ = any_in(batch, flags == Flag.UNEVALUATED)
    return verdict(batch, flags, because(open_, "the file states no download time"))


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
    kept = present(batch, have)
    before = neighbour(kept, kept.time, -1)
    with np.errstate(invalid="ignore"):
        back = from_first(kept, kept.time < before)
    flags = np.full(batch.levels, Flag.MISSING, np.int8)
    flags[have] = flagged(kept, on, silent=np.isnan(before), bad=back)
    return verdict(batch, flags)


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
    flags = np.full(batch.levels, Flag.MISSING, np.int8)
    kept = present(batch, have)
    flags[have] = flagged(kept, on, bad=_small(kept, longest_gap, smallest_cluster))
    return verdict(batch, flags)


def _small(kept: Batch, longest_gap: float, smallest: int) -> Mask:
    """Which levels are of a small cluster; every level has a time."""
    before = neighbour(kept, kept.time, -1)
    with np.errstate(invalid="ignore"):
        gap = kept.time - before > longest_gap * 60
    cluster = np.cumsum(gap | np.isnan(before)) - 1
    size = np.bincount(cluster)[cluster] if len(cluster) else cluster
    small: Mask = (size < smallest) & levels_of(kept, any_in(kept, gap))
    return small


def phase(batch: Batch, *, cut: float = PHASE_CUT) -> NDArray[np.str_]:
    """Return the phase of each level: ``P`` while the sensor moves through the water, ``D`` while it is deployed.

    ``t(n) - t(n-1) < cut`` is P; from `cut` on it is D, since the sensor logs slowly while its depth stays the same.
    The first level is P. Empty where there is no time; the level before is the nearest that has one.

    Parameters
    ----------
    batch : Batch
        The profiles.
    cut : float
        Seconds.

    Returns
    -------
    ndarray of str, shape (levels,)

    Notes
    -----
    Source: moana-qc, preprocess (4 minutes).
    """
    have = ~absent(batch, "TIME")
    kept = present(batch, have)
    with np.errstate(invalid="ignore"):
        slow = kept.time - neighbour(kept, kept.time, -1) >= cut
    phases = np.full(batch.levels, "", "U1")
    phases[have] = np.where(slow, "D", "P")
    return phases
