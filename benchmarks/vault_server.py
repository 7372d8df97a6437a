"""A vault's server for benchmarks: SeaweedFS behind a proxy that counts, a source with files, and its owner's key."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.faulty import FaultyProxy
from tests.servers.seaweedfs import SeaweedFS

from bondstore.config.secrets import Secret
from bondstore.vault.keys import new_pair

_PASSPHRASE = "a passphrase of a benchmark"


@dataclass(frozen=True)
class VaultServer:
    """What a benchmark works with."""

    folder: Path
    source: Path
    url: str
    proxy: FaultyProxy
    own: dict[str, str]
    """The owner's key, as `bondstore.vaults` takes it."""


@contextmanager
def vault_server(count: int, size: int, *also: str) -> Iterator[VaultServer]:
    """Fill a source with so many files of so many bytes; make keys for the owner and for others."""
    with tempfile.TemporaryDirectory() as scratch, SeaweedFS() as server, FaultyProxy(server.endpoint) as proxy:
        os.environ |= {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": proxy.endpoint,
            "AWS_REGION": server.region,
            "XDG_CONFIG_HOME": f"{scratch}/config",
            "XDG_STATE_HOME": f"{scratch}/state",
        }
        source, url = Path(scratch, "source"), f"s3://{server.create_bucket('bench')}/vault"
        source.mkdir()
        for number in range(count):
            (source / f"{number}.edf").write_bytes(os.urandom(size))
        passphrase = Path(scratch, "passphrase")
        passphrase.write_text(_PASSPHRASE)
        passphrase.chmod(0o600)
        for name in ("owner", *also):
            new_pair(name, Secret(_PASSPHRASE))
        yield VaultServer(Path(scratch), source, url, proxy, {"key": "owner", "passphrase": f"file:{passphrase}"})
