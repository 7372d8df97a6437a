"""What stands at the end of a run over a vault: where the results are, and how to prove them."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from bondstore.cli.report import OBJECTS, Ending
from bondstore.config.settings import DEFAULT
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.runs.destination import Destination

THINGS = OBJECTS


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:
    """Return what a run adds to its end."""
    if params["job"] == "vault.verify":
        return Ending(place=f"Nothing was written to the vault; the run is recorded in {destination.shown}")
    if params["job"] in ("vault.put", "vault.migrate"):
        profile = str(params["dest_profile"])
        url = str(params["dest"])
        folder = parse_address(url).kind == "file"
        named = "" if folder or profile == DEFAULT else f" --profile {profile}"
        return Ending(steps=(f"bondstore verify {shlex.quote(destination.shown if folder else url)}{named}",))
    return Ending()
