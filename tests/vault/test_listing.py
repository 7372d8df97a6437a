"""`bondstore ls`: stores, parts of them, single objects, and vaults by the names and sizes that were uploaded."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import bondstore
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import IntegrityError, NotFoundError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Threads
from bondstore.stores import open_store
from bondstore.vault.cp import CopyJob
from bondstore.vault.listing import list_objects
from bondstore.vault.put import PutJob
from tests.cli.conftest import Call, cli
from tests.homes import home
from tests.servers.moto import Moto
from tests.stores.rigs import Rig
from tests.vault.conftest import Vault, tree_of

__all__ = ["cli", "home"]
NAMES = {
    "a.edf": 700,
    "p 1/b.edf": 70_001,
    "p 1/empty": 0,
    "ö/日本/λ%0A.txt": 10,
    "ö/line\nend\x1b[31m": 3,
    "p/x\\y": 4,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    for name, size in NAMES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


@pytest.fixture(params=["file", "s3", "az"])
def plain(request: pytest.FixtureRequest, home: object) -> Rig:
    """An empty store of each kind that lasts."""
    rig: Rig = request.getfixturevalue(f"rig_of_{request.param}")
    return rig


def listed(url: str, profile: Any, **options: Any) -> list[tuple[str, int | None]]:
    return [(one.name, one.size) for one in list_objects(url, profile=profile, **options).rows]


def test_a_store(plain: Rig) -> None:
    store = plain.open()
    for key, size in (("top", 1), ("a/one", 2), ("a/b/two words", 3), ("a/b/ö#x", 4), ("ab", 5)):
        store.put(key, bytes(size))
    url, profile = plain.url, plain.profile
    assert listed(url, profile) == [("a/", None), ("ab", 5), ("top", 1)]
    assert sorted(listed(f"{url}/a", profile, recursive=True)) == [("b/two words", 3), ("b/ö#x", 4), ("one", 2)]
    assert listed(f"{url}/a/", profile) == [("b/", None), ("one", 2)]
    assert listed(f"{url}/a/one", profile, standing=True) == [("one", 2)]
    assert listed(f"{url}/a/b/{'%C3%B6%23x' if plain.kind == 'file' else 'ö#x'}", profile) == [("ö#x", 4)]
    for nothing in (f"{url}/a/on", f"{url}/nobody", f"{url}/a#b"):
        with pytest.raises(NotFoundError):
            listed(nothing, profile)


def test_a_vault(vault: Vault, source: Path) -> None:
    vault.put(source)
    url, profile = vault.spec.url, vault.spec.profile
    rows = list(list_objects(url, recursive=True, profile=profile).rows)
    assert {one.name: one.size for one in rows} == NAMES
    assert {(one.kind, one.proof, one.encrypted) for one in rows} == {("file", "signed", True)}
    assert sorted(listed(url, profile)) == [("a.edf", 700), ("p 1/", None), ("p/", None), ("ö/", None)]
    assert sorted(listed(f"{url}#p 1", profile)) == [("b.edf", 70_001), ("empty", 0)]
    assert listed(f"{url}#p 1/b.edf", profile) == [("b.edf", 70_001)]
    store = open_store(vault.spec)
    store.delete("data/a.edf.c4gh")
    store.put("data/p 1/b.edf.c4gh", b"another")
    store.put("data/p 1/foreign.c4gh", b"foreign")
    proofs = {one.name: one.proof for one in list_objects(url, recursive=True, profile=profile).rows}
    others = dict.fromkeys(NAMES, "signed")
    assert proofs == others | {"a.edf": "missing", "p 1/b.edf": "changed", "p 1/foreign": "unproved"}
    assert len(listed(f"{url}/data", profile, recursive=True)) == len(NAMES)
    for key in ("manifests/000001.jsonl", "manifests/000001.jsonl.sig"):
        store.delete(key)
    with pytest.raises(IntegrityError, match="was there before"):
        listed(url, profile)


def test_the_command(cli: Call, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "d" / name).write_bytes(b"12")
    shown = cli("ls", str(tmp_path / "d"), "-r")
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "ö/line\\nend\\x1b[31m" in shown.out
    assert len(shown.out.splitlines()) == 1 + len(NAMES)
    assert shown.err == "6 objects (12 B).\n"
    records = cli("ls", str(tmp_path / "d"), "-r", "--json").records
    assert sorted(one["name"] for one in records) == sorted(NAMES)
    assert cli("ls", str(tmp_path / "d")).err == "1 object (2 B), 3 folders.\n"
    (tmp_path / "empty").mkdir()
    for place in ("empty", "none"):
        told = cli("ls", str(tmp_path / place))
        assert (told.code, told.out) == (3, ""), place
    (tmp_path / "d/loop").symlink_to(tmp_path / "nowhere")
    told = cli("ls", str(tmp_path / "d"))
    assert told.code == 5
    assert "1 name cannot be read" in told.err


def test_a_vault_on_the_command_line(cli: Call, source: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("lantern over quiet water")
    (tmp_path / "passphrase").chmod(0o600)
    key, url = ("--passphrase", f"file:{tmp_path}/passphrase"), (tmp_path / "vault").as_uri()
    assert cli("keys", "new", "anna", *key).code == 0
    assert cli("put", str(source), url, "--seal-for", "anna", *key, "--yes").code == 0
    before = tree_of(tmp_path / "vault")
    shown = cli("ls", url, "-r", "--json")
    assert (shown.code, {one["name"]: one["size"] for one in shown.records}) == (0, NAMES)
    assert tree_of(tmp_path / "vault") == before
    assert [one.name for one in bondstore.vaults.ls(f"{url}#p 1")] == ["b.edf", "empty"]
    (tmp_path / "vault/data/a.edf.c4gh").unlink()
    told = cli("ls", url)
    assert told.code == 7
    assert "1 file is missing" in told.err


def test_how_archived_objects_stand(cli: Call, moto_server: Moto, moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_REGION", moto_server.region)
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    client = moto_server.client("s3")
    bucket = f"ls-{os.urandom(4).hex()}"
    client.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": moto_server.region})
    for key, storage in (("a", "STANDARD"), ("b", "GLACIER"), ("c", "GLACIER")):
        client.put_object(Bucket=bucket, Key=key, Body=b"edf", StorageClass=storage)
    client.restore_object(Bucket=bucket, Key="c", RestoreRequest={"Days": 2})
    shown = cli("ls", f"s3://{bucket}", "--standing", "--json").records
    assert [(one["name"], one["class"], one["standing"]) for one in shown] == [
        ("a", "STANDARD", "plain"),
        ("b", "GLACIER", "archived"),
        ("c", "GLACIER", "ready"),
    ]
    assert "until" in shown[2]


def test_files_in_packs(vault: Vault, source: Path, tmp_path: Path) -> None:
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients)
    execute(replace(job, pack=50_000), open_destination(vault.spec), Threads(2))
    url, profile = vault.spec.url, vault.spec.profile
    own: dict[str, Any] = {"key": vault.reader.key, "passphrase": vault.reader.passphrase}
    small = {name for name, size in NAMES.items() if size < 50_000}
    packs = [one for one in list_objects(url, recursive=True, profile=profile).rows if one.kind == "pack"]
    assert sum(one.files for one in packs) == len(small)
    assert dict(listed(url, profile, recursive=True, **own)) == NAMES
    assert sorted(listed(f"{url}#p 1", profile, **own)) == [("b.edf", 70_001), ("empty", 0)]
    copied = StoreSpec((tmp_path / "copy").as_uri(), Profile())
    execute(CopyJob(vault.spec, copied, vault=True), open_destination(copied), Threads(2))
    assert dict(listed(copied.url, None, recursive=True, **own)) == NAMES
    replace(vault, spec=copied).get(tmp_path / "back")
    assert tree_of(tmp_path / "back") == tree_of(source)
    open_store(vault.spec).delete(packs[0].object)
    proofs = {one.name: one.proof for one in list_objects(url, recursive=True, profile=profile, **own).rows}
    assert {name for name, proof in proofs.items() if proof == "missing"} == small
