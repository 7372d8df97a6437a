"""Files of objects that have come to be filed elsewhere: an object with another date has another place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import TABLES, plot_path, record_path
from bondstore.runs.outlets import remove

if TYPE_CHECKING:
    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Ledger
    from bondstore.runs.work import Place


def remove_leftovers(job: QcJob, ledger: Ledger, place: Place) -> None:
    """Remove what no object's record refers to any more, and forget it.

    Parameters
    ----------
    job : QcJob
        The job.
    ledger : Ledger
        Its record.
    place : Place
        The run.
    """
    kept: set[str] = set()
    for path in ledger.items.outputs_of(place.job):
        kept |= {path, record_path(path), plot_path(path)}
    written = (output.path for output in ledger.outputs.walk(place.job))
    stale = [path for path in written if path not in kept and _is_of_an_object(path)]
    if stale:
        remove(job.dest, place.destination, stale)
        with ledger.transaction():
            ledger.outputs.forget(place.job, stale)


def _is_of_an_object(path: str) -> bool:
    return "/" in path and not path.startswith(TABLES)
