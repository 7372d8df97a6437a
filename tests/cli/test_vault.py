"""``bondstore put`` and ``get`` on real servers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.homes import Home
from tests.vault.conftest import tree_of

PASSPHRASE = "lantern over quiet water"


@pytest.fixture
def reference(tmp_path: Path) -> str:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    return f"file:{file}"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    sizes = {"a.edf": 100_000, "p 1/b.edf": 300_001, "p 1/empty": 0, "ö/日本/λ.txt": 10, "v/large.avi": 9_500_000}
    for name, size in sizes.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def test_put_and_get(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    assert cli("put", str(source), url, "--seal-for", "anna").code == 3
    assert cli("put", str(source), url).code == 4  # no key to sign with
    assert cli("keys", "new", "anna", "--passphrase", reference).code == 0
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes")
    planned = cli(*put, "--dry-run", "--json")
    assert (planned.code, planned.records[-1]["todo"]) == (0, 5)
    assert not (tmp_path / "vault").exists()
    assert cli(*put).code == 0
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    assert cli(*get).code == 0
    assert tree_of(tmp_path / "back") == tree_of(source)
    assert cli("run", "resume", "last", "--dest", str(tmp_path / "back")).code == 0
    part = cli("get", f"{url}#p 1", str(tmp_path / "part"), "--unseal", "--passphrase", reference, "--yes")
    assert part.code == 0
    assert sorted(tree_of(tmp_path / "part")) == ["p 1/b.edf", "p 1/empty"]
    assert cli("get", url, str(tmp_path / "as-is"), "--yes").code == 0
    stored = {name: content for name, content in tree_of(tmp_path / "vault").items() if name.startswith("data/")}
    assert {f"data/{name}": content for name, content in tree_of(tmp_path / "as-is").items()} == stored
    (tmp_path / "empty").mkdir()
    assert cli("put", str(tmp_path / "empty"), url, "--passphrase", reference, "--yes").code == 3
    assert cli("get", (tmp_path / "empty").as_uri(), str(tmp_path / "none"), "--yes").code == 3
    assert cli("get", f"{url}#nobody", str(tmp_path / "none"), "--yes").code == 3


def test_what_was_changed_ends_with_7(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    assert cli("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes").code == 0
    stored = tmp_path / "vault/data/a.edf.c4gh"
    stored.write_bytes(stored.read_bytes()[:-70_000])
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    told = cli(*get)
    assert told.code == 7
    assert "data/a.edf.c4gh" in told.out
    assert "a.edf" not in tree_of(tmp_path / "back")
    assert cli(*get).code == 7  # again
    (tmp_path / "vault/manifests/000001.jsonl.sig").write_bytes(bytes(64))
    changed = cli("get", url, str(tmp_path / "other"), "--yes")
    assert changed.code == 7
    assert "signature does not match" in changed.err
    assert not tree_of(tmp_path / "other")


def test_files_that_are_there_in_another_version(
    cli: Call, home: Home, reference: str, source: Path, tmp_path: Path
) -> None:
    url = (tmp_path / "vault").as_uri()
    cli("keys", "new", "anna", "--passphrase", reference)
    put = ("put", str(source), url, "--seal-for", "anna", "--passphrase", reference, "--yes")
    assert cli(*put).code == 0
    (source / "a.edf").write_bytes(b"another version")
    before = tree_of(tmp_path / "vault")
    refused = cli(*put)
    assert refused.code == 2
    assert "1 file" in refused.err
    assert tree_of(tmp_path / "vault") == before
    assert cli(*put, "--existing", "skip").code == 0
    assert tree_of(tmp_path / "vault") == before
    assert cli(*put, "--existing", "refresh").code == 0
    assert cli("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes").code == 0
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_key_of_somebody_else(cli: Call, home: Home, reference: str, source: Path, tmp_path: Path) -> None:
    url = (tmp_path / "vault").as_uri()
    for name in ("anna", "berta"):
        cli("keys", "new", name, "--passphrase", reference)
    said = cli("put", str(source), url, "--seal-for", "berta", "--key", "anna", "--passphrase", reference, "--yes")
    assert said.code == 0
    assert "You will not be able to decrypt them with your key anna" in said.err
    get = ("get", url, str(tmp_path / "back"), "--unseal", "--passphrase", reference, "--yes")
    assert cli(*get).code == 4  # which of the two?
    assert cli(*get, "--key", "berta").code == 0
    wrong = cli("get", url, str(tmp_path / "wrong"), "--unseal", "--passphrase", reference, "--yes", "--key", "anna")
    assert wrong.code == 5
    assert not tree_of(tmp_path / "wrong")
