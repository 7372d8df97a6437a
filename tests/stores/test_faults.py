"""What goes wrong on the way: cut lines, silence, overload, lost answers, servers that die and come back."""

from __future__ import annotations

import os
import threading
import time

import pytest

from bondstore.errors import (
    AlreadyExistsError,
    ChangedError,
    CredentialsError,
    TransientStoreError,
    UnreachableError,
)
from bondstore.stores import Fetched, RetryRule, Store, open_store
from bondstore.stores.transfer import fetch_range
from tests.servers.faulty import Fault, FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import QUICK, STEADY, s3_profile

MIB = 1024 * 1024


@pytest.fixture
def direct(seaweedfs: SeaweedFS, bucket: str) -> Store:
    """The bucket, without anything in between."""
    return open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))


def through(faulty: FaultyProxy, bucket: str, rule: RetryRule = STEADY) -> Store:
    """Open the bucket through the faulty proxy."""
    return open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=rule)


@pytest.mark.parametrize("size", [20_000, 3 * MIB, 20 * MIB])
def test_a_body_cut_short_is_completed(direct: Store, faulty: FaultyProxy, bucket: str, size: int) -> None:
    data = os.urandom(size)
    direct.put("x", data)
    store = through(faulty, bucket)
    faulty.add(Fault("cut", contains="/x", after=size // 3, times=2))
    fetched = store.get("x")
    assert bytes(fetched.data) == data
    assert faulty.count(contains="/x") >= 2
    faulty.clear()
    assert bytes(store.get("x").data) == data
    assert faulty.gets() == {f"/{bucket}/x": 1}


def test_a_range_goes_on_from_the_byte_reached_and_of_the_same_version(
    direct: Store, faulty: FaultyProxy, bucket: str
) -> None:
    data = os.urandom(8 * MIB)
    direct.put("x", data)
    store = through(faulty, bucket)
    info = store.head("x")
    faulty.clear()
    # More cuts than obstore's own retries could hide within the patience that we leave it.
    faulty.add(Fault("cut", contains="/x", after=2 * MIB + 10, times=3))
    assert b"".join(store.open_ranges(info, chunk=8 * MIB)) == data
    starts = [int((one.range or "bytes=0-").removeprefix("bytes=").split("-")[0]) for one in faulty.seen]
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert all(start >= 2 * MIB for start in starts[1:]), starts
    assert len(starts) == 4


def test_a_range_survives_when_every_answer_is_cut_as_long_as_bytes_arrive(
    direct: Store, faulty: FaultyProxy, bucket: str
) -> None:
    data = os.urandom(6 * MIB)
    direct.put("x", data)
    store = through(faulty, bucket, RetryRule(patience=0.0, first_contact=5, connect_timeout=2, stall_timeout=2))
    info = store.head("x")
    faulty.add(Fault("cut", contains="/x", after=MIB + 5, times=99))
    # Without patience the first cut is final, for the client is given none either.
    with pytest.raises(TransientStoreError, match="broke"):
        fetch_range(store._connection, "x", 0, info.size, info.etag)
    patient = through(faulty, bucket, QUICK)
    assert fetch_range(patient._connection, "x", 0, info.size, info.etag) == data


def test_an_object_replaced_while_a_line_is_cut_never_comes_out_mixed(
    direct: Store, faulty: FaultyProxy, bucket: str
) -> None:
    old, new = b"a" * (5 * MIB), b"b" * (5 * MIB)
    direct.put("x", old)
    store = through(faulty, bucket, QUICK)
    info = store.head("x")
    faulty.add(Fault("cut", contains="/x", after=MIB))
    faulty.add(Fault("delay", contains="/x", first=2, seconds=1.0))

    def replace() -> None:
        while not faulty.gets():
            time.sleep(0.01)
        time.sleep(0.1)
        direct.put("x", new)

    replacing = threading.Thread(target=replace)
    replacing.start()
    found = bytes(store.get("x").data)
    replacing.join()
    assert found in (old, new)
    with pytest.raises(ChangedError):
        store.get_range("x", 0, 5 * MIB, info.etag)


def test_a_server_that_falls_silent_is_asked_again(direct: Store, faulty: FaultyProxy, bucket: str) -> None:
    data = os.urandom(3 * MIB)
    direct.put("x", data)
    store = through(faulty, bucket, QUICK)
    faulty.add(Fault("stall", contains="/x", after=MIB, seconds=8))
    faulty.add(Fault("delay", contains="/y", seconds=8))
    started = time.monotonic()
    assert bytes(store.get("x").data) == data
    direct.put("y", b"1")
    assert bytes(store.get("y").data) == b"1"
    assert time.monotonic() - started < 7


def test_a_slow_but_steady_body_is_no_failure(direct: Store, faulty: FaultyProxy, bucket: str) -> None:
    data = os.urandom(400_000)
    direct.put("x", data)
    rule = RetryRule(patience=1, first_contact=1, connect_timeout=1, stall_timeout=0.5)
    store = through(faulty, bucket, rule)
    faulty.add(Fault("slow", contains="/x", seconds=0.2))
    started = time.monotonic()
    assert bytes(store.get("x").data) == data
    assert time.monotonic() - started > 1.0
    assert faulty.count(contains="/x") == 1


def test_a_storm_of_503_passes(direct: Store, faulty: FaultyProxy, bucket: str) -> None:
    for n in range(40):
        direct.put(f"k/{n}", str(n).encode())
    store = through(faulty, bucket)
    faulty.add(Fault("status", contains="/k/", times=60))
    faulty.add(Fault("status", contains="list-type", times=3, status=500))
    found = store.get_many([f"k/{n}" for n in range(40)])
    assert [bytes(one.data) for one in found if isinstance(one, Fetched)] == [str(n).encode() for n in range(40)]
    assert sum(len(page) for page in store.pages("k")) == 40


def test_a_storm_without_end_fails_in_bounded_time(direct: Store, faulty: FaultyProxy, bucket: str) -> None:
    direct.put("x", b"1")
    rule = RetryRule(patience=1.5, first_contact=1)
    store = through(faulty, bucket, rule)
    faulty.add(Fault("status", contains="", times=9999))
    started = time.monotonic()
    with pytest.raises(TransientStoreError, match="busy"):
        store.get("x")
    with pytest.raises(TransientStoreError, match="busy"):
        list(store.pages())
    assert time.monotonic() - started < 10


def test_one_object_that_cannot_be_read_fails_alone(direct: Store, faulty: FaultyProxy, bucket: str) -> None:
    for n in range(20):
        direct.put(f"k/{n}", b"x")
    store = through(faulty, bucket, RetryRule(patience=1, first_contact=1, stall_timeout=1))
    faulty.add(Fault("refuse", contains="/k/7", times=9999))
    found = store.get_many([f"k/{n}" for n in range(20)])
    assert isinstance(found[7], TransientStoreError)
    assert all(isinstance(one, Fetched) for n, one in enumerate(found) if n != 7)


def test_a_put_whose_answer_is_lost_goes_through(faulty: FaultyProxy, bucket: str, direct: Store) -> None:
    store = through(faulty, bucket)
    faulty.add(Fault("lose_answer", method="PUT", contains="/x"))
    store.put("x", b"1")
    assert faulty.count("PUT", "/x") == 2
    assert bytes(direct.get("x").data) == b"1"


def test_a_condition_whose_answer_is_lost_is_met_by_our_own_object(
    faulty: FaultyProxy, bucket: str, direct: Store
) -> None:
    store = through(faulty, bucket)
    faulty.add(Fault("lose_answer", method="PUT", contains="/new"))
    assert store.put_if_absent("new", b"writer 1") == direct.head("new").etag
    faulty.add(Fault("lose_answer", method="PUT", contains="/old"))
    first = direct.put("old", b"0")
    assert store.put_if_unchanged("old", b"writer 1", first) == direct.head("old").etag


def test_a_condition_whose_request_is_lost_is_not_met_by_another_object(
    faulty: FaultyProxy, bucket: str, direct: Store
) -> None:
    store = through(faulty, bucket)
    direct.put("x", b"writer 2")
    faulty.add(Fault("refuse", method="PUT", contains="/x"))
    with pytest.raises(AlreadyExistsError):
        store.put_if_absent("x", b"writer 1")
    assert bytes(direct.get("x").data) == b"writer 2"


def test_parts_are_sent_again_and_cancelled_ones_cleared_away(
    faulty: FaultyProxy, bucket: str, direct: Store, seaweedfs: SeaweedFS
) -> None:
    store = through(faulty, bucket)
    data = os.urandom(20 * MIB)
    faulty.add(Fault("status", method="PUT", contains="partNumber=2", times=2))
    faulty.add(Fault("lose_answer", method="PUT", contains="partNumber=1", times=1))
    store.put("x", data)
    assert bytes(direct.get("x").data) == data
    faulty.clear()

    def chunks() -> object:
        for _ in range(6):
            yield bytes(8 * MIB)
            time.sleep(0.1)
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        store.put_stream("y", chunks())  # type: ignore[arg-type]
    assert faulty.count("PUT", "/y") > 0, "no part was sent: nothing was tested"
    assert faulty.count("DELETE", "/y") == 1
    assert not seaweedfs.client().list_multipart_uploads(Bucket=bucket).get("Uploads")


def test_a_refusal_is_told_soon_where_the_server_is_in_trouble(faulty: FaultyProxy, bucket: str) -> None:
    """Others are asked for to tell whose refusal it is; where they get no answer either, one of them is enough."""
    store = through(faulty, bucket, QUICK)
    store.others = tuple(f"other-{number}" for number in range(12))
    faulty.add(Fault("status", contains="barred", status=403, body=b"<Code>AccessDenied</Code>", times=99))
    faulty.add(Fault("status", contains="other-", status=503, times=999))
    started = time.monotonic()
    [answer] = store.get_many(["barred"])
    assert isinstance(answer, CredentialsError)
    assert time.monotonic() - started < 3 * QUICK.patience


def test_a_server_killed_and_started_again_is_survived() -> None:
    with SeaweedFS() as server:
        server.create_bucket("bucket")
        store = open_store("s3://bucket", s3_profile(server.endpoint), rule=STEADY)
        data = {f"k/{n}": os.urandom(20_000) for n in range(300)}
        for key, value in data.items():
            store.put(key, value)
        big = os.urandom(30 * MIB)
        store.put("big", big)
        reading = store.open_ranges(store.head("big"), chunk=MIB)
        start = next(reading)
        server.kill9()
        coming_back = threading.Timer(1.5, server.start)
        coming_back.start()
        found = store.get_many(list(data))
        coming_back.join()
        assert [bytes(one.data) if isinstance(one, Fetched) else one for one in found] == list(data.values())
        assert start + b"".join(reading) == big
        server.kill9()
        coming_back = threading.Timer(1.5, server.start)
        coming_back.start()
        assert sum(len(page) for page in store.pages()) == 301
        store.put("after", b"1")
        coming_back.join()
        server.stop()
        gone = open_store("s3://bucket", s3_profile(server.endpoint), rule=QUICK)
        started = time.monotonic()
        with pytest.raises(UnreachableError, match="gives no answer"):
            gone.get("k/1")
        assert time.monotonic() - started < 4
