"""A bucket without notifications, looked at from time to time: only what is new is done."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bondstore.aws.events import Events
from bondstore.aws.profiles import finish, job_of, looked_up, place_of
from bondstore.aws.report import Handled, Outcome, Report, log, log_items
from bondstore.aws.settings import load_settings, prepare_lambda
from bondstore.aws.watching import Watched, pause
from bondstore.domains.ocean import service
from bondstore.errors import StoreError, UnreachableError
from bondstore.runs.outlets import record_place

if TYPE_CHECKING:
    from bondstore.aws.settings import Settings

_LONGEST_PAUSE = 300.0


def watch_store(url: str, every: float, *, once: bool = False, sleep: Callable[[float], None] = time.sleep) -> Watched:
    """Look through a store again and again.

    Parameters
    ----------
    url : str
        The store that profiles arrive in.
    every : float
        Seconds between two looks.
    once : bool
        Look once.
    sleep : callable
        Waits for seconds.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, between two looks; within one it is `Interrupted`. What was done is kept.
    BondstoreError
        A look failed as a whole: the settings do not hold. A store that does not answer is asked again later.
    """
    prepare_lambda()
    settings, done = load_settings(), Watched()
    owed: list[Handled] = []
    misses = 0
    while True:
        try:
            report = look_once(url, settings, owed)
        except (StoreError, UnreachableError) as error:
            if once:
                raise
            misses += 1
            log("store-silent", error=type(error).__name__, tries=misses)
            sleep(max(every, pause(misses, _LONGEST_PAUSE)))
            continue
        misses = 0
        # nobody sends an event again here: what could not be released or mailed yet is kept for the next look
        owed = [dataclasses.replace(one, outcome=Outcome.DONE) for one in report.items if one.path and _failed(one)]
        done.add(report, 0)
        if once:
            done.failed = len([one for one in report.items if _failed(one)])
            return done
        sleep(every)


def look_once(url: str, settings: Settings, owed: Sequence[Handled] = ()) -> Report:
    """Test what is new in a store, then release and mail as after an event.

    Parameters
    ----------
    url : str
        The store.
    settings : Settings
        As for events.
    owed : sequence of Handled
        Objects that were tested before, and still are to be released or mailed.
    """
    job = job_of(settings, url, None)
    result = service.run(job, jobs=1)
    with record_place(job.dest).ledger(create=False) as ledger:
        read = list(dict.fromkeys(one.key for one in ledger.audit.entries(run=result.run) if one.action == "read"))
        left = [item.key for item in ledger.items.unsettled(job.name, result.run)]
    report = Report("profile", Events())
    bucket, prefix = place_of(job.store.url)
    handled = looked_up(job, list(dict.fromkeys([*read, *left])), result.run)
    report.items = [*owed, *(dataclasses.replace(one, bucket=bucket, key=prefix + one.key) for one in handled)]
    finish(report, settings)
    log_items(report.items)
    log("looked", **report.summary(), skipped=result.tally.skipped.objects)
    return report


def _failed(one: Handled) -> bool:
    return one.outcome is Outcome.FAILED
