"""What Argo files say of the tests that ran: the masks of HISTORY_QCTEST, and the letters of profile quality."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import count

NUMBERS: Mapping[str, int] = MappingProxyType(
    {
        "argo.platform": 1,
        "argo.date": 2,
        "argo.position": 3,
        "argo.land": 4,
        "argo.speed": 5,
        "argo.range": 6,
        "argo.pressure_range": 6,
        "argo.regional_range": 7,
        "argo.pressure_increasing": 8,
        "argo.spike": 9,
        "argo.rollover": 12,
        "argo.stuck_value": 13,
        "argo.density_inversion": 14,
        "argo.exclusion_list": 15,
        "argo.grey_list": 15,
        "argo.sensor_drift": 16,
        "argo.frozen_profile": 18,
        "argo.deepest_pressure": 19,
        "argo.near_surface_salinity": 21,
        "argo.near_surface_air": 22,
        "argo.deep_float": 23,
        "argo.rbr_salinity": 24,
        "argo.medd": 25,
    }
)
"""The numbers of the tests (Argo reference table 11). Other tests have none and take no part."""
_SPOKE = (Flag.GOOD, Flag.PROBABLY_GOOD, Flag.SUSPECT, Flag.BAD)
_FAILED = (Flag.SUSPECT, Flag.BAD)
_LETTERED = ("PRES", "TEMP", "PSAL")
LETTERS = ((1.0, "A"), (0.75, "B"), (0.5, "C"), (0.25, "D"))
"""Shares of good levels, and the letter from there on (Argo reference table 2a)."""


def masks(batch: Batch, result: Result) -> list[dict[str, str]]:
    """Return for each profile what an Argo file would say of the tests: masks and letters; nothing for other suites.

    The masks of HISTORY_QCTEST are hexadecimal, with bit n for test n: performed (action QCP$), failed (QCF$). A test
    that was silent or could not be evaluated on every level was not performed; one that called any level suspect or bad
    was failed. Source: Argo user's manual, reference table 11. Bit 18 is 262144, as the rule has it; the table's 261144
    is a slip.
    """
    if not any(step.test.name in NUMBERS for step in result.suite.steps):
        return [{} for _ in batch.profiles]
    performed, failed = _bits(batch, result, _SPOKE), _bits(batch, result, _FAILED)
    letters = {f"profile_{name.lower()}_qc": profile_quality(batch, result, name) for name in _LETTERED}
    return [
        {"tests_performed": f"{performed[number]:X}", "tests_failed": f"{failed[number]:X}"}
        | {name: found[number] for name, found in letters.items() if found[number] != " "}
        for number in range(len(batch))
    ]


def _bits(batch: Batch, result: Result, among: tuple[Flag, ...]) -> list[int]:
    bits = np.zeros(len(batch), np.int64)
    for step in result.suite.steps:
        bit, flags = NUMBERS.get(step.test.name), result.flags.get((step.label, step.on))
        if bit is not None and flags is not None:
            bits[count(batch, np.isin(flags, among)) > 0] |= 1 << bit
    return bits.tolist()


def profile_quality(batch: Batch, result: Result, variable: str) -> list[str]:
    """Return the letter of each profile for PROFILE_<PARAM>_QC.

    ``A`` where all levels with a value are good or probably good, ``B`` from 75 %, ``C`` from 50 %, ``D`` from 25 %,
    ``E`` for fewer, ``F`` for none; a blank where no level was evaluated. Source: Argo QC manual 3.9, appendix,
    reference table 2a: missing values do not count, all others than 1, 2, 5 and 8 count as bad.
    """
    flags = result.rolled.get(variable)
    if flags is None:
        return [" "] * len(batch)
    good = count(batch, np.isin(flags, (Flag.GOOD, Flag.PROBABLY_GOOD)))
    told = count(batch, ~np.isin(flags, (Flag.MISSING, Flag.UNEVALUATED, Flag.SILENT)))
    every = count(batch, flags != Flag.MISSING)
    return [_letter(*numbers) for numbers in zip(good.tolist(), told.tolist(), every.tolist(), strict=True)]


def _letter(good: int, told: int, every: int) -> str:
    if not told:
        return " "
    share = good / every
    return next((letter for least, letter in LETTERS if share >= least), "E" if good else "F")
