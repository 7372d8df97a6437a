"""Lines that are cut, servers that stall, refuse or answer 503: everything comes out, byte for byte."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import zstandard
from demo.study import FIRST_HOUR_MS, STUDY, SURVEYS, Made, Shape, accelerometer_csv, make, seal

from tests.servers.faulty import Fault, FaultyProxy, Seen
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Lab, leftovers, original_files, tree

MIB = 1 << 20
QUICK = "stall_timeout = 1\nconnect_timeout = 2"


@dataclass
class Share(Fault):
    """A fault that strikes every so many matching requests."""

    every: int = 5

    def strikes(self, seen: Seen) -> bool:
        before = self.matched
        self.first, self.times = 1, 10**9
        return super().strikes(seen) and before % self.every == 0


@dataclass(frozen=True)
class Filled:
    lab: Lab
    made: list[Made]


@pytest.fixture(scope="module")
def filled(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """A small study with two objects over 8 MiB: a recording, and an hour of a fast sensor."""
    rng = random.Random(5)
    recording = b"RIFF" + bytes(4) + b"WAVEfmt " + rng.randbytes(17 * MIB)
    hour = accelerometer_csv(FIRST_HOUR_MS + 50 * 3_600_000, 9 * MIB, rng)
    audio = f"{STUDY}/1ab2cd3e/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS + 5}.wav"
    large = [
        Made(audio, seal(recording), recording),
        Made(f"CHUNKED_DATA/{STUDY}/1ab2cd3e/accelerometer/2024-01-03T02:00:00.csv", seal(hour), hour),
    ]
    turned = recording[:16] + recording[16:][::-1]
    large.append(Made(audio.replace("5.wav", "6.wav.zst"), seal(zstandard.compress(turned)), turned))
    lab = Lab(seaweedfs, shared_bucket, tmp_path_factory.mktemp("fill"), "connections")
    return Filled(lab, lab.fill([*make(Shape(participants=2, hours=6, rows=40)), *large]))


@pytest.fixture
def study(filled: Filled, tmp_path: Path) -> Lab:
    lab = replace(filled.lab, folder=tmp_path)
    lab.configure(QUICK)
    return lab


FAULTS = {
    "cut at once": Share("cut", every=4, after=0),
    "cut in the middle": Share("cut", every=3, after=700),
    "refused": Share("refuse", every=3),
    "answer lost": Share("lose_answer", every=4),
    "503": Share("status", every=3, status=503),
    "500": Share("status", every=3, status=500, body=b"<Error><Code>InternalError</Code></Error>"),
    "slow": Share("slow", every=10, seconds=0.01),
    "silent": Share("stall", every=30, after=300, seconds=2.5),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_everything_comes_out_byte_for_byte(
    filled: Filled, study: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    fault = faulty.add(replace(FAULTS[kind]))
    result = study.export_here(monkeypatch, form="original", endpoint=faulty.endpoint)
    assert fault.matched > 100
    assert result.state == "finished"
    assert result.tally.done.objects == len(original_files(filled.made))
    assert tree(study.dest) == original_files(filled.made)
    assert leftovers(study.dest) == []


def test_large_bodies_whose_every_answer_is_cut(
    filled: Filled, study: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as bytes arrive, a transfer goes on from the byte reached."""
    faulty.add(Share("cut", every=1, after=3 * MIB))
    result = study.export_here(monkeypatch, form="original", participant="1ab2cd3e", endpoint=faulty.endpoint)
    assert result.state == "finished"
    expected = original_files(one for one in filled.made if "/1ab2cd3e/" in one.key)
    assert tree(study.dest) == expected
    assert faulty.count(contains="5.wav") >= 6
    starts = {one.range for one in faulty.seen if "5.wav" in one.path and one.method == "GET"}
    assert len(starts) >= 6  # no byte that had come is asked for again


