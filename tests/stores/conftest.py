"""The rigs that the contract suite runs over."""

from __future__ import annotations

import os
import uuid

import pytest

from bondstore.config.profiles import Profile
from bondstore.stores import Store
from tests.servers.azurite import ACCOUNT_KEY
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY
from tests.stores.rigs import Rig, azure_profile, file_rig, s3_rig


@pytest.fixture(autouse=True)
def keys_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables that the profiles' references name."""
    monkeypatch.setenv("TEST_S3_KEY", ACCESS_KEY)
    monkeypatch.setenv("TEST_S3_SECRET", SECRET_KEY)
    monkeypatch.setenv("TEST_AZURE_KEY", ACCOUNT_KEY)


@pytest.fixture(params=["s3", "az", "file", "memory"])
def rig(request: pytest.FixtureRequest) -> Rig:
    """Each kind of store in turn, empty."""
    if request.param == "s3":
        return s3_rig(request.getfixturevalue("seaweedfs"), request.getfixturevalue("bucket"))
    if request.param == "az":
        azurite = request.getfixturevalue("azurite")
        container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
        return Rig("az", f"az://{container}", azure_profile(azurite), has_prefixes=True)
    if request.param == "file":
        return file_rig(request.getfixturevalue("folder"))
    return Rig("memory", f"memory://{os.urandom(6).hex()}", Profile(), has_prefixes=False)


@pytest.fixture
def store(rig: Rig) -> Store:
    """An empty store of each kind."""
    return rig.open()
