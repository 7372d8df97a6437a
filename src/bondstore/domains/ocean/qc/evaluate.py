"""Running a suite over a batch: every test speaks, or says why it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from bondstore.domains.ocean.profiles import COLUMNS, Batch, Integers, Mask, joined
from bondstore.domains.ocean.qc.casts import split_casts
from bondstore.domains.ocean.qc.flags import BETTER_FIRST, RANK, Flag, Flags, merged, worst
from bondstore.domains.ocean.qc.ragged import absent, any_in, per_profile
from bondstore.domains.ocean.qc.suite import VARIABLES, Step, Suite
from bondstore.domains.ocean.qc.tests import Verdict
from bondstore.domains.ocean.qc.thresholds import objections
from bondstore.errors import ConfigurationError, MissingExtraError


@dataclass(frozen=True, slots=True)
class Result:
    """What a suite says of a batch.

    Parameters
    ----------
    suite : Suite
        Which tests, with which thresholds.
    flags : mapping of (str, str) to ndarray of int8, shape (levels,)
        `Flag` numbers by label and variable.
    reasons : mapping of (str, str) to mapping of int to str
        Why a test could not be evaluated, by the profile's number in the batch.
    rolled : mapping of str to ndarray of int8, shape (levels,)
        The roll-up of each variable: ``TIME``, ``POSITION``, ``PRES``, ``TEMP``, and ``PSAL`` where there is any. What
        is infinite is bad, whatever tests say. A flag that the file brought is never made better.
    grades : ndarray of int8, shape (profiles,)
        The worst rolled flag of each profile that is not missing. A profile without any time, position, pressure or
        temperature is at best unevaluated; one without levels is missing.
    """

    suite: Suite
    flags: Mapping[tuple[str, str], Flags]
    reasons: Mapping[tuple[str, str], Mapping[int, str]]
    rolled: Mapping[str, Flags]
    grades: Flags


def evaluate(batch: Batch, suite: Suite) -> Result:
    """Run all tests of a suite.

    A test that raises is run again profile by profile: the profiles with which it raises are unevaluated, with the
    reason, and no others. Tests that need a float's earlier cycle find it in the batch alone; `show`, `compare`, `plot`
    and `qc` also look among the files of the store.

    Parameters
    ----------
    batch : Batch
        The profiles.
    suite : Suite
        The tests.

    Raises
    ------
    ConfigurationError
        A part that a test needs is not installed, or a table that a suite names is not there: no profile would fare
        better.
    """
    flags: dict[tuple[str, str], Flags] = {}
    reasons: dict[tuple[str, str], Mapping[int, str]] = {}
    parts, owners = split_casts(batch) if suite.split_casts else (batch, None)
    shown = _without_source_bad(parts) if suite.skip_bad else parts
    left_out = {name: _withheld(parts, shown, name) for name in ("PRES", "TEMP", "PSAL")}
    for _, block in groupby(suite.steps, key=lambda step: step.label):
        # one test on several variables is one test: what it calls bad in the first it still sees in the second
        seen = shown
        for step in block:
            said = _run(parts, seen, step)
            settled = _settled(parts, step, said.flags)
            for name in _seen_by(step):
                settled[left_out[name] & (settled == Flag.UNEVALUATED)] = Flag.SILENT
            flags[step.label, step.on] = settled
            told = _reasons(parts, settled, said.reasons)
            if told:
                reasons[step.label, step.on] = told if owners is None else _of_owners(told, owners)
            if suite.skip_bad:
                shown = _without_bad(shown, step.on, said.flags == Flag.BAD)
    rolled = {
        variable: _rolled(batch, variable, [found for (_, on), found in flags.items() if on == variable])
        for variable in VARIABLES
        if variable != "PSAL" or batch.salinity is not None
    }
    return Result(suite, flags, reasons, rolled, grades_of(batch, rolled))


def check_suite(suite: Suite) -> None:
    """Refuse thresholds that contradict themselves or can mean nothing, before anything is read.

    They are looked at by their names, and shown to every test over no profiles. A part that is not installed is no such
    thing: perhaps no profile will need it.
    """
    nothing = joined([])
    for step in suite.steps:
        for what, hint in objections(step.test.name, step.thresholds):
            raise ConfigurationError(f"The suite {suite.name} cannot be used: {what}.", hint=hint)
        try:
            _attempt(nothing, step)
        except MissingExtraError:
            continue


def pick(batch: Batch, result: Result, numbers: range) -> tuple[Batch, Result]:
    """Return some neighbouring profiles of a batch, and what was said of them."""
    first = int(batch.sizes[: numbers.start].sum())
    rows = slice(first, first + int(batch.sizes[numbers.start : numbers.stop].sum()))
    some = batch.part(
        batch.profiles[numbers.start : numbers.stop], batch.sizes[numbers.start : numbers.stop], rows
    ).trimmed()
    reasons = {
        name: {number - numbers.start: why for number, why in said.items() if number in numbers}
        for name, said in result.reasons.items()
    }
    return some, Result(
        result.suite,
        {name: flags[rows] for name, flags in result.flags.items() if name[1] != "PSAL" or some.salinity is not None},
        {name: said for name, said in reasons.items() if said},
        {name: flags[rows] for name, flags in result.rolled.items() if name != "PSAL" or some.salinity is not None},
        result.grades[numbers.start : numbers.stop],
    )


def _rolled(batch: Batch, variable: str, flags: Sequence[Flags]) -> Flags:
    """Roll up; an infinite value is bad, though no test of the suite should look at it."""
    none = absent(batch, variable)
    rolled = worst(flags, none)
    if variable in batch.source:
        rolled = merged(rolled, batch.source[variable])
    columns = [found for found in map(batch.column, _columns_of(variable)) if found is not None]
    rolled[np.logical_or.reduce([np.isinf(one) for one in columns]) & ~none] = Flag.BAD
    return rolled


def _columns_of(variable: str) -> tuple[str, ...]:
    return ("LATITUDE", "LONGITUDE") if variable == "POSITION" else (variable,)


def _run(batch: Batch, shown: Batch, step: Step) -> Verdict:
    """Run one test over the profiles that carry what it needs, though all of it were withheld as bad."""
    carried = np.ones(len(batch), np.bool_)
    for need in step.needs:
        carried &= batch.carries(need)
    if carried.all():
        return _attempt(shown, step)
    numbers = np.flatnonzero(carried)
    said = _attempt(shown.take(numbers.tolist()), step)
    flags = np.full(batch.levels, Flag.SILENT, np.int8)
    flags[carried[batch.owner]] = said.flags
    return Verdict(flags, {int(numbers[one]): why for one, why in said.reasons.items()})


def _attempt(batch: Batch, step: Step) -> Verdict:
    try:
        return _sound(batch, step.test.function(batch, step.on, **step.thresholds))
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - a test is hostile ground: whatever it raises is said, never lost
        if len(batch) == 1:
            why = f"the test failed ({type(error).__name__})"
            return Verdict(np.full(batch.levels, Flag.UNEVALUATED, np.int8), {0: why})
    parts = [_attempt(batch.take([number]), step) for number in range(len(batch))]
    return Verdict(
        np.concatenate([part.flags for part in parts] or [np.zeros(0, np.int8)]),
        {number: part.reasons[0] for number, part in enumerate(parts) if 0 in part.reasons},
    )


def _sound(batch: Batch, said: Verdict) -> Verdict:
    """Return a verdict of one known flag for each level; what else a test may return counts as having raised."""
    known = said.flags.dtype == np.int8 and said.flags.shape == (batch.levels,)
    if not known or not _KNOWN[said.flags.view(np.uint8)].all():
        raise ValueError("A test must give every level of the batch one of the known flags.")
    return said


def _reasons(batch: Batch, flags: Flags, said: Mapping[int, str]) -> dict[int, str]:
    """Return a reason for each profile that has an unevaluated level, and for no profile that was looked at in full."""
    unevaluated, silent = any_in(batch, flags == Flag.UNEVALUATED), any_in(batch, flags == Flag.SILENT)
    told = {number: why for number, why in said.items() if unevaluated[number] or silent[number]}
    return dict.fromkeys(np.flatnonzero(unevaluated).tolist(), "the test does not say why") | told


def _settled(batch: Batch, step: Step, flags: Flags) -> Flags:
    """A level without a value is missing, whatever the test says; one that was withheld from it is not called good."""
    settled = flags.copy()
    none = absent(batch, step.on)
    settled[(flags == Flag.MISSING) & ~none] = Flag.SILENT
    settled[none] = Flag.MISSING
    return settled


def _withheld(batch: Batch, shown: Batch, name: str) -> Mask:
    """Return the levels of which the value of a variable is withheld: tests leave them out, and say nothing of them."""
    values, left = batch.column(name), shown.column(name)
    if values is None or left is None or left is values:
        return np.zeros(batch.levels, np.bool_)
    gone: Mask = np.isnan(left) & ~np.isnan(values)
    return gone


def _seen_by(step: Step) -> set[str]:
    """Return the variables that a test cannot speak without: a place or time does not hang on what was measured."""
    measured = {"PRES", step.on} if step.on in ("PRES", "TEMP", "PSAL") else set()
    return measured | ({*step.needs} & {"PRES", "TEMP", "PSAL"})


def _of_owners(told: Mapping[int, str], owners: Integers) -> dict[int, str]:
    """Return reasons by the profile in the batch; of several casts of one, that of the first."""
    return {int(owners[number]): why for number, why in sorted(told.items(), reverse=True)}


def _without_source_bad(batch: Batch) -> Batch:
    """Take away what the file itself calls bad: its centre's tests came before ours."""
    bad = {name: flags == _SOURCE_BAD for name, flags in batch.source.items() if name in VARIABLES}
    nowhere = bad.get("PRES")
    for name in ("TEMP", "PSAL"):  # a value that was measured at a bad pressure is of no use to a test either
        if nowhere is not None and batch.column(name) is not None:
            bad[name] = bad[name] | nowhere if name in bad else nowhere
    for name, where in bad.items():
        batch = _without_bad(batch, name, where)
    return batch


