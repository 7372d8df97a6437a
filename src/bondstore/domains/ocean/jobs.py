"""The jobs of this domain, built from what was asked for or from what a run recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_store
from bondstore.domains.ocean.qcjob import JOB, QcJob
from bondstore.domains.ocean.settings import from_params
from bondstore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.executors import Executor


def job_of(params: Mapping[str, Any], profile: str | None = None) -> QcJob:
    """Build the job that a run recorded as its parameters.

    Parameters
    ----------
    params : mapping
        As the job's own `params` returned it.
    profile : str, optional
        A profile to open the source with, in place of the one that was used.

    Raises
    ------
    ConfigurationError
        The run was of another kind, or its profile is gone.
    """
    if params.get("job") != JOB:
        raise ConfigurationError(
            "The run is of a kind that this Bondstore does not know.", hint="Upgrade with: pip install -U bondstore"
        )
    return QcJob(
        recorded_store(params, profile),
        recorded_store({"store": params["dest"], "profile": params["dest_profile"]}),
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
