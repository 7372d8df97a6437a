"""QARTOD tests 8 and 10: values that do not change at all, or too little."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats, Mask
from bondstore.domains.ocean.qc.common import column
from bondstore.domains.ocean.qc.qartod_common import BESIDE, MANUAL, not_above, place, told
from bondstore.domains.ocean.qc.qartod_windows import coordinate, deviation, extent, first_within, travelled
from bondstore.domains.ocean.qc.ragged import neighbour, only
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError


@test("qartod.flat_line", f"{MANUAL} 8", "PRES", "TEMP", "PSAL")
def flat_line(batch: Batch, on: str, *, suspect_count: int, fail_count: int, eps: float) -> Verdict:
    """Flag a value that repeats those before it.

    The REP_CNT_FAIL most recent values equal, ``|x(n) - x(n-i)| < EPS`` for each of them: fail; the
    REP_CNT_SUSPECT most recent: suspect. The present value is one of them (of five equal values, the present one and
    four before it); the values before it keep their flags.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``PRES``, ``TEMP`` or ``PSAL``.
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
    silent = place(batch) < suspect_count - 1
    return told(
        batch,
        on,
        least=suspect_count,
        unknown={BESIDE: unsure & ~suspect & ~silent},
        silent=silent,
        suspect=suspect,
        bad=bad,
    )


@test("qartod.attenuated_signal", f"{MANUAL} 10", "PRES", "TEMP", "PSAL")
def attenuated_signal(
    batch: Batch, on: str, *, warn: float, fail: float, measure: str, along: str = "TIME", window: float | None = None
) -> Verdict:
    """Flag levels over which the values vary too little.

    SD (n in the denominator) or ``MAX - MIN`` over TST_TIM ``< MIN_VAR_FAIL``: fail; ``< MIN_VAR_WARN``: suspect.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``PRES``, ``TEMP`` or ``PSAL``.
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
    return told(
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
