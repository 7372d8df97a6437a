from __future__ import annotations

import pickle
import random
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from Cryptodome.Cipher import AES
from cryptography.hazmat.decrepit.ciphers.modes import CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES as OPENSSL_AES
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.codecs.cfb8 import Cfb8
from bondstore.codecs.shifted import CHUNK, wide_is_faster
from bondstore.errors import ConfigurationError, DamagedError

KEY = b"quiet-harbour-lantern-0123456789"
EDGES = (1, 2, 15, 16, 17, 31, 32, 33, 16_351, 16_367, 16_368, 16_369, 16_384, 20_000)
CHUNK_EDGES = tuple(n * CHUNK + d for n in (1, 2) for d in (-17, -16, -15, -1, 0, 1, 15, 16, 17))


def sealed_by_pycryptodome(plain: bytes, iv: bytes, key: bytes = KEY) -> bytes:
    return iv + AES.new(key, AES.MODE_CFB, iv=iv, segment_size=8).encrypt(plain)


def sealed_by_openssl(plain: bytes, iv: bytes, key: bytes = KEY) -> bytes:
    context = Cipher(OPENSSL_AES(key), CFB8(iv)).encryptor()
    return iv + context.update(plain) + context.finalize()


@pytest.fixture(params=[True, False], ids=["cfb128", "ecb"])
def cipher(request: pytest.FixtureRequest) -> Cfb8:
    return Cfb8(KEY, wide=request.param)


def some(size: int) -> bytes:
    return random.Random(size).randbytes(size)


@pytest.mark.parametrize("size", EDGES + CHUNK_EDGES)
def test_opens_what_two_other_libraries_seal(cipher: Cfb8, size: int) -> None:
    plain, iv = some(size), some(16)
    sealed = sealed_by_pycryptodome(plain, iv)
    assert sealed == sealed_by_openssl(plain, iv)
    opened = cipher.open(sealed)
    assert type(opened) is bytes
    assert opened == plain


@pytest.mark.parametrize("size", [16, 24, 32])
def test_every_aes_key_size(size: int) -> None:
    key, plain, iv = some(size), some(1000), some(16)
    assert Cfb8(key).open(sealed_by_pycryptodome(plain, iv, key)) == plain


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_takes_any_bytes_like(cipher: Cfb8, kind: type) -> None:
    sealed = sealed_by_pycryptodome(some(5000), some(16))
    assert cipher.open(kind(sealed)) == some(5000)
    assert cipher.open_many([kind(sealed), kind(sealed)]) == [some(5000)] * 2
    assert cipher.opening().update(kind(sealed)) == some(5000)


def test_one_context_serves_many_objects_of_any_size(cipher: Cfb8) -> None:
    for size in (1, 70_000, 16, 9000, 3, 200_001, 8192):
        assert cipher.open(sealed_by_pycryptodome(some(size), some(16))) == some(size)


@pytest.mark.parametrize("size", [0, 1, 16, 17, 5000])
def test_seals_what_another_library_opens(cipher: Cfb8, size: int) -> None:
    plain, iv = some(size), some(16)
    assert cipher.seal(plain, iv) == sealed_by_pycryptodome(plain, iv)


def test_seals_under_a_new_iv_each_time(cipher: Cfb8) -> None:
    ivs = {cipher.seal(b"x")[:16] for _ in range(50)}
    assert len(ivs) == 50


@given(data=st.data(), plain=st.binary(min_size=1, max_size=3000), wide=st.booleans())
def test_any_chunking_is_the_one_shot(data: st.DataObject, plain: bytes, wide: bool) -> None:
    cipher, iv = Cfb8(KEY, wide=wide), bytes(range(16))
    sealed = sealed_by_pycryptodome(plain, iv)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sealed)), max_size=12)))
    pieces = [sealed[a:b] for a, b in zip([0, *cuts], [*cuts, len(sealed)], strict=True)]
    opening = cipher.opening()
    assert b"".join([*map(opening.update, pieces), opening.finalize()]) == plain

    cuts = sorted(data.draw(st.lists(st.integers(0, len(plain)), max_size=12)))
    sealing = cipher.sealing(iv)
    parts = [plain[a:b] for a, b in zip([0, *cuts], [*cuts, len(plain)], strict=True)]
    assert b"".join([*map(sealing.update, parts), sealing.finalize()]) == sealed


