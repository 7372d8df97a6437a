"""Damaged zips: what is whole comes out, what is not raises, and nothing else ever happens."""

from __future__ import annotations

import hashlib
import io
import random
import sys
import zipfile
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.errors import DamagedError, MissingExtraError
from bondstore.zips import ZIPS, Limits, OpenedZip, open_zip
from demo import phones
from tests.zips.build import Made, build, deflated, end, kinds, outcome
from tests.zips.test_hostile import bounded
from tests.zips.test_sound import Pipe, written

MB = 1 << 20


def plain(number: int) -> bytes:
    """Content that packs a little, other for each number."""
    rng = random.Random(number)
    return b"".join(rng.choice((b"alpha,", b"beta\n", rng.randbytes(7))) for _ in range(200 + 60 * number))


MEMBERS = {f"img_{number}.jpg": plain(number) for number in range(8)}


def some(*, seekable: bool, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    return written([(name, data, method) for name, data in MEMBERS.items()], seekable=seekable)


ZIPPED = {
    "trailed": some(seekable=False),
    "led": some(seekable=True),
    "stored": some(seekable=True, method=zipfile.ZIP_STORED),
    "bzip2": some(seekable=False, method=zipfile.ZIP_BZIP2),
}


def check(data: bytes, *, whole_names: bool = True) -> tuple[OpenedZip | None, int]:
    """Open and read: nothing but `DamagedError` is ever raised, and what is whole is what went in."""
    try:
        opened = open_zip(io.BytesIO(data), "k")
    except DamagedError as error:
        assert error.kind in ZIPS  # noqa: PT017
        return None, 0
    whole = 0
    for content in opened.contents():
        try:
            got = content.read(MB)
        except DamagedError as error:
            assert error.kind in ZIPS  # noqa: PT017
            assert (error.kind, content.member.where) in kinds(opened)  # noqa: PT017
        else:
            whole += 1
            assert got == MEMBERS[content.member.name] if whole_names else got in MEMBERS.values()
    return opened, whole


@pytest.mark.parametrize("sort", ZIPPED)
def test_a_zip_cut_anywhere_gives_what_lies_in_front_of_the_cut(sort: str) -> None:
    data = ZIPPED[sort]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        starts = [info.header_offset for info in archive.infolist()]
        directory = archive.start_dir
        ends = [*starts[1:], directory]
    cuts = {cut for place in (*ends, len(data)) for cut in range(max(place - 40, 1), min(place + 40, len(data)))}
    cuts |= set(range(1, len(data), 211))
    for cut in sorted(cuts):
        opened, whole = check(data[:cut])
        trailer = 16 if sort in {"trailed", "bzip2"} else 0  # whole only once its checksum, behind it, has come
        assert whole == sum(place <= cut for place in ends)
        assert whole >= sum(place - trailer <= cut for place in ends) - 1
        if opened is None:
            assert cut < 45
        else:
            assert opened.partial
            assert kinds(opened)[0] == ("zip-truncated", "")


@pytest.mark.parametrize("sort", ZIPPED)
def test_all_members_come_out_without_the_directory(sort: str) -> None:
    data = ZIPPED[sort]
    start = data.index(b"PK\1\2")
    lost = {
        "zip-truncated": [data[:start], data[:start] + bytes(len(data) - start)],
        "zip-no-directory": [data[: start + 3] + b"x" + data[start + 4 :], data[:start] + end(8, 400, start)],
    }
    for word, ones in lost.items():
        for one in ones:
            opened, whole = check(one)
            assert opened is not None
            assert opened.partial
            assert whole == 8
            assert kinds(opened)[0] == (word, "")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(ZIPPED)), st.data())
def test_flipped_bits_are_seen(sort: str, draw: st.DataObject) -> None:
    data = bytearray(ZIPPED[sort])
    at = draw.draw(st.integers(0, len(data) * 8 - 1))
    data[at // 8] ^= 1 << at % 8
    _, whole = check(bytes(data))
    if at // 8 < ZIPPED[sort].index(b"PK\1\2"):  # in a member: the directory is sound
        assert whole >= 7


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(ZIPPED)), st.lists(st.integers(0, 10**6), max_size=4), st.data())
def test_damage_without_a_directory_is_seen(sort: str, places: list[int], draw: st.DataObject) -> None:
    start = ZIPPED[sort].index(b"PK\1\2")
    data = bytearray(ZIPPED[sort][:start])
    for place in places:
        data[place % start] ^= draw.draw(st.integers(1, 255))
    _, whole = check(bytes(data), whole_names=False)
    assert whole >= 8 - 2 * len(places) - (sort == "stored")


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(ZIPPED)), st.integers(0, 10**6), st.binary(max_size=300))
def test_pieces_put_in_or_taken_out_are_seen(sort: str, place: int, piece: bytes) -> None:
    data = ZIPPED[sort]
    place %= len(data)
    check(data[:place] + piece + data[place:], whole_names=False)
    check(data[:place] + data[place + len(piece) :], whole_names=False)


