"""The program ``openssl`` itself seals, and what comes out must be what went in."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from bondstore.codecs.openssl import (
    CIPHERS,
    DIGESTS,
    Keys,
    Variant,
    decoded_ends,
    last_block,
    looks_sealed,
    opened,
    padding,
    split_header,
    unwrapped,
    variants,
)
from bondstore.errors import DamagedError
from tests.openssl_program import seal

PASSPHRASE = "correct horse, battery ñ"
PLAIN = os.urandom(100_000) + b"x" * 16  # whole blocks of each cipher, and not of base64's lines


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def unsealed(sealed: bytes, variant: Variant, size: int = 1 << 16) -> bytes:
    salt, blocks = split_header(unwrapped(pieces(sealed, size)))
    return b"".join(opened(blocks, Keys(PASSPHRASE.encode(), salt), variant))


@pytest.mark.parametrize("variant", variants(7), ids=str)
@pytest.mark.parametrize("also", [(), ("-nopad",), ("-a",), ("-a", "-A")], ids=" ".join)
def test_what_openssl_seals_is_opened(variant: Variant, also: tuple[str, ...]) -> None:
    sealed = seal(PLAIN, PASSPHRASE, *str(variant).split(), *also)

    plain = unsealed(sealed, variant)

    block = variant.cipher.block_size
    pad = b"" if "-nopad" in also else bytes([block - len(PLAIN) % block]) * (block - len(PLAIN) % block)
    assert looks_sealed(sealed[:10])
    assert plain == PLAIN + pad
    assert padding(plain) == len(pad)


@pytest.mark.parametrize("size", [1, 7, 63, 65, 1000])
@pytest.mark.parametrize("also", [(), ("-a",)], ids=" ".join)
def test_pieces_of_any_size_give_the_same(size: int, also: tuple[str, ...]) -> None:
    variant = Variant(CIPHERS["des-cbc"], "md5", 0)
    sealed = seal(PLAIN[:5000], PASSPHRASE, "-des-cbc", "-md", "md5", *also)

    assert unsealed(sealed, variant, size)[:5000] == PLAIN[:5000]


def test_default_of_pbkdf2_and_of_the_digest() -> None:
    sealed = seal(PLAIN, PASSPHRASE, "-aes-256-cbc", "-pbkdf2")

    assert unsealed(sealed, Variant(CIPHERS["aes-256-cbc"], "sha256", 10_000)).startswith(PLAIN)


@pytest.mark.parametrize("cipher", CIPHERS.values(), ids=lambda one: one.name)
def test_the_last_block_opens_by_itself(cipher: object) -> None:
    variant = next(one for one in variants() if one.cipher is cipher)
    sealed = seal(PLAIN[:1001], PASSPHRASE, *str(variant).split())

    last = last_block(sealed[-64:], Keys(PASSPHRASE.encode(), sealed[8:16]), variant)

    assert last == unsealed(sealed, variant)[-variant.cipher.block_size :]


@pytest.mark.parametrize("cipher", CIPHERS.values(), ids=lambda one: one.name)
@pytest.mark.parametrize("also", [(), ("-a",)], ids=" ".join)
def test_the_last_block_may_be_the_only_one(cipher: object, also: tuple[str, ...]) -> None:
    variant = next(one for one in variants() if one.cipher is cipher)
    sealed = seal(b"hello", PASSPHRASE, *str(variant).split(), *also)

    begun, ended = decoded_ends(sealed, sealed[-200:])

    last = last_block(ended, Keys(PASSPHRASE.encode(), begun[8:16]), variant)
    assert last == b"hello".ljust(variant.cipher.block_size, bytes([variant.cipher.block_size - 5]))


def test_an_end_within_a_block_is_told_after_all_before_it() -> None:
    sealed = seal(PLAIN, PASSPHRASE, "-aes-256-cbc", "-md", "sha256")
    salt, blocks = split_header(unwrapped([sealed[:-5]]))
    stream = opened(blocks, Keys(PASSPHRASE.encode(), salt), Variant(CIPHERS["aes-256-cbc"], "sha256", 0))

    assert next(stream)[:100_000] == PLAIN[:100_000]
    with pytest.raises(DamagedError, match="end is missing") as caught:
        list(stream)
    assert caught.value.kind == "cut"


def test_damaged_base64_is_told() -> None:
    sealed = seal(PLAIN, PASSPHRASE, "-aes-256-cbc", "-a")

    with pytest.raises(DamagedError) as wrong:
        list(unwrapped([sealed[:500] + b"*" + sealed[501:]]))
    with pytest.raises(DamagedError) as short:
        list(unwrapped([sealed[:-3]]))
    assert (wrong.value.kind, short.value.kind) == ("damaged", "cut")


@pytest.mark.parametrize(
    ("end", "number"),
    [(b"", 0), (b"a\x01", 1), (b"a\x02", 0), (b"\x08" * 8, 8), (b"\x10" * 16, 16), (b"\x11" * 17, 0), (b"a\0", 0)],
)
def test_padding(end: bytes, number: int) -> None:
    assert padding(end) == number


def test_other_files_do_not_look_sealed() -> None:
    assert not any(map(looks_sealed, (b"", b"Salted_", b"PK\3\4......", b"U2FsdGVkW", b"\x1f\x8b\x08" * 4)))


def test_a_passphrase_shows_nowhere() -> None:
    assert "horse" not in repr(Keys(PASSPHRASE.encode(), b"12345678"))
    assert len(DIGESTS) * len(CIPHERS) * 2 == len(variants())
