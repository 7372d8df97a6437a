"""Zips made to do harm: bombs, overlaps, links, lies. None is believed, and none costs memory or time."""

from __future__ import annotations

import io
import struct
import time
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bondstore.errors import DamagedError
from bondstore.zips import LIMITS, Limits, open_zip
from tests.zips.build import DEVICE, LINK, Made, build, deflated, end, kinds, outcome

MB = 1 << 20


@contextmanager
def bounded(memory: int = 8 * MB, seconds: float = 20) -> Iterator[None]:
    """Fail when what happens inside takes more than so much memory or processor time."""
    start = time.process_time()
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < memory
    assert time.process_time() - start < seconds


def refused(data: bytes, limits: Limits = LIMITS) -> str:
    with pytest.raises(DamagedError) as raised:
        open_zip(io.BytesIO(data), "k", limits)
    return raised.value.kind


@pytest.fixture(scope="module")
def zeros() -> bytes:
    """300 MB of zeros in 300 kB."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("zeros.csv", "w") as member:
        for _ in range(300):
            member.write(bytes(MB))
        assert archive.fp is not None
    assert len(out.getvalue()) < 400_000
    return out.getvalue()


def test_zeros_stream_through_in_little_memory(zeros: bytes) -> None:
    with bounded():
        content = next(open_zip(io.BytesIO(zeros), "k").contents())
        assert sum(map(len, content.chunks)) == 300 * MB


def test_zeros_are_refused_by_what_they_claim(zeros: bytes) -> None:
    with bounded(seconds=1):
        opened = open_zip(io.BytesIO(zeros), "k", Limits(member_bytes=10 * MB))
        assert outcome(opened) == ({}, {"zeros.csv": "member-too-large"})
        assert kinds(opened) == [("member-too-large", "member 1")]
        assert refused(zeros, Limits(total_bytes=10 * MB)) == "zip-bomb"


def test_zeros_that_claim_to_be_small_are_stopped_there(zeros: bytes) -> None:
    packed = zeros[30 + len("zeros.csv") : zeros.rindex(b"PK\1\2")]
    lie = Made(b"zeros.csv", b"", packed_data=packed, local={"size": 99}, central={"size": 99})
    with bounded(seconds=1):
        opened = open_zip(io.BytesIO(build(lie, Made(b"b", b"beta"))), "k")
        assert outcome(opened) == ({"b": b"beta"}, {"zeros.csv": "member-damaged"})


def test_zeros_without_a_directory_are_stopped_at_the_limit(zeros: bytes) -> None:
    cut = zeros[: zeros.rindex(b"PK\1\2")]
    with bounded():
        opened = open_zip(io.BytesIO(cut), "k", Limits(member_bytes=2 * MB))
        assert outcome(opened) == ({}, {"zeros.csv": "member-too-large"})
    trailing = Made(b"zeros.csv", b"", packed_data=zeros[30 + len("zeros.csv") : len(cut)], flags=8).record()
    with bounded():
        opened = open_zip(io.BytesIO(trailing), "k", Limits(total_bytes=2 * MB))
        assert outcome(opened) == ({}, {"zeros.csv": "zip-bomb"})
        assert kinds(opened) == [("zip-truncated", ""), ("zip-bomb", "member 1")]


def test_a_member_of_unknown_size_is_stopped_at_the_limit() -> None:
    record = Made(b"a", bytes(3 * MB), flags=8).record() + Made(b"b", b"beta", flags=8).record()
    opened = open_zip(io.BytesIO(record), "k", Limits(member_bytes=2 * MB))
    assert outcome(opened) == ({"b": b"beta"}, {"a": "member-too-large"})


def test_totals_count_together() -> None:
    data = build(*[Made(b"%d" % number, bytes(1000)) for number in range(10)])
    assert refused(data, Limits(total_bytes=9_999)) == "zip-bomb"
    assert len(outcome(open_zip(io.BytesIO(data), "k", Limits(total_bytes=10_000)))[0]) == 10


def test_a_member_over_the_limit_costs_the_others_nothing() -> None:
    data = build(Made(b"big", bytes(5000)), Made(b"small", b"beta"))
    whole, broken = outcome(open_zip(io.BytesIO(data), "k", Limits(member_bytes=4999, total_bytes=4999)))
    assert (whole, broken) == ({"small": b"beta"}, {"big": "member-too-large"})


def test_too_many_members_are_refused_before_they_are_listed() -> None:
    few = build(*[Made(b"%d" % number) for number in range(4)])
    assert refused(few, Limits(members=3)) == "zip-too-many"
    open_zip(io.BytesIO(few), "k", Limits(members=4))
    entry = Made(b"x" * 10).entry(0)
    many = Made(b"x" * 10).record() + entry * 60_000 + end(60_000, 60_000 * len(entry), 42)
    with bounded(memory=4 * MB, seconds=1):
        assert refused(many) == "zip-too-many"


def test_names_of_64_kb_are_not_kept() -> None:
    members = [Made(b"%05d" % number + b"n" * 60_000) for number in range(200)]
    source = io.BytesIO(build(*members))
    with bounded(memory=2 * MB):
        opened = open_zip(source, "k")
        names = [content.member.name for content in opened.contents()]
    assert len(set(names)) == 200
    assert max(map(len, names)) <= 500
    assert {kind for kind, _ in kinds(opened)} == {"member-name"}


def test_members_at_one_place_are_refused() -> None:
    """Many entries, one member: what is unpacked again and again."""
    kernel = Made(b"a", bytes(MB))
    directory = b"".join(Made(b"a", bytes(MB)).entry(0) for _ in range(100))
    data = kernel.record() + directory + end(100, len(directory), len(kernel.record()))
    assert refused(data) == "zip-overlap"


def test_members_that_quote_each_other_are_refused() -> None:
    """Each begins with a stored block that holds the next one's header, and goes on with the next one's data."""
    content, packed, body = bytes(MB), deflated(bytes(MB)), b""
    made: list[Made] = []
    for number in reversed(range(50)):
        one = Made(b"%02d" % number, content, packed_data=packed)
        made.insert(0, one)
        body = one.record()[: 30 + 2] + packed
        header = one.record()[: 30 + 2]
        packed = b"\0" + struct.pack("<HH", len(header), len(header) ^ 0xFFFF) + header + packed
        content = header + content
    assert zlib.decompress(made[0].packed(), -15) == made[0].data
    starts = [sum(30 + 2 + 5 for _ in range(number)) for number in range(50)]
    directory = b"".join(one.entry(start) for one, start in zip(made, starts, strict=True))
    data = body + directory + end(50, len(directory), len(body))
    assert all(data[start : start + 4] == b"PK\3\4" for start in starts)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert sum(info.file_size for info in archive.infolist()) > 50 * MB
    assert refused(data) == "zip-overlap"


@pytest.mark.parametrize("place", [0, 5, 60, 10**6, 0xFFFFFFF0])
def test_a_member_that_is_said_to_be_elsewhere_is_refused(place: int) -> None:
    data = build(Made(b"a", b"alpha" * 9, method=0), Made(b"b", b"beta" * 9, central={"start": place}))
    assert refused(data) == "zip-overlap"


def test_a_member_that_is_said_to_be_longer_is_refused() -> None:
    assert refused(build(Made(b"a", b"alpha", central={"packed": 99}), Made(b"b", b"beta"))) == "zip-overlap"
    assert refused(build(Made(b"a", b"alpha"), Made(b"b", b"beta", central={"packed": 99}))) == "zip-overlap"


def test_a_longer_local_header_does_not_reach_into_the_next_member() -> None:
    long = Made(b"a", b"alpha", method=0, extra=b"\x99\x99\x10\0" + bytes(16))
    data = bytearray(build(long, Made(b"b", b"beta", method=0)))
    at = data.index(b"alpha")
    data[28:30] = struct.pack("<H", 40)  # now its data would begin in the middle of what follows
    whole, broken = outcome(open_zip(io.BytesIO(bytes(data)), "k"))
    assert (whole, broken) == ({"b": b"beta"}, {"a": "member-damaged"})
    assert at < 70


def test_two_members_do_not_share_bytes_behind_a_long_local_header() -> None:
    """The directory keeps them apart; the first one's own header says that its data begin where the second begins."""
    two = Made(b"b", b"beta" * 9, method=0)
    quoted = two.record()
    one = Made(b"a", quoted, method=0, packed_data=b"", extra=bytes(len(quoted)))
    for said in (one.local, one.central):
        said["packed"] = len(quoted)
    opened = open_zip(io.BytesIO(build(one, two)), "k")
    assert outcome(opened) == ({"b": b"beta" * 9}, {"a": "member-damaged"})


