"""The job: every profile file of a store, tested and written for release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_dest, recorded_store, store_params
from bondstore.domains.ocean.products import DeploymentFiles, MonthTables, Status
from bondstore.domains.ocean.profile_files import Clashes, ProfileFiles, Sequels, check_any
from bondstore.domains.ocean.settings import QcSettings, from_params
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import Job, Leftovers, Step
from bondstore.runs.policy import check_places
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.runs.executors import Executor

JOB = "ocean.qc"


@dataclass(frozen=True, slots=True)
class QcJob(Job):
    """Quality control of all profile files of a store; with `keys` only of these."""

    store: StoreSpec
    dest: StoreSpec
    settings: QcSettings
    since_ms: int | None = None
    """Only objects that were written at this time or later, in ms since 1970 UTC."""
    keys: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """One job for each source: what is done with other settings is done anew."""
        return f"{JOB}:{self.store.url}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "dest": self.dest.url,
            "dest_profile": self.dest.profile.name,
            "settings": self.settings.params(),
            "since_ms": self.since_ms,
            "keys": None if self.keys is None else list(self.keys),
        }

    def check(self) -> None:
        """Refuse tests that cannot be used, results where they are forbidden, a missing part, an empty source."""
        check_places(self.store, self.dest)
        self.settings.load()
        if self.settings.plots:
            from bondstore.domains.ocean.plots.canvas import need_matplotlib

            need_matplotlib()
        if self.keys is None:
            check_any(open_store(self.store))

    @property
    def few(self) -> bool:  # type: ignore[override]
        """Whether only some objects are asked for, as by an event."""
        return self.keys is not None

    @property
    def steps(self) -> Sequence[Step]:
        """Profiles first; then the deployments and months that have something new; then the status of all."""
        settings, digest, few = self.settings, self.settings.digest(), self.few
        whole = not few and self.since_ms is None
        files = ProfileFiles(settings, digest, self.since_ms, self.keys, few=few)
        made = DeploymentFiles(settings, digest, few, whole), MonthTables(settings, digest, few, whole)
        return (files, Clashes(files), Sequels(files), Leftovers(files), *made, Status(few))


def job_of(params: Mapping[str, Any], profile: str | None = None) -> QcJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    if params.get("job") != JOB:
        raise unknown_run()
    dest = recorded_dest(params)
    assert dest is not None  # a run records where it wrote to, a folder too
    return QcJob(
        recorded_store(params, profile),
        dest,
        from_params(params["settings"]),
        params["since_ms"],
        None if params["keys"] is None else tuple(params["keys"]),
    )


def executor(jobs: int | None) -> Executor:
    """Return who does the work: a process for each core where it is long, as testing and writing leave no core idle."""
    from bondstore.runs.executors import Fitting, Processes, Serial, usable_cores

    width = jobs or usable_cores()
    if width == 1:
        return Serial()
    return Processes(width) if jobs else Fitting(Processes(width))
