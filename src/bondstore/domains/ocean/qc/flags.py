"""The flags that tests set, how they roll up, and what they are called on the scales of others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.int8]


class Flag(IntEnum):
    """What a test says of a level. Our own numbers: each scale below has its own for them."""

    SILENT = 0
    """The test's definition says nothing of this level (the end points of a spike test)."""
    GOOD = 1
    PROBABLY_GOOD = 2
    SUSPECT = 3
    BAD = 4
    UNEVALUATED = 5
    """The test should have spoken and could not: it raised, or an input is missing."""
    MISSING = 9
    """There is no value."""


_WORDS = {Flag.SILENT: "not_applicable", Flag.UNEVALUATED: "not_evaluated"}


SOURCE_WORDS: Mapping[int, str] = {
    0: "no_qc",
    1: "good",
    2: "probably_good",
    3: "suspect",
    4: "bad",
    5: "changed",
    8: "estimated",
    9: "missing",
}
"""Words for the numbers of Argo's reference table 2, in which `Batch.source` has the flags that came with a file."""


def flag_word(flag: Flag) -> str:
    """Return what records and output call a flag."""
    return _WORDS.get(flag, flag.name.lower())


_WIDTH = max(Flag) + 1


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale of flags.

    Parameters
    ----------
    name : str
        As in suites.
    convention : str
        What files call it (``quality_control_convention``).
    numbers : mapping of Flag to int
        Its number of each of ours.
    meanings : mapping of int to str
        Its numbers in order, each with its word as CF's ``flag_meanings`` have it.
    """

    name: str
    convention: str
    numbers: Mapping[Flag, int]
    meanings: Mapping[int, str]

    def write(self, flags: Flags) -> NDArray[np.int8]:
        """Return flags as numbers of this scale."""
        table = np.zeros(_WIDTH, np.int8)
        for flag, number in self.numbers.items():
            table[flag] = number
        written: NDArray[np.int8] = table[flags]
        return written


_F = Flag
_TABLE_2 = {
    _F.SILENT: 0,
    _F.GOOD: 1,
    _F.PROBABLY_GOOD: 2,
    _F.SUSPECT: 3,
    _F.BAD: 4,
    _F.UNEVALUATED: 0,
    _F.MISSING: 9,
}
"""Argo's numbers, which IMOS has taken over."""

SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        scale.name: scale
        for scale in (
            Scale(
                "qartod",
                "IOC/QARTOD primary level flags (IOC Manuals and Guides 54, vol. 3)",
                {
                    _F.SILENT: 2,
                    _F.GOOD: 1,
                    _F.PROBABLY_GOOD: 1,
                    _F.SUSPECT: 3,
                    _F.BAD: 4,
                    _F.UNEVALUATED: 2,
                    _F.MISSING: 9,
                },
                {1: "pass", 2: "not_evaluated", 3: "suspect_or_of_high_interest", 4: "fail", 9: "missing_data"},
            ),
            Scale(
                "argo",
                "Argo reference table 2",
                _TABLE_2,
                {
                    0: "no_qc_performed",
                    1: "good_data",
                    2: "probably_good_data",
                    3: "bad_data_that_are_potentially_correctable",
                    4: "bad_data",
                    5: "value_changed",
                    8: "estimated",
                    9: "missing_value",
                },
            ),
            Scale(
                "imos",
                "IMOS standard flags",
                _TABLE_2,
                {
                    0: "no_qc_performed",
                    1: "good_data",
                    2: "probably_good_data",
                    3: "bad_data_that_are_potentially_correctable",
                    4: "bad_data",
                    5: "value_changed",
                    9: "missing_value",
                },
            ),
        )
    }
)
"""The scales, by name."""

_OF_SOURCE = np.array([_F.SILENT, _F.GOOD, _F.PROBABLY_GOOD, _F.SUSPECT, _F.BAD], np.int8)


def of_source(numbers: NDArray[np.int8]) -> Flags:
    """Return what flags that a file brought (Argo's reference table 2) mean as ours.

    A changed or estimated value (5 to 8) is probably good: its centre counts it as usable, and nobody measured it.
    That a value which is there is missing (9) cannot be: it is unevaluated. None, and no test performed (0), say
    nothing.
    """
    ours = np.full(len(numbers), Flag.SILENT, np.int8)
    known = (numbers >= 0) & (numbers < len(_OF_SOURCE))
    ours[known] = _OF_SOURCE[numbers[known]]
    ours[(numbers >= 5) & (numbers <= 8)] = Flag.PROBABLY_GOOD
    ours[numbers == 9] = Flag.UNEVALUATED
    return ours


BETTER_FIRST = (_F.MISSING, _F.SILENT, _F.GOOD, _F.PROBABLY_GOOD, _F.UNEVALUATED, _F.SUSPECT, _F.BAD)
"""The order in which a worse flag goes over a better one."""
RANK: NDArray[np.int8] = np.array([BETTER_FIRST.index(one) if one in list(_F) else 0 for one in range(_WIDTH)], np.int8)
"""The place in that order, by the number of a flag."""
_ROLLED = np.array([_F.UNEVALUATED, _F.UNEVALUATED, *BETTER_FIRST[2:]], np.int8)


def merged(rolled: Flags, source: NDArray[np.int8]) -> Flags:
    """Put the flags that a file brought under those of the tests: a test may worsen a flag, and never better it."""
    theirs = of_source(source)
    worse = (RANK[theirs] > RANK[rolled]) & (rolled != Flag.MISSING)
    return np.where(worse, theirs, rolled).astype(np.int8)


def worst(flags: Sequence[Flags], missing: NDArray[np.bool_]) -> Flags:
    """Roll the flags of several tests up, level by level.

    Bad over suspect over unevaluated over probably good over good. A test that is silent on a level has no part in it;
    where all are, the level is unevaluated: nothing becomes good that no test called good. A level without a value is
    missing, whatever tests say.
    """
    rank = np.zeros(len(missing), np.int8)
    for one in flags:
        np.maximum(rank, RANK[one], out=rank)
    rolled: Flags = _ROLLED[rank]
    rolled[missing] = _F.MISSING
    return rolled
