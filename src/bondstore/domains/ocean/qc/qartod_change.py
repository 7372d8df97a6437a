"""QARTOD tests 7, 9 and 10: too large a step, or too little variation, over a window of levels."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import verdict
from bondstore.domains.ocean.qc.qartod import BESIDE, MANUAL, not_above
from bondstore.domains.ocean.qc.ragged import column, level_index, neighbour, only
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.domains.ocean.qc.windows import Window, coordinate, deviation, extent, first_within, travelled
from bondstore.errors import ConfigurationError

FEW = "too few values lie in the window before a level"


@test("qartod.rate_of_change", f"{MANUAL} 7", "PRES", "TEMP", "PSAL")
def rate_of_change(
    batch: Batch, on: str, *, deviations: float, window: float, along: str, least: int, offset: float = 0.0
) -> Verdict:
    """Flag a step that is large beside the variation of the levels before it.

    ``|x(n) - x(n-1)| > N_DEV * SD``: suspect. SD is over the levels before n that lie no more than the window before
    it; n is not among them, its own step would hide in it. With an offset: ``> offset + N_DEV * SD``, the manual's
    second way (2 degrees Celsius + 2 SD). The manual has no fail flag here.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    deviations : float
        N_DEV.
    window : float
        TIM_DEV in seconds, or along pressure in dbar, as travelled up or down.
    along : str
        ``TIME`` or ``PRES``: what the window is measured along.
    least : int
        Values the window must hold.
    offset : float, optional
        In the variable's unit.

    Returns
    -------
    Verdict
        Silent for the first `least` levels of a profile (and always the first); unevaluated where the level
        before, its time or its pressure is missing, or the window holds fewer values than `least`.

    Raises
    ------
    ConfigurationError
        `along` is neither ``TIME`` nor ``PRES``.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 7, rate of change (strongly recommended).
    """
    step, usual = steps(batch, column(batch, on), Window(window, along, least))
    silent = level_index(batch) < max(least, 1)
    return verdict(
        batch,
        on,
        least=max(least, 1) + 1,
        unknown={BESIDE: np.isnan(step) & ~silent, FEW: np.isnan(usual) & ~silent},
        silent=silent,
        suspect=~silent & (step > offset + deviations * usual),
    )


@test("qartod.rate_per_second", f"{MANUAL} 7", "PRES", "TEMP", "PSAL")
def rate_per_second(batch: Batch, on: str, *, threshold: float) -> Verdict:
    """Flag a step that is large for the time it took.

    ``|x(n) - x(n-1)| / |t(n) - t(n-1)| > threshold``: suspect; test 7 with a time rate that the operator states.
    The time is taken as it is, in fractions of a second. The manual has no fail flag here.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    threshold : float
        In the variable's unit per second; a rate on the threshold passes.

    Returns
    -------
    Verdict
        Silent for the first level of a profile; unevaluated where the level before or a time is missing, and where the
        value changed and the time did not: there is no rate then.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 7, rate of change (strongly recommended).
    """
    values = column(batch, on)
    silent = level_index(batch) == 0
    with np.errstate(all="ignore"):
        step = np.abs(values - neighbour(batch, values, -1))
        took = np.abs(batch.time - neighbour(batch, batch.time, -1))
        rate = np.where(step == 0, 0.0, step / took)
    missing = np.isnan(step) | np.isnan(took)
    still = ~missing & (took == 0) & (step != 0)
    return verdict(
        batch,
        on,
        least=2,
        unknown={BESIDE: missing & ~silent, "two levels with different values have the same time": still},
        silent=silent,
        suspect=~missing & ~still & (rate > threshold),
    )


@test("qartod.multi_variate", f"{MANUAL} 9", "TEMP", "PSAL", "PRES")
def multi_variate(
    batch: Batch,
    on: str,
    *,
    other: str,
    deviations: float,
    other_deviations: float,
    window: float,
    along: str,
    least: int,
) -> Verdict:
    """Flag a step that another variable does not share.

    ``|T(n) - T(n-1)| > N_T_DEV * SD_T`` and ``|S(n) - S(n-1)| < N_S_DEV * SD_S``: suspect. SD as in
    `rate_of_change`. The manual has no fail flag here.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    other : str
        The second variable.
    deviations, other_deviations : float
        N_T_DEV and N_S_DEV.
    window, along, least
        As in `rate_of_change`.

    Returns
    -------
    Verdict
        As in `rate_of_change`; unevaluated, too, where the step is large and the second variable cannot be told.

    Raises
    ------
    ConfigurationError
        `along` is neither ``TIME`` nor ``PRES``.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 9, multi-variate (suggested).
    """
    return unshared(batch, on, column(batch, other), (deviations, other_deviations), Window(window, along, least))


def unshared(batch: Batch, on: str, second: Floats, deviations: tuple[float, float], window: Window) -> Verdict:
    """Flag the steps of a variable that a second column does not share; tests 9 and 11 are this."""
    least = max(window.least, 1)
    step, usual = steps(batch, column(batch, on), window)
    other_step, other_usual = steps(batch, second, window)
    silent = level_index(batch) < least
    large = ~silent & (step > deviations[0] * usual)
    unsure = large & (np.isnan(other_step) | np.isnan(other_usual))
    return verdict(
        batch,
        on,
        least=least + 1,
        unknown={
            BESIDE: np.isnan(step) & ~silent,
            FEW: np.isnan(usual) & ~silent,
            "a step stands alone, and what it is compared with is missing": unsure,
        },
        silent=silent,
        suspect=large & (other_step < deviations[1] * other_usual),
    )


def steps(batch: Batch, values: Floats, window: Window) -> tuple[Floats, Floats]:
    """Return each level's step from the one before, and the deviation of the levels in the window before it."""
    with np.errstate(invalid="ignore"):
        step = np.abs(values - neighbour(batch, values, -1))
    keep = np.isfinite(values) & np.isfinite(coordinate(batch, window.along))
    usual = np.full(batch.levels, np.nan)
    some = only(batch, keep)
    here = np.arange(some.levels)
    first = first_within(some, travelled(some, window.along), window.width)
    found = deviation(some, values[keep], first, here)
    usual[keep] = np.where(here - first >= max(window.least, 1), found, np.nan)
    return step, usual


