"""Densities of seawater over whole columns: TEOS-10 by way of gsw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

_KEPT = "_teos10"
_SIGMAS = "_sigmas"


def sigma_theta(batch: Batch, reference: Floats | float) -> Floats:
    """Return the potential density less 1000 kg/m3 of every level, at a reference pressure in dbar (0: sigma-theta).

    NaN for a level without salinity, temperature, pressure or a position on the globe: the composition of seawater
    depends on where it was taken. Source: IOC, SCOR and IAPSO (2010), The international thermodynamic equation of
    seawater, IOC Manuals and Guides 56, with the 75-term expression of Roquet et al. (2015).
    """
    absolute, conservative = teos10(batch)
    if not isinstance(reference, float | int):
        return density_anomaly(absolute, conservative, reference)
    kept: dict[float, Floats] = vars(batch).setdefault(_SIGMAS, {})  # temperature and salinity are flagged by the same
    if reference not in kept:
        kept[reference] = density_anomaly(absolute, conservative, reference)
    return kept[reference].copy()


def teos10(batch: Batch) -> tuple[Floats, Floats]:
    """Return absolute salinity (g/kg) and conservative temperature (degrees Celsius); computed once for a batch."""
    kept: tuple[Floats, Floats] | None = vars(batch).get(_KEPT)
    if kept is None:
        kept = _teos10(batch)
        vars(batch)[_KEPT] = kept  # as a cached property would: several tests ask for the same batch
    return kept


def density_anomaly(absolute: Floats, conservative: Floats, reference: Floats | float) -> Floats:
    """Return the density less 1000 kg/m3 of absolute salinity and conservative temperature at a pressure in dbar."""
    density: Floats = _quiet(_gsw().rho, absolute, conservative, reference)
    return density - 1000.0


def _teos10(batch: Batch) -> tuple[Floats, Floats]:
    gsw = _gsw()
    if batch.salinity is None:
        nothing = np.full(batch.levels, np.nan)
        return nothing, nothing
    longitude, latitude = batch.longitude, batch.latitude
    # gsw's C code reads beyond its tables for a longitude that is not finite: such a value must not reach it
    placed = (np.abs(longitude) <= 360.0) & (np.abs(latitude) <= 90.0)
    absolute: Floats = _quiet(
        gsw.SA_from_SP, batch.salinity, batch.pressure, np.where(placed, longitude, np.nan), latitude
    )
    return absolute, _quiet(gsw.CT_from_t, absolute, batch.temperature, batch.pressure)


def sigma_at_surface(salinity: Floats, temperature: Floats, latitude: float, longitude: float) -> Floats:
    """Return sigma-0 (kg/m3, TEOS-10) of water of a practical salinity and temperature, as if at the surface."""
    gsw = _gsw()
    absolute = _quiet(gsw.SA_from_SP, salinity, 0.0, longitude, latitude)
    return _quiet(gsw.sigma0, absolute, _quiet(gsw.CT_from_t, absolute, temperature, 0.0))


def depth(batch: Batch) -> Floats:
    """Return each level's depth in metres, positive down (TEOS-10, by pressure and latitude); NaN where one lacks."""
    latitude = np.where(np.abs(batch.latitude) <= 90.0, batch.latitude, np.nan)
    return -_quiet(_gsw().z_from_p, batch.pressure, latitude)


def _quiet(function: Callable[..., Any], *columns: Floats | float) -> Floats:
    """Call gsw on columns where infinity is missing, without its warnings of values that no sea has."""
    finite = [np.where(np.isfinite(column), column, np.nan) for column in columns]
    with np.errstate(all="ignore"):
        result: Floats = np.asarray(function(*finite), dtype=np.float64)
    return np.where(np.isfinite(result), result, np.nan)


def _gsw() -> Any:
    try:
        import gsw
    except ImportError:
        raise MissingExtraError(
            "Densities of seawater need gsw, which is not installed.",
            hint="Install it with: pip install 'bondstore[ocean]'",
        ) from None
    return gsw
