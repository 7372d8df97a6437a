"""The jobs over hospital recordings, from what a ledger recorded of them, and who does their work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.domains.neuro import ingest, job

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.executors import Executor


def job_of(params: Mapping[str, Any], profile: str | None = None) -> job.DeidentifyJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    return ingest.job_of(params, profile) if params.get("job") == ingest.JOB else job.job_of(params, profile)


def executor(jobs: int | None) -> Executor:
    """Return who does the work: a process for each core where it is long, as searching leaves no core idle."""
    from bondstore.runs.executors import Fitting, Processes, Serial, usable_cores

    width = jobs or usable_cores()
    if width == 1:
        return Serial()
    return Processes(width) if jobs else Fitting(Processes(width))
