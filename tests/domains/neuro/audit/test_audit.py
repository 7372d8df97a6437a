"""An audit of what was written, and of what should not have been: exit codes, and no name in what it says."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bondstore
from bondstore.errors import NothingThereError, UsageError
from demo import hospital as tree
from tests.domains.neuro.conftest import home, hospital
from tests.domains.neuro.hospital import Hospital

__all__ = ["home", "hospital"]
NAMES = [word for who in tree.PATIENTS for word in (who.surname, who.given, who.number)]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "list.txt"
    path.write_text(tree.names_of(), "utf-8")
    return path


def audited(dest: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "bondstore", "neuro", "audit", str(dest), *more]
    return subprocess.run(words, capture_output=True, text=True)


def test_what_was_cleaned_has_nobody_left_records_and_all(hospital: Hospital, tmp_path: Path) -> None:
    assert hospital.deidentify().returncode == 5
    done = bondstore.neuro.audit(hospital.dest, crosswalk=hospital.crosswalk)
    assert done.findings == ()
    assert done.exit_code == 0
    assert done.people == 2
    assert done.files > 5


def test_of_the_originals_every_file_is_told_and_no_name_is_said(home: object, tmp_path: Path, listed: Path) -> None:
    files = list(tree.make())
    tree.write(files, tmp_path / "in")
    done = audited(tmp_path / "in", "--names", str(listed), "--json")
    assert done.returncode == 6
    records = [json.loads(line) for line in done.stdout.splitlines()]
    places = {(one["where"], one["finding"]) for one in records}
    assert {("patient", "name-left"), ("annotation", "name-left"), ("text", "name-left")} <= places
    assert {("folder name", "name-left"), ("file name", "name-left"), ("tag", "tags-left")} <= places
    assert len({one["key"] for one in records}) == len(files)
    for word in NAMES:
        assert word.casefold() not in (done.stdout + done.stderr).casefold()
    assert f"Something is left in {len(files)};" in done.stderr


def test_files_that_nothing_can_be_made_of_are_counted(home: object, tmp_path: Path, listed: Path) -> None:
    dest = tmp_path / "out"
    dest.mkdir()
    (dest / "a.erd").write_bytes(bytes(range(256)))
    (dest / "b.zip").write_bytes(b"PK\3\4" + bytes(40))
    (dest / "cut.edf").write_bytes(b"0       " + b" " * 200)
    (dest / "c.txt").write_text("nobody\n")
    (dest / "d.bin.c4gh").write_bytes(b"crypt4gh\1\0\0\0" + bytes(100))
    done = bondstore.neuro.audit(dest, names=listed)
    assert [(one.key, one.kind) for one in done.findings] == [
        ("a.erd", "not-looked-into"),
        ("b.zip", "not-looked-into"),
        ("cut.edf", "not-looked-into"),
        ("d.bin.c4gh", "still-encrypted"),
    ]
    assert (done.left, done.unseen, done.exit_code) == (0, 4, 6)


def test_a_common_word_waits_for_a_person(home: object, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.txt").write_text("eyes may be open\n")
    (tmp_path / "list.txt").write_text("May, Rose\n")
    done = audited(tmp_path / "out", "--names", str(tmp_path / "list.txt"))
    assert done.returncode == 8
    assert "1 to review" in done.stderr


def test_without_anybody_to_look_for_or_anything_to_look_at(home: object, tmp_path: Path, listed: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NothingThereError):
        bondstore.neuro.audit(tmp_path / "empty", names=listed)
    with pytest.raises(UsageError, match="nobody"):
        bondstore.neuro.audit(tmp_path / "empty")


def test_one_name_that_is_put_back_is_found(hospital: Hospital) -> None:
    assert hospital.deidentify().returncode == 5
    target = next(hospital.dest.rglob("*_1.edf"))
    raw = bytearray(target.read_bytes())
    at = raw.rindex(b"\x14\0") - 6
    raw[at : at + 6] = b"Keller"
    target.write_bytes(raw)
    done = bondstore.neuro.audit(hospital.dest, crosswalk=hospital.crosswalk)
    assert {(one.kind, one.where) for one in done.findings} == {("name-left", "annotation")}
    assert done.exit_code == 6


def test_a_sealed_vault_is_looked_into_with_the_key_and_not_without(hospital: Hospital, tmp_path: Path) -> None:
    ref = hospital.crosswalk
    vault = tmp_path / "vault"
    source = tmp_path / "plain"
    (source / "deep").mkdir(parents=True)
    shutil.copy(hospital.source / "Keller/1.edf", source / "deep/one.edf")
    bondstore.vaults.put(source, str(vault), seal_for=[ref.key], key=ref.key, passphrase=ref.passphrase)
    (tmp_path / "list.txt").write_text("Keller, Hans\n")
    shut = bondstore.neuro.audit(vault, names=tmp_path / "list.txt")
    assert [(one.key, one.kind) for one in shut.findings] == [("deep/one.edf", "still-encrypted")]
    opened = bondstore.neuro.audit(vault, names=tmp_path / "list.txt", crosswalk=replace(ref, place=None))
    assert {(one.key, one.kind) for one in opened.findings} >= {("deep/one.edf", "name-left")}
    assert "still-encrypted" not in {one.kind for one in opened.findings}
