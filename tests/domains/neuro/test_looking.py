"""What a first look tells, against pyedflib on the files that it is tested with itself."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import edfio
import pyedflib
import pytest
from demo.hospital import avi

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.deid.edf.header import Header, read_header
from bondstore.deid.people import Person
from bondstore.domains.neuro.identity import patient_of, staff_of
from bondstore.domains.neuro.kinds import Kind
from bondstore.domains.neuro.looking import CONTAINER, FILE_TIME, HEADER, TEXT, Looked, look
from bondstore.errors import DamagedError
from bondstore.stores import open_store
from tests.deid.edf.programs import DATA, SHIPPED


def looked(folder: Path, key: str) -> Looked:
    store = open_store(StoreSpec(folder.as_uri(), Profile()))
    return look(store, store.head(key))


@pytest.fixture(params=SHIPPED)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(DATA / request.param, tmp_path / request.param))


def test_files_of_pyedflib(file: Path) -> None:
    """The start is read by edfio: pyedflib cuts the fraction of a second to a tenth of it."""
    found = looked(file.parent, file.name)
    other = edfio.read_bdf(file) if file.suffix == ".bdf" else edfio.read_edf(file)
    with pyedflib.EdfReader(str(file)) as reader:
        technician, patient, code = reader.getTechnician(), reader.getPatientName(), reader.getPatientCode()
        birth = reader.getBirthdate()
    assert found.by == HEADER
    if not read_header([file.read_bytes()])[0].is_plus:
        assert found.found.starts == (datetime(2011, 4, 4, 12, 57, 2),)
        return
    assert found.found.starts == (datetime.combine(other.startdate, other.starttime),)
    person = found.patient
    assert person is not None
    spelled = [name.replace("_", " ").removesuffix(" patient") for name in person.names]
    assert spelled == [patient] * (patient not in ("X", "X,X"))
    assert person.numbers == (code,) * (code not in ("", "X"))
    assert [f"{day:%d %b %Y}".lower() for day in person.births] == [birth.lower()] * bool(birth)
    named = [name.replace("_", " ") for one in found.staff for name in one.names]
    assert named == [technician] * (technician not in ("", "X"))


def header_with(patient: bytes, recording: bytes) -> Header:
    raw = bytearray((DATA / "test_generator.edf").read_bytes()[: 256 * 13])
    raw[8:168] = patient.ljust(80) + recording.ljust(80)
    return Header(bytes(raw[: Header.length(bytes(raw[:256]))]))


def test_a_free_text_is_parted_into_name_day_and_number() -> None:
    person = patient_of(header_with(b"Muller Hans 12.03.1969 H-0012345", b"Dr Weber, room 4"))
    assert person.names == ("Muller Hans",)
    assert [str(day) for day in person.births] == ["1969-03-12", "1969-12-03"]
    assert person.numbers == ("H-0012345",)
    (weber,) = staff_of(header_with(b"", b"Dr Weber, room 4"))
    assert "Weber" in weber.names[0]


@pytest.mark.parametrize("nobody", [b"X", b"X,X", b"X_X", b"XXXX,_XX"])
def test_what_is_unknown_is_nobody(nobody: bytes) -> None:
    """Also as test_utf8.edf of pyedflib has it, and once a program wrote X for each letter."""
    header = header_with(b"%s X X %s" % (nobody, nobody), b"Startdate 01-JAN-1985 %s %s X" % (nobody, nobody))
    assert patient_of(header) == Person(())
    assert staff_of(header) == ()


def test_notes_video_and_what_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "x_snc.txt").write_text("Clip\t2019-02-12 15:04:05\n", encoding="utf-16")
    moment = datetime(2019, 2, 12, 15, 4, 5)
    film = avi("", "", moment)
    (tmp_path / "x.avi").write_bytes(film)
    (tmp_path / "silent.avi").write_bytes(film.replace(b"IDIT", b"JUNK"))
    (tmp_path / "no.avi").write_bytes(b"RIFF")
    (tmp_path / "x.edf").write_bytes(b"no header")
    (tmp_path / "short.edf").write_bytes((DATA / "test_generator.edf").read_bytes()[:300])
    notes = looked(tmp_path, "x_snc.txt")
    assert (notes.found.kind, notes.found.starts, notes.by) == (Kind.NOTES, (datetime(2019, 2, 12, 15, 4, 5),), TEXT)
    video = looked(tmp_path, "x.avi")
    assert (video.found.starts, video.by) == ((moment,), CONTAINER)
    video = looked(tmp_path, "silent.avi")
    written = datetime.fromtimestamp((tmp_path / "silent.avi").stat().st_mtime, UTC).replace(tzinfo=None)
    assert video.by == FILE_TIME
    assert abs((video.found.starts[0] - written).total_seconds()) < 0.01
    for name in ("x.edf", "short.edf", "no.avi"):
        with pytest.raises(DamagedError):
            looked(tmp_path, name)
