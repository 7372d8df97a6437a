from __future__ import annotations

import itertools
import random
import tracemalloc

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.codecs import zstd
from bondstore.codecs.zstdframes import FrameWalk
from bondstore.errors import DamagedError

TEXT = b"".join(b"%d,2024-01-01T00:00:00.%03d,0.%d\n" % (i, i % 1000, i * i) for i in range(40_000))
NOISE = random.Random(1).randbytes(300_000)
SKIPPABLE = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"extra"


def unsized(plain: bytes, **options: bool) -> bytes:
    packer = zstandard.ZstdCompressor(**options).compressobj()
    return packer.compress(plain) + packer.flush()


def zeros(frames_blocks: int) -> bytes:
    """A bomb: each run-length block of four bytes gives 128 KiB; the header names no size."""
    block = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b"\0"
    last = (1 | 1 << 1 | 1 << 3).to_bytes(3, "little") + b"\0"
    return zstd.MAGIC + b"\x00\x38" + block * frames_blocks + last


FORMS = {
    "sized": zstandard.compress(TEXT),
    "unsized": unsized(TEXT),
    "checksum": zstandard.ZstdCompressor(write_checksum=True).compress(TEXT),
    "unsized with checksum": unsized(TEXT, write_checksum=True),
    "two frames": zstandard.compress(TEXT[:1000]) + unsized(TEXT[1000:]),
    "skippable between": zstandard.compress(TEXT[:1000]) + SKIPPABLE + zstandard.compress(TEXT[1000:]),
    "skippable at the end": zstandard.compress(TEXT) + SKIPPABLE,
    "level 19": zstandard.compress(TEXT, 19),
    "empty frame, then text": zstandard.compress(b"") + zstandard.compress(TEXT),
}


def kind_of(data: bytes, limit: int = zstd.ONE_SHOT_LIMIT) -> str:
    with pytest.raises(DamagedError) as caught:
        zstd.decompress(data, limit)
    with pytest.raises(DamagedError) as streamed:
        list(zstd.inflate([data[:7], data[7:]], limit))
    assert streamed.value.kind == caught.value.kind
    return caught.value.kind


@pytest.mark.parametrize("form", FORMS)
def test_decompresses_every_form(form: str) -> None:
    assert zstd.decompress(FORMS[form]) == TEXT
    assert zstd.decompress(memoryview(FORMS[form])) == TEXT
    assert zstd.salvage(FORMS[form]) == (TEXT, None)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1, 3, 1000, 70_000])
def test_streams_in_any_chunking(form: str, size: int) -> None:
    chunks = [FORMS[form][at : at + size] for at in range(0, len(FORMS[form]), size)]
    assert b"".join(zstd.inflate(chunks)) == TEXT


@settings(deadline=None)
@given(plain=st.binary(max_size=2000), sizes=st.lists(st.integers(1, 50), min_size=1), packed=st.booleans())
def test_round_trip(plain: bytes, sizes: list[int], packed: bool) -> None:
    data = zstd.compress(plain) if packed else unsized(plain)
    assert zstd.decompress(data) == plain == zstandard.ZstdDecompressor().decompressobj().decompress(data)
    edges = [0, *itertools.accumulate(sizes), len(data)]
    assert b"".join(zstd.inflate(data[a:b] for a, b in itertools.pairwise(edges) if a < b)) == plain


def test_compresses_as_the_server_does() -> None:
    packed = zstd.compress(TEXT)
    assert zstd.looks_like_zstd(packed)
    assert zstandard.get_frame_parameters(packed).content_size == len(TEXT)
    assert not zstandard.get_frame_parameters(packed).has_checksum


@pytest.mark.parametrize("form", ["sized", "unsized", "checksum"])
@pytest.mark.parametrize("share", [0.0001, 0.3, 0.9])
def test_a_cut_frame_is_truncated(form: str, share: float) -> None:
    data = FORMS[form]
    assert kind_of(data[: int(len(data) * share) + 1]) == "truncated"
    assert kind_of(data[:-1]) == "truncated"


def test_a_cut_second_frame_is_truncated() -> None:
    assert kind_of(FORMS["two frames"][:-1]) == "truncated"


