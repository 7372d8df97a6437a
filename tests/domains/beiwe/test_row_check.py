"""Damage that still decompresses: rows that cannot be what a server wrote are named, and others are not."""

from __future__ import annotations

import random
from collections import Counter

import pytest
import zstandard
from demo.study import FIRST_HOUR_MS, KEY, STUDY, Made, Shape, make, seal, utc
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.beiwe.decode import Opened, Opener
from bondstore.domains.beiwe.findings import DAMAGE, RowRanges, where_rows
from bondstore.domains.beiwe.layout import BeiweObject, parse_key
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import DamagedError
from bondstore.findings import Finding, Severity
from tests.domains.beiwe.objects import ACCEL, chunked, raw, text

OPENER = Opener(KEY.encode())
HOUR = FIRST_HOUR_MS
OLD = 1_475_136_000_000  # 2016-09-29T08:00:00Z
TIMES = [HOUR, HOUR + 12, HOUR + 999, HOUR + 59_999, HOUR + 1_800_000, HOUR + 3_599_999]
ROWS = [f"{t},{utc(t)},unknown,0.1,-0.2,9.8" for t in TIMES]
NUMBERS = [name for name, one in STREAMS.items() if one.kind == "table" and not one.ragged and name != "identifiers"]


def packed(obj: BeiweObject) -> BeiweObject:
    return parse_key("5" * 24, obj.key + ".zst")


def opened(plain: bytes, obj: BeiweObject | None = None) -> Opened:
    """Open a compressed object; every way to open must tell the same."""
    obj = packed(obj or chunked("accelerometer", HOUR))
    sealed = seal(zstandard.compress(plain))
    result = OPENER.open(obj, sealed)
    for size in (1, 61, 10_000):
        found: list[Finding] = []
        pieces = (sealed[at : at + size] for at in range(0, len(sealed), size))
        assert b"".join(OPENER.open_stream(obj, pieces, found)) == plain
        assert tuple(found) == result.findings
    return result


def suspects(plain: bytes, obj: BeiweObject | None = None) -> str:
    """Return where the only finding is; empty without one."""
    result = opened(plain, obj)
    assert result.whole
    assert result.plain == plain
    if not result.findings:
        return ""
    (one,) = result.findings
    assert (one.kind, one.severity) == ("suspect-rows", Severity.WARNING)
    return one.where


# What is whole


@pytest.mark.parametrize("stream", NUMBERS)
def test_rows_of_every_stream_of_numbers_pass(stream: str) -> None:
    for variant in STREAMS[stream].variants:
        rows = [",".join((str(t), utc(t), *("1" for _ in variant.names))) for t in TIMES]
        assert suspects(text(",".join(variant.chunked), *rows), chunked(stream, HOUR)) == ""


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_line_ends_at_the_end_are_no_rows(end: str) -> None:
    assert suspects(text(ACCEL, *ROWS) + end.encode()) == ""


def test_rows_of_old_servers_pass() -> None:
    times = [OLD, OLD + 7, OLD + 12, OLD + 123, OLD + 99]
    rows = [f"{t},2016-09-29T08:00:00.{t - OLD},u,1,2,3" for t in times]
    assert suspects(text(ACCEL, *rows), chunked("accelerometer", OLD)) == ""
    assert suspects(text("timestamp,UTC time,event", f"{OLD},2016-09-29T08:00:00.0,"), chunked("proximity", OLD)) == ""


def test_an_hour_in_which_many_digits_turn_passes() -> None:
    hour = 1_699_999_200_000  # 2023-11-14T22:00:00Z; 1700000000000 lies within
    rows = [f"{t},{utc(t)},1" for t in (hour, 1_699_999_999_999, 1_700_000_000_000, hour + 3_599_999)]
    assert suspects(text("timestamp,UTC time,event", *rows), chunked("proximity", hour)) == ""


@pytest.mark.parametrize(
    ("obj", "plain"),
    [
        (raw("accel", HOUR), text("timestamp,accuracy,x,y,z", f"{HOUR},u,1,2")),
        (chunked("accelerometer", HOUR), text("timestamp,accuracy,x,y,z", f"{HOUR},u,1,2")),
        (chunked("app_log", HOUR), text("timestamp,UTC time,event", f"{HOUR},{utc(HOUR)},a,b,c")),
        (
            chunked("texts", HOUR),
            text("timestamp,UTC time,hashed phone number,sent vs received,message length,time sent", f"{HOUR},1,2"),
        ),
    ],
)
def test_rows_that_need_not_be_alike_are_not_looked_at(obj: BeiweObject, plain: bytes) -> None:
    assert suspects(plain, obj) == ""


def test_what_was_not_compressed_is_not_looked_at() -> None:
    plain = text(ACCEL, ROWS[0].replace("2024", "2025"), *ROWS[1:])
    assert OPENER.open(chunked("accelerometer", HOUR), seal(plain)) == Opened(plain)


# What is not