def test_sizes_that_both_headers_lie_about_cost_the_member() -> None:
    lie = {"size": 6}
    data = build(Made(b"a", b"alpha", local=lie, central=lie), Made(b"b", b"alpha", method=0, local=lie, central=lie))
    assert outcome(open_zip(io.BytesIO(data), "k")) == ({}, {"a": "member-damaged", "b": "member-damaged"})


def test_packed_data_without_an_end_cost_the_member() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    endless = packer.compress(b"alpha") + packer.flush(zlib.Z_SYNC_FLUSH)
    assert outcome(open_zip(io.BytesIO(build(Made(b"a", b"alpha", packed_data=endless))), "k"))[1] == {
        "a": "member-damaged"
    }


@pytest.mark.parametrize(
    "lie",
    [
        {"name": b"b.txt"},
        {"method": 0},
        {"flags": 1},
        {"crc": 1},
        {"size": 4},
        {"size": 6},
    ],
)
@pytest.mark.parametrize("side", ["local", "central"])
def test_headers_that_disagree_cost_the_member(lie: dict[str, object], side: str) -> None:
    lied = Made(b"a.txt", b"alpha", **{side: lie})  # type: ignore[arg-type]
    opened = open_zip(io.BytesIO(build(lied, Made(b"c.txt", b"gamma"))), "k")
    whole, broken = outcome(opened)
    assert whole == {"c.txt": b"gamma"}
    if side == "central" and "flags" in lie:
        assert kinds(opened) == [("member-encrypted", "member 1")]
    else:
        assert list(broken.values()) == ["member-damaged"]
        assert kinds(opened) == [("member-damaged", "member 1")]


