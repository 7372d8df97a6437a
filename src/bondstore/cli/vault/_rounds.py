"""Runs over an old vault, one after the other, until what was asked for is there."""

from __future__ import annotations

import time
from itertools import chain, repeat
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.runs.engine import RunResult

Wait = Annotated[
    bool, typer.Option("--wait", help="Stay until it is there: look after 1, 5, and then every 15 minutes.")
]
_PAUSES = (60, 300)  # seconds, and then
_LAST = 900


def rounds(run: Callable[[], RunResult], *, wait: bool) -> RunResult:
    """Run once, or until nothing has to be waited for any more; return how the last one ended."""
    result = run()
    for pause in chain(_PAUSES, repeat(_LAST)) if wait else ():
        if not result.tally.waiting:
            break
        time.sleep(pause)
        result = run()
    return result
