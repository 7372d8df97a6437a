"""Folders that other scripts lost files of: clashes, days, case, composed letters, an earlier attempt. Nothing is lost.

Each recording has samples of its own, and each video a width of its own, so that every file of the source is known
again at the destination, whatever it is called there.
"""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import av
import edfio
from demo.hospital import avi

from tests.deid.edf.recordings import header, record
from tests.domains.neuro.hospital import Hospital, content

CODE, DAY = "k3f9a2bq", datetime(2019, 3, 2, 10)
KELLER = "H0099 M X Keller_Hans"


class Folder:
    """Fills a source with recordings and videos that can be told apart."""

    def __init__(self, hospital: Hospital) -> None:
        self.source, self.made = hospital.source, 0

    def recording(self, name: str, patient: str = KELLER, clock: str = "10.00.00") -> None:
        self.made += 1
        samples = self.made.to_bytes(2, "little") * 8
        body = b"".join(samples + record(at)[16:] for at in range(2))
        self._write(name, header(patient=patient, start=("02.03.19", clock)) + body)

    def video(self, name: str) -> None:
        self.made += 1
        self._write(name, avi("Keller", "", DAY, size=16 + 4 * self.made))

    def _write(self, name: str, data: bytes) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert not path.exists()
        path.write_bytes(data)


def marks(root: Path) -> Counter[tuple[str, int]]:
    """Return what tells files apart: the first sample of a recording by edfio, the width of a video by PyAV."""
    found: list[tuple[str, int]] = []
    for path in filter(Path.is_file, root.rglob("*")):
        if path.suffix.lower() in (".edf", ".bdf"):
            found.append(("recording", int(edfio.read_edf(path).signals[0].digital[0])))
        elif path.suffix.lower() == ".avi":
            with av.open(str(path)) as file:
                found.append(("video", file.streams.video[0].width))
    return Counter(found)


def deidentify(hospital: Hospital, *more: str) -> dict[str, bytes]:
    """Run the command; return the recordings and videos that are there now, by paths that differ anywhere."""
    before = content(hospital.source)
    done = hospital.deidentify(*more)
    assert done.returncode == 0, done.stderr
    assert content(hospital.source) == before
    assert marks(hospital.dest) == marks(hospital.source)
    found = {name: data for name, data in content(hospital.dest).items() if name.startswith(CODE)}
    assert len(found) == len(before)
    assert len({unicodedata.normalize("NFC", name).casefold() for name in found}) == len(found)
    return found


def test_of_10_numbering_clashes_and_8_day_folders_no_file_is_lost(empty_hospital: Hospital) -> None:
    """The lab's scripts lost 2 of 3 recordings and 1 of 8 videos. A second run adds, and moves nothing."""
    folder = Folder(empty_hospital)
    for pair in range(10):
        for half in "ab":
            folder.recording(f"Keller~ Hans/export {half}/run{pair}/eeg.edf", clock=f"1{pair}.00.00")
    for day, name in enumerate(("Keller_1", "Keller_2", "Keller_02", "KELLER_2", "keller_3", "x_12", "y_12", "z_012")):
        folder.video(f"Keller~ Hans/{name}/clip.avi")
        folder.video(f"Keller~ Hans/{name}/day {day}/clip.AVI")
    first = deidentify(empty_hospital, "--code", CODE)
    assert {f"{CODE}_edf/{CODE}_{number}.edf" for number in range(1, 21)} < first.keys()
    assert {re.sub(r"_\d+\.avi$", "", name) for name in first if name.endswith(".avi")} >= {
        f"{CODE}/{CODE}_{day}/{CODE}_{day}" for day in (1, 2, 3, 12)
    }
    folder.recording("Keller~ Hans/export c/run0/eeg.edf")
    folder.video("Keller~ Hans/w_12/clip.avi")
    assert first.items() < deidentify(empty_hospital).items()


def test_a_second_export_of_the_same_patient_writes_over_nothing(empty_hospital: Hospital, tmp_path: Path) -> None:
    """Also where its files have the names and starts that those of the first one have."""
    first, second = Folder(empty_hospital), Folder(replace(empty_hospital, source=tmp_path / "next month"))
    second.made = 100
    for folder in (first, second):
        folder.recording("Keller~ Hans/1.edf")
        folder.recording("Keller~ Hans/2.edf", clock="11.00.00")
        folder.video("Keller~ Hans/Keller_12/clip.avi")
    before = deidentify(empty_hospital, "--code", CODE)
    for hospital in (replace(empty_hospital, source=second.source), empty_hospital):
        done = hospital.deidentify()
        assert done.returncode == 0, done.stderr
        assert marks(empty_hospital.dest) == marks(empty_hospital.source) + marks(second.source)
        assert before.items() < content(empty_hospital.dest).items()
        rows = (empty_hospital.dest / "recordings.csv").read_text().splitlines()
        assert len(rows) == 1 + 6
    words = ["audit", "verify", "--dest", str(empty_hospital.dest)]
    verified = subprocess.run([sys.executable, "-m", "bondstore", *words], capture_output=True, timeout=60)
    assert verified.returncode == 0, verified.stdout


def test_names_that_differ_by_case_or_by_how_letters_are_composed_lose_no_file(empty_hospital: Hospital) -> None:
    folder = Folder(empty_hospital)
    for name in ("é.edf", "e\u0301.edf", "É.EDF", "night.edf", "Night.edf", "NIGHT.EDF", "straße.edf", "STRASSE.edf"):
        folder.recording(f"Keller~ Hans/{name}")
    for name in ("é/clip.avi", "e\u0301/clip.avi", "night/clip.avi", "Night/Clip.AVI", "NIGHT/CLIP.avi"):
        folder.video(f"Keller~ Hans/{name}")
    for name in ("keller~ hans", "KELLER_HANS", "Keller, Hans"):
        folder.recording(f"{name}/night.edf")
    deidentify(empty_hospital, "--code", CODE)
    assert len(empty_hospital.crosswalk.open().entries()) == 1


def test_folders_that_an_earlier_attempt_renamed_in_part_lose_no_file(empty_hospital: Hospital) -> None:
    """What has a number keeps it, also in a folder of the code; of two files of one number the other gets another."""
    folder = Folder(empty_hospital)
    folder.recording("Keller~ Hans/first.edf", clock="09.00.00")
    deidentify(empty_hospital, "--code", CODE)
    folder.recording(f"Keller~ Hans/{CODE}_7.edf", clock="11.00.00")
    folder.recording(f"Keller~ Hans/deep/{CODE.upper()}_7.EDF", clock="12.00.00")
    folder.recording(f"{CODE}_edf/{CODE}_3.edf", patient="X X X X", clock="13.00.00")
    folder.recording(f"{CODE}_edf/night.edf", patient="X X X X", clock="14.00.00")
    folder.recording(f"{CODE}/{CODE}_1.edf", patient=f"{CODE} X X X", clock="15.00.00")
    folder.video(f"{CODE}/{CODE}_12/{CODE}_12_1.avi")
    folder.video("Keller~ Hans/Keller_12/clip.avi")
    found = deidentify(empty_hospital)
    numbers = sorted(int(name.rpartition("_")[2].removesuffix(".edf")) for name in found if name.endswith(".edf"))
    assert len(numbers) == 6
    assert {1, 3, 7} < set(numbers)
    assert int(edfio.read_edf(empty_hospital.dest / f"{CODE}_edf/{CODE}_3.edf").signals[0].digital[0]) == 4
    assert {f"{CODE}/{CODE}_12/{CODE}_12_{number}.avi" for number in (1, 2)} < found.keys()
