"""An audit of one recording beside ``cat``: ``python -m benchmarks.neuro_audit [MIB] [PEOPLE]``.

The recording of `benchmarks.edf` is searched for none of its own names, and for made-up ones. Each program reads it in
a process of its own, from the system's memory; the best of three rounds counts. It decides nothing.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.edf import write
from benchmarks.memory import peak_memory

ROUNDS = 3
BLOCK = 4 << 20


def look(path: str, number: int) -> None:
    """Look into a file for so many people, and print seconds and peak MB."""
    from bondstore.deid.people import Person
    from bondstore.domains.neuro.audit.files import Searches, look_into
    from bondstore.domains.neuro.audit.sought import Sought

    people = [Person((f"Zq{_word(n)}, Wx{_word(n * 7 + 3)}",), (date(1950, 1, 1),)) for n in range(number)]
    searches = Searches(Sought.of(people))
    began = time.perf_counter()
    with Path(path).open("rb") as file:
        look_into(path, iter(lambda: file.read(BLOCK), b""), searches)
    print(time.perf_counter() - began, peak_memory())


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
            began = time.perf_counter()
            subprocess.run(["cat", str(path)], stdout=subprocess.DEVNULL, check=True)
            read.append(time.perf_counter() - began)
            words = [sys.executable, "-m", "benchmarks.neuro_audit", "look", str(path), str(number)]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            looks.append(tuple(map(float, done.stdout.split())))
    seconds, peak = min(looks)
    print("| | seconds | × cat | peak MB |\n|---|---|---|---|")
    print(f"| cat, {size} MiB | {min(read):.2f} | 1 | |")
    print(f"| audit for {number} people | {seconds:.2f} | {seconds / min(read):.1f} | {peak:.0f} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["look"]:
        look(sys.argv[2], int(sys.argv[3]))
    else:
        main(*(int(one) for one in (*sys.argv[1:], *("1024", "100")[len(sys.argv) - 1 :])))
