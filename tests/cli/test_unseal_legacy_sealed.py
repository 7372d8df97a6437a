"""``bondstore unseal-legacy --seal-for``: what comes out is encrypted before it is written."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from tests.cli.conftest import Call
from tests.homes import Home
from tests.vault import contents
from tests.vault.conftest import tree_of
from tests.vault.contents import FILES
from tests.vault.rooms import AES, Room, below, digest, refs

NEW = "lantern over quiet water"


@pytest.fixture
def room(home: Home, tmp_path: Path, cli: Call) -> Room:
    (tmp_path / "sealed").mkdir()
    (tmp_path / "passphrase").write_text(NEW)
    (tmp_path / "passphrase").chmod(0o600)
    assert cli("keys", "new", "anna", "--passphrase", f"file:{tmp_path}/passphrase").code == 0
    return Room(tmp_path / "sealed", tmp_path / "opened")


@pytest.fixture
def patients(room: Room, tmp_path: Path) -> Room:
    """The archives of several patients below one folder."""
    room.seal("P1/P1.tar.gz.enc", contents.tar(tmp_path / "tree", "-z"))
    room.seal("P2/P2.tar.enc", contents.tar(tmp_path / "tree"), *AES)
    room.seal("P3/video.avi.enc", contents.avi(50_000))
    return room


EXPECTED = {
    **below("P1/P1.tar.gz.files", FILES),
    **below("P2/P2.tar.files", FILES),
    "P3/video.avi": digest(contents.avi(50_000)),
}


def decrypted(home: Home, stored: Mapping[str, bytes]) -> dict[str, bytes]:
    """Open all with the program of the reference implementation."""
    program = Path(sys.executable).with_name("crypt4gh")
    key = home.user_file.parent / "keys" / "anna.sec"
    found = {}
    for name, content in stored.items():
        done = subprocess.run(
            [program, "decrypt", "--sk", key],
            input=content,
            capture_output=True,
            env={**os.environ, "C4GH_PASSPHRASE": NEW},
            check=True,
        )
        found[name.removesuffix(".c4gh")] = done.stdout
    return found


def words(room: Room, dest: object, *more: str) -> tuple[str, ...]:
    [reference] = refs("what the lab typed in 2016")
    return ("unseal-legacy", str(room.source), str(dest), "--passphrase", str(reference), "--yes", *more)


def files_of(plain: Mapping[str, bytes]) -> dict[str, str]:
    return {name: digest(content) for name, content in plain.items() if not name.endswith(".files.csv")}


def test_all_is_encrypted_and_another_program_opens_it(patients: Room, home: Home, cli: Call) -> None:
    done = cli(*words(patients, patients.dest, "--seal-for", "anna"))
    assert done.code == 0, done.err
    stored = tree_of(patients.dest)
    assert all(name.endswith(".c4gh") for name in stored)
    assert not any(one in content for content in stored.values() for one in (b"awake", b"P1_2.avi", b"AVI LIST"))
    plain = decrypted(home, stored)
    assert files_of(plain) == EXPECTED
    rows = list(csv.DictReader(io.StringIO(plain["P1/P1.tar.gz.files.csv"].decode())))
    assert {one["path"] for one in rows if one["kind"] == "file"} == FILES.keys()
    again = cli(*words(patients, patients.dest, "--seal-for", "anna", "--json"))
    assert again.records[-1]["skipped"] == 3
    assert cli("audit", "verify", "--files", "--dest", str(patients.dest)).code == 0


def test_into_a_store_and_then_in_the_clear(patients: Room, home: Home, s3_environment: str, cli: Call) -> None:
    url = f"{s3_environment}/opened"
    assert cli(*words(patients, url, "--seal-for", "anna")).code == 0
    store = open_store(store_spec(url))

    def stored() -> dict[str, bytes]:
        keys = [one.key for one in store.list() if not one.key.startswith(".bondstore/")]
        return {key: bytes(store.get(key).data) for key in keys}

    assert files_of(decrypted(home, stored())) == EXPECTED
    assert cli(*words(patients, url)).code == 0  # asked for otherwise: the encrypted ones go
    assert files_of(stored()) == EXPECTED


def test_one_that_fails_does_not_stop_the_others(patients: Room, home: Home, cli: Call) -> None:
    damaged = patients.source / "P1/P1.tar.gz.enc"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:40_000] + bytes(8) + whole[40_008:])
    done = cli(*words(patients, patients.dest, "--seal-for", "anna", "--json", "--jobs", "2"))
    assert done.code == 7
    assert [row["key"] for row in done.records if row["kind"] == "finding"] == ["P1/P1.tar.gz.enc"]
    plain = decrypted(home, tree_of(patients.dest))
    assert files_of(plain) == {name: one for name, one in EXPECTED.items() if not name.startswith("P1/")}


def test_a_key_that_nobody_knows(patients: Room, cli: Call) -> None:
    assert cli(*words(patients, patients.dest, "--seal-for", "nobody")).code == 3
    assert not patients.dest.exists()
