"""What stands at the end of a run over phones' zips: the report, and the command to review what was unsure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bondstore.cli.report import Ending

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bondstore.runs.destination import FolderDestination

THINGS = ("zip", "zips")


def ending(params: Mapping[str, Any], destination: FolderDestination) -> Ending:
    """Return what a run adds to its end."""
    query = destination.root / str(params["query"])
    report = query / "report.html"
    lines = (f"Report  {report}",) if report.is_file() else ()
    looked = params["handling"]["redact"] != "none" and query.is_dir()
    return Ending(lines, (_review(query, destination),) if looked else ())


def _review(query: Path, destination: FolderDestination) -> str:
    """Return the command to review; it names the query where the folder holds those of several."""
    several = sum(1 for _ in destination.root.glob("*/combined")) > 1
    named = f" --query-id {shlex.quote(query.name)}" if several else ""
    return f"bondstore screenlake review {shlex.quote(str(destination.root))}{named}"
