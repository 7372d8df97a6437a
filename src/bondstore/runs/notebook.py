"""Progress where a run is started from Python: in a notebook one line that changes, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bondstore.runs.meter import Meter
from bondstore.runs.progress import NOTHING

if TYPE_CHECKING:
    from bondstore.runs.progress import Progress
    from bondstore.runs.tally import Count

_LINE_SECONDS, _NOTEBOOK_SECONDS = 30.0, 0.5


def watcher(progress: Progress | bool | None) -> Progress | None:
    """Return who watches a run: by default a notebook, where there is one."""
    if not isinstance(progress, bool) and progress is not None:
        return progress
    shell = _notebook()
    if progress is False or (progress is None and shell is None):
        return None
    return Lines(_print, _LINE_SECONDS) if shell is None else Lines(_display(), _NOTEBOOK_SECONDS)


class Lines:
    """Shows how far a run is, by lines of text, each after so many seconds at the earliest."""

    def __init__(self, show: Callable[[str], None], every: float) -> None:
        self._show, self._every, self._meter = show, every, Meter()
        self._next = time.monotonic() if every < 1 else time.monotonic() + every

    def listing(self, seen: Count) -> None:
        """So much was listed so far."""
        self._meter.done = seen
        self._soon()

    def begin(self, total: Count) -> None:
        """The plan stands."""
        self._meter.begin(total)
        self._soon()

    def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
        """So much more is done."""
        self._meter.advance(step, inside)
        self._soon()

    def end(self) -> None:
        """Show the last state."""
        if self._meter.done.objects or self._meter.total is not None:
            self._show(self._meter.text())

    def _soon(self) -> None:
        if (now := time.monotonic()) >= self._next:
            self._next = now + self._every
            self._show(self._meter.text())


def _notebook() -> Any:
    """Return the shell of a notebook's kernel, or None: on a terminal IPython has no kernel."""
    found = sys.modules.get("IPython")
    shell = found.get_ipython() if found is not None else None
    return shell if hasattr(shell, "kernel") else None


def _display() -> Callable[[str], None]:
    """Return what writes over one line of the notebook."""
    display = import_module("IPython.display").display
    handles: list[Any] = []

    def show(text: str) -> None:
        content = {"text/plain": text}
        if handles:
            handles[0].update(content, raw=True)
        else:
            handles.append(display(content, raw=True, display_id=True))

    return show


def _print(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
