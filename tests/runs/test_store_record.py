"""The record that lies in a store: other machines and accounts know what is done, and one run at a time writes."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.domains.ocean.profile_files import ProfileFiles
from bondstore.errors import ChangedError, DamagedError, IntegrityError, NoSpaceError, PolicyError
from bondstore.runs import anchors, lease, store_record
from bondstore.runs.journal import entry_of
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores import Store, open_store
from tests.oceanlab import Sea, counts, dive_on
from tests.waiting import wait_until

DIVES = {f"{number}.csv": dive_on(f"202405{number + 10}", str(number)) for number in range(6)}
Machine = Callable[[str], None]


@pytest.fixture
def on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Go to another machine: one whose account knows nothing of what was done on this one."""

    def go(name: str) -> None:
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state" / name))

    go("one")
    return go


@pytest.fixture
def sea(tmp_path: Path, s3_environment: str, on: Machine) -> Sea:
    made = Sea(tmp_path, s3_environment + "/qc")
    made.hold(DIVES)
    return made


def record_of(sea: Sea) -> list[str]:
    return sorted(one.key for one in store_of(sea).list(".bondstore/"))


def store_of(sea: Sea) -> Store:
    return open_store(sea.spec)


def reads_of(sea: Sea) -> list[str]:
    with sea.place.ledger(create=False) as ledger:
        return sorted(entry.key for entry in ledger.audit.entries() if entry.action == "read")


def head_of(sea: Sea) -> tuple[int, bytes]:
    with sea.place.ledger(create=False) as ledger:
        assert not list(ledger.disagreements())
        return ledger.audit.head()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leases are told dead after a moment."""
    monkeypatch.setattr(lease, "BEAT", 0.2)
    monkeypatch.setattr(lease, "PATIENCE", 2.0)
    monkeypatch.setattr(lease, "LOOK", 0.05)


def test_another_machine_does_only_what_is_new(sea: Sea, on: Machine) -> None:
    assert counts(sea.qc()) == {"planned": 6, "done": 6}
    before = sea.written()
    on("two")
    sea.hold({**DIVES, "late.csv": dive_on("20240601")})
    assert counts(sea.qc()) == {"planned": 7, "skipped": 6, "done": 1}
    on("one")
    assert counts(sea.qc()) == {"planned": 7, "skipped": 7}
    assert {path: data for path, data in sea.written().items() if path in before and path != "status.csv"} == {
        path: data for path, data in before.items() if path != "status.csv"
    }
    with sea.place.ledger(create=False) as ledger:
        assert [run.state for run in ledger.runs.newest_first()] == ["finished"] * 3
        assert ledger.audit.verify().broken_at is None
        reads = [entry.key for entry in ledger.audit.entries() if entry.action == "read"]
    assert sorted(reads) == sorted([*DIVES, "late.csv"])


def test_a_dry_run_elsewhere_knows_what_is_done(sea: Sea, on: Machine) -> None:
    from bondstore.runs import engine

    sea.qc()
    on("two")
    assert engine.only_plan(sea.job(), sea.place).plan.skipped.objects == 6


def test_a_dry_run_beside_objects_of_others_is_no_lost_record(sea: Sea) -> None:
    from bondstore.runs import engine

    store_of(sea).put("notes.txt", b"of somebody")
    for _ in range(2):
        assert engine.only_plan(sea.job(), sea.place).plan.todo.objects == 6
    assert not record_of(sea)
    assert counts(sea.qc()) == {"planned": 6, "done": 6}
    for key in record_of(sea):
        store_of(sea).delete(key)
    sea.place.ledger_path.unlink()
    with pytest.raises(IntegrityError, match="is gone"):
        engine.only_plan(sea.job(), sea.place)


def test_other_settings_elsewhere_leave_one_set_of_files(sea: Sea, on: Machine) -> None:
    sea.qc(per="deployment")
    assert any(path.startswith("deployments/") for path in sea.written())
    on("two")
    sea.qc()
    assert not [path for path in sea.written() if path.startswith("deployments/")]
    assert len([path for path in sea.written() if path.endswith(".nc")]) == 6


KILLED = """
import os, signal, sys
from bondstore.domains.ocean.profile_files import ProfileFiles
from bondstore.runs.store_record import StoreRecord
ProfileFiles.number = 2
append, seen = StoreRecord.append, []
def dying(record, entry):
    name = append(record, entry)
    seen.append(entry)
    if len(seen) == int(sys.argv[1]):
        os.kill(os.getpid(), signal.SIGKILL)
    return name
