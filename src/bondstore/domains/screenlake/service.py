"""Zips of phones from Python: who is there, and processing them. The command line calls the same services."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bondstore.config.profiles import StoreSpec
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.people import People, check_any, people
from bondstore.domains.screenlake.selection import Selection, selection_of
from bondstore.errors import UsageError
from bondstore.runs.destinations import open_destination
from bondstore.runs.notebook import watcher
from bondstore.stores import open_store
from bondstore.stores.address import dest_spec, store_spec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from bondstore.config.profiles import Profile
    from bondstore.domains.screenlake.handling import Effort, Redact, Text
    from bondstore.domains.screenlake.job import ProcessJob
    from bondstore.runs.destination import Destination
    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress
    from bondstore.runs.tally import Count

BATCH = 25
_MOST = 10_000
_SCREENSHOT = 100_000
"""Bytes of a screenshot as phones take it."""
_LOOK = {"fast": 0.15, "default": 0.6, "careful": 1.5}
"""Seconds that one core takes for a screenshot, about."""
_NO_LOOK, _OCR = 0.04, 2.5
_REPORTS = 1 << 20


def panelists(
    store: str | StoreSpec | None = None,
    *,
    profile: str | Profile | None = None,
    selection: Selection | None = None,
    progress: Progress | bool | None = None,
) -> People:
    """Count the panelists of a store, from its listing alone.

    Parameters
    ----------
    store : str or StoreSpec, optional
        Where the zips lie, such as ``"s3://screenlake-zip-prod/academia"``; else the profile or the environment says
        so.
    profile : str or Profile, optional
        Named settings to open the store with.
    selection : Selection, optional
        Only the zips that it may want.
    progress : bool or Progress, optional
        Whether it is shown how far it is: by default in notebooks. Or who watches.

    Returns
    -------
    People
        ``panelists``, each with ``name``, ``zips``, ``bytes``, ``first_ms`` and ``last_ms`` (of the upload), and
        ``left_out``: objects that are no phone's zip, by kind.

    Raises
    ------
    NotFoundError
        No zip of any panelist lies there.
    """
    opened = open_store(store_spec(store, profile))
    watch = watcher(progress)
    try:
        found = people(opened, selection, watch)
    finally:
        if watch is not None and watch is not progress:
            watch.end()
    if selection is None and not found.panelists:
        check_any(opened, Selection())  # raises
    return found


def process(
    store: str | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    *,
    since: str | date | None = None,
    until: str | date | None = None,
    by: str = "uploaded",
    zone: str = "UTC",
    panelists: Sequence[str] | str | None = None,
    redact: str = "fill",
    effort: str = "default",
    model: str | os.PathLike[str] | None = None,
    text: str = "keep",
    ocr: bool = False,
    parquet: bool = False,
    batch: int = BATCH,
    jobs: int | None = None,
    query_id: str | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
    progress: Progress | bool | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Turn zips of phones into images with faces covered, and whole tables. Run again, it does only what is new.

    Parameters
    ----------
    store : str or StoreSpec
        Where the zips lie; None for what the profile or the environment says.
    dest : path, str or StoreSpec
        A folder, or a store such as ``"s3://bucket/results"``; results go below ``<query id>/combined`` in it.
    since, until : str or date, optional
        First and last day, both included, such as ``"2024-01-31"``.
    by : {"uploaded", "captured"}
        Whether the days are those of the upload, or those on which a screenshot or a row was made.
    zone : str
        The time zone that days are of, such as ``"Europe/Berlin"``.
    panelists : str or sequence of str, optional
        Only these.
    redact : {"fill", "blur", "none"}
        What covers faces.
    effort : {"fast", "default", "careful"}
        How hard faces are looked for.
    model : path, optional
        Another detector's ONNX file.
    text : {"keep", "patterns", "drop"}
        Whether text of the screen stays in the tables, loses addresses and numbers, or is taken out.
    ocr : bool
        Look for addresses and numbers in the images as well, and cover them.
    parquet : bool
        Write the tables as Parquet too.
    batch : int
        Most zips that are taken up together.
    jobs : int, optional
        Processes; by default one for each core. The results do not depend on it.
    query_id : str, optional
        The name of the results' folder; by default one that follows from store, days and panelists.
    profile, dest_profile : str or Profile, optional
        Named settings to open store and destination with; the destination's are the store's when not given.
    group : str, optional
        A group of this machine that may read what is written to a folder; else what the profile says, else nobody.
    follow_links : bool
        Write to a folder that is a symbolic link, or through such links in it.
    progress : bool or Progress, optional
        Whether it is shown how far it is: by default in notebooks. Or who watches.
    confirm : callable, optional
        Asked once the plan stands; false ends the run before anything is fetched.
    dry_run : bool
        Only plan.

    Returns
    -------
    RunResult
        With ``tally``: every zip planned is done, skipped, quarantined or failed.

    Raises
    ------
    UsageError
        A word or a number that cannot be.
    ConfigurationError
        The store cannot be opened, or a part is not installed.
    PolicyError
        A profile forbids results on a disk, store and destination lie in one another, or the query id stands for
        another selection in the destination.
    """
    job = prepare(
        store,
        dest,
        since=since,
        until=until,
        by=by,
        zone=zone,
        panelists=panelists,
        redact=redact,
        effort=effort,
        model=model,
        text=text,
        ocr=ocr,
        parquet=parquet,
        batch=batch,
        query_id=query_id,
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
    )
    return run(job, jobs=jobs, progress=progress, confirm=confirm, dry_run=dry_run)