@test("qartod.attenuated_signal", f"{MANUAL} 10", "PRES", "TEMP", "PSAL")
def attenuated_signal(
    batch: Batch, on: str, *, warn: float, fail: float, measure: str, along: str = "TIME", window: float | None = None
) -> Verdict:
    """Flag levels over which the values vary too little.

    SD (n in the denominator) or ``MAX - MIN`` over TST_TIM ``< MIN_VAR_FAIL``: fail; ``< MIN_VAR_WARN``: suspect.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    warn, fail : float
        MIN_VAR_WARN and MIN_VAR_FAIL in the variable's unit; a variation that equals a threshold meets it.
    measure : str
        ``deviation`` or ``range``.
    along : str, optional
        ``TIME`` or ``PRES``: what the window is measured along.
    window : float, optional
        TST_TIM in seconds, or in dbar travelled; each level is judged by those up to and with itself that lie no more
        than this before it. Without it, the whole profile is judged as one.

    Returns
    -------
    Verdict
        Silent until the profile has covered the window; unevaluated where there are fewer than two values, and where
        a time or pressure is missing.

    Raises
    ------
    ConfigurationError
        `fail` is over `warn`, or `measure` or `along` is unknown.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 10, attenuated signal (suggested).
    """
    not_above("fail", fail, "warn", warn)
    if measure not in {"deviation", "range"}:
        raise ConfigurationError(
            "The measure of qartod.attenuated_signal is unknown.", hint="Use one of: deviation, range."
        )
    values = column(batch, on)
    placed = np.isfinite(coordinate(batch, along)) if window is not None else np.ones(batch.levels, np.bool_)
    keep = placed & np.isfinite(values)
    variation, silent = np.full(batch.levels, np.nan), np.zeros(batch.levels, np.bool_)
    variation[keep], silent[keep] = _variation(only(batch, keep), values[keep], measure, along, window)
    return verdict(
        batch,
        on,
        least=2,
        unknown={
            "a time or pressure that the window is measured along is missing": ~placed,
            "fewer than two values lie in the window": placed & np.isnan(variation) & ~silent,
        },
        silent=silent,
        suspect=~silent & (variation < warn),
        bad=~silent & (variation < fail),
    )


def _variation(batch: Batch, values: Floats, measure: str, along: str, window: float | None) -> tuple[Floats, Mask]:
    """Return the variation of each level's window, and which levels come before the first full one."""
    if window is None:
        first, end = (np.repeat(one, batch.sizes) for one in (batch.starts, batch.starts + batch.sizes))
        silent = np.zeros(batch.levels, np.bool_)
    else:
        path = travelled(batch, along)
        first, end = first_within(batch, path, window), np.arange(batch.levels) + 1
        silent = path < window
    found = deviation(batch, values, first, end) if measure == "deviation" else extent(values, first, end)
    return np.where(end - first >= 2, found, np.nan), silent
