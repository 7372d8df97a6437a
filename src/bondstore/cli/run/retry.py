"""``bondstore run retry``."""

from __future__ import annotations

from bondstore.cli import runs_shared
from bondstore.cli.from_model import with_settings

EXAMPLES = (
    "bondstore run retry last --dest /data/export",
    "bondstore run retry 20240131T0915 --dry-run",
)


@with_settings
def command(run: runs_shared.Run, *, again: runs_shared.AgainOptions) -> int:
    """Do what a run did once more, with its quarantined and failed objects.

    They are fetched and tried again, in a run of its own; so is what is new in the bucket. What is proved done is not
    fetched again.
    """
    record, destination = runs_shared.recorded(run, again.dest, again.dest_profile)
    return again.execute(record, destination, retry=True)