def test_data_behind_the_end_of_packed_data_are_not_passed_over() -> None:
    hiding = Made(b"a", b"alpha", packed_data=deflated(b"alpha") + b"hidden")
    assert outcome(open_zip(io.BytesIO(build(hiding)), "k")) == ({}, {"a": "member-damaged"})


@pytest.mark.parametrize("count", [0, 1, 3, 0xFFFF])
def test_a_directory_that_miscounts_itself_is_not_used(count: int) -> None:
    data = build(Made(b"a", b"alpha"), Made(b"b", b"beta"), count=count)
    if count == 0xFFFF:
        assert refused(data) == "zip-too-many"
        return
    opened = open_zip(io.BytesIO(data), "k")
    assert opened.partial
    assert outcome(opened)[0] == {"a": b"alpha", "b": b"beta"}
    assert kinds(opened) == [("zip-no-directory", "")]


@pytest.mark.parametrize(
    "extra",
    [b"\1\0\x04\0abcd", b"\1\0\x08\0abcd", b"\x99\0\xff\xffabcd", b"\1\0\x18", b"\1\0\4\0abcd\x99\0\4\0efgh"],
)
def test_a_64_bit_size_that_is_not_there_is_not_made_up(extra: bytes) -> None:
    made = Made(b"a", b"alpha")
    entry = bytearray(made.entry(0))
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", len(extra))
    directory = bytes(entry) + extra
    data = made.record() + directory + end(1, len(directory), len(made.record()))
    opened = open_zip(io.BytesIO(data), "k")
    assert outcome(opened)[0] == {"a": b"alpha"}
    assert kinds(opened) == [("zip-no-directory", "")]


def test_nothing_in_here_is_not_believed_of_a_zip_that_begins_with_a_member() -> None:
    opened = open_zip(io.BytesIO(Made(b"a", b"alpha").record() + end(0, 0, 0)), "k")
    assert outcome(opened)[0] == {"a": b"alpha"}
    assert kinds(opened) == [("zip-no-directory", "")]


def test_an_end_record_in_the_note_does_not_hide_the_members() -> None:
    data = build(Made(b"a", b"alpha"), note=end(0, 0, 0))
    assert outcome(open_zip(io.BytesIO(data), "k"))[0] == {"a": b"alpha"}


@pytest.mark.parametrize("flags", [0x1, 0x40 | 0x1, 0x2000])
def test_encrypted_members_are_named(flags: int) -> None:
    data = build(Made(b"a", b"alpha"), Made(b"b", b"beta", flags=flags), Made(b"c", b"gamma"))
    opened = open_zip(io.BytesIO(data), "k")
    assert kinds(opened) == [("member-encrypted", "member 2")]
    assert outcome(opened) == ({"a": b"alpha", "c": b"gamma"}, {})
    cut = open_zip(io.BytesIO(data[: data.index(b"PK\1\2")]), "k")
    assert outcome(cut) == ({"a": b"alpha", "c": b"gamma"}, {})
    assert kinds(cut) == [("zip-truncated", ""), ("member-encrypted", "member 2")]


