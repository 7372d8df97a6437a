"""Vaults whose files are in a storage class: the files alone, and nothing that is needed to plan and to prove."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import UsageError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Threads
from bondstore.stores import open_store
from bondstore.stores.archive import Access, Speed
from bondstore.vault.proofs import Reader
from bondstore.vault.put import PutJob, kept_in
from bondstore.vault.recipients import Recipients
from tests.servers.azurite import Azurite
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import azure_profile, s3_profile
from tests.vault.conftest import Vault, tree_of

ARCHIVE = {"s3": "DEEP_ARCHIVE", "az": "Archive"}


@pytest.fixture(params=["s3", "az"])
def vault(request: pytest.FixtureRequest, owner: Recipients) -> Iterator[Vault]:
    """An empty vault on a server that refuses to read what is archived: moto, and Azurite."""
    reader = Reader(owner.key, owner.passphrase)
    if request.param == "s3":
        moto: Moto = request.getfixturevalue("moto_server")
        request.getfixturevalue("moto")
        moto.client("s3").create_bucket(Bucket="archive", CreateBucketConfiguration={"LocationConstraint": moto.region})
        yield Vault(StoreSpec("s3://archive/vault", s3_profile(moto.endpoint, region=moto.region)), owner, reader)
    else:
        azurite: Azurite = request.getfixturevalue("azurite")
        container = azurite.create_bucket(f"c-{uuid.uuid4().hex[:12]}")
        yield Vault(StoreSpec(f"az://{container}/vault", azure_profile(azurite)), owner, reader)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    for name, size in {"a.edf": 100_000, "p 1/empty": 0, "ö/λ.txt": 10, "v/large.avi": 20_000_000}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(rng.randbytes(size))
    return root


def put(vault: Vault, source: Path) -> RunResult:
    job = PutJob(StoreSpec(source.as_uri(), Profile()), vault.spec, vault.recipients)
    kind = vault.spec.url.partition(":")[0]
    return execute(kept_in(job, ARCHIVE[kind].lower()), open_destination(vault.spec), Threads(2))


def restore_all(vault: Vault) -> None:
    store = open_store(vault.spec)
    for one in store.list("data"):
        store.ask_for(one.key, Speed.STANDARD, None if vault.spec.url.startswith("az") else 1)


def test_files_are_archived_and_what_proves_them_is_not(vault: Vault, source: Path, tmp_path: Path) -> None:
    assert put(vault, source).state == "finished"
    store = open_store(vault.spec)
    archived = {one.key for one in store.list() if store.standing(one.key).access is not Access.PLAIN}
    assert archived == {f"data/{name}.c4gh" for name in tree_of(source)}
    (source / "later.txt").write_bytes(b"later")
    again = put(vault, source)
    assert (again.state, again.tally.done.objects, again.plan.skipped.objects) == ("finished", 1, 4)
    assert vault.get(tmp_path / "back").tally.failed.objects == 5
    restore_all(vault)
    assert vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source)


def test_what_a_killed_run_archived_is_put_again(vault: Vault, source: Path, tmp_path: Path) -> None:
    """The run is killed before it recorded that: Azure refuses to write over an archived blob."""
    (tmp_path / "before").mkdir()
    (tmp_path / "before/z.edf").write_bytes(b"z")
    assert put(vault, tmp_path / "before").state == "finished"
    store = open_store(vault.spec)
    store.put("data/a.edf.c4gh", b"of the killed run", storage_class=ARCHIVE[vault.spec.url.partition(":")[0]])
    assert put(vault, source).state == "finished"
    restore_all(vault)
    assert vault.get(tmp_path / "back").state == "finished"
    assert tree_of(tmp_path / "back") == tree_of(source) | {"z.edf": b"z"}


def test_a_class_that_the_store_does_not_have_is_refused(owner: Recipients, source: Path) -> None:
    aws = StoreSpec("s3://bucket/vault", Profile(region="us-east-1"))
    job = PutJob(StoreSpec(source.as_uri(), Profile()), aws, owner)
    with pytest.raises(UsageError, match=r"'GLACEIR' is not a storage class.*STANDARD_IA.*DEEP_ARCHIVE"):
        kept_in(job, "GLACEIR")
    assert kept_in(job, "deep_archive").storage_class == "DEEP_ARCHIVE"
    with pytest.raises(UsageError, match="no storage classes"):
        kept_in(replace(job, dest=StoreSpec("file:///vault", Profile())), "GLACIER")


def test_a_class_that_a_server_of_one_s_own_does_not_have_ends_the_run(
    owner: Recipients, source: Path, keys_in_environment: None, bucket: str, seaweedfs: SeaweedFS
) -> None:
    """It may have classes of its own, so it is asked."""
    spec = StoreSpec(f"s3://{bucket}/vault", s3_profile(seaweedfs.endpoint))
    job = kept_in(PutJob(StoreSpec(source.as_uri(), Profile()), spec, owner), "COLD")
    with pytest.raises(UsageError, match="does not know the storage class"):
        execute(job, open_destination(spec), Threads(2))
