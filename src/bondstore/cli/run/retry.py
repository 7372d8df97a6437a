"""``bondstore run retry``."""

from __future__ import annotations

from bondstore.cli import options, runs_shared

EXAMPLES = (
    "bondstore run retry last --dest /data/export",
    "bondstore run retry 20240131T0915 --dry-run",
)


def command(
    run: runs_shared.Run,
    *,
    dest: runs_shared.Dest = runs_shared.HERE,
    profile: options.Profile = None,
    jobs: options.Jobs = None,
    yes: options.Yes = False,  # noqa: ARG001 - accepted everywhere; fetching again needs no answer
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Do what a run did once more, with its quarantined and failed objects.

    They are fetched and tried again, in a run of its own; so is what is new in the bucket. What is proved done is not
    fetched again.
    """
    record, destination = runs_shared.recorded(run, dest)
    job = runs_shared.job_of(record, profile)
    return runs_shared.execute(job, destination, jobs=jobs, json=json, dry_run=dry_run, retry=True)
