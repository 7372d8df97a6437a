"""An upload of packs that is killed again and again makes the same packs as one that is not, and sends little twice."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from tests.kills import EVERY_KILL
from tests.servers.faulty import FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.vault.test_killed import Way, sums, way

__all__ = ["way"]
KILLS = 12 if EVERY_KILL else 4


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", ["s3"], indirect=True)
def test_killed_packs(way: Way, seaweedfs: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng, source = random.Random(5), tmp_path / "source"
    source.mkdir()
    for number in range(500):
        (source / f"{number:03}.edf").write_bytes(rng.randbytes(rng.choice([0, 1_000, 600_000, 900_000])))
    own, put = way.key, ("put", str(source), way.url, "--seal-for", "owner", "--pack", "128MB", "--jobs", "2")
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        landed = 0
        for _ in range(KILLS):
            process = way.start([*put, *own])
            landed += not ended(process, rng.uniform(1.5, 6))
            process.kill()
            process.communicate()
        way.to_its_end(*put, *own)
        sent = sum(1 for one in proxy.seen if one.method == "PUT" and "partNumber" in one.query)
    assert landed
    assert not way.unfinished()
    packs = [one for one in stored(way) if "/packs/" in one]
    size = sum(file.stat().st_size for file in source.iterdir())
    assert len(packs) == -(-size // 128_000_000)
    assert sent <= size // (8 << 20) + len(packs) + landed * 2 * 5  # four under way and one waiting, in each of two
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.endpoint)
    way.killed("get", way.url, str(tmp_path / "back"), "--unseal", *own)
    assert sums(tmp_path / "back") == sums(source)
    way.to_its_end("verify", way.url, "--deep", "--unseal", *own[:2])


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a process; say whether it ended."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def stored(way: Way) -> list[str]:
    bucket = way.url.removeprefix("s3://").partition("/")[0]
    found = way.server.client().list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in found["Contents"]]
