"""Uploads by somebody who may put objects below a prefix, and neither list nor read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Ended, Lab


@pytest.fixture
def source(lab: Lab) -> Path:
    folder = lab.folder / "source"
    folder.mkdir()
    (folder / "a.edf").write_bytes(b"x" * 1000)
    secret = lab.folder / "home/passphrase"
    secret.write_text("lantern over quiet water")
    secret.chmod(0o600)
    assert lab.run(lab.command("keys", "new", "anna", "--passphrase", f"file:{secret}")).code == 0
    return folder


def put(lab: Lab, source: Path, *words: str, **granted: str) -> Ended:
    passphrase = f"file:{lab.folder / 'home/passphrase'}"
    line = ("put", str(source), f"{lab.url}/vault", "--seal-for", "anna", "--passphrase", passphrase, "--yes", *words)
    return lab.run(lab.command(*line), **granted)


def granted(lab: Lab, seaweedfs: SeaweedFS, right: str) -> dict[str, str]:
    made = lab.run(lab.command("policy", "make", "--bucket", lab.bucket, "--prefix", f"{lab.prefix}/vault/", right))
    assert made.code == 0, made.err
    return seaweedfs.user_with(json.loads(made.out))


@pytest.mark.parametrize("words", [(), ("--dry-run",)], ids=["upload", "plan"])
def test_rights_that_do_not_do_are_told_before_anything_is_written(
    lab: Lab, seaweedfs: SeaweedFS, source: Path, words: tuple[str, ...]
) -> None:
    ended = put(lab, source, *words, **granted(lab, seaweedfs, "--put-only"))
    assert ended.code == 4
    assert f"bondstore policy make --bucket {lab.bucket} --prefix {lab.prefix}/vault/ --write" in ended.err
    assert not lab.objects()


def test_a_reader_is_told_that_writing_needs_more(lab: Lab, seaweedfs: SeaweedFS, source: Path) -> None:
    ended = put(lab, source, **granted(lab, seaweedfs, "--read-only"))
    assert ended.code == 4
    assert "write and delete where results go" in ended.err
    assert not lab.objects()


def test_the_rights_that_are_named_do(lab: Lab, seaweedfs: SeaweedFS, source: Path) -> None:
    ended = put(lab, source, **granted(lab, seaweedfs, "--write"))
    assert ended.code == 0, ended.err
    assert "vault/data/a.edf.c4gh" in lab.objects()


def test_a_plan_beside_objects_of_others_is_made_again_and_again(lab: Lab, source: Path) -> None:
    lab.put("vault/notes.txt", b"of somebody")
    for _ in range(2):
        planned = put(lab, source, "--dry-run")
        assert planned.code == 0, planned.err
    assert sorted(lab.objects()) == ["vault/notes.txt"]
    assert put(lab, source).code == 0
