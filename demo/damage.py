"""Damage on purpose: a few objects of the study are spoilt as real ones are, so that findings show something."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from demo.study import FIRST_HOUR_MS, HOUR_MS, PARTICIPANTS, Made, Shape, hour_name, seal, utc


@dataclass(frozen=True, slots=True)
class Spoilt:
    """The study with its damage.

    Parameters
    ----------
    objects : tuple of Made
        Everything, good and bad. `Made.plain` is what an object held before it was spoilt.
    kinds : dict of str to str
        The kind of finding that each spoilt object must lead to, by its key.
    quirks : dict of str to str
        The same for objects that are whole but odd.
    """

    objects: tuple[Made, ...]
    kinds: dict[str, str]
    quirks: dict[str, str]


def spoil(made: Iterable[Made], shape: Shape) -> Spoilt:
    """Spoil five objects of a study, and add two that are whole but odd.

    Parameters
    ----------
    made : iterable of Made
        From `demo.study.make`, two participants or more.
    shape : Shape
        What it was made with.
    """
    objects = list(made)
    first, second = PARTICIPANTS[:2]
    kinds: dict[str, str] = {}
    for kind, start, end, hurt in (
        ("truncated", f"CHUNKED_DATA/{shape.study}/{second}/accelerometer/", ".zst", lambda sealed: sealed[:-900]),
        ("damaged-bytes", f"CHUNKED_DATA/{shape.study}/{second}/gps/", ".csv", _flip),
        ("bad-zstd", f"CHUNKED_DATA/{shape.study}/{first}/gps/", ".zst", _bad_block),
        ("empty", f"{shape.study}/{second}/powerState/", "", lambda _: b""),
        ("no-iv", f"{shape.study}/{first}/reachability/", "", lambda sealed: sealed[:9]),
    ):
        place = next(n for n, one in enumerate(objects) if one.key.startswith(start) and one.key.endswith(end))
        objects[place] = replace(objects[place], sealed=hurt(objects[place].sealed))
        kinds[objects[place].key] = kind
    odd = tuple(_odd(shape))
    return Spoilt((*objects, *(one for one, _ in odd)), kinds, {one.key: kind for one, kind in odd})


def _flip(sealed: bytes) -> bytes:
    """Change one byte in the middle."""
    middle = len(sealed) // 2
    return sealed[:middle] + bytes([sealed[middle] ^ 0x80]) + sealed[middle + 1 :]


def _bad_block(sealed: bytes) -> bytes:
    """Give the first block of a zstd frame a type that does not exist: the one damage that no reader can overlook."""
    at = 16 + 7  # behind the IV, the magic number, and a frame header of three bytes
    return sealed[:at] + bytes([sealed[at] ^ 0x02]) + sealed[at + 1 :]


def _odd(shape: Shape) -> Iterable[tuple[Made, str]]:
    """An iPhone whose model name holds a comma, and an hour in which nothing happened."""
    phone, time_ms = PARTICIPANTS[1], FIRST_HOUR_MS + 4_000
    chunked = f"CHUNKED_DATA/{shape.study}/{phone}"
    identifiers = (
        "timestamp,UTC time,patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,"
        f"manufacturer,model,beiwe_version\n{time_ms},{utc(time_ms)},{phone},,,made-up,iOS,17.2,iPhone,apple,,apple,"
        "iPhone8,1,2.5"
    ).encode()
    key = f"{chunked}/identifiers/{hour_name(FIRST_HOUR_MS)}.csv"
    yield Made(key, seal(identifiers, shape.key), identifiers), "comma-in-model"
    key = f"{chunked}/power_state/{hour_name(FIRST_HOUR_MS + shape.hours * HOUR_MS)}.csv"
    yield Made(key, seal(b"timestamp,UTC time,event", shape.key), b"timestamp,UTC time,event"), "header-only"
