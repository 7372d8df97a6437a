"""A vault from Python: whole files, ranges of them, and nothing that is not proved."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import bondstore
from bondstore.config.secrets import Secret
from bondstore.errors import DamagedError, IntegrityError, NotFoundError, UsageError, WrongKeyError
from bondstore.ledger import personal_ledger
from bondstore.stores import open_store
from bondstore.vault.keys import new_pair
from bondstore.vault.reading import Vault as Reading
from tests.vault.conftest import PASSPHRASE, Vault, tree_of

SIZE = 700_001


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    root.mkdir()
    (root / "a.edf").write_bytes(rng.randbytes(SIZE))
    (root / "empty").write_bytes(b"")
    return root


def test_files_and_ranges(vault: Vault, source: Path) -> None:
    vault.put(source)
    reading = Reading(vault.spec, vault.reader)
    assert [(one.path, one.size, one.encrypted) for one in reading.files()] == [
        ("a.edf", SIZE, True),
        ("empty", 0, True),
    ]
    whole = (source / "a.edf").read_bytes()
    assert reading.read("a.edf") == whole
    assert reading.read("empty") == b""
    for start, end in ((0, 1), (0, 256), (65_535, 65_537), (131_072, 196_608), (SIZE - 1, SIZE), (SIZE - 1, SIZE + 9)):
        assert reading.read_range("a.edf", start, end) == whole[start:end]
    assert reading.read_range("a.edf", 5, 5) == reading.read_range("a.edf", SIZE, SIZE + 1) == b""
    for start, end in ((-1, 5), (5, 4)):
        with pytest.raises(UsageError, match="A range begins at 0"):
            reading.read_range("a.edf", start, end)
    with pytest.raises(NotFoundError, match=r"There is no file b\.edf"):
        reading.read("b.edf")


def test_a_range_costs_its_segments_and_is_logged(vault: Vault, source: Path) -> None:
    vault.put(source)
    reading = Reading(vault.spec, vault.reader)
    with personal_ledger() as ledger:
        before = ledger.audit.head()[0]
    reading.read_range("a.edf", 65_530, 65_540)
    with personal_ledger() as ledger:
        reads = [entry for entry in ledger.audit.entries() if entry.seq > before]
    assert [(one.key, one.size) for one in reads] == [("data/a.edf.c4gh", 124), ("data/a.edf.c4gh", 2 * 65_564)]


def test_what_was_changed_is_not_handed_out(vault: Vault, source: Path) -> None:
    vault.put(source)
    store = open_store(vault.spec)
    stored = bytes(store.get("data/a.edf.c4gh").data)
    store.put("data/a.edf.c4gh", stored[: 124 + 65_564] + stored[124 + 2 * 65_564 :])
    reading = Reading(vault.spec, vault.reader)
    with pytest.raises(DamagedError, match="is not what the manifest says"):
        reading.read("a.edf")
    store.put("data/a.edf.c4gh", stored[:200] + bytes([stored[200] ^ 1]) + stored[201:])
    with pytest.raises(DamagedError, match="A segment of the encrypted file is damaged"):
        reading.read_range("a.edf", 0, 10)
    store.put("manifests/000001.jsonl.sig", bytes(64))
    with pytest.raises(IntegrityError):
        list(Reading(vault.spec, vault.reader).files())


def test_the_public_functions(home: object, source: Path, tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE)
    file.chmod(0o600)
    reference, url = f"file:{file}", (tmp_path / "vault").as_uri()
    for name in ("anna", "berta"):
        new_pair(name, Secret(PASSPHRASE))
    planned = bondstore.vaults.put(str(source), url, seal_for=["anna"], key="anna", passphrase=reference, dry_run=True)
    assert (planned.state, planned.plan.todo.objects) == ("planned", 2)
    done = bondstore.vaults.put(str(source), url, seal_for=["anna"], key="anna", passphrase=reference)
    assert done.state == "finished"
    assert bondstore.vaults.verify(url, deep=True).tally.done.objects == 2
    back = bondstore.vaults.get(url, str(tmp_path / "back"), unseal=True, key="anna", passphrase=reference)
    assert back.tally.done.objects == 2
    assert tree_of(tmp_path / "back") == tree_of(source)
    vault = bondstore.vaults.open_vault(url, key="anna", passphrase=reference)
    assert vault.read("a.edf") == (source / "a.edf").read_bytes()
    assert "***" not in repr(vault)
    assert json.loads(json.dumps([one.path for one in vault.files()])) == ["a.edf", "empty"]
    with pytest.raises(WrongKeyError):
        bondstore.vaults.open_vault(url, key="berta", passphrase=reference).read("a.edf")
