"""Made studies in a bucket, what must come out of them, and the command line as a process of its own.

Nothing here uses Bondstore: objects are put with the store library alone, files are looked at with `pathlib`, the
ledger with `sqlite3`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from demo.study import KEY, STUDY, Made

from tests.servers.faulty import FaultyProxy, _Handler
from tests.servers.seaweedfs import SeaweedFS

Tree = dict[str, bytes]


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """What `--json` wrote."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def tally(self) -> dict[str, Any]:
        """The last line of a run's `--json`."""
        last = self.records[-1]
        assert last.pop("kind") == "tally", self
        return last

    @property
    def findings(self) -> dict[str, set[str]]:
        """Kinds of findings by key."""
        found: dict[str, set[str]] = {}
        for record in self.records:
            if record["kind"] == "finding":
                found.setdefault(record["key"], set()).add(record["finding"])
        return found


@dataclass
class Lab:
    """A bucket with a study, and a home folder from which commands are run on it.

    Parameters
    ----------
    server : SeaweedFS
        Where the bucket is.
    bucket : str
        Its name.
    folder : pathlib.Path
        An empty folder: home and destinations lie below.
    prefix : str
        Where in the bucket the study is.
    """

    server: SeaweedFS
    bucket: str
    folder: Path
    prefix: str = ""

    def __post_init__(self) -> None:
        (self.folder / "home").mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """The bucket's address."""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def dest(self) -> Path:
        """Where commands write to when nothing else is named."""
        return self.folder / "out"

    @cached_property
    def _objects(self) -> Any:
        from obstore.store import S3Store

        return S3Store(
            self.bucket,
            prefix=self.prefix or None,
            config={
                "endpoint": self.server.endpoint,
                "region": self.server.region,
                "access_key_id": self.server.access_key,
                "secret_access_key": self.server.secret_key,
                "virtual_hosted_style_request": False,
            },
            client_options={"allow_http": True},
        )

    # The bucket

    def put(self, key: str, sealed: bytes) -> None:
        """Put one object."""
        import obstore

        obstore.put(self._objects, key, sealed)

    def delete(self, *keys: str) -> None:
        """Delete objects."""
        import obstore

        obstore.delete(self._objects, list(keys))

    def fill(self, made: Iterable[Made]) -> list[Made]:
        """Put a study; returns its objects."""
        every = list(made)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda one: self.put(one.key, one.sealed), every))
        return every

    def objects(self) -> Tree:
        """Return all objects that a user sees, with their bytes."""
        import obstore

        paths = sorted(one["path"] for page in obstore.list(self._objects) for one in page)
        shown = (path for path in paths if not path.startswith(".bondstore/"))
        return {path: bytes(obstore.get(self._objects, path).bytes()) for path in shown}

    def fetched(self, proxy: FaultyProxy) -> Counter[str]:
        """Count the objects a process fetched through a proxy, but for the first, on which it tried the key."""
        asked = [one.path for one in list(proxy.seen) if one.method == "GET" and "list-type" not in one.query]
        root = f"/{self.bucket}/{self.prefix}".rstrip("/") + "/"
        return Counter(path.removeprefix(root) for path in asked[1:])

    # The command line

    def configure(self, settings: str) -> None:
        """Write the settings of the default profile, as TOML."""
        file = self.folder / "home" / "config" / "bondstore" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"[profile.default]\n{settings}\n")

    def environment(self, endpoint: str | None = None, **settings: str) -> dict[str, str]:
        """Return the environment that commands run in."""
        home = self.folder / "home"
        return (
            os.environ
            | {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
            | {
                "HOME": str(home),
                "AWS_ACCESS_KEY_ID": self.server.access_key,
                "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
                "AWS_REGION": self.server.region,
                "AWS_ENDPOINT_URL": endpoint or self.server.endpoint,
                "LAB_STUDY_KEY": KEY,
            }
            | settings
        )

    def command(self, *words: str) -> list[str]:
        """Return the line that runs Bondstore on this study."""
        return [sys.executable, "-m", "bondstore", *words]

    def export_words(self, *words: str, dest: Path | str | None = None) -> list[str]:
        """Return the line that exports this study."""
        where = ["--store", self.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY"]
        return self.command("beiwe", "export", str(dest or self.dest), *where, *words)

    def run(self, line: list[str], *, endpoint: str | None = None, timeout: float = 120, **settings: str) -> Ended:
        """Run a line to its end."""
        done = subprocess.run(
            line,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environment(endpoint, **settings),
            cwd=self.folder / "home",
            timeout=timeout,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def export(
        self,
        *words: str,
        dest: Path | str | None = None,
        endpoint: str | None = None,
        json: bool = True,
        **settings: str,
    ) -> Ended:
        """Run an export to its end."""
        line = self.export_words(*words, *(["--json"] if json else []), dest=dest)
        return self.run(line, endpoint=endpoint, **settings)

    def export_here(
        self, patch: pytest.MonkeyPatch, *, dest: Path | str | None = None, endpoint: str | None = None, **words: Any
    ) -> Any:
        """Run an export in this process, through the Python interface; returns its `RunResult`."""
        import bondstore

        for name, value in self.environment(endpoint).items():
            patch.setenv(name, value)
        study = bondstore.beiwe.open_study(self.url, STUDY, key="env:LAB_STUDY_KEY")
        return study.export(dest or self.dest, **words)

    def start_export(
        self, *words: str, dest: Path | str | None = None, endpoint: str | None = None, **settings: str
    ) -> subprocess.Popen[bytes]:
        """Start an export; its output goes to files in the home folder."""
        with (self.folder / "home" / "stdout").open("wb") as out, (self.folder / "home" / "stderr").open("wb") as err:
            return subprocess.Popen(
                self.export_words(*words, dest=dest),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=self.environment(endpoint, **settings),
                cwd=self.folder / "home",
            )


def tree(folder: Path) -> Tree:
    """Return all files that a user sees, with their bytes."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".bondstore" not in path.parts
    }


def original_files(made: Iterable[Made]) -> Tree:
    """Return what `--format original` promises, built by hand from the documentation."""
    files: Tree = {}
    for one in made:
        key = one.key.removesuffix(".zstd").removesuffix(".zst")
        if key.startswith("CHUNKED_DATA/"):
            files["chunked/" + key.split("/", 2)[2]] = one.plain
        elif "/keys/" not in key:
            rest = key.split("/", 1)[1]
            files["raw/" + rest.replace("/identifiers_", "/identifiers/identifiers_")] = one.plain
    return files


def ledger(dest: Path) -> sqlite3.Connection:
    """Open a destination's ledger, as a stranger would: with SQLite alone."""
    return sqlite3.connect(f"file:{dest}/.bondstore/ledger.sqlite?mode=ro", uri=True)


def ask(dest: Path, question: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask a destination's ledger; nothing comes back where there is none yet, or it has no tables."""
    if not (dest / ".bondstore" / "ledger.sqlite").exists():
        return []
    connection = ledger(dest)
    try:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchone():
            return []
        return connection.execute(question, values).fetchall()
    finally:
        connection.close()


def leftovers(dest: Path) -> list[str]:
    """Return what lies in a destination's private corner and should not: everything but ledger, lock, quarantine."""
    corner = dest / ".bondstore"
    known = ("ledger.sqlite", "lock", "quarantine")
    return [
        path.relative_to(corner).as_posix()
        for path in corner.rglob("*")
        if not path.relative_to(corner).as_posix().startswith(known)
    ]


class _FoldingHandler(_Handler):
    server: Any

    def _ask(self, body: bytes) -> HTTPResponse:
        proxy: FoldingProxy = self.server.proxy
        path, _, query = self.path.partition("?")
        if query or quote(proxy.shown) not in path:
            return super()._ask(body)
        # The client signed the path it knows; the server is asked for another one, so it is signed anew.
        self.path = quote(unquote(path).replace(proxy.shown, proxy.stored))
        host = self.headers["Host"]
        request = AWSRequest("GET", f"http://{host}{self.path}", headers={"host": host})
        credentials = Credentials(proxy.server.access_key, proxy.server.secret_key)
        S3SigV4Auth(credentials, "s3", proxy.server.region).add_auth(request)
        for name, value in request.headers.items():
            del self.headers[name]
            self.headers[name] = value
        return super()._ask(body)


class FoldingProxy(FaultyProxy):
    """A faulty proxy that also answers for keys the server behind it cannot hold.

    Parameters
    ----------
    server : SeaweedFS
        The server behind.
    stored, shown : str
        The part of a key as it is stored, and as clients ask for it.
    """

    def __init__(self, server: SeaweedFS, stored: str, shown: str) -> None:
        super().__init__(server.endpoint)
        self.server, self.stored, self.shown = server, stored, shown
        self._server.RequestHandlerClass = _FoldingHandler
