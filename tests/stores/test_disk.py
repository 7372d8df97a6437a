"""What a folder's own reader promises: any name, any entry, the tags that obstore gives, and no waiting at pipes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from obstore.store import LocalStore

from bondstore.errors import ChangedError, NotFoundError, OutOfFilesError, StoreError, UsageError
from bondstore.stores import Store, open_store
from bondstore.stores.kinds.file import disk

NO_TEXT = os.fsdecode(b"b\xff")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "a" / NO_TEXT).mkdir(parents=True)
    (root / "a" / NO_TEXT / "x").write_bytes(b"1")
    (root / "a" / "y\nz").write_bytes(b"22")
    (root / "b").mkdir()
    (root / "b" / "x").write_bytes(b"333")
    return root


@pytest.fixture
def store(folder: Path) -> Store:
    return open_store(folder.as_uri())


def listed(store: Store, prefix: str = "") -> list[str]:
    return [one.key for one in store.list(prefix)]


def test_every_name_is_listed_and_read(store: Store) -> None:
    keys = {"a/b\ufffdff/x": b"1", "a/y\nz": b"22", "b/x": b"333"}
    assert {one.key: bytes(store.get(one.key).data) for one in store.list()} == keys
    assert listed(store, "a/b\ufffdff") == ["a/b\ufffdff/x"]
    found = store.dirs("a")
    assert (found.prefixes, [one.key for one in found.objects]) == (["a/b\ufffdff/"], ["a/y\nz"])
    assert store.get_range("a/y\nz", 1, 5) == b"2"


def test_a_name_that_looks_like_another_is_its_own(store: Store, folder: Path) -> None:
    (folder / "a" / "b\ufffdff").mkdir()
    (folder / "a" / "b\ufffdff" / "x").write_bytes(b"other")
    assert bytes(store.get("a/b\ufffdff/x").data) == b"other"


def test_names_that_look_alike_have_keys_of_their_own(store: Store, folder: Path) -> None:
    (folder / "a" / "b\ufffdff").mkdir()
    (folder / "a" / "b\ufffdff" / "x").write_bytes(b"other")
    found = {one.key: bytes(store.get(one.key).data) for one in store.list("a")}
    assert found == {"a/b\ufffdff/x": b"other", "a/b\ufffd=ff/x": b"1", "a/y\nz": b"22"}
    assert store.dirs("a").prefixes == ["a/b\ufffd=ff/", "a/b\ufffdff/"]
    assert listed(store, "a/b\ufffd=ff") == ["a/b\ufffd=ff/x"]


def test_tags_are_those_that_obstore_gives(store: Store, folder: Path) -> None:
    """What was recorded by them stays what it is."""
    theirs = LocalStore(folder).head("b/x")
    ours = store.head("b/x")
    assert ours == store.get("b/x").info == next(iter(store.list("b")))
    assert (ours.etag, ours.size) == (theirs["e_tag"], theirs["size"])
    assert ours.modified_ms == int(theirs["last_modified"].timestamp() * 1000)


def test_pages_have_a_limit(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "_PAGE", 2)
    for number in range(5):
        (folder / "b" / f"{number}").touch()
    pages = [page.keys for page in store.pages("b")]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert sorted(key for page in pages for key in page) == [*(f"b/{number}" for number in range(5)), "b/x"]


def test_what_leads_back_or_nowhere_is_listed_as_barred(store: Store, folder: Path) -> None:
    (folder / "b" / "up").symlink_to("..")
    (folder / "b" / "gone").symlink_to("none")
    (folder / "there").symlink_to("b")  # no circle: it is read under both names
    [page] = store.pages()
    assert page.barred == {"b/up/", "b/gone", "there/up/", "there/gone"}
    assert {"b/x", "there/x"} <= set(page.keys)
    assert {one.key for one in store.dirs("b").objects if one.barred} == {"b/gone"}
    assert listed(store, "b/up") == ["b/up/"]
    for key, why in (("b/up/", "leads back"), ("b/gone", "not there")):
        with pytest.raises(StoreError, match=why):
            store.get(key)


def test_a_folder_that_may_not_be_read(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def closed(path: str) -> object:
        if path == f"{folder}/b":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(disk.os, "scandir", closed)
    [page] = store.pages()
    assert (page.barred, len(page)) == ({"b/"}, 3)
    with pytest.raises(StoreError, match="may not be read"):
        store.get("b/")


@pytest.mark.parametrize("where", ["", "/b"])
def test_too_many_open_files_say_nothing_of_a_folder(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    real = os.scandir

    def no_more(path: str) -> object:
        if path == f"{folder}{where}":
            raise OSError(errno.EMFILE, "Too many open files", path)
        return real(path)

    monkeypatch.setattr(disk.os, "scandir", no_more)
    with pytest.raises(OutOfFilesError):
        list(store.list())
    with pytest.raises(OutOfFilesError):
        store.dirs(where.strip("/"))
    if where:
        with pytest.raises(OutOfFilesError):
            store.get("b/")


@pytest.mark.parametrize("key", ["p", "/dev/zero"])
def test_pipes_and_devices_are_not_waited_for(store: Store, folder: Path, key: str) -> None:
    os.mkfifo(folder / "p")
    (folder / "zero").symlink_to("/dev/zero")
    with pytest.raises(StoreError, match="pipe"):
        store.get(key.rpartition("/")[2])


@pytest.mark.parametrize("key", ["a/../b/x", "../root/b/x", "b//x", "/b/x", "b/", "./b/x", "a\0b"])
def test_nothing_leads_out(store: Store, key: str) -> None:
    with pytest.raises(UsageError):
        store.get(key)


def test_a_folder_is_no_object(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.get("b")


def test_a_file_that_shrinks_is_told(folder: Path) -> None:
    got = disk.Disk(str(folder)).get("b/x")
    (folder / "b" / "x").write_bytes(b"")
    with pytest.raises(ChangedError):
        got.bytes()
