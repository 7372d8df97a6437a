"""Destinations, a bucket of toys, and a disk that is soon full."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.runs.folder_destination import FolderDestination
from tests.conftest import IN_CI


@pytest.fixture
def destination(tmp_path: Path) -> FolderDestination:
    """A folder to write to; not there yet."""
    return FolderDestination(tmp_path / "dest")


@pytest.fixture
def spec(folder: Path) -> StoreSpec:
    """The address of `folder` as a store."""
    return StoreSpec(folder.as_uri(), Profile())


@dataclass(frozen=True)
class SmallDisk:
    """A folder that takes no more than about 1 MiB in all (``tmpfs``) or in any one file (``limit``)."""

    path: Path
    grow: Callable[[], None]


@pytest.fixture(params=["tmpfs", "limit"])
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk that is soon full: a real one where the account may mount it, and one by a limit everywhere."""
    path = tmp_path / "small"
    path.mkdir()
    yield from (_tmpfs if request.param == "tmpfs" else _limit)(path)


@pytest.fixture
def small_tmpfs(tmp_path: Path) -> Iterator[SmallDisk]:
    """As `small_disk`, a real one only."""
    path = tmp_path / "small"
    path.mkdir()
    yield from _tmpfs(path)


def _tmpfs(path: Path) -> Iterator[SmallDisk]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk; the limit on file sizes is tested in its place")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m,nr_inodes=200", "tmpfs", str(path)], capture_output=True
    )
    if mounted.returncode != 0:
        if IN_CI:
            pytest.fail("a small disk could not be mounted, and CI skips no test of a full one", pytrace=False)
        pytest.skip("a small disk could not be mounted here")
    try:
        yield SmallDisk(path, lambda: _remount(path))
    finally:
        subprocess.run(["umount", str(path)], check=True)


def _remount(path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=16m", str(path)], check=True)


def _limit(path: Path) -> Iterator[SmallDisk]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def restore() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    try:
        yield SmallDisk(path, restore)
    finally:
        restore()
