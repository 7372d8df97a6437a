"""Codecs in a row: a cipher outside, zstd inside where the bytes or the object's name say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.codecs import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from bondstore.codecs.cfb8 import Cfb8

    Buffer: TypeAlias = bytes | bytearray | memoryview

_SNIFFED = 4


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """Content, and how it lay."""

    content: bytes
    compressed: bool  # whether zstd was around it, by what the bytes say


@dataclass(frozen=True, slots=True)
class UnwrappedStream:
    """The same, in bounded pieces, to be read once."""

    pieces: Iterator[bytes]
    compressed: bool


def unwrap(plain: bytes, limit: int = zstd.ONE_SHOT_LIMIT) -> Unwrapped:
    """Take zstd off decrypted bytes that start with its magic number; others stay as they are."""
    if zstd.looks_like_zstd(plain):
        return Unwrapped(zstd.decompress(plain, limit), compressed=True)
    return Unwrapped(plain, compressed=False)


def unwrap_stream(
    cipher: Cfb8,
    chunks: Iterable[Buffer],
    limit: int = zstd.STREAM_LIMIT,
    growth: Callable[[int], int] | None = None,
) -> UnwrappedStream:
    """Decrypt chunks of any size and take off zstd where the first plain bytes say so; `growth` as in `inflate`."""
    pieces = _opened(cipher, chunks)
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= _SNIFFED:
            break
    rest = _after(start, pieces)
    if zstd.looks_like_zstd(start):
        return UnwrappedStream(zstd.inflate(rest, limit, growth), compressed=True)
    return UnwrappedStream(rest, compressed=False)


def wrap(cipher: Cfb8, content: Buffer, *, compressed: bool, iv: bytes | None = None) -> bytes:
    """Seal content, compressed before if asked: what `unwrap` undoes after the cipher."""
    return cipher.seal(zstd.compress(content) if compressed else content, iv)


def _opened(cipher: Cfb8, chunks: Iterable[Buffer]) -> Iterator[bytes]:
    stream = cipher.opening()
    for chunk in chunks:
        if plain := stream.update(chunk):
            yield plain
    stream.finalize()


def _after(start: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if start:
        yield start
    yield from pieces