def test_members_behind_a_broken_one_are_found() -> None:
    made = [Made(b"%d.csv" % number, plain(number), flags=8) for number in range(6)]
    made[2].packed_data = b"\xff" * 300  # no deflate at all
    made[4].local = {"crc": 7}
    for one in (build(*made), b"".join(one.record() for one in made)):
        whole, broken = outcome(open_zip(io.BytesIO(one), "k"))
        assert set(whole) == {"0.csv", "1.csv", "3.csv", "5.csv"} | (set() if one[-22:-18] != b"PK\5\6" else {"4.csv"})
        assert set(broken) == {"0.csv", "1.csv", "2.csv", "3.csv", "4.csv", "5.csv"} - set(whole)
        assert set(broken.values()) == {"member-damaged"}


def test_what_cannot_be_read_between_members_is_told() -> None:
    made = [Made(b"%d.csv" % number, plain(number), flags=8) for number in range(3)]
    data = made[0].record() + b"x" + made[1].record()[1:] + made[2].record()
    opened = open_zip(io.BytesIO(data), "k")
    assert "2.csv" in outcome(opened)[0]
    assert [kind for kind, _ in kinds(opened)].count("member-damaged") >= 1


def test_broken_lengths_cost_one_member() -> None:
    made = [Made(b"%d.csv" % number, plain(number)) for number in range(6)]
    data = bytearray(b"".join(one.record() for one in made))
    data[len(made[0].record()) + 27] = 8  # the second one's name would be 2 kB longer
    whole, broken = outcome(open_zip(io.BytesIO(bytes(data)), "k"))
    assert set(whole) == {"0.csv", "2.csv", "3.csv", "4.csv", "5.csv"}
    assert set(broken.values()) == {"member-damaged"}


def test_what_only_looks_like_a_member_is_passed_over() -> None:
    data = (
        Made(b"a.csv", b"alpha").record()
        + b"PK\3\4"
        + b"\xff" * 22
        + b"\1\0\0\0"
        + bytes(40)
        + Made(b"b.csv", b"beta").record()
    )
    opened = open_zip(io.BytesIO(data), "k")
    assert outcome(opened) == ({"a.csv": b"alpha", "b.csv": b"beta"}, {})
    at = len(Made(b"a.csv", b"alpha").record())
    assert kinds(opened) == [("zip-truncated", ""), ("member-damaged", f"byte {at}")]


def test_zips_put_behind_each_other_all_come_out() -> None:
    one, two = build(Made(b"a.csv", b"alpha")), build(Made(b"b.csv", b"beta"))
    for data in (one + two, one + two[:-5]):
        opened = open_zip(io.BytesIO(data), "k")
        assert outcome(opened) == ({"a.csv": b"alpha", "b.csv": b"beta"}, {})
        assert kinds(opened) == [("zip-no-directory", "")]


def test_64_bit_sizes_behind_the_data_are_read() -> None:
    wanted, pipe = {"a": b"", "b": plain(3), "c": b"", "d": b"delta"}, Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in wanted.items():
            with archive.open(name, "w", force_zip64=True) as member:
                member.write(data)
    opened = open_zip(io.BytesIO(pipe.data[: pipe.data.index(b"PK\1\2")]), "k")
    assert outcome(opened) == (wanted, {})
    assert kinds(opened) == [("zip-truncated", "")]


def test_members_that_nobody_reads_are_still_passed() -> None:
    data = ZIPPED["trailed"][: ZIPPED["trailed"].index(b"PK\1\2")]
    opened = open_zip(io.BytesIO(data), "k")
    assert [content.member.name for content in opened.contents()] == list(MEMBERS)
    assert kinds(opened) == [("zip-truncated", "")]


@pytest.mark.parametrize("method", [0, 8])
def test_members_of_a_zip_in_a_broken_zip_are_not_its_own(method: int) -> None:
    inner = build(Made(b"inner.csv", b"inner" * 50, method=0), Made(b"inner2.csv", b"in"))
    nested = Made(
        b"data.csv", inner, method=method, packed_data=b"\0" + inner if method else None, flags=8 if method else 0
    )
    if method:
        size = len(inner).to_bytes(2, "little"), (len(inner) ^ 0xFFFF).to_bytes(2, "little")
        nested.packed_data = b"\1" + b"".join(size) + inner  # a stored block: the inner zip stands there as it is
    whole = Made(b"a.csv", b"alpha").record() + nested.record() + Made(b"z.csv", b"omega").record()
    opened = open_zip(io.BytesIO(whole), "k")
    found = [(content.member.where, content.member.name) for content in opened.contents()]
    assert found == [
        ("member 1", "a.csv"),
        ("member 2, member 1", "inner.csv"),
        ("member 2, member 2", "inner2.csv"),
        ("member 3", "z.csv"),
    ]
    assert opened.partial
    assert kinds(opened) == [("zip-no-directory", "")]

    cut = Made(b"a.csv", b"alpha").record() + nested.record()[: 30 + 8 + len(inner) - 5]
    opened = open_zip(io.BytesIO(cut), "k")
    assert outcome(opened) == ({"a.csv": b"alpha"}, {})
    assert ("member-damaged", "member 2") in kinds(opened)


