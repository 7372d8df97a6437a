"""What the commands about runs share: the folder they look at, and doing a recorded run again."""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.from_model import Bundle
from bondstore.domains import domain_of
from bondstore.errors import NotFoundError, UsageError
from bondstore.runs.domain import load, unknown_run
from bondstore.text import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger, RunRecord
    from bondstore.runs.destination import Destination
    from bondstore.runs.engine import Job
    from bondstore.runs.executors import Executor

Dest = Annotated[
    str,
    typer.Option("--dest", "-d", metavar="FOLDER|URL", help="Where the run wrote to; default: this folder."),
]
Run = Annotated[str, typer.Argument(metavar="RUN", help="A run's id, the start of one, or: last.")]
DestProfile = Annotated[
    str | None,
    typer.Option(
        "--dest-profile",
        metavar="NAME",
        autocompletion=options.profile_names,
        help="Named settings to open a store with; else the default ones. A run goes on with those it recorded.",
    ),
]
Reads = Annotated[
    str | None,
    typer.Option("--dest", "-d", metavar="FOLDER|URL", help="Where a run wrote to; default: your own reads."),
]
HERE = "."


@dataclass(frozen=True, slots=True)
class AgainOptions(Bundle):
    """How a recorded run is done again."""

    dest: Dest = HERE
    dest_profile: DestProfile = None
    profile: options.Profile = None
    jobs: options.Jobs = None
    yes: options.Yes = False  # accepted everywhere; doing it again needs no answer
    dry_run: options.DryRun = False
    json: options.Json = False

    def execute(self, record: RunRecord, destination: Destination, *, retry: bool) -> int:
        """Go on with the run, or do it once more with what is in quarantine; or only plan that. Show how it ended."""
        run = None if retry else record.id
        job = job_of(record, self.profile)
        return execute(job, destination, jobs=self.jobs, json=self.json, dry_run=self.dry_run, run=run, retry=retry)


def destination_at(place: str, profile: str | None = None) -> Destination:
    """Return what a person names; see `bondstore.runs.destinations.named_destination`."""
    from bondstore.runs.destinations import named_destination

    return named_destination(place, profile)


def recorded_at(place: str, profile: str | None = None) -> Destination:
    """Return what a person names; refuse it where its record is lost, or not the one that runs left there."""
    from bondstore.runs.anchors import hold

    destination = found_at(place, profile)
    if destination.has_record():
        with destination.ledger(create=False) as ledger:
            hold(destination, ledger, last=True)
    return destination


def found_at(place: str, profile: str | None = None) -> Destination:
    """Return what a person names; refuse it where its record is lost. Who calls holds what there is."""
    from bondstore.runs.anchors import refuse_lost

    destination = destination_at(place, profile)
    refuse_lost(destination)
    return destination


@contextmanager
def audited(
    place: str | None, profile: str | None, *, held: bool = True
) -> Iterator[tuple[Ledger, Destination | None]]:
    """Open the ledger of a destination, or the account's own record of reads outside runs."""
    from bondstore.ledger import personal_ledger, personal_path
    from bondstore.runs.folder_destination import FolderDestination

    if place is not None:
        destination = (recorded_at if held else found_at)(place, profile)
        with destination.ledger(create=False) as ledger:
            yield ledger, destination
        return
    if profile is not None:
        raise UsageError("--dest-profile opens a store, and none is named.", hint="Add --dest URL.")
    if not personal_path().exists():
        raise NotFoundError("This account has read nothing outside runs.", hint="For a run's reads, add --dest FOLDER.")
    if FolderDestination(Path.cwd()).ledger_path.exists():
        output.note("This is the record of your own reads outside runs. For that of this folder, add: --dest .")
    with personal_ledger(create=False) as ledger:
        yield ledger, None


def run_named(name: str | None, ledger: Ledger, destination: Destination | None) -> str | None:
    """Return the id of the run that is meant, where one is."""
    from bondstore.runs.history import find_run

    if name is None:
        return None
    return find_run(destination, ledger, name).id if destination else ledger.runs.get(name).id


def recorded(name: str, place: str, profile: str | None) -> tuple[RunRecord, Destination]:
    """Return the run that is meant, and where to go on with it; a profile opens that in place of the recorded one."""
    from bondstore.config.resolve import with_dest_profile
    from bondstore.runs.destinations import recorded_destination
    from bondstore.runs.history import find_run

    named = recorded_at(place, profile)
    with named.ledger(create=False) as ledger:
        record = find_run(named, ledger, name)
    record = dataclasses.replace(record, params=with_dest_profile(record.params, profile))
    return record, recorded_destination(record, named)


def job_of(record: RunRecord, profile: str | None = None) -> Job:
    """Build the job that a run did; a profile opens the store in place of the one that was used."""
    domain = domain_of(record.params)
    if domain is None or not domain.jobs:
        raise unknown_run(record.id)
    job: Job = load(domain.jobs).job_of(record.params, profile)
    return job


def executor_of(job: Job, jobs: int | None) -> Executor:
    """Return who does the work of a job, as its domain thinks best."""
    domain = domain_of(job.params)
    assert domain is not None
    executor: Executor = load(domain.jobs).executor(jobs)
    return executor


def execute(
    job: Job,
    destination: Destination,
    *,
    jobs: int | None,
    json: bool,
    dry_run: bool,
    run: str | None = None,
    retry: bool = False,
) -> int:
    """Execute a job, or only plan it, and show how that ended."""
    from bondstore.cli import report
    from bondstore.cli.progress import reporter
    from bondstore.runs import engine
    from bondstore.runs.tally import Count
    from bondstore.version import TOOL

    if dry_run:
        plan = engine.only_plan(job, destination, reporter()).plan
        if retry:
            plan = dataclasses.replace(plan, todo=plan.todo + plan.quarantined, quarantined=Count())
        report.show_plan(plan, destination, json=json)
        return 0
    result = engine.execute(
        job,
        destination,
        executor_of(job, jobs),
        progress=reporter(),
        tool=TOOL,
        run=run,
        retry=retry,
    )
    return report.show_result(result, destination, json=json)


def run_record(record: RunRecord) -> dict[str, Any]:
    """Return a run as a record; what it could not write down is None."""
    ended = record.ended_ms is not None
    return {
        "kind": "run",
        "id": record.id,
        "job": record.job,
        "state": record.state,
        "started": moment(record.started_ms),
        "ended": moment(record.ended_ms),
        "seconds": (record.ended_ms - record.started_ms) / 1000 if record.ended_ms is not None else None,
        "who": record.who,
        "tool": record.tool,
        **{name: number if ended else None for name, number in record.objects.items()},
        "bytes": record.sizes["planned"] if ended else None,
        "params": record.params,
    }
