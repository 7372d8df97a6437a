"""What all tests stand on: real servers on loopback, and an environment of their own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.environment import use_own_environment
from tests.servers.azurite import Azurite
from tests.servers.faulty import FaultyProxy
from tests.servers.install import FOREST_FOLDER, PROGRAM, installed_forest
from tests.servers.moto import SERVICES, Moto
from tests.servers.postgresql import PostgreSQL, find_programs
from tests.servers.seaweedfs import SeaweedFS, find_weed

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}
# A change is judged by the same examples each time; what other runs find beyond them is kept as an example of its own.
hypothesis.settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],  # a busy machine is no fault of the code
)
if IN_CI:
    hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def _scrubbed_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Give the whole session an environment of its own."""
    with pytest.MonkeyPatch.context() as patch:
        use_own_environment(patch, tmp_path_factory.mktemp("home"))
        yield


def _server_missing(what: str) -> None:
    """Skip on a machine that cannot run a server; in CI that is a failure."""
    if IN_CI:
        pytest.fail(f"{what} cannot run here, and CI skips no server test", pytrace=False)
    pytest.skip(f"{what} cannot run here")


@pytest.fixture(scope="session")
def seaweedfs(_scrubbed_session: None) -> Iterator[SeaweedFS]:
    """The S3 server of this session (of this worker, under xdist). Tests that stop it start their own."""
    if find_weed() is None:
        _server_missing("SeaweedFS")
    with SeaweedFS() as server:
        yield server


@pytest.fixture(scope="session")
def forest() -> Path:
    """The folder in which forest is installed, apart from our own environment."""
    if installed_forest() is None:
        _server_missing("forest")
    return FOREST_FOLDER


@pytest.fixture(scope="session")
def azurite(_scrubbed_session: None) -> Iterator[Azurite]:
    """The Azure server of this session (of this worker, under xdist)."""
    if not PROGRAM.exists():
        _server_missing("Azurite")
    with Azurite() as server:
        yield server


@pytest.fixture(scope="session")
def moto_server(_scrubbed_session: None) -> Iterator[Moto]:
    """Moto's server of this session (of this worker, under xdist)."""
    with Moto() as server:
        yield server


@pytest.fixture
def moto(moto_server: Moto) -> str:
    """The address of moto's server, empty: what the test before left is forgotten."""
    moto_server.reset()
    return moto_server.endpoint


@pytest.fixture
def moto_environment(moto_server: Moto, moto: str, monkeypatch: pytest.MonkeyPatch) -> Moto:
    """The AWS variables of moto's server, set for all services but S3; it takes any credentials."""
    for name in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", moto)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        if name not in os.environ:
            monkeypatch.setenv(name, "testing")
    if "AWS_REGION" not in os.environ:
        monkeypatch.setenv("AWS_REGION", moto_server.region)
    return moto_server


@pytest.fixture(scope="session")
def postgresql(_scrubbed_session: None) -> Iterator[PostgreSQL]:
    """The PostgreSQL server of this session (of this worker, under xdist)."""
    if find_programs() is None:
        _server_missing("PostgreSQL")
    with PostgreSQL() as server:
        yield server


@pytest.fixture
def bucket(seaweedfs: SeaweedFS) -> str:
    """A fresh bucket on the session's S3 server."""
    return seaweedfs.create_bucket(f"b-{uuid.uuid4().hex[:12]}")


@pytest.fixture
def faulty(seaweedfs: SeaweedFS) -> Iterator[FaultyProxy]:
    """A proxy in front of the session's S3 server, which misbehaves on request and counts what is asked."""
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        yield proxy


@pytest.fixture
def s3_environment(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The AWS variables of the session's S3 server, set; returns the address of a fresh bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.endpoint)
    monkeypatch.setenv("AWS_REGION", seaweedfs.region)
    return f"s3://{bucket}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for a `file://` store."""
    made = tmp_path / "store"
    made.mkdir()
    return made
