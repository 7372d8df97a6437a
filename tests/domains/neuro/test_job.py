"""A hospital's folder through the whole way: cleaned, numbered, and nothing of it named anywhere."""

from __future__ import annotations

import csv
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import edfio
import pytest

import bondstore
from bondstore import neuro
from bondstore.config.secrets import SecretRef
from bondstore.deid.safe import SafeKeys, opened, sealed
from bondstore.domains.neuro.job import CrosswalkRef, DeidentifyJob
from bondstore.domains.neuro.service import prepare
from bondstore.domains.neuro.sources import How
from bondstore.errors import PolicyError, WaitingError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Executor, Processes, Serial
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from bondstore.vault.keys import unlocked
from tests.domains.neuro.hospital import Hospital, content, named_in, samples
from tests.kills import kills_of


def run(job: DeidentifyJob, executor: Executor | None = None, **also: bool) -> RunResult:
    return execute(job, open_destination(job.dest), executor or Serial(), **also)


def job_of(hospital: Hospital, **settings: str) -> DeidentifyJob:
    return prepare(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, **settings)


@pytest.mark.parametrize("width", [1, 2])
def test_no_name_in_results_or_records(hospital: Hospital, width: int) -> None:
    before = content(hospital.source)
    done = run(job_of(hospital), Processes(2) if width == 2 else Serial())
    assert (done.tally.done.objects, done.tally.quarantined.objects, done.tally.failed.objects) == (4, 3, 0)
    found = content(hospital.dest)
    recordings = sorted(name for name in found if name.endswith(".edf"))
    assert [name[8:13] for name in recordings] == ["_edf/"] * 3
    assert sorted(name.rpartition("_")[2] for name in recordings) == ["1.edf", "1.edf", "2.edf"]
    assert named_in(found) == []
    assert content(hospital.source) == before
    assert sorted(samples(found[name]) for name in recordings) == sorted(
        samples(one) for name, one in before.items() if name.lower().endswith(".edf")
    )
    for name in recordings:
        assert edfio.read_edf(hospital.dest / name).num_signals == 1
    again = run(job_of(hospital))
    assert (again.plan.todo.objects, again.plan.quarantined.objects, again.plan.skipped.objects) == (0, 3, 4)
    assert content(hospital.source) == before


def test_notes_are_beside_their_recording_without_the_name(hospital: Hospital) -> None:
    run(job_of(hospital))
    (notes,) = hospital.dest.rglob("*snc*.txt")
    text = notes.read_text()
    assert notes.name.startswith(notes.parent.name[:8])
    assert "02/03/2019 11:00:05" in text
    assert text == hospital.notes.replace("Muller, Petra", "X" * 13)


def test_what_is_found_tells_place_and_kind_alone(hospital: Hospital) -> None:
    done = run(job_of(hospital))
    with open_destination(job_of(hospital).dest).ledger(create=False) as ledger:
        found = list(ledger.findings.of_run(done.run))
    kinds = {one.kind for one in found}
    assert kinds >= {"identity-removed", "natus-file", "video-unreadable", "unknown-kind"}
    assert {one.where for one in found if one.kind == "identity-removed"} >= {"patient", "annotation", "notes"}


def test_a_dry_run_changes_nothing(hospital: Hospital) -> None:
    planned = run(job_of(hospital), dry_run=True)
    assert planned.plan.todo.objects == 7
    assert not hospital.dest.exists()
    assert not hospital.crosswalk_file.exists()


class Watch(Quiet):
    def __init__(self) -> None:
        self.seen: list[int] = []

    def listing(self, seen: Count) -> None:
        self.seen.append(seen.objects)

    def begin(self, total: Count) -> None:
        self.seen.append(0)


def test_the_look_at_all_files_is_shown(hospital: Hospital) -> None:
    plan, run_ = Watch(), Watch()
    bondstore.neuro.plan(hospital.source, progress=plan)
    assert plan.seen == [1, 2, 3, 4, 5, 6, 7]
    bondstore.neuro.deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, progress=run_)
    assert run_.seen[:7] == plan.seen
    assert 0 in run_.seen[7:], "only then it begins"


