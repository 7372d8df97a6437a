from __future__ import annotations

import tracemalloc
from datetime import date
from pathlib import Path

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.domains.neuro.kinds import Kind
from bondstore.domains.neuro.layout import lay_out
from bondstore.domains.neuro.patients import Patient, patients_in
from bondstore.errors import DamagedError
from bondstore.stores import open_store
from tests.deid.edf.recordings import Signal, annotations, header

CODE = "kx3m9q2a"
HANS = "H0012345 M 12-MAR-1969 Muller_Hans"


def write(file: Path, patient: str = HANS, clock: str = "10.20.30") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    content = header((Signal(), annotations(10)), patient=patient, start=("02.03.19", clock), records="1")
    file.write_bytes(content + bytes(16) + b"+0\x14\x14".ljust(20, b"\0"))


def patients(root: Path) -> dict[str, Patient]:
    return {one.folder: one for one in patients_in(open_store(StoreSpec(root.as_uri(), Profile())))}


def test_each_folder_is_a_patient_and_files_lie_at_any_depth(tmp_path: Path) -> None:
    """The lab's script looked at one depth, and passed over what was higher or deeper."""
    write(tmp_path / "Muller~ Hans/EDF/a/b/late.EDF", clock="11.00.00")
    write(tmp_path / "Muller~ Hans/early.edf")
    (tmp_path / "Muller~ Hans/x.erd").write_bytes(b"x")
    (tmp_path / "Muller~ Hans/letter.doc").write_bytes(b"x")
    (tmp_path / "Muller~ Hans/bad.edf").write_bytes(b"x")
    write(tmp_path / "Weber/one.edf", "X X X Weber_P")
    write(tmp_path / "loose.edf", "X X X Nobody_Known")
    (tmp_path / ".bondstore").mkdir()
    (tmp_path / ".bondstore/ledger").write_bytes(b"x")
    found = patients(tmp_path)
    assert sorted(found) == ["", "Muller~ Hans", "Weber"]
    hans = found["Muller~ Hans"]
    assert hans.refused == {"Muller~ Hans/x.erd": Kind.NATUS, "Muller~ Hans/letter.doc": Kind.DOCUMENT}
    assert isinstance(hans.unread["Muller~ Hans/bad.edf"], DamagedError)
    layout = lay_out(CODE, [one.found for one in hans.files.values()])
    assert layout.paths == {
        "Muller~ Hans/early.edf": f"{CODE}_edf/{CODE}_1.edf",
        "Muller~ Hans/EDF/a/b/late.EDF": f"{CODE}_edf/{CODE}_2.edf",
    }


def test_spellings_of_one_person_are_joined(tmp_path: Path) -> None:
    write(tmp_path / "P/1.edf")
    write(tmp_path / "P/2.edf", "X M 12-MAR-1969 MULLER,_H.")
    write(tmp_path / "P/3.edf", "H0012345 M X X")
    write(tmp_path / "P/4.edf", "X X X X")
    (person,) = patients(tmp_path)["P"].people
    assert person.names == ("Muller_Hans", "MULLER,_H.")
    assert (person.births, person.numbers) == ((date(1969, 3, 12),), ("H0012345",))


def test_files_of_somebody_else_in_a_folder_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path / "P/1.edf")
    write(tmp_path / "P/2.edf", "X F 12-MAR-1969 Muller_Petra")
    write(tmp_path / "P/3.edf", "X M 13-APR-1970 Muller_Hans")
    assert len(patients(tmp_path)["P"].people) == 3


def test_what_is_kept_of_a_recording_does_not_grow_with_its_header(tmp_path: Path) -> None:
    """A hospital has tens of thousands: their headers are read and let go."""
    signals = [Signal(f"EEG {number}", 1) for number in range(127)]
    content = header(signals, patient=HANS, records="1") + bytes(2 * 127)
    folder = tmp_path / "P"
    folder.mkdir()
    for number in range(200):
        (folder / f"{number}.edf").write_bytes(content)
    patients(tmp_path)
    tracemalloc.start()
    try:
        found = patients(tmp_path)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(found["P"].files) == 200
    assert held < 200 * len(content) / 8
