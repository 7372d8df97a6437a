"""What every kind of store promises, over real servers."""

from __future__ import annotations

import os
import pickle
import threading
import time
from collections.abc import Iterator

import pytest

from bondstore.errors import (
    AlreadyExistsError,
    BondstoreError,
    ChangedError,
    NotFoundError,
    ReadOnlyError,
    StoreError,
    UsageError,
)
from bondstore.stores import Fetched, Store
from bondstore.stores.rangefile import RangeFile
from tests.stores.rigs import Rig

ODD_BUT_FINE = [
    "CHUNKED_DATA/s/p/gps/2024-01-01T00:00:00.csv",
    "a b/c d.csv",
    "a/%41%2F.csv",
    "a/100%.csv",
    "a/é ü 漢字 😀.csv",
    "a/#hash?query&and+plus=.csv",
    "a/x.csv-duplicate-abcdefghij",
    "a/[b]{c}^`<d>|'e'\"f\"~*!(g)@$,;",
    "a/...",
    "a/..b/.c/d.",
]


def content(fetched: Fetched | BondstoreError) -> bytes:
    assert isinstance(fetched, Fetched), fetched
    return bytes(fetched.data)


@pytest.mark.parametrize("key", ODD_BUT_FINE)
def test_odd_keys_go_in_and_come_out_as_they_are(store: Store, key: str) -> None:
    store.put(key, b"one " + key.encode())
    assert content(store.get(key)) == b"one " + key.encode()
    assert [one.key for one in store.list()] == [key]
    assert store.head(key).key == key
    assert content(store.get_many([key])[0]) == b"one " + key.encode()


def test_metadata_agrees_between_put_head_get_and_listing(store: Store) -> None:
    before = time.time() * 1000
    etag = store.put("a/b.csv", b"12345")
    head, fetched, [listed] = store.head("a/b.csv"), store.get("a/b.csv"), list(store.list())
    assert head == fetched.info
    assert (listed.key, listed.size, listed.etag, listed.modified_ms) == ("a/b.csv", 5, head.etag, head.modified_ms)
    assert head.etag == etag != ""
    assert before - 2000 <= head.modified_ms <= time.time() * 1000 + 2000


@pytest.mark.parametrize("size", [0, 1, 20_000, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 20_000_003])
def test_any_size_goes_in_and_comes_out(store: Store, size: int) -> None:
    data = os.urandom(size)
    store.put("x", data)
    fetched = store.get("x")
    assert fetched.info.size == size
    assert content(fetched) == data


def test_put_replaces(store: Store) -> None:
    first = store.put("x", b"1")
    second = store.put("x", memoryview(b"22"))
    assert first != second
    assert content(store.get("x")) == b"22"


def test_a_stream_of_uneven_chunks(store: Store) -> None:
    chunks = [os.urandom(n) for n in (1, 5_000_000, 0, 9_000_000, 123_456, 8_388_608)]
    store.put_stream("big/x", iter(chunks))
    assert content(store.get("big/x")) == b"".join(chunks)


def test_an_empty_stream_is_an_empty_object(store: Store) -> None:
    store.put_stream("x", iter([]))
    assert store.head("x").size == 0


def test_a_stream_that_breaks_leaves_nothing(store: Store) -> None:
    def chunks() -> object:
        for _ in range(4):
            yield bytes(6_000_000)
        raise RuntimeError("source broke")

    with pytest.raises(RuntimeError, match="source broke"):
        store.put_stream("x", chunks())  # type: ignore[arg-type]
    assert list(store.list()) == []


def test_a_stream_shows_only_when_it_is_complete(store: Store) -> None:
    store.put("old", b"before")
    seen: list[object] = []

    def chunks() -> Iterator[bytes]:
        for number in range(4):
            yield bytes([number]) * 6_000_000
            seen.append(([one.key for one in store.list()], content(store.get("old"))))

    for key in ("new", "old"):
        store.put_stream(key, chunks())
    assert seen == [(["old"], b"before")] * 4 + [(["new", "old"], b"before")] * 4
    assert store.head("new").size == store.head("old").size == 24_000_000


def test_ranges(store: Store) -> None:
    data = os.urandom(5_000_000)
    store.put("x", data)
    info = store.head("x")
    assert store.get_range("x", 10, 20) == data[10:30]
    assert store.get_range("x", 4_999_990, 500) == data[-10:]
    assert store.get_range("x", 7, 0) == b""
    parts = list(store.open_ranges(info, chunk=1_500_000, start=3))
    assert [len(part) for part in parts] == [1_500_000, 1_500_000, 1_500_000, 499_997]
    assert b"".join(parts) == data[3:]
    assert list(store.open_ranges(info, start=info.size)) == []
    with pytest.raises(UsageError):
        store.get_range("x", -1, 5)


