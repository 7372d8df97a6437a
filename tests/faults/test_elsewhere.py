"""Killed on one machine at any entry of a store's record, and finished on another: as if nothing had happened."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from demo.phones import Shape as Phones
from demo.phones import one
from demo.study import KEY, STUDY, Shape, make

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_dest
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.export.files import Files
from bondstore.domains.beiwe.jobs import ExportJob
from bondstore.domains.beiwe.reconcile.job import ReconcileJob
from bondstore.domains.beiwe.reconcile.rebuild import Rebuild
from bondstore.domains.beiwe.selection import select
from bondstore.runs.destination import Destination
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Serial
from bondstore.runs.store_record import StoreRecord
from bondstore.stores import open_store
from tests.domains.beiwe.test_reconcile import HOUR, Bucket, chunk_key
from tests.phonelab import PhoneLab

Run = Callable[..., RunResult]
"""Does a job into a destination."""
Change = Callable[[Destination], object]


class Killed(BaseException):
    """Nothing is put into the record after this."""


@dataclasses.dataclass
class Machines:
    """Accounts that know nothing of one another, a store, and a folder for what comes of calm runs."""

    root: Path
    bucket: str
    patch: pytest.MonkeyPatch

    def on(self, name: str) -> None:
        self.patch.setenv("XDG_STATE_HOME", str(self.root / "state" / name))

    def killed(self, entries: int, run: Run, place: Destination, **words: Any) -> bool:
        """Run, and die once so many entries are put; return whether it came to that."""
        append, seen = StoreRecord.append, []

        def dying(record: StoreRecord, entry: Any) -> str:
            if len(seen) < entries:
                seen.append(append(record, entry))
                if len(seen) < entries:
                    return seen[-1]
            raise Killed

        with self.patch.context() as patch:
            patch.setattr(StoreRecord, "append", dying)
            try:
                run(place, **words)
            except Killed:
                return True
        return False

    def check(self, run: Run, first: Change, change: Change, *, step: int = 1, **words: Any) -> None:
        """Kill at each entry (or each so many) of the run after a change, finish elsewhere, compare with calm runs."""
        self.on("calm")
        calm = open_destination(StoreSpec((self.root / "calm").as_uri(), Profile()))
        _twice(run, calm, first, change)
        run(calm, **words)
        expected = files(calm)
        entries, killed = 1 - step, True
        while killed:
            entries += step
            place = open_destination(resolve_dest(f"{self.bucket}/{entries}"))
            self.on(f"first of {entries}")
            _twice(run, place, first, change)
            killed = self.killed(entries, run, place, **words)
            self.on(f"second of {entries}")
            run(place)
            assert files(place) == expected, f"killed after {entries} entries"
        assert entries > 3


def _twice(run: Run, place: Destination, first: Change, change: Change) -> None:
    first(place)
    run(place)
    change(place)


def files(place: Destination) -> Mapping[str, bytes]:
    return {path: place.read(path) for path in sorted(place.walk("")) if not path.startswith(".bondstore")}


@pytest.fixture
def machines(tmp_path: Path, s3_environment: str, monkeypatch: pytest.MonkeyPatch) -> Machines:
    monkeypatch.setenv("LAB_KEY", KEY)
    return Machines(tmp_path, s3_environment, monkeypatch)


HEADER = "timestamp,UTC time,accuracy,x,y,z"
PATH = f"chunked/1ab2cd3e/accelerometer/{chunk_key('accelerometer', HOUR).rpartition('/')[2]}"
CHUNK = chunk_key("accelerometer", HOUR)


def row(number: int) -> str:
    return f"{HOUR + number},2024-01-01T00:00:00.{number:03d},unknown,{number},0,0"


def hour(lab: Bucket, *numbers: int) -> Change:
    """Let the server keep these rows of the hour, and phones have sent rows 1 to 3 in a file each."""

    def put(_: Destination) -> None:
        for number in (1, 2, 3):
            lab.raw("accel", "timestamp,accuracy,x,y,z", f"{HOUR + number},unknown,{number},0,0", time=HOUR + number)
        lab.chunk("accelerometer", HOUR, HEADER, *map(row, numbers))

    return put


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Bucket]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rebuild, "number", 1)
        yield Bucket(tmp_path / "raw")


def rebuilding(lab: Bucket) -> Run:
    def run(place: Destination, **words: Any) -> RunResult:
        job = ReconcileJob(lab.spec, STUDY, SecretRef.parse("env:LAB_KEY"), select(source="both"))
        return execute(job, place, Serial(), **words)

    return run


def test_an_hour_is_rebuilt_when_its_chunk_changes(machines: Machines, lab: Bucket) -> None:
    def change(_: Destination) -> None:
        lab.chunk("accelerometer", HOUR, HEADER, row(5), row(6))

    machines.check(rebuilding(lab), hour(lab, 5), change)


def test_an_hour_is_rebuilt_when_its_chunk_goes(machines: Machines, lab: Bucket) -> None:
    machines.check(rebuilding(lab), hour(lab, 1, 2, 3), lambda _: lab.store.delete(CHUNK))


def test_an_hour_is_rebuilt_when_its_file_went(machines: Machines, lab: Bucket) -> None:
    machines.check(rebuilding(lab), hour(lab, 5), lambda place: place.remove([PATH]))


def test_an_hour_is_rebuilt_when_a_damaged_chunk_is_tried_again(machines: Machines, lab: Bucket) -> None:
    def damaged(place: Destination) -> None:
        hour(lab, 5)(place)
        lab.put_sealed(CHUNK, b"no object of the server's")

    machines.check(rebuilding(lab), damaged, lambda _: None, retry=True)


@pytest.mark.parametrize("form", ["csv", "original"])
def test_an_export_is_made_of_what_is_there_now(
    machines: Machines, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = StoreSpec((tmp_path / "raw").as_uri(), Profile())
    made = list(make(Shape(participants=1, hours=2, rows=3)))
    late, goes = made[-8:], next(some for some in made if "/gps/" in some.key)
    monkeypatch.setattr(Files, "number", 4)

    def run(place: Destination, **words: Any) -> RunResult:
        job = ExportJob(source, STUDY, SecretRef.parse("env:LAB_KEY"), form, select(source="both"))
        return execute(job, place, Serial(), **words)

    def first(_: Destination) -> None:
        for some in made:
            open_store(source).put(some.key, some.sealed)
        for some in late:
            open_store(source).delete(some.key)

    def change(_: Destination) -> None:
        for some in late:
            open_store(source).put(some.key, some.sealed)
        open_store(source).delete(goes.key)

    machines.check(run, first, change)


SHAPE = Phones(panelists=2, zips=3, screenshots=2, restricted=0, rows=1, size=(16, 24), double=0.5)


def test_panelists_are_finished(machines: Machines, tmp_path: Path) -> None:
    """Late and changed zips, and an image that is gone."""
    phones = PhoneLab(tmp_path)
    made = phones.fill(SHAPE)
    late, changed = made[-1], made[0]

    def run(place: Destination, **words: Any) -> RunResult:
        return execute(dataclasses.replace(phones.job(), batch=1), place, Serial(), **words)

    def first(_: Destination) -> None:
        phones.put(changed.key, changed.data)
        (phones.source / late.key).unlink(missing_ok=True)

    def change(place: Destination) -> None:
        phones.put(late.key, late.data)
        phones.put(changed.key, one(dataclasses.replace(SHAPE, seed=8), 0, 0).data)
        place.remove([next(path for path in files(place) if path.endswith(".jpg"))])

    machines.check(run, first, change, step=3)


def test_what_a_plan_found_is_known_there(machines: Machines, lab: Bucket) -> None:
    for zst in (False, True):
        lab.chunk("accelerometer", HOUR, HEADER, row(1), zst=zst)
    job = ExportJob(lab.spec, STUDY, SecretRef.parse("env:LAB_KEY"), "original", select(source="both"))
    place = open_destination(resolve_dest(f"{machines.bucket}/out"))
    machines.on("one")
    result = execute(job, place, Serial())
    machines.on("two")
    place.refresh()
    with place.ledger(create=False) as ledger:
        assert [one.kind for one in ledger.findings.of_run(result.run)] == ["superseded"]