def _without_bad(batch: Batch, on: str, bad: Mask) -> Batch:
    """Take what a test called bad away from the tests after it (Argo manual, section 2.1: tests applied in order)."""
    if not bad.any():
        return batch
    held = {COLUMNS[name]: batch.column(name) for name in _columns_of(on)}
    cut: dict[str, Any] = {name: np.where(bad, np.nan, one) for name, one in held.items() if one is not None}
    return replace(batch, **cut)


_SOURCE_BAD = 4
"""Bad, in the numbers of `Batch.source`."""
_KNOWN = np.isin(np.arange(256), list(Flag))


def grades_of(batch: Batch, rolled: Mapping[str, Flags]) -> Flags:
    """Grade each profile by its worst flag; one that lacks a variable altogether is at best unevaluated."""
    rank = np.zeros(len(batch), np.int8)
    for variable, flags in rolled.items():
        worst_of = per_profile(batch, RANK[flags].astype(np.float64), np.maximum, empty=0.0).astype(np.int8)
        if variable != "PSAL":
            worst_of[(worst_of == 0) & (batch.sizes > 0)] = RANK[Flag.UNEVALUATED]
        np.maximum(rank, worst_of, out=rank)
    grades: Flags = np.array(BETTER_FIRST, np.int8)[rank]
    return grades