def test_ranges_of_a_replaced_object_are_refused(store: Store) -> None:
    store.put("x", bytes(3_000_000))
    info = store.head("x")
    reading = store.open_ranges(info, chunk=1_000)
    assert next(reading) == bytes(1_000)
    store.put("x", b"\1" * 3_000_000)
    read: list[bytes] = []
    with pytest.raises(ChangedError):
        read.extend(reading)
    assert set(read) <= {bytes(1_000)}
    with pytest.raises(ChangedError):
        store.get_range("x", 0, 10, info.etag)


def test_get_many_keeps_the_order_and_gives_errors_as_values(store: Store) -> None:
    for n in range(60):
        store.put(f"k/{n}", str(n).encode())
    keys = [f"k/{n}" for n in range(60)]
    asked = [*keys[:30], "k/none", "k/../x", *keys[30:], keys[0]]
    found = store.get_many(asked, concurrency=7)
    assert isinstance(found[30], NotFoundError)
    assert isinstance(found[31], UsageError | StoreError)
    good = [content(one) for n, one in enumerate(found) if n not in {30, 31}]
    assert good == [str(n).encode() for n in range(60)] + [b"0"]
    assert store.get_many([]) == []


def test_put_many_keeps_the_order_and_gives_errors_as_values(store: Store) -> None:
    items = [(f"k/{n}", str(n).encode()) for n in range(60)]
    written = store.put_many([*items[:30], ("k/../x", b"no"), *items[30:], ("big", bytes(9_000_000))], concurrency=7)
    assert isinstance(written[30], UsageError)
    assert [one for n, one in enumerate(written) if n != 30] == [store.head(key).etag for key in [*dict(items), "big"]]
    assert [content(one) for one in store.get_many([key for key, _ in items])] == [data for _, data in items]
    assert store.put_many([]) == []


def test_delete_many(store: Store) -> None:
    store.put_many([(f"k/{n}", b"x") for n in range(40)])
    deleted = store.delete_many([*(f"k/{n}" for n in range(39)), "k/none", "../x"], concurrency=7)
    assert deleted[:40] == [None] * 40
    assert isinstance(deleted[40], UsageError)
    assert [one.key for one in store.list()] == ["k/39"]
    assert store.delete_many([]) == []


def test_move_many(store: Store) -> None:
    store.put_many([(f"k/{n} é", str(n).encode()) for n in range(20)])
    store.put("m/0%", b"replaced")
    pairs = [(f"k/{n} é", f"m/{n}%") for n in range(20)]
    moved = store.move_many([*pairs, ("k/none", "m/none"), ("m/1%", "/m")], concurrency=7)
    assert moved[:20] == [None] * 20
    assert isinstance(moved[20], NotFoundError)
    assert isinstance(moved[21], UsageError)
    assert [content(one) for one in store.get_many([target for _, target in pairs])] == [b"%d" % n for n in range(20)]
    assert sorted(one.key for one in store.list()) == sorted(target for _, target in pairs)
    store.move("m/1%", "m/1%")
    assert content(store.get("m/1%")) == b"1"
    with pytest.raises(NotFoundError):
        store.move("none", "none")


def test_ranges_as_a_seekable_file(store: Store) -> None:
    data = os.urandom(300_000)
    store.put("x", data)
    with RangeFile(store, store.head("x"), block=70_000) as file:
        file.seek(-100_000, os.SEEK_END)
        assert file.read(50_000) == data[200_000:250_000]
        assert file.read() == data[250_000:]
        file.seek(5)
        assert file.read(3) == data[5:8]


def test_what_is_not_there(store: Store) -> None:
    store.put("here", b"")
    for act in (
        lambda: store.get("no/such"),
        lambda: store.head("no/such"),
        lambda: store.get_range("no/such", 0, 1),
        lambda: store.copy("no/such", "x"),
    ):
        with pytest.raises(NotFoundError, match="no/such"):
            act()
    store.delete("no/such")


def test_copy_and_delete(store: Store) -> None:
    store.put("a/x y", b"data")
    store.copy("a/x y", "b/z%20")
    store.delete("a/x y")
    assert [one.key for one in store.list()] == ["b/z%20"]
    assert content(store.get("b/z%20")) == b"data"


def test_put_if_absent(store: Store) -> None:
    store.put_if_absent("x", b"1")
    with pytest.raises(AlreadyExistsError):
        store.put_if_absent("x", b"2")
    assert content(store.get("x")) == b"1"


def test_put_if_unchanged(store: Store) -> None:
    first = store.put("x", b"1")
    second = store.put_if_unchanged("x", b"22", first)
    assert second == store.head("x").etag
    with pytest.raises(ChangedError):
        store.put_if_unchanged("x", b"333", first)
    with pytest.raises(ChangedError):
        store.put_if_unchanged("gone", b"333", first)
    assert content(store.get("x")) == b"22"


