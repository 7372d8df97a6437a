"""Old archives come out byte by byte as they went in, or not at all."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import stat
import uuid
from pathlib import Path

import pytest

from bondstore.codecs.openssl import Variant, variants
from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.errors import CredentialsError, NothingThereError, PolicyError
from bondstore.runs.executors import Processes, Threads
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from bondstore.vault.legacy.findings import LEGACY
from bondstore.vault.legacy.job import prepare
from bondstore.vault.legacy.unseal import ASK, LIST
from tests.openssl_program import unseal
from tests.servers.seaweedfs import ACCESS_KEY, SECRET_KEY, SeaweedFS
from tests.stores.rigs import s3_rig
from tests.vault import contents
from tests.vault.contents import FILES
from tests.vault.rooms import AES, DES, PASSPHRASE, Room, below, digest, digests, refs, tree
from tests.vault.test_content import NAMES

FOUND = {word: one.sentence for word, one in LEGACY.items()}


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return contents.every_kind(tmp_path_factory.mktemp("tree"))


@pytest.mark.parametrize("also", [(), ("-nopad",), ("-a",)], ids=" ".join)
def test_every_way_of_openssl_is_found(room: Room, every: dict[str, bytes], also: tuple[str, ...]) -> None:
    ways: list[Variant] = list(variants(777))
    for number, way in enumerate(ways):
        room.seal(f"{number}.tar.enc", every["tar"], *str(way).split(), *also)

    result = room.run(rounds=777)

    assert result.state == "finished"
    assert room.files() == {
        name: content for number in range(len(ways)) for name, content in below(f"{number}.tar.files", FILES).items()
    }


def test_an_old_salted_archive_that_opens_only_with_md5(room: Room, every: dict[str, bytes]) -> None:
    """As openssl before 1.1.0 wrote it. The program of today takes SHA-256, and opens it with MD5 alone."""
    sealed = room.seal("old.tar.enc", every["tar"], "-des-cbc", "-md", "md5").read_bytes()
    assert sealed.startswith(b"Salted__")
    assert unseal(sealed, PASSPHRASE, "-des-cbc")[1] != every["tar"]
    assert unseal(sealed, PASSPHRASE, "-des-cbc", "-md", "md5") == (0, every["tar"])
    assert room.run().state == "finished"
    assert room.files() == below("old.tar.files", FILES)


@pytest.mark.parametrize("how", [DES, AES], ids=" ".join)
@pytest.mark.parametrize("also", [(), ("-nopad",)], ids=" ".join)
def test_every_kind_of_content_comes_out_as_it_went_in(
    room: Room, every: dict[str, bytes], how: tuple[str, ...], also: tuple[str, ...]
) -> None:
    sealed = {name: content for name, content in every.items() if not also or len(content) % 16 == 0}
    for name, content in sealed.items():
        room.seal(f"lab/{name}.enc", content, *how, *also)

    result = room.run(keep_tar=True)

    assert result.tally.done.objects == len(sealed) > 3
    assert room.files() == below("lab", sealed)


def test_a_tar_is_unpacked_and_listed(room: Room, every: dict[str, bytes]) -> None:
    room.seal("lab/P1.tar.gz.enc", every["tar.gz"])

    assert room.run().state == "finished"

    assert room.files() == below("lab/P1.tar.gz.files", FILES)
    lines = {one["path"]: one for one in room.listed("lab/P1.tar.gz")}
    assert {name for name, one in lines.items() if one["kind"] == "file"} == FILES.keys()
    assert lines["P1/notes.txt"]["bytes"] == "300"
    assert lines["P1/notes.txt"]["sha256"] == hashlib.sha256(FILES["P1/notes.txt"]).hexdigest()
    assert lines["P1/day 2"]["kind"] == "folder"


def test_files_are_their_owners_alone_and_keep_their_times(room: Room, tmp_path: Path) -> None:
    contents.tree(tmp_path / "tree")
    os.utime(tmp_path / "tree" / "P1" / "notes.txt", (1_400_000_000, 1_400_000_000))
    done = contents.subprocess.run(["tar", "-C", tmp_path / "tree", "-cf", "-", "P1"], capture_output=True, check=True)
    room.seal("P1.tar.enc", done.stdout)

    room.run()

    found = (room.dest / "P1.tar.files" / "P1" / "notes.txt").stat()
    assert found.st_mtime == 1_400_000_000
    assert stat.S_IMODE(found.st_mode) == 0o600
    assert stat.S_IMODE((room.dest / "P1.tar.files" / "P1").stat().st_mode) == 0o700
    assert {one["path"]: one["modified"] for one in room.listed("P1.tar")}["P1/notes.txt"] == "2014-05-13 16:53:20Z"
    assert room.run().tally.skipped.objects == 1


@pytest.mark.slow
@pytest.mark.parametrize(("names", "also"), [(("tar.gz", "MP4"), ()), (("tar", "AVI"), ("-nopad",))])
def test_500_wrong_passphrases_open_nothing(
    room: Room, every: dict[str, bytes], names: tuple[str, ...], also: tuple[str, ...]
) -> None:
    for name in names:
        content = every[name]
        room.seal(f"{name}.enc", content + bytes(-len(content) % 16), *DES, *also)
    wrong = random.Random(11)

    result = room.run(passphrases=refs(*(f"{wrong.random()}" for _ in range(500))))

    assert result.tally.quarantined.objects == 2
    assert set(room.kinds(result).values()) == {"wrong-passphrase"}
    assert tree(room.dest) == {}


def test_the_right_one_among_several_is_found(room: Room, every: dict[str, bytes]) -> None:
    room.seal("a.tar.enc", every["tar"], passphrase="first")
    room.seal("b.tar.enc", every["tar"], *AES, passphrase="second")

    assert room.run(passphrases=refs("none", "second", "first")).state == "finished"


@pytest.mark.parametrize("typed", [PASSPHRASE, "pâté", "пароль"])
def test_a_passphrase_may_have_been_typed_in_utf8_or_latin1(room: Room, every: dict[str, bytes], typed: str) -> None:
    room.seal("a.tar.enc", every["tar"], passphrase=typed)
    if typed == "pâté":
        (room.source / "pass").write_bytes(typed.encode("latin-1"))
        sealed = contents.subprocess.run(
            ["openssl", "enc", "-aes-128-cbc", "-kfile", room.source / "pass"],
            input=every["tar"],
            capture_output=True,
            check=True,
        )
        (room.source / "b.tar.enc").write_bytes(sealed.stdout)
        (room.source / "pass").unlink()

    assert room.run(passphrases=refs(typed)).state == "finished"


def test_an_archive_that_was_encrypted_twice_is_opened(room: Room, every: dict[str, bytes]) -> None:
    once = room.seal("P1.tar.gz.enc", every["tar.gz"]).read_bytes()
    twice = room.seal("P1.tar.gz.enc", once, *AES).read_bytes()
    room.seal("P1.tar.gz.enc.enc", twice)
    (room.source / "P1.tar.gz.enc").unlink()

    assert room.run().state == "finished"

    assert room.files() == below("P1.tar.gz.files", FILES)


# What goes wrong, each in a sentence of its own


def test_a_wrong_passphrase_damage_and_another_kind_of_file_are_told_apart(room: Room, every: dict[str, bytes]) -> None:
    room.seal("wrong.enc", every["tar"], passphrase="another")
    gz = bytearray(room.seal("flipped.enc", every["tar.gz"]).read_bytes())
    gz[len(gz) // 2] ^= 1
    (room.source / "flipped.enc").write_bytes(gz)
    whole = room.seal("cut.enc", every["tar.gz"]).read_bytes()
    (room.source / "cut.enc").write_bytes(whole[: len(whole) // 2])
    room.seal("text.enc", b"time,x\n1,2\n" * 500)
    room.seal("open.enc", contents.edf(stated=-1))
    (room.source / "readme.txt").write_text("not encrypted")
    room.seal("good.enc", every["AVI"])

    result = room.run()

    assert room.kinds(result) == {
        "wrong.enc": "wrong-passphrase",
        "flipped.enc": "content-damaged",
        "cut.enc": "stops-early",
        "text.enc": "content-unknown",
        "open.enc": "content-unproved",
        "readme.txt": "not-openssl",
    }
    assert len({one.message for one in room.findings(result.run)}) == 6
    assert room.files() == {"good": digest(every["AVI"])}
    assert (result.tally.done.objects, result.tally.quarantined.objects) == (1, 6)


@pytest.mark.parametrize("how", [DES, AES, (*AES, "-a")], ids=" ".join)
def test_an_archive_cut_anywhere_gives_nothing(room: Room, every: dict[str, bytes], how: tuple[str, ...]) -> None:
    places = random.Random(12)
    for name in NAMES:
        whole = room.seal("whole", every[name].rstrip(b"\0") + bytes(512), *how).read_bytes()
        for number in range(3):
            (room.source / f"{name} {number}").write_bytes(whole[: places.randrange(5000, len(whole) - 600)])
        (room.source / "whole").unlink()

    result = room.run()

    assert set(room.kinds(result).values()) <= {"stops-early", "content-damaged"}
    assert result.tally.done.objects == 0
    assert tree(room.dest) == {}


def test_a_bit_that_changed_in_gzip_is_found_wherever(room: Room, every: dict[str, bytes]) -> None:
    whole = room.seal("whole", every["tar.gz"], *AES).read_bytes()
    (room.source / "whole").unlink()
    places = random.Random(13).sample(range(4200, len(whole) - 24), k=25)
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        (room.source / f"{place}.enc").write_bytes(changed)

    result = room.run()

    assert set(room.kinds(result).values()) <= {"stops-early", "content-damaged"}
    assert result.tally.quarantined.objects == 25
    assert tree(room.dest) == {}


def test_a_tar_that_stops_early_names_its_last_whole_member(room: Room, every: dict[str, bytes]) -> None:
    place = every["tar"].index(b"P1/P1_1.edf\0")
    room.seal("P1.tar.enc", every["tar"][: place + 20_000])
    before = every["tar"][:place].count(b"ustar")

    result = room.run()

    (finding,) = room.findings(result.run)
    assert before >= 1
    assert "The last whole member is P1" in finding.message
    assert tree(room.dest) == {}


def test_what_is_whole_of_a_broken_tar_is_written_where_that_is_asked_for(room: Room, every: dict[str, bytes]) -> None:
    names = [one for one in FILES if every["tar"].index(one.encode() + b"\0") >= 0]
    order = sorted(names, key=lambda one: every["tar"].index(one.encode() + b"\0"))
    place = every["tar"].index(order[2].encode() + b"\0") + 100
    room.seal("P1.tar.enc", every["tar"][:place])

    assert tree(room.dest) == {} or room.run().state == "incomplete"
    result = room.run(accept_unknown=True)

    assert result.tally.quarantined.objects == 1
    assert room.files() == {f"P1.tar.files/{name}": digest(FILES[name]) for name in order[:2]}
    assert "Written as they are: 2 files" in room.findings(result.run)[0].message


def test_what_cannot_be_proved_is_written_only_where_that_is_asked_for(room: Room) -> None:
    unknown, unclosed = b"time,x\n1,2\n" * 500, contents.edf(stated=-1)
    room.seal("text.csv.enc", unknown)
    room.seal("open.edf.enc", unclosed)
    room.seal("small.enc", b"seventeen letters here, and more\n", *AES)

    assert room.run().tally.quarantined.objects == 3
    assert tree(room.dest) == {}
    result = room.run(accept_unknown=True)

    assert result.tally.quarantined.objects == 3
    assert room.files() == digests(
        {"text.csv": unknown, "open.edf": unclosed, "small": b"seventeen letters here, and more\n"}
    )
    assert set(room.kinds(result).values()) == {"content-unknown", "content-unproved"}


def test_bytes_behind_the_end_are_told_and_kept(room: Room, every: dict[str, bytes]) -> None:
    room.seal("video.avi.enc", every["AVI"] + b"more than padding of it")
    room.seal("P1.tar.enc", every["tar"] + b"more")

    result = room.run()

    assert set(room.kinds(result).values()) == {"bytes-after-end"}
    assert room.files() == {
        "video.avi": digest(every["AVI"] + b"more than padding of it"),
        **below("P1.tar.files", FILES),
    }


# Runs


def test_run_again_nothing_is_done_twice(room: Room, every: dict[str, bytes]) -> None:
    for name in ("tar", "AVI"):
        room.seal(f"{name}.enc", every[name])

    first, second = room.run(), room.run()

    assert (first.tally.done.objects, second.tally.done.objects, second.tally.skipped.objects) == (2, 0, 2)


def test_a_wrong_passphrase_is_tried_again_by_the_next_run(room: Room, every: dict[str, bytes]) -> None:
    room.seal("P1.tar.enc", every["tar"])

    assert room.run(passphrases=refs("wrong")).state == "incomplete"

    assert room.run().state == "finished"
    assert room.files() == below("P1.tar.files", FILES)


def test_damage_is_looked_at_again_only_when_it_is_asked_for(room: Room, every: dict[str, bytes]) -> None:
    room.seal("P1.tar.enc", every["tar"][:5000])

    room.run()

    assert room.run().plan.todo.objects == 0
    assert room.run(retry=True).plan.todo.objects == 1


def test_a_file_that_is_gone_comes_back(room: Room, every: dict[str, bytes]) -> None:
    room.seal("P1.tar.enc", every["tar"])
    room.run()
    (room.dest / "P1.tar.files" / "P1" / "notes.txt").unlink()

    assert room.run().tally.done.objects == 1

    assert room.files() == below("P1.tar.files", FILES)


def test_another_way_leaves_nothing_of_the_first(room: Room, every: dict[str, bytes]) -> None:
    room.seal("P1.tar.enc", every["tar"])

    room.run()
    room.run(keep_tar=True)

    assert room.files() == {"P1.tar": digest(every["tar"])}
    room.run()
    assert room.files() == below("P1.tar.files", FILES)


def test_an_archive_that_is_damaged_later_leaves_what_was_opened(room: Room, every: dict[str, bytes]) -> None:
    path = room.seal("P1.tar.enc", every["tar"])
    room.run()
    path.write_bytes(path.read_bytes()[:5000])

    assert room.run().state == "incomplete"

    assert room.files() == below("P1.tar.files", FILES)


def test_archives_whose_names_differ_by_their_end_only_have_places_of_their_own(
    room: Room, every: dict[str, bytes]
) -> None:
    for name in ("a.tar.des", "a.tar.enc", "a.tar.enc.enc"):
        room.seal(name, every["tar"])
    room.seal("b", every["AVI"])
    room.seal("b.enc", every["EDF"])

    first = room.run()
    second = room.run()

    assert (first.tally.done.objects, second.tally.skipped.objects) == (5, 5)
    assert room.files() == {
        "b": digest(every["AVI"]),
        "b.enc": digest(every["EDF"]),
        **below("a.tar.files", FILES),
        **below("a.tar.enc.files", FILES),
        **below("a.tar.enc.enc.files", FILES),
    }


def test_one_archive_by_its_name(room: Room, every: dict[str, bytes]) -> None:
    path = room.seal("lab/P1.tar.enc", every["tar"])
    room.seal("lab/P2.tar.enc", every["tar"])

    result = room.run(path, room.source / "lab" / "opened")

    assert result.tally.planned.objects == 1
    assert tree(room.source / "lab" / "opened").keys() == {*below("P1.tar.files", FILES), "P1.tar.files.csv"}


@pytest.mark.parametrize("name", ["two words", "100%", "a#b?c", "a%20b", "пациент"])
def test_one_archive_whatever_its_name_is(room: Room, every: dict[str, bytes], name: str) -> None:
    path = room.seal(f"{name}.avi.enc", every["AVI"])

    result = room.run(path)

    assert (result.state, result.tally.planned.objects) == ("finished", 1)
    assert list(room.files().values()) == [digest(every["AVI"])]


@pytest.mark.parametrize("wide", [Threads(3), Processes(2)], ids=["threads", "processes"])
def test_the_same_with_any_number_of_workers(room: Room, every: dict[str, bytes], wide: object, tmp_path: Path) -> None:
    for name in NAMES:
        room.seal(f"{name}.enc", every[name])
    room.run()
    other = Room(room.source, tmp_path / "other", wide)  # type: ignore[arg-type]

    assert other.run().state == "finished"

    assert tree(other.dest) == tree(room.dest)


# Refused before anything is written


def test_a_place_without_archives(room: Room) -> None:
    with pytest.raises(NothingThereError):
        room.run()
    assert not room.dest.exists()


def test_a_passphrase_that_cannot_be_had(room: Room, every: dict[str, bytes]) -> None:
    room.seal("P1.tar.enc", every["tar"])

    with pytest.raises(CredentialsError):
        room.run(passphrases=(SecretRef("env", "NOT_SET_AT_ALL"),))
    with pytest.raises(CredentialsError):  # no terminal
        room.run(passphrases=(ASK,))
    assert not room.dest.exists()


def test_a_profile_that_forbids_plaintext_on_a_disk(room: Room, every: dict[str, bytes]) -> None:
    path = room.seal("P1.tar.enc", every["tar"])
    forbidding = Profile(plaintext="forbidden")

    for source in (room.source, path):
        with pytest.raises(PolicyError):
            prepare(source, room.dest, profile=forbidding).check()


def test_a_destination_among_the_archives(room: Room, every: dict[str, bytes]) -> None:
    path = room.seal("P1.tar.enc", every["tar"])

    for source, dest in ((room.source, room.source / "opened"), (path, room.source)):
        with pytest.raises(PolicyError):
            room.run(source, dest)


# Stores


@pytest.fixture
def s3(home: object, seaweedfs: SeaweedFS, bucket: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket that the default profile opens."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.endpoint)
    return f"s3://{s3_rig(seaweedfs, bucket).url.removeprefix('s3://')}"


def test_from_a_store_to_a_store(room: Room, every: dict[str, bytes], s3: str) -> None:
    store = open_store(store_spec(s3))
    for name in ("tar", "tar.gz", "AVI"):
        store.put(f"old/{name}.enc", room.seal(name, every[name]).read_bytes())
    damaged = bytearray(room.seal("x", every["tar.gz"], *AES).read_bytes())
    damaged[-100] ^= 1
    store.put("old/damaged.enc", bytes(damaged))
    store.put("old/unknown.enc", room.seal("x", b"time,x\n1,2\n" * 500).read_bytes())
    store.put("old/unclosed.enc", room.seal("x", contents.edf(stated=-1)).read_bytes())

    result = room.run(f"{s3}/old", f"{s3}/opened")

    assert (result.tally.done.objects, result.tally.quarantined.objects) == (3, 3)
    found = {
        one.key.removeprefix("opened/"): digest(bytes(store.get(one.key).data))
        for one in store.list("opened")
        if "/.bondstore/" not in one.key and not one.key.endswith(LIST)
    }
    assert found == {"AVI": digest(every["AVI"]), **below("tar.files", FILES), **below("tar.gz.files", FILES)}
    assert room.run(f"{s3}/old", f"{s3}/opened").tally.skipped.objects == 3


def test_one_object_of_a_store_by_its_address(room: Room, every: dict[str, bytes], s3: str) -> None:
    store = open_store(store_spec(s3))
    for name in ("P1", "P2"):
        store.put(f"old/{name}.tar.enc", room.seal(name, every["tar"]).read_bytes())

    assert room.run(f"{s3}/old/P1.tar.enc").tally.planned.objects == 1
    assert room.files() == below("P1.tar.files", FILES)


def test_an_archive_that_cannot_be_fetched_fails_and_the_others_go_on(room: Room, every: dict[str, bytes]) -> None:
    room.seal("a.tar.enc", every["tar"])
    room.seal("b.tar.enc", every["tar"]).chmod(0)
    room.seal("c.tar.enc", every["tar"])
    if os.geteuid() == 0:
        (room.source / "b.tar.enc").unlink()
        (room.source / "b.tar.enc").symlink_to("nowhere")

    result = room.run()

    assert (result.tally.done.objects, result.tally.failed.objects) == (2, 1)


def test_gzip_that_holds_no_tar_stays_as_it_is(room: Room) -> None:
    video = gzip.compress(contents.avi(50_000))
    room.seal(f"{uuid.uuid4().hex}.avi.gz.enc", video)

    room.run()

    assert list(room.files().values()) == [digest(video)]
