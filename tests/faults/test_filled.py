"""Who fills a vault has the policy that is made for its prefix, and nothing beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Call, cli
from tests.homes import home
from tests.servers.seaweedfs import SeaweedFS

__all__ = ["cli", "home"]


def test_who_fills_a_vault_needs_rights_on_its_prefix_alone(
    cli: Call, s3_environment: str, seaweedfs: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket, vault = s3_environment.removeprefix("s3://"), f"{s3_environment}/vault"
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("lantern over quiet water")
    passphrase.chmod(0o600)
    key = ("--passphrase", f"file:{passphrase}")
    assert cli("keys", "new", "anna", *key).code == 0
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.edf").write_bytes(b"a" * 100_000)
    (source / "large.avi").write_bytes(bytes(20_000_000))  # uploaded in parts
    made = cli("policy", "make", "--bucket", bucket, "--prefix", "vault/", "--write")
    assert made.code == 0, made.err
    granted = seaweedfs.user_with(json.loads(made.out))
    for name, value in granted.items():
        monkeypatch.setenv(name, value)
    put = ("put", str(source), vault, "--seal-for", "anna", *key, "--yes")
    done = cli(*put)
    assert done.code == 0, done.err
    (source / "b.edf").write_bytes(b"b")
    done = cli(*put)
    assert done.code == 0, done.err
    assert cli("get", vault, str(tmp_path / "back"), "--unseal", *key, "--yes").code == 0
    assert sorted(one.name for one in (tmp_path / "back").rglob("*.edf")) == ["a.edf", "b.edf"]
    refused = cli("put", str(source), f"{s3_environment}/other", "--seal-for", "anna", *key, "--yes")
    assert refused.code == 4
    assert f"policy make --bucket {bucket} --prefix other/ --write" in refused.err