def test_all_at_once_on_the_command_line(filled: Filled, study: Lab, faulty: FaultyProxy) -> None:
    clean = study.folder / "clean"
    assert study.export("--format", "parquet", dest=clean).code == 0
    for kind in ("cut in the middle", "answer lost", "503", "refused"):
        faulty.add(replace(FAULTS[kind], every=13))
    ended = study.export("--format", "parquet", endpoint=faulty.endpoint)
    assert ended.code == 0, ended.err
    assert ended.tally["failed"] == 0
    assert tree(study.dest) == tree(clean)


def test_an_object_that_cannot_be_fetched_fails_alone_and_comes_next_time(
    filled: Filled, study: Lab, faulty: FaultyProxy
) -> None:
    study.configure("stall_timeout = 1\nconnect_timeout = 2\nretries = 0")
    small = "4fg5hi6j/gps/2024-01-01T03"
    faulty.add(Share("cut", every=1, contains=small, after=5))
    faulty.add(Share("status", every=1, contains="6.wav", status=500))
    faulty.add(Share("status", every=1, method="HEAD", contains="6.wav", status=500))
    ended = study.export(endpoint=faulty.endpoint)
    assert ended.code == 5
    expected = original_files(filled.made)
    assert ended.tally["failed"] == 2
    assert ended.tally["done"] == len(expected) - 2
    assert sorted(kind for kinds in ended.findings.values() for kind in kinds) == ["not-fetched", "not-fetched"]
    assert tree(study.dest).items() <= expected.items()
    faulty.clear()
    again = study.export(endpoint=faulty.endpoint)
    assert (again.code, again.tally["done"]) == (0, 2)
    assert tree(study.dest) == expected
    assert sum(study.fetched(faulty).values()) <= 4  # one in small, one in three ranges


def test_a_large_damaged_object_that_cannot_be_fetched_again_fails_alone(
    lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is streamed, and found damaged at its end: its sealed bytes must be fetched a second time."""
    made = lab.fill(make(Shape(participants=1, hours=3, rows=10)))
    hour = accelerometer_csv(FIRST_HOUR_MS + 50 * 3_600_000, 9 * MIB, random.Random(6))
    damaged = Made(f"CHUNKED_DATA/{STUDY}/1ab2cd3e/accelerometer/2024-01-03T02:00:00.csv", seal(hour)[:-30], b"")
    lab.fill([damaged])
    lab.configure("retries = 0")
    faulty.add(Fault("status", contains=damaged.key, first=3, times=10**9, status=500))
    result = lab.export_here(monkeypatch, form="original", endpoint=faulty.endpoint)
    assert (result.tally.failed.objects, result.tally.quarantined.objects) == (1, 0)
    assert tree(lab.dest) == original_files(made)
    again = lab.export_here(monkeypatch, form="original")
    assert (again.tally.done.objects, again.tally.quarantined.objects, again.tally.failed.objects) == (0, 1, 0)
    assert (lab.dest / ".bondstore" / "quarantine" / damaged.key).read_bytes() == damaged.sealed
    assert tree(lab.dest) == original_files(made)


def flipped_at(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("again", [False, True], ids=["on the way", "in the store"])
def test_a_large_object_that_came_damaged_comes_once_more(
    lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    """What is no zstd shows at its start, its checksum at its end: damaged is what is so twice."""
    plain = random.Random(5).randbytes(4 * MIB)  # compressed, so it may hold more than what is read whole
    audio = f"{STUDY}/1ab2cd3e/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS + 6}.wav.zst"
    made = Made(audio, seal(zstandard.compress(plain)), plain)
    lab.server.client().put_object(Bucket=lab.bucket, Key=f"{lab.prefix}/{made.key}", Body=made.sealed)
    faulty.add(
        Fault("rewrite", contains=made.key, times=10**9 if again else 1, rewriter=lambda data: flipped_at(data, 17))
    )
    result = lab.export_here(monkeypatch, form="original", endpoint=faulty.endpoint)
    assert (result.tally.done.objects, result.tally.quarantined.objects) == ((0, 1) if again else (1, 0))
    assert tree(lab.dest) == ({} if again else original_files([made]))
