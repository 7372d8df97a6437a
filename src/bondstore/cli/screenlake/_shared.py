"""What the commands over phones' zips share: how a plan and an end are told, and the options they have in common."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.text import bytes_text, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.screenlake.handling import Handling
    from bondstore.domains.screenlake.job import ProcessJob
    from bondstore.domains.screenlake.selection import Selection
    from bondstore.runs.destination import Destination
    from bondstore.runs.plan import Plan

StoreUrl = Annotated[
    str,
    typer.Argument(
        metavar="STORE-URL",
        help="Where the zips are: s3://BUCKET/PREFIX, az://CONTAINER/PREFIX, or a folder of this computer.",
    ),
]
FACES = {
    "fill": "faces covered by solid boxes",
    "blur": "faces blurred",
    "none": "faces NOT covered (nobody looks for them)",
}
TEXT = {
    "keep": "on-screen text stays in the tables",
    "patterns": "addresses and numbers are taken out of texts",
    "drop": "on-screen text is taken out of the tables",
}


def describe(job: ProcessJob, destination: Destination) -> Iterator[str]:
    """Yield what a job is about to do, in a few lines."""
    yield f"From  {job.store.url}"
    yield f"      {days(job.question.selection)}"
    yield f"      {whose(job.question.selection)}"
    yield f"      {handled(job.question.handling)}"
    yield f"To    {destination.shown}/{job.query}"


def days(selection: Selection) -> str:
    """Return the days of a selection in words, with their time zone."""
    if selection.since is None and selection.until is None:
        return f"{selection.by} on any day"
    if selection.since is None or selection.until is None:
        bound = f"from {selection.since} on" if selection.since else f"up to {selection.until}"
        return f"{selection.by} {bound} (that day included, {selection.zone})"
    return f"{selection.by} {selection.since} to {selection.until} (both included, {selection.zone})"


def whose(selection: Selection) -> str:
    """Return the panelists of a selection in words."""
    number = len(selection.panelists)
    return f"only {counted(number, 'panelist')}" if number else "all panelists"


def handled(handling: Handling) -> str:
    """Return what is done to images and texts in words."""
    return f"{FACES[handling.redact]}; {TEXT[handling.text]}"


def space(plan: Plan, place: Destination) -> Iterator[str]:
    """Yield how much room the results take, and how much there is where that is known."""
    from bondstore.domains.screenlake.service import disk_needed
    from bondstore.runs.folder_destination import FolderDestination

    needed, folder = disk_needed(plan), place.root if isinstance(place, FolderDestination) else None
    if not needed:
        return
    if folder is None:
        yield f"Room needed in the store: about {bytes_text(needed)}."
        return
    nearest = next(one for one in (folder, *folder.parents) if one.exists())
    free = shutil.disk_usage(nearest).free
    yield f"Disk space needed: about {bytes_text(needed)}; free there: {bytes_text(free)}."
    if free < needed:
        yield "That may not be enough. Choose another disk, or fewer days or panelists; a full disk stops the run, and"
        yield "it can be resumed."


def place_record(job: ProcessJob, destination: Destination, plan: Plan) -> dict[str, Any]:
    """Return what a program wants to know of a job: its query, the folder of the results, how much room they take."""
    from bondstore.domains.screenlake.service import disk_needed

    return {
        "kind": "query",
        "query": job.query,
        "store": job.store.url,
        **job.question.selection.params(),
        "folder": f"{destination.shown}/{job.query}",
        "disk_bytes": disk_needed(plan),
    }
