"""Identity taken out of recordings, beside ``cp`` and other programs: ``python -m benchmarks.edf [MIB] [OTHERS_MIB]``.

An EDF+C file with names in its header and in the annotations, one a minute, is written in a folder of the system's
memory, where there is one. Each program reads it and writes another, in a process of its own, by turns; the median of
five rounds counts. The other programs get a smaller file, as some hold all of it in memory several times; ``cp`` copies
both.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from mmap import ACCESS_READ, mmap
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.memory import peak_memory
from bondstore.deid.edf.annotations import read_annotations
from bondstore.deid.edf.header import DATE, MAIN, Header
from bondstore.deid.edf.rules import Rules, floored
from bondstore.deid.edf.scrub import Scrub

ROUNDS = 5
SIGNALS, SAMPLES, ROOM = 32, 256, 128
PLANTED = {
    "patient's name": "Hans_Muller",
    "birth date": "30-JUN-1969",
    "hospital code": "abcxyz99",
    "technician": "Spotty",
    "administration code": "EMG561",
    "start date": "02-MAR-2002",
    "name in a transducer": "Brigitte",
    "name in an annotation": "Schneider",
}


def write(path: Path, size: int) -> None:
    """Write a recording of so many MiB."""
    from tests.deid.edf.recordings import Signal, annotations, header

    signals = [Signal(f"EEG {number}", SAMPLES, "AgCl Brigitte") for number in range(SIGNALS)]
    record = SIGNALS * SAMPLES * 2 + ROOM
    count = (size << 20) // record
    patient, recording = "abcxyz99 M 30-JUN-1969 Hans_Muller", "Startdate 02-MAR-2002 EMG561 Spotty X"
    noise = np.random.default_rng(7).integers(-3000, 3000, SIGNALS * SAMPLES * 40, np.int16).tobytes()
    with path.open("wb") as file:
        head = header((*signals, annotations(ROOM // 2)), patient=patient, recording=recording, records=str(count))
        file.write(head)
        for number in range(count):
            text = b"+%d.5\x150.25\x14Schneider moves left arm\x14\0" % number if number % 60 == 30 else b""
            at = number % 39 * SAMPLES * SIGNALS * 2 + number % 500 * 2
            file.write(noise[at : at + record - ROOM] + (b"+%d\x14\x14\0" % number + text).ljust(ROOM, b"\0"))


def cp(source: Path, target: Path) -> None:
    subprocess.run(["cp", source, target], check=True)


def bondstore(source: Path, target: Path) -> None:
    import re

    from bondstore.deid.finder import Found

    class Tokens:
        pattern = re.compile("schneider|brigitte|muller|hans", re.IGNORECASE)

        def find(self, text: str) -> list[Found]:
            return [Found(*found.span(), "name") for found in self.pattern.finditer(text)]

    with source.open("rb") as file, target.open("wb") as into:
        for piece in Scrub(file, Rules("k3m9x2qa", Tokens(), floored), threads=1):
            into.write(piece)


def edfio(source: Path, target: Path) -> None:
    from edfio import read_edf

    found = read_edf(source, lazy_load_data=True)
    found.anonymize()
    found.write(target)


def pyedflib(source: Path, target: Path) -> None:
    from pyedflib.highlevel import anonymize_edf

    anonymize_edf(str(source), new_file=str(target), verify=False)


def mne(source: Path, target: Path) -> None:
    from mne.export import export_raw
    from mne.io import read_raw_edf

    warnings.simplefilter("ignore")
    found = read_raw_edf(source, preload=False, verbose="error")
    found.anonymize(verbose="error")
    export_raw(target, found, fmt="edf", overwrite=True, verbose="error")


PROGRAMS: dict[str, Callable[[Path, Path], None]] = {one.__name__: one for one in (cp, bondstore, edfio, pyedflib, mne)}


def measured(program: str, source: Path, target: Path) -> list[float]:
    """Return seconds, processor seconds, both without imports, and the peak memory in MB of one round."""
    target.unlink(missing_ok=True)
    words = [sys.executable, "-m", "benchmarks.edf", "--do", program, str(source), str(target)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return list(map(float, json.loads(done.stdout.splitlines()[-1])))


def do(program: str, source: Path, target: Path) -> None:
    began, used = time.perf_counter(), sum(os.times()[:4])
    PROGRAMS[program](source, target)
    print(json.dumps([time.perf_counter() - began, sum(os.times()[:4]) - used, peak_memory()]))


def left(target: Path) -> list[str]:
    """Return what of the planted identity stands in the bytes of a file."""
    with target.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        dated = content[DATE.at : DATE.at + DATE.size] == b"02.03.02"
        return [
            what
            for what, text in PLANTED.items()
            if content.find(text.encode()) >= 0 or (what == "start date" and dated)
        ]


def samples(path: Path) -> tuple[str, int]:
    """Return the checksum of all samples and how many annotations there are."""
    content = np.memmap(path, np.uint8, "r")
    header = Header(content[: Header.length(content[:MAIN].tobytes())].tobytes())
    total, texts = hashlib.sha256(), 0
    kept = header.annotations[0].start
    for at in range(len(header.raw), content.size, header.record):
        record = content[at : at + header.record]
        total.update(record[:kept])
        texts += sum(len(one.texts) for one in read_annotations(record[kept:].tobytes()))
    return total.hexdigest(), texts


def table(programs: tuple[str, ...], size: int, source: Path, target: Path) -> None:
    """Print a row for each program."""
    write(source, size)
    before = samples(source)
    rounds: dict[str, list[list[float]]] = {one: [] for one in programs}
    ends: dict[str, str] = {}
    for number in range(ROUNDS):
        for program in programs:
            if program == "mne" and number:
                continue
            rounds[program].append(measured(program, source, target))
            after = samples(target)
            same = "yes" if before[0] == after[0] else "**no**"
            left_behind = ", ".join(left(target)) or "nothing planted"
            ends[program] = f"{same} | {after[1]:,} of {before[1]:,} | {left_behind}"
    medians = {program: [median(one) for one in zip(*some, strict=True)] for program, some in rounds.items()}
    for program, (seconds, used, peak) in medians.items():
        ratios = [
            f"{one:.2f} ({one / other:.2f} ×)" for one, other in zip((seconds, used), medians["cp"], strict=False)
        ]
        print(f"| {program} | {size:,} | {' | '.join(ratios)} | {peak:.0f} | {ends[program]} |", flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--do"]:
        do(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
        return
    sizes = [int(one) for one in sys.argv[1:]] + [1024, 128][len(sys.argv) - 1 :]
    memory = Path("/dev/shm")
    print("| program | MiB | s (× cp) | processor s (× cp) | peak, MB | samples same | annotations | left behind |")
    print("|---|--:|--:|--:|--:|---|--:|---|")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        source, target = Path(folder) / "before.edf", Path(folder) / "after.edf"
        table(("cp", "bondstore"), sizes[0], source, target)
        table(("cp", "bondstore", "edfio", "pyedflib", "mne"), sizes[1], source, target)


if __name__ == "__main__":
    main()
