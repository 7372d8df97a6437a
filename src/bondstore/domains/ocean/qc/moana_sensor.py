"""Moana tests of known faults of the sensor's clock: resets and overflows of firmware older than 2.00."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Mask
from bondstore.domains.ocean.qc.common import (
    absent,
    because,
    download_times,
    firmwares,
    flagged,
    from_first,
    levels_of,
    present,
)
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in, neighbour, per_profile, spread
from bondstore.domains.ocean.qc.tests import Verdict, test, verdict

_NO_FIRMWARE = "the file states no firmware of the sensor"


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
    unknown = levels_of(batch, np.isnan(firmwares(batch))) & after
    flags = flagged(batch, on, unevaluated=unknown, bad=after & levels_of(batch, old))
    return verdict(batch, flags, because(any_in(batch, flags == Flag.UNEVALUATED), _NO_FIRMWARE))


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
    open_ = (after & levels_of(batch, no_version | no_download)) | levels_of(batch, blind)
    suspect = after & levels_of(batch, run_over & ~no_version)
    flags = flagged(batch, on, unevaluated=open_, suspect=suspect)
    still = any_in(batch, flags == Flag.UNEVALUATED)
    reasons = because(still & no_download, "the file states no download time") | because(
        still & no_version, _NO_FIRMWARE
    )
    return verdict(batch, flags, reasons | because(still & blind, "no level has both time and pressure"))


def _first_surfacing(
    batch: Batch, dive: float, dive_limits: tuple[float, float], shallow_limits: tuple[float, float]
) -> tuple[Mask, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return the levels from the first surfacing on, and its time in each profile; NaN where there is none."""
    have = ~absent(batch, "TIME") & ~np.isnan(batch.pressure)
    kept = present(batch, have)
    deep = spread(kept, per_profile(kept, kept.pressure, np.fmax)) > dive
    gap, surface = (np.where(deep, *pair) for pair in zip(dive_limits, shallow_limits, strict=True))
    with np.errstate(invalid="ignore"):
        parted = kept.time - neighbour(kept, kept.time, -1) > gap * 60
        parted |= neighbour(kept, kept.time, 1) - kept.time > gap * 60
        candidate = np.zeros(batch.levels, np.bool_)
        candidate[have] = parted & (kept.pressure < surface)
    after = from_first(batch, candidate)
    leading = after & ~_after_one(batch, after)
    surfaced = per_profile(batch, np.where(leading, batch.time, np.nan), np.fmax)
    return after, surfaced


def _after_one(batch: Batch, after: Mask) -> Mask:
    before: Mask = neighbour(batch, after.astype(np.float64), -1) == 1
    return before
