"""``bondstore run list``."""

from __future__ import annotations

from bondstore.cli import options, output, runs_shared
from bondstore.text import duration_text

EXAMPLES = ("bondstore run list", "bondstore run list --dest /data/export --json")


def command(
    dest: runs_shared.Dest = runs_shared.HERE,
    dest_profile: runs_shared.DestProfile = None,
    json: options.Json = False,
) -> None:
    """List the runs recorded in a folder or a store, newest first.

    A run is running, finished, incomplete (something is quarantined or failed), interrupted (go on with it: bondstore
    run resume), failed (an error ended it) or cancelled.
    """
    from bondstore.runs.history import history

    destination = runs_shared.recorded_at(dest, dest_profile)
    with destination.ledger(create=False) as ledger:
        records = history(destination, ledger)
    counts = ("planned", "done", "skipped", "quarantined", "failed")
    output.display(
        map(runs_shared.run_record, records),
        (
            "id",
            "job",
            "state",
            "started",
            output.Column("seconds", "took", right=True, show=duration_text),
            *(output.number(name) for name in counts),
            output.size("bytes"),
        ),
        json=json,
        empty="No run is recorded here.",
    )