@pytest.mark.parametrize("mode", [LINK, DEVICE, 0o010644, 0o140777])
def test_links_and_special_files_are_named(mode: int) -> None:
    opened = open_zip(io.BytesIO(build(Made(b"a.jpg", b"/etc/passwd", mode=mode), Made(b"b", mode=0o100644))), "k")
    assert kinds(opened) == [("member-link", "member 1")]
    assert list(outcome(opened)[0]) == ["b"]


@pytest.mark.parametrize("extra", [b"", b"\x99\0\4\0abcd"])
def test_a_size_of_32_ones_without_a_64_bit_one_is_a_member_too_large(extra: bytes) -> None:
    """APPNOTE 4.4.9: only with a zip64 field do the ones stand for another size."""
    made = Made(b"a", b"alpha")
    entry = bytearray(made.entry(0))
    entry[24:28] = b"\xff" * 4
    entry[30:32] = struct.pack("<H", len(extra))
    other = Made(b"b", b"beta")
    directory = bytes(entry) + extra + other.entry(len(made.record()))
    body = made.record() + other.record()
    opened = open_zip(io.BytesIO(body + directory + end(2, len(directory), len(body))), "k")
    assert outcome(opened) == ({"b": b"beta"}, {"a": "member-too-large"})
    assert kinds(opened) == [("member-too-large", "member 1")]


def test_zips_in_zips_are_known_by_name_and_by_what_they_begin_with() -> None:
    inner = build(Made(b"in.txt", b"inner"))
    data = build(
        Made(b"one.zip", b"no zip at all"),
        Made(b"two.csv", inner, method=0),
        Made(b"three.csv", inner),
        Made(b"four.csv", build()),
        Made(b"five.csv", b"PK,is,no,zip"),
        Made(b"SIX.ZIP", inner),
    )
    opened = open_zip(io.BytesIO(data), "k")
    found = [(content.member.where, content.member.name, content.read(99)) for content in opened.contents()]
    assert found == [
        ("member 2, member 1", "in.txt", b"inner"),
        ("member 3, member 1", "in.txt", b"inner"),
        ("member 5", "five.csv", b"PK,is,no,zip"),
        ("member 6, member 1", "in.txt", b"inner"),
    ]
    assert kinds(opened) == [("member-nested", "member 1")]


def test_a_zip_in_a_zip_in_a_zip_is_named() -> None:
    inmost = build(Made(b"in.txt", b"inner"))
    opened = open_zip(io.BytesIO(build(Made(b"a.zip.zip", build(Made(b"b.zip", inmost), Made(b"c", b"c"))))), "k")
    assert outcome(opened) == ({"c": b"c"}, {})
    assert kinds(opened) == [("member-nested", "member 1, member 1")]


def test_zips_in_a_zip_share_its_limits() -> None:
    inner = build(*(Made(b"%d" % number, bytes(1000)) for number in range(5)))
    data = build(*(Made(b"%d.zip" % number, inner) for number in range(4)))
    few = Limits(members=4 + 2 * 5)
    opened = open_zip(io.BytesIO(data), "k", few)
    assert len(list(opened.contents())) == 10
    assert kinds(opened) == [("zip-too-many", "member 3"), ("zip-too-many", "member 4")]
    small = Limits(total_bytes=4 * len(inner) + 12_000)
    opened = open_zip(io.BytesIO(data), "k", small)
    assert len(list(opened.contents())) == 10
    assert kinds(opened) == [("zip-bomb", "member 3"), ("zip-bomb", "member 4")]
    opened = open_zip(io.BytesIO(data), "k", Limits(nested_bytes=len(inner) - 1))
    assert list(opened.contents()) == []
    assert {kind for kind, _ in kinds(opened)} == {"member-too-large"}


def test_a_broken_zip_in_a_zip_is_salvaged() -> None:
    inner = build(Made(b"in.txt", b"inner"), Made(b"more.txt", b"more"))
    opened = open_zip(io.BytesIO(build(Made(b"a.zip", inner[: inner.index(b"PK\1\2")]), Made(b"b", b"beta"))), "k")
    assert outcome(opened) == ({"in.txt": b"inner", "more.txt": b"more", "b": b"beta"}, {})
    assert kinds(opened) == [("zip-truncated", "member 1")]


