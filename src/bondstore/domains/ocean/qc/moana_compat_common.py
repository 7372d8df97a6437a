"""Which rows the existing Moana chain keeps, and how tests run over them: for suite moana-2024."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Mask
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.moana_common import absent
from bondstore.domains.ocean.qc.ragged import only
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
    order = np.lexsort((np.arange(batch.levels), batch.time, batch.owner))
    time, owner = batch.time[order], batch.owner[order]
    first = np.ones(batch.levels, np.bool_)
    first[1:] = (owner[1:] != owner[:-1]) | (time[1:] != time[:-1])
    nowhere = np.isnan(time)
    first[1:] &= ~(nowhere[1:] & nowhere[:-1] & (owner[1:] == owner[:-1]))
    rows = np.zeros(batch.levels, np.bool_)
    rows[order] = first
    if complete:
        for values in (batch.time, batch.latitude, batch.longitude, batch.pressure, batch.temperature):
            rows &= ~np.isnan(values)
        rows &= (batch.latitude != 0) & (batch.longitude != 0)
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
    said = run(only(batch, rows))
    flags = np.full(batch.levels, Flag.SILENT, np.int8)
    flags[rows] = said.flags
    return settled(batch, on, rows, flags, said.reasons)
