"""What people reported about other programs, each as a test of `bondstore neuro deidentify`.

Restored objects that are skipped, old archives of MD5, and checksums in trailers are tests of the vault and of stores.
"""

from __future__ import annotations

import json
import re
from datetime import date, time, timedelta
from pathlib import Path

import edfio
import numpy as np
import pytest

from tests.deid.edf.programs import Opened, opened_by
from tests.deid.edf.recordings import Signal, annotations, header, record
from tests.domains.neuro.hospital import Hospital, content

NAME, BLANK = b"Muller", b"XXXXXX"


def put(hospital: Hospital, raw: bytes, name: str = "Muller~ Hans/night.edf") -> Path:
    path = hospital.source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(raw)
    return path


def cleaned(hospital: Hospital, *more: str) -> tuple[Path, list[str]]:
    """Return the one recording that is written, and the kinds of what was found."""
    before = content(hospital.source)
    done = hospital.deidentify("--json", *more)
    assert done.returncode == 0, done.stderr
    assert content(hospital.source) == before
    (path,) = hospital.dest.rglob("*.[eb]df")
    rows = map(json.loads, done.stdout.splitlines())
    assert not [name for name, one in content(hospital.dest).items() if b"muller" in one.lower()]
    return path, [row["finding"] for row in rows if row["kind"] == "finding"]


def body(raw: bytes, signals: int = 2) -> bytes:
    return raw[256 * (signals + 1) :]


def test_technician_administration_code_and_free_subfields_do_not_survive(empty_hospital: Hospital) -> None:
    raw = header(
        patient="abcxyz99 M 30-JUN-1969 Hans_Muller ward_7 bed_2",
        recording="Startdate 02-MAR-2002 EMG561 Dr._Okonkwo NK1200 room_9",
    )
    put(empty_hospital, raw + record(0) + record(1))
    path, _ = cleaned(empty_hospital)
    now, code = path.read_bytes(), path.name[:8]
    found = edfio.read_edf(path)
    assert (found.patient.code, found.patient.name, found.patient.additional) == (code, "X", ())
    told = found.recording
    assert (told.hospital_administration_code, told.investigator_technician_code) == ("X", "X")
    assert (told.equipment_code, told.additional) == ("X", ())
    gone = (b"EMG561", b"Okonkwo", b"NK1200", b"room_9", b"ward_7", b"bed_2", b"abcxyz99", b"1969")
    assert [word for word in gone for one in content(empty_hospital.dest).values() if word in one] == []
    assert now[8:168] == f"{code} X X X".encode().ljust(80) + b"Startdate 02-MAR-2002 X X X".ljust(80)
    assert now[256:] == raw[256:] + record(0) + record(1)


def test_a_code_longer_than_its_80_bytes_is_refused(empty_hospital: Hospital) -> None:
    put(empty_hospital, header() + record(0) + record(1))
    for code in ("k" * 9, "k" * 80, "k" * 200):
        done = empty_hospital.deidentify("--code", code)
        assert done.returncode == 2
        assert b"8 characters" in done.stderr
        assert not empty_hospital.dest.exists()


@pytest.mark.parametrize("dates", ["keep", "shift", "floor"])
def test_fields_that_are_full_to_80_bytes_stay_so_long_and_viewers_open_the_file(
    empty_hospital: Hospital, dates: str
) -> None:
    patient = "abcxyz99 M 30-JUN-1969 Hans_Muller " + "ward_7 " * 6
    recording = "Startdate 02-MAR-2002 EMG561 Dr._X NK1200 " + "Muller_ " * 4
    raw = header(patient=patient.ljust(80, "w"), recording=recording.ljust(80, "w"))
    before = put(empty_hospital, raw + record(0) + record(1))
    path, _ = cleaned(empty_hospital, "--dates", dates)
    now = path.read_bytes()
    assert len(now) == before.stat().st_size
    assert now[184:192] == b"768     "
    assert [now[88:98], now[192:197]] == [b"Startdate ", b"EDF+C"]
    for program in ("edfio", "pyedflib", "MNE"):  # EDFlib, in pyedflib, is what refused a longer field
        assert isinstance(opened_by(program, before), Opened), program
        assert isinstance(opened_by(program, path), Opened), program


def test_annotations_neither_vanish_nor_are_rounded_to_the_second(empty_hospital: Hospital) -> None:
    first = b"+0\x14\x14\0+0.123456\x150.000001\x14spike Muller\x14\0"
    second = b"+1\x14\x14\0+1.0001\x150.25\x14Muller\x14flat\x14\0+1.9\x14\xc3\xbcber\x14\0"
    before = put(empty_hospital, header((Signal(), annotations(40))) + _joined(first, second))
    path, _ = cleaned(empty_hospital)
    assert body(path.read_bytes()) == body(before.read_bytes()).replace(NAME, BLANK)
    for program in ("edfio", "MNE"):
        was, now = (opened_by(program, one) for one in (before, path))
        assert isinstance(was, Opened)
        assert isinstance(now, Opened)
        assert len(now.texts) == 4
        assert now.texts == [(at, length, text.replace("Muller", "XXXXXX")) for at, length, text in was.texts]
    assert now.texts[0][:2] == (0.123456, 0.000001)


def _joined(*lists: bytes) -> bytes:
    return b"".join(record(number, one, room=80) for number, one in enumerate(lists))


