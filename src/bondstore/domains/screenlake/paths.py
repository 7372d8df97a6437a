"""Where everything goes in the destination, and which queries have results there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from bondstore.errors import NotFoundError, UsageError
from bondstore.runs.destination import PRIVATE
from bondstore.runs.paths import safe_relpath

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.destination import Destination

_JOB = "screenlake.process:"
"""What the names of the jobs begin with; the query's id follows."""


def parts_folder(query: str, panelist: str = "") -> str:
    """Return the folder of a query's parts, or of those in a panelist's folder, with ``/`` at its end."""
    return f"{PRIVATE}/parts/{query}/" + (f"{panelist}/" if panelist else "")


def staged_folder(query: str, panelist: str = "") -> str:
    """Return the folder in which images wait for their names, with ``/`` at its end."""
    return f"{PRIVATE}/staged/{query}/" + (f"{panelist}/" if panelist else "")


def results_folder(query: str) -> str:
    """Return the folder of the panelists' folders, with ``/`` at its end."""
    return f"{query}/combined/panelists/"


def panelist_folder(query: str, panelist: str) -> str:
    """Return a panelist's folder, with ``/`` at its end."""
    return f"{results_folder(query)}{panelist}/"


def images_folder(query: str, panelist: str) -> str:
    """Return the folder of a panelist's named images, with ``/`` at its end."""
    return f"{panelist_folder(query, panelist)}images/"


def part_path(query: str, panelist: str, key: str) -> str:
    """Return where what came of one zip is kept."""
    name = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return f"{parts_folder(query, segment(panelist))}{name}.zip"


def staged_path(query: str, panelist: str, token: str) -> str:
    """Return where an image waits for its name."""
    return f"{staged_folder(query, segment(panelist))}{token}"


def waiting_path(image: Output) -> str:
    """Return where a named image waited."""
    query, _, _, panelist, *_ = image.path.split("/")
    return staged_folder(query, panelist) + image.made_by


def panelists_of(ledger: Ledger, job: str, query: str) -> Iterator[str]:
    """Yield the folders of all panelists. Zips are fewer than images by far: their parts say who there is."""
    folder, last = parts_folder(query), None
    for part in ledger.outputs.under(job, folder):
        panelist = part.path.removeprefix(folder).partition("/")[0]
        if panelist != last:
            last = panelist
            yield panelist


def token_of(base: str, source: str) -> str:
    """Return what tells an image from all others of its panelist: its own name and the SHA-256 of its bytes as they
    came, in hex.
    """
    return hashlib.blake2b(f"{base}\0{source}".encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()


def decisions_path(query: str) -> str:
    """Return the file of what people decided about images."""
    return f"{query}/decisions.jsonl"


def segment(name: str) -> str:
    """Return a name as one part of a path, whatever it holds."""
    return safe_relpath(name.replace("/", "_"))


def queries(dest: Destination) -> list[str]:
    """Return the ids of the queries that have results: as the ledger says, newest first, then others."""
    found: dict[str, None] = {}
    if dest.has_record():
        with dest.ledger(create=False) as ledger:
            for run in ledger.runs.newest_first():
                if run.job.startswith(_JOB):
                    found[run.job.removeprefix(_JOB)] = None
    found |= dict.fromkeys(dest.folders())
    return [one for one in found if "panelists" in dest.folders(f"{one}/combined")]


def query_of(dest: Destination, wanted: str | None = None) -> str:
    """Return the query of an id; the only one, where no id is given."""
    found = queries(dest)
    if not found:
        raise NotFoundError(
            f"{dest.shown} holds no results of screenshots.",
            hint="Name the folder that `bondstore screenlake process` wrote to.",
        )
    known = ", ".join(found[:8]) + (" …" if len(found) > 8 else "")
    if wanted is None and len(found) > 1:
        raise UsageError(f"{dest.shown} holds results of several queries.", hint=f"Add --query-id: {known}")
    if wanted is not None and wanted not in found:
        raise NotFoundError(f"There are no results of a query {wanted!r}.", hint=f"There are: {known}")
    return wanted or found[0]


_LARGEST = 256 << 20
"""Bytes of an image that is opened at all: nothing that we wrote has as many."""


def content_of(dest: Destination, path: str) -> bytes | None:
    """Return an image; None where it cannot be read: an example is left out, the report is not."""
    try:
        with dest.open(path) as file:
            data = file.read(_LARGEST + 1)
    except OSError:  # one that is gone, too
        return None
    return data if len(data) <= _LARGEST else None
