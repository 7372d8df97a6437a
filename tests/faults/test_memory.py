"""Memory does not grow with what is exported: the whole process stays below a bound, measured by the system."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
import zstandard
from demo.study import FIRST_HOUR_MS, HOUR_MS, STUDY, SURVEYS, Made, accelerometer_csv, hour_name, seal

from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Lab, original_files, tree

MIB = 1 << 20
MOST = 340_000_000
PERSON = "1ab2cd3e"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is read from /proc")


@pytest.fixture
def bulk(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path: Path, request: pytest.FixtureRequest) -> Lab:
    return Lab(seaweedfs, shared_bucket, tmp_path, request.node.name)


def peak(process: subprocess.Popen[bytes]) -> int:
    """Return the most memory a process held of its own until it ended, in bytes.

    Pages of the libraries are not counted: how many of them are mapped hangs on what the system has cached.
    """
    most = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = (line.split() for line in status.read_text().splitlines() if line.startswith(("VmHWM:", "RssFile:")))
        sizes = {line[0]: int(line[1]) * 1024 for line in lines}
        most = max(most, sizes.get("VmHWM:", 0) - sizes.get("RssFile:", 0))
        time.sleep(0.01)
    return most


def check(lab: Lab, *words: str) -> None:
    process = lab.start_export(*words)
    most = peak(process)
    assert process.returncode == 0, (lab.folder / "home" / "stderr").read_text()
    assert 20 * MIB < most < MOST, f"{most / MIB:.0f} MiB"


def test_original_of_200_megabytes_with_one_object_of_64(bulk: Lab) -> None:
    rng = random.Random(3)
    hour = accelerometer_csv(FIRST_HOUR_MS, 5 * MIB, rng)
    kinds = [(".csv", seal(hour)), (".csv.zst", seal(zstandard.compress(hour)))]
    made = []
    for number in range(28):
        ending, sealed = kinds[number % 4 == 3]
        key = f"CHUNKED_DATA/{STUDY}/{PERSON}/accelerometer/{hour_name(FIRST_HOUR_MS + number * HOUR_MS)}{ending}"
        made.append(Made(key, sealed, hour))
    sound = b"RIFF" + bytes(4) + b"WAVEfmt " + rng.randbytes(64 * MIB)
    made.append(Made(f"{STUDY}/{PERSON}/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS}.wav", seal(sound), sound))
    bulk.fill(made)
    check(bulk, "--format", "original")
    assert tree(bulk.dest) == original_files(made)


def test_a_table_of_a_stream_of_300_megabytes(bulk: Lab) -> None:
    hours, rows = 60, 60_000
    template = pl.DataFrame({"n": pl.int_range(rows, eager=True)}).select(
        timestamp=FIRST_HOUR_MS + pl.col("n") * 60,
        **{"UTC time": pl.from_epoch(FIRST_HOUR_MS + pl.col("n") * 60, "ms")},
        accuracy=pl.lit("unknown"),
        **{axis: (pl.col("n") % prime) / prime for axis, prime in (("x", 97), ("y", 89), ("z", 83))},
    )
    total, made = 0, []
    for hour in range(hours):
        later = template.with_columns(
            pl.col("timestamp") + hour * HOUR_MS, pl.col("UTC time") + pl.duration(hours=hour)
        )
        plain = later.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.3f").encode()
        total += len(plain)
        key = f"CHUNKED_DATA/{STUDY}/{PERSON}/accelerometer/{hour_name(FIRST_HOUR_MS + hour * HOUR_MS)}.csv.zst"
        made.append(Made(key, seal(zstandard.compress(plain, 1)), b""))
    assert total > 300 * 10**6
    bulk.fill(made)
    check(bulk, "--format", "parquet")
    table = pl.scan_parquet(bulk.dest / "tables" / PERSON / "accelerometer.parquet")
    times = table.select("timestamp").collect()["timestamp"]
    assert times.len() == hours * rows
    assert times.is_sorted()
    assert times.n_unique() == hours * rows
    assert table.select(pl.col("x").sum()).collect().item() == pytest.approx(hours * template["x"].sum())
