"""Killed at any instant, a vault that is rekeyed has each object for its old recipients or for the new ones, proved."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bondstore import vaults
from bondstore.config.secrets import Secret
from bondstore.errors import WrongKeyError
from bondstore.stores import open_store
from bondstore.vault.keys import new_pair
from tests.homes import Home
from tests.servers.faulty import FaultyProxy
from tests.vault.conftest import PASSPHRASE

SIZES = {"a/tiny": 10, "a/small.edf": 200_000, "empty": 0, "large.avi": 12_000_000} | {
    f"{number}.edf": 1_500_000 + number for number in range(4)
}
INSTANTS = (5, 12, 16, 20, 25, 31, 38, 46, 55, 70)
"""Requests that write, after which it is killed."""


def start(words: list[str]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "bondstore", *words]
    return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def to_its_end(words: list[str]) -> None:
    process = start(words)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()


class Scene:
    """A vault that is being rekeyed by the program: Berta is dropped, and Carla is added."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.reference = f"{url}/eeg", f"file:{folder}/passphrase"
        rng = random.Random(11)
        self.files = {name: rng.randbytes(size) for name, size in SIZES.items()}
        for name, content in self.files.items():
            (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "source" / name).write_bytes(content)
        (folder / "passphrase").write_text(PASSPHRASE)
        (folder / "passphrase").chmod(0o600)
        for name in ("owner", "berta", "carla"):
            new_pair(name, Secret(PASSPHRASE))
        self.own = ["--key", "owner", "--passphrase", self.reference, "--yes"]
        sealed = ["--seal-for", "owner", "--seal-for", "berta"]
        to_its_end(["put", str(folder / "source"), self.url, *sealed, *self.own])

    @property
    def words(self) -> list[str]:
        return ["rekey", self.url, "--for", "carla", "--drop", "berta", *self.own]

    def killed(self, is_time: Callable[[], bool]) -> bool:
        process = start(self.words)
        while process.poll() is None and not is_time():
            time.sleep(0.002)
        process.kill()
        _, said = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), said.decode()
        return process.returncode == -signal.SIGKILL

    def readable(self, who: str) -> set[str]:
        """Return the files that somebody can decrypt; each of those is proved to its last byte."""
        vault = vaults.open_vault(self.url, key=who, passphrase=self.reference)
        found = set()
        for file in vault.files():
            try:
                assert vault.read(file.path) == self.files[file.path]
            except WrongKeyError:
                continue
            found.add(file.path)
        return found

    def refuse_between(self) -> None:
        """Raise where an object is neither as it was nor as it will be."""
        assert vaults.verify(self.url, deep=True).tally.failed.objects == 0
        old, new = self.readable("berta"), self.readable("carla")
        assert old | new == set(self.files)
        assert not old & new
        assert self.readable("owner") == set(self.files)

    def refuse_unfinished(self) -> None:
        assert (self.readable("berta"), self.readable("carla")) == (set(), set(self.files))
        assert vaults.verify(self.url, deep=True).state == "finished"


def test_in_a_bucket(
    home: Home, s3_environment: str, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", faulty.endpoint)
    scene = Scene(s3_environment, tmp_path)
    landed = 0
    for instant in INSTANTS:
        faulty.clear()

        def is_time(instant: int = instant) -> bool:
            return sum(one.method in ("PUT", "POST", "DELETE") for one in list(faulty.seen)) >= instant

        landed += scene.killed(is_time)
        scene.refuse_between()
    assert landed >= 8
    to_its_end(scene.words)
    scene.refuse_unfinished()
    store = open_store(vaults.resolve_source(scene.url))
    assert not list(store.unfinished())
    assert not [one.key for one in store.list() if "rekeys" in one.key or "announced" in one.key]


def test_in_a_folder(home: Home, tmp_path: Path) -> None:
    scene = Scene((tmp_path / "vault").as_uri(), tmp_path)
    rng = random.Random(5)
    for _ in range(4):
        end = time.monotonic() + rng.uniform(0.5, 3)
        scene.killed(lambda end=end: time.monotonic() >= end)
        scene.refuse_between()
    to_its_end(scene.words)
    scene.refuse_unfinished()
    assert not (tmp_path / "vault/eeg/manifests/announced").exists() or not list(
        (tmp_path / "vault/eeg/manifests/announced").iterdir()
    )
