"""Nothing in a tar leads out of its folder, and nothing of it is lost in silence."""

from __future__ import annotations

import tarfile
import time
from pathlib import Path

import pytest

from bondstore.errors import DamagedError
from bondstore.vault.legacy.content import Source
from bondstore.vault.legacy.tars import Member, Walk
from bondstore.vault.legacy.unpack import Unpacking
from tests.vault.rooms import Room, digest, digests, tree
from tests.vault.test_content import info, made


def hostile(name: str, content: bytes = b"hostile", **facts: object) -> tuple[tarfile.TarInfo, bytes]:
    return info(name, len(content), **facts), content


def link(name: str, target: str, kind: bytes) -> tuple[tarfile.TarInfo, bytes]:
    return info(name, 0, type=kind, linkname=target), b""


GOOD = hostile("P1/good.txt", b"good")


def refused(room: Room, name: str = "t.tar") -> dict[str, str]:
    return {one["name"]: one["note"] for one in room.listed(name) if one["kind"] == "refused"}


@pytest.mark.parametrize(
    ("member", "why"),
    [
        (hostile("/etc/passwd"), "its path is absolute"),
        (hostile("//etc/passwd"), "its path is absolute"),
        (hostile("../out"), "its path leads out of the folder"),
        (hostile("P1/../../out"), "its path leads out of the folder"),
        (hostile("P1/./.."), "its path leads out of the folder"),
        (link("P1/a", "/etc", tarfile.SYMTYPE), "what it leads to is absolute"),
        (link("P1/a", "../../etc", tarfile.SYMTYPE), "what it leads to leads out of the folder"),
        (link("P1/a", "../etc/passwd", tarfile.LNKTYPE), "what it leads to leads out of the folder"),
        (link("P1/a", "/etc/passwd", tarfile.LNKTYPE), "what it leads to is absolute"),
        (link("P1/null", "", tarfile.CHRTYPE), "it is a device, a pipe or of an unknown kind"),
        (link("P1/disk", "", tarfile.BLKTYPE), "it is a device, a pipe or of an unknown kind"),
        (link("P1/pipe", "", tarfile.FIFOTYPE), "it is a device, a pipe or of an unknown kind"),
        (hostile("P1/part", type=b"M"), "it is a device, a pipe or of an unknown kind"),
        (hostile("", pax_headers={"path": "/etc/passwd"}), "its path is absolute"),
        (hostile("P1/x", pax_headers={"path": "../x"}), "its path leads out of the folder"),
        (hostile("P1/x", pax_headers={"GNU.sparse.name": "/etc/x"}), "its path is absolute"),
    ],
)
def test_what_leads_out_is_refused_and_named_and_all_else_is_unpacked(
    room: Room, member: tuple[tarfile.TarInfo, bytes], why: str
) -> None:
    room.seal("t.tar.enc", made(member, GOOD, form=tarfile.PAX_FORMAT))

    result = room.run()

    assert room.kinds(result) == {"t.tar.enc": "member-refused"}
    assert result.tally.quarantined.objects == 1
    assert list(refused(room).values()) == [why]
    assert room.files() == {"t.tar.files/P1/good.txt": digest(b"good")}
    assert not (room.dest.parent / "out").exists()


