"""Where everything goes in the destination, and which queries have results there."""

from __future__ import annotations

import hashlib

from bondstore.errors import NotFoundError, UsageError
from bondstore.runs.destination import PRIVATE, FolderDestination
from bondstore.runs.paths import safe_relpath

_JOB = "screenlake.process:"
"""What the names of the jobs begin with; the query's id follows."""


def parts_folder(query: str, panelist: str = "") -> str:
    """Return the folder of a query's or a panelist's parts, with ``/`` at its end."""
    return f"{PRIVATE}/parts/{query}/" + (f"{segment(panelist)}/" if panelist else "")


def part_path(query: str, panelist: str, key: str) -> str:
    """Return where what came of one zip is kept."""
    name = hashlib.blake2b(key.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return f"{parts_folder(query, panelist)}{name}.zip"


def staged_path(query: str, panelist: str, token: str) -> str:
    """Return where an image waits for its name."""
    return f"{PRIVATE}/staged/{query}/{segment(panelist)}/{token}"


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


def queries(destination: FolderDestination) -> list[str]:
    """Return the ids of the queries that have results in a folder: as the ledger says, newest first, then others."""
    found: dict[str, None] = {}
    if destination.ledger_path.exists():
        with destination.ledger(create=False) as ledger:
            for run in ledger.runs.newest_first():
                if run.job.startswith(_JOB):
                    found[run.job.removeprefix(_JOB)] = None
    if destination.root.is_dir():
        for folder in sorted(destination.root.iterdir()):
            found[folder.name] = None
    return [one for one in found if (destination.root / one / "combined" / "panelists").is_dir()]


def query_of(destination: FolderDestination, wanted: str | None = None) -> str:
    """Return the query of an id; the only one, where no id is given."""
    found = queries(destination)
    if not found:
        raise NotFoundError(
            f"{destination.root} holds no results of screenshots.",
            hint="Name the folder that `bondstore screenlake process` wrote to.",
        )
    known = ", ".join(found[:8]) + (" …" if len(found) > 8 else "")
    if wanted is None and len(found) > 1:
        raise UsageError(f"{destination.root} holds results of several queries.", hint=f"Add --query-id: {known}")
    if wanted is not None and wanted not in found:
        raise NotFoundError(f"There are no results of a query {wanted!r}.", hint=f"There are: {known}")
    return wanted or found[0]
