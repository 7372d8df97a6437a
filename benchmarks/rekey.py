"""Rekeying against fetching and uploading again: ``python -m benchmarks.rekey [COUNT [MB]]``.

A vault of encrypted files lies in a real S3 server (SeaweedFS). A proxy between it and us counts the bytes of bodies
that go up, and the ranges that come down: once for ``rekey``, once for ``get`` and ``put`` of the same files for the
new recipient. The first is to move none of the objects' bodies.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.servers.faulty import FaultyProxy
from tests.servers.seaweedfs import SeaweedFS

from bondstore import vaults
from bondstore.config.secrets import Secret
from bondstore.text import bytes_text
from bondstore.vault.keys import new_pair

PASSPHRASE = "a passphrase of a benchmark"


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
    with tempfile.TemporaryDirectory() as scratch, SeaweedFS() as server, FaultyProxy(server.endpoint) as proxy:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": proxy.endpoint,
            "AWS_REGION": server.region,
            "XDG_CONFIG_HOME": f"{scratch}/config",
            "XDG_STATE_HOME": f"{scratch}/state",
        }
        source, url = Path(scratch, "source"), f"s3://{server.create_bucket('rekey')}/vault"
        source.mkdir()
        for number in range(count):
            (source / f"{number}.edf").write_bytes(os.urandom(size * 1_000_000))
        passphrase = Path(scratch, "passphrase")
        passphrase.write_text(PASSPHRASE)
        passphrase.chmod(0o600)
        for name in ("owner", "carla"):
            new_pair(name, Secret(PASSPHRASE))
        own = {"key": "owner", "passphrase": f"file:{passphrase}"}
        vaults.put(str(source), url, seal_for=["owner"], **own)
        print("| what | seconds | sent of objects | read of objects | sent besides |\n|---|--:|--:|--:|--:|")

        def again() -> None:
            back = f"{scratch}/back"
            vaults.get(url, back, unseal=True, **own)
            vaults.put(back, url, seal_for=["owner", "carla"], existing="refresh", **own)

        for what, act in (("rekey", lambda: vaults.rekey(url, add=["carla"], **own)), ("get and put", again)):
            proxy.clear()
            seconds = timed(act)
            up, down = moved(proxy, size * 1_000_000)
            print(f"| {what} | {seconds:.0f} | {bytes_text(up)} | {bytes_text(down)} | {bytes_text(rest(proxy))} |")


if __name__ == "__main__":
    main()
