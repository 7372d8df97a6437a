"""One place decides modes; private folders that others can write to, and links, are refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from bondstore import modes
from bondstore.config.profiles import StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError, CredentialsError, PolicyError
from bondstore.ledger import Ledger
from bondstore.runs.folder_destination import FolderDestination
from bondstore.stores import Store, open_store


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def dest(tmp_path: Path) -> FolderDestination:
    return FolderDestination(tmp_path / "dest")


def show(dest: FolderDestination, path: str, data: bytes = b"x") -> None:
    writer = dest.writer()
    writer.write(path, [data])
    dest.show(writer.seal().staged)


def test_every_folder_that_is_made_has_the_mode_not_only_the_last(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        modes.make_folder(tmp_path / "a" / "b" / "c")
    finally:
        os.umask(before)
    assert [mode(tmp_path / one) for one in ("a", "a/b", "a/b/c")] == [0o700] * 3


def test_two_threads_may_make_the_same_folder_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One finds no folder above its own; before it looks again, the other has made it."""
    make, wanted = os.mkdir, tmp_path / "tmp" / "shard"

    def late(path: str, bits: int) -> None:
        if path == str(wanted) and not wanted.parent.exists():
            make(wanted.parent)
            raise FileNotFoundError(2, "No such file or directory", path)
        make(path, bits)

    monkeypatch.setattr(os, "mkdir", late)
    modes.make_path(str(wanted))
    assert wanted.is_dir()


def test_where_no_folder_can_be_made_that_is_told() -> None:
    with pytest.raises(ConfigurationError, match="/proc/of-mine"):
        modes.make_folder("/proc/of-mine/folder")


def test_a_group_that_is_not_yours_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import grp

    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(os, "getegid", lambda: 12345)
    monkeypatch.setattr(os, "getgroups", list)
    with pytest.raises(ConfigurationError, match="You are not in the group") as refused:
        modes.shared_with(grp.getgrall()[0].gr_name)
    assert "log in again" in refused.value.hint
    with pytest.raises(ConfigurationError, match="There is no group"):
        modes.shared_with("nobody-has-this-group")
    assert modes.shared_with(None) == modes.shared_with("") == modes.PRIVATE


def test_a_file_that_a_library_wrote_gets_the_mode(dest: FolderDestination) -> None:
    writer = dest.writer()
    temporary = writer.reserve()
    temporary.write_bytes(b"x")
    temporary.chmod(0o666)
    writer.adopt("a/b", temporary)
    dest.show(writer.seal().staged)
    assert mode(dest.root / "a" / "b") == 0o600
    assert mode(dest.root / "a") == 0o700


