"""Sound zips: whatever other programs wrote comes out byte for byte."""

from __future__ import annotations

import io
import lzma
import shutil
import struct
import subprocess
import warnings
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.errors import DamagedError, UsageError
from bondstore.zips import LIMITS, open_zip
from tests.zips.build import Made, build, kinds, outcome

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
STARTS = (b"PK\3\4", b"PK\5\6", b"PK\7\x08")
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/\\"), min_size=1)
MEMBERS = st.lists(st.tuples(NAMES, st.binary(max_size=3000), st.sampled_from(METHODS)), max_size=8)


class Pipe(io.RawIOBase):
    """A stream that cannot seek: sizes then follow each member's data."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


def written(members: list[tuple[str, bytes, int]], *, seekable: bool = True, note: bytes = b"") -> bytes:
    out = io.BytesIO() if seekable else Pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names that occur twice
        with zipfile.ZipFile(out, "w") as archive:
            for name, data, method in members:
                archive.writestr(zipfile.ZipInfo(name), data, method)
            archive.comment = note
    return out.getvalue() if isinstance(out, io.BytesIO) else out.data


@settings(deadline=None)
@given(MEMBERS, st.booleans(), st.binary(max_size=40), st.binary(max_size=40))
def test_what_the_standard_library_writes_comes_out(
    members: list[tuple[str, bytes, int]], seekable: bool, note: bytes, front: bytes
) -> None:
    data = written(members, seekable=seekable, note=note)
    opened = open_zip(io.BytesIO(front + data), "k.zip")
    found = [(content.member, content.read(1 << 20)) for content in opened.contents()]
    left_out = [at for at, (name, data, _) in enumerate(members) if name.lower().endswith(".zip") or data[:4] in STARTS]
    kept = [(at, one) for at, one in enumerate(members) if at not in left_out]
    assert [(member.number, member.size, data) for member, data in found] == [
        (at, len(data), data) for at, (_, data, _) in kept
    ]
    assert [member.name for member, _ in found if "%" not in member.name] == [
        name for _, (name, _, _) in kept if name.isprintable() and "%" not in name
    ]
    assert not opened.partial
    odd = {"member-repeated", "member-nested", "member-name"} | ({"zip-truncated"} if left_out else set())
    assert {kind for kind, _ in kinds(opened)} <= odd


@pytest.mark.parametrize("front", [b"", b"#!/bin/sh\n" * 50])
@pytest.mark.parametrize("note", [b"", b"by hand", b"PK\5\6" * 20, b"x" * 0xFFFF])
def test_notes_and_what_stands_in_front_are_passed_over(front: bytes, note: bytes) -> None:
    data = build(Made(b"a.txt", b"alpha"), Made(b"b.txt", b"beta", method=0), note=note, front=front)
    assert outcome(open_zip(io.BytesIO(data), "k")) == ({"a.txt": b"alpha", "b.txt": b"beta"}, {})


def test_trailing_bytes_are_passed_over() -> None:
    data = build(Made(b"a.txt", b"alpha")) + bytes(700)
    opened = open_zip(io.BytesIO(data), "k")
    assert outcome(opened) == ({"a.txt": b"alpha"}, {})
    assert opened.findings == []


def test_an_empty_zip_has_nothing_to_say() -> None:
    for note in (b"", b"nothing"):
        opened = open_zip(io.BytesIO(written([], note=note)), "k")
        assert list(opened.contents()) == []
        assert opened.findings == []
        assert not opened.partial


def test_folders_are_left_out_and_keep_their_number() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("images/", b"")
        archive.writestr("images/a.jpg", b"\xff\xd8")
    opened = open_zip(out, "k")
    (content,) = opened.contents()
    assert (content.member.number, content.member.name, content.member.base) == (1, "images/a.jpg", "a.jpg")
    assert opened.findings == []


def test_a_name_that_ends_in_a_slash_hides_nothing() -> None:
    opened = open_zip(io.BytesIO(build(Made(b"images/", b"secret"))), "k")
    content = next(opened.contents())
    assert (content.member.base, content.read(100)) == ("member-0", b"secret")


def test_64_bit_records_are_read() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in ("a.txt", "b.txt"):
            with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member:
                member.write(name.encode() * 100)
    data = out.getvalue()
    assert outcome(open_zip(out, "k"))[0] == {"a.txt": b"a.txt" * 100, "b.txt": b"b.txt" * 100}

    at = data.rindex(b"PK\5\6")  # now an end record that says: look at the 64-bit one
    count, size, start = struct.unpack_from("<HLL", data, at + 10)
    wide = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    wide += struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    ends = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    opened = open_zip(io.BytesIO(data[:at] + wide + ends), "k")
    assert set(outcome(opened)[0]) == {"a.txt", "b.txt"}
    assert not opened.partial
    assert zipfile.ZipFile(io.BytesIO(data[:at] + wide + ends)).testzip() is None
    lying = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert open_zip(io.BytesIO(data[:at] + wide + lying), "k").partial


@pytest.mark.parametrize("method", METHODS)
def test_large_members_come_in_small_chunks(method: int) -> None:
    plain = bytes(range(256)) * 12_000
    opened = open_zip(io.BytesIO(written([("a.bin", plain, method)])), "k")
    chunks = list(next(opened.contents()).chunks)
    assert b"".join(chunks) == plain
    assert max(map(len, chunks)) <= 256 * 1024
    assert b"" not in chunks


@pytest.mark.parametrize("size", [256 * 1024 + more for more in (-1, 0, 1, 2, 100, 257, 258, 259, 700)])
def test_nothing_is_left_behind_at_the_end_of_a_chunk(size: int) -> None:
    made = Made(b"a", bytes(size))
    assert outcome(open_zip(io.BytesIO(build(made)), "k")) == ({"a": bytes(size)}, {})


def test_a_gap_in_front_of_the_end_record_is_passed_over() -> None:
    data = build(Made(b"a", b"alpha"), Made(b"b", b"beta"))
    at = data.index(b"PK\5\6")
    opened = open_zip(io.BytesIO(data[:at] + b"signature" + data[at:]), "k")
    assert outcome(opened) == ({"a": b"alpha", "b": b"beta"}, {})
    assert not opened.partial


class Stingy(io.BytesIO):
    """Gives fewer bytes than asked for, as raw files may."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 7))


