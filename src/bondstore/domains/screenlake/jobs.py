"""The jobs of this domain, built from what was asked for or from what a run recorded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import recorded_store
from bondstore.domains.screenlake import handling, selection
from bondstore.domains.screenlake.process import BATCH, JOB, ProcessJob
from bondstore.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.screenlake.handling import Handling
    from bondstore.domains.screenlake.selection import Selection
    from bondstore.runs.executors import Executor

_QUERY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


def process_job(
    store: StoreSpec, chosen: Selection, how: Handling, query: str | None = None, batch: int = BATCH
) -> ProcessJob:
    """Build the job that processes a selection.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    chosen : Selection
        Which zips.
    how : Handling
        What is done to them.
    query : str, optional
        The id of the question, in place of its own.
    batch : int
        Most zips that are taken up together.

    Raises
    ------
    UsageError
        An id that is no plain name.
    """
    if query is not None and not _QUERY.fullmatch(query):
        raise UsageError(
            "The query id is no plain name.", hint="Use letters, digits, '-', '_' and '.', up to 100 of them."
        )
    return ProcessJob(store, chosen, how, query or chosen.query_id(store.url), batch)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> ProcessJob:
    """Build the job that a run recorded as its parameters.

    Parameters
    ----------
    params : mapping
        As the job's own `params` returned it.
    profile : str, optional
        A profile to open the store with, in place of the one that was used.

    Raises
    ------
    ConfigurationError
        The run was of another kind, or its profile is gone.
    """
    if params.get("job") != JOB:
        raise ConfigurationError(
            "The run is of a kind that this Bondstore does not know.", hint="Upgrade with: pip install -U bondstore"
        )
    return process_job(
        recorded_store(params, profile),
        selection.from_params(params["selection"]),
        handling.from_params(params["handling"]),
        params["query"],
        params["batch"],
    )


def executor(jobs: int | None) -> Executor:
    """Return who does the work: a process for each core, as looking for faces leaves no core idle.

    Parameters
    ----------
    jobs : int or None
        1 for one thing at a time in this process; more for that many processes; None to choose.
    """
    from bondstore.runs.executors import Processes, Serial, usable_cores

    width = jobs or usable_cores()
    return Serial() if width == 1 else Processes(width)
