"""QARTOD tests 4, 5, 6 and 8: ranges, climatology, spikes, flat lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.qartod import BESIDE, MANUAL, not_above, ordered
from bondstore.domains.ocean.qc.ragged import column, last, level_index, neighbour
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError


@test("qartod.gross_range", f"{MANUAL} 4", "PRES", "TEMP", "PSAL")
def gross_range(
    batch: Batch, on: str, *, sensor_span: tuple[float, float], operator_span: tuple[float, float] | None = None
) -> Verdict:
    """Flag values beyond what the sensor can put out, and beyond what the operator chose.

    ``T < SENSOR_MIN`` or ``T > SENSOR_MAX``: fail. ``T < USER_MIN`` or ``T > USER_MAX``: suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    sensor_span : pair of float
        SENSOR_MIN and SENSOR_MAX in the variable's unit (dbar, degrees Celsius, practical salinity). Its ends pass.
    operator_span : pair of float, optional
        USER_MIN and USER_MAX. Its ends pass.

    Returns
    -------
    Verdict
        It speaks of every level that has a value.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 4, gross range (required).
    """
    values = column(batch, on)
    low, high = ordered("sensor_span", sensor_span)
    suspect = None
    if operator_span is not None:
        lower, upper = ordered("operator_span", operator_span)
        suspect = (values < lower) | (values > upper)
    return verdict(batch, on, suspect=suspect, bad=(values < low) | (values > high))


@test("qartod.climatology", f"{MANUAL} 5", "TEMP", "PSAL")
def climatology(batch: Batch, on: str, *, windows: list[Mapping[str, tuple[float, float]]]) -> Verdict:
    """Flag values outside what the season, the depth and the place have.

    ``T < T_Season_MIN`` or ``T > T_Season_MAX``: suspect. The manual has no fail flag here.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    windows : list of mapping of str to pair of float
        Each has a ``span`` in the variable's unit, whose ends pass, and says where it holds, both ends included:
        ``month`` (1 to 12), ``quarter`` (1 to 4), ``week`` (ISO, 1 to 53), ``day_of_year`` (1 to 366), ``year``,
        ``pressure`` in dbar, ``latitude`` and ``longitude`` in degrees. A time of the year may run over its end
        (``month = [12, 2]``), longitudes over 180 or 0. Of several that cover a level, the last decides.

    Returns
    -------
    Verdict
        Silent where no window covers a level; unevaluated where it cannot be told because a time, pressure or position
        is missing.

    Raises
    ------
    ConfigurationError
        A window has no span, an unknown key, or a span the wrong way round.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 5, climatology (required).
    """
    values = column(batch, on)
    silent = np.ones(batch.levels, np.bool_)
    unknown, suspect = ~silent, ~silent
    for window in windows:
        low, high = _span(window)
        sure, maybe = ~np.zeros(batch.levels, np.bool_), ~np.zeros(batch.levels, np.bool_)
        for key, (start, end) in window.items():
            if key != "span":
                inside, known = _inside(batch, key, start, end)
                sure &= inside
                maybe &= inside | ~known
        silent &= ~maybe
        unknown = np.where(sure, False, unknown | maybe)
        suspect = np.where(sure, (values < low) | (values > high), suspect & ~maybe)
    why = "its time, pressure or position is missing, so that its climatology is not known"
    return verdict(batch, on, unknown={why: unknown}, silent=silent, suspect=suspect)


def _span(window: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    unknown = sorted(window.keys() - _KEYS.keys() - _PLACES - {"span"})
    if unknown or "span" not in window:
        known = ", ".join(["span", *_KEYS, *sorted(_PLACES)])
        raise ConfigurationError(
            f"A window of qartod.climatology has the unknown key {unknown[0]}."
            if unknown
            else "A window of qartod.climatology has no span.",
            hint=f"Keys are: {known}.",
        )
    for key, span in window.items():
        if key in {"span", "year", "pressure", "latitude"}:
            ordered(key, span)
    return window["span"]


def _inside(batch: Batch, key: str, start: float, end: float) -> tuple[Mask, Mask]:
    """Return where a key lies between its ends, and where it is known."""
    if key == "longitude":
        at, reach = batch.longitude, end if end >= start else end + 360.0
        turned = [at - 360.0, at, at + 360.0]
        inside: Mask = np.logical_or.reduce([(one >= start) & (one <= reach) for one in turned])
        return inside, np.isfinite(at)
    at = {"pressure": batch.pressure, "latitude": batch.latitude}.get(key, batch.time)
    known = np.isfinite(at)
    if key in _KEYS:
        at = np.where(known, _KEYS[key](np.where(known, at, 0.0)), np.nan)
    between = (at >= start) & (at <= end) if start <= end else (at >= start) | (at <= end)
    return between & known, known


def _days(time: Floats) -> Floats:
    return np.floor(np.clip(time, -6e10, 2.5e11) / 86400.0)


def _calendar(time: Floats, unit: str) -> Floats:
    """Return the number of the calendar unit (``M`` or ``Y``) since 1970."""
    days = _days(time).astype(np.int64).astype("datetime64[D]")
    return days.astype(f"datetime64[{unit}]").astype(np.int64).astype(np.float64)


def _day_of_year(time: Floats) -> Floats:
    years = _calendar(time, "Y").astype(np.int64).astype("datetime64[Y]")
    return _days(time) - years.astype("datetime64[D]").astype(np.int64) + 1


def _week(time: Floats) -> Floats:
    days = _days(time)
    thursday = days - (days + 3) % 7 + 3  # 1970-01-01 was one; the ISO week is that of its Thursday
    return np.floor((_day_of_year(thursday * 86400.0) - 1) / 7) + 1


_PLACES = frozenset({"pressure", "latitude", "longitude"})


_KEYS: Mapping[str, Callable[[Floats], Floats]] = {
    "month": lambda time: _calendar(time, "M") % 12 + 1,
    "quarter": lambda time: np.floor(_calendar(time, "M") % 12 / 3) + 1,
    "week": _week,
    "day_of_year": _day_of_year,
    "year": lambda time: _calendar(time, "Y") + 1970,
}
"""Times of the year, by what a window calls them, of seconds since 1970-01-01 UTC."""


AVERAGE, THIRD_DIFFERENCE = "average", "third_difference"


@test("qartod.spike", f"{MANUAL} 6", "PRES", "TEMP", "PSAL")
def spike(batch: Batch, on: str, *, low: float, high: float, method: str = AVERAGE) -> Verdict:
    """Flag a value that stands out from its neighbours.

    With ``average``: ``|x(n-1) - (x(n-2) + x(n)) / 2|``; with ``third_difference``, which the manual names as an
    alternative: ``|x(n-3) - 3 x(n-2) + 3 x(n-1) - x(n)|``. Over ``THRSHLD_HIGH``: fail; over ``THRSHLD_LOW`` and not
    over ``THRSHLD_HIGH``: suspect. It is level n-1 that is flagged.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    low, high : float
        THRSHLD_LOW and THRSHLD_HIGH in the variable's unit; a value on a threshold does not exceed it.
    method : str, optional
        ``average`` or ``third_difference``.

    Returns
    -------
    Verdict
        Silent for the first level (with ``third_difference`` the first two) and the last; unevaluated where a
        neighbour is missing, and in profiles of under 3 (4) levels.

    Raises
    ------
    ConfigurationError
        `low` is over `high`, or the method is unknown.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 6, spike (strongly recommended).
    """
    not_above("low", low, "high", high)
    if method not in {AVERAGE, THIRD_DIFFERENCE}:
        raise ConfigurationError(
            "The method of qartod.spike is unknown.", hint=f"Use one of: {AVERAGE}, {THIRD_DIFFERENCE}."
        )
    before = 1 if method == AVERAGE else 2
    height = _height(batch, column(batch, on), method)
    silent = (level_index(batch) < before) | last(batch)
    return verdict(
        batch,
        on,
        least=before + 2,
        unknown={BESIDE: np.isnan(height) & ~silent},
        silent=silent,
        suspect=height > low,
        bad=height > high,
    )


def _height(batch: Batch, values: Floats, method: str) -> Floats:
    above, below = neighbour(batch, values, -1), neighbour(batch, values, 1)
    with np.errstate(all="ignore"):  # a value may be infinite; its neighbours then have no height
        if method == AVERAGE:
            height: Floats = np.abs(values - (above + below) / 2)
        else:
            height = np.abs(neighbour(batch, values, -2) - 3 * above + 3 * values - below)
    return height


@test("qartod.flat_line", f"{MANUAL} 8", "PRES", "TEMP", "PSAL")
def flat_line(batch: Batch, on: str, *, suspect_count: int, fail_count: int, eps: float) -> Verdict:
    """Flag a value that repeats those before it.

    The REP_CNT_FAIL most recent values equal, ``|x(n) - x(n-i)| < EPS`` for each of them: fail; the
    REP_CNT_SUSPECT most recent: suspect. The present value is one of them (of five equal values, the present one and
    four before it); the values before it keep their flags.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    suspect_count, fail_count : int
        REP_CNT_SUSPECT and REP_CNT_FAIL, at least 2; the manual's examples are 3 and 5.
    eps : float
        EPS in the variable's unit; values that differ by EPS are not equal.

    Returns
    -------
    Verdict
        Silent for the first ``suspect_count - 1`` levels; unevaluated where a value before is missing and none of the
        others differs, and in profiles of under `suspect_count` levels.

    Raises
    ------
    ConfigurationError
        A count is under 2, or `suspect_count` over `fail_count`.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 8, flat line (strongly recommended).
    """
    not_above("suspect_count", suspect_count, "fail_count", fail_count)
    not_above("2", 2, "suspect_count", suspect_count)
    values = column(batch, on)
    flat, maybe = np.ones(batch.levels, np.bool_), np.ones(batch.levels, np.bool_)
    found: dict[int, tuple[Mask, Mask]] = {}
    for back in range(1, fail_count):
        with np.errstate(invalid="ignore"):
            apart = np.abs(values - neighbour(batch, values, -back))
        flat, maybe = flat & (apart < eps), maybe & ~(apart >= eps)
        found[back + 1] = flat, maybe
        if not maybe.any():
            break
    nowhere = np.zeros(batch.levels, np.bool_)
    suspect, unsure = found.get(suspect_count, (nowhere, nowhere))
    bad = found.get(fail_count, (nowhere, nowhere))[0]
    silent = level_index(batch) < suspect_count - 1
    return verdict(
        batch,
        on,
        least=suspect_count,
        unknown={BESIDE: unsure & ~suspect & ~silent},
        silent=silent,
        suspect=suspect,
        bad=bad,
    )
