"""Uploads that something stands in the way of: the rest goes on, and no manifest names what is not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import BondstoreError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Threads
from bondstore.vault.chain import read_chain
from bondstore.vault.proofs import Reader
from bondstore.vault.put import PutJob
from bondstore.vault.recipients import Recipients
from tests.stores.rigs import Rig
from tests.vault.conftest import Vault, tree_of


@pytest.fixture
def vault(owner: Recipients, tmp_path: Path) -> Vault:
    return Vault(StoreSpec((tmp_path / "vault").as_uri(), Profile()), owner, Reader(owner.key, owner.passphrase))


def test_a_name_that_is_too_long_is_told_and_the_rest_goes_on(vault: Vault, tmp_path: Path) -> None:
    """Folders take names of 255 bytes; ``.c4gh`` is five of them."""
    source = tmp_path / "source"
    source.mkdir()
    for size in (1, 250, 251, 255):
        (source / ("x" * size)).write_bytes(b"x")
    (source / ("é" * 125)).write_bytes(b"x")
    done = vault.put(source)
    assert (done.state, done.tally.done.objects, done.tally.failed.objects) == ("incomplete", 3, 2)
    with open_destination(vault.spec).ledger() as ledger:
        assert {(one.key, one.kind) for one in ledger.findings.of_run(done.run)} == {
            ("x" * 251, "name-not-kept"),
            ("x" * 255, "name-not-kept"),
        }
    assert vault.verify(deep=True).state == "finished"
    assert vault.get(tmp_path / "back").state == "finished"
    assert set(tree_of(tmp_path / "back")) == {"x", "x" * 250, "é" * 125}


def test_what_was_never_shown_is_in_no_manifest(vault: Vault, tmp_path: Path) -> None:
    """Something lies in its place, so the upload ends there; then the file is taken out of the source."""
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a", "b"):
        (source / name).write_bytes(b"x")
    (tmp_path / "vault/data/a.c4gh").mkdir(parents=True)
    with pytest.raises(BondstoreError):
        vault.put(source)
    (tmp_path / "vault/data/a.c4gh").rmdir()
    (source / "a").unlink()
    assert vault.put(source).state == "finished"
    assert set(read_chain(vault.spec).entries()) == {"data/b.c4gh"}
    assert vault.verify().state == "finished"


def test_a_name_that_is_not_utf_8_is_told_and_the_rest_goes_on(vault: Vault, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "x").write_bytes(b"x")
    (source / os.fsdecode(b"caf\xe9")).write_bytes(b"x")
    done = vault.put(source)
    assert (done.state, done.tally.done.objects, done.tally.failed.objects) == ("incomplete", 1, 1)
    assert vault.get(tmp_path / "back").state == "finished"
    assert set(tree_of(tmp_path / "back")) == {"x"}


def test_a_file_in_the_place_of_a_folder_is_told_and_the_rest_comes_back(
    rig_of_s3: Rig, owner: Recipients, tmp_path: Path
) -> None:
    """A store has ``a`` and ``a/b``; a folder has room for one of them, in whichever run they come."""
    store, reader = rig_of_s3.open(), Reader(owner.key, owner.passphrase)
    for key in ("source/a", "source/a/b", "source/c"):
        store.put(key, key.encode())
    vault = Vault(StoreSpec(f"{rig_of_s3.url}/vault", rig_of_s3.profile), owner, reader)
    source = StoreSpec(f"{rig_of_s3.url}/source", rig_of_s3.profile)
    put = PutJob(source, vault.spec, owner)
    assert execute(put, open_destination(vault.spec), Threads(2)).state == "finished"
    for times in range(2):
        done = vault.get(tmp_path / "back")
        assert (done.state, done.tally.failed.objects) == ("incomplete", 1), times
        assert tree_of(tmp_path / "back") == {"a": b"source/a", "c": b"source/c"}
    store.put("source/c/d", b"later")
    assert execute(put, open_destination(vault.spec), Threads(2)).state == "finished"
    done = vault.get(tmp_path / "back")
    assert (done.state, done.tally.failed.objects) == ("incomplete", 2)
    assert tree_of(tmp_path / "back") == {"a": b"source/a", "c": b"source/c"}
