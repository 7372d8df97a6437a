"""``bondstore run resume``."""

from __future__ import annotations

from bondstore.cli import options, report, runs_shared

EXAMPLES = (
    "bondstore run resume last --dest /data/export",
    "bondstore run resume 20240131T0915 --profile lab --jobs 4",
)


def command(
    run: runs_shared.Run,
    *,
    dest: runs_shared.Dest = runs_shared.HERE,
    profile: options.Profile = None,
    jobs: options.Jobs = None,
    yes: options.Yes = False,  # noqa: ARG001 - accepted everywhere; going on needs no answer
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Go on with a run that was interrupted, was killed or ended with an error.

    The bucket is listed again; what is proved done is not fetched again. A run that came to its end is shown as it
    ended, and nothing is done.
    """
    from bondstore.runs.history import ENDED, tally_of

    record, destination = runs_shared.recorded(run, dest)
    if record.state in ENDED:
        return report.show_ended(record.id, tally_of(record), destination, json=json)
    job = runs_shared.job_of(record, profile)
    return runs_shared.execute(job, destination, jobs=jobs, json=json, dry_run=dry_run, run=record.id)