def test_stored_members_of_unknown_length_are_named() -> None:
    one = Made(b"a.bin", b"alpha" * 20, method=0, flags=8)
    two = Made(b"b.csv", b"beta", flags=8)
    opened = open_zip(io.BytesIO(one.record() + two.record()), "k")
    assert outcome(opened) == ({"b.csv": b"beta"}, {"a.bin": "member-damaged"})
    assert outcome(open_zip(io.BytesIO(build(one, two)), "k"))[0] == {"a.bin": b"alpha" * 20, "b.csv": b"beta"}


def test_the_front_may_be_lost_too() -> None:
    opened, whole = check(ZIPPED["trailed"][10:])
    assert opened is not None
    assert opened.partial
    assert whole == 7


def test_what_phones_send_is_salvaged() -> None:
    shape = phones.Shape(panelists=1, zips=2, screenshots=5, size=(54, 117))
    for phone in phones.make(shape):
        digests = {image.name: image.digest for image in phone.images}
        tables = {table.name: table.written for table in phone.tables}
        for tenths, least in ((10, 10), (9, 8), (6, 5), (3, 2)):
            whole, _ = outcome(open_zip(io.BytesIO(phone.data[: len(phone.data) * tenths // 10]), phone.key))
            assert least <= len(whole) <= 10
            for name, data in whole.items():
                assert tables.get(name) == data or hashlib.sha256(data).hexdigest() == digests[name]


def test_nothing_is_no_zip() -> None:
    for data in (b"", b"\xff\xd8\xff\xe0 a picture", b"PK", bytes(100_000), b"id,name\n1,PK\n"):
        with pytest.raises(DamagedError) as raised:
            open_zip(io.BytesIO(data), "a/b.zip")
        assert raised.value.kind == ("zip-truncated" if data == b"PK" else "not-a-zip")
        assert raised.value.message.startswith("a/b.zip: ")


def test_the_missing_part_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "stream_unzip", None)
    assert open_zip(io.BytesIO(ZIPPED["led"]), "k").findings == []
    with pytest.raises(MissingExtraError, match=r"pip install 'bondstore\[screenlake\]'"):
        open_zip(io.BytesIO(ZIPPED["led"][:-30]), "k")


def test_many_small_members_are_no_bomb() -> None:
    data = b"".join(Made(b"%d" % number, b"x" * 50, flags=8).record() for number in range(3000))
    with bounded(seconds=30):
        opened = open_zip(io.BytesIO(data), "k")
        assert len(outcome(opened)[0]) == 3000
    assert kinds(opened) == [("zip-truncated", "")]
    opened = open_zip(io.BytesIO(data), "k", Limits(members=100))
    assert len(outcome(opened)[0]) == 100
    assert kinds(opened)[-1] == ("zip-too-many", "")


def test_members_that_begin_in_each_other_are_stopped() -> None:
    """Headers whose data are all that follows: work that grows with the square of the size."""
    head = Made(b"a", b"", packed_data=b"", flags=8).record()[:31]
    empty = b"\0\0\0\xff\xff"  # a stored block of nothing: packed bytes without an end, and without output
    hop = b"\0\1\0\xfe\xffx" + b"\0" + (31).to_bytes(2, "little") + (31 ^ 0xFFFF).to_bytes(2, "little")
    data = (head + hop) * 5_000 + head + empty * 400_000
    with bounded(seconds=60):
        opened = open_zip(io.BytesIO(data), "k")
        assert Counter(outcome(opened)[1].values())["zip-bomb"] == 1
    assert kinds(opened)[-1][0] == "zip-bomb"


def test_a_deflate_bomb_in_each_header_is_stopped_by_the_total() -> None:
    data = b"".join(Made(b"%d" % number, bytes(MB), flags=8).record() for number in range(20)) + deflated(b"x")
    opened = open_zip(io.BytesIO(data), "k", Limits(total_bytes=5 * MB))
    whole, broken = outcome(opened)
    assert len(whole) == 5
    assert broken == {"5": "zip-bomb"}