StoreRecord.append = dying
from bondstore.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("entries", [1, 2, 3, 4])
def test_killed_on_one_machine_and_finished_on_another(sea: Sea, on: Machine, quick: None, entries: int) -> None:
    line = ["ocean", "qc", sea.source.as_uri(), sea.dest, "--tests", str(sea.little), "--jobs", "1", "--yes"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(entries), *line], env=dict(os.environ), capture_output=True, timeout=120
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    on("two")
    done = 2 * (entries - 1)  # the first entry says that the run begins; each of the others is about two objects
    expected = {"planned": 6, "skipped": done, "done": 6 - done}
    assert counts(sea.qc()) == {name: number for name, number in expected.items() if number}
    after = sea.written()
    with sea.place.ledger(create=False) as ledger:
        assert ledger.audit.verify().broken_at is None
    for key in record_of(sea):
        store_of(sea).delete(key)
    for path in after:
        store_of(sea).delete(path)
    on("three")
    sea.qc()
    assert sea.written() == after


def test_killed_here_and_gone_on_with_here_needs_no_waiting(sea: Sea, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["ocean", "qc", sea.source.as_uri(), sea.dest, "--tests", str(sea.little), "--jobs", "1", "--yes"]
    subprocess.run([sys.executable, "-c", KILLED, "2", *line], env=dict(os.environ), capture_output=True, timeout=120)
    assert ".bondstore/lease.json" in record_of(sea)
    monkeypatch.setattr(lease, "PATIENCE", 10_000.0)
    assert counts(sea.qc()) == {"planned": 6, "skipped": 2, "done": 4}
    assert reads_of(sea) == sorted(DIVES)  # each once


def test_two_at_once_are_told_apart(sea: Sea, on: Machine, quick: None) -> None:
    sea.qc()
    held, release = threading.Event(), threading.Event()
    place = sea.place

    def hold() -> None:
        with place.locked():
            held.set()
            release.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(60)
    on("two")
    before = sea.written()
    with pytest.raises(PolicyError, match="Another run is writing"):
        sea.qc()
    assert sea.written() == before
    assert sea.place.busy()
    release.set()
    other.join()
    assert not sea.place.busy()
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}


def test_who_was_taken_for_dead_records_no_more(sea: Sea, on: Machine, quick: None) -> None:
    place = sea.place
    assert isinstance(place, StoreDestination)
    with place.locked():
        there = store_of(sea).get(".bondstore/lease.json")
        store_of(sea).put(".bondstore/lease.json", bytes(there.data).replace(b'"who"', b'"was"'))

        def told() -> bool:
            with suppress(PolicyError):
                place.publish(entry_of("job", "run", "who"))
                return False
            return True

        wait_until(told, pause=0.1)
    assert ".bondstore/lease.json" in record_of(sea)  # it is the other's


def test_events_without_a_home_are_known_to_the_next_run(sea: Sea, on: Machine) -> None:
    for number, key in enumerate(["1.csv", "3.csv"]):
        on(f"container-{number}")
        assert counts(sea.qc(keys=(key,))) == {"planned": 1, "done": 1}
        before = record_of(sea)
        assert counts(sea.qc(keys=(key,))) == {"planned": 1, "skipped": 1}
        assert record_of(sea) == before  # the same event once more puts nothing
    on("two")
    assert counts(sea.qc()) == {"planned": 6, "skipped": 2, "done": 4}


@pytest.mark.parametrize("asked", [{"form": "both"}, {"form": "parquet"}, {"per": "deployment"}])
def test_an_event_leaves_files_of_many_objects_to_the_next_whole_run(
    sea: Sea, on: Machine, asked: dict[str, str]
) -> None:
    def of_many() -> dict[str, bytes]:
        return {path: data for path, data in sea.written().items() if path.startswith(("parquet/", "deployments/"))}

    sea.hold(dict(list(DIVES.items())[:4]))
    sea.qc(**asked)
    on("two")
    sea.hold(DIVES)
    sea.qc(**asked)
    before = of_many()
    assert before
    changed = {**DIVES, "1.csv": dive_on("20240511", "1", levels=6), "late.csv": dive_on("20240520", "0")}
    sea.hold(changed)
    for name in ("one", "container"):  # one knows what was there before the last whole run, one knows nothing
        on(name)
        for key in ("1.csv", "late.csv"):
            assert counts(sea.qc(keys=(key,), **asked)) == {"planned": 1, "done": 1}
            assert of_many() == before
    on("two")
    assert counts(sea.qc(**asked)) == {"planned": 7, "skipped": 7}
    after = sea.written()
    with sea.elsewhere(sea.dest.replace("/qc", "/anew")) as anew:
        anew.qc(**asked)
        assert anew.written() == after
    assert of_many().keys() >= before.keys()
    assert of_many() != before