def test_an_lzma_header_does_not_say_how_much_memory_is_taken() -> None:
    """Nothing lies further back than the member is long; more than 64 MiB are not taken."""
    greedy = zipfile.ZipFile(out := io.BytesIO(), "w", zipfile.ZIP_LZMA)
    greedy.writestr("a", b"alpha" * 100)
    greedy.close()
    data = bytearray(out.getvalue())
    at = data.index(b"\5\0\x5d") + 3
    data[at : at + 4] = b"\xff" * 4
    with bounded(memory=4 * MB):
        whole, broken = outcome(open_zip(io.BytesIO(bytes(data)), "k"))
    assert (whole, broken) == ({"a": b"alpha" * 100}, {})
    large = Made(b"a", method=14, packed_data=b"\x09\x14\5\0\x5d\xff\xff\xff\xff" + bytes(9))
    for said in (large.local, large.central):
        said["size"] = 1 << 29
    assert outcome(open_zip(io.BytesIO(build(large)), "k")) == ({}, {"a": "member-method"})


@pytest.mark.parametrize("method", [9, 14, 93])
def test_packed_data_of_any_method_may_be_anything(method: int) -> None:
    for packed in (b"", b"\0", bytes(40), b"\xff" * 40, b"\x28\xb5\x2f\xfd" + bytes(30)):
        made = Made(b"a", b"alpha", method=method, packed_data=packed)
        assert outcome(open_zip(io.BytesIO(build(made)), "k")) == ({}, {"a": "member-damaged"})


NAMES = {
    b"/etc/passwd": ("/etc/passwd", "passwd"),
    b"C:\\Windows\\evil.jpg": ("C:/Windows/evil.jpg", "evil.jpg"),
    b"C:evil.jpg": ("C:evil.jpg", "C_evil.jpg"),
    b"..\\..\\evil.jpg": ("../../evil.jpg", "evil.jpg"),
    b"../../evil.jpg": ("../../evil.jpg", "evil.jpg"),
    b"a/../../b.jpg": ("a/../../b.jpg", "b.jpg"),
    b"a//b.jpg": ("a//b.jpg", "b.jpg"),
    b"..": ("..", "member-0"),
    b"": ("", "member-0"),
    b"a\nb.jpg": ("a%0Ab.jpg", "a_0Ab.jpg"),
    b"\x1b[2Ja.jpg": ("%1B[2Ja.jpg", "_1B[2Ja.jpg"),
    b"a.jpg\0.exe": ("a.jpg%00.exe", "a.jpg_00.exe"),
    "a\u202egpj.exe".encode(): ("a%E2%80%AEgpj.exe", "a_E2_80_AEgpj.exe"),
    b"caf\xe9.jpg": ("cafΘ.jpg", "cafΘ.jpg"),
}


@pytest.mark.parametrize("raw", NAMES)
def test_hostile_names_are_shown_and_made_harmless(raw: bytes) -> None:
    data = build(Made(raw, b"alpha"))
    for one, expected in ((data, []), (data[: data.index(b"PK\1\2")], [("zip-truncated", "")])):
        opened = open_zip(io.BytesIO(one), "k")
        content = next(opened.contents())
        assert (content.member.name, content.member.base) == NAMES[raw]
        assert content.member.name.isprintable()
        assert content.read(10) == b"alpha"
        assert kinds(opened) == [*expected, ("member-name", "member 1")]


@pytest.mark.parametrize("raw", [b"a.jpg", b"images/a b.jpg", "fotos/Straße 東京.jpg".encode(), b"a" * 499])
def test_ordinary_names_are_not_odd(raw: bytes) -> None:
    opened = open_zip(io.BytesIO(build(Made(raw))), "k")
    assert next(opened.contents()).member.name == raw.decode()
    assert opened.findings == []


def test_base_names_fit_every_file_system() -> None:
    raw = ("x/" + "😀" * 5000 + ".jpg").encode()
    base = next(open_zip(io.BytesIO(build(Made(raw))), "k").contents()).member.base
    assert len(base.encode()) <= 120
    assert "/" not in base


def test_names_that_repeat_are_both_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for data in (b"first", b"second"):
                archive.writestr("a.csv", data)
    opened = open_zip(out, "k")
    assert [content.read(10) for content in opened.contents()] == [b"first", b"second"]
    assert kinds(opened) == [("member-repeated", "member 2")]
