"""Files become visible whole and together, or leave nothing behind."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.errors import ConfigurationError, CredentialsError, Exit, NoSpaceError, NotFoundError
from bondstore.ledger import Output
from bondstore.runs.durable import OutputGroup, rename_new
from bondstore.runs.folder_destination import FolderDestination
from tests.runs.conftest import SmallDisk

BIG = 2 << 20


def files(folder: Path) -> dict[str, bytes]:
    found = folder.rglob("*")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.is_file()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    made = tmp_path / "root"
    made.mkdir()
    return made


@pytest.fixture
def group(root: Path) -> OutputGroup:
    return OutputGroup(root, root / ".scratch" / "one")


def test_nothing_is_visible_before_the_commit(group: OutputGroup, root: Path) -> None:
    group.write("a/one.csv", [b"he", b"", b"llo"])
    group.write("a/b/two.csv", [])
    group.write("three", [b"3"])
    assert not any(path.startswith(("a", "three")) for path in files(root))
    written = group.commit()
    assert files(root) == {"a/one.csv": b"hello", "a/b/two.csv": b"", "three": b"3"}
    assert [one.path for one in written] == ["a/one.csv", "a/b/two.csv", "three"]
    assert not (root / ".scratch" / "one").exists()


def test_what_a_commit_will_show_is_known_before(group: OutputGroup, root: Path) -> None:
    one = group.write("a/one.csv", [b"hello"])
    reserved = group.reserve()
    reserved.write_bytes(b"2")
    two = group.adopt("two", reserved)
    assert group.waiting == (one, two)
    assert group.commit() == [one, two]
    assert group.waiting == ()


def test_what_is_told_of_a_file_is_true(group: OutputGroup, root: Path) -> None:
    data = bytes(range(256)) * 5000
    group.write("x", [data[:1000], memoryview(data)[1000:]])
    (told,) = group.commit()
    stat = (root / "x").stat()
    assert (told.size, told.mtime_ns, told.sha256) == (stat.st_size, stat.st_mtime_ns, hashlib.sha256(data).digest())
    assert FolderDestination(root).holds(Output(told.path, told.sha256, told.size, told.mtime_ns))


def test_buffers_of_any_shape_are_written_as_their_bytes(group: OutputGroup, root: Path) -> None:
    grid = np.arange(12, dtype="<i4").reshape(3, 4)
    group.write("grid", [grid, grid.astype("f8"), bytearray(b"end")])
    group.commit()
    assert (root / "grid").read_bytes() == grid.tobytes() + grid.astype("f8").tobytes() + b"end"


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.from_regex(r"[a-c]/[a-z]{1,3}", fullmatch=True), st.lists(st.binary(max_size=50)), max_size=6)
)
def test_any_group_comes_out_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, made: dict[str, list[bytes]]
) -> None:
    root = tmp_path_factory.mktemp("group")
    group = OutputGroup(root, root / "scratch")
    for path, chunks in made.items():
        group.write(path, chunks)
    group.commit()
    assert files(root) == {path: b"".join(chunks) for path, chunks in made.items()}


def test_a_discarded_group_leaves_nothing(group: OutputGroup, root: Path) -> None:
    (root / "a").write_bytes(b"old")
    group.write("a", [b"new"])
    group.write("b/c", [b"new"])
    group.discard()
    assert files(root) == {"a": b"old"}
    assert not (root / "b").exists()
    assert not (root / ".scratch" / "one").exists()
    assert group.commit() == []
    group.discard()


def test_a_group_can_be_used_again(group: OutputGroup, root: Path) -> None:
    for name in ("a", "b"):
        group.write(f"d/{name}", [name.encode()])
        assert [one.path for one in group.commit()] == [f"d/{name}"]
    group.write("c", [b"x"])
    group.discard()
    assert files(root) == {"d/a": b"a", "d/b": b"b"}


def test_an_old_file_is_replaced_whole(group: OutputGroup, root: Path) -> None:
    (root / "a").write_bytes(b"old and longer")
    with (root / "a").open("rb") as reader:
        group.write("a", [b"new"])
        assert (root / "a").read_bytes() == b"old and longer"
        group.commit()
        assert reader.read() == b"old and longer"
    assert (root / "a").read_bytes() == b"new"


def test_two_groups_do_not_meet(root: Path) -> None:
    destination = FolderDestination(root)
    one, other = destination.group(), destination.group()
    one.write("a", [b"1"])
    other.write("b", [b"2"])
    one.discard()
    other.commit()
    assert files(root) == {"b": b"2"}


def test_a_file_that_others_wrote_is_adopted(group: OutputGroup, root: Path) -> None:
    temporary = group.reserve()
    temporary.write_bytes(b"table")
    assert group.reserve() != temporary
    told = group.adopt("t/x.parquet", temporary)
    assert (told.size, told.sha256) == (5, hashlib.sha256(b"table").digest())
    assert "t/x.parquet" not in files(root)
    group.commit()
    assert files(root) == {"t/x.parquet": b"table"}


@pytest.mark.parametrize(
    "error",
    [
        NotFoundError("gone", hint="h"),
        CredentialsError("no"),
        ConfigurationError("c"),
        ValueError("v"),
        KeyboardInterrupt(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_source_raises_comes_through_and_leaves_nothing(
    group: OutputGroup, root: Path, error: BaseException
) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise error

    group.write("good", [b"good"])
    with pytest.raises(type(error)) as raised:
        group.write("bad", chunks())
    assert raised.value is error
    assert list(files(root).values()) == [b"good"]
    group.commit()
    assert files(root) == {"good": b"good"}


def test_a_folder_in_the_way_is_explained(group: OutputGroup, root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    group.write("a", [b"x"])
    with pytest.raises(ConfigurationError) as refused:
        group.commit()
    assert refused.value.hint
    group.discard()
    assert files(root) == {}


def test_a_full_disk_is_named_and_leaves_nothing(small_disk: SmallDisk) -> None:
    root = small_disk.path
    group = OutputGroup(root, root / "scratch")
    group.write("small", [b"fits"])
    with pytest.raises(NoSpaceError) as refused:
        group.write("big", iter([bytes(BIG // 32)] * 32))
    assert refused.value.exit_code is Exit.UNEXPECTED
    assert str(root) in refused.value.message
    assert refused.value.hint
    assert list(files(root).values()) == [b"fits"]  # the half-written one gave its room back
    group.commit()
    assert files(root) == {"small": b"fits"}
    small_disk.grow()
    group.write("big", [bytes(BIG)])
    group.commit()
    assert files(root) == {"small": b"fits", "big": bytes(BIG)}


def test_one_large_chunk_meets_a_full_disk_too(small_disk: SmallDisk) -> None:
    group = OutputGroup(small_disk.path, small_disk.path / "scratch")
    with pytest.raises(NoSpaceError):
        group.write("big", [bytes(BIG)])
    group.discard()
    assert list(small_disk.path.iterdir()) == []


def use_up_folders(root: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        any((root / os.urandom(8).hex()).mkdir() for _ in range(10_000))


def test_a_disk_without_room_for_folders_is_full(small_tmpfs: SmallDisk) -> None:
    root = small_tmpfs.path
    group = OutputGroup(root, root / "scratch")
    group.write("some/deep/folder/x", [b"x"])
    use_up_folders(root)
    with pytest.raises(NoSpaceError):
        group.commit()
    group.discard()
    assert files(root) == {}
    use_up_folders(root)
    with pytest.raises(NoSpaceError):
        OutputGroup(root, root / "more").write("y", [b"y"])


@pytest.mark.parametrize("kind", ["file", "folder", "link to nothing"])
@pytest.mark.parametrize("old", ["a file", "a folder"])
def test_a_new_name_never_replaces_what_has_it(tmp_path: Path, kind: str, old: str) -> None:
    (tmp_path / "a file").write_bytes(b"own")
    (tmp_path / "a folder").mkdir()
    new = tmp_path / "new"
    if kind == "file":
        new.write_bytes(b"somebody's")
    elif kind == "folder":
        new.mkdir()
    else:
        new.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        rename_new(str(tmp_path / old), str(new))
    assert (tmp_path / old).exists()
    assert new.is_symlink() or new.is_dir() or new.read_bytes() == b"somebody's"
    rename_new(str(tmp_path / old), str(tmp_path / "free"))
    assert not (tmp_path / old).exists()
    with pytest.raises(FileNotFoundError):
        rename_new(str(tmp_path / old), str(tmp_path / "free too"))
