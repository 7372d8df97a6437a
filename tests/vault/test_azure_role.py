"""A vault in a container that a machine's role opens: no account key, no shared access signature."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.runs.engine import RunResult
from bondstore.stores import open_store
from bondstore.vault.proofs import Reader
from bondstore.vault.recipients import Recipients
from tests.servers.azure_role import AzureRole
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault
from tests.vault.conftest import Vault, tree_of


@pytest.fixture
def role(azurite: Azurite, monkeypatch: pytest.MonkeyPatch, home: object) -> Iterator[AzureRole]:
    with AzureRole(azurite) as role:
        monkeypatch.setenv("IDENTITY_ENDPOINT", role.identity)
        monkeypatch.setenv("IDENTITY_HEADER", "of this machine")
        yield role


@pytest.fixture
def vault(role: AzureRole, azurite: Azurite, owner: Recipients) -> Vault:
    container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
    profile = Profile(endpoint=role.endpoint, account=azurite.account)
    return Vault(StoreSpec(f"az://{container}/vault", profile), owner, Reader(owner.key, owner.passphrase))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root, rng = tmp_path / "source", random.Random(7)
    root.mkdir()
    for name, size in {"a.edf": 10, "b.avi": 20_000_000}.items():
        (root / name).write_bytes(rng.randbytes(size))
    return root


def states(result: RunResult) -> tuple[int, int]:
    return result.tally.done.objects, result.tally.failed.objects


def test_large_files_go_up_and_come_back(vault: Vault, source: Path, tmp_path: Path) -> None:
    assert states(vault.put(source)) == (2, 0)
    assert states(vault.get(tmp_path / "back")) == (2, 0)
    assert tree_of(tmp_path / "back") == tree_of(source)
    assert states(vault.put(source)) == (0, 0)


def test_one_that_was_cut_off_is_sent_again_as_a_whole(
    vault: Vault, role: AzureRole, source: Path, tmp_path: Path
) -> None:
    fault = Fault("status", method="PUT", contains="blockid", first=2, times=10**9, status=403, body=b"")
    with role.fault(fault):
        assert states(vault.put(source)) == (1, 1)
    assert not [one.key for one in open_store(vault.spec).list("data/") if "b.avi" in one.key]
    assert states(vault.put(source)) == (1, 0)
    assert states(vault.get(tmp_path / "back")) == (2, 0)
    assert tree_of(tmp_path / "back") == tree_of(source)
