"""The whole way there and back, killed at any instant: it ends as if nothing had happened.

In the suite the tree is small; the whole of it, 2,000 files of which one has 3 GB, and 25 kills of each step in each
kind of store: ``EVERY_KILL=1 pytest tests/vault/test_killed.py``.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.secrets import Secret
from bondstore.vault.keys import new_pair
from tests.homes import Home
from tests.kills import EVERY_KILL
from tests.servers.azurite import Azurite
from tests.vault.conftest import PASSPHRASE

FILES, LARGE, KILLS, LIMIT = (2_000, 3_000_000_000, 25, 3_000) if EVERY_KILL else (120, 40_000_000, 2, 300)
MARK = b"nobody but the owner reads this line"
"""Stands in every file that is not empty."""
PARTS_OF_NAMES = (
    "p1", "día", "日本", "Ωμέγα", "данные", "قلب", "दिल", "한국어", "e\u0301", "\u00e9", "100 %25", "a b", "tab\there",
    "line\nend", "'\"$`*?", "back\\slash", "-rf", ".hidden", "x" * 120, "🧠",
)  # fmt: skip


def make_tree(root: Path, rng: random.Random) -> None:
    """Files at each depth from 1 to 12, names of all scripts, empty ones, and a large one with holes."""
    root.mkdir()
    for number in range(FILES - 1):
        folders = [rng.choice(PARTS_OF_NAMES) for _ in range(number % 12)]
        file = root.joinpath(*folders, f"{number} {rng.choice(PARTS_OF_NAMES)}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(MARK + rng.randbytes(rng.choice([0, 10, 70_000, 300_000])) if number % 9 else b"")
    with (root / "night.avi").open("wb") as large:
        for place in range(0, LARGE, LARGE // 5):
            large.seek(place)
            large.write(MARK)
        large.truncate(LARGE)


def sums(root: Path) -> dict[str, str]:
    """Return the SHA-256 of each file below a folder but a record of our own."""
    found = {}
    for file in (one for one in root.rglob("*") if one.is_file()):
        name = str(file.relative_to(root))
        if not name.startswith(".bondstore/"):
            with file.open("rb") as stream:
                found[name] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


class Sum:
    """A file that keeps the checksum of what is written to it, and nothing else."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.hash.update(data)


def opened(root: Path, keys: Path) -> list[str]:
    """Open the files below a folder with the reference implementation, and return the SHA-256 of each content."""
    from crypt4gh.keys import get_private_key
    from crypt4gh.lib import decrypt

    [own] = keys.rglob("owner.sec")
    private, found = get_private_key(own, lambda: PASSPHRASE), []
    for name in sums(root):
        content = Sum()
        with (root / name).open("rb") as sealed:
            decrypt([(0, private, None)], sealed, content)
        found.append(content.hash.hexdigest())
    return found


def holds_the_mark(file: Path) -> bool:
    with file.open("rb") as stream:
        kept = b""
        while chunk := stream.read(1 << 20):
            if MARK in kept + chunk:
                return True
            kept = chunk[-len(MARK) :]
    return False


@dataclass
class Way:
    """A vault, its owner's key, and the folder that everything lies in."""

    url: str
    folder: Path
    server: Any = None
    rng: random.Random = field(default_factory=lambda: random.Random(os.environ.get("VAULT_KILLS_SEED", "7")))

    @property
    def key(self) -> list[str]:
        return ["--passphrase", f"file:{self.folder}/passphrase", "--yes"]

    def start(self, words: list[str]) -> subprocess.Popen[bytes]:
        line = [sys.executable, "-m", "bondstore", *words]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def to_its_end(self, *words: str) -> float:
        began, process = time.monotonic(), self.start(list(words))
        _, said = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, said.decode()
        return time.monotonic() - began

    def killed(self, *words: str) -> int:
        """Kill a command again and again, each time later, then let it run to its end; count what it survived."""
        landed = 0
        for _ in range(KILLS):
            process = self.start(list(words))
            time.sleep(self.rng.uniform(0.4, 4.0 if EVERY_KILL else 1.5))
            process.kill()
            process.communicate()
            assert process.returncode in (0, -signal.SIGKILL)
            landed += process.returncode != 0
            self.look_for_plain_bytes()
        self.to_its_end(*words)
        return landed

    def look_for_plain_bytes(self) -> None:
        """Nothing of the content lies anywhere but in the tree itself, and where the user wanted it."""
        wanted = (self.folder / "source", self.folder / "back")
        for file in (one for one in self.folder.rglob("*") if one.is_file()):
            if not any(one in file.parents for one in wanted):
                assert not holds_the_mark(file), file

    def unfinished(self) -> list[object]:
        """Return the uploads that are neither complete nor aborted."""
        if not self.url.startswith("s3://"):
            return []
        bucket = self.url.removeprefix("s3://").partition("/")[0]
        return list(self.server.client().list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.fixture(params=["file", "s3", "az"])
def way(request: pytest.FixtureRequest, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Way:
    server = None
    if request.param == "s3":
        url, server = request.getfixturevalue("s3_environment"), request.getfixturevalue("seaweedfs")
    elif request.param == "az":
        azurite: Azurite = request.getfixturevalue("azurite")
        parts = (
            "AccountName=",
            azurite.account,
            ";AccountKey=",
            azurite.account_key,
            ";BlobEndpoint=",
            azurite.endpoint,
        )
        monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", "".join(parts))
        url = f"az://{azurite.create_bucket(f'c-{os.urandom(6).hex()}')}"
    else:
        url = (tmp_path / "vault").as_uri()
    new_pair("owner", Secret(PASSPHRASE))
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    return Way(f"{url}/eeg", tmp_path, server)


@pytest.mark.timeout(8 * 3600 if EVERY_KILL else 300)
def test_there_and_back(way: Way, tmp_path: Path) -> None:
    """Put, verified, removed here, restored, fetched: decrypted, and as it lies there. Each step is killed."""
    source, back, copy = (tmp_path / name for name in ("source", "back", "copy"))
    make_tree(source, random.Random(11))
    before = sums(source)
    assert len(before) == FILES

    landed = way.killed("put", str(source), way.url, "--seal-for", "owner", *way.key)
    assert not way.unfinished()
    way.to_its_end("verify", way.url, "--deep", "--unseal", *way.key[:2])
    shutil.rmtree(source)
    way.to_its_end("restore", way.url, "--yes")
    landed += way.killed("get", way.url, str(back), "--unseal", *way.key)
    landed += way.killed("get", way.url, str(copy), "--yes")

    assert landed or not EVERY_KILL  # a few may all come too late on a fast machine
    assert sums(back) == before
    assert sorted(opened(copy, tmp_path)) == sorted(before.values())
    assert not [one for one in (back, copy) if (one / ".bondstore/tmp").exists()]
    for one in (back, copy):
        way.to_its_end("audit", "verify", "--files", "--dest", str(one))
