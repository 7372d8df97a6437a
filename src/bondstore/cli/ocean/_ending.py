"""What stands at the end of a run over ocean profiles: where the results are, and how to look and release."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bondstore.cli.report import Ending
from bondstore.config.settings import DEFAULT
from bondstore.domains.ocean.qc.suite import suite_names
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.destination import Destination

THINGS = ("file", "files")


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:
    """Return what a run adds to its end."""
    dest = str(params["dest"])
    folder = parse_address(dest).kind == "file"
    shown = destination.shown if folder else dest
    profile = str(params["dest_profile"])
    named = "" if folder or profile == DEFAULT else f" --from-profile {profile}"
    publish = f"bondstore release publish PUBLIC-URL --from {shlex.quote(shown)}{named} --dry-run"
    if folder:
        suite = str(params["settings"]["suite"])
        tests = "" if suite == "moana" or suite not in suite_names() else f" --tests {suite}"
        return Ending(steps=(f"bondstore ocean plot {shlex.quote(shown)}{tests}", publish))
    return Ending(steps=(publish,), place=f"Written to {dest}")
