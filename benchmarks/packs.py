"""One file out of a pack: ``python -m benchmarks.packs [FILES [KB]]``.

Small files lie in one encrypted pack of 1 GB in a real S3 server (SeaweedFS). A proxy counts what one of them takes:
every byte that came for a ``get`` of it, its share of index and manifests included, against the size of the pack.
"""

from __future__ import annotations

import sys
import time

from tests.servers.faulty import Seen

from benchmarks.vault_server import vault_server
from bondstore import vaults
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from bondstore.text import bytes_text


def asked_for(one: Seen, size: int) -> int:
    """Return the bytes that a request asks for: all of an object, where it names no range."""
    first, _, last = (one.range or "bytes=0-").removeprefix("bytes=").partition("-")
    return min(int(last or size - 1), size - 1) - int(first) + 1


def main() -> None:
    count, size = (int(one) for one in (sys.argv[1:] + ["9900", "100"][len(sys.argv) - 1 :])[:2])
    with vault_server(count, size * 1_000) as lab:
        source, url, proxy, own = lab.source, lab.url, lab.proxy, lab.own
        began = time.perf_counter()
        vaults.put(str(source), url, seal_for=["owner"], pack="1GB", **own)
        took = time.perf_counter() - began
        sizes = {one.key: one.size for one in open_store(store_spec(url)).list("")}
        packs = [size for key, size in sizes.items() if key.startswith("data/")]
        print(f"{count:,} files in {len(packs)} packs, {bytes_text(sum(packs))}, put in {took:.0f} s")
        proxy.clear()
        name = f"{count // 2}.edf"
        began = time.perf_counter()
        vaults.get(f"{url}#{name}", str(lab.folder / "back"), unseal=True, **own)
        took = time.perf_counter() - began
        assert (lab.folder / "back" / name).read_bytes() == (source / name).read_bytes()
        print("| what | bytes | of the pack |\n|---|--:|--:|")
        pack = max(packs)
        for what, part in (("the pack itself", "/vault/data/"), ("list, index and manifests", "/vault/manifests/")):
            asked = [one for one in proxy.seen if part in one.path and one.method == "GET"]
            came = sum(asked_for(one, sizes[one.path.partition("/vault/")[2]]) for one in asked)
            print(f"| {what} | {bytes_text(came)} | {came / pack:.2%} |")
        print(f"\nin {took:.1f} s, {len(proxy.seen)} requests")


if __name__ == "__main__":
    main()
