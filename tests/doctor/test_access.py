from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.doctor import Case, Check, CheckStatus, examine, ok
from bondstore.stores import Store, open_store
from tests.homes import Home
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture
def spec(home: Home, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> StoreSpec:
    """A bucket on the real server, with one object in it."""
    monkeypatch.setenv("LAB_ID", seaweedfs.access_key)
    monkeypatch.setenv("LAB_SECRET", seaweedfs.secret_key)
    profile = Profile(
        endpoint=seaweedfs.endpoint,
        region=seaweedfs.region,
        access_key=SecretRef("env", "LAB_ID"),
        secret_key=SecretRef("env", "LAB_SECRET"),
    )
    spec = StoreSpec(f"s3://{bucket}", profile)
    open_store(spec).put("a/one", b"data")
    return spec


def look(spec: StoreSpec, **given: Any) -> dict[str, Check]:
    return {check.name: check for check in examine(Case(spec, **given))}


def changed(spec: StoreSpec, **settings: Any) -> StoreSpec:
    return dataclasses.replace(spec, profile=dataclasses.replace(spec.profile, **settings))


def test_all_is_well_and_nothing_is_written(spec: StoreSpec, seaweedfs: SeaweedFS, faulty: FaultyProxy) -> None:
    checks = look(changed(spec, endpoint=faulty.endpoint))
    assert [check for check in checks.values() if not check.passed] == []
    assert checks["list"].status is CheckStatus.OK
    assert checks["read"].status is CheckStatus.OK
    assert "write" not in checks
    assert {seen.method for seen in faulty.seen} <= {"GET", "HEAD"}


def test_writing_is_tried_when_asked_and_leaves_nothing(spec: StoreSpec) -> None:
    assert look(spec, try_write=True)["write"].status is CheckStatus.OK
    assert [info.key for info in open_store(spec).list()] == ["a/one"]
    check = look(changed(spec, read_only=True), try_write=True)["write"]
    assert check.status is CheckStatus.FAIL
    assert look(changed(spec, read_only=True))["write"].status is CheckStatus.OK


def test_a_wrong_secret(spec: StoreSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET", "canary-wrong-secret")
    checks = look(spec)
    assert checks["list"].status is CheckStatus.FAIL
    assert checks["list"].mend
    assert checks["read"].status is CheckStatus.SKIPPED
    assert not any("canary" in repr(check) for check in checks.values())


def test_no_such_bucket(spec: StoreSpec) -> None:
    checks = look(dataclasses.replace(spec, url="s3://no-such-bucket-anywhere"))
    assert checks["list"].status is CheckStatus.FAIL
    assert checks["read"].status is CheckStatus.SKIPPED


def test_an_empty_prefix_is_told(spec: StoreSpec) -> None:
    checks = look(dataclasses.replace(spec, url=f"{spec.url}/nothing/here"))
    assert (checks["list"].status, checks["read"].status) == (CheckStatus.WARN, CheckStatus.WARN)


def test_reading_refused(spec: StoreSpec, faulty: FaultyProxy) -> None:
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    faulty.add(Fault("status", contains="a/one?", times=100, status=403, body=denied))
    checks = look(changed(spec, endpoint=faulty.endpoint))
    assert checks["list"].status is CheckStatus.OK
    assert checks["read"].status is CheckStatus.FAIL


def test_what_may_not_be_read_is_not(spec: StoreSpec, faulty: FaultyProxy) -> None:
    open_store(spec).put("a/two", b"data")
    checks = look(changed(spec, endpoint=faulty.endpoint), may_read=lambda key: key == "a/two")
    assert checks["read"].status is CheckStatus.OK
    assert all("a/one" not in path for path in faulty.gets())


def test_only_a_part_of_the_store_is_listed_when_that_is_all(spec: StoreSpec, faulty: FaultyProxy) -> None:
    denied = b"<Error><Code>AccessDenied</Code></Error>"
    faulty.add(Fault("status", contains="prefix=&", times=100, status=403, body=denied))
    checks = look(changed(spec, endpoint=faulty.endpoint), prefixes=("a/",))
    assert checks["list"].status is CheckStatus.OK


def test_extra_checks_run_on_the_opened_store(spec: StoreSpec) -> None:
    def extra(store: Store) -> Iterator[Check]:
        yield ok("study-key", f"seen {sum(1 for _ in store.list())}")

    def ill(store: Store) -> Iterator[Check]:
        raise ZeroDivisionError("canary")
        yield

    checks = look(spec, extras=(extra, ill))
    assert checks["study-key"].message == "seen 1"
    assert checks["study"].status is CheckStatus.SKIPPED, "a check that breaks is not a check that passed"
    assert "canary" not in repr(checks)
    unreachable = look(dataclasses.replace(spec, url="s3://no-such-bucket-anywhere"), extras=(extra,))
    assert unreachable["study"].status is CheckStatus.SKIPPED


def test_a_local_folder(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "x").write_text("data")
    checks = look(StoreSpec(folder.as_uri()))
    assert [check for check in checks.values() if not check.passed] == []
    missing = look(StoreSpec((tmp_path / "gone").as_uri()))
    assert missing["list"].status is CheckStatus.FAIL