def test_nothing_is_written_through_a_link(room: Room, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    members = (link("P1", str(outside), tarfile.SYMTYPE), hostile("P1/through.txt"))
    room.seal("t.tar.enc", made(*members))

    room.run()

    assert list(outside.iterdir()) == []
    assert room.files() == {"t.tar.files/P1/through.txt": digest(b"hostile")}
    assert not any(path.is_symlink() for path in room.dest.rglob("*"))


def test_links_inside_are_listed_and_nothing_is_missing(room: Room) -> None:
    members = (GOOD, link("P1/a", "good.txt", tarfile.SYMTYPE), link("P1/b", "P1/good.txt", tarfile.LNKTYPE))
    room.seal("t.tar.enc", made(*members))

    result = room.run()

    assert result.state == "finished"
    assert room.kinds(result) == {"t.tar.enc": "link-left-out"}
    notes = {one["name"]: one["note"] for one in room.listed("t.tar") if one["kind"] == "link"}
    assert notes == {"P1/a": "link to P1/good.txt", "P1/b": "link to P1/good.txt"}


def test_two_members_of_one_name_are_both_kept(room: Room) -> None:
    room.seal("t.tar.enc", made(*(hostile("P1/x.txt", content) for content in (b"one", b"two", b"three"))))

    result = room.run()

    assert result.state == "finished"
    assert room.kinds(result) == {"t.tar.enc": "name-repeated"}
    assert room.files() == {
        f"t.tar.files/P1/x.txt{end}": digest(content)
        for end, content in (("", b"one"), ("~2", b"two"), ("~3", b"three"))
    }


def test_another_name_is_never_that_of_a_folder(room: Room) -> None:
    room.seal("t.tar.enc", made(*(hostile(name) for name in ("x~2/y", "x", "x"))))

    result = room.run()

    assert result.state == "finished"
    assert set(room.files()) == {f"t.tar.files/{name}" for name in ("x~2/y", "x", "x~3")}


def test_thousands_of_one_name_take_no_longer_than_others() -> None:
    written: list[str] = []
    unpacking = Unpacking("t", lambda path, _chunks, _time: written.append(path), lambda: None)
    before = time.process_time()
    for _ in range(20_000):
        unpacking.take(Member("x", "file", 0, 0, "", iter(())))
    assert len(set(written)) == 20_000
    assert time.process_time() - before < 10


@pytest.mark.parametrize("names", [("P1/x", "P1/x/y"), ("P1/x/y", "P1/x")])
def test_a_file_in_the_place_of_a_folder_is_refused(room: Room, names: tuple[str, str]) -> None:
    room.seal("t.tar.enc", made(*map(hostile, names)))

    room.run()

    assert refused(room) == {names[1]: "a file and a folder have one name"}
    assert len(room.files()) == 1


def test_names_that_a_disk_or_we_could_not_keep(room: Room) -> None:
    names = {
        "P1/caf\udce9.txt": "P1/caf%E9.txt",
        "P1/a\nb": "P1/a%0Ab",
        "P1/.hidden": "P1/.hidden",
        ".bondstore/ledger.sqlite": "%2Ebondstore/ledger.sqlite",
        "P1/100%": "P1/100%25",
        "./P1//dots": "P1/dots",
        f"P1/{'n' * 300}": None,
        "P1/日本 語": "P1/日本 語",
    }
    room.seal("t.tar.enc", made(*map(hostile, names)))

    assert room.run().state == "finished"

    found = {name.removeprefix("t.tar.files/") for name in room.files()}
    assert {one for one in names.values() if one} <= found
    assert len(found) == len(names)


def test_more_than_the_disk_has_room_for_is_not_begun(room: Room) -> None:
    huge = info("P1/huge", 0, type=tarfile.GNUTYPE_SPARSE)
    block = bytearray(made((huge, b""))[:512])
    block[386:398], block[398:410] = b"00000000000\0", b"00000000000\0"
    block[483:495] = b"\x80" + (1 << 60).to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    room.seal("a.tar.enc", bytes(block) + made(GOOD))
    room.seal("b.tar.enc", made(GOOD))

    result = room.run()

    assert room.kinds(result) == {"a.tar.enc": "no-room"}
    assert room.files() == digests({"b.tar.files/P1/good.txt": b"good"})
    assert room.run().plan.todo.objects == 1  # there may be room by now


def test_room_is_looked_at_for_each_member() -> None:
    free = iter([1000, 10])
    unpacking = Unpacking("t", lambda path, chunks, mtime: list(chunks) and None, lambda: next(free))
    walk = iter(Walk(Source([made(hostile("a", b"x" * 600), hostile("b", b"x" * 600))])))

    unpacking.take(next(walk))
    with pytest.raises(DamagedError) as caught:
        unpacking.take(next(walk))
    assert caught.value.kind == "no-room"


def test_an_empty_tar_and_one_of_folders_alone(room: Room) -> None:
    room.seal("a.tar.enc", made((info("P1", 0, type=tarfile.DIRTYPE), b""), (info(".", 0, type=tarfile.DIRTYPE), b"")))

    assert room.run().state == "finished"
    assert [one["path"] for one in room.listed("a.tar")] == ["P1", ""]
    assert tree(room.dest).keys() == {"a.tar.files.csv"}


def test_times_that_cannot_be_are_the_first_there_is(room: Room) -> None:
    odd = {"a": "nan", "b": "inf", "c": "-5", "d": "1e300", "e": "1400000000.5"}
    members = (hostile(name, pax_headers={"mtime": value}) for name, value in odd.items())
    room.seal("t.tar.enc", made(*members, form=tarfile.PAX_FORMAT))

    assert room.run().state == "finished"

    times = {name: (room.dest / "t.tar.files" / name).stat().st_mtime for name in odd}
    assert times == {"a": 0, "b": 0, "c": 0, "d": 0, "e": 1400000000.5}
