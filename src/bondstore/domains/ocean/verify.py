"""Whether a file says of itself what its record claims: asked before the file may leave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.profiles import Mask
from bondstore.domains.ocean.qc.evaluate import grades_of
from bondstore.domains.ocean.qc.flags import BETTER_FIRST, RANK, SCALES, Flag, Flags, Scale, flag_word, merged, worst
from bondstore.domains.ocean.qc.ragged import absent
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.netcdf import flags_in
from bondstore.errors import IntegrityError

if TYPE_CHECKING:
    from bondstore.release.records import Record

_FLAGS = {flag_word(flag): flag for flag in Flag}
_WORDS = [flag_word(flag) for flag in BETTER_FIRST]


def verify_file(data: bytes, record: Record) -> None:
    """Read a netCDF file's own flags, and refuse a record that claims more than they say."""
    batch, _ = read_any(record.file, data)
    stored = flags_in(data, record.file)
    scale = SCALES.get(record.settings.get("scale", ""))
    if scale is None:
        raise _refused(record, "does not say on which scale its flags are")
    if dict(stored.meanings) != dict(scale.meanings):
        raise _refused(record, "has flags on another scale")
    rolled = {variable: _ours(scale, flags) for variable, flags in stored.rolled.items()}
    _check_depth(record, rolled)
    measured = {"TIME", "POSITION", "PRES", "TEMP"} | ({"PSAL"} if batch.salinity is not None else set())
    if not measured <= set(rolled):
        raise _refused(record, "has no flags for one of its variables")
    for variable, flags in rolled.items():
        _check_missing(record, absent(batch, variable), flags)
        _check_roll_up(record, scale, [said for (_, on), said in stored.tests.items() if on == variable], flags)
        if variable in stored.source:
            _check_source(record, scale, stored.source[variable], flags)
    if not {on for _, on in stored.tests} <= set(rolled):
        raise _refused(record, "holds a test's verdict on a variable that it has no flags for")
    grades = [flag_word(Flag(one)) for one in grades_of(batch, rolled).tolist()]
    graded = max(grades, key=_WORDS.index, default="missing")
    nothing = graded == "missing" != record.grade
    worse = _WORDS.index(graded) > _WORDS.index(record.grade) and not _same_on(scale, graded, record.grade)
    if nothing or worse:
        raise _refused(record, f"is {graded.replace('_', ' ')} by its own flags")
    _check_counts(record, rolled)


def _check_depth(record: Record, rolled: dict[str, Flags]) -> None:
    """No depth is better than the pressure it was computed from; apart from that nobody claims anything of it."""
    depth = rolled.pop("DEPTH", None)
    if depth is not None and "PRES" in rolled:
        worse = (RANK[depth] < RANK[rolled["PRES"]]) & (depth != Flag.MISSING)
        if worse.any():
            raise _refused(record, "calls a depth better than the pressure it is of")


def _check_counts(record: Record, rolled: Mapping[str, Flags]) -> None:
    """No variable is left out, and none has more good levels, or others in all, than the record counts."""
    if set(record.levels) != set(rolled):
        raise _refused(record, "has flags for other variables")
    for variable, flags in rolled.items():
        counts = record.levels[variable]
        good = int(np.isin(flags, (Flag.GOOD, Flag.PROBABLY_GOOD)).sum())
        held = int((flags != Flag.MISSING).sum())
        claimed = sum(number for word, number in counts.items() if word != "missing")
        if counts.get("good", 0) + counts.get("probably_good", 0) > good or claimed != held:
            raise _refused(record, "has fewer good levels, or other levels in all")


def _check_missing(record: Record, none: Mask, rolled: Flags) -> None:
    """A level that has a value is not called missing, nor one without a value good: both would hide what it is."""
    if ((rolled == Flag.MISSING) & ~none).any():
        raise _refused(record, "calls values missing that are there")
    if (none & ((rolled == Flag.GOOD) | (rolled == Flag.PROBABLY_GOOD))).any():
        raise _refused(record, "calls values good that are missing")


def _check_roll_up(record: Record, scale: Scale, tests: Sequence[Flags], rolled: Flags) -> None:
    """No level is better than the worst that a test says of it, nor good where no test says so.

    Where a scale has one number for silent and for unevaluated, a test's number is taken for silent.
    """
    silent = scale.numbers[Flag.SILENT]
    ours = [np.where(said == silent, np.int8(Flag.SILENT), _ours(scale, said)) for said in tests]
    least = worst(ours, rolled == Flag.MISSING)
    if (RANK[rolled] < RANK[least]).any():
        raise _refused(record, "holds a test's verdict that its roll-up leaves out")


def _check_source(record: Record, scale: Scale, theirs: Flags, rolled: Flags) -> None:
    """No level is better than its source says, as far as the scale can tell: "probably good" may be good on it."""
    least = _ours(scale, scale.write(merged(rolled, theirs)))
    if (RANK[rolled] < RANK[least]).any():
        raise _refused(record, "holds a flag of its source that its roll-up leaves out")


def _ours(scale: Scale, flags: Flags) -> Flags:
    """Return a scale's numbers as ours; a number that may mean several is the worst of them that says least."""
    table = np.full(256, Flag.UNEVALUATED, np.int8)
    for flag in (Flag.PROBABLY_GOOD, Flag.GOOD, Flag.SUSPECT, Flag.BAD, Flag.MISSING, Flag.SILENT, Flag.UNEVALUATED):
        table[scale.numbers[flag]] = flag
    ours: Flags = table[flags.astype(np.int64) & 0xFF]
    return ours


def _same_on(scale: Scale, one: str, other: str) -> bool:
    return scale.numbers[_FLAGS[one]] == scale.numbers[_FLAGS[other]]


def _refused(record: Record, why: str) -> IntegrityError:
    return IntegrityError(
        f"The file {record.file} {why}, and its record claims otherwise.",
        hint="Run quality control again; find out who changed the file or its record.",
    )


INSPECTORS = {".nc": verify_file}
"""What looks into files before they leave, by how their names end."""
