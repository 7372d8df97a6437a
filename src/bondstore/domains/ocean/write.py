"""From a tested profile to the bytes of its files."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from bondstore.domains.ocean.findings import RUN_KINDS
from bondstore.domains.ocean.output.attributes import Attributes, FileSource, parse_attributes
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.output.record import record_of
from bondstore.domains.ocean.paths import month_of, plot_path
from bondstore.domains.ocean.profiles import with_platforms
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import RANK, SCALES, Flag, Flags, of_source
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.domains.ocean.reading.columns import parse_columns
from bondstore.domains.ocean.reading.metadata import parse_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.domains.ocean.profiles import Batch, Profile
    from bondstore.domains.ocean.qc.argo_float import ExclusionEntry
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.settings import QcSettings
    from bondstore.findings import Finding
    from bondstore.stores import Fetched


@dataclass(frozen=True, slots=True)
class ProfileOutputs:
    """The files of one object; None where one is not wanted."""

    path: str
    file: bytes | None
    record: bytes | None
    plot: bytes | None
    findings: tuple[Finding, ...]


@lru_cache(4)
def maker(settings: QcSettings, source: str) -> Maker:
    """Return what writes files for these settings; made once in a process."""
    return Maker(settings, source)


class Maker:
    """Writes the files of objects, for one run's settings."""

    def __init__(self, settings: QcSettings, store: str) -> None:
        self._settings, self._store = settings, store
        self.suite = settings.load()
        if settings.style == "aodn":  # whatever tests are chosen, AODN takes the flags of IMOS
            self.suite = replace(self.suite, scale=SCALES["imos"])
        self.columns = parse_columns(settings.columns) if settings.columns else None
        self._attributes = parse_attributes(settings.attributes) if settings.attributes else Attributes()
        self._deployments = parse_metadata(settings.metadata) if settings.metadata else None
        self._excluded = _parsed_list(settings.exclusion_list) if settings.exclusion_list else None

    def with_deployments(self, batch: Batch) -> tuple[Batch, list[Finding]]:
        """Return a batch with what the table of deployments, and the exclusion list, know of its profiles."""
        if self._excluded is not None:
            batch = _with_list(batch, self._excluded)
        batch, findings = (batch, []) if self._deployments is None else self._deployments.join(batch)
        return (with_platforms(batch) if "platform" in self._attributes.publish else batch), findings

    def with_predecessors(self, read: Mapping[str, Batch], before: Mapping[str, Sequence[str]]) -> dict[str, Batch]:
        """Return the profiles of files by key, each with the last good one before, as far as the tests ask for it."""
        if not self.suite.compares:
            return dict(read)
        from bondstore.domains.ocean.compared import with_predecessors

        return with_predecessors(read, before, self.suite)

    def make(self, key: str, answer: Fetched, batch: Batch, result: Result, path: str) -> ProfileOutputs:
        """Write what is wanted of one object; `path` is where its netCDF file goes, or would go."""
        about = FileSource(
            store=self._store,
            key=key,
            source_version=answer.info.version or answer.info.etag,
            source_modified=answer.info.modified_ms / 1000,
            source_sha256=hashlib.sha256(answer.data).hexdigest(),
            attributes=self._attributes,
            style=self._settings.style,
            version=version_of(result.grades),
        )
        findings = _findings(key, path, batch, result)
        if not self._settings.files:
            return ProfileOutputs(path, None, None, None, findings)
        file = netcdf_file(batch, result, about)
        plot = self._plot(batch, result) if self._settings.plots else None
        record = record_of(path, file, batch, result, about, (plot_path(path),) if plot else ())
        return ProfileOutputs(path, file, record.to_json(), plot, findings)

    def gather(
        self, path: str, batch: Batch, sources: Sequence[tuple[str, str]], modified_ms: int
    ) -> tuple[bytes, bytes]:
        """Write the file of a deployment, and its record. Sources are keys and versions of its objects."""
        listed = hashlib.sha256(repr(list(sources)).encode()).hexdigest()
        first, last = (key.rpartition("/")[2] for key in (sources[0][0], sources[-1][0]))
        about = FileSource(
            store=self._store,
            key=sources[0][0] if len(sources) == 1 else f"{first} to {last}, {len(sources)} objects",
            source_version=f"sha256 of keys and versions {listed}",
            source_modified=modified_ms / 1000,
            attributes=self._attributes,
        )
        result = evaluate(batch, self.suite)
        file = netcdf_file(batch, result, about)
        return file, record_of(path, file, batch, result, about).to_json()

    def _plot(self, batch: Batch, result: Result) -> bytes | None:
        if not len(batch):
            return None
        from bondstore.domains.ocean.plots.profile import profile_figure

        return profile_figure(batch, result, int(np.argmax(RANK[result.grades])))  # the one that the grade is of