def test_a_new_recording_gets_the_next_number_and_others_keep_theirs(hospital: Hospital) -> None:
    run(job_of(hospital))
    before = content(hospital.dest, "*.edf")
    hospital.write("Muller~ Petra/first.edf", "X F 12-MAR-1969 Muller_Petra", "09.00.00", b"spike")
    done = run(job_of(hospital))
    assert done.plan.todo.objects == 1
    after = content(hospital.dest, "*.edf")
    assert before.items() < after.items()
    assert [name[-5:] for name in after.keys() - before.keys()] == ["3.edf"]


def test_files_are_cleaned_again_when_more_names_are_known(hospital: Hospital, tmp_path: Path) -> None:
    run(job_of(hospital))
    assert any(b"Quimby" in one for one in content(hospital.dest).values())
    staff = tmp_path / "staff.txt"
    staff.write_text("Quimby, Ada\n")
    done = run(job_of(hospital, names=str(staff)))
    assert done.plan.todo.objects == 4
    assert not any(b"Quimby" in one for one in content(hospital.dest).values())


def test_dates_are_shifted_by_the_persons_own_weeks(hospital: Hospital) -> None:
    run(job_of(hospital, dates="shift"))
    (entry,) = (one for one in hospital.crosswalk.open().entries() if "Muller~ Petra" in one.person.names)
    starts = [edfio.read_edf(one).startdate for one in hospital.dest.glob(f"{entry.code}_edf/*.edf")]
    assert {(day - hospital.day).days for day in starts} == {entry.shift}


def test_annotations_are_dropped(hospital: Hospital) -> None:
    run(replace(job_of(hospital), how=How(annotations="drop")))
    for one in hospital.dest.rglob("*.edf"):
        assert edfio.read_edf(one).annotations == ()


def test_the_only_patient_has_the_code_that_is_given(hospital: Hospital, tmp_path: Path) -> None:
    hospital.only("Keller")
    run(job_of(hospital, code="k3f9a2bq"))
    assert [str(one.relative_to(hospital.dest)) for one in hospital.dest.rglob("*.edf")] == [
        "k3f9a2bq_edf/k3f9a2bq_1.edf"
    ]


@pytest.mark.parametrize("header", ["X M X Keller_Hans", "X X X X", "k3f9a2bq X X X"])
def test_a_folder_that_an_earlier_attempt_named_by_the_code_keeps_it(hospital: Hospital, header: str) -> None:
    hospital.only("Keller")
    run(job_of(hospital, code="k3f9a2bq"))
    shutil.rmtree(hospital.source)
    hospital.write("k3f9a2bq/k3f9a2bq_2.edf", header, "12.00.00", b"Keller moves")
    hospital.write("k3f9a2bq/new.edf", header, "13.00.00", b"Keller moves")
    fresh = replace(hospital, dest=hospital.dest.with_name("fresh"))
    run(job_of(fresh))
    assert sorted(content(fresh.dest, "*.edf")) == ["k3f9a2bq_edf/k3f9a2bq_1.edf", "k3f9a2bq_edf/k3f9a2bq_2.edf"]
    assert named_in(content(fresh.dest)) == []
    assert len(hospital.crosswalk.open().entries()) == 1


def test_a_folder_of_several_people_is_not_copied(hospital: Hospital) -> None:
    hospital.write("Keller/2.edf", "X F 01-JAN-1950 Okonkwo_Ada", "09.00.00", b"spike")
    (hospital.source / "Keller/Keller.avi").unlink()
    done = run(job_of(hospital))
    assert done.tally.done.objects == 3
    with open_destination(job_of(hospital).dest).ledger(create=False) as ledger:
        assert sum(one.kind == "several-people" for one in ledger.findings.of_run(done.run)) == 2