@pytest.mark.parametrize(
    ("first", "then"),
    [({"per": "deployment"}, {}), ({}, {"per": "deployment"}), ({}, {"form": "parquet"}), ({"form": "parquet"}, {})],
)
def test_an_event_with_other_settings_removes_nothing(
    sea: Sea, on: Machine, first: dict[str, str], then: dict[str, str]
) -> None:
    sea.qc(**first)
    before = sea.written().keys()
    assert counts(sea.qc(keys=("1.csv",), **then)) == {"planned": 1, "done": 1}
    assert before <= sea.written().keys()
    on("two")
    assert counts(sea.qc(**then)) == {"planned": 6, "skipped": 1, "done": 5}
    assert not (before - {"status.csv"}) & sea.written().keys()


def test_an_event_removes_no_file_that_another_wrote_since(sea: Sea, on: Machine) -> None:
    sea.hold({"a.csv": dive_on("20240511", "1")})
    sea.qc()
    [path] = [path for path in sea.written() if path.endswith(".nc")]
    on("two")
    sea.hold({"a.csv": dive_on("20240620", "1")})
    sea.qc()
    assert path not in sea.written()
    sea.hold({"a.csv": dive_on("20240620", "1"), "b.csv": dive_on("20240511", "1", levels=6)})
    store_of(sea).put(path, b"written by another")
    on("one")
    sea.qc(keys=("a.csv",))
    assert sea.written()[path] == b"written by another"


def test_what_is_to_be_tried_again_is_known_elsewhere(sea: Sea, on: Machine) -> None:
    sea.hold({**DIVES, "bad.csv": b"no profile"})
    assert counts(sea.qc()) == {"planned": 7, "done": 6, "quarantined": 1}
    assert sea.qc().plan.todo.objects == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProfileFiles, "plan", _broken)
        with pytest.raises(RuntimeError):
            sea.qc(retry=True)
    on("two")
    assert sea.qc().plan.todo.objects == 1
    assert sea.qc().plan.todo.objects == 0


def test_what_is_wrong_with_the_table_of_deployments_is_known_elsewhere(sea: Sea, on: Machine, tmp_path: Path) -> None:
    def found() -> list[str]:
        on("two")
        sea.place.refresh()
        with sea.place.ledger(create=False) as ledger:
            kinds = [one.kind for one in ledger.findings.walk() if one.kind.startswith("metadata")]
        on("one")
        return kinds

    table = tmp_path / "deployments.csv"
    table.write_text("Serial number,Date supplied,Date returned\n12,no date,\n")
    sea.qc(metadata=table)
    assert found() == ["metadata-row-damaged"]
    table.write_text("Serial number,Date supplied,Date returned\n12,01/01/2020,\n")
    sea.qc(metadata=table)
    assert found() == []


def _broken(*_: object) -> None:
    raise RuntimeError


def test_an_event_is_not_held_up_by_a_run(sea: Sea, on: Machine, quick: None) -> None:
    place = sea.place
    with place.locked():
        on("container")
        assert counts(sea.qc(keys=("1.csv",))) == {"planned": 1, "done": 1}


def test_entries_are_folded_into_a_snapshot(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_record, "FOLD", 5)
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 1)
    sea.qc()
    assert not [key for key in record_of(sea) if "/receipts/" in key]
    first = record_of(sea)
    assert len([key for key in first if "/ledger/" in key]) == 1
    sea.qc()  # two entries: too few to be folded
    assert len([key for key in record_of(sea) if "/receipts/" in key]) == 2
    sea.hold(dict(list(DIVES.items())[:2]) | {"late.csv": dive_on("20240601")})
    sea.qc()
    assert not [key for key in record_of(sea) if "/receipts/" in key]
    assert len([key for key in record_of(sea) if "/ledger/" in key]) == 1
    assert record_of(sea) != first
    on("two")
    assert counts(sea.qc()) == {"planned": 3, "skipped": 3}