def version_of(grades: Flags) -> int:
    """Return the version of the data by IMOS: 1 where all profiles were quality controlled in full, else 0."""
    return int(not np.isin(grades, (Flag.UNEVALUATED, Flag.MISSING)).any())


def _parsed_list(text: str) -> Mapping[str, Sequence[ExclusionEntry]]:
    from bondstore.domains.ocean.qc.argo_float import parse_list

    return parse_list(text)


def _with_list(batch: Batch, listed: Mapping[str, Sequence[ExclusionEntry]]) -> Batch:
    """Say of each float what the list says of it at that time."""
    from bondstore.domains.ocean.qc.argo_float import said_of

    dates = per_profile(batch, batch.time, np.fmin).tolist()
    profiles = [
        replace(one, known={**one.known, "exclusion_list": said_of(listed, one.platform, date)})
        if one.header.dialect == "argo" and one.platform
        else one
        for one, date in zip(batch.profiles, dates, strict=True)
    ]
    return replace(batch, profiles=profiles)


def _is_named_after_vessel(key: str, profile: Profile) -> bool:
    vessels = (profile.deployment.vessel if profile.deployment else "", profile.known.get("platform", ""))
    name, *said = (re.sub(r"[\W_]+", "", text.casefold()) for text in (key.rpartition("/")[2], *vessels))
    return any(len(one) >= _SHORTEST_NAME and one in name for one in said)


_SHORTEST_NAME = 4
"""Letters; a number or two of a vessel may stand in any file's name by chance."""


def _findings(key: str, path: str, batch: Batch, result: Result) -> tuple[Finding, ...]:
    found = []
    said = sum(len(reasons) for reasons in result.reasons.values())
    if said:
        found.append(RUN_KINDS["not-evaluated"].about(key, count=said))
    elif untested := sorted(set(result.rolled) - {on for _, on in result.flags}):
        message = f"No test of the suite speaks of {', '.join(untested)}, so it does not count as good."
        found.append(RUN_KINDS["not-evaluated"].about(key, message=message, count=len(untested)))
    grades = set(result.grades.tolist())
    worst = next((flag for flag in (Flag.BAD, Flag.SUSPECT) if flag in grades), None)
    if worst is not None:
        by_tests = any((flags == worst).any() for flags in result.flags.values())
        by_source = any((of_source(flags) == worst).any() for on, flags in batch.source.items() if on in result.rolled)
        kind = "graded-bad" if worst is Flag.BAD else "graded-suspect"
        found.append(RUN_KINDS["flagged-by-source" if by_source and not by_tests else kind].about(key))
    if any(not one.platform and one.known.get("platform") for one in batch.profiles):
        found.append(RUN_KINDS["platform-private"].about(key))
    if any(_is_named_after_vessel(key, one) for one in batch.profiles):
        found.append(RUN_KINDS["vessel-in-name"].about(key))
    if not month_of(path):
        found.append(RUN_KINDS["no-date"].about(key))
    return tuple(found)
