"""What stands at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bondstore.cli.report import Ending
from bondstore.runs.destination import Destination

THINGS = ("text", "texts")


def ending(params: Mapping[str, Any], destination: Destination) -> Ending:
    return Ending(steps=(f"cat {destination.shown}/totals/*.json",))
