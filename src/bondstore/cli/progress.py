"""Progress of a run on stderr: a bar on a terminal, else one line every 30 s. Objects, bytes, rate and time left."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, Any

from bondstore.cli.output import coloured
from bondstore.runs.meter import Meter
from bondstore.runs.progress import NOTHING
from bondstore.runs.tally import Count

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from bondstore.runs.progress import Progress

EVERY = 30.0
"""Seconds between two lines when stderr is no terminal."""
_GLANCE = 0.3
"""Seconds between two glances at what workers count."""


class _Reporter:
    """Counts what is done, shows it, and answers Ctrl-C while a run lasts."""

    def __init__(self, stream: IO[str], meter: Meter | None = None) -> None:
        self._stream, self._meter, self._stop = stream, meter or Meter(), Stop(stream)

    def listing(self, seen: Count) -> None:
        """So much was listed so far."""
        self._meter.done = seen
        self._show()

    def begin(self, total: Count) -> None:
        """The plan stands."""
        self._meter.begin(total)
        self._stop.watch()
        self._show()

    def advance(self, step: Count, inside: Mapping[str, int] = NOTHING) -> None:
        """So much more is done."""
        self._meter.advance(step, inside)
        self._show()

    def end(self) -> None:
        """Write the last state, and stop."""
        self._stop.leave()
        self._close()
        self._meter.within = ""  # the last line tells what is recorded
        if self._meter.total is not None and self._meter.total.objects:
            self._write()

    def _show(self) -> None:
        """Show the state, or see to it that it is shown."""

    def _close(self) -> None:
        """Show no more."""

    def _write(self) -> None:
        self._stream.write(self._meter.text() + "\n")
        self._stream.flush()


class LogProgress(_Reporter):
    """Progress for logs: a line every so often, also while nothing moves."""

    def __init__(self, stream: IO[str], *, every: float = EVERY, meter: Meter | None = None) -> None:
        super().__init__(stream, meter)
        self._every, self._over = every, threading.Event()
        self._ticker: threading.Thread | None = None

    def _show(self) -> None:
        if self._ticker is None:
            self._over.clear()
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        while not self._over.wait(self._every):
            self._write()

    def _close(self) -> None:
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None


class BarProgress(_Reporter):
    """Progress for a person: a bar that is gone when the run is over, and one line that stays."""

    _bar: Bar | None = None
    _ticker: threading.Thread | None = None

    def __init__(self, stream: IO[str], meter: Meter | None = None) -> None:
        super().__init__(stream, meter)
        self._over = threading.Event()

    def begin(self, total: Count) -> None:
        """The plan stands; what workers count, and what is waited for, is shown while no receipt comes."""
        super().begin(total)
        if self._ticker is None:
            self._over.clear()
            self._ticker = threading.Thread(target=self._tick, name="progress", daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        while not self._over.wait(_GLANCE):
            self._show()

    def _show(self) -> None:
        if self._bar is None:
            self._bar = self._make()
            _shown.add(self)
        started = self._meter.total is not None
        self._bar.update(
            self._bar.task_ids[0],
            completed=self._meter.fraction * 1000,
            total=1000 if started else None,
            description=self._meter.text(),
        )

    def _close(self) -> None:
        self._over.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        if self._bar is not None:
            _shown.discard(self)
            self._bar.stop()
            self._bar = None

    def _make(self) -> Bar:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        console = Console(file=self._stream, no_color=not coloured(self._stream))
        bar = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            refresh_per_second=5,
        )
        bar.add_task("", total=None)
        bar.start()
        return bar


_shown: set[BarProgress] = set()


def make_room() -> None:
    """Take the bar off the terminal, as somebody is asked something: it comes back with the next news."""
    for one in list(_shown):
        one._close()


class Stop:
    """Answers a first Ctrl-C at once: what is under way may take a while to end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._before: Any = None

    def watch(self) -> None:
        """Answer from now on; only the main thread is told of signals."""
        if self._before is None and threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._interrupt)

    def leave(self) -> None:
        """Leave Ctrl-C to whoever had it before."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _interrupt(self, *_: object) -> None:
        self.leave()
        self._stream.write("\nStopping: what is under way is finished first.\n")
        self._stream.flush()
        raise KeyboardInterrupt


def reporter(
    stream: IO[str] | None = None,
    things: str = "objects",
    *,
    inside: str = "",
    guess: Callable[[Count], float] | None = None,
) -> Progress:
    """Return the reporter that fits stderr; `inside` and `guess` as in `Meter`."""
    stream = sys.stderr if stream is None else stream
    meter = Meter(things=things, inside=inside, guess=guess)
    return BarProgress(stream, meter) if stream.isatty() else LogProgress(stream, meter=meter)
