"""Handlers run here: with an event from a file, or for as long as a queue or a store is watched."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bondstore.errors import Interrupted, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bondstore.aws.report import Report
    from bondstore.aws.watching import Watched

LARGEST = 16 << 20
"""Bytes of an event; Lambda itself takes 6 MiB."""


def invoke(path: Path, handler: str) -> Report:
    """Run a handler with an event.

    Parameters
    ----------
    path : Path
        The event, as JSON.
    handler : {"profile", "participants"}
        Who.

    Raises
    ------
    NotFoundError
        There is no such file.
    UsageError
        It holds no JSON, or there is no such handler.
    """
    from bondstore.aws.handlers import handle

    check_handler(handler)
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is too large for an event.", hint="Name a file with one event.")
        event = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise NotFoundError(f"The file {path} could not be read ({error.strerror}).", hint="Check its name.") from None
    except (ValueError, RecursionError):
        raise UsageError(
            f"{path} holds no JSON.", hint="Save the event as it is shown in the log or console."
        ) from None
    return handle(handler, event)


def check_handler(handler: str) -> str:
    """Return a handler's word, or refuse it with `UsageError`."""
    from bondstore.aws.handlers import HANDLERS

    if handler not in HANDLERS:
        raise UsageError("There is no such handler.", hint=f"Choose one of: {', '.join(HANDLERS)}.")
    return handler


def watch(place: str, handler: str = "profile", *, every: float | None = None, once: bool = False) -> Watched:
    """Watch a queue or a store until stopped; SIGTERM is taken as Ctrl-C.

    Parameters
    ----------
    place : str
        URL of a queue, or of a store.
    handler : {"profile", "participants"}
        Who handles the events of a queue.
    every : float, optional
        Seconds between looks into a store; 60 when not given.
    once : bool
        End when nothing more is waiting.

    Raises
    ------
    UsageError
        The words do not fit.
    Interrupted
        It was stopped; what was done is kept.
    """
    check_handler(handler)
    queue = place.startswith(("http://", "https://"))
    if queue and every is not None:
        raise UsageError(
            "A queue is not looked at from time to time: it waits for messages.", hint="Leave out --every."
        )
    if not queue and handler != "profile":
        raise UsageError("Only profiles can be watched for in a store.", hint="Run: bondstore participants sync")
    with _terminated_as_interrupted():
        try:
            if queue:
                from bondstore.aws.watching import Watch, watch_queue

                return watch_queue(Watch(place, handler, once=once))
            from bondstore.aws.polling import watch_store

            return watch_store(place, every or 60.0, once=once)
        except KeyboardInterrupt:
            raise Interrupted(
                "Stopped. What was done is kept; messages in work went back.", hint="Run the same command to go on."
            ) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM raise what Ctrl-C raises; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
