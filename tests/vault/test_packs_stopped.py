"""An upload of a pack that was stopped, and files that are new since."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from bondstore.config.profiles import StoreSpec
from bondstore.errors import BondstoreError
from bondstore.vault.proofs import Reader
from bondstore.vault.recipients import Recipients
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import s3_profile
from tests.vault.conftest import Vault, tree_of


def test_a_file_that_is_new_since_an_upload_was_stopped(
    owner: Recipients, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """The pack is another one then: what was sent of the first is removed, and nothing of it stays."""
    rng, source = random.Random(1), tmp_path / "source"
    source.mkdir()
    for number in range(60):
        (source / f"{number:02}.edf").write_bytes(rng.randbytes(500_000))
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(proxy.endpoint))
        vault = Vault(spec, owner, Reader(owner.key, owner.passphrase), 100_000_000)
        denied = b"<Error><Code>AccessDenied</Code></Error>"
        with (
            proxy.fault(Fault("status", "PUT", "partNumber=3", status=403, body=denied, times=100)),
            pytest.raises(BondstoreError),
        ):
            vault.put(source)
        client = seaweedfs.client()
        assert client.list_multipart_uploads(Bucket=bucket).get("Uploads")
        (source / "10 new.edf").write_bytes(b"new")
        assert vault.put(source).state == "finished"
        assert not client.list_multipart_uploads(Bucket=bucket).get("Uploads")
        assert vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_a_file_that_was_packed_and_then_put_alone_again(
    owner: Recipients, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """Its object is in a manifest before; the last one names a pack with an older version, too."""
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    source = tmp_path / "source"
    source.mkdir()
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(proxy.endpoint))
        vault = Vault(spec, owner, Reader(owner.key, owner.passphrase))
        for version, size in enumerate((0, 1_000_000, 0)):
            (source / "a").write_text(f"version {version}")
            vault.pack = size
            if size:
                with (
                    proxy.fault(Fault("status", "PUT", "/manifests/0", status=403, body=denied, times=100)),
                    pytest.raises(BondstoreError),
                ):
                    vault.put(source, "refresh")
            else:
                assert vault.put(source, "refresh").state == "finished"
        assert vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_of_versions_that_several_stopped_uploads_packed_the_newest_comes_back(
    owner: Recipients, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """No manifest is written by the first two of three; packs are named by checksums, so their names say no order."""
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        for number in range(6):
            source = tmp_path / f"source{number}"
            source.mkdir()
            spec = StoreSpec(f"s3://{bucket}/vault{number}", s3_profile(proxy.endpoint))
            vault = Vault(spec, owner, Reader(owner.key, owner.passphrase), 1_000_000)
            for version, names in enumerate(("abc", "ab", "a")):
                for name in names:
                    (source / name).write_text(f"version {version}")
                if version < 2:
                    with (
                        proxy.fault(Fault("status", "PUT", "/manifests/0", status=403, body=denied, times=100)),
                        pytest.raises(BondstoreError),
                    ):
                        vault.put(source)
            assert vault.put(source).state == "finished"
            assert vault.get(tmp_path / f"back{number}").state == "finished"
            assert tree_of(tmp_path / f"back{number}") == tree_of(source)
