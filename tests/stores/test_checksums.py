"""What comes is held against the ETag where that is an MD5: a byte that turned over on the way, or in the store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bondstore.errors import ChecksumError, Exit
from bondstore.stores import Fetched, Store, open_store
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, s3_profile

MIB = 1024 * 1024
EVER = 10**9


def flipped(data: bytes) -> bytes:
    """One byte of the middle turned over."""
    at = len(data) // 2
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def flip(contains: str, times: int = EVER, first: int = 1) -> Fault:
    return Fault("rewrite", contains=contains, first=first, times=times, rewriter=flipped)


@pytest.fixture
def store(faulty: FaultyProxy, bucket: str) -> Store:
    """The bucket, through the proxy."""
    return open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=QUICK)


@pytest.mark.parametrize("size", [1, 20_000, 7 * MIB])
def test_damaged_on_the_way_it_is_fetched_again(store: Store, faulty: FaultyProxy, bucket: str, size: int) -> None:
    data = os.urandom(size)
    store.put("x", data)
    faulty.add(flip("/x", times=1))
    assert bytes(store.get("x").data) == data
    assert faulty.gets() == {f"/{bucket}/x": 2}


@pytest.mark.parametrize("mode", ["auto", "when_required", "always"])
def test_no_checksum_is_sent_in_a_trailer_which_third_party_stores_refuse(
    faulty: FaultyProxy, bucket: str, mode: str, tmp_path: Path
) -> None:
    """Neither of an object in one piece, nor of parts, which boto3 sends: it took to trailers by itself in 2025."""
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, checksums=mode), rule=QUICK)
    store.put("small", b"1" * 1000)
    store.put("large", bytes(9 * MIB))
    with store.open_upload("parts", tmp_path / "journal") as upload:
        upload.send(1, bytes(5 * MIB))
        upload.finish()
    sent = [one.headers for one in faulty.seen if one.method in ("PUT", "POST")]
    assert len(sent) >= 7
    for headers in sent:
        assert "x-amz-trailer" not in headers
        assert "aws-chunked" not in headers.get("content-encoding", "")
        assert not headers.get("x-amz-content-sha256", "").startswith("STREAMING-")


def test_damaged_in_the_store_it_is_refused_alone(store: Store, faulty: FaultyProxy, bucket: str) -> None:
    for name in "xyz":
        store.put(name, name.encode() * 1000)
    faulty.add(flip("/y"))
    found = store.get_many(list("xyz"))
    assert [isinstance(one, Fetched) for one in found] == [True, False, True]
    assert isinstance(found[1], ChecksumError)
    assert found[1].exit_code == Exit.INTEGRITY
    assert "/y do not match" in str(found[1])
    assert faulty.gets()[f"/{bucket}/y"] == 2


def test_etags_that_are_something_else_can_be_told_so(faulty: FaultyProxy, bucket: str) -> None:
    """The same answer as that of a damaged object: only the user can know of the server which it is."""
    told = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint, etags="opaque"), rule=QUICK)
    told.put("x", b"one" * 1000)
    faulty.add(flip("/x"))
    assert bytes(told.get("x").data) == flipped(b"one" * 1000)
    assert faulty.gets() == {f"/{bucket}/x": 1}


def test_of_a_good_object_nothing_more_is_asked(store: Store, faulty: FaultyProxy) -> None:
    store.put("x", b"1")
    faulty.clear()
    store.get("x")
    assert [(one.method, one.path.rpartition("/")[2]) for one in faulty.seen] == [("GET", "x")]


@pytest.fixture
def large(seaweedfs: SeaweedFS, bucket: str) -> bytes:
    """An object of 20 MiB that was sent in one piece: its ETag is an MD5."""
    data = os.urandom(20 * MIB)
    seaweedfs.client().put_object(Bucket=bucket, Key="big", Body=data)
    return data


def test_a_large_object_that_is_read_whole(store: Store, large: bytes, faulty: FaultyProxy) -> None:
    assert "-" not in store.head("big").etag, "nothing is tested"
    faulty.add(flip("/big", times=1))
    assert bytes(store.get("big").data) == large
    faulty.add(Fault("cut", contains="/big", first=1, after=5 * MIB))
    assert bytes(store.get("big").data) == large


def test_a_large_object_that_is_read_in_ranges_fails_at_its_end(
    store: Store, large: bytes, faulty: FaultyProxy
) -> None:
    info = store.head("big")
    assert b"".join(store.open_ranges(info)) == large
    faulty.add(flip("/big", times=1))
    got = []
    with pytest.raises(ChecksumError):
        got.extend(store.open_ranges(info))
    assert len(got) == 3
    assert b"".join(store.open_ranges(info, start=MIB)) == large[MIB:]


def test_an_upload_in_parts_has_no_checksum_to_be_held_against(store: Store, faulty: FaultyProxy) -> None:
    data = os.urandom(9 * MIB)
    store.put("x", data)
    assert "-" in store.head("x").etag
    faulty.add(flip("/x", times=1))
    assert bytes(store.get("x").data) == flipped(data)


@pytest.fixture
def aws(moto_server: Moto, moto: str) -> Iterator[tuple[Any, FaultyProxy, Store]]:
    """A bucket that knows of KMS, and a line to it."""
    client = moto_server.client("s3")
    client.create_bucket(Bucket="checked", CreateBucketConfiguration={"LocationConstraint": moto_server.region})
    with FaultyProxy(moto) as proxy:
        profile = s3_profile(proxy.endpoint, region=moto_server.region)
        yield client, proxy, open_store("s3://checked", profile, rule=QUICK)


@pytest.mark.parametrize("how", ["aws:kms", "aws:kms:dsse"])
def test_encrypted_under_kms_an_etag_says_nothing(aws: tuple[Any, FaultyProxy, Store], how: str) -> None:
    client, proxy, store = aws
    client.put_object(Bucket="checked", Key="x", Body=b"a" * 1000, ServerSideEncryption=how)
    proxy.add(flip("/x"))  # the bytes and the ETag do not fit, as at AWS
    assert bytes(store.get("x").data) == flipped(b"a" * 1000)
    assert proxy.count("HEAD", "/x") == 1


def test_encrypted_by_the_store_alone_it_is_an_md5(aws: tuple[Any, FaultyProxy, Store]) -> None:
    client, proxy, store = aws
    client.put_object(Bucket="checked", Key="x", Body=b"a" * 1000, ServerSideEncryption="AES256")
    proxy.add(flip("/x"))
    with pytest.raises(ChecksumError):
        store.get("x")


def test_a_bucket_that_is_all_under_kms_is_not_asked_of_each_object(aws: tuple[Any, FaultyProxy, Store]) -> None:
    client, proxy, store = aws
    names = [f"k/{n}" for n in range(40)]
    for name in names:
        client.put_object(Bucket="checked", Key=name, Body=b"a" * 1000, ServerSideEncryption="aws:kms")
    proxy.add(flip("/k/"))
    assert all(isinstance(one, Fetched) for one in store.get_many(names, concurrency=1))
    assert proxy.count("HEAD", "/k/") == 16


def test_where_one_etag_was_an_md5_each_that_is_not_is_asked_about(aws: tuple[Any, FaultyProxy, Store]) -> None:
    client, proxy, store = aws
    client.put_object(Bucket="checked", Key="plain", Body=b"1")
    assert bytes(store.get("plain").data) == b"1"
    names = [f"k/{n}" for n in range(20)]
    for name in names:
        client.put_object(Bucket="checked", Key=name, Body=b"a" * 1000, ServerSideEncryption="aws:kms")
    client.put_object(Bucket="checked", Key="k/bad", Body=b"a" * 1000)
    proxy.add(flip("/k/"))
    assert all(isinstance(one, Fetched) for one in store.get_many(names, concurrency=1))
    assert proxy.count("HEAD", "/k/") == 20
    with pytest.raises(ChecksumError):
        store.get("k/bad")
