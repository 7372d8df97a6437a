"""Argo real-time tests of ranges: global and regional range (6, 7), deepest pressure (19)."""

from __future__ import annotations

import math

import numpy as np

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.argo import MANUAL, absent, because, column, said
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import any_in, spread
from bondstore.domains.ocean.qc.regions import inside, region
from bondstore.domains.ocean.qc.tests import Verdict, test

NO_PRESSURE = "a level has no pressure"


@test("argo.range", f"{MANUAL}, test 6", "TEMP", "PSAL")
def global_range(batch: Batch, on: str, *, span: tuple[float, float]) -> Verdict:
    """Flag values that no ocean has.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        The variable.
    span : tuple of float
        Least and greatest, both allowed: -2.5 to 40 degrees Celsius; 2 to 41 for practical salinity.

    Returns
    -------
    Verdict
        Bad outside.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 6.
    """
    values = column(batch, on)
    with np.errstate(invalid="ignore"):
        outside = (values < span[0]) | (values > span[1])
    return said(batch, on, np.where(outside, Flag.BAD, Flag.GOOD).astype(np.int8), {})


@test("argo.pressure_range", f"{MANUAL}, test 6", "PRES", "TEMP", "PSAL")
def pressure_range(batch: Batch, on: str, *, bad: float, suspect: float) -> Verdict:
    """Flag levels above the sea surface by more than a pressure sensor may err.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        Pressure, or what was measured at it.
    bad : float
        In dbar; at or under it a level is bad: -5.
    suspect : float
        In dbar; at or under it a level is suspect: -2.4.

    Returns
    -------
    Verdict
        Bad or suspect; unevaluated where a value has no pressure.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 6 (the flags of pressure go to temperature and salinity too).
    """
    pressure = batch.pressure
    with np.errstate(invalid="ignore"):
        flags = np.where(pressure <= bad, Flag.BAD, np.where(pressure <= suspect, Flag.SUSPECT, Flag.GOOD))
    flags[np.isnan(pressure)] = Flag.UNEVALUATED
    return said(batch, on, flags.astype(np.int8), because(any_in(batch, np.isnan(pressure)), NO_PRESSURE))


@test("argo.regional_range", f"{MANUAL}, test 7", "TEMP", "PSAL")
def regional_range(batch: Batch, on: str, *, sea: str, span: tuple[float, float]) -> Verdict:
    """Flag values that a sea of its own kind does not have.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        The variable.
    sea : str
        ``red_sea`` or ``mediterranean``; see `bondstore.domains.ocean.qc.regions`.
    span : tuple of float
        Least and greatest, both allowed: Red Sea 21.7 to 40 degrees Celsius, salinity 2 to 41; Mediterranean 10 to 40
        degrees Celsius, salinity 2 to 40.

    Returns
    -------
    Verdict
        Bad outside the span; silent outside the sea; unevaluated without a position.

    Raises
    ------
    ConfigurationError
        There is no such sea.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 7.
    """
    values, corners = column(batch, on), region(sea)
    nowhere = absent(batch, "POSITION")
    with np.errstate(invalid="ignore"):
        flags = np.where((values < span[0]) | (values > span[1]), Flag.BAD, Flag.GOOD)
    flags[~inside(batch.latitude, batch.longitude, corners)] = Flag.SILENT
    flags[nowhere] = Flag.UNEVALUATED
    return said(batch, on, flags.astype(np.int8), because(any_in(batch, nowhere), "a level has no position"))


@test("argo.deepest_pressure", f"{MANUAL}, test 19", "PRES", "TEMP", "PSAL")
def deepest_pressure(
    batch: Batch,
    on: str,
    *,
    shallow: tuple[float, float],
    deep: tuple[float, float],
    required: bool,
    configured: float | None = None,
) -> Verdict:
    """Flag levels deeper than the float was told to go.

    A level is suspect where ``pressure > configured * (1 + tolerance)``. The tolerance goes in a straight line from
    that of `shallow` to that of `deep`, and is that of the nearer end beyond them.

    Parameters
    ----------
    batch : Batch
        The profiles; ``deepest_pressure`` in `Profile.known` is CONFIG_ProfilePressure_dbar.
    on : str
        Pressure, or what was measured at it.
    shallow, deep : tuple of float
        A configured pressure in dbar and the tolerance there as a fraction: 10 dbar and 1.5; 1000 dbar and 0.1.
    required : bool
        Whether a profile of which it is not known is unevaluated (true) or passed over in silence (false).
    configured : float, optional
        In dbar, for profiles whose file does not say it.

    Returns
    -------
    Verdict
        Suspect beyond.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 19 (as revised in 3.6).
    """
    told = np.array([_told(one.known.get("deepest_pressure", "")) for one in batch.profiles], np.float64)
    if configured is not None:
        told[np.isnan(told)] = _told(str(configured))
    tolerance = np.interp(told, [shallow[0], deep[0]], [shallow[1], deep[1]])
    most = spread(batch, told * (1.0 + tolerance))
    with np.errstate(invalid="ignore"):
        flags = np.where(batch.pressure > most, Flag.SUSPECT, Flag.GOOD)
    flags[np.isnan(batch.pressure)] = Flag.UNEVALUATED
    flags[np.isnan(most)] = Flag.UNEVALUATED if required else Flag.SILENT
    reasons = because(any_in(batch, np.isnan(batch.pressure)), NO_PRESSURE)
    reasons |= because(np.isnan(told), "how deep the float was told to go is not known")
    return said(batch, on, flags.astype(np.int8), reasons)


def _told(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and value > 0.0 else math.nan