def race(count: int, act: object) -> list[object]:
    """Run `act(n)` in `count` threads at once; returns what each returned or raised."""
    gate, results = threading.Barrier(count), [None] * count

    def run(n: int) -> None:
        gate.wait()
        try:
            results[n] = act(n)  # type: ignore[operator]
        except BondstoreError as error:
            results[n] = error  # type: ignore[call-overload]

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def test_of_racing_writers_exactly_one_creates(store: Store) -> None:
    for turn in range(2):
        results = race(8, lambda n, turn=turn: store.put_if_absent(f"lock/{turn}", f"writer {n}".encode()))
        won = [n for n, one in enumerate(results) if isinstance(one, str)]
        assert len(won) == 1, results
        assert all(isinstance(one, AlreadyExistsError) for n, one in enumerate(results) if n not in won)
        assert content(store.get(f"lock/{turn}")) == f"writer {won[0]}".encode()


def test_of_racing_writers_exactly_one_replaces(store: Store) -> None:
    etag = store.put("x", b"start")
    for _ in range(2):
        results = race(8, lambda n, etag=etag: store.put_if_unchanged("x", f"{n} {etag}".encode(), etag))
        won = [one for one in results if isinstance(one, str)]
        assert len(won) == 1, results
        assert all(isinstance(one, str | ChangedError) for one in results)
        etag = won[0]
        assert store.head("x").etag == etag


@pytest.mark.parametrize("prefix", ["abc", "abc/"])
def test_a_prefix_ends_at_a_slash(store: Store, prefix: str) -> None:
    for key in ("abc/1", "abc/d/2", "abcd/3", "abc.4", "ab/5"):
        store.put(key, b"")
    assert sorted(one.key for one in store.list(prefix)) == ["abc/1", "abc/d/2"]
    found = store.dirs(prefix)
    assert (found.prefixes, [one.key for one in found.objects]) == (["abc/d/"], ["abc/1"])
    assert store.dirs().prefixes == ["ab/", "abc/", "abcd/"]
    assert list(store.list("abc/1")) == []
    assert list(store.list("none")) == []
    assert store.dirs("none").prefixes == []


def test_many_prefixes_at_a_time(store: Store) -> None:
    expected = {f"p{n}/{m}" for n in range(12) for m in range(3)}
    for key in expected:
        store.put(key, b"x")
    found = [key for page in store.pages_under([f"p{n}" for n in range(12)], concurrency=5) for key in page.keys]
    assert sorted(found) == sorted(expected)
    assert list(store.pages_under([])) == []


def test_a_store_within_a_store_has_keys_of_its_own(rig: Rig) -> None:
    if not rig.has_prefixes:
        pytest.skip("memory:// has no prefixes")
    whole, part = rig.open(), rig.open("/stu dy" if rig.kind != "file" else "/stu%20dy")
    part.put("p/1", b"1")
    whole.put("stu dy2/p/2", b"2")
    assert sorted(one.key for one in whole.list()) == ["stu dy/p/1", "stu dy2/p/2"]
    assert [one.key for one in part.list()] == ["p/1"]
    assert part.dirs().prefixes == ["p/"]
    assert [one.key for one in part.dirs("p").objects] == ["p/1"]
    assert content(part.get("p/1")) == b"1"


@pytest.mark.parametrize("key", ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/", "./a", "a/.", "a\0b"])
def test_hostile_keys_are_refused_for_writing(store: Store, key: str) -> None:
    for act in (
        lambda: store.put(key, b"x"),
        lambda: store.put_stream(key, [b"x"]),
        lambda: store.put_if_absent(key, b"x"),
        lambda: store.copy("a", key),
        lambda: store.move("a", key),
        lambda: store.delete(key),
    ):
        with pytest.raises(UsageError):
            act()
    with pytest.raises(
        UsageError if store.url.split(":")[0] not in ("s3", "az") else (UsageError, NotFoundError, StoreError)
    ):
        store.get(key)
    assert list(store.list()) == []


def test_a_read_only_store_writes_nothing(rig: Rig) -> None:
    rig.open().put("x", b"1")
    etag = rig.open().head("x").etag
    store = rig.open(read_only=True)
    for act in (
        lambda: store.put("x", b"2"),
        lambda: store.put_stream("x", [b"2"]),
        lambda: store.put_if_absent("y", b"2"),
        lambda: store.put_if_unchanged("x", b"2", etag),
        lambda: store.copy("x", "y"),
        lambda: store.delete("x"),
        lambda: store.move("x", "y"),
        lambda: store.put_many([("x", b"2")]),
        lambda: store.delete_many(["x"]),
        lambda: store.move_many([("x", "y")]),
    ):
        with pytest.raises(ReadOnlyError):
            act()
    assert content(store.get("x")) == b"1"
    assert [one.key for one in store.list()] == ["x"]


def test_a_pickled_store_opens_the_same_place(rig: Rig) -> None:
    store = rig.open(read_only=True)
    rig.open().put("x", b"1")
    assert content(store.get("x")) == b"1"
    again = pickle.loads(pickle.dumps(store))
    assert (again.url, again.read_only, again.spec, again.rule) == (store.url, True, store.spec, store.rule)
    assert content(again.get("x")) == b"1"


def test_check_is_content_with_an_empty_store(store: Store) -> None:
    store.check()
