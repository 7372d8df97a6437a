"""Memory does not grow with the zips: the whole process stays below a bound, measured by the system."""

from __future__ import annotations

import csv
import io
import os
import random
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from PIL import Image

from tests.faults.test_memory import MIB, peak
from tests.phonelab import PhoneLab, Results

MOST = 105 * MIB
"""For zips read in ranges, and however many there are. The interpreter with all that it imports takes some 45 MiB."""
WHOLE_MOST = 225 * MIB
"""For zips of up to 64 MiB, which are held in memory while they are worked on."""
HEADER = b'"id_user","type","t_unix_ts_ms","text"\n'
FOLDER = "academia/tenant/1_lab/panel/1/V_01/panelist/somebody"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the high-water mark is read from /proc"),
]


@pytest.fixture
def lab(tmp_path: Path) -> PhoneLab:
    made = PhoneLab(tmp_path)
    (made.source / FOLDER).mkdir(parents=True)
    return made


def process(lab: PhoneLab, most: int) -> Results:
    """Process the store in one process; return the only panelist's results."""
    line = ["screenlake", "process", str(lab.source), str(lab.dest), "--query-id", "q", "--redact", "none"]
    with (lab.folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "bondstore", *line, "--jobs", "1", "--yes"],
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HOME": str(lab.folder / "home")},
        )
        held = peak(process)
    assert process.returncode == 0, (lab.folder / "said").read_text()
    assert 20 * MIB < held < most, f"{held / MIB:.0f} MiB"
    (found,) = lab.results().values()
    return found


def pictures(rng: random.Random, size: int) -> Iterable[bytes]:
    """Yield small pictures with a lot beside their pixels, so that it is their bytes that cost: a few, ever again."""
    made = []
    for shade in range(5):
        out = io.BytesIO()
        Image.new("RGB", (96, 208), (40 * shade, 90, 120)).save(out, "JPEG")
        plain = out.getvalue()
        comments = b"".join(b"\xff\xfe\xff\xff" + rng.randbytes(0xFFFD) for _ in range(size // 0x10000))
        made.append(plain[:2] + comments + plain[2:])
    while True:
        yield from made


def lines(rng: random.Random, size: int) -> bytes:
    """Return rows of about so many bytes, with ``#`` where each zip has a number of its own."""
    words = [rng.randbytes(8).hex() for _ in range(1000)]
    made = io.BytesIO()
    while made.tell() < size:
        moment = 1_704_400_000_000 + made.tell()
        made.write(f'"0001","VIEW","{moment}","{" ".join(rng.choices(words, k=40))} #"\n'.encode())
    return made.getvalue()


def check_rows(found: Results, expected: int) -> None:
    """Count the rows, and see that none is there twice."""
    with (found.folder / "metadata" / "app_accessibility_data-consolidated.csv").open(newline="") as file:
        seen = [hash((row["t_unix_ts_ms"], row["text"])) for row in csv.DictReader(file)]
    assert len(seen) == len(set(seen)) == expected


def test_one_zip_of_300_megabytes(lab: PhoneLab) -> None:
    rng = random.Random(5)
    block = lines(rng, MIB)
    with zipfile.ZipFile(lab.source / FOLDER / "image_zip_1_90.zip", "w", zipfile.ZIP_STORED) as archive:
        for number, data in zip(range(90), pictures(rng, 3 * MIB), strict=False):
            archive.writestr(f"img_{number:03d}.jpg", data)
        with archive.open("app_accessibility_data_csv_1.csv", "w") as table:
            table.write(HEADER)
            for number in range(24):
                table.write(block.replace(b"#", b"%d" % number))
    assert (lab.source / FOLDER / "image_zip_1_90.zip").stat().st_size > 290 * 10**6
    found = process(lab, MOST)
    assert len(found.images) == 90
    check_rows(found, 24 * block.count(b"\n"))


def test_one_zip_that_is_held_in_memory(lab: PhoneLab) -> None:
    path = lab.source / FOLDER / "image_zip_1_20.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number, data in zip(range(20), pictures(random.Random(6), 3 * MIB), strict=False):
            archive.writestr(f"img_{number:03d}.jpg", data)
    assert 60 * 10**6 < path.stat().st_size < 64 * MIB
    assert len(process(lab, WHOLE_MOST).images) == 20


def test_500_zips_of_one_panelist(lab: PhoneLab) -> None:
    rng = random.Random(7)
    block = lines(rng, 100_000)
    some = pictures(rng, 0)
    for number in range(500):
        with zipfile.ZipFile(lab.source / FOLDER / f"image_zip_{number}_1.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(f"img_{number:03d}.jpg", next(iter(some)))
            archive.writestr("app_accessibility_data_csv_1.csv", HEADER + block.replace(b"#", b"%d" % number))
    found = process(lab, MOST)
    assert len(found.images) == 500
    check_rows(found, 500 * block.count(b"\n"))
