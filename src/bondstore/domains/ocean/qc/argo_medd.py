"""Argo real-time test 25: MEDD, spikes far from a sliding median in temperature or salinity and in density."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.argo import MANUAL
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.medd import LEAST, CurveSettings, spikes
from bondstore.domains.ocean.qc.medd_windows import Levels
from bondstore.domains.ocean.qc.ragged import any_in, column, count, per_profile, spread
from bondstore.domains.ocean.qc.seawater import sigma_theta
from bondstore.domains.ocean.qc.tests import Verdict, test


@dataclass(frozen=True, slots=True)
class MeddThresholds:
    """The thresholds of `medd`, which describes them."""

    zones: tuple[float, ...]
    windows: tuple[float, ...]
    bands: tuple[float, ...]
    gradients: tuple[float, ...]
    reversals: tuple[float, ...]
    density_gradients: tuple[float, ...]
    density_reversals: tuple[float, ...]
    distances: tuple[float, ...]
    density_distances: tuple[float, ...]
    extent: tuple[float, float]
    density_extent: tuple[float, float]
    falling_density: float
    near_value: float
    near_pressure: float
    deep: float
    scale: float
    distances_alone: tuple[float, ...] | None = None
    distances_equator: tuple[float, ...] | None = None
    equator: float | None = None
    rising: float | None = None
    edge: float | None = None

    @property
    def of_values(self) -> CurveSettings:
        """How the curve of temperature or salinity is drawn."""
        return CurveSettings(
            zones=self.zones,
            windows=self.windows,
            bands=self.bands,
            gradients=self.gradients,
            reversals=self.reversals,
            rising=self.rising,
            falling=None,
            edge=self.edge,
            near_value=self.near_value,
            near_pressure=self.near_pressure,
            deep=self.deep,
            extent=self.extent,
            scale=self.scale,
        )

    @property
    def of_density(self) -> CurveSettings:
        """How the curve of potential density is drawn."""
        return replace(
            self.of_values,
            gradients=self.density_gradients,
            reversals=self.density_reversals,
            rising=None,
            falling=self.falling_density,
            edge=None,
            extent=self.density_extent,
        )


@test("argo.medd", f"{MANUAL}, test 25", "TEMP", "PSAL", shared=MeddThresholds)
def medd(batch: Batch, on: str, *, shared: MeddThresholds) -> Verdict:
    """Flag values far from the profile's sliding median, where its density is far from its own too.

    Parameters
    ----------
    batch : Batch
        The profiles. Levels without a value or a pressure are passed over; the others are taken in order of pressure.
    on : str
        The variable.
    zones, windows, bands, gradients, reversals, extent, near_value, near_pressure, deep, scale, rising, edge
        See `bondstore.domains.ocean.qc.medd.CurveSettings`; gradients in units of the variable per dbar.
    density_gradients, density_reversals, density_extent, falling_density
        The same for potential density, in kg/m3; `falling_density` is `CurveSettings.falling` there.
    distances, density_distances : tuple of float
        In each of the four zones, how far from the curve a value may be, as a fraction of the profile's width.
    distances_alone, distances_equator : tuple of float, optional
        Instead of `distances` where the profile has no salinity: away from the equator, and near it.
    equator : float, optional
        Degrees of latitude up to which it is near.

    Returns
    -------
    Verdict
        Bad where the value is an outlier, and so is the density or there is none at this level. Unevaluated with fewer
        than six levels, and where a choice between `distances_alone` and `distances_equator` lacks the latitude.

    Raises
    ------
    MissingExtraError
        gsw is not installed, and there is salinity.

    Notes
    -----
    Source: Dobler, D. (Ifremer): MEDD test specification 1.2; Argo QC manual 3.9, section 2.1, test 25. Density is
    sigma-theta at 0 dbar by TEOS-10. The published program reads a profile in the order of its file and expects the
    pressure increasing test to have been applied; here levels are put in order of pressure.
    """
    values, density = column(batch, on), _density(batch)
    table, unknown = _distances(batch, shared)
    found, looked = _outliers(batch, values, shared.of_values, table)
    bad = found & np.isnan(density)
    if (found & ~bad).any():
        table = np.tile(shared.density_distances, (len(batch), 1))
        bad |= found & _outliers(batch, density, shared.of_density, table, any_in(batch, found & ~bad))[0]
    few = count(batch, np.isfinite(values) & np.isfinite(batch.pressure)) < LEAST
    return verdict(
        batch,
        on,
        unknown={
            "it has fewer than six levels to look at": spread(batch, few),
            "it has neither salinity nor a position": spread(batch, unknown),
            "a level has no pressure": ~looked,
        },
        bad=bad & ~spread(batch, unknown),
    )


def _density(batch: Batch) -> Floats:
    return np.full(batch.levels, np.nan) if batch.salinity is None else sigma_theta(batch, 0.0)


def _distances(batch: Batch, shared: MeddThresholds) -> tuple[Floats, Mask]:
    """The distances of each profile's zones; and for which profiles they cannot be chosen."""
    table = np.tile(np.array(shared.distances), (len(batch), 1))
    none = np.zeros(len(batch), np.bool_)
    if shared.distances_alone is None:
        return table, none
    without = ~batch.carries("PSAL")
    table[without] = shared.distances_alone
    if shared.distances_equator is None or shared.equator is None:
        return table, none
    latitude = per_profile(batch, np.abs(batch.latitude), np.fmin)
    table[without & (latitude <= shared.equator)] = shared.distances_equator
    return table, without & np.isnan(latitude)


def _outliers(
    batch: Batch, values: Floats, settings: CurveSettings, distances: Floats, among: Mask | None = None
) -> tuple[Mask, Mask]:
    """Which levels are outliers, and which could be looked at; a profile with too few is not.

    Profiles can be left out with `among`.
    """
    looked = np.isfinite(values) & np.isfinite(batch.pressure)
    if among is not None:
        looked &= among[batch.owner]
    looked &= (count(batch, looked) >= LEAST)[batch.owner]
    rows = np.flatnonzero(looked)
    owner, pressure = batch.owner[rows], batch.pressure[rows]
    if ((pressure[1:] < pressure[:-1]) & (owner[1:] == owner[:-1])).any():
        rows = rows[np.lexsort((pressure, owner))]
    sizes = np.bincount(owner, minlength=len(batch))
    ends = np.cumsum(sizes)
    levels = Levels((ends - sizes)[owner], ends[owner], batch.pressure[rows], values[rows])
    zone = np.searchsorted(settings.zones[1:], levels.pressure, side="right")
    found = np.zeros(batch.levels, np.bool_)
    found[rows] = spikes(levels, distances[owner, zone], settings)
    return found, looked
