"""Whether nothing lies under a prefix: a signed request of our own, so that boto3 is not loaded for it."""

from __future__ import annotations

import subprocess
import sys
from copy import copy

import pytest

from bondstore.config.secrets import SecretRef
from bondstore.stores import open_store
from bondstore.stores.kinds.s3.emptiness import Emptiness
from tests.servers.any_key import AnyKeyServer
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, s3_profile

PREFIXES = ["", "a/", "a b+é%&=~'()*!/", "a//b/", "\u202e/"]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_server_that_checks_signatures_says_what_is_empty(seaweedfs: SeaweedFS, bucket: str, prefix: str) -> None:
    profile = s3_profile(seaweedfs.endpoint)
    asked = Emptiness(f"{seaweedfs.endpoint}/{bucket}", profile, QUICK, None)
    assert asked.is_sure(prefix)
    seaweedfs.client().put_object(Bucket=bucket, Key="a b+é%&=~'()*!/x", Body=b"1")
    assert asked.is_sure(prefix) is (prefix not in ("", "a b+é%&=~'()*!/"))


def test_a_wrong_key_is_no_empty_bucket(seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WRONG", "no key of this server")
    wrong = s3_profile(seaweedfs.endpoint, secret_key=SecretRef.parse("env:WRONG"))
    assert not Emptiness(f"{seaweedfs.endpoint}/{bucket}", wrong, QUICK, None).is_sure("a/")


SAYS_NO_MORE = "<IsTruncated>false</IsTruncated>"
PAGES = {
    "a page of the web": f"<html><body>{SAYS_NO_MORE}</body></html>",
    "nothing": "",
    "a listing that says nothing": "<ListBucketResult></ListBucketResult>",
    "an error": "<Error><Code>SlowDown</Code></Error>",
    "there is more": "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
    "it broke off": f"<ListBucketResult><KeyCount>1</KeyCount>{SAYS_NO_MORE}",
    "an object": f"<ListBucketResult>{SAYS_NO_MORE}<Contents><Key>a</Key></Contents></ListBucketResult>",
    "one put otherwise": f"<ListBucketResult>{SAYS_NO_MORE}<Contents id='1'><Key>a</Key></Contents></ListBucketResult>",
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
def test_only_a_whole_listing_says_that_nothing_is_there(page: str) -> None:
    with AnyKeyServer({}, rewrite=lambda _: page) as server:
        profile = s3_profile(server.endpoint)
        assert not Emptiness(f"{server.endpoint}/{server.bucket}", profile, QUICK, None).is_sure("a/")
        server.rewrite = lambda _: f"<ListBucketResult>{SAYS_NO_MORE}</ListBucketResult>\n"
        assert Emptiness(f"{server.endpoint}/{server.bucket}", profile, QUICK, None).is_sure("a/")


def test_an_error_that_holds_the_words_is_no_listing(faulty: FaultyProxy, bucket: str) -> None:
    body = f"<ListBucketResult>{SAYS_NO_MORE}</ListBucketResult>".encode()
    faulty.add(Fault("status", contains="list-type=2", status=500, body=body))
    assert not Emptiness(f"{faulty.endpoint}/{bucket}", s3_profile(faulty.endpoint), QUICK, None).is_sure("a/")


@pytest.mark.parametrize(("proxy", "asks"), [("environment", False), ("none", True)])
def test_nothing_goes_past_a_proxy(proxy: str, asks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for is left to the client that knows the way."""
    for name, value in {"HTTP_PROXY": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    with AnyKeyServer({}) as server:
        profile = s3_profile(server.endpoint, proxy=proxy)
        assert Emptiness(f"{server.endpoint}/{server.bucket}", profile, QUICK, None).is_sure("a/") is asks
        assert bool(server.asked) is asks


FAULTS = {
    "cut": Fault("cut", contains="list-type=2", after=120),
    "refuse": Fault("refuse", contains="list-type=2"),
    "stall": Fault("stall", contains="list-type=2", seconds=3),
    "status": Fault("status", contains="list-type=2"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_goes_wrong_on_the_way_leaves_it_open(faulty: FaultyProxy, bucket: str, kind: str) -> None:
    faulty.add(copy(FAULTS[kind]))
    asked = Emptiness(f"{faulty.endpoint}/{bucket}", s3_profile(faulty.endpoint), QUICK, None)
    assert [asked.is_sure("a/"), asked.is_sure("a/")] == [False, True]


def test_an_empty_listing_loads_no_boto3(seaweedfs: SeaweedFS, bucket: str) -> None:
    program = (
        "import sys; from bondstore.stores import open_store; from tests.stores.rigs import s3_profile;"
        f"store = open_store('s3://{bucket}', s3_profile('{seaweedfs.endpoint}'));"
        "assert not list(store.list('a')) and not store.dirs('a').prefixes;"
        "sys.exit('botocore.session' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_prefix_of_the_address_is_part_of_the_question(seaweedfs: SeaweedFS, bucket: str) -> None:
    seaweedfs.client().put_object(Bucket=bucket, Key="deep/a/x", Body=b"1")
    store = open_store(f"s3://{bucket}/deep", s3_profile(seaweedfs.endpoint), rule=QUICK)
    assert [one.key for one in store.list("a")] == ["a/x"]
    assert list(store.list("b")) == []
