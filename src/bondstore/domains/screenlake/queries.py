"""Which queries have results in a folder, and which one is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bondstore.runs.destination import Destination

JOB = "screenlake.process:"
"""What the names of the jobs begin with; the query's id follows."""


def queries(destination: Destination) -> list[str]:
    """Return the ids of the queries that have results in a folder: as the ledger says, newest first, then others.

    Parameters
    ----------
    destination : Destination
        The folder.
    """
    found: dict[str, None] = {}
    if destination.ledger_path.exists():
        with destination.ledger(create=False) as ledger:
            for run in ledger.runs.newest_first():
                if run.job.startswith(JOB):
                    found[run.job.removeprefix(JOB)] = None
    if destination.root.is_dir():
        for folder in sorted(destination.root.iterdir()):
            found[folder.name] = None
    return [one for one in found if (destination.root / one / "combined" / "panelists").is_dir()]


def query_of(destination: Destination, wanted: str | None = None) -> str:
    """Return the query that is meant.

    Parameters
    ----------
    destination : Destination
        The folder.
    wanted : str, optional
        Its id; the only one, where nothing is said.

    Raises
    ------
    NotFoundError
        There is none, or none of this id.
    UsageError
        There are several, and nothing is said.
    """
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
