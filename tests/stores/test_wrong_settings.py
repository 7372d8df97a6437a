"""Each wrong setting gives its own error, with a hint that helps and nothing secret in it."""

from __future__ import annotations

import time
import traceback
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import (
    ArchivedError,
    BondstoreError,
    ChangedError,
    ConfigurationError,
    CredentialsError,
    NotFoundError,
    StoreError,
    UnreachableError,
)
from bondstore.stores import RetryRule, Store, open_store
from bondstore.stores.kinds.s3.extra import list_buckets
from tests.servers.any_key import AnyKeyServer
from tests.servers.azurite import Azurite
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.ports import free_ports
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS
from tests.stores.rigs import QUICK, azure_profile, s3_profile

CANARY = "CANARY-wJalrXUtnFEMI/K7MDENG"


def failures(store: Store) -> list[BondstoreError]:
    """What each way of touching a store raises; nothing secret may stand in any of them."""
    raised: list[BondstoreError] = []
    for act in (
        store.check,
        lambda: list(store.list("a")),
        store.dirs,
        lambda: store.get("a/b"),
        lambda: store.head("a/b"),
        lambda: store.get_range("a/b", 0, 5),
        lambda: store.put("a/b", b"x"),
        lambda: store.put_if_absent("a/b", b"x"),
        lambda: store.put_stream("a/b", [b"x"]),
        lambda: store.copy("a/b", "a/c"),
    ):
        with pytest.raises(BondstoreError) as caught:
            act()
        told = "".join(traceback.format_exception(caught.value)) + repr(store) + repr(store.spec)
        for secret in (CANARY, "AKIDCANARY", SECRET_KEY, ACCESS_KEY):
            assert secret not in told
        raised.append(caught.value)
    return raised


def test_a_bucket_that_is_not_there(seaweedfs: SeaweedFS) -> None:
    raised = failures(open_store("s3://no-such-bucket", s3_profile(seaweedfs.endpoint), rule=QUICK))
    assert all(isinstance(one, NotFoundError) for one in raised), raised
    assert "bucket" in str(raised[0])
    assert "endpoint" in str(raised[0])


def test_a_name_that_no_bucket_can_have(seaweedfs: SeaweedFS) -> None:
    raised = failures(open_store("s3://Bad_Bucket/x", s3_profile(seaweedfs.endpoint), rule=QUICK))
    assert all(isinstance(one, NotFoundError) for one in raised), raised


@pytest.mark.parametrize("body", [b"", b"<Error><Code>NotFound</Code></Error>"])
def test_a_new_object_that_nothing_is_there_for(faulty: FaultyProxy, bucket: str, body: bytes) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    faulty.add(Fault("status", "PUT", status=404, body=body, times=2))
    with pytest.raises(NotFoundError, match=f"There is no bucket for s3://{bucket}. Check the bucket's name"):
        store.put_if_absent("a", b"1")
    with pytest.raises(ChangedError):
        store.put_if_unchanged("a", b"1", '"x"')


def test_a_wrong_secret(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3_SECRET", CANARY)
    raised = failures(open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK))
    for one in raised:
        assert isinstance(one, CredentialsError)
        assert one.exit_code == 4
        assert "SignatureDoesNotMatch" in str(one)
        assert one.hint
        assert "secret access key" in one.hint


def test_a_wrong_key_id(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3_KEY", "AKIDCANARY")
    raised = failures(open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK))
    assert all(isinstance(one, CredentialsError) and "InvalidAccessKeyId" in str(one) for one in raised), raised


def test_a_secret_that_is_not_set(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_S3_SECRET")
    raised = failures(open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK))
    assert all(isinstance(one, ConfigurationError) for one in raised), raised


def test_no_credentials_at_all(seaweedfs: SeaweedFS, bucket: str) -> None:
    profile = Profile(endpoint=seaweedfs.endpoint, region="us-east-1")
    raised = failures(open_store(f"s3://{bucket}", profile, rule=QUICK))
    assert all(isinstance(one, CredentialsError) and "No credentials" in str(one) for one in raised), raised


def test_nobody_listens() -> None:
    [port] = free_ports(1)
    started = time.monotonic()
    with pytest.raises(UnreachableError, match="connection refused") as caught:
        open_store("s3://bucket", s3_profile(f"http://127.0.0.1:{port}")).get("x")
    assert time.monotonic() - started < 8
    assert caught.value.hint
    brief = RetryRule(patience=1, first_contact=0.2)
    raised = failures(open_store("s3://bucket", s3_profile(f"http://127.0.0.1:{port}"), rule=brief))
    assert all(isinstance(one, UnreachableError) for one in raised), raised


def test_a_host_that_no_name_server_knows() -> None:
    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid is not known"):
        open_store("s3://bucket", s3_profile("http://no-such-host.invalid:9"), rule=QUICK).check()


def test_an_endpoint_that_is_no_s3_server(tmp_path: Path, seaweedfs: SeaweedFS) -> None:
    with pytest.raises((StoreError, NotFoundError, ConfigurationError)):
        open_store("s3://bucket", s3_profile("https" + seaweedfs.endpoint[4:]), rule=QUICK).check()


def test_unencrypted_where_it_is_not_allowed(seaweedfs: SeaweedFS, bucket: str) -> None:
    profile = s3_profile(seaweedfs.endpoint, allow_http=False)
    raised = failures(open_store(f"s3://{bucket}", profile, rule=QUICK))
    assert all(isinstance(one, ConfigurationError) and "allow_http" in str(one) for one in raised), raised


