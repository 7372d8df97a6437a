"""The lines of the page about the lab's scripts are typed, from the first to the last."""

from __future__ import annotations

import os
import random
import shlex
from functools import reduce
from pathlib import Path

import pytest

from tests.cli.conftest import Call, cli
from tests.docs.pages import lines
from tests.homes import Home, home
from tests.openssl_program import seal
from tests.servers.azurite import Azurite
from tests.servers.seaweedfs import SeaweedFS
from tests.vault import contents
from tests.vault.conftest import tree_of
from tests.vault.contents import FILES
from tests.vault.rooms import DES

__all__ = ["cli", "home"]
PAGE = "docs/how-to/lab-archive.md"
OLD, NEW = "what the lab typed in 2016", "lantern over quiet water"


@pytest.fixture
def typed(
    home: Home, seaweedfs: SeaweedFS, azurite: Azurite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """The page's lines, with places that are there."""
    rng = random.Random(1)
    for name in ("video/1ab2cd3e/day 1/a.avi", "video/4fg5hi6j/b.avi", "edf/1ab2cd3e/a.edf"):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_bytes(rng.randbytes(50_000))
    for name, secret in {"passphrase": NEW, "pass-2016": OLD}.items():
        (tmp_path / name).write_text(secret)
        (tmp_path / name).chmod(0o600)
    ending = f"-{rng.randbytes(4).hex()}-{os.getpid()}"
    for bucket in ("lab-video", "lab-edf", "lab-archive", "lab-video-old"):
        seaweedfs.create_bucket(f"{bucket}{ending}")
    azurite.create_bucket(f"old-container{ending}")
    for number in (1, 2):
        sealed = seal(contents.tar(tmp_path / "tree"), OLD, *DES, "-nopad")
        azurite.put(f"old-container{ending}", f"P00{number}.tar.enc", sealed)
    monkeypatch.setenv("LAB_ID", seaweedfs.access_key)
    monkeypatch.setenv("LAB_SECRET", seaweedfs.secret_key)
    monkeypatch.setenv("AZURE_KEY", azurite.account_key)
    places = {
        "/etc/lab/": f"{tmp_path}/",
        "file:///nas": f"file://{tmp_path}/nas",
        "/data/": f"{tmp_path}/data/",
        "--access-key": f"--endpoint {seaweedfs.endpoint} --access-key",
        "--account ACCOUNT": f"--account {azurite.account} --endpoint {azurite.endpoint}",
        "s3://lab-video-old": f"s3://OLD{ending}",
        **{f"//{name}": f"//{name}{ending}" for name in ("lab-video", "lab-edf", "lab-archive", "old-container")},
        "s3://OLD": "s3://lab-video-old",
    }
    return [reduce(lambda text, name: text.replace(name, places[name]), places, line) for line in lines(PAGE)]


def test_every_line_does_what_the_page_says(typed: list[str], cli: Call, tmp_path: Path) -> None:
    assert len(typed) == 17
    for line in typed:
        ended = cli(*shlex.split(line)[1:])
        # This server keeps storage classes as mere names, and says so: its objects can be read at once.
        allowed = 4 if " restore " in line else 0
        assert ended.code == allowed, (line, ended.out, ended.err)
    data = tmp_path / "data"
    assert tree_of(data / "back") == tree_of(data / "archived") == tree_of(data / "video")
    assert tree_of(data / "one") == {f"1ab2cd3e/{name}": one for name, one in tree_of(data / "video/1ab2cd3e").items()}
    opened = tree_of(data / "opened")
    for number in (1, 2):
        assert {name: opened[f"P00{number}.tar.files/{name}"] for name in FILES} == FILES
