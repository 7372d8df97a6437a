"""The rigs that the contract suite runs over."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, store_schemes
from bondstore.stores import Store
from tests.servers.azurite import ACCOUNT_KEY, Azurite
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS
from tests.stores.rigs import Rig, azure_profile, file_rig, s3_rig


@pytest.fixture(autouse=True)
def keys_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that the profiles' references name."""
    monkeypatch.setenv("TEST_S3_KEY", ACCESS_KEY)
    monkeypatch.setenv("TEST_S3_SECRET", SECRET_KEY)
    monkeypatch.setenv("TEST_AZURE_KEY", ACCOUNT_KEY)


@pytest.fixture
def rig_of_s3(seaweedfs: SeaweedFS, bucket: str) -> Rig:
    return s3_rig(seaweedfs, bucket)


@pytest.fixture
def rig_of_az(azurite: Azurite) -> Rig:
    container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
    return Rig("az", f"az://{container}", azure_profile(azurite), has_prefixes=True)


@pytest.fixture
def rig_of_file(folder: Path) -> Rig:
    return file_rig(folder)


@pytest.fixture
def rig_of_memory() -> Rig:
    return Rig("memory", f"memory://{os.urandom(6).hex()}", Profile(), has_prefixes=False)


@pytest.fixture(params=sorted(store_schemes()))
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each kind of store in turn, empty; one without a fixture `rig_of_...` fails the whole suite."""
    made = request.getfixturevalue(f"rig_of_{request.param}")
    assert isinstance(made, Rig)
    assert made.kind == request.param
    return made


@pytest.fixture
def store(rig: Rig) -> Store:
    """An empty store of each kind."""
    return rig.open()
