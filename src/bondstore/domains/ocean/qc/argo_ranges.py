"""Argo real-time tests of ranges: global and regional range (6, 7), deepest pressure (19)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.argo import MANUAL, NO_PRESSURE
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.ragged import absent, column, spread
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

REGIONS: Mapping[str, tuple[tuple[float, float], ...]] = MappingProxyType(
    {
        "red_sea": ((10.0, 40.0), (20.0, 50.0), (30.0, 30.0)),
        "mediterranean": ((30.0, -6.0), (30.0, 40.0), (40.0, 35.0), (42.0, 20.0), (50.0, 15.0), (40.0, 5.0)),
    }
)
"""Corners as latitude and longitude in degrees north and east; the last joins the first.

Source: Argo Quality Control Manual for CTD and Trajectory Data, section 2.1.2, test 7. They are coarse: the
Mediterranean's leaves out the Alboran Sea and the Balearic Sea north-west of the line from 6 W to 5 E.
"""


@test("argo.range", f"{MANUAL}, test 6", "TEMP", "PSAL")
def global_range(batch: Batch, on: str, *, span: tuple[float, float]) -> Verdict:
    """Flag values that no ocean has.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
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
    return verdict(batch, on, bad=outside)


@test("argo.pressure_range", f"{MANUAL}, test 6", "PRES", "TEMP", "PSAL")
def pressure_range(batch: Batch, on: str, *, bad: float, suspect: float) -> Verdict:
    """Flag levels above the sea surface by more than a pressure sensor may err.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    bad : float
        In dbar; under it a level is bad: -5.
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
    unknown = {NO_PRESSURE: np.isnan(pressure)}
    return verdict(batch, on, unknown=unknown, suspect=pressure <= suspect, bad=pressure < bad)


@test("argo.regional_range", f"{MANUAL}, test 7", "TEMP", "PSAL")
def regional_range(batch: Batch, on: str, *, sea: str, span: tuple[float, float]) -> Verdict:
    """Flag values that a sea of its own kind does not have.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    sea : str
        ``red_sea`` or ``mediterranean``; see `bondstore.domains.ocean.qc.argo_ranges`.
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
    within = inside(batch.latitude, batch.longitude, corners)
    return verdict(
        batch,
        on,
        unknown={"a level has no position": absent(batch, "POSITION")},
        silent=~within,
        bad=within & ((values < span[0]) | (values > span[1])),
    )


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
    open_ = np.isnan(most)
    return verdict(
        batch,
        on,
        unknown={
            "how deep the float was told to go is not known": open_ & required,
            NO_PRESSURE: np.isnan(batch.pressure) & ~open_,
        },
        silent=open_,
        suspect=batch.pressure > most,
    )


def _told(written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) and value > 0.0 else math.nan


def region(name: str) -> tuple[tuple[float, float], ...]:
    """Return a region's corners."""
    if name not in REGIONS:
        raise ConfigurationError(f"There is no region named {name!r}.", hint=f"There are: {', '.join(REGIONS)}.")
    return REGIONS[name]


def inside(latitude: Floats, longitude: Floats, corners: tuple[tuple[float, float], ...]) -> Mask:
    """Return which positions lie in a polygon, whose sides are straight lines in latitude and longitude.

    Of the points upon a side, those on the west and south sides are in. A longitude may be written to 180 or to 360;
    the polygon, written to 180, does not cross that line.
    """
    with np.errstate(invalid="ignore"):
        east = np.mod(longitude + 180.0, 360.0) - 180.0
        norths, easts = zip(*corners, strict=True)
        near = (latitude >= min(norths)) & (latitude <= max(norths)) & (east >= min(easts)) & (east <= max(easts))
    found: Mask = near.copy()
    found[near] = _within(latitude[near], east[near], corners)  # most of the sea is far from any of them
    return found


def _within(latitude: Floats, east: Floats, corners: tuple[tuple[float, float], ...]) -> Mask:
    found = np.zeros(len(latitude), np.bool_)
    for (south, west), (north, other) in zip(corners, corners[1:] + corners[:1], strict=True):
        if south == north:
            continue
        across = (south <= latitude) != (north <= latitude)
        at = west + (latitude - south) / (north - south) * (other - west)
        found ^= across & (east < at)
    return found
