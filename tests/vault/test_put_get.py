from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import bagit
import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import CredentialsError
from bondstore.runs.destinations import open_destination
from bondstore.stores import open_store
from bondstore.vault.keys import key_folder
from bondstore.vault.proofs import Reader, proofs_of
from bondstore.vault.recipients import Recipients
from tests.stores.rigs import Rig
from tests.vault.conftest import PASSPHRASE, Vault, tree_of


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


def test_only_recipients_can_say_what_is_in_it(vault: Vault, tmp_path: Path) -> None:
    """Neither a file's bytes nor the checksum of its content are to be seen in the store."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_bytes(b"a name that nobody may read" * 100)
    vault.put(source)
    store = open_store(vault.spec)
    content = (source / "a.txt").read_bytes()
    told = hashlib.sha256(content)
    seen = [bytes(store.get(one.key).data) for one in store.list()]
    assert len(seen) > 4
    for one in seen:
        assert content[:27] not in one
        assert told.hexdigest().encode() not in one
        assert told.digest() not in one


def test_the_reference_program_opens_an_object_of_the_vault(vault: Vault, tmp_path: Path) -> None:
    source = some_tree(tmp_path / "source")
    vault.put(source)
    sealed = bytes(open_store(vault.spec).get("data/p1/day 1/b.edf.c4gh").data)
    program = Path(sys.executable).parent / "crypt4gh"
    done = subprocess.run(
        [program, "decrypt", "--sk", key_folder() / "owner.sec"],
        input=sealed,
        capture_output=True,
        env={**os.environ, "C4GH_PASSPHRASE": PASSPHRASE},
    )
    assert done.stdout == (source / "p1/day 1/b.edf").read_bytes()


def test_a_file_that_is_kept_as_it_is_is_proved_too(vault: Vault, tmp_path: Path) -> None:
    source = some_tree(tmp_path / "source")
    vault.recipients = replace(vault.recipients, names=(), publics=())
    assert vault.put(source).state == "finished"
    assert bytes(open_store(vault.spec).get("data/a.edf").data) == (source / "a.edf").read_bytes()
    assert vault.get(tmp_path / "back", encrypted=True).state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)
    open_store(vault.spec).put("data/a.edf", b"something else")
    assert vault.get(tmp_path / "other", encrypted=True).tally.quarantined.objects == 1


def test_an_upload_may_go_on_for_years(vault: Vault, tmp_path: Path) -> None:
    """Each has a manifest of its own, which names the one before; all files come back."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(4):
        (source / f"{number}.txt").write_bytes(bytes([number]) * 100)
        assert vault.put(source).tally.done.objects == 1
    names = sorted(one.key for one in open_store(vault.spec).list("manifests") if one.key.endswith(".jsonl"))
    assert names == [f"manifests/{number:06d}.jsonl" for number in range(1, 5)]
    contents = [bytes(open_store(vault.spec).get(name).data) for name in names]
    heads = [json.loads(one.splitlines()[0]) for one in contents]
    assert [one["previous"] for one in heads] == ["", *(hashlib.sha256(one).hexdigest() for one in contents[:-1])]
    vault.get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_run_takes_the_credentials_of_its_own_time(
    rig_of_s3: Rig, owner: Recipients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook goes on in the process whose first try was refused."""
    source = some_tree(tmp_path / "source")
    vault = Vault(StoreSpec(f"{rig_of_s3.url}/late", rig_of_s3.profile), owner, Reader(owner.key, owner.passphrase))
    with monkeypatch.context() as patch:
        patch.setenv("TEST_S3_KEY", "nobody")
        with pytest.raises(CredentialsError):
            vault.put(source)
    assert vault.put(source).state == "finished"


def test_two_folders_in_one_vault(vault: Vault, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
        assert vault.put(tmp_path / name).state == "finished"
    vault.get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == {"one.txt": b"one", "two.txt": b"two"}


def test_every_name_comes_back(vault: Vault, tmp_path: Path) -> None:
    """Hidden files, names with line ends, quotes, colons, percent signs, all scripts, and the longest there are."""
    names = [
        ".hidden", ".config/.x", "line\nend.txt", "line%0Aend.txt", "100 %", "%25", "a:b", "a\\b", "'\"$`", " lead",
        "trail ", "日本/テスト.edf", "\u202edlrow", "e\u0301", "\u00e9", "x" * 240, "tab\there", "~", "*", "?", "[a]",
        "line\u2028end", "next\x85line", "a.c4gh", "bagit.txt", "manifests/000001.jsonl", "data/a",
    ]  # fmt: skip
    source = tmp_path / "source"
    for number, name in enumerate(names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(str(number))
    done = vault.put(source)
    assert (done.state, done.tally.done.objects) == ("finished", len(names))
    back = vault.get(tmp_path / "back")
    with open_destination(StoreSpec((tmp_path / "back").as_uri(), Profile())).ledger() as ledger:
        assert [(one.key, one.message) for one in ledger.findings.walk()] == []
    assert back.state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_vault_is_a_bag(vault: Vault, tmp_path: Path) -> None:
    """As it lies in the store, after each upload: the Library of Congress's program says so."""
    source, copy = some_tree(tmp_path / "source"), tmp_path / "copy"
    vault.put(source)
    (source / "one more.txt").write_bytes(b"one more")
    vault.put(source)
    store = open_store(vault.spec)
    for one in store.list():
        if not one.key.startswith(".bondstore/"):
            (copy / one.key).parent.mkdir(parents=True, exist_ok=True)
            (copy / one.key).write_bytes(bytes(store.get(one.key).data))
    bag = bagit.Bag(str(copy))
    assert bag.validate(fast=False)
    assert len(bag.payload_entries()) == 6
    (copy / "data/a.edf.c4gh").write_bytes(b"something else")
    with pytest.raises(bagit.BagValidationError):
        bag.validate(fast=False)


def test_names_in_the_bag_s_manifest_are_written_as_the_standard_wants(vault: Vault, tmp_path: Path) -> None:
    """RFC 8493, 2.1.3: line ends and ``%`` are percent-encoded, nothing else. (bagit.py does not read ``%25``.)"""
    source = tmp_path / "source"
    source.mkdir()
    (source / "100 % ö.txt").write_bytes(b"x")
    vault.put(source)
    line = bytes(open_store(vault.spec).get("manifest-sha256.txt").data).decode()
    stored = bytes(open_store(vault.spec).get("data/100 % ö.txt.c4gh").data)
    assert line == f"{hashlib.sha256(stored).hexdigest()}  data/100 %25 ö.txt.c4gh\n"


def test_the_list_of_contents_tells_header_and_body_apart(vault: Vault, tmp_path: Path) -> None:
    """A new header changes one of them alone; a header for one recipient has 124 bytes."""
    vault.put(some_tree(tmp_path / "source"))
    proofs = proofs_of(vault.spec, fresh=True)
    for name, (entry, manifest) in proofs.entries.items():
        sealed, told = bytes(open_store(vault.spec).get(name).data), proofs.content(entry, manifest, vault.reader)
        assert entry.header_size == 124
        assert told.header == hashlib.sha256(sealed[:124]).hexdigest()
        assert told.body == hashlib.sha256(sealed[124:]).hexdigest()
        assert manifest.keys == {manifest.recipients[0]: vault.recipients.publics[0]}
