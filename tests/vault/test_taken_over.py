"""An upload that slept while another run took its vault over."""

from __future__ import annotations

from pathlib import Path

import pytest

from bondstore.config.profiles import StoreSpec
from bondstore.errors import ChangedError
from bondstore.vault.proofs import Reader
from bondstore.vault.recipients import Recipients
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import s3_profile
from tests.vault.conftest import Vault, tree_of


def test_the_manifest_of_the_other_run_stays(
    owner: Recipients, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    """Both are about to write the second manifest; the other one does while the signature of the first is sent."""
    sources = [tmp_path / name for name in ("first", "slow", "other")]
    for source in sources:
        source.mkdir()
        (source / f"{source.name}.edf").write_text(source.name)
    first, slow, other = sources
    with FaultyProxy(seaweedfs.endpoint) as proxy:
        reader = Reader(owner.key, owner.passphrase)
        sleeper = Vault(StoreSpec(f"s3://{bucket}/vault", s3_profile(proxy.endpoint)), owner, reader)
        vault = Vault(StoreSpec(f"s3://{bucket}/vault", s3_profile(seaweedfs.endpoint)), owner, reader)
        assert vault.put(first).state == "finished"

        def take_over(answer: bytes) -> bytes:
            seaweedfs.client().delete_object(Bucket=bucket, Key="vault/.bondstore/lease.json")
            assert vault.put(other).state == "finished"
            return answer

        meanwhile = Fault("rewrite", "PUT", "manifests/000002.jsonl.sig", rewriter=take_over)
        with proxy.fault(meanwhile), pytest.raises(ChangedError, match=r"Another run wrote manifests/000002\.jsonl"):
            sleeper.put(slow)
        assert meanwhile.matched
        vault.get(tmp_path / "between")
        assert set(tree_of(tmp_path / "between")) == {"first.edf", "other.edf"}
        assert sleeper.put(slow).state == "finished"
    assert vault.verify(deep=True).state == "finished"
    assert vault.get(tmp_path / "back").state == "finished"
    assert set(tree_of(tmp_path / "back")) == {"first.edf", "other.edf", "slow.edf"}
