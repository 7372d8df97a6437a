"""A hospital's folder through the whole way: cleaned, numbered, and nothing of it named anywhere."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import edfio
import pytest

from bondstore.domains.neuro.job import DeidentifyJob
from bondstore.domains.neuro.service import prepare
from bondstore.domains.neuro.sources import How
from bondstore.errors import PolicyError, WaitingError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Executor, Processes, Serial
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
    assert kinds >= {"identity-removed", "natus-file", "video-not-cleaned", "unknown-kind"}
    assert {one.where for one in found if one.kind == "identity-removed"} >= {"patient", "annotation", "notes"}


def test_a_dry_run_changes_nothing(hospital: Hospital) -> None:
    planned = run(job_of(hospital), dry_run=True)
    assert planned.plan.todo.objects == 7
    assert not hospital.dest.exists()
    assert not hospital.crosswalk_file.exists()


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


@pytest.mark.slow
def test_killed_at_random_and_run_again(hospital: Hospital) -> None:
    for number in range(12):
        hospital.write(f"Okonkwo/{number}.edf", "X F X Okonkwo_Ada", f"10.{number:02}.00", b"Okonkwo", records=4000)
    assert hospital.deidentify().returncode == 5
    whole = content(hospital.dest, "*.edf")
    for number in range(kills_of(12)):
        hospital.forget_results()
        words = hospital.words()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(1.0 + number * 0.15)
        process.kill()
        process.wait()
        assert hospital.deidentify().returncode == 5
        assert content(hospital.dest, "*.edf") == whole
        assert named_in(content(hospital.dest)) == []


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
