"""From the words of a run to its job, and from a ledger's record of it back to the same job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast, get_args

from bondstore.config.resolve import recorded_store
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export_files import FileForm, FilesJob
from bondstore.domains.beiwe.export_tables import TableForm, TablesJob
from bondstore.domains.beiwe.rebuild import reconcile_job_of
from bondstore.domains.beiwe.selection import from_params
from bondstore.errors import ConfigurationError, UsageError
from bondstore.runs.executors import default_executor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.beiwe.rebuild import reconcile_job_of
    from bondstore.runs.engine import Job
from bondstore.domains.beiwe.selection import StudySelection

FORMS = (*get_args(FileForm), *get_args(TableForm))
executor = default_executor
"""Who does the work of these jobs, by the number of jobs asked for."""
EXPORT, RECONCILE = "beiwe.export", "beiwe.reconcile"


def export_job(
    store: StoreSpec, study: str, key: SecretRef, form: str, selection: StudySelection
) -> FilesJob | TablesJob:
    """Build the job of an export.

    Parameters
    ----------
    store : StoreSpec
        Where from.
    study : str
        The study's id.
    key : SecretRef
        Where its decryption key is kept.
    form : {"original", "forest", "csv", "parquet"}
        What to write.
    selection : StudySelection
        Which objects.

    Raises
    ------
    UsageError
        An unknown form, or raw files in forest's layout.
    """
    if form == "forest" and selection.source != "chunked":
        raise UsageError(
            "forest reads processed (chunked) files; raw files beside them would count every row twice.",
            hint="Leave --source out. bondstore beiwe reconcile --rebuild makes hours that lack rows from raw.",
        )
    if form in get_args(FileForm):
        return FilesJob(store, study, key, cast("FileForm", form), selection)
    if form in get_args(TableForm):
        return TablesJob(store, study, key, cast("TableForm", form), selection)
    raise UsageError(f"The form {form!r} is unknown.", hint=f"Choose one of: {', '.join(FORMS)}.")


def job_of(params: Mapping[str, Any], profile: str | None = None) -> Job:
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
    if params.get("job") == RECONCILE:
        return reconcile_job_of(params, profile)
    if params.get("job") != EXPORT:
        raise ConfigurationError(
            "The run is of a kind that this Bondstore does not know.", hint="Upgrade with: pip install -U bondstore"
        )
    store = recorded_store(params, profile)
    key = SecretRef.parse(params["key"])
    return export_job(store, params["study"], key, params["form"], from_params(params["selection"]))
