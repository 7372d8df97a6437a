"""The job: every zip of a selection into covered images and whole tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.config.resolve import dest_params, recorded_dest, recorded_store, store_params
from bondstore.deid.images import need_pillow
from bondstore.domains.screenlake import handling, selection
from bondstore.domains.screenlake.panelists import Panelists
from bondstore.domains.screenlake.people import check_any
from bondstore.domains.screenlake.phone_zips import BATCH, PhoneZips
from bondstore.domains.screenlake.publish import Sweep
from bondstore.domains.screenlake.question import Question
from bondstore.domains.screenlake.report import StudyReport
from bondstore.errors import PolicyError, UsageError
from bondstore.runs.domain import unknown_run
from bondstore.runs.pipeline import Job, Step
from bondstore.runs.policy import check_places
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.screenlake.handling import Handling
    from bondstore.domains.screenlake.selection import Selection
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.executors import Executor
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress

JOB = "screenlake.process"
_QUERY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProcessJob(Job):
    """Processing of all zips that a question selects."""

    store: StoreSpec
    dest: StoreSpec | None
    """Where to; None for a run of an earlier version, which could only write to the folder that it is recorded in."""
    question: Question
    batch: int = BATCH
    """Most zips that are taken up together."""

    @property
    def query(self) -> str:
        """The question's id: the folder of the results."""
        return self.question.query

    @property
    def name(self) -> str:
        """One job for each question."""
        return f"{JOB}:{self.query}"

    @property
    def params(self) -> dict[str, Any]:
        """All that is needed to build the job again."""
        return {
            "job": JOB,
            **store_params(self.store),
            "selection": self.question.selection.params(),
            "handling": self.question.handling.params(),
            "query": self.query,
            "batch": self.batch,
            **dest_params(self.dest),
        }

    def check(self) -> None:
        """Refuse what cannot succeed: results where they are forbidden, no detector, panelists who are not there."""
        check_places(self.store, self.dest, files=True)
        self.question.digests()
        need_pillow()
        check_any(open_store(self.store), self.question.selection)

    def plan(self, ledger: Ledger | None, context: RunContext, progress: Progress) -> Plan:
        """List, select, and record what is not proved done."""
        self._refuse_mixture(ledger)
        return Job.plan(self, ledger, context, progress)

    def _refuse_mixture(self, ledger: Ledger | None) -> None:
        """Refuse to put the answers to two questions under one id."""
        run = None if ledger is None else ledger.items.any_run(self.name)
        if ledger is None or run is None:  # a run that found nothing, or was refused itself, stands for nothing
            return
        asked = ledger.runs.get(run).params
        if (asked.get("store"), asked.get("selection")) != (self.store.url, self.question.selection.params()):
            raise PolicyError(
                f"The query id {self.query} stands for another selection in this folder.",
                hint="Leave --query-id out, or name another.",
            )

    @property
    def steps(self) -> Sequence[Step]:
        """Zips first; then the panelists that have something new; then the report over all."""
        question, digests = self.question, self.question.digests()
        zips = PhoneZips(question, digests, parse_address(self.store.url).prefix, self.batch)
        return Sweep(self.query), zips, Panelists(question, digests), StudyReport(self.query)


def process_job(
    store: StoreSpec,
    dest: StoreSpec | None,
    chosen: Selection,
    how: Handling,
    *,
    query: str | None = None,
    batch: int = BATCH,
) -> ProcessJob:
    """Build the job that processes a selection; `query` is an id in place of the question's own."""
    if query is not None and not _QUERY.fullmatch(query):
        raise UsageError(
            "The query id is no plain name.", hint="Use letters, digits, '-', '_' and '.', up to 100 of them."
        )
    return ProcessJob(store, dest, Question(query or chosen.query_id(store.url), chosen, how), batch)


def job_of(params: Mapping[str, Any], profile: str | None = None) -> ProcessJob:
    """Build the job that a run recorded as its `params`; `profile` opens the source in place of the one used then."""
    if params.get("job") != JOB:
        raise unknown_run()
    return process_job(
        recorded_store(params, profile),
        recorded_dest(params),
        selection.from_params(params["selection"]),
        handling.from_params(params["handling"]),
        query=params["query"],
        batch=params["batch"],
    )


def executor(jobs: int | None) -> Executor:
    """Return who does the work: a process for each core, as looking for faces leaves no core idle."""
    from bondstore.runs.executors import Processes, Serial, usable_cores

    width = jobs or usable_cores()
    return Serial() if width == 1 else Processes(width)
