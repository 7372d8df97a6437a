"""Whether a file says of itself what its record claims: asked before the file may leave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.qc.evaluate import grades_of
from bondstore.domains.ocean.qc.flags import SCALES, Flag, Flags, Scale
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.netcdf import flags_in
from bondstore.errors import IntegrityError

if TYPE_CHECKING:
    from bondstore.domains.ocean.reading.dataset import StoredFlags
    from bondstore.release.records import Record

_RANK = ("good", "probably_good", "missing", "unevaluated", "suspect", "bad")


def vouch(data: bytes, record: Record) -> None:
    """Read a file's own flags, and refuse a record that claims more than they say.

    Parameters
    ----------
    data : bytes
        The netCDF file.
    record : Record
        What is claimed of it.

    Raises
    ------
    DamagedError
        The file cannot be read.
    IntegrityError
        Its flags say less than the record does, or contradict one another.
    """
    batch, _ = read_any(record.file, data)
    stored = flags_in(data, record.file)
    scale = SCALES.get(record.settings.get("scale", ""))
    if scale is None:
        raise _refused(record, "does not say on which scale its flags are")
    rolled = {variable: _ours(scale, flags) for variable, flags in stored.rolled.items()}
    if set(rolled) < {"TIME", "POSITION", "PRES", "TEMP"}:
        raise _refused(record, "has no flags for one of its variables")
    _check_roll_up(record, scale, stored, rolled)
    grades = [Flag(one).name.lower() for one in grades_of(batch, rolled).tolist()] or ["missing"]
    worst = max(grades, key=_RANK.index)
    if _RANK.index(worst) > _RANK.index(record.grade) and not _same_on(scale, worst, record.grade):
        raise _refused(record, f"is {worst.replace('_', ' ')} by its own flags")


def _check_roll_up(record: Record, scale: Scale, stored: StoredFlags, rolled: Mapping[str, Flags]) -> None:
    """A level that a test calls suspect or bad cannot roll up to something better."""
    for (_, on), flags in stored.tests.items():
        ours = _ours(scale, flags)
        said = rolled.get(on)
        if said is None or ((ours == Flag.BAD) & (said != Flag.BAD) & (said != Flag.MISSING)).any():
            raise _refused(record, "holds a test's verdict that its roll-up leaves out")
        better = (said != Flag.BAD) & (said != Flag.SUSPECT) & (said != Flag.MISSING)
        if ((ours == Flag.SUSPECT) & better).any():
            raise _refused(record, "holds a test's verdict that its roll-up leaves out")


def _ours(scale: Scale, flags: Flags) -> Flags:
    """Return a scale's numbers as ours; a number that may mean several is the worst of them that says least."""
    table = np.full(256, Flag.UNEVALUATED, np.int8)
    for flag in (Flag.PROBABLY_GOOD, Flag.GOOD, Flag.SUSPECT, Flag.BAD, Flag.MISSING, Flag.SILENT, Flag.UNEVALUATED):
        table[scale.numbers[flag]] = flag
    ours: Flags = table[flags.astype(np.int64) & 0xFF]
    return ours


def _same_on(scale: Scale, one: str, other: str) -> bool:
    return scale.numbers[Flag[one.upper()]] == scale.numbers[Flag[other.upper()]]


def _refused(record: Record, why: str) -> IntegrityError:
    return IntegrityError(
        f"The file {record.file} {why}, and its record claims otherwise.",
        hint="Run quality control again; find out who changed the file or its record.",
    )


INSPECTORS = {".nc": vouch}
"""Who looks into files before they leave, by how their names end."""
