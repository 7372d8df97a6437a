"""The release record of a netCDF file: what it holds, by which tests, from which object."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from bondstore.domains.ocean.output.attributes import FileSource, clean
from bondstore.domains.ocean.output.extents import extent, stamp
from bondstore.domains.ocean.output.netcdf import title
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import BETTER_FIRST, Flag, Flags, flag_word, of_source
from bondstore.release.records import Record, Source, Unevaluated

_LONGEST = 2000


def record_of(  # noqa: PLR0917
    path: str, data: bytes, batch: Batch, result: Result, about: FileSource, plots: Sequence[str] = ()
) -> Record:
    """Return the release record of a file.

    Its settings also say how many ``profiles`` the file has and, where all are of one deployment, when its sensor was
    ``supplied`` and ``returned``: what a status needs.
    """
    reach = extent(batch, result)
    platforms = sorted({clean(one.platform) for one in batch.profiles} - {""})
    return Record(
        file=path,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
        source=Source(_plain(about.store), _plain(about.key), _plain(about.source_version), about.source_sha256),
        settings={
            "suite": _plain(result.suite.name),
            "digest": result.suite.digest,
            "tool": _plain(about.tool),
            "scale": result.suite.scale.name,
            "profiles": str(len(batch)),
            **_deployment(batch),
        },
        grade=flag_word(
            max((Flag(one) for one in set(result.grades.tolist())), key=BETTER_FIRST.index, default=Flag.MISSING)
        ),
        levels={name: _counts(flags) for name, flags in result.rolled.items()},
        tests={f"{_plain(label)}/{on}": _counts(flags) for (label, on), flags in result.flags.items()}
        | {f"source/{on}": _counts(of_source(batch.source[on])) for on in result.rolled if on in batch.source},
        unevaluated=_unevaluated(result),
        title=_plain(title(batch)),
        platform=_plain(", ".join(platforms)),
        first=stamp(reach.first) or None,
        last=stamp(reach.last) or None,
        bounds=reach.bounds,
        plots=tuple(plots),
    )


def _deployment(batch: Batch) -> dict[str, str]:
    found = {
        (stamp(one.deployment.supplied), stamp(one.deployment.returned)) if one.deployment else ("", "")
        for one in batch.profiles
    }
    supplied, returned = found.pop() if len(found) == 1 else ("", "")
    return {name: time for name, time in (("supplied", supplied), ("returned", returned)) if time}


def _counts(flags: Flags) -> dict[str, int]:
    counts = np.bincount(flags, minlength=max(Flag) + 1)
    return {flag_word(flag): int(counts[flag]) for flag in Flag if counts[flag]}


def _unevaluated(result: Result) -> tuple[Unevaluated, ...]:
    """Return each reason of each test once, however many profiles it holds for."""
    said = {
        (_plain(label), on, _plain(why)) for (label, on), reasons in result.reasons.items() for why in reasons.values()
    }
    return tuple(Unevaluated(*one) for one in sorted(said))


def _plain(text: str) -> str:
    """Return a text as a record may hold it: nothing of a person, no control signs, not too long."""
    return clean(text)[:_LONGEST]
