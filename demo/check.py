"""Holding what an export wrote against what was put into the bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.damage import Spoilt
from demo.study import Made


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come out.

    Parameters
    ----------
    spoilt : Spoilt
        What was put in.
    study : str
        The study's id.
    """

    spoilt: Spoilt
    study: str

    @property
    def data(self) -> list[Made]:
        """All objects but the device keys, which nobody may read."""
        return [one for one in self.spoilt.objects if not one.key.startswith(f"{self.study}/keys/")]

    @property
    def whole(self) -> dict[str, bytes]:
        """Path below the destination, and content, of every undamaged object."""
        return {self._path(one.key): one.plain for one in self.data if one.key not in self.spoilt.kinds}

    def _path(self, key: str) -> str:
        start, folder = (f"CHUNKED_DATA/{self.study}", "chunked")
        if not key.startswith(start):
            start, folder = (self.study, "raw")
        path = folder + key.removeprefix(start).removesuffix(".zst")
        participant, _, name = path.rpartition("/")
        # raw identifiers lie beside the participant's folders; an export gives them one of their own
        return f"{participant}/identifiers/{name}" if name.startswith("identifiers_") else path


def problems(
    expected: Expected, files: Path, runs: Mapping[str, tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]
) -> list[str]:
    """Return a sentence for everything that is not as it should be.

    Parameters
    ----------
    expected : Expected
        What must come out.
    files : Path
        Where the exact files were written.
    runs : mapping
        Tally and findings of the runs ``files`` and ``tables``.
    """
    return [*_files(expected, files), *_tallies(expected, runs), *_findings(expected, runs)]


def _files(expected: Expected, files: Path) -> list[str]:
    written = {
        str(path.relative_to(files)): path
        for part in ("chunked", "raw")
        for path in (files / part).rglob("*")
        if path.is_file()
    }
    wrong = [f"{name} was written, and should not have been." for name in sorted(written.keys() - expected.whole)]
    wrong += [f"{name} is missing." for name in sorted(expected.whole.keys() - written)]
    both = sorted(written.keys() & expected.whole)
    return wrong + [f"{n} is not what was sealed." for n in both if written[n].read_bytes() != expected.whole[n]]


def _tallies(
    expected: Expected, runs: Mapping[str, tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]
) -> list[str]:
    wrong = []
    for name, (tally, _) in runs.items():
        if tally["planned"] != sum(tally[part] for part in ("done", "skipped", "quarantined", "failed")):
            wrong.append(f"The tally of the {name} does not add up.")
    tally = runs["files"][0]
    if (tally["planned"], tally["quarantined"]) != (len(expected.data), len(expected.spoilt.kinds)):
        wrong.append(f"{tally['planned']} objects, {tally['quarantined']} quarantined: that is not what was put in.")
    return wrong


def _findings(
    expected: Expected, runs: Mapping[str, tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]
) -> list[str]:
    found = {(one["key"], one["finding"]) for _, findings in runs.values() for one in findings}
    wanted = {*expected.spoilt.kinds.items(), *expected.spoilt.quirks.items()}
    return [f"{key} should have been named {kind}." for key, kind in sorted(wanted - found)]