def test_sources_may_give_fewer_bytes_than_asked_for() -> None:
    data = build(Made(b"a", b"alpha" * 99), Made(b"b", b"beta" * 99, flags=8))
    for one in (data, data[: data.index(b"PK\1\2")]):
        assert outcome(open_zip(Stingy(one), "k"))[0] == {"a": b"alpha" * 99, "b": b"beta" * 99}


def test_a_method_that_nobody_knows_is_named_not_read() -> None:
    opened = open_zip(io.BytesIO(build(Made(b"a", b"x" * 99, method=97), Made(b"b", b"y", method=0))), "k")
    assert outcome(opened) == ({"b": b"y"}, {"a": "member-method"})
    assert kinds(opened) == [("member-method", "member 1")]


def test_no_packed_data_at_all_are_an_empty_member() -> None:
    assert outcome(open_zip(io.BytesIO(build(Made(b"a", b"", packed_data=b""))), "k")) == ({"a": b""}, {})


def test_members_are_read_once_and_in_turn() -> None:
    opened = open_zip(io.BytesIO(build(Made(b"a", b"alpha"), Made(b"b", b"beta"))), "k")
    contents = opened.contents()
    first, second = next(contents), next(contents)
    with pytest.raises(UsageError, match="one by one"):
        first.read(100)
    assert second.read(100) == b"beta"
    with pytest.raises(UsageError, match="open it again"):
        opened.contents()


def test_reading_is_limited() -> None:
    opened = open_zip(io.BytesIO(build(Made(b"a", bytes(5000)), Made(b"b", b"beta"))), "k.zip")
    contents = opened.contents()
    content = next(contents)
    for _ in range(2):  # the rest of it never looks like its end
        with pytest.raises(DamagedError, match=r"k\.zip, member 1: .* more than 4999 bytes") as raised:
            content.read(4999)
        assert raised.value.kind == "member-too-large"
    assert kinds(opened) == [("member-too-large", "member 1")]
    assert next(contents).read(4) == b"beta"


def test_members_come_in_the_order_of_their_bytes() -> None:
    one, two = Made(b"one", b"1"), Made(b"two", b"2")
    body = one.record() + two.record()
    directory = two.entry(len(one.record())) + one.entry(0)
    ends = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(directory), len(body), 0)
    opened = open_zip(io.BytesIO(body + directory + ends), "k")
    assert [(content.member.number, content.member.name) for content in opened.contents()] == [(0, "one"), (1, "two")]


def test_limits_are_the_documented_ones() -> None:
    assert (LIMITS.members, LIMITS.member_bytes, LIMITS.total_bytes) == (10_000, 1 << 30, 4 << 30)
    assert LIMITS.nested_bytes == 64 << 20


