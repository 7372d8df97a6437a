"""A synthetic Beiwe study: made-up people, real formats, sealed by an encryptor that is not Bondstore's.

Everything follows from the seed. Half of the objects are compressed (``.zst``), as on servers that
were upgraded in place.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import zstandard
from Cryptodome.Cipher import AES

HOUR_MS = 3_600_000
FIRST_HOUR_MS = 1_704_067_200_000
"""2024-01-01T00:00:00Z"""

STUDY = "5873fe38644ad7557b168e43"
KEY = "quiet-harbour-lantern-0123456789"
"""The study's key: 32 ASCII characters, made up."""

PARTICIPANTS = ("1ab2cd3e", "4fg5hi6j", "7kl8mn9o", "2pq3rs4t", "5uv6wx7y", "8za9bc1d")
SURVEYS = ("55db4c0597013e3fb50376a7", "5aa1b2c3d4e5f60718293a4b")


@dataclass(frozen=True, slots=True)
class Made:
    """One object of the study: its key, its bytes as stored, and what they hold."""

    key: str
    sealed: bytes
    plain: bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a study to make.

    `zst` is the share of compressed objects; `missing` the share of rows that the chunked objects lack and raw has.
    """

    participants: int = 3
    hours: int = 24
    rows: int = 120
    zst: float = 0.5
    missing: float = 0.0
    seed: int = 7
    study: str = STUDY
    key: str = KEY


def seal(plain: bytes, key: str = KEY, iv: bytes | None = None, *, rng: random.Random | None = None) -> bytes:
    """Encrypt as a Beiwe server does: 16 random bytes, then AES-256-CFB8."""
    iv = iv or (rng or random.Random(len(plain))).randbytes(16)
    return iv + AES.new(key.encode("ascii"), AES.MODE_CFB, iv=iv, segment_size=8).encrypt(plain)


def make(shape: Shape) -> Iterator[Made]:
    """Yield every object of a synthetic study."""
    rng = random.Random(shape.seed)
    for number in range(shape.participants):
        participant = PARTICIPANTS[number] if number < len(PARTICIPANTS) else f"p{number:07d}"
        for key, plain, always_plain in _participant(shape, participant, rng):
            yield _stored(shape, key, plain, rng, always_plain=always_plain)
        for half in ("private", "public"):
            yield Made(f"{shape.study}/keys/{participant}_{half}", rng.randbytes(80), b"")


def _stored(shape: Shape, key: str, plain: bytes, rng: random.Random, *, always_plain: bool) -> Made:
    if not always_plain and rng.random() < shape.zst:
        return Made(key + ".zst", seal(zstandard.compress(plain), shape.key, rng=rng), plain)
    return Made(key, seal(plain, shape.key, rng=rng), plain)


def _participant(shape: Shape, participant: str, rng: random.Random) -> Iterator[tuple[str, bytes, bool]]:
    chunked, raw = f"CHUNKED_DATA/{shape.study}/{participant}", f"{shape.study}/{participant}"
    for stream, (raw_name, header, raw_header, row) in _SENSORS.items():
        carry: list[str] = []
        for hour in range(shape.hours):
            start = FIRST_HOUR_MS + hour * HOUR_MS
            times = sorted(rng.sample(range(start, start + HOUR_MS), shape.rows))
            values = [(t, row(rng)) for t in times]
            kept = [(t, v) for t, v in values if rng.random() >= shape.missing] or values[:1]
            lines = [f"{t},{utc(t)},{v}" for t, v in kept]
            yield f"{chunked}/{stream}/{hour_name(start)}.csv", "\n".join([header, *lines]).encode(), False
            carry += [f"{t},{v}" for t, v in values]
            if hour % 3 == 2 or hour == shape.hours - 1:  # a phone's file spans the hours since it last rotated
                created = int(carry[0].split(",", 1)[0])
                yield f"{raw}/{raw_name}/{created}.csv", "\n".join([raw_header, *carry]).encode(), False
                carry = []
    yield from _surveys(shape, participant, rng)
    created = FIRST_HOUR_MS // 1000 + 5
    identifiers = (
        "patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,manufacturer,"
        f"model,beiwe_version\n{participant},,,fakedevice,Android,14,prod,brand,hw,maker,Model A,4.0"
    )
    yield f"{raw}/identifiers_{created}.csv", identifiers.encode(), False


def _surveys(shape: Shape, participant: str, rng: random.Random) -> Iterator[tuple[str, bytes, bool]]:
    chunked, raw = f"CHUNKED_DATA/{shape.study}/{participant}", f"{shape.study}/{participant}"
    for number, survey in enumerate(SURVEYS):
        start = FIRST_HOUR_MS + (9 + number) * HOUR_MS
        times = sorted(rng.sample(range(start, start + 600_000), 3))
        question = f"q{number},radio_button,How well did you sleep?,badly;well,{rng.choice(['badly', 'well'])}"
        timings = "\n".join(f"{t},{utc(t)},{question.replace(',', f',{survey},', 1)}" for t in times)
        header = "timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer"
        yield f"{chunked}/survey_timings/{survey}/{hour_name(start)}.csv", f"{header}\n{timings}".encode(), False
        raw_header = "timestamp,question id,question type,question text,question answer options,answer"
        raw_rows = "\n".join(f"{t},{question}" for t in times)
        yield f"{raw}/surveyTimings/{survey}/{times[0]}.csv", f"{raw_header}\n{raw_rows}".encode(), False
        answers = f"question id,question type,question text,question answer options,answer\n{question}"
        yield f"{raw}/surveyAnswers/{survey}/{times[-1]}.csv", answers.encode(), False
    wav = b"RIFF" + (36 + 800).to_bytes(4, "little") + b"WAVEfmt " + rng.randbytes(828)
    yield f"{raw}/voiceRecording/{SURVEYS[0]}/{FIRST_HOUR_MS + 10 * HOUR_MS + 77}.wav", wav, False


def _xyz(rng: random.Random) -> str:
    return ",".join(repr(round(rng.uniform(-10, 10), 12)) for _ in range(3))


def _gps(rng: random.Random) -> str:
    latitude, longitude = rng.uniform(-0.01, 0.01), rng.uniform(-0.01, 0.01)
    return f"{latitude:.12f},{longitude:.12f},{rng.uniform(0, 30):.2f},{rng.uniform(3, 50):.3f}"


_SENSORS = {
    "accelerometer": (
        "accel",
        "timestamp,UTC time,accuracy,x,y,z",
        "timestamp,accuracy,x,y,z",
        lambda rng: f"unknown,{_xyz(rng)}",
    ),
    "gps": (
        "gps",
        "timestamp,UTC time,latitude,longitude,altitude,accuracy",
        "timestamp, latitude, longitude, altitude, accuracy",
        _gps,
    ),
    "power_state": (
        "powerState",
        "timestamp,UTC time,event",
        "timestamp, event",
        lambda rng: rng.choice(["Screen turned on", "Screen turned off", "Power connected"]),
    ),
    "reachability": (
        "reachability",
        "timestamp,UTC time,event",
        "timestamp,event",
        lambda rng: rng.choice(["wifi", "cellular", "unreachable"]),
    ),
}


def accelerometer_csv(start_ms: int, size: int, rng: random.Random) -> bytes:
    """Make one chunked accelerometer hour of about `size` bytes: for benchmarks."""
    lines = ["timestamp,UTC time,accuracy,x,y,z"]
    length, t = len(lines[0]), start_ms
    while length < size:
        line = f"{t},{utc(t)},unknown,{_xyz(rng)}"
        lines.append(line)
        length += len(line) + 1
        t += 100 if size < 1_000_000 else 10
    return "\n".join(lines).encode()


def utc(ms: int) -> str:
    """Write a time as Beiwe does: milliseconds padded to three digits."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}"


def hour_name(ms: int) -> str:
    """Name a chunked file by its hour."""
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}"
