"""Which rows the existing Moana chain keeps, and how tests run over them: for suite moana-2024."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Mask
from bondstore.domains.ocean.qc.common import absent, present
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.tests import Verdict, verdict


def chain_rows(batch: Batch, *, complete: bool = True) -> Mask:
    """Return which levels the existing chain reads; shape (levels,).

    Of several levels at one time it keeps the first, even if that one has no values; then (with `complete`) it drops
    every level that lacks its time, latitude, longitude, pressure or temperature, a latitude or longitude of 0 being
    none. Its files hold no such rows; the tests of suite moana-2024 are silent on them.

    Parameters
    ----------
    batch : Batch
        The profiles.
    complete : bool
        False: without the second step.
    """
    rows = _first_at_their_time(batch)
    if complete:
        for values in (batch.time, batch.latitude, batch.longitude, batch.pressure, batch.temperature):
            rows &= ~np.isnan(values)
        rows &= (batch.latitude != 0) & (batch.longitude != 0)
    return rows


def _first_at_their_time(batch: Batch) -> Mask:
    """Which levels are the first of their profile at their time; missing times count as one time."""
    rows = np.ones(batch.levels, np.bool_)
    with np.errstate(invalid="ignore"):
        if ((batch.time[1:] > batch.time[:-1]) | (batch.owner[1:] != batch.owner[:-1])).all():
            return rows  # as nearly always: all later than the one before
    order = np.lexsort((batch.time, batch.owner))  # stable, and NaN comes last
    time, owner = batch.time[order], batch.owner[order]
    first = np.ones(batch.levels, np.bool_)
    same = (time[1:] == time[:-1]) | (np.isnan(time[1:]) & np.isnan(time[:-1]))
    first[1:] = ~same | (owner[1:] != owner[:-1])
    rows[order] = first
    return rows


def settled(batch: Batch, on: str, rows: Mask, flags: Flags, reasons: Mapping[int, str] | None = None) -> Verdict:
    """Return flags as a verdict: silent on the rows that the chain drops, missing where there is no value."""
    flags = flags.copy()
    flags[~rows] = Flag.SILENT
    flags[absent(batch, on)] = Flag.MISSING
    return verdict(batch, flags, reasons)


def run_over_rows(batch: Batch, on: str, run: Callable[[Batch], Verdict]) -> Verdict:
    """Run a test over the rows that the chain keeps, with the nearest of them as neighbours."""
    rows = chain_rows(batch)
    said = run(present(batch, rows))
    flags = np.full(batch.levels, Flag.SILENT, np.int8)
    flags[rows] = said.flags
    return settled(batch, on, rows, flags, said.reasons)
