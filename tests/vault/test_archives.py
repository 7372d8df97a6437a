"""`bondstore.archives`: what the commands do, from Python."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

import bondstore
from bondstore.errors import NothingThereError, UsageError
from bondstore.vault.proofs import Reader
from tests.homes import home
from tests.servers.glacier import Glacier, glacier
from tests.servers.moto import Moto
from tests.vault.conftest import owner, tree_of
from tests.vault.rooms import DES, PASSPHRASE, seal

__all__ = ["glacier", "home", "owner"]


def test_a_restore_is_asked_for_then_ready(
    home: object, moto_environment: Moto, moto: str, moto_server: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    client = moto_server.client("s3")
    client.create_bucket(Bucket="old", CreateBucketConfiguration={"LocationConstraint": moto_server.region})
    client.put_object(Bucket="old", Key="a.edf", Body=b"recording", StorageClass="GLACIER")
    assert bondstore.archives.restore("s3://old", dry_run=True).state == "planned"
    assert "Restore" not in client.head_object(Bucket="old", Key="a.edf")
    asked = bondstore.archives.restore("s3://old", tier="standard", days=3)
    assert (asked.tally.planned.objects, asked.tally.waiting) == (1, 1)
    assert client.head_object(Bucket="old", Key="a.edf")["Restore"].startswith("ongoing-request=")
    assert bondstore.archives.restore("s3://old").tally.complete
    with pytest.raises(UsageError):
        bondstore.archives.restore("s3://old", tier="soon")


def test_an_old_vault_is_listed_and_moved(glacier: Glacier, home: object, owner: Reader, tmp_path: Path) -> None:
    with pytest.raises(NothingThereError):
        list(bondstore.archives.listed("lab"))
    assert bondstore.archives.inventory("lab").tally.waiting == 1
    glacier.finish()
    assert bondstore.archives.inventory("lab").tally.complete
    assert [(one.name, one.size) for one in bondstore.archives.listed("lab")] == [
        ("p1/day1.edf", 3000),
        ("p1/day2.edf", 3),
        ("", 5),
    ]
    own = {"key": owner.key, "passphrase": owner.passphrase}
    with pytest.raises(UsageError, match="bulk"):
        bondstore.archives.migrate("lab", str(tmp_path / "vault"), tier="soon", **own)  # type: ignore[arg-type]
    words = {"tier": "standard", **own}
    asked = bondstore.archives.migrate("lab", str(tmp_path / "vault"), **words)  # type: ignore[arg-type]
    assert asked.tally.waiting == 3
    glacier.finish()
    moved = bondstore.archives.migrate("lab", str(tmp_path / "vault"), **words)  # type: ignore[arg-type]
    assert moved.tally.complete
    payload = {name: data for name, data in tree_of(tmp_path / "vault").items() if name.startswith("data/")}
    assert {"data/p1/day1.edf", "data/p1/day2.edf"} < payload.keys()
    assert sorted(map(len, payload.values())) == [3, 5, 3000]


def test_an_old_archive_is_opened(home: object, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    plain = gzip.compress(b"what the lab kept", mtime=0)
    (tmp_path / "old/notes.gz.enc").write_bytes(seal(plain, PASSPHRASE, *DES))
    secret = tmp_path / "secret"
    for written, done in (("another", 0), (PASSPHRASE, 1)):
        secret.write_text(written)
        secret.chmod(0o600)
        result = bondstore.archives.unseal_legacy(
            str(tmp_path / "old"), str(tmp_path / "out"), passphrases=[f"file:{secret}"]
        )
        assert result.tally.done.objects == done
    assert (tmp_path / "out/notes.gz").read_bytes() == plain
