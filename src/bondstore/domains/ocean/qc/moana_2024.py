"""Suite moana-2024: which rows the existing chain keeps, and tests of values that set its flags, with its defects."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Mask
from bondstore.domains.ocean.qc.common import (
    because,
)
from bondstore.domains.ocean.qc.flags import Flag, Flags
from bondstore.domains.ocean.qc.moana_values import binned, drift, ends_of_runs
from bondstore.domains.ocean.qc.ragged import (
    absent,
    column,
    deviation,
    neighbour,
    only,
    per_profile,
    spread,
)
from bondstore.domains.ocean.qc.tests import Verdict, test

DROPPED = "the existing chain leaves a test out that raises"


def chain_rows(batch: Batch, *, complete: bool = True) -> Mask:
    """Return which levels the existing chain reads.

    Of several levels at one time it keeps the first, even if that one has no values; then (with `complete`) it drops
    every level that lacks its time, latitude, longitude, pressure or temperature, a latitude or longitude of 0 being
    none. Its files hold no such rows; the tests of suite moana-2024 are silent on them.
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


def on_rows(batch: Batch, on: str, rows: Mask, flags: Flags, reasons: Mapping[int, str] | None = None) -> Verdict:
    """Return flags as a verdict: silent on the rows that the chain drops, missing where there is no value."""
    flags = np.where(rows, flags, Flag.SILENT).astype(np.int8)
    flags[absent(batch, on)] = Flag.MISSING
    return Verdict(flags, reasons or {})


def run_over_rows(batch: Batch, on: str, run: Callable[[Batch], Verdict]) -> Verdict:
    """Run a test over the rows that the chain keeps, with the nearest of them as neighbours."""
    rows = chain_rows(batch)
    said = run(only(batch, rows))
    flags = np.full(batch.levels, Flag.SILENT, np.int8)
    flags[rows] = said.flags
    return on_rows(batch, on, rows, flags, said.reasons)


@test("moana2024.global_range", "moana-qc 2024, global range", "TEMP", "PRES")
def global_range(batch: Batch, on: str, *, lowest: float, suspect_from: float, bad_from: float) -> Verdict:
    """Set the existing chain's flags of `moana.global_range`.

    Defects reproduced: a bound once reached marks all levels whose time is not before it, which turns a value under
    `lowest` from bad to suspect; a reset's marker of 44.444 °C makes all temperatures after it bad; rows dropped (see
    `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    lowest, suspect_from, bad_from : float
        As in `moana.global_range`.
    """

    def run(kept: Batch) -> Verdict:
        values = column(kept, on)
        flags = np.full(kept.levels, Flag.GOOD, np.int8)
        flags[values < lowest] = Flag.BAD
        for bound, flag in ((suspect_from, Flag.SUSPECT), (bad_from, Flag.BAD)):
            reached = np.where(values >= bound, kept.time, np.inf)
            flags[kept.time >= spread(kept, per_profile(kept, reached, np.minimum, empty=np.inf))] = flag
        return Verdict(flags)

    return run_over_rows(batch, on, run)


@test("moana2024.spike", "moana-qc 2024, spike", "TEMP", "PRES")
def spike(batch: Batch, on: str, *, deviations: float) -> Verdict:
    """Set the existing chain's flags of `moana.spike`.

    Defects reproduced: 0 stands for the values beyond the ends, so that the first and last level are suspect in nearly
    every profile (it stands in released files); with under three levels the test raises, after temperature was called
    good and before anything was said of pressure; rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    deviations : float
        As in `moana.spike`.
    """

    def run(kept: Batch) -> Verdict:
        values = column(kept, on)
        beside = (neighbour(kept, values, -1), neighbour(kept, values, 1))
        padded = [np.where(np.isnan(one), 0.0, one) for one in beside]
        with np.errstate(all="ignore"):
            apart = np.abs(values - 0.5 * padded[0] - 0.5 * padded[1])
            flags = np.where(apart > spread(kept, deviations * deviation(kept, values)), Flag.SUSPECT, Flag.GOOD)
        short = kept.sizes < 3
        flags[spread(kept, short)] = Flag.GOOD if on == "TEMP" else Flag.SILENT
        return Verdict(flags.astype(np.int8), because(short, DROPPED))

    return run_over_rows(batch, on, run)


@test("moana2024.stuck_value", "moana-qc 2024, stuck value", "TEMP", "PRES")
def stuck_value(batch: Batch, on: str, *, repeats: int, within: float) -> Verdict:
    """Set the existing chain's flags of `moana.stuck_value`, under the pandas 1.5.3 that it pins.

    Defects reproduced: the last value of a run is left out (21 equal values are flagged twenty times); rows dropped
    (see `chain_rows`). Under pandas 3 the chain would set none of these flags.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    repeats, within
        As in `moana.stuck_value`.
    """

    def run(kept: Batch) -> Verdict:
        before_last = ends_of_runs(column(kept, on), kept.owner, repeats, within)
        marks = np.zeros(kept.levels + 1, np.int64)
        np.add.at(marks, before_last - repeats, 1)
        np.add.at(marks, before_last, -1)
        return Verdict(np.where(np.cumsum(marks[:-1]) > 0, Flag.SUSPECT, Flag.GOOD).astype(np.int8))

    return run_over_rows(batch, on, run)


@test("moana2024.rate_of_change", "moana-qc 2024, rate of change", "PRES")
def rate_of_change(batch: Batch, on: str, *, rate: float, deviations: float) -> Verdict:
    """Set the existing chain's flags of `moana.rate_of_change`, under the pandas 1.5.3 that it pins.

    Defects reproduced: its flags count for pressure; a level at the same pressure as the one before is suspect wherever
    its temperature differs (the rate is infinite); rows dropped (see `chain_rows`). Under pandas 3 the chain would set
    none of these flags.

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    rate, deviations
        As in `moana.rate_of_change`.
    """

    def run(kept: Batch) -> Verdict:
        values = kept.temperature
        with np.errstate(all="ignore"):
            change = np.abs(values - neighbour(kept, values, -1))
            deep = np.abs(kept.pressure - neighbour(kept, kept.pressure, -1))
            fast = change / deep > spread(kept, rate + deviations * deviation(kept, values))
        return Verdict(np.where(fast, Flag.SUSPECT, Flag.GOOD).astype(np.int8))

    return run_over_rows(batch, on, run)


@test("moana2024.temp_drift", "moana-qc 2024, temperature drift", "TEMP")
def temp_drift(
    batch: Batch, on: str, *, edges: tuple[float, ...], spreads: tuple[float, ...], ranges: tuple[float, ...]
) -> Verdict:
    """Set the existing chain's flags of `moana.temp_drift`.

    Defects reproduced: a level on the edge of a bin is in none, and good; as is one outside all bins. Rows dropped (see
    `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    edges, spreads, ranges : tuple of float
        As in `moana.temp_drift`.
    """

    def run(kept: Batch) -> Verdict:
        inside, place = binned(kept.pressure, edges)
        inside &= ~np.isin(kept.pressure, edges)
        drifted, _ = drift(kept, inside, place, spreads=spreads, ranges=ranges, bins=len(edges) - 1)
        return Verdict(np.where(drifted, Flag.SUSPECT, Flag.GOOD).astype(np.int8))

    return run_over_rows(batch, on, run)
