"""Killed at every rename, removal and transaction, and run again: as if nothing had happened, and nothing is left."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from demo.phones import Phone, Shape, make
from numpy.typing import NDArray

from bondstore.deid import pictures
from bondstore.deid.faces import Box
from bondstore.deid.findings import unfit
from bondstore.deid.pictures import Cover, RedactedPicture
from bondstore.domains.screenlake.handling import Handling
from bondstore.domains.screenlake.question import Question
from bondstore.ledger import Ledger
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.proof import changed_files, prove_chain
from tests.domains.screenlake.test_process import members, sibling, zipped
from tests.phonelab import PLAIN, PhoneLab, tree

FILL, DROP = Handling(), Handling(redact="none", text="drop")
PARQUET = Handling(redact="none", parquet=True)
FIRST, SECOND = make(Shape(panelists=1, zips=2, screenshots=2, restricted=0, rows=1, size=(16, 24), quotes=0.0))
COVERED = b"covered"
STEP = int(os.environ.get("BONDSTORE_KILL_STEP", "3"))
"""Every so many moments are tried; 1 for all of them."""


class Killed(BaseException):
    """No cleaning up helps after this: whatever would change a file or the ledger raises it again."""


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
        """Be there before and after everything that changes what lies in the folder."""
        owners = ((os, "replace"), (Path, "unlink"), (Path, "replace"), (Path, "rmdir"), (shutil, "rmtree"))
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


class Blind:
    """A detector that finds nothing; what it would cover is marked by `covered`."""

    digest, weights, threshold = "blind", "none", 0.5

    def find(self, pixels: NDArray[np.uint8]) -> list[Box]:
        """Find nothing."""
        return []


@pytest.fixture(autouse=True)
def covered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the detector: covered images end in a word; of each zip one image keeps its face when covered."""
    real, withheld = pictures.redact, {FIRST.images[0].digest, SECOND.images[1].digest}

    def redact(data: bytes, detector: object, cover: Cover, *_: object, **__: object) -> RedactedPicture:
        picture = real(data, None, Cover("none"))
        if cover.mode == "none":
            return picture
        if hashlib.sha256(data).hexdigest() in withheld:
            raise unfit("face-stays")
        return dataclasses.replace(picture, data=picture.data + COVERED)

    monkeypatch.setattr(pictures, "redact", redact)
    monkeypatch.setattr(Question, "detector", lambda asked: None if asked.handling.redact == "none" else Blind())


def small(phone: Phone, *, images: bool = True, aside: bool = False, name: str = "") -> bytes:
    """Return a zip with two of its tables alone; its first image under another name."""
    files = {}
    for member, data in members(phone.data).items():
        if member.startswith(("screenshot_data", "log_data")):
            files[member] = data + b'"no row"\n' * (aside and member.startswith("log"))
        elif images and member.endswith(".jpg"):
            files[name if name and member == phone.images[0].name else member] = data
    return zipped(files)


