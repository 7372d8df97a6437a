from __future__ import annotations

import uuid
from pathlib import Path

import pytest

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
