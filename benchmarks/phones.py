"""How a study of phone zips grows: 50,000 zips listed and planned, and a run with nothing to do.

``python -m benchmarks.phones``; every measurement is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from demo.phones import Shape, one
from tests.servers.seaweedfs import SeaweedFS

from benchmarks.memory import peak_memory
from bondstore.config.resolve import resolve_store
from bondstore.stores import open_store

ZIPS, PANELISTS = 50_000, 100
SHAPE = Shape(panelists=PANELISTS, zips=1, screenshots=1, restricted=0, rows=1, opted_out=PANELISTS)


def measured(*words: str) -> tuple[str, float, float]:
    """Run one job in a process of its own; returns what it counted, its seconds and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.phones", "--do", *words], check=True, capture_output=True, text=True
    )
    counted, seconds, peak = done.stdout.splitlines()[-1].split("\t")
    return counted, float(seconds), float(peak)


def do(job: str, store: str, folder: str) -> None:
    """Do one job and print what it counted, seconds and peak memory."""
    from bondstore.screenlake import process

    start = time.perf_counter()
    result = process(store, folder, redact="none", query_id="q", dry_run=job == "plan")
    counted = result.plan.todo if job == "plan" else result.tally.planned
    print(f"{counted.objects:,} zips", time.perf_counter() - start, peak_memory(), sep="\t")


def fill(bucket: str) -> None:
    """Put the zips into a bucket: of people who share no images, so that they are small; of each, again and again."""
    store = open_store(resolve_store(f"s3://{bucket}"))
    firsts = [one(SHAPE, person, 0) for person in range(PANELISTS)]
    keys = [f"{first.key[:-4]}{number:05d}.zip" for number in range(ZIPS // PANELISTS) for first in firsts]
    with ThreadPoolExecutor(8) as pool:
        for at in range(0, ZIPS, 2000):
            block = range(at, min(at + 2000, ZIPS))
            list(pool.map(lambda number: store.put(keys[number], firsts[number % PANELISTS].data), block))


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as scratch, SeaweedFS() as server:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": server.region,
            "XDG_STATE_HOME": f"{scratch}/state",
        }
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            with suppress(KeyError):
                del os.environ[name]
        bucket = server.create_bucket("phones")
        fill(bucket)
        print("| | zips | seconds | peak of the process |\n|---|---|---|---|")
        for job, name in (
            ("plan", "listed and planned"),
            ("run", "first run, no images"),
            ("run", "nothing left to do"),
        ):
            counted, seconds, peak = measured(job, f"s3://{bucket}", f"{scratch}/dest")
            print(f"| {name} | {counted} | {seconds:.2f} | {peak:.0f} MB |", flush=True)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--do", nargs=3, metavar=("JOB", "STORE", "FOLDER"), help=argparse.SUPPRESS)
    chosen = words.parse_args()
    do(*chosen.do) if chosen.do else main()
