from __future__ import annotations

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pytest

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.errors import NoSpaceError, NotFoundError, ReadOnlyError, UsageError
from bondstore.stores import Store, open_store
from tests.servers.seaweedfs import SeaweedFS
from tests.stores.rigs import s3_profile


def test_memory_stores_are_shared_by_name() -> None:
    open_store("memory://shared").put("x", b"1")
    assert bytes(open_store("memory://shared").get("x").data) == b"1"
    with pytest.raises(NotFoundError):
        open_store("memory://another").get("x")


def test_a_read_only_profile_cannot_be_overruled() -> None:
    profile = Profile(read_only=True)
    for read_only in (None, True, False):
        with pytest.raises(ReadOnlyError):
            open_store("memory://r", profile, read_only=read_only).put("x", b"")
    assert open_store("memory://r").read_only is False


def test_a_spec_opens_what_its_address_does(folder: Path) -> None:
    spec = StoreSpec(folder.as_uri(), Profile(name="lab"))
    store = open_store(spec)
    assert (store.spec, store.url) == (spec, folder.as_uri())
    assert open_store(spec, Profile(read_only=True)).read_only


def test_opening_connects_nowhere() -> None:
    open_store("s3://bucket", s3_profile("http://127.0.0.1:1"))
    with pytest.raises(UsageError):
        open_store("ftp://x")


def read_in_worker(store: Store, keys: list[str]) -> list[bytes]:
    return [bytes(one.data) for one in store.get_many(keys)]  # type: ignore[union-attr]


def test_a_store_goes_into_spawned_processes(seaweedfs: SeaweedFS, bucket: str) -> None:
    store = open_store(f"s3://{bucket}", s3_profile(seaweedfs.endpoint))
    for n in range(6):
        store.put(f"k/{n}", str(n).encode())
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        found = pool.starmap(read_in_worker, [(store, [f"k/{n}", f"k/{n + 1}"]) for n in (0, 2, 4)])
    assert found == [[b"0", b"1"], [b"2", b"3"], [b"4", b"5"]]


def test_a_folder_store_keeps_to_its_folder(folder: Path) -> None:
    (folder.parent / "outside").write_bytes(b"secret")
    store = open_store(folder.as_uri())
    for key in ("../outside", "a/../../outside", str(folder.parent / "outside"), "..%2Foutside"):
        with pytest.raises((UsageError, NotFoundError)):
            store.get(key)
    store.put("..%2Foutside", b"x")
    assert (folder.parent / "outside").read_bytes() == b"secret"
    assert [one.key for one in store.list()] == ["..%2Foutside"]


def test_a_full_disk(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True).returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        store = open_store(small.as_uri())
        with pytest.raises(NoSpaceError):
            store.put("x", bytes(3_000_000))
        assert [path.name for path in small.rglob("*") if path.is_file()] == []
        store.put("y", bytes(300_000))
    finally:
        subprocess.run(["umount", small], check=True)


def test_importing_the_stores_is_light() -> None:
    heavy = ("obstore", "polars", "boto3", "pydantic")
    code = f"import bondstore.stores, sys; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
