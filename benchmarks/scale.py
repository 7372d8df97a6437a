"""How listing, a run with nothing to do, and memory grow with a study: ``python -m benchmarks.scale``.

Every measurement is a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import zstandard
from demo.study import FIRST_HOUR_MS, HOUR_MS, KEY, STUDY, accelerometer_csv, hour_name, seal, utc
from tests.servers.seaweedfs import SeaweedFS

from benchmarks.memory import peak_memory
from bondstore.config.resolve import resolve_store
from bondstore.stores import Store, open_store

SIZES = (10_000, 100_000, 200_000)
PEOPLE = 20
LARGE_OBJECTS, LARGE_SIZE = 64, 10_000_000
"""A stream of 640 MB of text, larger than the memory an export may take."""
_CHUNKED = f"CHUNKED_DATA/{STUDY}"


def measured(*words: str) -> tuple[float, float]:
    """Run one job in a process of its own; returns its seconds and its peak memory in MB."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--do", *words], check=True, capture_output=True, text=True
    )
    seconds, peak = done.stdout.split()[-2:]
    return float(seconds), float(peak)


def do(job: str, store: str, folder: str) -> None:
    """Do one job and print seconds and peak memory."""
    import bondstore

    study = bondstore.beiwe.open_study(store, STUDY, key="env:BENCH_STUDY_KEY")
    start = time.perf_counter()
    if job == "list":
        print(study.overview("stream").parts[0].objects)
    elif job == "nothing":
        print(study.participants())
    else:
        print(study.export(folder, form=job).tally.objects())
    print(time.perf_counter() - start, peak_memory())


def fill_small(store: Store, first: int, last: int) -> None:
    """Upload small sealed hours number `first` to `last`, dealt out to the participants."""
    rng = random.Random(first)
    header = b"timestamp,UTC time,latitude,longitude,altitude,accuracy"

    def one(number: int) -> None:
        start = FIRST_HOUR_MS + number // PEOPLE * HOUR_MS
        plain = b"%s\n%d,%s,0.1,0.2,3.0,4.0" % (header, start, utc(start).encode())
        key = f"{_CHUNKED}/person{number % PEOPLE:02d}/gps/{hour_name(start)}.csv"
        store.put(key, seal(plain, KEY, rng.randbytes(16)))

    with ThreadPoolExecutor(16) as pool:
        for block in range(first, last, 10_000):
            list(pool.map(one, range(block, min(block + 10_000, last))))


def fill_large(store: Store) -> None:
    """Upload a stream of large hours."""
    rng = random.Random(1)
    for number in range(LARGE_OBJECTS):
        start = FIRST_HOUR_MS + number * HOUR_MS
        key = f"{_CHUNKED}/large/accelerometer/{hour_name(start)}.csv.zst"
        content = zstandard.compress(accelerometer_csv(start, LARGE_SIZE, random.Random(number % 4)))
        store.put(key, seal(content, KEY, rng.randbytes(16)))


def main() -> None:
    """Print the tables."""
    with tempfile.TemporaryDirectory() as scratch, SeaweedFS() as server:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": server.region,
            "BENCH_STUDY_KEY": KEY,
            "XDG_STATE_HOME": f"{scratch}/state",
        }
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            with suppress(KeyError):
                del os.environ[name]
        _growth(server, f"{scratch}/small")
        _large(server, f"{scratch}/large")


def _growth(server: SeaweedFS, folder: str) -> None:
    bucket = server.create_bucket("scale-small")
    base = measured("nothing", f"s3://{bucket}", folder)[1]
    print(f"A study grows; a process that does nothing takes {base:.0f} MB.\n")
    print("| objects | list and parse | per object | peak | nothing left to export | per object | peak | above base |")
    print("|---|---|---|---|---|---|---|---|")
    before = 0
    for size in SIZES:
        fill_small(open_store(resolve_store(f"s3://{bucket}")), before, size)
        first = measured("original", f"s3://{bucket}", folder)[1]
        listed, listing_peak = measured("list", f"s3://{bucket}", folder)
        idle, idle_peak = measured("original", f"s3://{bucket}", folder)
        print(
            f"| {size:,} | {listed:.2f} s | {listed / size * 1e6:.0f} µs | {listing_peak:.0f} MB | {idle:.2f} s |"
            f" {idle / size * 1e6:.0f} µs | {idle_peak:.0f} MB | {idle_peak - base:.0f} MB |",
            flush=True,
        )
        before = size
    print(f"\nThe first export of the last {SIZES[-1] - SIZES[-2]:,} objects peaked at {first:.0f} MB.\n")


def _large(server: SeaweedFS, folder: str) -> None:
    bucket = server.create_bucket("scale-large")
    fill_large(open_store(resolve_store(f"s3://{bucket}")))
    total = LARGE_OBJECTS * LARGE_SIZE / 1e6
    for form in ("original", "parquet", "csv"):
        seconds, peak = measured(form, f"s3://{bucket}", f"{folder}-{form}")
        print(f"export {form} of one stream of {total:.0f} MB of text: {seconds:.1f} s, peak {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--do", nargs=3, metavar=("JOB", "STORE", "FOLDER"), help=argparse.SUPPRESS)
    chosen = words.parse_args()
    do(*chosen.do) if chosen.do else main()
