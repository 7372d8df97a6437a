"""CFB8 decryption against what a user would run instead and against the core's limit: ``python -m benchmarks.cfb8``.

Prints one table in Markdown and writes nothing. Every number is the best of a few runs in this very process; ratios,
never the absolute speeds, are worth comparing between machines.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from Cryptodome.Cipher import AES
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.decrepit.ciphers.modes import CFB, CFB8
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES as OPENSSL_AES
from cryptography.hazmat.primitives.ciphers.modes import ECB

from bondstore.codecs.cfb8 import Cfb8
from bondstore.codecs.shifted import wide_is_faster

SIZES = (("2 kB", 2_000), ("20 kB", 20_000), ("135 kB", 135_000), ("1 MiB", 1 << 20), ("64 MiB", 64 << 20))
KEY = os.urandom(32)
ENOUGH = 4 << 20
"""Bytes a run goes through, so that it takes milliseconds and not microseconds."""
SLOW_LIMIT = 2 << 20
"""The byte-by-byte ways are as slow on 64 MiB as on 2; they are measured on no more."""

Way = Callable[[Sequence[bytes]], object]


def best(run: Callable[[], object], times: int = 5) -> float:
    """Seconds of the best run."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def pycryptodomex(objects: Sequence[bytes]) -> list[bytes]:
    return [AES.new(KEY, AES.MODE_CFB, iv=item[:16], segment_size=8).decrypt(item[16:]) for item in objects]


def openssl(objects: Sequence[bytes]) -> list[bytes]:
    return [Cipher(OPENSSL_AES(KEY), CFB8(item[:16])).decryptor().update(item[16:]) for item in objects]


def ecb_views(objects: Sequence[bytes]) -> list[bytes]:
    """Sixteen shifted views through ECB, 128 KiB at a time, each view gathered by itself: the sketch to beat."""
    encrypt = Cipher(OPENSSL_AES(KEY), ECB()).encryptor().update_into
    chunk, results = 128 << 10, []
    keystream = np.empty(chunk + 16, np.uint8)
    for item in objects:
        size = len(item) - 16
        padded = memoryview(item + bytes(32))
        plain = np.empty(size, np.uint8)
        for start in range(0, size, chunk):
            length = min(chunk, size - start)
            for shift in range(min(16, length)):
                blocks = -(-(length - shift) // 16)
                encrypt(padded[start + shift : start + shift + 16 * blocks], keystream)
                plain[start + shift : start + length : 16] = keystream[: 16 * blocks : 16]
        plain ^= np.frombuffer(item, np.uint8, size, 16)
        results.append(plain.tobytes())
    return results


def core_limits() -> tuple[float, float]:
    """Plain MB/s the core could reach: a sixteenth of ECB and of CFB128, over 128 KiB that stay in the cache."""
    data, out = os.urandom(128 << 10), bytearray((128 << 10) + 16)
    limits = []
    for context in (
        Cipher(OPENSSL_AES(KEY), ECB()).encryptor(),
        Cipher(OPENSSL_AES(KEY), CFB(bytes(16))).decryptor(),
    ):
        seconds = best(lambda update=context.update_into: [update(data, out) for _ in range(200)])  # type: ignore[misc]
        limits.append(200 * len(data) / 16 / seconds / 1e6)
    return limits[0], limits[1]


def measure(size: int) -> dict[str, float]:
    """MB/s of every way on objects of one size; all answers are compared first."""
    count = max(1, ENOUGH // size)
    objects = [os.urandom(size + 16) for _ in range(count)]
    fewer = [item[: SLOW_LIMIT + 16] for item in objects[: max(1, SLOW_LIMIT // size)]]
    ours = Cfb8(KEY)
    expected = pycryptodomex(fewer)
    slow: dict[str, Way] = {"pycryptodomex": pycryptodomex, "OpenSSL CFB8": openssl}
    fast: dict[str, Way] = {
        "ECB views": ecb_views,
        "ours, one by one": lambda items: [ours.open(item) for item in items],
        "ours, batch": ours.open_many,
    }
    for name, way in (slow | fast).items():
        if way(fewer) != expected:
            raise SystemExit(f"{name} gives another answer")
    speeds = {}
    for name, way in slow.items():
        speeds[name] = total(fewer) / best(lambda way=way: way(fewer), 3) / 1e6  # type: ignore[misc]
    for name, way in fast.items():
        speeds[name] = total(objects) / best(lambda way=way: way(objects)) / 1e6  # type: ignore[misc]
    with ThreadPoolExecutor(2) as pool:
        seconds = best(lambda: list(pool.map(ours.open_many, (objects, objects))))
    speeds["ours, two threads"] = 2 * total(objects) / seconds / 1e6
    return speeds


def total(objects: Sequence[bytes]) -> int:
    """Plain bytes of all objects."""
    return sum(len(item) - 16 for item in objects)


def main() -> None:
    """Measure and print."""
    ecb, cfb = core_limits()
    limit = max(ecb, cfb)
    table = {label: measure(size) for label, size in SIZES}
    ways = list(next(iter(table.values())))
    print("CFB8 decryption, MB/s of plain bytes\n")
    print(
        "| object | " + " | ".join(ways) + " | batch ÷ pycryptodomex | one by one ÷ pycryptodomex | batch ÷ OpenSSL |"
    )
    print("|---" * (len(ways) + 4) + "|")
    for label, speeds in table.items():
        batch, one = speeds["ours, batch"], speeds["ours, one by one"]
        ratios = (batch / speeds["pycryptodomex"], one / speeds["pycryptodomex"], batch / speeds["OpenSSL CFB8"])
        cells = [f"{speeds[way]:.0f}" for way in ways] + [f"{ratio:.1f} ×" for ratio in ratios]
        print(f"| {label} | " + " | ".join(cells) + " |")
    ours = max(speeds["ours, batch"] for speeds in table.values())
    print(f"\nThe core's limit: {ecb:.0f} by ECB, {cfb:.0f} by CFB128 (a sixteenth of either's speed in the cache).")
    print(f"Our best reaches {ours / ecb:.0%} of the ECB limit and {ours / limit:.0%} of the higher one.")
    print(f"Opened by {'CFB128' if wide_is_faster() else 'ECB'}, {backend.openssl_version_text()}.")


if __name__ == "__main__":
    main()
