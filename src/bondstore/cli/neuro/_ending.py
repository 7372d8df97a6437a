"""What stands at the end of a run over hospital recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bondstore.cli.report import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.destination import Destination

THINGS = ("file", "files")


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:  # noqa: ARG001 - the same for all runs
    """Return what a run adds to its end."""
    return Ending(lines=("Files are told by aliases, as their names may hold the patient's.",))
