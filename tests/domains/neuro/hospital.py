"""A small hospital's folder, with names where hospitals leave them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bondstore.domains.neuro.job import CrosswalkRef
from tests.deid.edf.recordings import Signal, annotations, header

PLANTED = [b"muller", b"petra", b"h0012345", b"keller", b"okonkwo"]
_RECORD = 16 + 80
BESIDE = ("recordings.csv", "records/crosswalk.json")
"""What deidentify writes for the whole of a destination; a vault has it elsewhere, or not."""


@dataclass(frozen=True)
class Hospital:
    source: Path
    dest: Path
    crosswalk: CrosswalkRef
    day: date = date(2019, 3, 2)
    notes: str = "Exam of Muller, Petra\nClip 1: 02/03/2019 11:00:05\nspike\n"

    @property
    def crosswalk_file(self) -> Path:
        assert self.crosswalk.place is not None
        return Path(self.crosswalk.place)

    def write(self, name: str, patient: str, clock: str, text: bytes, *, records: int = 1) -> None:
        file = self.source / name
        file.parent.mkdir(parents=True, exist_ok=True)
        signals = Signal(), annotations(40)
        head = header(signals, patient=patient, recording=_STAFF, start=("02.03.19", clock), records=str(records))
        lists = (b"+%d\x14\x14\0+%d\x14%s\x14\0" % (at, at, text) for at in range(records))
        file.write_bytes(head + b"".join(bytes(range(16)) + one.ljust(80, b"\0") for one in lists))

    def fill(self) -> None:
        self.write("Muller~ Petra/late.EDF", "H0012345 F 12-MAR-1969 Muller_Petra", "11.00.00", b"Petra Muller asleep")
        self.write("Muller~ Petra/deep/early.edf", "X F 12-MAR-1969 MULLER,_P.", "10.00.00", b"seen by Quimby")
        self.write("Keller/1.edf", "X M X Keller_Hans", "10.00.00", b"Mr Keller moves")
        (self.source / "Keller/Keller.vt2").write_bytes(b"Keller")
        (self.source / "Keller/Keller.xyz").write_bytes(b"Keller")
        (self.source / "Keller/Keller.avi").write_bytes(b"Keller")
        (self.source / "Muller~ Petra/Muller snc.txt").write_text(self.notes)

    def only(self, patient: str) -> None:
        for folder in self.source.iterdir():
            if folder.name != patient:
                shutil.rmtree(folder)

    def forget_results(self) -> None:
        shutil.rmtree(self.dest)

    def words(self, *more: str, verb: str = "deidentify") -> list[str]:
        known = self.crosswalk
        opened = ("--crosswalk", str(known.place), "--key", str(known.key), "--passphrase", str(known.passphrase))
        places = {"plan": [self.source], "audit": [self.dest]}.get(verb, [self.source, self.dest])
        return [sys.executable, "-m", "bondstore", "neuro", verb, *map(str, places), *opened, *more]

    def deidentify(self, *more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.words(*more), capture_output=True, timeout=100)

    def audit(self, *more: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.words(*more, verb="audit"), capture_output=True, timeout=100)

    def written(self) -> dict[str, Path]:
        """Return where each file of the source went, as `neuro plan` says once the crosswalk has its patient."""
        words = self.words("--show-names", "--json", verb="plan")
        shown = subprocess.run(words, capture_output=True, timeout=100, check=True).stdout
        rows = map(json.loads, shown.splitlines())
        return {row["file"]: self.dest / row["new_name"] for row in rows if row.get("new_name")}


_STAFF = "Startdate 02-MAR-2019 X X X"


def content(root: Path, pattern: str = "*") -> dict[str, bytes]:
    return {str(one.relative_to(root)): one.read_bytes() for one in root.rglob(pattern) if one.is_file()}


def named_in(found: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    """Return where planted names are: in names, and in bytes."""
    return [
        (name, planted)
        for name, one in found.items()
        for planted in PLANTED
        if planted in one.lower() or planted in name.lower().encode()
    ]


def samples(recording: bytes) -> bytes:
    """Return the samples of a recording of `Hospital.write`."""
    body = recording[256 * 3 :]
    return b"".join(body[at : at + 16] for at in range(0, len(body), _RECORD))