def test_a_patient_under_another_spelling_is_asked_about(hospital: Hospital) -> None:
    run(job_of(hospital))
    before = content(hospital.dest, "*.edf")
    (hospital.source / "Keller").rename(hospital.source / "Kellerr, H")
    for one in hospital.source.glob("Kellerr, H/*"):
        one.unlink()
    hospital.write("Kellerr, H/1.edf", "X M X Kellerr_H", "10.00.00", b"spike")
    with pytest.raises(WaitingError) as told:
        run(job_of(hospital))
    assert "Keller" not in f"{told.value.message} {told.value.hint}"
    assert content(hospital.dest, "*.edf") == before


def test_an_address_with_the_patients_name_is_refused(hospital: Hospital) -> None:
    inside = replace(hospital, source=hospital.source / "Muller~ Petra")
    with pytest.raises(PolicyError) as told:
        run(job_of(inside))
    assert named_in({"": f"{told.value.message} {told.value.hint}".encode()}) == []
    assert not hospital.dest.exists()


def test_a_folder_that_cannot_be_read_is_not_named(hospital: Hospital, capfd: pytest.CaptureFixture[str]) -> None:
    blocked = hospital.source / "Muller~ Petra"
    blocked.chmod(0)
    try:
        ended = hospital.deidentify("--debug")
    finally:
        blocked.chmod(0o700)
    assert named_in({"out": ended.stdout, "err": ended.stderr, **content(hospital.dest)}) == []
    assert ended.returncode != 0 or b'"failed"' in ended.stdout


def test_the_report_has_both_checksums_of_the_samples(hospital: Hospital) -> None:
    run(job_of(hospital))
    with (hospital.dest / "recordings.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(one["path"] for one in rows) == sorted(content(hospital.dest, "*.edf"))
    for one in rows:
        checksum = hashlib.sha256(samples((hospital.dest / one["path"]).read_bytes())).hexdigest()
        assert one["samples_sha256_in"] == one["samples_sha256_out"] == checksum
        assert (one["format"], one["signals"], one["records"]) == ("EDF+C", "2", "1")
    (hospital.dest / "recordings.csv").unlink()
    (removed, *_) = (hospital.dest / "records").glob("*_1.json")
    removed.unlink()
    assert run(job_of(hospital)).tally.done.objects == 1
    assert removed.exists()
    assert (hospital.dest / "recordings.csv").exists()


def test_another_crosswalk_is_refused_and_a_copy_is_not(hospital: Hospital, tmp_path: Path) -> None:
    hospital.only("Keller")
    assert hospital.deidentify().returncode == 5
    before = content(hospital.dest)
    other = replace(hospital, crosswalk=replace(hospital.crosswalk, place=str(tmp_path / "other.c4gh")))
    elsewhere = replace(other, source=tmp_path / "next month")
    elsewhere.write("Okonkwo/1.edf", "X F X Okonkwo_Ada", "10.00.00", b"spike")
    for one in (other, elsewhere):
        for more in ((), ("--dry-run",)):
            ended = one.deidentify(*more)
            assert ended.returncode == 6
            assert b"has codes of another crosswalk" in ended.stderr
            assert not other.crosswalk_file.exists()
    assert {name: data for name, data in content(hospital.dest).items() if not name.startswith(".")} == {
        name: data for name, data in before.items() if not name.startswith(".")
    }
    shutil.copy(hospital.crosswalk_file, other.crosswalk_file)
    assert elsewhere.deidentify().returncode == 0


def test_a_person_whose_code_changes_leaves_nothing_under_the_old_one(hospital: Hospital) -> None:
    hospital.only("Keller")
    run(job_of(hospital, code="k3f9a2bq"))
    key = replace(hospital.crosswalk, place=str(hospital.crosswalk_file.with_name("other.c4gh")))
    entry = hospital.crosswalk.open().entries()[0]
    # another crosswalk with the same secret: a copy in which somebody set the code right
    _copied_with_code(hospital, key, entry.code, "a1b2c3d4")
    run(job_of(replace(hospital, crosswalk=key)))
    names = [name for name in content(hospital.dest) if not name.startswith(".")]
    assert sorted(names) == [
        "a1b2c3d4_edf/a1b2c3d4_1.edf",
        "recordings.csv",
        "records/a1b2c3d4_1.json",
        "records/crosswalk.json",
    ]


def _copied_with_code(hospital: Hospital, other: CrosswalkRef, old: str, new: str) -> None:
    ref = hospital.crosswalk
    assert ref.key is not None
    assert ref.passphrase is not None
    private = unlocked(ref.key, SecretRef.parse(ref.passphrase)).private
    known = SafeKeys(private)
    place = str(hospital.crosswalk_file)
    plain = opened(hospital.crosswalk_file.read_bytes(), known, place).replace(old.encode(), new.encode())
    Path(str(other.place)).write_bytes(sealed(plain, [private.public], private))


@pytest.mark.parametrize("dates", ["keep", "shift"])
def test_into_a_bucket(hospital: Hospital, s3_environment: str, dates: str) -> None:
    away = f"{s3_environment}/clean"
    job = prepare(hospital.source, away, crosswalk=hospital.crosswalk, dates=dates)
    done = run(job)
    assert (done.tally.done.objects, done.tally.quarantined.objects) == (4, 3)
    store = open_store(job.dest)
    found = {info.key: bytes(store.get(info.key).data) for info in store.list()}
    assert sum(name.endswith(".edf") for name in found) == 3
    assert named_in(found) == []
    assert run(prepare(hospital.source, away, crosswalk=hospital.crosswalk, dates=dates)).plan.todo.objects == 0


def test_from_a_bucket(hospital: Hospital, s3_environment: str) -> None:
    store = open_store(store_spec(f"{s3_environment}/export"))
    for name, one in content(hospital.source).items():
        store.put(name, one)
    done = run(prepare(f"{s3_environment}/export", hospital.dest, crosswalk=hospital.crosswalk))
    assert (done.tally.done.objects, done.tally.quarantined.objects) == (4, 3)
    assert named_in(content(hospital.dest)) == []


@pytest.mark.slow
def test_killed_at_random_and_run_again(hospital: Hospital) -> None:
    for number in range(12):
        hospital.write(f"Okonkwo/{number}.edf", "X F X Okonkwo_Ada", f"10.{number:02}.00", b"Okonkwo", records=4000)
    assert hospital.deidentify().returncode == 5
    whole = content(hospital.dest, "*.edf")
    landed, kills = 0, kills_of(25)
    for number in range(kills):
        hospital.forget_results()
        words = hospital.words()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.8 + 2.5 * number / kills)
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        assert hospital.deidentify().returncode == 5
        assert content(hospital.dest, "*.edf") == whole
        assert named_in(content(hospital.dest)) == []
    assert landed


