"""Encryption and decryption against the reference library: ``python -m benchmarks.vault [MIB]``.

Both read one file and write another in a folder of the system's memory, where there is one, in the same process and by
turns. On one core this process may use only one; on two, ours uses two threads, and the library, which has none, uses
what it can. Ours is measured twice: alone, and with the SHA-256 of content and object that every upload takes along.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from crypt4gh import lib

from bondstore.codecs.crypt4gh import PrivateKey, header, new_envelope, read_header
from bondstore.codecs.segments import open_stream, seal_stream
from bondstore.text import counted

ROUNDS = 3


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            yield chunk


def hashed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    total = hashlib.sha256()
    for piece in pieces:
        total.update(piece)
        yield piece
    total.digest()


def ours_sealed(source: Path, target: Path, key: PrivateKey, threads: int, *, proved: bool = False) -> None:
    envelope = new_envelope()
    plain = hashed(chunks(source)) if proved else chunks(source)
    sealed = seal_stream(plain, envelope.segments, threads=threads)
    with target.open("wb") as file:
        file.write(header(envelope, [key.public], key))
        for piece in hashed(sealed) if proved else sealed:
            file.write(piece)


def ours_opened(source: Path, target: Path, key: PrivateKey, threads: int, *, proved: bool = False) -> None:
    found, body = read_header(hashed(chunks(source)) if proved else chunks(source))
    plain = open_stream(body, found.open(key).segments, threads=threads)
    with target.open("wb") as file:
        for piece in hashed(plain) if proved else plain:
            file.write(piece)


def theirs(act: Callable[..., None], source: Path, target: Path, keys: list[tuple[int, bytes, bytes | None]]) -> None:
    with source.open("rb") as one, target.open("wb") as other:
        act(keys, one, other)


def rate(size: int, act: Callable[..., None], *arguments: object, **options: bool) -> float:
    """Return MiB a second in the best of some rounds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act(*arguments, **options)
        times.append(time.perf_counter() - began)
    return size / min(times)


def use(cores: int) -> None:
    """Let this process and its threads use so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(cores))


def main() -> None:
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    memory = Path("/dev/shm")
    key = PrivateKey.new()
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        plain, sealed, target = (Path(folder) / name for name in ("plain", "sealed", "target"))
        with plain.open("wb") as file:
            for _ in range(size):
                file.write(os.urandom(1 << 20))
        ours_sealed(plain, sealed, key, 0)
        works = (
            ("encrypt", plain, ours_sealed, lib.encrypt, [(0, key.reveal(), key.public)]),
            ("decrypt", sealed, ours_opened, lib.decrypt, [(0, key.reveal(), None)]),
        )
        print("| what | crypt4gh, MiB/s | ours | ratio | with checksums | ratio |\n|---|--:|--:|--:|--:|--:|")
        for cores in (1, 2):
            use(cores)
            threads = 0 if cores == 1 else 2
            for name, source, own, library, keys in works:
                reference = rate(size, theirs, library, source, target, keys)
                alone = rate(size, own, source, target, key, threads)
                proved = rate(size, own, source, target, key, threads, proved=True)
                shown = f"{reference:,.0f} | {alone:,.0f} | {alone / reference:.2f} | {proved:,.0f}"
                print(f"| {name}, {counted(cores, 'core')} | {shown} | {proved / reference:.2f} |")


if __name__ == "__main__":
    main()