def test_entries_that_a_killed_fold_left_are_not_recorded_twice(
    sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_record, "FOLD", 2)
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(Store, "delete_many", lambda *_: [])
        sea.qc()
    assert [key for key in record_of(sea) if "/receipts/" in key]
    on("two")
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    with sea.place.ledger(create=False) as ledger:
        reads = [entry.key for entry in ledger.audit.entries() if entry.action == "read"]
    assert sorted(reads) == sorted(DIVES)


@pytest.mark.parametrize("part", ["record.json", "ledger/", "receipts/"])
def test_a_damaged_record_is_told(sea: Sea, on: Machine, part: str) -> None:
    sea.qc()
    sea.qc()
    key = next(key for key in record_of(sea) if key.startswith(f".bondstore/{part}"))
    data = bytes(store_of(sea).get(key).data)
    store_of(sea).put(key, data[: len(data) // 2])
    on("two")
    before = sea.written()
    with pytest.raises((IntegrityError, DamagedError), match=r"record|ledger"):
        sea.qc()
    assert sea.written() == before


@pytest.mark.parametrize("name", ["junk", "0.json", "9.begun.json"])
@pytest.mark.parametrize("data", [b"[]", entry_of("job", "run", "who", begun={}).to_json()], ids=["list", "empty"])
def test_an_object_that_is_no_entry_is_named_with_its_path(sea: Sea, on: Machine, name: str, data: bytes) -> None:
    sea.qc()
    store_of(sea).put(f".bondstore/receipts/{name}", data)
    on("two")
    with pytest.raises(IntegrityError) as told:
        sea.place.refresh()
    assert told.value.exit_code == 7
    assert f".bondstore/receipts/{name} is no entry" in told.value.message


def test_what_an_account_knew_before_is_kept(sea: Sea, on: Machine) -> None:
    sea.qc()
    for key in record_of(sea):
        store_of(sea).delete(key)
    on("two")
    sea.qc()
    on("one")
    sea.place.corner.joinpath("snapshot").unlink()  # as a version that kept no record in the store left it
    before = hashlib.sha256(sea.place.ledger_path.read_bytes()).hexdigest()
    with pytest.raises(IntegrityError, match="accept-new-chain"):
        sea.qc()
    anchors.accept(sea.place)
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    [kept] = sea.place.corner.glob("ledger-before-*.sqlite")
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == before


def test_the_copy_here_is_readable_by_its_owner_only(sea: Sea, on: Machine) -> None:
    sea.qc()
    on("two")
    sea.qc()
    assert sea.place.ledger_path.stat().st_mode & 0o777 == 0o600
    assert sea.place.corner.stat().st_mode & 0o777 == 0o700
    assert [path for path in sea.place.corner.rglob("*") if path.stat().st_mode & 0o077] == []


def test_all_machines_have_one_audit_chain(sea: Sea, on: Machine) -> None:
    heads = []
    for number, machine in enumerate(["one", "two", "one", "three", "two"]):
        on(f"container-{number}")
        sea.hold({**DIVES, **{f"event-{n}.csv": dive_on(f"2024060{n + 1}") for n in range(number + 1)}})
        sea.qc(keys=(f"event-{number}.csv",))
        on(machine)
        sea.qc()
        heads.append(head_of(sea))
        assert heads[-1][0] > 0
    for machine in ("one", "two", "three", "four"):
        on(machine)
        sea.place.refresh()
        with sea.place.ledger(create=False) as ledger:
            assert ledger.audit.verify().broken_at is None
            chain = [entry.hash for entry in ledger.audit.entries()]
        for seq, head in heads:
            assert chain[seq - 1] == head, machine


def test_entries_that_come_late_are_known_in_one_order(sea: Sea, on: Machine) -> None:
    sea.qc()
    on("two")
    sea.qc()
    on("container")
    sea.hold({**DIVES, "late.csv": dive_on("20240601")})
    sea.qc(keys=("late.csv",))
    on("two")
    sea.place.refresh()  # knows the event as the last there is
    on("container")
    sea.hold({**DIVES, "late.csv": dive_on("20240601"), "later.csv": dive_on("20240602")})
    sea.qc(keys=("later.csv",))
    [first, second] = [key for key in record_of(sea) if "/receipts/" in key][-2:]
    store_of(sea).put(first.replace("/receipts/1", "/receipts/0", 1), bytes(store_of(sea).get(second).data))
    store_of(sea).delete(second)  # the clock of the second container is far behind: its name sorts before all
    on("one")
    sea.qc()
    on("two")
    sea.place.refresh()
    theirs = head_of(sea)
    on("one")
    assert head_of(sea) == theirs


def test_the_lease_of_another_is_left(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    with sea.place.locked():
        there = store_of(sea).get(".bondstore/lease.json")
        store_of(sea).put(".bondstore/lease.json", bytes(there.data).replace(b'"name"', b'"eman"'))
        awake = lease._awake()
        monkeypatch.setattr(lease, "_awake", lambda: awake + 100)  # this machine slept meanwhile
    assert ".bondstore/lease.json" in record_of(sea)


def test_after_a_sleep_nothing_is_recorded_before_the_lease_is_asked(
    sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = sea.place
    assert isinstance(place, StoreDestination)
    with place.locked():
        there = store_of(sea).get(".bondstore/lease.json")
        store_of(sea).put(".bondstore/lease.json", bytes(there.data).replace(b'"name"', b'"eman"'))
        awake = lease._awake()
        monkeypatch.setattr(lease, "_awake", lambda: awake + 100)
        before = record_of(sea)
        with pytest.raises(PolicyError, match="taken over"):
            place.publish(entry_of("job", "run", "who"))
        assert record_of(sea) == before


def test_a_renewal_whose_answer_was_lost_is_no_loss(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    place = sea.place
    assert isinstance(place, StoreDestination)
    with place.locked():
        awake, put = lease._awake(), Store.put_if_unchanged

        def lost(store: Store, key: str, data: bytes, etag: str) -> str:
            put(store, key, data, etag)
            raise ChangedError("as a second try is told, when the first one came through")

        with monkeypatch.context() as patch:
            patch.setattr(Store, "put_if_unchanged", lost)
            patch.setattr(lease, "_awake", lambda: awake + 100)
            place.publish(entry_of("job", "run", "who"))
        place.publish(entry_of("job", "run", "who"))
    assert ".bondstore/lease.json" not in record_of(sea)


def test_a_run_that_ends_while_it_is_watched_makes_room(sea: Sea, on: Machine, quick: None) -> None:
    held, place = threading.Event(), sea.place

    def hold() -> None:
        with place.locked():
            held.set()
            threading.Event().wait(0.1)

    other = threading.Thread(target=hold)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "BEAT", 100.0)  # it does not say again that it is there
        other.start()
        assert held.wait(60)
        on("two")
        assert counts(sea.qc()) == {"planned": 6, "done": 6}
    other.join()


def test_a_snapshot_of_another_stands(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    sea.qc()
    place = sea.place
    assert isinstance(place, StoreDestination)
    monkeypatch.setattr(store_record, "FOLD", 1)
    with place.locked():
        on("two")  # as if this one had slept
        other = sea.place
        assert isinstance(other, StoreDestination)
        other.refresh()
        store_of(sea).put(".bondstore/receipts/0-x-y.json", entry_of("job", "run", "who").to_json())
        other._record.fold(lambda: None)
        newest = bytes(store_of(sea).get(".bondstore/record.json").data)
        store_of(sea).put(".bondstore/receipts/1-x-y.json", entry_of("job", "run", "who").to_json())
        on("one")
    assert bytes(store_of(sea).get(".bondstore/record.json").data) == newest
    assert ".bondstore/receipts/1-x-y.json" in record_of(sea)


def test_a_long_run_folds_on_its_way(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_record, "MOST", 3)
    monkeypatch.setattr(store_record, "FOLD", 3)
    monkeypatch.setattr("bondstore.domains.ocean.profile_files.ProfileFiles.number", 1)
    folded: list[int] = []
    fold = store_record.StoreRecord.fold

    def counted(record: store_record.StoreRecord, check: Callable[[], None]) -> None:
        folded.append(len([key for key in record_of(sea) if "/receipts/" in key]))
        fold(record, check)

    monkeypatch.setattr(store_record.StoreRecord, "fold", counted)
    sea.qc()
    assert len(folded) > 2
    assert max(folded) <= 4
    on("two")
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    assert reads_of(sea) == sorted(DIVES)


def test_a_record_that_cannot_be_put_together_does_not_fail_the_run(
    sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: store_record.StoreRecord) -> None:
        raise NoSpaceError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(store_record.StoreRecord, "_put_snapshot", full)
        assert counts(sea.qc()) == {"planned": 6, "done": 6}
    assert "was not put together" in caplog.text
    on("two")
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}


def test_a_snapshot_that_is_replaced_at_this_moment_is_looked_for_again(
    sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sea.qc()
    on("two")
    fetch, calls = store_record.StoreRecord._fetch, []

    def replaced(record: store_record.StoreRecord, said: store_record._Pointer) -> None:
        calls.append(said)
        if len(calls) == 1:  # as a run that goes on does: the new one, the pointer, and then the old one
            store, folder = store_of(sea), ".bondstore/ledger/"
            store.copy(folder + said.snapshot, f"{folder}new")
            pointer = bytes(store.get(".bondstore/record.json").data).replace(said.snapshot.encode(), b"new")
            store.put(".bondstore/record.json", pointer)
            store.delete(folder + said.snapshot)
        fetch(record, said)

    monkeypatch.setattr(store_record.StoreRecord, "_fetch", replaced)
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    assert [one.snapshot == "new" for one in calls] == [False, True]


@pytest.mark.parametrize("part", ["record.json", "ledger/", "receipts/"])
def test_a_record_of_which_a_part_is_gone_is_told(sea: Sea, on: Machine, part: str) -> None:
    sea.qc()
    sea.qc()
    for key in record_of(sea):
        if key.startswith(f".bondstore/{part}"):
            store_of(sea).delete(key)
    before, record = sea.written(), record_of(sea)
    # Another machine cannot miss entries that it never knew: those are told by where the last run ended.
    for machine in ("one", "two"):
        on(machine)
        for act in (sea.qc, sea.place.refresh) if (machine, part) != ("two", "receipts/") else ():
            with pytest.raises(IntegrityError, match=r"is gone.*move the folder \.bondstore"):
                act()
    if part == "receipts/":
        with pytest.raises(IntegrityError, match="ended last in this store"):
            sea.qc()
    assert (sea.written(), record_of(sea)) == (before, record)


def test_a_record_that_was_moved_away_is_put_back_from_the_copy(sea: Sea, on: Machine) -> None:
    sea.qc()
    sea.qc()
    head = head_of(sea)
    for key in record_of(sea):
        store_of(sea).delete(key)
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    on("two")
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    with sea.place.ledger(create=False) as ledger:
        assert ledger.audit.position(head[1]) == head[0]


def test_a_record_that_does_not_go_on_from_the_one_known_here_is_told(
    sea: Sea, on: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    sea.qc()
    on("two")
    sea.qc()
    assert "does not go on" not in caplog.text
    for key in record_of(sea):
        store_of(sea).delete(key)
    on("three")
    sea.qc()
    on("one")
    with pytest.raises(IntegrityError, match=r"lacks the end of the run.*accept-new-chain"):
        sea.qc()
    assert "does not go on" in caplog.text
    anchors.accept(sea.place)
    assert counts(sea.qc()) == {"planned": 6, "skipped": 6}
    assert len(list(sea.place.corner.glob("ledger-before-*.sqlite"))) == 1


def test_a_killed_run_is_not_called_busy_where_it_ran(sea: Sea, on: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    line = ["ocean", "qc", sea.source.as_uri(), sea.dest, "--tests", str(sea.little), "--jobs", "1", "--yes"]
    subprocess.run([sys.executable, "-c", KILLED, "2", *line], env=dict(os.environ), capture_output=True, timeout=120)
    assert not sea.place.busy()
    on("two")
    assert sea.place.busy()
    monkeypatch.setattr(lease, "PATIENCE", 0.0)
    assert not sea.place.busy()


def test_the_same_address_at_another_server_has_another_copy(sea: Sea, on: Machine) -> None:
    place = sea.place
    assert isinstance(place, StoreDestination)
    spec = place.spec
    other = StoreDestination(replace(spec, profile=replace(spec.profile, endpoint="http://127.0.0.1:1")))
    assert other.corner != place.corner
    earlier = StoreDestination(replace(spec, profile=replace(spec.profile, endpoint=None)))
    earlier.prepare()
    (earlier.corner / "ledger.sqlite").write_text("kept by an earlier version")
    other.prepare()
    assert (other.corner / "ledger.sqlite").read_text() == "kept by an earlier version"
    assert not earlier.corner.exists()
