"""An audit of one recording beside ``cat``: ``python -m benchmarks.neuro_audit [MIB] [PEOPLE]``.

The recording of `benchmarks.edf` is searched for none of its own names, and for made-up ones. Each program reads it in
a process of its own, from the system's memory, by turns; the median of five rounds counts, without imports. It decides
nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from statistics import median

from benchmarks.edf import write
from benchmarks.memory import peak_memory

ROUNDS = 5
BLOCK = 1 << 20
"""Bytes that are read at a time, as from a folder."""


def look(path: str, number: int) -> None:
    """Look into a file for so many people, and print seconds, processor seconds and peak MB."""
    from bondstore.deid.people import Person
    from bondstore.domains.neuro.audit.files import Searches, look_into
    from bondstore.domains.neuro.audit.sought import Sought

    people = [Person((f"Zq{_word(n)}, Wx{_word(n * 7 + 3)}",), (date(1950, 1, 1),)) for n in range(number)]
    searches = Searches(Sought.of(people))
    began, used = time.perf_counter(), time.process_time()
    with Path(path).open("rb") as file:
        look_into(path, iter(lambda: file.read(BLOCK), b""), searches)
    print(time.perf_counter() - began, time.process_time() - used, peak_memory())


def _word(number: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    return "".join(letters[(number // 26**place + place * 5) % 26] for place in range(5))


def main(size: int, number: int) -> None:
    """Print the table."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        path = Path(folder) / "one.edf"
        write(path, size)
        read, looks = [], []
        for _ in range(ROUNDS):
            began, before = time.perf_counter(), os.times()
            subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)
            after = os.times()
            spent = after.children_user + after.children_system - before.children_user - before.children_system
            read.append((time.perf_counter() - began, spent))
            words = [sys.executable, "-m", "benchmarks.neuro_audit", "look", str(path), str(number)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            looks.append(tuple(map(float, done.stdout.split())))
    cat = [median(one) for one in zip(*read, strict=True)]
    seconds, used, peak = (median(one) for one in zip(*looks, strict=True))
    print("| | s (× cat) | processor s (× cat) | peak, MB |\n|---|--:|--:|--:|")
    print(f"| cat, {size:,} MiB | {cat[0]:.2f} | {cat[1]:.2f} | |")
    ratios = f"{seconds:.2f} ({seconds / cat[0]:.1f} ×) | {used:.2f} ({used / cat[1]:.1f} ×)"
    print(f"| audit for {number} people | {ratios} | {peak:.0f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["look"]:
        look(sys.argv[2], int(sys.argv[3]))
    else:
        main(*(int(one) for one in (*sys.argv[1:], *("1024", "100")[len(sys.argv) - 1 :])))
