"""Reading keys that obstore cannot address, through boto3, with the profile's own settings."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.config.profiles import Profile
from bondstore.errors import (
    ChangedError,
    ConfigurationError,
    CredentialsError,
    NotFoundError,
    StoreError,
    UnreachableError,
)
from bondstore.stores import Store, listing, open_store, transfer
from bondstore.stores.address import is_odd
from tests.servers.any_key import AnyKeyServer
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.ports import free_ports
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, s3_profile

PLAIN = "a/é +%&.csv"


@pytest.fixture
def all_odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat all keys as odd: SeaweedFS takes none that are."""
    monkeypatch.setattr(transfer, "is_odd", lambda key: True)


def pages(store: Store, prefix: str, offset: str | None = None) -> list[list[str]]:
    found = listing._client_pages(store._connection, "odd", prefix, offset)
    return [page.keys for page in found]


@pytest.mark.parametrize("prefix", ["", "/pre fix"])
def test_the_transport_against_a_real_server(
    seaweedfs: SeaweedFS, faulty: FaultyProxy, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeaweedFS takes no odd keys, so the functions are run on ordinary ones."""
    witness = open_store(f"s3://{bucket}{prefix}", s3_profile(seaweedfs.endpoint))
    data = os.urandom(200_000)
    for key in (PLAIN, "a/b/x", "ab/y"):
        witness.put(key, data)
    found, info = witness.dirs("a"), witness.head(PLAIN)
    monkeypatch.setattr(transfer, "is_odd", lambda key: True)
    store = open_store(f"s3://{bucket}{prefix}", s3_profile(faulty.endpoint), rule=QUICK)
    assert pages(store, "a/") == [[key for page in witness.pages("a") for key in page.keys]]
    odd = store._connection.client("odd").list_with_delimiter("a/")
    assert [*odd["common_prefixes"], *(one["path"] for one in odd["objects"])] == ["a/b/", PLAIN]
    assert [transfer.to_info(one["path"], one) for one in odd["objects"]] == found.objects
    assert store.head(PLAIN) == info
    faulty.add(Fault("cut", contains="csv", after=1000, times=2))
    faulty.add(Fault("status", contains="csv", first=3, times=2))
    fetched = store.get(PLAIN)
    assert (fetched.info, bytes(fetched.data)) == (info, data)
    assert store.get_range(PLAIN, 5, 100, info.etag) == data[5:105]
    with pytest.raises(ChangedError):
        store.get_range(PLAIN, 5, 100, '"other"')
    with pytest.raises(NotFoundError):
        store.get("none")
    with pytest.raises(NotFoundError):
        store.head("none")


@pytest.mark.usefixtures("all_odd")
def test_a_large_object_goes_on_where_the_line_was_cut(faulty: FaultyProxy, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    data = os.urandom(20_000_000)
    store.put("big", data)
    faulty.add(Fault("cut", contains="/big", after=9_000_000))
    before = len(faulty.seen)
    assert bytes(store.get("big").data) == data
    first, second = faulty.seen[before:]
    assert first.range is None
    assert int((second.range or "").removeprefix("bytes=").partition("-")[0]) > 8_000_000
    assert second.if_match


def test_pages_are_followed(seaweedfs: SeaweedFS, bucket: str) -> None:
    from tests.stores.test_listing import fill

    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))
    keys = [f"a/{n:04d}" for n in range(1_050)]
    fill(store, keys)
    found = pages(store, "a/")
    assert [len(page) for page in found] == [1_000, 50]
    assert [key for page in found for key in page] == keys
    assert [key for page in pages(store, "a/", "a/1047") for key in page] == keys[-2:]


@pytest.mark.parametrize("key", ["s/p/surveyTimings//1.csv", "s//x", "s/../y", "s/./é +%&.csv", "//x"])
def test_an_odd_key_is_sent_as_it_is(faulty: FaultyProxy, bucket: str, key: str) -> None:
    faulty.add(Fault("status", status=404, body=b"<Error><Code>NoSuchKey</Code></Error>"))
    with pytest.raises(NotFoundError):
        open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK).get(key)
    assert faulty.seen[-1].path == f"/{bucket}/{key}"


def test_the_profile_holds_for_boto3_too(
    faulty: FaultyProxy, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [port] = free_ports(1)
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint, proxy="none")).put("a/b", b"1")
    direct = s3_profile(faulty.endpoint, proxy="none")
    assert pages(open_store(f"s3://{bucket}", direct, rule=QUICK), "a/") == [["a/b"]]
    assert "x-amz-date" in faulty.seen[-1].headers
    with pytest.raises(NotFoundError):
        open_store("s3://no-such-bucket-here", direct, rule=QUICK).get("a//b")
    with pytest.raises(UnreachableError, match="proxy"):
        open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint), rule=QUICK).get("a//b")
    with pytest.raises(ConfigurationError, match="not encrypted"):
        open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint, allow_http=False), rule=QUICK).get("a//b")
    none = Profile(endpoint=seaweedfs.endpoint, region="us-east-1", proxy="none")
    with pytest.raises(CredentialsError, match="No credentials"):
        open_store(f"s3://{bucket}", none, rule=QUICK).get("a//b")


def test_nothing_is_signed_for_an_anonymous_profile(faulty: FaultyProxy, bucket: str) -> None:
    with pytest.raises(CredentialsError):
        open_store(f"s3://{bucket}", Profile(endpoint=faulty.endpoint, anonymous=True), rule=QUICK).get("a//b")
    assert "x-amz-date" not in faulty.seen[-1].headers


@pytest.mark.parametrize("endpoint", ["http://h.example:9", "http://bucket.h.example:9"])
def test_bucket_and_region_go_where_the_profile_says(endpoint: str) -> None:
    from bondstore.stores.address import Address
    from bondstore.stores.kinds.s3.extra import open_boto3

    for path_style, wanted in ((False, "http://bucket.h.example:9/a//b"), (True, f"{endpoint}/bucket/a//b")):
        profile = s3_profile(endpoint, path_style=path_style, region="ch-basel-2")
        client = open_boto3(Address("s3", "bucket"), profile, QUICK)
        signed = client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "a//b"})
        assert signed.partition("?")[0] == wanted
        assert client.meta.region_name == "ch-basel-2"


def test_the_authorities_of_the_system_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bondstore import awsclients

    own = tmp_path / "own.pem"
    own.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert awsclients._system_authorities() == str(own)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setattr(awsclients, "_AUTHORITIES", (str(tmp_path / "no.pem"), str(own)))
    assert awsclients._system_authorities() == str(own)


@pytest.mark.parametrize(("key", "odd"), [("a/b", False), ("a//b", True), ("/a", True), ("a/", True), ("a/./b", True),
                                          ("a/...", False), ("", True), ("..", True)])  # fmt: skip
def test_which_keys_are_odd(key: str, odd: bool) -> None:
    assert is_odd(key) is odd


@given(st.text("a./\0\n\x7f", max_size=8))
def test_odd_keys_are_those_with_odd_parts_or_control_characters(key: str) -> None:
    parts = any(part in {"", ".", ".."} for part in key.split("/"))
    assert is_odd(key) is (parts or any(ord(one) < 32 or ord(one) == 127 for one in key))


def held(server: AnyKeyServer) -> Store:
    return open_store(f"s3://{server.bucket}", s3_profile(server.endpoint), rule=QUICK)


@pytest.mark.parametrize("prefix", ["s/", "s//", "s/../", "s/a\nb/", "s/\x01/"])
def test_everything_under_an_odd_prefix_is_listed_and_read(prefix: str) -> None:
    keys = {f"{prefix}x", f"{prefix}y/z", "t/x"}
    with AnyKeyServer(dict.fromkeys(keys, b"1")) as server:
        assert {one.key for one in held(server).list(prefix)} == keys - {"t/x"}
        found = held(server).dirs(prefix)
        assert (found.prefixes, [one.key for one in found.objects]) == ([f"{prefix}y/"], [f"{prefix}x"])
        assert bytes(held(server).get(f"{prefix}x").data) == b"1"


def test_a_key_and_the_same_with_a_slash_are_two_objects() -> None:
    objects = {"s/x": b"one", "s/x-y": b"1", "s/x/": b"three", "s/x/z": b"4"}
    with AnyKeyServer(objects) as server:
        found = list(held(server).list("s"))
        assert {one.key: bytes(held(server).get(one.key).data) for one in found} == objects
        assert [one.key for one in held(server).dirs("s").objects] == ["s/x", "s/x-y"]


def test_marks_of_folders_are_no_objects() -> None:
    """Consoles make them: empty, with a key that ends in a slash."""
    objects = {"s/dir/": b"", "s/dir/x": b"1", "s/empty": b"", "s/marked/": b"", "t//": b"", "t//x": b"", "t/y/": b""}
    with AnyKeyServer(objects) as server:
        store = held(server)
        assert [one.key for one in store.list("s")] == ["s/dir/x", "s/empty"]
        assert [one.key for one in store.list("t")] == ["t//x"]
        assert [mark for page in store.pages("s") for mark in page.marks] == ["s/dir/", "s/marked/"]
        assert [mark for page in store.pages("t") for mark in page.marks] == ["t//", "t/y/"]
        found = store.dirs("s")
        assert (found.prefixes, [one.key for one in found.objects]) == (["s/dir/", "s/marked/"], ["s/empty"])
        assert [one.key for one in store.dirs("s/dir").objects] == ["s/dir/x"]


def test_an_object_whose_key_ends_in_a_slash_is_known_as_such() -> None:
    with AnyKeyServer({"s/x/": b"1", "s/y": b"1"}) as server:
        assert [held(server).ends_in_slash(key) for key in ("s/x", "s/y", "s/z")] == [True, False, False]


@pytest.mark.parametrize("after", [0, 7, 200])
def test_a_line_that_is_cut_in_an_empty_listing_is_no_page_of_the_web(
    faulty: FaultyProxy, bucket: str, after: int
) -> None:
    """What lists nothing is asked for again by another client, whose answer can break off as well."""
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    faulty.add(Fault("cut", contains="list-type=2", first=2, times=2, after=after))
    assert list(store.list("nothing/")) == []
    assert len([one for one in faulty.seen if "list-type=2" in one.query]) == 4


def test_a_server_that_fails_once_it_has_begun_to_answer_is_asked_again(faulty: FaultyProxy, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    failure = b"<Error><Code>InternalError</Code><Message>m</Message></Error>"
    faulty.add(Fault("rewrite", contains="list-type=2", first=2, times=2, rewriter=lambda _: failure))
    assert list(store.list("nothing/")) == []


@pytest.mark.parametrize("page", [37, 100])
@pytest.mark.parametrize("odd", [False, True])
def test_a_listing_that_breaks_off_is_not_taken_for_whole(odd: bool, page: int) -> None:
    def cut(text: str) -> str:
        return re.sub("<NextContinuationToken>.*?</NextContinuationToken>", "", text)

    objects = dict.fromkeys([f"s/{n:04d}" for n in range(250)] + (["s//0"] if odd else []), b"1")
    objects |= dict.fromkeys([f"short/{n}" for n in range(9)], b"1")
    with AnyKeyServer(objects, page=page, rewrite=cut) as server:
        store = held(server)
        assert (len(list(store.list("short"))), len(store.dirs("short").objects)) == (9, 9)
        with pytest.raises(StoreError, match="breaks off"):
            list(store.list("s"))
        with pytest.raises(StoreError, match="breaks off"):
            store.dirs("s")
        with pytest.raises(StoreError, match="breaks off"):
            list(held(server).list("s"))
        with pytest.raises(StoreError, match="breaks off"):
            held(server).dirs("s")


def test_a_listing_that_goes_round_is_ended() -> None:
    def round_again(text: str) -> str:
        return re.sub("<NextContinuationToken>.*?</", "<NextContinuationToken>s/0099</", text)

    objects = dict.fromkeys([f"s/{n:05d}" for n in range(9000)], b"1")
    with AnyKeyServer(objects, rewrite=round_again) as server, pytest.raises(StoreError, match="breaks off"):
        list(held(server).list("s"))


def test_a_listing_that_goes_round_over_two_pages_is_ended() -> None:
    tokens = iter(["s//0099", "s//0049"] * 1000)

    def round_again(text: str) -> str:
        return re.sub("<NextContinuationToken>.*?</", lambda _: f"<NextContinuationToken>{next(tokens)}</", text)

    objects = dict.fromkeys([f"s//{n:04d}" for n in range(250)], b"1")
    with AnyKeyServer(objects, page=50, rewrite=round_again) as server, pytest.raises(StoreError, match="breaks off"):
        list(held(server).list("s//"))


@pytest.mark.parametrize("page", ["<!doctype html><p>Sign in", "<html><body>Sign in</body></html>"])
@pytest.mark.parametrize("ask", [lambda store: list(store.list()), lambda store: store.dirs("s"), Store.check])
def test_a_page_of_the_web_is_no_empty_bucket(page: str, ask: Callable[[Store], object]) -> None:
    with (
        AnyKeyServer({"s/x": b"1"}, rewrite=lambda _: page) as server,
        pytest.raises(StoreError, match="not answer as a store"),
    ):
        ask(held(server))


def test_a_page_of_the_web_in_place_of_one_of_many_listings_is_none() -> None:
    """One answer, once, of something on the way: it must not pass for a folder in which nothing is."""
    broken = iter([False, True])
    objects = {f"{folder}/{n}": b"1" for folder in "ab" for n in range(3)}
    with AnyKeyServer(objects, rewrite=lambda text: "<html></html>" if next(broken, False) else text) as server:
        store = held(server)
        assert [len(list(store.list(folder))) for folder in "ab"] == [3, 3]


@pytest.mark.parametrize("page", ["<ListBucketResult/>", "<a/>", "<!doctype html><p>Sign in"])
def test_a_next_page_that_is_none_is_not_the_end(page: str) -> None:
    objects = dict.fromkeys([f"s/{n:04d}" for n in range(75)], b"1")
    answers = itertools.count(1)

    def every_next_page(text: str) -> str:
        number = next(answers)
        # the first listing's second page; then what lies behind is asked for, and all is listed by the other client
        return page if number == 2 or number >= 5 else text

    with AnyKeyServer(objects, page=30, rewrite=every_next_page) as server, pytest.raises(StoreError):
        list(held(server).list("s"))


def test_a_listing_that_lacks_a_tag_is_asked_for_again() -> None:
    broken = iter([True])

    def without(text: str) -> str:
        return re.sub("<ETag>.*?</ETag>", "", text) if next(broken, False) else text

    with AnyKeyServer({"s//x": b"1"}, rewrite=without) as server:
        assert [one.key for one in held(server).list("s//")] == ["s//x"]


def test_a_listing_by_folder_that_goes_round_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def round_again(text: str) -> str:
        return re.sub("<NextContinuationToken>.*?</", "<NextContinuationToken>s/0099/</", text)

    monkeypatch.setattr(listing, "_LIMIT", 1)
    objects = dict.fromkeys([f"s/{n:04d}/x" for n in range(250)], b"1")
    with AnyKeyServer(objects, page=100, rewrite=round_again) as server:
        with pytest.raises(StoreError, match="breaks off"):
            held(server).dirs("s")
        asked = len(server.asked)
        time.sleep(0.5)
        assert len(server.asked) == asked


def test_few_of_many_listings_are_asked_what_lies_behind() -> None:
    objects = {f"s/{n:03d}/{m}": b"1" for n in range(200) for m in range(n * 7919 % 61 + 1)}
    with AnyKeyServer(objects) as server:
        store = held(server)
        assert sum(len(page) for n in range(200) for page in store.pages(f"s/{n:03d}")) == len(objects)
        assert len(server.asked) < 210


def test_a_listing_of_whole_pages_is_whole() -> None:
    objects = dict.fromkeys([f"s/{n:04d}" for n in range(300)], b"1")
    with AnyKeyServer(objects, page=100) as server:
        assert [one.key for one in held(server).list("s")] == list(objects)
        assert len(held(server).dirs("s").objects) == 300
