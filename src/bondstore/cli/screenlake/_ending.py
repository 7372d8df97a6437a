"""What stands at the end of a run over phones' zips: the report, and the command to review what was unsure."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bondstore.cli.report import Ending
from bondstore.runs.destinations import dest_profile_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.destination import Destination

THINGS = ("zip", "zips")


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:
    """Return what a run adds to its end."""
    query = str(params["query"])
    report = f"{query}/report.html"
    lines = (f"Report  {destination.shown}/{report}",) if destination.exists(report) else ()
    looked = params["handling"]["redact"] != "none" and query in destination.folders()
    return Ending(lines, (_review(query, destination),) if looked else ())


def _review(query: str, destination: Destination) -> str:
    """Return the command to review; it names the query where the destination holds those of several."""
    several = sum("combined" in destination.folders(one) for one in destination.folders()) > 1
    named = f" --query-id {shlex.quote(query)}" if several else ""
    return f"bondstore screenlake review {shlex.quote(destination.shown)}{named}{dest_profile_option(destination)}"
