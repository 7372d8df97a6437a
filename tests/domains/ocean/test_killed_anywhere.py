"""Killed at every write, rename, removal and transaction, and run again: as if nothing had been, nothing is left."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bondstore.ledger import Ledger
from bondstore.stores.store import Store
from tests.oceanlab import Sea, Stored, counts, dive_on

STEP = int(os.environ.get("BONDSTORE_KILL_STEP", "31"))
"""Every so many moments are tried; 1 for all of them."""
DAMAGED = b"a,b\n1,2\n"


class Killed(BaseException):
    """No cleaning up helps after this: whatever would change a file, an object or the ledger raises it again."""


class Kills:
    """Raises `Killed` at one of the moments that matter, and from then on at all of them."""

    def __init__(self, at: int) -> None:
        self.at, self.seen = at, 0

    @property
    def dead(self) -> bool:
        """Whether it has happened."""
        return self.seen >= self.at

    def moment(self) -> None:
        """Count, and kill where it is time."""
        self.seen += 1
        if self.dead:
            raise Killed

    def arm(self, patch: pytest.MonkeyPatch) -> None:
        """Be there before and after everything that changes a destination or the ledger."""
        owners: tuple[tuple[Any, str], ...] = (
            (os, "replace"),
            (os, "write"),
            (Path, "unlink"),
            (Path, "rmdir"),
            (shutil, "rmtree"),
            (Store, "put"),
            (Store, "delete"),
        )
        for owner, name in owners:
            patch.setattr(owner, name, self._around(getattr(owner, name)))
        patch.setattr(Ledger, "transaction", self._transactions(Ledger.transaction))

    def _around(self, real: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*args: object, **named: object) -> object:
            self.moment()
            try:
                return real(*args, **named)
            finally:
                self.moment()

        return wrapped

    def _transactions(self, real: Callable[[Ledger], object]) -> object:
        @contextmanager
        def wrapped(ledger: Ledger) -> Iterator[None]:
            if self.dead:
                raise Killed
            with real(ledger):  # type: ignore[attr-defined]
                yield
                self.moment()
            self.moment()

        return wrapped


FIRST: Stored = {
    "a/x.csv": dive_on("20240501", "11"),
    "b/x.csv": dive_on("20240501", "12"),
    "moves.csv": dive_on("20240601", "13"),
    "breaks.csv": dive_on("20240502", "14"),
    "mended.csv": DAMAGED,
    "stays.csv": dive_on("20240503", "15"),
}
SECOND: Stored = {
    "0/x.csv": dive_on("20240501", "10"),  # takes the plain name over
    "a/x.csv": FIRST["a/x.csv"],
    "b/x.csv": FIRST["b/x.csv"],
    "c/x.csv": dive_on("20240501", "17"),
    "moves.csv": dive_on("20240401", "13"),
    "breaks.csv": DAMAGED,
    "mended.csv": dive_on("20240502", "16"),
    "stays.csv": FIRST["stays.csv"],
    "late.csv": dive_on("20231231", "18"),
}
Stage = tuple[Stored, dict[str, Any]]
BOTH, FILES, TABLES = {"form": "both"}, {"form": "netcdf"}, {"form": "parquet"}
CASES: dict[str, tuple[list[Stage], Stage]] = {
    # runs before; the run that is killed
    "first": ([], (SECOND, BOTH)),
    "second": ([(FIRST, BOTH)], (SECOND, BOTH)),
    "files, then tables": ([(FIRST, FILES)], (SECOND, TABLES)),
    "tables, then files of another suite": ([(FIRST, TABLES)], (SECOND, {"form": "netcdf", "tests": "qartod"})),
    "files, then deployments": ([(FIRST, FILES)], (SECOND, {"form": "both", "per": "deployment"})),
}


def stage(sea: Sea, what: Stage) -> Any:
    sea.hold(what[0])
    return sea.qc(**what[1])


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Several shards, and several groups in a month; the records of remote destinations in a folder of this test."""
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 3)
    monkeypatch.setattr("bondstore.runs.work.AGAIN", 2)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.mark.parametrize("kind", ["folder", "store"])
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere(tmp_path: Path, case: str, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, killed = CASES[case]
    names = itertools.count()
    (tmp_path / "sea").mkdir()
    sea = Sea(tmp_path / "sea")

    def prepared() -> Sea:
        name = f"{case.replace(' ', '-')}-{kind}-{next(names)}"
        sea.dest = (tmp_path / name).as_uri() if kind == "folder" else f"memory://{tmp_path.name}-{name}"
        for one in before:
            stage(sea, one)
        return sea

    stage(prepared(), killed)
    sea.check()
    expected = sea.written()
    moments = 1 + (list(CASES).index(case) * 2 + (kind == "store")) % STEP
    while True:
        prepared()
        kills = Kills(moments)
        try:
            with monkeypatch.context() as patch:
                sea.hold(killed[0])
                kills.arm(patch)
                sea.qc(**killed[1])
        except Killed:
            pass
        else:
            break
        stage(sea, killed)
        assert sea.written() == expected, moments
        sea.check()
        assert counts(sea.qc(**killed[1]))["planned"] == len(killed[0])
        assert sea.written() == expected, moments
        moments += STEP
    assert moments > 30
