"""Who can read a store, asked of real servers; and publishing between them."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.doctor import Case, CheckStatus, examine
from bondstore.errors import PolicyError
from bondstore.release.checks import Exposure, check_dest, check_source, exposure
from bondstore.release.outcome import Published
from bondstore.release.publish import publish
from bondstore.release.recall import recall
from bondstore.stores import Store, open_store
from tests.release.lab import Files, add, check_public, good_files
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.ports import free_ports
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, azure_profile, s3_profile


@pytest.fixture(autouse=True)
def keys_in_environment(home: object, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3_KEY", seaweedfs.access_key)
    monkeypatch.setenv("TEST_S3_SECRET", seaweedfs.secret_key)


def opened(seaweedfs: SeaweedFS, bucket: str, below: str = "") -> Store:
    return open_store(f"s3://{bucket}{below}", s3_profile(seaweedfs.endpoint), rule=QUICK)


def let_everybody(seaweedfs: SeaweedFS, bucket: str, *actions: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": list(actions)}
    statement["Resource"] = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    seaweedfs.client().put_bucket_policy(Bucket=bucket, Policy=policy)


def test_a_private_bucket(seaweedfs: SeaweedFS, bucket: str) -> None:
    store = opened(seaweedfs, bucket)
    assert exposure(store.spec, []).exposure is Exposure.UNKNOWN, "nothing could be tried"
    store.put("a", b"1")
    assert exposure(store.spec, ["a"]).exposure is Exposure.PRIVATE
    assert check_source(store).exposure is Exposure.PRIVATE
    assert check_dest(store).exposure is Exposure.PRIVATE
    with pytest.raises(PolicyError):
        check_dest(store, must_be_public=True)


@pytest.mark.parametrize("actions", [("s3:GetObject", "s3:ListBucket"), ("s3:GetObject",), ("s3:ListBucket",)])
def test_a_public_bucket(seaweedfs: SeaweedFS, bucket: str, actions: tuple[str, ...]) -> None:
    store = opened(seaweedfs, bucket)
    store.put("a", b"1")
    let_everybody(seaweedfs, bucket, *actions)
    seen = exposure(store.spec, ["a"])
    assert (seen.exposure, seen.listed) == (Exposure.PUBLIC, "s3:ListBucket" in actions)
    with pytest.raises(PolicyError) as refused:
        check_source(store)
    assert refused.value.exit_code == 6
    assert check_source(store, may_be_public=True).exposure is Exposure.PUBLIC
    assert check_dest(store, must_be_public=True).exposure is Exposure.PUBLIC


def test_an_empty_public_bucket_is_tried_with_an_empty_pointer(seaweedfs: SeaweedFS, bucket: str) -> None:
    store = opened(seaweedfs, bucket)
    let_everybody(seaweedfs, bucket, "s3:GetObject")
    with pytest.raises(PolicyError):
        check_dest(store, must_be_public=True)
    assert list(store.list()) == [], "a dry run writes nothing"
    assert check_dest(store, must_be_public=True, probe=True).exposure is Exposure.PUBLIC
    assert [one.key for one in store.list()] == ["latest.json"]


@pytest.mark.parametrize("status", [500, 403, 407, 404])
def test_what_could_not_be_told_is_not_private(
    seaweedfs: SeaweedFS, bucket: str, faulty: FaultyProxy, status: int
) -> None:
    opened(seaweedfs, bucket).put("a", b"1")
    faulty.add(Fault("status", times=100, status=status, body=b"<html>a proxy says no</html>"))
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    assert exposure(StoreSpec(store.url, s3_profile(faulty.endpoint, retries=0)), ["a"]).exposure is Exposure.UNKNOWN


def test_where_nobody_answers_nothing_is_private(bucket: str) -> None:
    gone = StoreSpec(f"s3://{bucket}", Profile(endpoint=f"http://127.0.0.1:{free_ports(1)[0]}", connect_timeout=0.2))
    assert exposure(gone, ["a"]).exposure is Exposure.UNKNOWN


@pytest.fixture
def container(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, str]:
    monkeypatch.setenv("TEST_AZURE_KEY", azurite.account_key)
    name = azurite.create_bucket(f"c-{uuid.uuid4().hex[:10]}")
    return azurite, name


def test_a_private_container(container: tuple[Azurite, str]) -> None:
    azurite, name = container
    store = open_store(f"az://{name}", azure_profile(azurite), rule=QUICK)
    store.put("a", b"1")
    assert exposure(store.spec, ["a"]).exposure is Exposure.PRIVATE


def test_a_folder_is_neither(tmp_path: Any) -> None:
    assert exposure(StoreSpec(tmp_path.as_uri()), []).exposure is Exposure.LOCAL


def chain(source: Store, dest: Store) -> None:
    """Publish, publish the next, take a file back; everything is read back without our code's help but the store."""
    files = good_files(2)
    for key, data in files.items():
        source.put(key, data)
    first = publish(source, dest)
    assert isinstance(first, Published)
    held(dest)
    assert publish(source, dest).changed is False  # type: ignore[union-attr]
    more: Files = {}
    add(more, "2024/06/naïve file+1_qc.nc")
    for key, data in more.items():
        source.put(key, data)
    second = publish(source, dest)
    assert second.release != first.release
    assert len(held(dest)) == 3
    recall(dest, "2024/05/p0_qc.nc", reason="wrong")
    assert len(held(dest)) == 2
    assert files["2024/05/p0_qc.nc"] not in everything(dest).values()


