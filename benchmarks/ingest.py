"""A recording cleaned, looked at, encrypted and uploaded, against an upload as it is: ``python -m benchmarks.ingest``.

An EDF+C file of so many MiB (2048 when not given) with names in its header and annotations goes to the tests' S3
server on this machine: by `bondstore neuro ingest`, and as it is by boto3, by turns, three times each; each
is a process of its own. Processor time is that of the client alone, with its children. The folder of temporary files
is looked at while Bondstore runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from statistics import median

from tests.servers.seaweedfs import SeaweedFS

from benchmarks.edf import write
from benchmarks.transfers import PASSPHRASE, measured, settings

ROUNDS = 3


class Watch:
    """The most bytes that lie below a folder at any moment."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ended = folder, threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(0.05):
            found = 0
            for one in self._folder.rglob("*"):
                try:
                    found += one.stat().st_size
                except OSError:  # it has just gone
                    continue
            self.most = max(self.most, found)

    def end(self) -> float:
        """Return it in MB."""
        self._ended.set()
        self._thread.join()
        return self.most / 1e6


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    with tempfile.TemporaryDirectory() as folder, SeaweedFS() as server:
        home, export = Path(folder) / "home", Path(folder) / "export"
        home.mkdir()
        recording = export / "Muller~ Hans" / "night.edf"
        recording.parent.mkdir(parents=True)
        write(recording, size)
        settings(server.endpoint, home, "")
        key = home / "passphrase"
        key.write_text(PASSPHRASE)
        key.chmod(0o600)
        own = [sys.executable, "-m", "bondstore"]
        secret = ["--passphrase", f"file:{key}"]
        subprocess.run([*own, "keys", "new", "bench", *secret], check=True, capture_output=True)
        bucket = server.create_bucket("bench")
        print("| way | s | CPU s | MB | MB on disk |\n|---|--:|--:|--:|--:|")
        found: dict[str, list[tuple[float, ...]]] = {"bondstore neuro ingest": [], "boto3, as it is": []}
        for number in range(ROUNDS):
            to = ["--to", f"s3://{bucket}/{number}"]
            watch = Watch(home)
            ours = measured([*own, "neuro", "ingest", str(export), *to, *secret, "--yes"])
            found["bondstore neuro ingest"].append((*ours, watch.end()))
            line = [sys.executable, "-m", "benchmarks.transfers", "--boto", "put", bucket, str(export)]
            found["boto3, as it is"].append((*measured(line), 0.0))
        for name, runs in found.items():
            print(f"| {name} | " + " | ".join(f"{median(one):.1f}" for one in zip(*runs, strict=True)) + " |")
        ours, theirs = (median(run[0] for run in runs) for runs in found.values())
        print(f"{ours / theirs:.2f} times as long, {size} MiB; {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