ANSWERS = [
    (403, "RequestTimeTooSkewed", "", CredentialsError, "clock"),
    (400, "ExpiredToken", "", CredentialsError, "sign in again"),
    (403, "AccessDenied", "", CredentialsError, "permission"),
    (400, "AuthorizationHeaderMalformed", "<Region>eu-central-7</Region>", ConfigurationError, '"eu-central-7"'),
    (301, "PermanentRedirect", "", ConfigurationError, "region"),
    (403, "InvalidObjectState", "", ArchivedError, "archive"),
]


@pytest.mark.parametrize(("status", "code", "more", "kind", "hint"), ANSWERS)
@pytest.mark.parametrize("key", ["a/b", "a//b"])
def test_what_servers_answer(
    faulty: FaultyProxy, bucket: str, key: str, status: int, code: str, more: str, kind: type[Exception], hint: str
) -> None:
    body = (
        f"<Error><Code>{code}</Code><Message>{CANARY}</Message>{more}<AWSAccessKeyId>{CANARY}</AWSAccessKeyId></Error>"
    )
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    faulty.add(Fault("status", status=status, body=body.encode(), times=9))
    with pytest.raises(BondstoreError) as caught:
        store.get(key)
    assert type(caught.value) is kind
    assert hint in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert len(faulty.seen) == 1, "what will not pass is not tried again"
    with pytest.raises(kind):
        list(store.pages())


def test_a_proxy_that_leads_nowhere(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("no_proxy", "example.org,10.0.0.0/8")
    with pytest.raises(UnreachableError, match="proxy"):
        open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK).check()
    import os

    before = {name: os.environ.get(name) for name in ("NO_PROXY", "no_proxy")}
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint, proxy="none"), rule=QUICK)
    store.put("x", b"1")
    assert [one.key for one in store.list()] == ["x"]
    assert {name: os.environ.get(name) for name in before} == before


def test_anonymous(seaweedfs: SeaweedFS, bucket: str) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"]}
    statement["Resource"] = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    import json

    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    seaweedfs.client().put_object(Bucket=bucket, Key="x", Body=b"1")
    profile = Profile(endpoint=seaweedfs.endpoint, anonymous=True)
    with pytest.raises(CredentialsError):
        open_store(f"s3://{bucket}", profile, rule=QUICK).get("x")
    seaweedfs.client().put_bucket_policy(Bucket=bucket, Policy=policy)
    store = open_store(f"s3://{bucket}", profile, rule=QUICK)
    assert bytes(store.get("x").data) == b"1"
    assert [one.key for one in store.list()] == ["x"]


@pytest.mark.parametrize(("mode", "sent"), [("always", True), ("auto", False), ("when_required", False)])
def test_checksums_are_sent_as_the_profile_says(faulty: FaultyProxy, bucket: str, mode: str, sent: bool) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, checksums=mode), rule=QUICK)
    store.put("x", b"1")
    assert ("x-amz-checksum-sha256" in faulty.seen[-1].headers) is sent
    assert bytes(store.get("x").data) == b"1"


def test_another_region_is_signed_for(faulty: FaultyProxy, bucket: str) -> None:
    profile = s3_profile(faulty.endpoint, region="ch-basel-2")
    open_store(f"s3://{bucket}", profile, rule=QUICK).put("x", b"1")
    assert faulty.count("PUT", "/x") == 1


def test_azure_with_a_wrong_key(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> None:
    azurite_key = azure_profile(azurite)
    for wrong, word in (("Q0FOQVJZ" * 8, "refused"), ("not base64: " + CANARY, "base64")):
        monkeypatch.setenv("TEST_AZURE_KEY", wrong)
        with pytest.raises(CredentialsError, match=word) as caught:
            open_store("az://container", azurite_key, rule=QUICK).check()
        assert wrong not in "".join(traceback.format_exception(caught.value))


def test_azure_without_the_container(azurite: Azurite) -> None:
    with pytest.raises(NotFoundError, match="container"):
        open_store("az://no-such-container", azure_profile(azurite), rule=QUICK).check()
    with pytest.raises(NotFoundError, match="container"):
        open_store("az://no-such-container", azure_profile(azurite), rule=QUICK).put_if_absent("a", b"1")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    store = open_store((tmp_path / "none").as_uri())
    with pytest.raises(NotFoundError, match="no folder"):
        store.check()
    with pytest.raises(NotFoundError, match="no folder"):
        store.get("x")
    assert not (tmp_path / "none").exists(), "reading creates nothing"
    store.put("a/x", b"1")
    assert (tmp_path / "none" / "a" / "x").read_bytes() == b"1"


def test_a_reference_that_leads_nowhere_names_itself(seaweedfs: SeaweedFS, bucket: str) -> None:
    profile = s3_profile(seaweedfs.endpoint, secret_key=SecretRef.parse("env:NOT_SET_ANYWHERE"))
    with pytest.raises(CredentialsError, match="NOT_SET_ANYWHERE"):
        open_store(f"s3://{bucket}", profile).check()


def test_azure_without_an_account() -> None:
    with pytest.raises(ConfigurationError, match="No storage account is named for az://container"):
        open_store("az://container", Profile(), rule=QUICK).check()


@pytest.mark.parametrize(
    "name", ["AWS_RETRY_MODE", "AWS_DEFAULTS_MODE", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_ACCOUNT_ID_ENDPOINT_MODE"]
)
def test_a_variable_that_boto3_refuses_is_told_as_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read where boto3 is needed: for keys that obstore cannot address."""
    monkeypatch.setenv(name, "bogus")
    with AnyKeyServer({"a//b": b"1"}) as server:
        store = open_store(f"s3://{server.bucket}", s3_profile(server.endpoint), rule=QUICK)
        for act in (lambda: list(store.list("a")), lambda: store.get("a//b"), lambda: list_buckets(store.spec.profile)):
            with pytest.raises(ConfigurationError, match=r"boto3 refuses .*\(Invalid\w+\).*AWS_"):
                act()
