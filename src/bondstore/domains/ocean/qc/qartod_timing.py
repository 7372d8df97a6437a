"""QARTOD tests 1 and 2: did the observations arrive, and did they arrive whole."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.common import levels_of
from bondstore.domains.ocean.qc.qartod_common import BESIDE, MANUAL, place, told
from bondstore.domains.ocean.qc.ragged import neighbour
from bondstore.domains.ocean.qc.tests import Verdict, test


@test("qartod.gap", f"{MANUAL} 1", "TIME")
def gap(batch: Batch, on: str, *, increment: float) -> Verdict:
    """Flag an observation that came later after the one before it than it was to come.

    ``NOW - TIM_STMP > TIM_INC``: fail. NOW is here the time stamp of the observation that has arrived and TIM_STMP that
    of the one before it in the same profile: a profile that is read later has no other clock, and the same file gets
    the same flags whenever it is read.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        ``TIME``.
    increment : float
        TIM_INC in seconds: what is over it fails, what equals it passes.

    Returns
    -------
    Verdict
        Bad for the level after the gap. Silent for the first level, and where one time stands for all levels;
        unevaluated after a level without a time and in a profile of one level with a time of its own.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 1, timing/gap (required).
    """
    timed = levels_of(batch, np.array([one.timed for one in batch.profiles], np.bool_))
    silent = (place(batch) == 0) | ~timed
    with np.errstate(invalid="ignore"):  # a time may be infinite
        waited = batch.time - neighbour(batch, batch.time, -1)
    return told(
        batch,
        on,
        unknown={
            "the profile has one level": levels_of(batch, batch.sizes == 1) & timed,
            BESIDE: np.isnan(waited) & ~silent,
        },
        silent=silent,
        bad=(waited > increment) & ~silent,
    )


@test("qartod.syntax", f"{MANUAL} 2", "TIME", "POSITION", "PRES", "TEMP", "PSAL")
def syntax(batch: Batch, on: str) -> Verdict:
    """Flag the levels of a message that did not arrive whole.

    ``REC_CHAR != NCHAR``: fail. A profile's file is the message; its reader knows whether it is whole, by its last line
    or its format, and says so in ``known["truncated"]``. The message fails as one, as the manual has it: also
    the levels before the cut.

    Parameters
    ----------
    batch : Batch
        The profiles.
    on : str
        Any variable.

    Returns
    -------
    Verdict
        Bad for all levels of a truncated file, else good: a level that could not be parsed is not in the batch.

    Notes
    -----
    Source: IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1,
    test 2, syntax (required).
    """
    cut = np.array([one.known.get("truncated") == "yes" for one in batch.profiles], np.bool_)
    return told(batch, on, bad=levels_of(batch, cut))
