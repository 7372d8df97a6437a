from __future__ import annotations

import random
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.vault.get import Reader
from bondstore.vault.put import Recipients
from tests.vault.conftest import Vault, tree_of


@pytest.fixture
def vault(owner: Recipients, tmp_path: Path) -> Vault:
    return Vault(StoreSpec((tmp_path / "vault").as_uri(), Profile()), owner, Reader(owner.key, owner.passphrase))


def some_tree(root: Path) -> Path:
    rng = random.Random(5)
    for name, size in {
        "a.edf": 100_000, "p1/day 1/b.edf": 300_001, "p1/empty": 0, "ö/日本/λ.txt": 10, "p2/large.avi": 20_000_000,
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def test_what_is_put_comes_back(vault: Vault, tmp_path: Path) -> None:
    source = some_tree(tmp_path / "source")
    done = vault.put(source)
    assert done.state == "finished"
    assert done.tally.done.objects == 5
    back = vault.get(tmp_path / "back")
    assert back.state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)
    again = vault.put(source)
    assert (again.plan.todo.objects, again.plan.skipped.objects) == (0, 5)