@pytest.mark.parametrize(
    ("day", "floored"), [(date(2000, 1, 3), False), (date(1985, 1, 3), True), (date(2084, 12, 29), False)]
)
def test_two_digit_years_and_the_1985_floor_after_shifting(
    empty_hospital: Hospital, day: date, *, floored: bool
) -> None:
    """From 3 January 1985 any shift, of a week at least, leads to before what EDF can state."""
    recording = f"Startdate {day:%d-%b-%Y} X X X".upper().replace("STARTDATE", "Startdate")
    put(empty_hospital, header(recording=recording, start=(f"{day:%d.%m.%y}", "10.20.30")) + record(0) + record(1))
    path, found = cleaned(empty_hospital, "--dates", "shift")
    (entry,) = empty_hospital.crosswalk.open().entries()
    wanted = date(1985, 1, 1) if floored else day + timedelta(entry.shift)
    read = edfio.read_edf(path)
    assert (read.startdate, read.recording.startdate) == (wanted, wanted)
    assert path.read_bytes()[168:176].decode() == f"{wanted:%d.%m.%y}"
    assert ("edf-date-floored" in found) == floored


def test_a_recording_of_before_1985_is_not_taken_for_one_of_this_century(empty_hospital: Hospital) -> None:
    """Two digits say 2070, the recording field 1970. EDF cannot state that, so 1985 is written, and told."""
    raw = header(recording="Startdate 02-MAR-1970 X X X", start=("02.03.70", "10.20.30"))
    put(empty_hospital, raw + record(0) + record(1))
    path, found = cleaned(empty_hospital)
    read = edfio.read_edf(path)
    assert (read.startdate, read.recording.startdate) == (date(1985, 1, 1), date(1985, 1, 1))
    assert "edf-date-floored" in found


def test_edf_d_is_not_read_as_continuous(empty_hospital: Hospital) -> None:
    starts = (b"+0", b"+7.5", b"+100.25")
    lists = [one + b"\x14\x14\0" + one + b"\x14Muller\x14\0" for one in starts]
    raw = header((Signal(), annotations(40)), kind="EDF+D", records="3") + _joined(*lists)
    before = put(empty_hospital, raw)
    path, _ = cleaned(empty_hospital)
    now = path.read_bytes()
    assert now[192:236] == b"EDF+D".ljust(44)
    assert body(now) == body(raw).replace(NAME, BLANK)
    assert re.findall(rb"(\+[\d.]+)\x14\x14\0", body(now)) == list(starts)
    was, is_now = opened_by("MNE", before), opened_by("MNE", path)
    assert isinstance(was, Opened)
    assert isinstance(is_now, Opened)
    assert is_now.has_samples_of(was)


def test_a_record_count_of_minus_1_is_kept_and_all_records_are_cleaned(empty_hospital: Hospital) -> None:
    lists = [b"+%d\x14\x14\0+%d\x14Muller\x14\0" % (at, at) for at in range(4)]
    raw = header((Signal(), annotations(40)), records="-1") + _joined(*lists)
    before = put(empty_hospital, raw)
    path, found = cleaned(empty_hospital)
    now = path.read_bytes()
    assert now[236:244] == b"-1      "
    assert body(now) == body(raw).replace(NAME, BLANK)
    assert "edf-records-unstated" in found
    was, is_now = opened_by("edfio", before), opened_by("edfio", path)
    assert isinstance(was, Opened)
    assert isinstance(is_now, Opened)
    assert is_now.has_samples_of(was)
    assert len(is_now.texts) == 4


@pytest.mark.parametrize("more", [(), ("--dates", "shift"), ("--annotations", "drop")], ids=" ".join)
def test_a_start_fraction_leaves_annotations_that_are_read(empty_hospital: Hospital, more: tuple[str, ...]) -> None:
    random = np.random.default_rng(7)
    written = edfio.Edf(
        [edfio.EdfSignal(random.normal(size=256 * 30), 256, label="EEG Fp1")],
        patient=edfio.Patient(name="Hans_Muller"),
        recording=edfio.Recording(startdate=date(2012, 3, 2)),
        starttime=time(10, 20, 30, 250_000),
        data_record_duration=1,
        annotations=[edfio.EdfAnnotation(at * 0.37, 0.25, f"{at} saw Muller") for at in range(40)],
    )
    before = empty_hospital.source / "Muller~ Hans/night.edf"
    before.parent.mkdir(parents=True)
    written.write(before)
    path, _ = cleaned(empty_hospital, *more)
    found = edfio.read_edf(path)
    assert found.starttime == time(10, 20, 30, 250_000)
    kept = [(one.onset, one.duration, one.text.replace("Muller", "XXXXXX")) for one in written.annotations]
    assert [tuple(one) for one in found.annotations] == ([] if "drop" in more else kept)
    for program in ("pyedflib", "MNE"):
        was, now = opened_by(program, before), opened_by(program, path)
        assert isinstance(was, Opened)
        assert isinstance(now, Opened)
        assert now.has_samples_of(was)


@pytest.mark.parametrize("name", ["Müller", "Müller_Hans~"])
def test_a_latin_1_byte_in_the_patient_field(empty_hospital: Hospital, name: str) -> None:
    """pyedflib refuses the original, and opens what is written."""
    field = f"abcxyz99 M 30-JUN-1969 {name}".encode("latin-1")
    line = b"+0\x14\x14\0+0\x14" + "saw Müller".encode("latin-1") + b"\x14\0"
    before = put(empty_hospital, header((Signal(), annotations(40)), patient=field) + _joined(line, b"+1\x14\x14\0"))
    path, found = cleaned(empty_hospital)
    assert path.read_bytes()[:256].isascii()
    assert not [one for one in content(empty_hospital.dest).values() if b"M\xfcller" in one or b"ller" in one]
    assert "edf-text-not-ascii" in found
    assert isinstance(opened_by("pyedflib", before), str)
    assert isinstance(opened_by("pyedflib", path), Opened)