def test_a_stream_in_large_chunks(cipher: Cfb8) -> None:
    plain = some(2 * CHUNK + 77)
    sealed = sealed_by_pycryptodome(plain, some(16))
    opening = cipher.opening()
    pieces = (sealed[at : at + CHUNK + 5] for at in range(0, len(sealed), CHUNK + 5))
    assert b"".join(map(opening.update, pieces)) == plain


@settings(deadline=None)
@given(sizes=st.lists(st.integers(0, 3000) | st.sampled_from((0, 16, 17, 70_000, 300_000)), max_size=20))
def test_a_batch_is_its_objects_one_by_one(sizes: list[int]) -> None:
    cipher = Cfb8(KEY)
    items = [some(size) for size in sizes]
    opened = cipher.open_many(items)
    assert len(opened) == len(items)
    for item, result in zip(items, opened, strict=True):
        if len(item) <= 16:
            assert isinstance(result, DamagedError)
            assert result.kind == ("no-iv" if item else "empty")
        else:
            assert result == AES.new(KEY, AES.MODE_CFB, iv=item[:16], segment_size=8).decrypt(item[16:])


@pytest.mark.parametrize(("size", "kind"), [(0, "empty"), (1, "no-iv"), (15, "no-iv"), (16, "no-iv")])
def test_too_short(cipher: Cfb8, size: int, kind: str) -> None:
    with pytest.raises(DamagedError) as caught:
        cipher.open(bytes(size))
    assert caught.value.kind == kind
    opening = cipher.opening()
    opening.update(bytes(size))
    with pytest.raises(DamagedError) as caught:
        opening.finalize()
    assert caught.value.kind == kind


def test_one_flipped_byte_damages_seventeen(cipher: Cfb8) -> None:
    plain = some(1000)
    sealed = bytearray(sealed_by_pycryptodome(plain, some(16)))
    sealed[16 + 500] ^= 0x10
    opened = cipher.open(sealed)
    assert opened[:500] == plain[:500]
    assert opened[500] == plain[500] ^ 0x10
    assert opened[501:517] != plain[501:517]
    assert opened[517:] == plain[517:]


def test_threads_share_a_cipher(cipher: Cfb8) -> None:
    objects = [sealed_by_pycryptodome(some(size), some(16)) for size in (100, 5000, 30_000, 270_000)] * 6
    start = threading.Barrier(4)

    def work(_: int) -> list[bytes]:
        start.wait()
        return [cipher.open(item) for item in objects]

    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(work, range(4)):
            assert result == [some(size) for size in (100, 5000, 30_000, 270_000)] * 6


def test_peak_memory_is_output_and_a_constant(cipher: Cfb8) -> None:
    sealed = bytes(32 << 20)
    cipher.open(sealed[:1000])  # the thread's scratch space
    tracemalloc.start()
    try:
        opened = cipher.open(sealed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(opened) <= peak < len(opened) + (1 << 20)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_wrong_key_length_is_told_without_the_key(size: int) -> None:
    key = b"canary-7f3a" * 3
    with pytest.raises(ConfigurationError) as caught:
        Cfb8(key[:size])
    assert "canary" not in str(caught.value) + repr(caught.value)


def test_a_cipher_shows_and_pickles_no_key(cipher: Cfb8) -> None:
    assert "quiet" not in repr(cipher)
    with pytest.raises(TypeError):
        pickle.dumps(cipher)


def test_an_iv_of_another_length_is_refused(cipher: Cfb8) -> None:
    with pytest.raises(ConfigurationError):
        cipher.seal(b"x", b"short")


def test_the_measured_way_opens_too() -> None:
    assert wide_is_faster() in (True, False)
    assert Cfb8(KEY).open(sealed_by_pycryptodome(some(100), some(16))) == some(100)
