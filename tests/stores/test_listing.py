"""Listings of more than one page, in parallel, bounded, and of keys that obstore cannot address."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from bondstore.config.profiles import Profile
from bondstore.errors import NotFoundError, StoreError, TransientStoreError
from bondstore.stores import Listing, RetryRule, Store, open_store
from bondstore.stores.listing import _Progress
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, Rig, s3_profile

BRIEF = RetryRule(patience=1.5, first_contact=1, connect_timeout=2, stall_timeout=1.5)


def fill(store: Store, keys: list[str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: store.put(key, key.encode()), keys))


@pytest.fixture(scope="module")
def filled(seaweedfs: SeaweedFS) -> tuple[str, list[str]]:
    """A bucket of 2,640 objects under 12 prefixes: three pages of S3."""
    import uuid

    bucket = seaweedfs.create_bucket(f"l-{uuid.uuid4().hex[:10]}")
    keys = [f"study/p{p:02d}/gps/2024-01-01T{n:04d}.csv" for p in range(12) for n in range(220)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_S3_KEY", seaweedfs.access_key)
        patch.setenv("TEST_S3_SECRET", seaweedfs.secret_key)
        fill(open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint)), [*keys, "study2/p00/x.csv"])
    return bucket, keys


def test_pages_give_every_object_once(seaweedfs: SeaweedFS, filled: tuple[str, list[str]]) -> None:
    bucket, keys = filled
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))
    pages = list(store.pages("study"))
    assert sorted(key for page in pages for key in page.keys) == sorted(keys)
    witness = seaweedfs.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="study/")
    expected = {
        one["Key"]: (one["Size"], one["ETag"], one["LastModified"]) for page in witness for one in page["Contents"]
    }
    for one in store.list("study"):
        size, etag, modified = expected.pop(one.key)
        assert (one.size, one.etag, one.modified_ms) == (size, etag, round(modified.timestamp() * 1000))
    assert expected == {}


def test_sub_prefixes_in_parallel_give_the_same(seaweedfs: SeaweedFS, filled: tuple[str, list[str]]) -> None:
    bucket, keys = filled
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))
    prefixes = store.dirs("study").prefixes
    assert prefixes == [f"study/p{p:02d}/" for p in range(12)]
    found = [key for page in store.pages_under(prefixes, concurrency=6) for key in page.keys]
    assert sorted(found) == sorted(keys)


def test_start_after(rig: Rig) -> None:
    store = rig.open()
    fill(store, [f"a/{n:02d}" for n in range(30)])
    found = [key for page in store.pages("a", start_after="a/11") for key in page.keys]
    assert sorted(found) == [f"a/{n:02d}" for n in range(12, 30)]


@pytest.mark.parametrize("page", [300, 5_000])
def test_a_listing_that_breaks_is_never_taken_for_a_whole_one(
    faulty: FaultyProxy, filled: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr("bondstore.stores.listing._PAGE", page)
    bucket, keys = filled
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=BRIEF)
    faulty.add(Fault("cut", contains="continuation-token", after=500, times=2))
    faulty.add(Fault("status", contains="continuation-token", first=3, times=2))
    assert sorted(one.key for one in store.list("study")) == sorted(keys)
    faulty.clear()
    faulty.add(Fault("status", contains="continuation-token", first=2, times=999))
    with pytest.raises(StoreError):
        list(store.list("study"))
    with pytest.raises(StoreError):
        list(store.pages_under(["study", "none"]))


def test_a_reader_that_stops_leaves_no_threads(folder: Path) -> None:
    store = open_store(folder.as_uri())
    fill(store, [f"p{p}/{n}" for p in range(40) for n in range(3)])
    pages = store.pages_under([f"p{p}" for p in range(40)], concurrency=4)
    next(pages)
    pages.close()
    give_up = time.monotonic() + 5
    while any("bondstore-ahead" in one.name for one in threading.enumerate()):
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_folder_mark_is_not_listed_in_its_own_folder(seaweedfs: SeaweedFS, bucket: str) -> None:
    for key in ("study/", "study/p1/", "study/p1/x.csv"):
        seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=b"")
    for url, prefix, start in ((f"s3://{bucket}", "study/p1", "study/p1/"), (f"s3://{bucket}/study/p1", "", "")):
        store = open_store(url, s3_profile(seaweedfs.endpoint))
        assert [one.key for one in store.list(prefix)] == [f"{start}x.csv"]
        assert [mark for page in store.pages(prefix) for mark in page.marks] == [start]
        assert [one.key for one in store.dirs(prefix).objects] == [f"{start}x.csv"]


ODD = ["s/p/surveyTimings//1.csv", "s//x", "s/../y", "s/é //z"]


def oddly(plain_to_odd: dict[str, str]) -> object:
    """Rewrite a listing so that some keys of the real server become ones it would not take."""
    from urllib.parse import quote_plus

    def rewrite(body: bytes) -> bytes:
        text = body.decode()
        for plain, odd in plain_to_odd.items():
            # Both ways in which a server may write keys: as XML text, and percent-encoded on request.
            text = text.replace(
                f"<Key>{plain}</Key>", f"<Key>{quote_plus(odd) if 'EncodingType' in text else escape(odd)}</Key>"
            )
        return text.encode()

    return rewrite


def test_odd_keys_do_not_break_a_listing(faulty: FaultyProxy, bucket: str, seaweedfs: SeaweedFS) -> None:
    plain = [f"s/odd-{n}" for n in range(len(ODD))]
    normal = [f"s/gps/{n}.csv" for n in range(20)]
    for key in [*plain, *normal]:
        seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=b"1234")
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    rewriter = oddly(dict(zip(plain, ODD, strict=True)))
    faulty.add(Fault("rewrite", contains="list-type", times=99, rewriter=rewriter))  # type: ignore[arg-type]
    found = list(store.list("s"))
    assert sorted(one.key for one in found) == sorted([*normal, *ODD])
    witness = {one["Key"]: one for one in seaweedfs.client().list_objects_v2(Bucket=bucket)["Contents"]}
    for one in found:
        real = witness[dict(zip(ODD, plain, strict=True)).get(one.key, one.key)]
        modified = round(real["LastModified"].timestamp() * 1000)
        assert (one.size, one.etag, one.modified_ms) == (real["Size"], real["ETag"], modified)
    faulty.add(Fault("status", contains="list-type", first=1, times=1))
    found_dirs = store.dirs("s")
    assert found_dirs.prefixes == ["s/gps/"]
    assert sorted(one.key for one in found_dirs.objects) == sorted(ODD)


def test_an_odd_key_is_asked_for_as_it_is(faulty: FaultyProxy, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)
    with pytest.raises((NotFoundError, StoreError)):
        store.get("s/p/surveyTimings//1.csv")
    assert faulty.seen[-1].path == f"/{bucket}/s/p/surveyTimings//1.csv"


def listing_of(keys: list[str]) -> Listing:
    return Listing(keys, [1] * len(keys), [""] * len(keys), [0] * len(keys))


@pytest.mark.parametrize(("endpoint", "offset"), [(None, "b/2"), ("http://127.0.0.1:1", None)])
def test_a_listing_is_taken_up_where_it_broke(endpoint: str | None, offset: str | None) -> None:
    """AWS starts behind the last key; other servers, in orders of their own, play it again from the start."""
    connection = open_store("s3://bucket", Profile(endpoint=endpoint))._connection
    progress = _Progress(connection, None)
    assert [page.keys for page in progress.new(iter([listing_of(["b/1", "b/2"])]))] == [["b/1", "b/2"]]
    progress.start_again()
    assert progress.offset == offset
    replayed = [listing_of(["b/3", "a/1"])] if offset else [listing_of(["b/1"]), listing_of(["b/2", "b/3", "a/1"])]
    assert [key for page in progress.new(iter(replayed)) for key in page.keys] == ["b/3", "a/1"]
    if offset is None:
        progress.start_again()
        with pytest.raises(TransientStoreError, match="changed"):
            list(progress.new(iter([listing_of(["b/1", "b/2"])])))
