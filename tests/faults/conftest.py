from __future__ import annotations

import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import IN_CI
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Lab


@pytest.fixture(scope="session")
def shared_bucket(seaweedfs: SeaweedFS) -> str:
    """One bucket for all labs: this server takes a second to make the first object of a new one."""
    return seaweedfs.create_bucket("labs")


@pytest.fixture
def lab(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path: Path) -> Lab:
    """An empty place in a bucket on the session's server, and a home folder."""
    return Lab(seaweedfs, shared_bucket, tmp_path, uuid.uuid4().hex)


@dataclass(frozen=True)
class Disk:
    """A small file system in memory."""

    folder: Path

    def resize(self, kibibytes: int) -> None:
        """Make it larger, or smaller as far as its content allows."""
        subprocess.run(["mount", "-o", f"remount,size={kibibytes}k", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if sys.platform != "linux" or shutil.which("mount") is None or subprocess.run(line, capture_output=True).returncode:
        if IN_CI:
            pytest.fail("a small disk cannot be mounted here, and CI skips no fault", pytrace=False)
        pytest.skip("a small disk cannot be mounted here: it takes the rights of root")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