def test_nothing_that_is_said_has_a_name(hospital: Hospital) -> None:
    for words in (("--json",), ("--debug",), ("--dry-run", "--json")):
        ended = hospital.deidentify(*words)
        assert named_in({"out": ended.stdout, "err": ended.stderr}) == []
    for verb in (("run", "show", "last"), ("run", "list"), ("audit", "show"), ("run", "retry", "last")):
        ended = subprocess.run(
            [sys.executable, "-m", "bondstore", *verb, "--dest", str(hospital.dest), "--json"], capture_output=True
        )
        assert ended.returncode in (0, 5), ended.stderr
        assert named_in({"out": ended.stdout, "err": ended.stderr}) == []


@pytest.mark.parametrize("folder", ["Muller~ Petra", "petra_muller", "Petra Muller, 2019"])
def test_a_patients_whole_name_is_refused_in_folders_above_too(hospital: Hospital, folder: str) -> None:
    with pytest.raises(PolicyError, match="address"):
        neuro.deidentify(hospital.source, hospital.dest.parent / folder / "clean", crosswalk=hospital.crosswalk, jobs=1)


def test_a_home_folder_may_have_a_name_in_common_with_a_patient(hospital: Hospital) -> None:
    dest = hospital.dest.parent / "petra" / "clean"
    assert neuro.deidentify(hospital.source, dest, crosswalk=hospital.crosswalk, jobs=1).tally.done.objects == 4
