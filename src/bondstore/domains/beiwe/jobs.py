"""The job of an export, from the words of a run and from a ledger's record of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast, get_args

from bondstore.config.profiles import StoreSpec
from bondstore.config.resolve import dest_params, recorded_dest, recorded_store, store_params
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.export.forest import Forest
from bondstore.domains.beiwe.export.tables import TableForm, Tables
from bondstore.domains.beiwe.key import check_selection, refuse_destination
from bondstore.domains.beiwe.reading.localtime import PLAIN
from bondstore.domains.beiwe.reconcile.job import reconcile_job_of
from bondstore.domains.beiwe.selection import StudySelection, from_params
from bondstore.errors import UsageError
from bondstore.runs.domain import unknown_run
from bondstore.runs.executors import default_executor
from bondstore.runs.pipeline import Job, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import Shard


ORIGINAL, FOREST = "original", "forest"
FORMS = (ORIGINAL, FOREST, *get_args(TableForm))
executor = default_executor
"""Who does the work of these jobs, by the number of jobs asked for."""
EXPORT, RECONCILE = "beiwe.export", "beiwe.reconcile"


@dataclass(frozen=True, slots=True)
class ExportJob(Job):
    """Export of a selection of a study: a file for each object, or a table for each participant and stream."""

    store: StoreSpec
    study: str
    key: SecretRef
    form: str
    selection: StudySelection
    dest: StoreSpec | None = None
    """A folder, where nothing is said."""
    tz: str = PLAIN
    """The zone of the local times that tables have beside those in UTC."""

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UsageError(f"The form {self.form!r} is unknown.", hint=f"Choose one of: {', '.join(FORMS)}.")
        if self.form == FOREST and self.selection.surveys:
            raise UsageError("forest reads hours with all of their surveys.", hint="Leave the survey out.")

    @property
    def name(self) -> str:
        """The same for every selection: a wider one later does only what is new."""
        return f"{EXPORT}.{self.form}:{self.study}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": EXPORT,
            "study": self.study,
            "form": self.form,
            "key": str(self.key),
            **store_params(self.store),
            "selection": self.selection.params(),
            **dest_params(self.dest),
            **({"tz": self.tz} if self.tz != PLAIN else {}),
        }

    def check(self) -> None:
        """Refuse a wrong key, or a destination that is not allowed, before anything is written."""
        refuse_destination(self.store, self.dest)
        check_selection(self.store, self.study, self.key, self._wanted)

    @property
    def _wanted(self) -> StudySelection:
        """What is selected; as exact files also objects of which nothing is known."""
        return replace(self.selection, others=self.form == ORIGINAL)

    @property
    def steps(self) -> Sequence[Step]:
        """All of it at once."""
        if self.form == FOREST:
            return (Forest(self.study, self.key, self.selection),)
        if self.form == ORIGINAL:
            return (Files(self.study, self.key, self._wanted),)
        return (Tables(self.study, self.key, cast("TableForm", self.form), self.selection, self.tz),)

    def stages(self, ledger: Ledger, context: RunContext) -> Iterator[Iterator[Shard]]:
        """Yield the shards; those of forest in stages, as portions of raw rows follow one another."""
        if self.form == FOREST:
            return Forest(self.study, self.key, self.selection).stages(ledger, context)
        return Job.stages(self, ledger, context)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> Job:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    if params.get("job") == RECONCILE:
        return reconcile_job_of(params, profile)
    if params.get("job") != EXPORT:
        raise unknown_run()
    store = recorded_store(params, profile)
    key, selection = SecretRef.parse(params["key"]), from_params(params["selection"])
    return ExportJob(
        store, params["study"], key, params["form"], selection, recorded_dest(params), params.get("tz", PLAIN)
    )
