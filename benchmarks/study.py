"""A study from bucket to bytes, rows and tables, against the guide's serial loop: ``python -m benchmarks.study``.

Both sides run on the same local S3 server, whose own work counts, in one process each and one after the other.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import boto3
import pandas as pd
import zstandard
from botocore.config import Config
from Cryptodome.Cipher import AES
from demo.study import FIRST_HOUR_MS, HOUR_MS, KEY, STUDY, accelerometer_csv, hour_name, seal
from tests.servers.seaweedfs import SeaweedFS

import bondstore
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef, remember

OBJECTS = 3000
VARIANTS = 24
"""Different contents; each object is one of them, shifted to its own hour."""
PARTICIPANT = "1ab2cd3e"


@dataclass(frozen=True, slots=True)
class Kind:
    """One set of objects."""

    name: str
    size: int
    compressed: bool


KINDS = (
    Kind("135 kB", 135_000, compressed=False),
    Kind("135 kB .zst", 135_000, compressed=True),
    Kind("2 kB", 2_000, compressed=False),
    Kind("2 kB .zst", 2_000, compressed=True),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Objects a second of one way of doing a job."""

    job: str
    objects: int
    seconds: float
    cpu: float  # seconds of this process and its children; the server's are not in it

    @property
    def per_second(self) -> float:
        """Objects a second."""
        return self.objects / self.seconds

    def beside(self, loop: Rate) -> str:
        """Objects a second, and how many times the loop's by the clock and by the CPU."""
        return f"{self.per_second:.0f} ({loop.seconds / self.seconds:.1f}×, {loop.cpu / self.cpu:.1f}×)"


def fill(client: object, bucket: str, kind: Kind, count: int) -> list[str]:
    """Upload sealed hours; returns their keys."""
    rng = random.Random(kind.size)
    keys = [
        f"CHUNKED_DATA/{STUDY}/{PARTICIPANT}/accelerometer/{hour_name(FIRST_HOUR_MS + n * HOUR_MS)}.csv"
        + (".zst" if kind.compressed else "")
        for n in range(count)
    ]

    def one(pair: tuple[int, str]) -> None:
        number, key = pair
        plain = accelerometer_csv(FIRST_HOUR_MS + number * HOUR_MS, kind.size, random.Random(number % VARIANTS))
        content = zstandard.compress(plain) if kind.compressed else plain
        client.put_object(Bucket=bucket, Key=key, Body=seal(content, KEY, rng.randbytes(16)))  # type: ignore[attr-defined]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, enumerate(keys)))
    return keys


def guide_loop(client: object, bucket: str, keys: list[str]) -> Iterator[pd.DataFrame]:
    """What the Beiwe guide does: one object after the other, fetched, decrypted, parsed."""
    for key in keys:
        sealed = client.get_object(Bucket=bucket, Key=key)["Body"].read()  # type: ignore[attr-defined]
        cipher = AES.new(KEY.encode(), AES.MODE_CFB, iv=sealed[:16], segment_size=8)
        plain = cipher.decrypt(sealed[16:])
        if key.endswith(".zst"):
            plain = zstandard.decompress(plain)
        yield pd.read_csv(io.BytesIO(plain))


def timed(job: str, objects: int, run: Callable[[], object]) -> Rate:
    """Measure one way."""
    start, spent = time.perf_counter(), _cpu()
    run()
    return Rate(job, objects, time.perf_counter() - start, _cpu() - spent)


def _cpu() -> float:
    """Return the CPU seconds that this process and its ended children took."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in both)


def measure(server: SeaweedFS, kind: Kind, count: int, scratch: Path) -> list[Rate]:
    """Run the guide's loop and ours over one set of objects."""
    bucket = server.create_bucket(f"bench-{kind.size}-{'zst' if kind.compressed else 'csv'}")
    # requests without a proxy and with few retries, as a plain client on a laptop
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(proxies={}, max_pool_connections=8),
    )
    keys = fill(client, bucket, kind, count)
    references = [SecretRef("prompt", name) for name in ("id", "secret")]
    for reference, value in zip(references, (server.access_key, server.secret_key), strict=True):
        remember(reference, value)
    profile = Profile(
        endpoint=server.endpoint, region=server.region, access_key=references[0], secret_key=references[1], proxy="none"
    )
    study = bondstore.beiwe.open_study(StoreSpec(f"s3://{bucket}", profile), STUDY, key=KEY)

    def read_each() -> None:
        for listed in study.objects(PARTICIPANT, "accelerometer"):
            study.read(listed)

    def loop() -> None:
        rows = sum(len(frame) for frame in guide_loop(client, bucket, keys))
        assert rows

    study.table(PARTICIPANT, "accelerometer", until=FIRST_HOUR_MS + HOUR_MS)  # imports and connections
    next(guide_loop(client, bucket, keys))
    rates = [timed("guide's loop", count, loop)]
    for form in ("original", "parquet"):
        target = scratch / form
        rates.append(timed(f"export {form}", count, lambda form=form, target=target: study.export(target, form=form)))
        shutil.rmtree(target)
    rates.append(timed("study.table", count, lambda: study.table(PARTICIPANT, "accelerometer")))
    rates.append(timed("study.read", count, read_each))
    return rates


def main() -> None:
    """Print one table."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--objects", type=int, default=OBJECTS)
    words.add_argument("--kind", type=int, action="append", help="Only this row of KINDS; may be repeated.")
    chosen = words.parse_args()
    print(
        f"{chosen.objects} sealed CSVs, {os.cpu_count()} cores with the S3 server; objects a second (times the loop by "
        "the clock, by the client's CPU)\n"
    )
    head = ["objects", "guide's loop", "export original", "export parquet", "study.table", "study.read"]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    with tempfile.TemporaryDirectory() as scratch, SeaweedFS() as server:
        os.environ["XDG_STATE_HOME"] = scratch
        for number, kind in enumerate(KINDS):
            if chosen.kind and number not in chosen.kind:
                continue
            rates = measure(server, kind, chosen.objects, Path(scratch))
            cells = [f"{rates[0].per_second:.0f}"] + [rate.beside(rates[0]) for rate in rates[1:]]
            print("| " + " | ".join([kind.name, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
