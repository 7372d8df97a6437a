from __future__ import annotations

import random

import pytest
import zstandard
from Cryptodome.Cipher import AES

from bondstore.codecs import chain
from bondstore.codecs.cfb8 import Cfb8
from bondstore.errors import DamagedError

KEY = b"quiet-harbour-lantern-0123456789"
IV = bytes(range(16))
TEXT = b"timestamp,UTC time,x\n" + b"1,2,3\n" * 30_000


def sealed(plain: bytes) -> bytes:
    return IV + AES.new(KEY, AES.MODE_CFB, iv=IV, segment_size=8).encrypt(plain)


def test_bytes_decide() -> None:
    assert chain.unwrap(zstandard.compress(TEXT)) == chain.Unwrapped(TEXT, compressed=True)
    assert chain.unwrap(TEXT) == chain.Unwrapped(TEXT, compressed=False)
    assert chain.unwrap(b"") == chain.Unwrapped(b"", compressed=False)


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("size", [1, 5, 17, 4096, 1 << 20])
def test_a_stream_in_any_chunking(compressed: bool, size: int) -> None:
    data = sealed(zstandard.compress(TEXT) if compressed else TEXT)
    if size < 4096:
        data = data[: 20 + size] if not compressed else sealed(zstandard.compress(b"short"))
    stream = chain.unwrap_stream(Cfb8(KEY), (data[at : at + size] for at in range(0, len(data), size)))
    assert stream.compressed is compressed
    expected = TEXT if size >= 4096 else (b"short" if compressed else TEXT[: 4 + size])
    assert b"".join(stream.pieces) == expected


def test_a_stream_has_the_limit() -> None:
    stream = chain.unwrap_stream(Cfb8(KEY), [sealed(zstandard.compress(TEXT))], limit=1000)
    with pytest.raises(DamagedError) as caught:
        list(stream.pieces)
    assert caught.value.kind == "too-large"


@pytest.mark.parametrize(("data", "kind"), [(b"", "empty"), (IV, "no-iv"), (IV[:5], "no-iv")])
def test_a_stream_of_nothing(data: bytes, kind: str) -> None:
    with pytest.raises(DamagedError) as caught:
        list(chain.unwrap_stream(Cfb8(KEY), [data]).pieces)
    assert caught.value.kind == kind


@pytest.mark.parametrize("compressed", [True, False])
def test_wrap_is_undone_by_independent_libraries(compressed: bool) -> None:
    content = random.Random(2).randbytes(5000)
    data = chain.wrap(Cfb8(KEY), content, compressed=compressed)
    plain = AES.new(KEY, AES.MODE_CFB, iv=data[:16], segment_size=8).decrypt(data[16:])
    assert (zstandard.decompress(plain) if compressed else plain) == content
