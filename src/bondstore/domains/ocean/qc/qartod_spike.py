"""QARTOD test 6: a single value that stands out from those beside it."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.domains.ocean.qc.common import column
from bondstore.domains.ocean.qc.qartod_common import BESIDE, MANUAL, last, not_above, place, told
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.domains.ocean.qc.tests import Verdict, test
from bondstore.errors import ConfigurationError

AVERAGE, THIRD_DIFFERENCE = "average", "third_difference"


@test("qartod.spike", f"{MANUAL} 6", "PRES", "TEMP", "PSAL")
def spike(batch: Batch, on: str, *, low: float, high: float, method: str = AVERAGE) -> Verdict:
    """Flag a value that stands out from its neighbours.

    With ``average``: ``|x(n-1) - (x(n-2) + x(n)) / 2|``; with ``third_difference``, which the manual names as an
    alternative: ``|x(n-3) - 3 x(n-2) + 3 x(n-1) - x(n)|``. Over ``THRSHLD_HIGH``: fail; over ``THRSHLD_LOW`` and not
    over ``THRSHLD_HIGH``: suspect. It is level n-1 that is flagged.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``PRES``, ``TEMP`` or ``PSAL``.
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
    silent = (place(batch) < before) | last(batch)
    return told(
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
