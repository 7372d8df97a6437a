"""QARTOD tests 12 and 13: salinity that fits the temperature, and density that grows with depth."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import column
from bondstore.domains.ocean.qc.qartod_common import MANUAL, not_above, told
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.domains.ocean.qc.seawater import sigma_theta
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError


@test("qartod.ts_space", f"{MANUAL} 12", "TEMP", "PSAL")
def ts_space(
    batch: Batch,
    on: str,
    *,
    curve: list[tuple[float, float]],
    warn: float,
    fail: float,
    below: float | None = None,
) -> Verdict:
    """Flag salinities that do not go with their temperature.

    ``|S - Sfit(T)| > S_fit_fail``: fail; not over it and ``>= S_fit_warn``: suspect; ``< S_fit_warn``: pass. Sfit
    comes from a table, linearly between its points.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``TEMP`` or ``PSAL``.
    curve : list of pair of float
        Temperatures in degrees Celsius, rising, each with its practical salinity.
    warn, fail : float
        S_fit_warn and S_fit_fail, practical salinity.
    below : float, optional
        Pressure in dbar; levels above it are not judged, since no curve holds above the thermocline.

    Returns
    -------
    Verdict
        Silent for a temperature beyond the ends of the curve, and above `below`; unevaluated where temperature,
        salinity or, with `below`, pressure is missing.

    Raises
    ------
    ConfigurationError
        `warn` is over `fail`, or the temperatures of the curve do not rise.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 12, T/S curve/space (suggested).
    """
    not_above("warn", warn, "fail", fail)
    at, fitted = np.array([one[0] for one in curve]), np.array([one[1] for one in curve])
    if not len(at) or not (np.diff(at) > 0).all():
        raise ConfigurationError(
            "The curve of qartod.ts_space has no points, or its temperatures do not rise.",
            hint="Write: curve = [[2.0, 34.6], [10.0, 35.1]]",
        )
    temperature, salinity = batch.temperature, column(batch, "PSAL")
    silent = (temperature < at[0]) | (temperature > at[-1])
    unknown = np.isnan(temperature) | np.isnan(salinity)
    if below is not None:
        silent |= batch.pressure < below
        unknown |= np.isnan(batch.pressure)
    with np.errstate(invalid="ignore"):
        off = np.abs(salinity - np.interp(temperature, at, fitted))
    return told(
        batch,
        on,
        unknown={"temperature, salinity or pressure is missing": unknown & ~silent},
        silent=silent,
        suspect=~silent & ~unknown & (off >= warn),
        bad=~silent & ~unknown & (off > fail),
    )


@test("qartod.density_inversion", f"{MANUAL} 13", "TEMP", "PSAL")
def density_inversion(batch: Batch, on: str, *, tolerance: float) -> Verdict:
    """Flag water that lies on lighter water.

    Of two neighbouring levels, sigma-theta of the deeper less than that of the shallower minus DT: fail, for both
    levels, since it cannot be told which one is wrong. The threshold allows for small overturns, so that an example of
    DT = 0.03 kg/m3 means a density that falls by more than 0.03. Down and up casts alike.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``TEMP`` or ``PSAL``: the manual flags both.
    tolerance : float
        DT in kg/m3; a fall of just DT passes.

    Returns
    -------
    Verdict
        Silent for a level whose neighbours lie at its own pressure; unevaluated where its density or a neighbour's
        cannot be computed, for want of salinity, temperature, pressure or position, and in profiles of one level.

    Raises
    ------
    ConfigurationError
        The tolerance is under 0: other programs state it so, with another meaning.
    MissingExtraError
        gsw is not installed.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 13, density inversion (suggested). Sigma-theta by TEOS-10.
    """
    if tolerance < 0:
        raise ConfigurationError(
            "The tolerance of qartod.density_inversion is under 0.",
            hint="State by how much density may fall, as in: tolerance = 0.03",
        )
    fall, compared, unsure = inversions(batch, sigma_theta(batch, 0.0), tolerance)
    return told(
        batch,
        on,
        least=2,
        unknown={"no density: salinity, temperature, pressure or position is missing": unsure},
        silent=~compared,
        bad=fall,
    )


def inversions(batch: Batch, density: Floats, tolerance: float) -> tuple[Mask, Mask, Mask]:
    """Return which levels belong to an inversion, which were compared at all, and for which that was not possible.

    Parameters
    ----------
    batch : Batch
        The profiles.
    density : ndarray of float64, shape (levels,)
        Potential density anomaly in kg/m3.
    tolerance : float
        As in `density_inversion`.
    """
    deeper = neighbour(batch, batch.pressure, 1) - batch.pressure
    growth = np.sign(deeper) * (neighbour(batch, density, 1) - density)
    paired = np.zeros(batch.levels, np.bool_)
    paired[:-1] = batch.owner[1:] == batch.owner[:-1]
    falls, judged, lacking = growth < -tolerance, ~np.isnan(growth) & (deeper != 0), paired & np.isnan(growth)
    return _both(falls), _both(judged), _both(lacking)


def _both(pairs: Mask) -> Mask:
    """Return the levels of the pairs that are true; a pair has the number of its first level."""
    levels = pairs.copy()
    levels[1:] |= pairs[:-1]
    return levels