@pytest.mark.skipif(shutil.which("zip") is None, reason="Info-ZIP is not installed")
@pytest.mark.parametrize("options", [["-q"], ["-q0"], ["-qfd"]])
def test_what_info_zip_writes_comes_out(tmp_path: Path, options: list[str]) -> None:
    wanted = {f"file{number}.csv": f"{number},".encode() * 5000 for number in range(5)}
    for name, data in wanted.items():
        (tmp_path / name).write_bytes(data)
    subprocess.run(["zip", *options, "out.zip", *wanted], cwd=tmp_path, check=True)
    with (tmp_path / "out.zip").open("rb") as file:
        opened = open_zip(file, "k")
        assert outcome(opened) == (wanted, {})
        assert opened.findings == []


@settings(max_examples=30, deadline=None)
@given(st.binary(max_size=200))
def test_anything_is_a_zip_or_refused(data: bytes) -> None:
    try:
        opened = open_zip(io.BytesIO(data), "k")
    except DamagedError as error:
        assert error.kind in {"not-a-zip", "zip-truncated"}  # noqa: PT017 - nothing is to be had of most
    else:
        assert list(opened.contents()) == []


PAGE = b'"id_user","text"\n' + b'"0001","the same line again"\n' * 30 + b"x" * 70_000
DEFLATE64 = bytes.fromhex(
    "edc1c16905201004d0bb552c73f63056140632e882ee211af8e5a791bc87fcfefabdfe41c7f3e7a1"
    + "81e440c75b8eabe3d8590e4d65a1" * 30
    + "7dfeefff7dfee322fc01"
)
"""`PAGE` as the library inflate64 1.0.4 packs it: runs of 65,538 bytes in one go, which Deflate does not have."""


@pytest.mark.parametrize("method", [9, 14, 20, 93], ids=["Deflate64", "LZMA", "zstd, as it was numbered first", "zstd"])
def test_what_newer_programs_pack_comes_out(method: int) -> None:
    alone = lzma.compress(PAGE, lzma.FORMAT_ALONE)  # properties, the size that is not said, data
    packed = {9: DEFLATE64, 14: b"\x09\x14\x05\0" + alone[:5] + alone[13:]}.get(method) or zstandard.compress(PAGE)
    made = Made(b"a.csv", PAGE, method=method, packed_data=packed)
    opened = open_zip(io.BytesIO(build(made, Made(b"b", b"beta"))), "k")
    assert outcome(opened) == ({"a.csv": PAGE, "b": b"beta"}, {})
    for lost in (packed[:-40], packed[:20]):
        made = Made(b"a.csv", PAGE, method=method, packed_data=lost)
        assert outcome(open_zip(io.BytesIO(build(made)), "k")) == ({}, {"a.csv": "member-damaged"})


def test_deflate64_takes_seconds_and_no_quarter_of_an_hour():
    """Its library unpacks about 1 MB a second: the limit holds for all such members of a zip together."""
    made = Made(b"a.csv", PAGE, method=9, packed_data=DEFLATE64)
    others = [Made(name, PAGE, method=9, packed_data=DEFLATE64) for name in (b"b.csv", b"c.csv")]
    limits = replace(LIMITS, slow_bytes=2 * len(PAGE) + 10)
    for cut in (0, 30):  # the second without its directory
        data = build(made, *others, Made(b"d", b"delta"))
        opened = open_zip(io.BytesIO(data[: len(data) - cut]), "k", limits)
        whole, broken = outcome(opened)
        assert whole == {"a.csv": PAGE, "b.csv": PAGE, "d": b"delta"}
        assert broken == {"c.csv": "member-too-large"}
        assert ["Deflate64" in one.message for one in opened.findings if one.kind == "member-too-large"] == [True]
    assert LIMITS.slow_bytes == 64 << 20


@pytest.mark.parametrize("raw", ["Größe.jpg".encode("cp437"), b"\x80" * 40 + b".jpg"])
def test_a_member_put_behind_one_with_an_old_name_is_no_overlap(raw: bytes) -> None:
    """Python rewrites the directory's name in UTF-8, which is longer, and leaves the local header as it was."""
    out = io.BytesIO(build(Made(raw, b"alpha", method=0)))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("later.csv", b"beta")
    with zipfile.ZipFile(out) as archive:
        wanted = {name: archive.read(name) for name in archive.namelist()}
    assert sorted(wanted.values()) == [b"alpha", b"beta"]
    opened = open_zip(out, "k")
    assert outcome(opened) == (wanted, {})
    assert opened.findings == []
