"""Killed before and after any put, copy or removal in a store, and run again: as if nothing had happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.resolve import resolve_store
from bondstore.runs.lease import Lease
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import writing
from tests.domains.screenlake.test_in_a_store import run, same
from tests.domains.screenlake.test_killed_anywhere import CASES, Killed, covered, stored  # noqa: F401 - a fixture
from tests.phonelab import PhoneLab

STEP = 9


class Cuts:
    """Kills at one of the moments before and after anything changes in the store, and from then on at all of them."""

    def __init__(self, at: int) -> None:
        self.at, self.seen, self._turn = at, 0, threading.Lock()

    def moment(self) -> None:
        with self._turn:
            self.seen += 1
            if self.seen >= self.at:
                raise Killed

    def arm(self, patch: pytest.MonkeyPatch) -> None:
        for name in ("put", "put_stream", "copy", "delete"):
            patch.setattr(writing, name, self._around(getattr(writing, name)))
        patch.setattr(Lease, "give_back", lambda lease: setattr(lease, "_ended", True))  # it dies with its run

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any) -> Any:
            self.moment()
            done = real(*args)
            self.moment()
            return done

        return wrapped


@pytest.mark.parametrize(
    ("case", "second"),
    [
        ("first", "one"),
        ("late, takes a name over", "one"),
        ("late, takes a name over", "two"),
        ("uncovered, then covered", "one"),
        ("images, then none", "one"),
    ],
)
def test_killed_at_any_put_or_removal(
    lab: PhoneLab, case: str, second: str, s3_environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And run again on the machine of the first run, or on another."""
    before, killed, after = CASES[case]
    moments = 1 + list(CASES).index(case) % STEP
    first, finished = moments, False
    while not finished:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "one"))
        place = StoreDestination(resolve_store(f"{s3_environment}/{moments}"))
        for what in before:
            stored(lab, what)
            run(lab, place, what[1])
        stored(lab, killed)
        try:
            with monkeypatch.context() as patch:
                Cuts(moments).arm(patch)
                run(lab, place, killed[1])
            finished = True
        except Killed:
            pass
        stored(lab, after)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / second))
        if second != "one" and place.exists(".bondstore/lease.json"):
            place.remove([".bondstore/lease.json"])  # as if it had been silent for long
        run(lab, place, after[1])
        if moments == first:
            lab.run(after[1])
        same(lab, place)
        moments += STEP
    assert moments > 4 * STEP
