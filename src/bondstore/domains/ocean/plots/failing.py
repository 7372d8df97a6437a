"""Which tests failed where: neighbouring levels that the same tests flag, and remarks on a whole profile."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.plots.words import FLAG_WORDS, NAMES, plural, test_words
from bondstore.domains.ocean.qc.flags import Flag, Flags

if TYPE_CHECKING:
    from bondstore.domains.ocean.qc.evaluate import Result

_FAILED = (Flag.SUSPECT, Flag.BAD)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring levels that the same tests flag.

    Parameters
    ----------
    first, last : int
        Levels of the profile, both included.
    tests : tuple of str
        Labels of the tests, for people.
    worst : Flag
        The worst that they say.
    """

    first: int
    last: int
    tests: tuple[str, ...]
    worst: Flag

    @property
    def text(self) -> str:
        """What stands beside the levels."""
        number = self.last - self.first + 1
        return ", ".join(self.tests) + (f" ×{number:,}" if number > 1 else "")


def stretches(result: Result, rows: slice, variable: str) -> list[Stretch]:
    """Return where tests of a variable found levels suspect or bad, in the order of the levels.

    Parameters
    ----------
    result : Result
        What the tests say.
    rows : slice
        The levels of the profile.
    variable : str
        Such as ``TEMP``.
    """
    named = {label: flags[rows] for (label, on), flags in result.flags.items() if on == variable}
    if not named:
        return []
    table = np.array([np.where(np.isin(flags, _FAILED), flags, 0) for flags in named.values()], np.int8)
    labels = list(named)
    if not table.any():
        return []
    seams = np.flatnonzero((np.diff(table != 0, axis=1)).any(axis=0)) + 1
    edges = [0, *seams.tolist(), table.shape[1]]
    found = []
    for first, end in pairwise(edges):
        block = table[:, first:end]
        said = np.flatnonzero(block.any(axis=1))
        if len(said):
            tests = tuple(test_words(labels[one]) for one in said)
            found.append(Stretch(first, end - 1, tests, Flag(int(block.max()))))
    return found


def failed_tests(result: Result, rows: slice, variable: str) -> list[str]:
    """Return the labels of the tests that found levels of a variable suspect or bad, for people."""
    return list(dict.fromkeys(test for one in stretches(result, rows, variable) for test in one.tests))


def counted(flags: Flags) -> dict[Flag, int]:
    """Return how many levels have each flag, the worst first; flags that none has are left out."""
    order = (Flag.BAD, Flag.SUSPECT, Flag.UNEVALUATED, Flag.PROBABLY_GOOD, Flag.GOOD, Flag.MISSING)
    return {flag: number for flag in order if (number := int(np.sum(flags == flag)))}


def remarks(result: Result, rows: slice, number: int, variables: tuple[str, ...]) -> list[str]:
    """Return what a picture says in words: variables that are not all good, and tests that could not speak.

    Parameters
    ----------
    result : Result
        What the tests say.
    rows : slice
        The levels of the profile.
    number : int
        The profile's number in the batch.
    variables : tuple of str
        Which variables to speak of.
    """
    said = []
    for variable in variables:
        flags = result.rolled.get(variable)
        if flags is None:
            continue
        parts = [
            f"{plural(count, 'level')} {FLAG_WORDS[flag]}"
            for flag, count in counted(flags[rows]).items()
            if flag not in (Flag.GOOD, Flag.PROBABLY_GOOD)
        ]
        if parts:
            tests = failed_tests(result, rows, variable)
            because = f" ({', '.join(tests)})" if tests else ""
            said.append(f"{NAMES[variable].capitalize()}: {', '.join(parts)}{because}")
    silent = [test_words(label) for (label, _), why in result.reasons.items() if number in why]
    if silent:
        said.append(f"Could not be evaluated: {', '.join(dict.fromkeys(silent))}")
    return said
