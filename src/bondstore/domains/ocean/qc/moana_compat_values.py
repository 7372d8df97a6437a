"""Suite moana-2024: tests of values that set the flags of the existing chain, with its defects."""

from __future__ import annotations

import numpy as np

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.common import because, column, deviation, levels_of
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.moana_compat_common import chain_rows, run_over_rows, settled
from bondstore.domains.ocean.qc.moana_values import binned, drift
from bondstore.domains.ocean.qc.ragged import neighbour, per_profile, spread
from bondstore.domains.ocean.qc.tests import Verdict, test


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
        flags[levels_of(kept, short)] = Flag.GOOD if on == "TEMP" else Flag.SILENT
        return Verdict(flags.astype(np.int8), because(short, "the existing chain leaves a test out that raises"))

    return run_over_rows(batch, on, run)


@test("moana2024.stuck_value", "moana-qc 2024, stuck value", "TEMP", "PRES")
def stuck_value(batch: Batch, on: str) -> Verdict:
    """Set the existing chain's flags of `moana.stuck_value` under pandas 3: all good.

    Defect reproduced: its flags are written to a copy that is thrown away. Rows dropped (see `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    """
    return _good(batch, on)


@test("moana2024.rate_of_change", "moana-qc 2024, rate of change", "PRES")
def rate_of_change(batch: Batch, on: str) -> Verdict:
    """Set the existing chain's flags of `moana.rate_of_change` under pandas 3: all good, and of pressure.

    Defects reproduced: its flags are written to a copy that is thrown away, and count for pressure. Rows dropped (see
    `chain_rows`).

    Parameters
    ----------
    batch, on
        As in `bondstore.domains.ocean.qc.tests`.
    """
    return _good(batch, on)


def _good(batch: Batch, on: str) -> Verdict:
    return settled(batch, on, chain_rows(batch), np.full(batch.levels, Flag.GOOD, np.int8))


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
