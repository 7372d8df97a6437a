"""An object as a file: over every kind of store the same bytes, from one version only."""

from __future__ import annotations

import io
import os
import random
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from bondstore.errors import ChangedError, NotFoundError, TransientStoreError, UsageError
from bondstore.stores import Store, open_store
from bondstore.stores.rangefile import RangeFile
from bondstore.zips import open_zip
from tests.servers.faulty import Fault, FaultyProxy
from tests.stores.rigs import STEADY, s3_profile

SIZE = 10_007


@pytest.fixture
def data() -> bytes:
    return os.urandom(SIZE)


def opened(store: Store, data: bytes, block: int = 1000) -> RangeFile:
    store.put("a/b.zip", data)
    return RangeFile(store, store.head("a/b.zip"), block)


def test_it_reads_as_a_file_does(store: Store, data: bytes) -> None:
    """The same random seeks and reads as over the bytes in memory."""
    file, oracle, rng = opened(store, data), io.BytesIO(data), random.Random(3)
    for _ in range(120):
        offset, whence, length = rng.randint(0, SIZE + 50), rng.choice((0, 2)), rng.choice((0, 1, 7, 999, 1000, 2500))
        offset = -min(offset, SIZE) if whence == 2 else offset
        assert file.seek(offset, whence) == oracle.seek(offset, whence)
        assert file.read(length) == oracle.read(length)
        assert file.tell() == oracle.tell()
    assert file.seek(5) == 5
    assert file.seek(3, io.SEEK_CUR) == 8
    assert file.read() == data[8:]
    assert file.read(10) == b""
    buffer = bytearray(20)
    file.seek(SIZE - 7)
    assert file.readinto(buffer) == 7
    assert buffer == data[-7:] + bytes(13)


def test_a_buffer_in_front_of_it_changes_nothing(store: Store, data: bytes) -> None:
    with io.BufferedReader(opened(store, data), 300) as file:
        assert file.read(2500) == data[:2500]
        assert file.seek(-10, io.SEEK_END) == SIZE - 10
        assert file.read() == data[-10:]


def test_an_empty_object_is_an_empty_file(store: Store) -> None:
    file = opened(store, b"")
    assert file.read() == b""
    assert file.seek(0, io.SEEK_END) == 0


def test_another_version_is_refused(store: Store, data: bytes) -> None:
    file = opened(store, data)
    assert file.read(500) == data[:500]
    store.put("a/b.zip", data[::-1])
    assert file.read(500) == data[500:1000]  # fetched before
    with pytest.raises(ChangedError):
        file.read(1)
    with pytest.raises(ChangedError):
        RangeFile(store, replace(store.head("a/b.zip"), etag=file.info.etag)).read(1)


def test_an_object_that_is_gone_is_named(store: Store, data: bytes) -> None:
    file = opened(store, data)
    store.delete("a/b.zip")
    with pytest.raises((NotFoundError, ChangedError), match=r"b\.zip"):
        file.read(1)


def test_a_zip_is_read_through_it(store: Store) -> None:
    out, wanted = io.BytesIO(), {f"{number}.csv": os.urandom(3000) for number in range(6)}
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in wanted.items():
            archive.writestr(name, content)
    whole = open_zip(opened(store, out.getvalue()), "b.zip")
    assert {one.member.name: one.read(5000) for one in whole.contents()} == wanted
    cut = open_zip(opened(store, out.getvalue()[:9500]), "b.zip")
    assert cut.partial
    contents = cut.contents()
    assert [next(contents).read(5000) for _ in range(3)] == list(wanted.values())[:3]


def test_a_zip_that_changes_while_it_is_read_is_no_damage(store: Store) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.bin", os.urandom(9000))
    contents = open_zip(opened(store, out.getvalue()), "b.zip").contents()
    store.put("a/b.zip", out.getvalue()[::-1])
    with pytest.raises(ChangedError):
        list(next(contents).chunks)


def test_misuse_is_refused(folder: Path, data: bytes) -> None:
    store = open_store(folder.as_uri())
    file = opened(store, data)
    for act in (lambda: file.seek(-1), lambda: file.seek(-SIZE - 1, 2), lambda: file.seek(0, 7)):
        with pytest.raises(UsageError):
            act()
    assert file.readable()
    assert file.seekable()
    assert not file.writable()
    file.close()
    for act in (lambda: file.read(1), lambda: file.seek(0)):
        with pytest.raises(UsageError, match="closed"):
            act()
    with pytest.raises(UsageError, match="etag"):
        RangeFile(store, replace(file.info, etag=""))
    with pytest.raises(UsageError, match="block"):
        RangeFile(store, file.info, 0)


def test_a_file_that_is_shorter_than_it_said_is_no_end(folder: Path, data: bytes) -> None:
    store = open_store(folder.as_uri())
    file = opened(store, data)
    with pytest.raises(TransientStoreError, match="shorter"):
        RangeFile(store, replace(file.info, size=SIZE + 50)).read()


def test_blocks_are_fetched_once_and_a_cut_line_is_taken_up(faulty: FaultyProxy, bucket: str, data: bytes) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(faulty.endpoint), rule=STEADY)
    file = opened(store, data)
    before = len(faulty.seen)
    for start in (0, 10, 990, 1500, 2999, 5, 1001):
        file.seek(start)
        assert file.read(5) == data[start : start + 5]
    asked = [one.range for one in faulty.seen[before:] if one.method == "GET"]
    assert asked == ["bytes=0-999", "bytes=1000-1999", "bytes=2000-2999", "bytes=3000-3999"]
    assert all(one.if_match for one in faulty.seen[before:] if one.method == "GET")

    for start in (5000, 6000, 7000, 8000, 9000):  # all but the last four are let go
        file.seek(start)
        file.read(1)
    again = len(faulty.seen)
    for start in (6000, 7000, 8000, 9000, 0):
        file.seek(start)
        assert file.read(1) == data[start : start + 1]
    assert [one.range for one in faulty.seen[again:]] == ["bytes=0-999"]

    with faulty.fault(Fault("cut", after=300, contains="b.zip", times=2)) as fault:
        file.seek(4000)
        assert file.read(1000) == data[4000:5000]
    assert fault.matched == 3