def everything(store: Store) -> dict[str, bytes]:
    return {info.key: bytes(store.get(info.key).data) for info in store.list()}


def held(store: Store) -> set[str]:
    tree = everything(store)
    holds, _ = check_public(tree.get, list(tree))
    return {one["sha256"] for one in json.loads(tree[f"releases/{holds}/manifest.json"])["files"]}


def test_from_bucket_to_bucket(seaweedfs: SeaweedFS, bucket: str) -> None:
    public = seaweedfs.create_bucket(f"p-{uuid.uuid4().hex[:10]}")
    chain(opened(seaweedfs, bucket, "/qc"), opened(seaweedfs, public, "/ocean/v1"))


def test_from_bucket_to_container(seaweedfs: SeaweedFS, bucket: str, container: tuple[Azurite, str]) -> None:
    azurite, name = container
    chain(opened(seaweedfs, bucket), open_store(f"az://{name}/ocean", azure_profile(azurite), rule=QUICK))


def exposure_check(spec: StoreSpec, expected: str, **more: Any) -> tuple[CheckStatus, str] | None:
    checks = {check.name: check for check in examine(Case(spec, expected=expected, **more))}
    return (checks["exposure"].status, checks["exposure"].mend) if "exposure" in checks else None


def test_the_doctor_looks_as_a_stranger(seaweedfs: SeaweedFS, bucket: str) -> None:
    store = opened(seaweedfs, bucket)
    for expected, status in (("", CheckStatus.WARN), ("private", CheckStatus.SKIPPED), ("public", CheckStatus.SKIPPED)):
        assert exposure_check(store.spec, expected)[0] is status  # type: ignore[index]
    store.put("a", b"1")
    for expected, status in (("", CheckStatus.OK), ("private", CheckStatus.OK), ("public", CheckStatus.FAIL)):
        assert exposure_check(store.spec, expected)[0] is status  # type: ignore[index]
    let_everybody(seaweedfs, bucket, "s3:GetObject")
    for expected, status in (("", CheckStatus.WARN), ("private", CheckStatus.FAIL), ("public", CheckStatus.OK)):
        found = exposure_check(store.spec, expected)
        assert found is not None
        assert found[0] is status
        assert bool(found[1]) is (expected != "public")
    gone = StoreSpec("s3://no-such-bucket-here", store.spec.profile)
    assert exposure_check(gone, "private")[0] is CheckStatus.SKIPPED  # type: ignore[index]