def test_nothing_is_truncated() -> None:
    with pytest.raises(DamagedError) as caught:
        zstd.decompress(b"")
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("at", [2, 4])
def test_a_damaged_header_is_bad(at: int) -> None:
    data = bytearray(FORMS["unsized"])
    data[at] ^= 0x08  # in the descriptor: a reserved bit
    assert kind_of(bytes(data)) == "bad-zstd"


def test_a_damaged_block_is_bad_and_what_was_before_is_kept() -> None:
    packed = unsized(NOISE + TEXT)
    data = bytearray(packed)
    data[-len(packed) // 20 :] = random.Random(3).randbytes(len(packed) // 20 + 1)
    assert kind_of(bytes(data)) == "bad-zstd"
    content, error = zstd.salvage(data)
    assert error is not None
    assert error.kind == "bad-zstd"
    assert (NOISE + TEXT).startswith(content)
    assert len(content) >= len(NOISE)


def test_a_cut_frame_is_salvaged_to_the_block() -> None:
    content, error = zstd.salvage(FORMS["sized"][:-10])
    assert error is not None
    assert error.kind == "truncated"
    assert len(content) > len(TEXT) - (256 << 10)
    assert TEXT.startswith(content)


@pytest.mark.parametrize("tail", [b"\0", b"abc", b"junk and more", bytes(100)])
@pytest.mark.parametrize("form", ["sized", "unsized", "two frames"])
def test_bytes_after_the_end_are_noticed(form: str, tail: bytes) -> None:
    assert kind_of(FORMS[form] + tail) == "bad-zstd"
    content, error = zstd.salvage(FORMS[form] + tail)
    assert content == TEXT
    assert error is not None
    assert "follow" in str(error)


@pytest.mark.parametrize("form", FORMS)
def test_the_limit_is_exact(form: str) -> None:
    assert zstd.decompress(FORMS[form], len(TEXT)) == TEXT
    assert kind_of(FORMS[form], len(TEXT) - 1) == "too-large"


def test_a_bomb_is_stopped_while_it_grows() -> None:
    bomb = zeros(20_000)  # 80 kB that would give 2.6 GB
    tracemalloc.start()
    try:
        assert kind_of(bomb, 4 << 20) == "too-large"
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20


def test_a_stream_gives_small_pieces_whatever_comes_in() -> None:
    pieces = list(zstd.inflate([zeros(200)]))
    assert sum(map(len, pieces)) == 200 * (128 << 10) + 1
    assert max(map(len, pieces)) <= 256 << 10


def test_a_declared_size_is_not_allocated() -> None:
    lying = zstd.MAGIC + b"\xc0\x38" + (200 << 20).to_bytes(8, "little") + b"\x09\x00\x00x"
    tracemalloc.start()
    try:
        with pytest.raises(DamagedError):
            zstd.decompress(lying)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 << 20


def test_a_huge_window_is_refused() -> None:
    wide = zstandard.ZstdCompressionParameters(window_log=30, enable_ldm=False)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    data = packer.compress(b"a" * 1000) + packer.flush()
    with pytest.raises(DamagedError) as caught:
        zstd.decompress(data)
    assert caught.value.kind == "too-large"


def test_streams_take_turns_without_mixing() -> None:
    one, two = zstd.inflate([FORMS["unsized"]]), zstd.inflate([FORMS["checksum"]])
    first, second = [], []
    for a, b in itertools.zip_longest(one, two, fillvalue=b""):
        first.append(a)
        second.append(b)
    assert b"".join(first) == b"".join(second) == TEXT


@given(data=st.binary(max_size=300), magic=st.booleans())
def test_no_bytes_break_it(data: bytes, magic: bool) -> None:
    content, error = zstd.salvage(zstd.MAGIC + data if magic else data, 1 << 20)
    assert len(content) <= 1 << 20
    assert error is None or error.kind in ("bad-zstd", "truncated", "too-large")


@given(cuts=st.lists(st.integers(1, 5000), min_size=1, max_size=20), form=st.sampled_from(sorted(FORMS)))
def test_the_walk_keeps_every_byte(cuts: list[int], form: str) -> None:
    walk, data, pieces = FrameWalk(), FORMS[form], []
    edges = [0, *itertools.accumulate(cuts), len(FORMS[form])]
    for a, b in itertools.pairwise(edges):
        pieces += [bytes(piece) for piece in walk.cut(data[a:b] if a < b else b"")]
    if edges[-2] <= len(data):
        assert b"".join(pieces) == data
        assert walk.between_frames
