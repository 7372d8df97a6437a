"""What earlier runs wrote and no run would write now: another date, other settings, a month without objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.ocean.months import month_path
from bondstore.domains.ocean.places import (
    DEPLOYMENTS,
    RECORD,
    STATUS,
    TABLES,
    deployment_of,
    deployment_path,
    month_of,
    plot_path,
    record_path,
)
from bondstore.ledger import State
from bondstore.runs.batches import grouped
from bondstore.runs.outlets import made_by, remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.ocean.qcjob import QcJob
    from bondstore.ledger import Ledger
    from bondstore.runs.work import Place

PAGE = 1000


def remove_leftovers(job: QcJob, ledger: Ledger, place: Place) -> None:
    """Remove what no object's record refers to any more, and forget it.

    A destination holds what the settings of the last run ask for: files that were written before only tables were
    asked for do not stay behind to be taken for results of these tests.

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
    dropped: list[str] = []
    for path, standing, gone in _by_object(ledger, place):
        kept.update(standing)
        if gone:
            dropped.append(path)
    written = [output.path for output in ledger.outputs.walk(place.job)]
    stale = [path for path in written if _is_of_an_object(path) and path not in kept]
    stale += _stale_tables(job, ledger, place, [path for path in written if path.startswith(TABLES)])
    stale += _stale_deployments(job, ledger, place, [path for path in written if path.startswith(DEPLOYMENTS)])
    if STATUS in written and not any(path in kept and path.endswith(RECORD) for path in written):
        stale.append(STATUS)
    if stale or dropped:
        remove(job.dest, place.destination, [*dropped, *stale])
        with ledger.transaction():
            ledger.outputs.forget(place.job, stale)


def _by_object(ledger: Ledger, place: Place) -> Iterator[tuple[str, list[str], bool]]:
    """Yield the path of each object, what stands there by its last run, and whether its file goes as others do."""
    for paths in grouped(ledger.items.outputs_of(place.job), lambda _: 0, number=PAGE, weight=1):
        beside = [name for path in paths for name in (record_path(path), plot_path(path))]
        known = ledger.outputs.known(place.job, [*paths, *beside])
        for path in paths:
            main = known.get(path)
            names = [name for name in (record_path(path), plot_path(path)) if name in known]
            standing = [name for name in names if main is None or made_by(known[name]) == made_by(main)]
            gone = main is not None and not main.sha256 and bool(names)
            yield path, [path, *standing], gone


def _stale_tables(job: QcJob, ledger: Ledger, place: Place, tables: list[str]) -> list[str]:
    """Return the tables of months that nothing is filed under; all of them where none are asked for."""
    if not tables or (job.keys is not None and not job.settings.tables):
        return []
    months: set[str] = set()
    if job.settings.tables:
        for state in (State.DONE, State.PLANNED):
            months |= {month_of(item.output) for item in ledger.items.in_state(place.job, state)} - {""}
    filed = {month_path(month) for month in months}
    return [path for path in tables if path not in filed]


def _stale_deployments(job: QcJob, ledger: Ledger, place: Place, files: list[str]) -> list[str]:
    """Return the files of deployments that nothing belongs to; all of them where none are asked for."""
    if not files:
        return []
    kept: set[str] = set()
    if job.settings.gathered:
        for state in (State.DONE, State.PLANNED):
            names = {deployment_of(item.output) for item in ledger.items.in_state(place.job, state)} - {""}
            kept |= {beside for name in names for beside in (deployment_path(name), record_path(deployment_path(name)))}
    return [path for path in files if path not in kept]


def _is_of_an_object(path: str) -> bool:
    return "/" in path and not path.startswith((TABLES, DEPLOYMENTS))