TAKEN = FIRST.images[0].name
ONE, TWO, TAKES = small(FIRST), small(SECOND), small(SECOND, name=TAKEN)
OTHER = sibling(FIRST, "image_zip_again.zip")
Stored = dict[str, bytes]
Stage = tuple[Stored, Handling, bool]
"""What lies in the store, what is done with it, and whether what is quarantined is tried again."""
ALL: Stored = {FIRST.key: ONE, SECOND.key: TWO}
CASES: dict[str, tuple[list[Stage], Stage, Stage]] = {
    # runs before; the run that is killed; the run after that
    "first": ([], (ALL, PLAIN, False), (ALL, PLAIN, False)),
    "late, takes a name over": (
        [({SECOND.key: TAKES}, PLAIN, False)],
        ({FIRST.key: ONE, SECOND.key: TAKES}, PLAIN, False),
        ({FIRST.key: ONE, SECOND.key: TAKES}, PLAIN, False),
    ),
    "covered now, and a name is free": (
        [({FIRST.key: ONE, SECOND.key: TAKES}, PLAIN, False)],
        ({FIRST.key: small(FIRST, images=False), SECOND.key: TAKES}, FILL, False),
        ({FIRST.key: small(FIRST, images=False), SECOND.key: TAKES}, FILL, False),
    ),
    "text dropped now": ([(ALL, PLAIN, False)], (ALL, DROP, False), (ALL, DROP, False)),
    "tried again": (
        [({FIRST.key: ONE[: len(ONE) * 2 // 3], SECOND.key: TWO}, PLAIN, False)],
        ({FIRST.key: ONE[: len(ONE) * 2 // 3], SECOND.key: TWO}, PLAIN, True),
        ({FIRST.key: ONE[: len(ONE) * 2 // 3], SECOND.key: TWO}, PLAIN, True),
    ),
    "uploaded twice, covered now": (
        [({FIRST.key: ONE, OTHER: ONE}, PLAIN, False)],
        ({FIRST.key: ONE, OTHER: ONE}, FILL, False),
        ({FIRST.key: ONE, OTHER: ONE}, FILL, False),
    ),
    # the run after is asked for something else than the killed one
    "uncovered, then covered": ([], (ALL, PLAIN, False), (ALL, FILL, False)),
    "parquet, then text dropped": ([], (ALL, PARQUET, False), (ALL, DROP, False)),
    "rows aside, then mended": (
        [],
        ({FIRST.key: small(FIRST, aside=True)}, PLAIN, False),
        ({FIRST.key: ONE}, PLAIN, False),
    ),
    "images, then none": ([], (ALL, PLAIN, False), ({FIRST.key: small(FIRST, images=False)}, FILL, False)),
}


def stored(lab: PhoneLab, what: Stage) -> None:
    """Put into the store what a stage is about."""
    here, _, _ = what
    for path in list(lab.source.rglob("*.zip*")):
        key = path.relative_to(lab.source).as_posix()
        if key not in here and key in (FIRST.key, OTHER):
            path.unlink()
    for key, data in here.items():
        if not (lab.source / key).exists() or (lab.source / key).read_bytes() != data:
            lab.put(key, data)


def stage(lab: PhoneLab, what: Stage, dest: Path | None = None) -> None:
    stored(lab, what)
    _, handling, retry = what
    lab.run(handling, retry=retry, dest=dest)


def left_over(dest: Path) -> set[str]:
    """Return private files that nobody should find after a run."""
    with sqlite3.connect(dest / ".bondstore" / "ledger.sqlite") as ledger:
        recorded = {row[0] for row in ledger.execute("SELECT path FROM outputs")}
    ledger.close()
    files = {path.relative_to(dest).as_posix() for path in dest.rglob("*") if path.is_file()}
    unknown = {one for one in files - recorded if not one.startswith((".bondstore/ledger", ".bondstore/lock"))}
    return unknown | {one for one in files if "/staged/" in one or "/tmp/" in one}


@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere(lab: PhoneLab, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before, killed, after = CASES[case]
    for one in before:
        stage(lab, one)
    ready = lab.folder / "ready"
    if before:
        shutil.copytree(lab.dest, ready, copy_function=shutil.copy2)
    first = moments = 1 + list(CASES).index(case) % STEP
    while True:
        shutil.rmtree(lab.dest, ignore_errors=True)
        # An older state is put back: an account that saw the runs since end would refuse it.
        monkeypatch.setenv("XDG_STATE_HOME", str(lab.folder / "state" / str(moments)))
        if before:
            shutil.copytree(ready, lab.dest, copy_function=shutil.copy2)
        kills = Kills(moments)
        try:
            with monkeypatch.context() as patch:
                kills.arm(patch)
                stage(lab, killed)
        except Killed:
            pass
        else:
            break
        stage(lab, after)
        if moments == first:
            stage(lab, (*after[:2], False), lab.folder / "fresh")
            expected = tree(lab.folder / "fresh")
        assert tree(lab.dest) == expected, moments
        assert left_over(lab.dest) == set(), moments
        destination = FolderDestination(lab.dest)
        with destination.ledger(create=False) as ledger:
            prove_chain(ledger)
            assert [one.key for one in changed_files(ledger, destination)] == [], moments
        moments += STEP
    assert moments > 30
