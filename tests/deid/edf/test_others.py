"""edfio, pyedflib and MNE open what they opened before, with the same samples and annotations but for blanked texts."""

import re
from datetime import date, time
from pathlib import Path

import edfio
import numpy as np
import pyedflib
import pytest

from bondstore.deid.edf.rules import Rules, floored
from bondstore.deid.edf.scrub import Scrub
from tests.deid.edf.programs import DATA, PROGRAMS, SHIPPED, opened_by
from tests.deid.edf.recordings import Signal, Tokens, annotations, header, record

NAMES = Tokens(("abcxyz99", "Hans", "Müller", "Muller", "Spotty", "Dr._X", "RECORD START", "Recording ends"))
BLANKED = re.compile("|".join(NAMES.words), re.IGNORECASE)


def is_same(before: Path, after: Path) -> list[str]:
    """Return the programs that opened the file before; they open it now, and see the same."""
    able = []
    for program in PROGRAMS:
        first, second = opened_by(program, before), opened_by(program, after)
        if isinstance(first, str):
            continue
        assert not isinstance(second, str), (program, second)
        assert first.has_samples_of(second)
        blanked = [(at, length, BLANKED.sub(as_blank, text)) for at, length, text in first.texts]
        assert second.texts == blanked
        able.append(program)
    return able


def as_blank(found: re.Match[str]) -> str:
    return "X" * len(found[0].encode())


def scrub(path: Path, target: Path, rules: Rules = Rules("k3m9x2qa", NAMES)) -> Path:  # noqa: B008 - frozen
    after = target / f"after{path.suffix}"
    with path.open("rb") as file:
        passing = Scrub(file, rules, threads=1)
        after.write_bytes(b"".join(map(bytes, passing)))
    assert after.stat().st_size == path.stat().st_size
    assert passing.result.samples_in == passing.result.samples_out
    return after


def test_the_test_set_is_installed() -> None:
    assert len(SHIPPED) >= 7


@pytest.mark.parametrize("name", SHIPPED)
def test_the_test_set_of_pyedflib_goes_through(name: str, tmp_path: Path) -> None:
    after = scrub(DATA / name, tmp_path)
    assert is_same(DATA / name, after)
    content = after.read_bytes()
    assert not re.search(rb"(?i)abcxyz99|hans|muller|spotty|recording ends", content)
    assert not any(word.encode() in content for word in NAMES.words)


@pytest.mark.parametrize("rules", [Rules("k", NAMES, floored), Rules("k" * 72, NAMES)], ids=["floor", "long code"])
def test_other_rules_leave_a_file_that_programs_open(rules: Rules, tmp_path: Path) -> None:
    for name in ("test_generator.edf", "test_generator.bdf", "test_subsecond.edf"):
        assert is_same(DATA / name, scrub(DATA / name, tmp_path, rules))
    with pyedflib.EdfReader(str(tmp_path / "after.edf")) as found:
        assert found.getPatientCode() == rules.code
        assert {found.getPatientName(), found.getTechnician(), found.getAdmincode()} <= {"", "X"}


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_a_file_of_edfio_with_a_start_fraction(kind: str, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    whole, one = (edfio.Bdf, edfio.BdfSignal) if kind == "bdf" else (edfio.Edf, edfio.EdfSignal)
    texts = [edfio.EdfAnnotation(at * 0.37, 0.25, f"pt Müller {at}") for at in range(40)]
    written = whole(
        [one(random.normal(size=256 * 30), 256, label=label) for label in ("EEG Fp1", "EEG Cz")],
        patient=edfio.Patient(code="abcxyz99", name="Hans_Muller", birthdate=date(1969, 6, 30), sex="M"),
        recording=edfio.Recording(
            startdate=date(2002, 3, 2), investigator_technician_code="Dr._X", hospital_administration_code="9"
        ),
        starttime=time(10, 20, 30, 250_000),
        data_record_duration=1,
        annotations=texts,
    )
    path = tmp_path / f"before.{kind}"
    written.write(path)
    after = scrub(path, tmp_path)
    assert is_same(path, after) == ["edfio", "pyedflib", "MNE"]
    found = (edfio.read_bdf if kind == "bdf" else edfio.read_edf)(after)
    assert (found.startdate, found.starttime) == (date(2002, 3, 2), time(10, 20, 30, 250_000))
    assert (found.patient.code, found.patient.name, found.patient.sex) == ("k3m9x2qa", "X", "X")


def test_two_annotation_signals_and_gaps(tmp_path: Path) -> None:
    signals = (Signal(samples=8), annotations(40), annotations(30))
    second = b"+0.25\x14pt Spotty\x14\0".ljust(60, b"\0")
    for kind, starts in (("EDF+C", (b"+0", b"+1")), ("EDF+D", (b"+0", b"+7.5"))):
        records = b"".join(
            record(number, start + b"\x14\x14\0" + start + b"\x150.5\x14Hans\x14ok\x14\0", room=80) + second
            for number, start in enumerate(starts)
        )
        path = tmp_path / f"{kind}.edf"
        path.write_bytes(header(signals, kind=kind) + records)
        able = is_same(path, scrub(path, tmp_path))
        assert "edfio" in able
        assert "MNE" in able


def test_dropped_annotations_leave_a_file_that_programs_open(tmp_path: Path) -> None:
    after = scrub(DATA / "test_generator.edf", tmp_path, Rules("k", NAMES, annotations="drop"))
    for program in PROGRAMS.values():
        before, now = program(DATA / "test_generator.edf"), program(after)
        assert before.texts
        assert now.texts == []
        assert before.has_samples_of(now)
