"""How long a command takes before it does anything, beside bare Python and pip: ``python -m benchmarks.startup``.

Processor time, of the process and all it starts: other work on the machine lengthens the wait, but hardly this.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from demo.moana import moana_fleet

TRIES = 7
CLI = ["-m", "bondstore"]


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds that one run of a program took."""

    cpu: float
    wall: float


def run(words: list[str], environment: dict[str, str]) -> Spent:
    """Run Python once."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=environment)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Spent(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    parser.add_argument("--tries", type=int, default=TRIES)
    tries = parser.parse_args().tries
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = (
            os.environ | {"HOME": folder} | {f"XDG_{one}_HOME": folder for one in ("CONFIG", "STATE", "CACHE")}
        )
        (home / "in").mkdir()
        for name, content in moana_fleet(1).items():
            (home / "in" / name).write_bytes(content)
        qc = [*CLI, "ocean", "qc", str(home / "in"), "OUT", "--yes"]
        ways = {
            "python -c pass": ["-c", "pass"],
            "pip --help": ["-m", "pip", "--help"],
            "import bondstore": ["-c", "import bondstore"],
            "bondstore --version": [*CLI, "--version"],
            "bondstore --help": [*CLI, "--help"],
            "bondstore profile --help": [*CLI, "profile", "--help"],
            "bondstore beiwe export --help": [*CLI, "beiwe", "export", "--help"],
            "bondstore ocean qc, one file": qc,
            "bondstore ocean qc, one file, --jobs 1": [*qc, "--jobs", "1"],
        }
        best: dict[str, Spent] = {}
        for number in range(tries):  # in turns, so that a busy minute strikes all alike
            for name, words in ways.items():
                fresh = str(home / f"{list(ways).index(name)}-{number}")
                spent = run([fresh if word == "OUT" else word for word in words], environment)
                best[name] = min(spent, best.get(name, spent), key=lambda one: one.cpu)
    bare = best["python -c pass"].cpu
    print("| | CPU, ms | × bare Python | wall clock, ms |\n|---|--:|--:|--:|")
    for name, spent in best.items():
        print(f"| `{name}` | {spent.cpu * 1000:.0f} | {spent.cpu / bare:.1f} | {spent.wall * 1000:.0f} |")
    print(f"\nThe best of {tries} runs each.")


if __name__ == "__main__":
    main()
