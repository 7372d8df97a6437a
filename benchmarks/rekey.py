"""Rekeying against fetching and uploading again: ``python -m benchmarks.rekey [COUNT [MB]]``.

A vault of encrypted files lies in a real S3 server (SeaweedFS). A proxy between it and us counts the bytes of bodies
that go up, and the ranges that come down: once for ``rekey``, once for ``get`` and ``put`` of the same files for the
new recipient. The first is to move none of the objects' bodies.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.servers.faulty import FaultyProxy

from benchmarks.vault_server import vault_server
from bondstore import vaults
from bondstore.text import bytes_text


def moved(proxy: FaultyProxy, size: int) -> tuple[int, int]:
    """Return the bytes that objects' requests sent, and those that they asked for; a GET without a range asks for all.

    Requests about a copied part carry none, and the zeros that headers are put behind are counted by `rest`.
    """
    up = down = 0
    for one in proxy.seen:
        if "/vault/data/" not in one.path:
            continue
        up += int(one.headers.get("content-length", 0))
        if one.method == "GET" and not one.query:
            start, _, last = (one.range or f"bytes=0-{size - 1}").removeprefix("bytes=").partition("-")
            down += int(last) - int(start) + 1
    return up, down


def rest(proxy: FaultyProxy) -> int:
    """Return the bytes that all other requests sent: records, manifests, and headers behind zeros."""
    return sum(int(one.headers.get("content-length", 0)) for one in proxy.seen if "/vault/data/" not in one.path)


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def main() -> None:
    count, size = (int(one) for one in (sys.argv[1:] + ["1000", "5"][len(sys.argv) - 1 :])[:2])
    with vault_server(count, size * 1_000_000, "carla") as lab:
        source, url, proxy, own = lab.source, lab.url, lab.proxy, lab.own
        vaults.put(str(source), url, seal_for=["owner"], **own)
        print("| what | seconds | sent of objects | read of objects | sent besides |\n|---|--:|--:|--:|--:|")

        def again() -> None:
            back = str(lab.folder / "back")
            vaults.get(url, back, unseal=True, **own)
            vaults.put(back, url, seal_for=["owner", "carla"], existing="refresh", **own)

        for what, act in (("rekey", lambda: vaults.rekey(url, add=["carla"], **own)), ("get and put", again)):
            proxy.clear()
            seconds = timed(act)
            up, down = moved(proxy, size * 1_000_000)
            print(f"| {what} | {seconds:.0f} | {bytes_text(up)} | {bytes_text(down)} | {bytes_text(rest(proxy))} |")


if __name__ == "__main__":
    main()
