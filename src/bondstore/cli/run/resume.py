"""``bondstore run resume``."""

from __future__ import annotations

from bondstore.cli import report, runs_shared
from bondstore.cli.from_model import with_settings

EXAMPLES = (
    "bondstore run resume last --dest /data/export",
    "bondstore run resume 20240131T0915 --profile lab --jobs 4",
    "bondstore run resume last --dest s3://lab/export --dest-profile safe",
)


@with_settings
def command(run: runs_shared.Run, *, again: runs_shared.AgainOptions) -> int:
    """Go on with a run that was interrupted, was killed or ended with an error.

    The bucket is listed again; what is proved done is not fetched again. A run that came to its end is shown as it
    ended, and nothing is done.
    """
    from bondstore.runs.history import ENDED, tally_of

    record, destination = runs_shared.recorded(run, again.dest, again.dest_profile)
    if record.state in ENDED:
        return report.show_ended(record.id, tally_of(record), destination, json=again.json)
    return again.execute(record, destination, retry=False)