def prepare(
    store: str | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    *,
    since: str | date | None = None,
    until: str | date | None = None,
    by: str = "uploaded",
    zone: str = "UTC",
    panelists: Sequence[str] | str | None = None,
    redact: str = "fill",
    effort: str = "default",
    model: str | os.PathLike[str] | None = None,
    text: str = "keep",
    ocr: bool = False,
    parquet: bool = False,
    batch: int = BATCH,
    query_id: str | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
) -> ProcessJob:
    """Check what is asked for and build the job, which has the query's id; nothing is listed yet. As in `process`."""
    from bondstore.domains.screenlake.job import process_job

    if not 1 <= batch <= _MOST:
        raise UsageError(f"A batch has 1 to {_MOST:,} zips.", hint="25 suits most.")
    # absolute: the run may be taken up again from another folder
    other = None if model is None else str(Path(model).expanduser().absolute())
    chosen = selection_of(since, until, by, zone, panelists)
    handling = Handling(cast("Redact", redact), cast("Text", text), cast("Effort", effort), other, ocr, parquet)
    place = dest_spec(dest, dest_profile or profile, group=group, follow_links=follow_links)
    return process_job(store_spec(store, profile), place, chosen, handling, query=query_id, batch=batch)


def run(
    job: ProcessJob,
    *,
    jobs: int | None = None,
    progress: Progress | bool | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Do a job, or only plan it. As in `process`."""
    from bondstore.domains.screenlake.job import executor
    from bondstore.runs import engine

    return engine.execute(
        job, place_of(job), executor(jobs), progress=watcher(progress), confirm=confirm, dry_run=dry_run
    )


def guess_of(job: ProcessJob, jobs: int | None) -> Callable[[Count], float]:
    """Return what guesses how many seconds zips may take: to be told before any image is done."""
    from bondstore.runs.executors import usable_cores

    handling, width = job.question.handling, jobs or usable_cores()
    each = _LOOK[handling.effort] if handling.redact != "none" else _NO_LOOK
    each += _OCR if handling.ocr else 0
    return lambda todo: max(1.0, todo.bytes / _SCREENSHOT) * each / width


def disk_needed(plan: Plan) -> int:
    """Return about how many bytes the results of what is to be done take, rather too many than too few."""
    return plan.room + _REPORTS if plan.todo.objects else 0


def place_of(job: ProcessJob) -> Destination:
    """Return where a job writes to."""
    assert job.dest is not None, "only a job that was recorded by an earlier version does not know"
    return open_destination(job.dest)
