"""What becomes of the dates of a recording: kept, shifted by a person's own number of weeks, or all the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Literal, get_args

from bondstore.deid.edf.rules import floored, kept, shifted
from bondstore.errors import UsageError

DatePolicy = Literal["keep", "shift", "floor"]


def redating(policy: DatePolicy, shift: int) -> Callable[[date], date]:
    """Return what gives the day that is written, from the true one.

    Parameters
    ----------
    policy : {"keep", "shift", "floor"}
        With ``shift`` intervals between a person's recordings and days of the week stay; a day before 1985 is for who
        writes it to handle and to tell, as EDF cannot state it. With ``floor`` every day is 1 January 1985.
    shift : int
        Days to add: that of the person in the crosswalk.

    Raises
    ------
    UsageError
        The policy is none of these, or is to shift by nothing.

    >>> redating("shift", -14)(date(2024, 1, 31))
    datetime.date(2024, 1, 17)
    """
    if policy not in get_args(DatePolicy):
        raise UsageError(f"Dates cannot be treated as {policy!r}.", hint="Choose keep, shift or floor.")
    if policy == "shift" and not shift:
        raise UsageError("Dates are to be shifted by no day at all.", hint="Take the shift from the crosswalk.")
    if policy == "shift":
        return partial(shifted, days=shift)
    return kept if policy == "keep" else floored


def redated(moment: datetime, redate: Callable[[date], date]) -> datetime:
    """Return a moment on another day, at the same time of the day."""
    return datetime.combine(redate(moment.date()), moment.timetz())