WAYS: dict[str, Callable[[FolderDestination], object]] = {
    "show": lambda dest: show(dest, "link/x"),
    "deep": lambda dest: show(dest, "link/deep/x"),
    "put": lambda dest: dest.put("link/x", [b"x"]),
    "append": lambda dest: dest.append("link/x", b"x"),
    "move to": lambda dest: (show(dest, "here"), dest.move([("here", "link/x")])),
    "move from": lambda dest: dest.move([("link/theirs", "here")]),
    "remove": lambda dest: dest.remove(["link/theirs"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_written_or_removed_through_a_link(dest: FolderDestination, tmp_path: Path, way: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "theirs").write_bytes(b"somebody else's")
    with dest.locked():
        (dest.root / "link").symlink_to(other)
        with pytest.raises(PolicyError, match="is a symbolic link"):
            WAYS[way](dest)
        assert {path.name: path.read_bytes() for path in other.iterdir()} == {"theirs": b"somebody else's"}
    following = FolderDestination(dest.root, follow_links=True)
    with following.locked():
        WAYS[way](following)


STORE_WAYS: dict[str, Callable[[Store], object]] = {
    "put": lambda store: store.put("link/x", b"x"),
    "stream": lambda store: store.put_stream("link/x", [b"x"]),
    "if absent": lambda store: store.put_if_absent("link/x", b"x"),
    "if unchanged": lambda store: store.put_if_unchanged("link/theirs", b"x", store.head("link/theirs").etag),
    "copy": lambda store: store.copy("here", "link/x"),
    "move to": lambda store: store.move("here", "link/x"),
    "move from": lambda store: store.move("link/theirs", "x"),
    "delete": lambda store: store.delete("link/theirs"),
}


@pytest.mark.parametrize("way", STORE_WAYS)
def test_a_store_in_a_folder_changes_nothing_through_a_link(tmp_path: Path, way: str) -> None:
    other, place = tmp_path / "other", tmp_path / "place"
    other.mkdir()
    place.mkdir()
    (other / "theirs").write_bytes(b"somebody else's")
    (place / "here").write_bytes(b"ours")
    (place / "link").symlink_to(other)
    with pytest.raises(PolicyError, match="is a symbolic link"):
        STORE_WAYS[way](open_store(StoreSpec(place.as_uri())))
    assert {path.name: path.read_bytes() for path in other.iterdir()} == {"theirs": b"somebody else's"}
    STORE_WAYS[way](open_store(StoreSpec(place.as_uri(), follow_links=True)))


def test_a_link_in_the_place_of_a_file_is_replaced_and_not_followed(dest: FolderDestination, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"somebody else's")
    with dest.locked():
        for name in ("one", "two", "three", "four"):
            (dest.root / name).symlink_to(other)
        show(dest, "one", b"ours")
        dest.put("two", [b"ours"])
        dest.remove(["three"])
        with pytest.raises(ConfigurationError):
            dest.append("four", b"ours")
    assert other.read_bytes() == b"somebody else's"
    assert (dest.root / "one").read_bytes() == (dest.root / "two").read_bytes() == b"ours"
    assert not (dest.root / "three").is_symlink()


@pytest.mark.parametrize("name", [".bondstore", ".bondstore/tmp", ".bondstore/quarantine", ".bondstore/ledger.sqlite"])
def test_no_link_leads_out_of_the_private_folder(dest: FolderDestination, tmp_path: Path, name: str) -> None:
    other = tmp_path / "other"
    (other / "tmp").mkdir(parents=True)
    (other / "tmp" / "theirs").write_bytes(b"somebody else's")
    link = dest.root / name
    link.parent.mkdir(parents=True, mode=0o700)
    link.symlink_to(other)
    for one in (dest, FolderDestination(dest.root, follow_links=True)):
        with pytest.raises(PolicyError, match="is a symbolic link"), one.locked():
            raise AssertionError
    assert (other / "tmp" / "theirs").exists()


@pytest.mark.parametrize("bits", [0o777, 0o702, 0o1777])
def test_a_private_folder_that_others_can_write_to_is_refused(
    dest: FolderDestination, tmp_path: Path, bits: int
) -> None:
    dest.prepare()
    dest.corner.chmod(bits)
    with pytest.raises(PolicyError, match="Others can write to") as refused, dest.locked():
        raise AssertionError
    assert refused.value.hint.endswith(f"chmod go-w '{dest.corner}'")
    assert mode(dest.corner) == bits
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(bits)
    with pytest.raises(PolicyError, match="Others can write to"):
        Ledger(state / "ledger.sqlite")
    assert list(state.iterdir()) == []


@pytest.mark.parametrize("bits", [0o777, 0o702])
def test_who_only_reads_refuses_such_a_folder_too(dest: FolderDestination, bits: int) -> None:
    with dest.locked(), dest.ledger():
        pass
    dest.corner.chmod(bits)
    for ask in (lambda: dest.ledger(create=False), lambda: Ledger(dest.ledger_path, create=False)):
        with pytest.raises(PolicyError, match="Others can write to"):
            ask()


def test_on_a_disk_that_nobody_can_write_to_it_is_read(
    dest: FolderDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dest.locked(), dest.ledger():
        pass
    dest.corner.chmod(0o777)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result([0, 0, 0, 0, 0, 0, 0, 0, os.ST_RDONLY, 255]))
    with dest.ledger(create=False) as ledger:
        assert ledger.runs.newest_first() == []


@pytest.mark.parametrize("name", [".bondstore", ".bondstore/ledger.sqlite"])
@pytest.mark.parametrize("create", [True, False])
def test_no_ledger_is_opened_where_a_link_leads(
    dest: FolderDestination, tmp_path: Path, name: str, create: bool
) -> None:
    with dest.locked(), dest.ledger():
        pass
    (dest.root / name).rename(tmp_path / "moved")
    (dest.root / name).symlink_to(tmp_path / "moved")
    with pytest.raises(PolicyError, match="is a symbolic link"):
        dest.ledger(create=create)


def test_nothing_is_added_to_a_file_outside_through_the_private_folder(dest: FolderDestination, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"[1]\n")
    following = FolderDestination(dest.root, follow_links=True)
    with following.locked():
        (dest.corner / "a.txt").symlink_to(other)
        (dest.root / "b.txt").symlink_to(other)
        with pytest.raises(ConfigurationError):
            following.append(".bondstore/a.txt", b"x")
        assert other.read_bytes() == b"[1]\n"
        following.append("b.txt", b"[2]\n")
    assert other.read_bytes() == b"[1]\n[2]\n"


def test_a_folder_that_only_begins_as_the_private_one_is_not_private(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    dest = FolderDestination(tmp_path / "dest", modes.Modes("lab", os.getegid(), 0o2750, 0o640), follow_links=True)
    with dest.locked():
        show(dest, ".bondstore-old/a/x")
        show(dest, ".bondstore/parts/x")
        (dest.root / ".bondstore-link").symlink_to(other)
        show(dest, ".bondstore-link/x")
    assert [mode(dest.root / one) for one in (".bondstore-old/a", ".bondstore-old/a/x")] == [0o2750, 0o640]
    private = (".bondstore/parts", ".bondstore/parts/x")
    assert [mode(dest.root / one) & 0o777 for one in private] == [0o700, 0o600]  # a disk hands setgid down
    assert (other / "x").exists()


def test_each_folder_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    looked: list[str] = []
    look = os.path.islink
    monkeypatch.setattr(os.path, "islink", lambda path: (looked.append(str(path)), look(path))[1])
    folders = modes.Folders(str(tmp_path))
    for _ in range(3):
        folders.check(str(tmp_path / "a" / "b"))
        folders.check(str(tmp_path / "a" / "missing"))
    assert looked == [str(tmp_path / "a"), str(tmp_path / "a" / "b")]
    folders.need(str(tmp_path / "a" / "missing"))
    assert (tmp_path / "a" / "missing").is_dir()


def test_who_may_not_look_at_the_record_of_another_is_told(
    dest: FolderDestination, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Path.stat

    def refused(path: Path, **how: bool) -> os.stat_result:
        if path == dest.ledger_path:
            raise PermissionError(13, "Permission denied")
        return look(path, **how)

    monkeypatch.setattr(Path, "stat", refused)
    for ask in (dest.has_record, lambda: dest.ledger(create=False)):
        with pytest.raises(ConfigurationError, match="only its owner can open"):
            ask()


def test_a_key_in_a_folder_that_others_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    key = folder / "key"
    key.write_text("secret value")
    key.chmod(0o600)
    reference = SecretRef.parse(f"file:{key}")
    folder.chmod(0o707)
    with pytest.raises(CredentialsError, match="exchange it") as refused:
        reference.resolve()
    assert refused.value.hint == f"Run: chmod go-w '{folder}'"
    folder.chmod(0o1777)  # as /tmp is: nobody can exchange a file of another there
    assert reference.resolve().reveal() == "secret value"
    folder.chmod(0o755)
    assert reference.resolve().reveal() == "secret value"


def test_the_group_that_an_account_has_for_itself_is_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    folder.chmod(0o775)
    monkeypatch.setattr(modes, "_is_own_group", lambda gid: gid == folder.stat().st_gid)
    modes.refuse_writable(folder)
    monkeypatch.setattr(modes, "_is_own_group", lambda gid: False)
    with pytest.raises(PolicyError):
        modes.refuse_writable(folder)