@pytest.mark.parametrize(
    "row",
    [
        f"{HOUR},{utc(HOUR + 1)},u,1,2,3",  # disagrees
        f"{HOUR},{utc(HOUR + 60_000)},u,1,2,3",
        f"{HOUR - 1},{utc(HOUR - 1)},u,1,2,3",  # another hour
        f"{HOUR + 3_600_000},{utc(HOUR + 3_600_000)},u,1,2,3",
        f"{HOUR + 12},2024-01-01T00:00:00.13,u,1,2,3",  # unpadded, and disagrees
        f"{HOUR},{utc(HOUR)},u,1,2",  # too few, too many fields
        f"{HOUR},{utc(HOUR)},u,1,2,3,4",
        f"{HOUR},{utc(HOUR)},{utc(HOUR)},u,1,2,3",
        f"17040672000q0,{utc(HOUR)},u,1,2,3",
        f"170406720000;,{utc(HOUR)[:-1]};,u,1,2,3",  # damaged alike: zstd repeats what it has written
        "1,2,3,4,5,6",
        ",,,,,",
        "x",
        "17",
    ],
)
def test_a_suspect_row_is_named_wherever_it_stands(row: str) -> None:
    for place in range(len(ROWS) + 1):
        assert suspects(text(ACCEL, *ROWS[:place], row, *ROWS[place:])) == f"row {place + 1}"
    assert suspects(text(ACCEL, row)) == "row 1"


@given(
    row=st.integers(0, len(ROWS) - 1),
    place=st.integers(0, 37),
    byte=st.integers(0, 127).filter(lambda byte: byte != 10),
)
def test_no_byte_of_the_times_can_change_unseen(row: int, place: int, byte: int) -> None:
    line = bytearray(ROWS[row].encode())
    changed = line[place] != byte
    line[place] = byte
    plain = b"\n".join([ACCEL.encode(), *(one.encode() for one in ROWS[:row]), line, *map(str.encode, ROWS[row + 1 :])])
    result = OPENER.open(packed(chunked("accelerometer", HOUR)), seal(zstandard.compress(plain)))
    assert [one.where for one in result.findings] == ([f"row {row + 1}"] if changed else [])


def test_many_rows_are_told_as_ranges_and_counted() -> None:
    rows = [f"{HOUR + n},{utc(HOUR + n)},u,1,2,3" for n in range(9000)]
    for n in (*range(2040, 2060), 8999):
        rows[n] = rows[n].replace(",u", "u")
    assert suspects(text(ACCEL, *rows)) == "rows 2041-2060, 9000"
    (one,) = opened(text(ACCEL, *rows)).findings
    assert one.count == 21
    assert one.message == DAMAGE["suspect-rows"].sentence


def test_damage_that_is_certain_is_told_alone() -> None:
    plain = text(ACCEL, *ROWS).replace(b"unknown", b"unkn\xffwn", 1).replace(b",9.8", b"", 2)
    obj = packed(chunked("accelerometer", HOUR))
    assert [one.kind for one in OPENER.open(obj, seal(zstandard.compress(plain))).findings] == ["damaged-bytes"]


def test_ranges_taken_in_pieces_are_those_of_the_whole() -> None:
    chooser = random.Random(3)
    for most in (10, 40, 400):
        rows = sorted(chooser.sample(range(1, 500), most))
        ranges = RowRanges()
        for at in range(0, most, 7):
            ranges.add(rows[at : at + 7])
        assert (ranges.text(), ranges.count) == (where_rows(rows), most)
    assert RowRanges().text() == where_rows([]) == ""


# Flipped bytes of sealed objects


def flips(objects: list[Made], times: int, seed: int) -> Counter[str]:
    """Flip one bit of a sealed object, so many times; count what became of it."""
    chooser = random.Random(seed)
    counts: Counter[str] = Counter()
    for _ in range(times):
        one = chooser.choice(objects)
        sealed = bytearray(one.sealed)
        sealed[chooser.randrange(len(sealed))] ^= 1 << chooser.randrange(8)
        try:
            result = OPENER.open(parse_key(STUDY, one.key), bytes(sealed))
        except DamagedError:
            counts["refused"] += 1
        else:
            counts["same" if result.plain == one.plain else "told" if result.findings else "silent"] += 1
    return counts


@pytest.mark.parametrize(("rows", "times"), [(20, 1000), (120, 1000), (900, 400)])
def test_nearly_all_damage_that_decompresses_is_told(rows: int, times: int) -> None:
    every = [one for one in make(Shape(participants=1, hours=4, rows=rows, zst=1.0)) if one.key.startswith("CHUNKED")]
    objects = [one for one in every if "/survey_timings/" not in one.key]
    assert all(OPENER.open(parse_key(STUDY, one.key), one.sealed) == Opened(one.plain) for one in every)
    counts = flips(objects, times, seed=rows)
    changed = counts["told"] + counts["silent"]
    assert changed > times // 10, "the damage must get through often enough to say anything"
    assert counts["told"] >= 0.95 * changed, counts
