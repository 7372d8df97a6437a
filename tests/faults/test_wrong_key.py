"""A key that is not the study's: one sentence, exit 4, and nothing written anywhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from demo.study import STUDY, Shape, make

from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Ended, Lab

WRONG = "other-harbour-lantern-0123456789"
SENTENCE = "The decryption key opens none of the objects that were tried"


@pytest.fixture(scope="module")
def filled(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A study that all of these only read."""
    lab = Lab(seaweedfs, shared_bucket, tmp_path_factory.mktemp("fill"), "wrong-key")
    lab.fill(make(Shape(participants=2, hours=6, rows=10)))
    return lab


@pytest.fixture
def study(filled: Lab, tmp_path: Path) -> Lab:
    return replace(filled, folder=tmp_path)


def refused(ended: Ended) -> None:
    assert ended.code == 4
    told = [line for line in ended.err.splitlines() if line.startswith("Error: ")]
    assert len(told) == 1, ended.err
    assert told[0].startswith(f"Error: {SENTENCE}")
    assert "Traceback" not in ended.err
    assert WRONG not in ended.out + ended.err


@pytest.mark.parametrize("form", ["original", "forest", "csv", "parquet"])
def test_an_export_writes_nothing(study: Lab, form: str) -> None:
    ended = study.export("--format", form, LAB_STUDY_KEY=WRONG)
    refused(ended)
    assert [(one["type"], one["exit"]) for one in ended.records] == [("WrongKeyError", 4)]
    assert not study.dest.exists()


@pytest.mark.parametrize("dry", [(), ("--dry-run",)], ids=["run", "dry-run"])
def test_where_there_was_an_export_it_stays_as_it_is(study: Lab, dry: tuple[str, ...]) -> None:
    assert study.export().code == 0
    ledger = study.dest / ".bondstore" / "ledger.sqlite"
    before = ledger.read_bytes()
    refused(study.export(*dry, LAB_STUDY_KEY=WRONG))
    assert ledger.read_bytes() == before


@pytest.mark.parametrize("form", ["table", "csv", "parquet"])
def test_a_read_gives_nothing(study: Lab, form: str) -> None:
    where = ("--store", study.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "-p", "1ab2cd3e", "-s", "gps")
    ended = study.run(study.command("beiwe", "read", *where, "--format", form), LAB_STUDY_KEY=WRONG)
    refused(ended)
    assert ended.out == ""


@pytest.mark.parametrize("form", ["csv", "original"])
def test_a_read_of_one_object_looks_at_others_to_tell_a_wrong_key_from_damage(study: Lab, form: str) -> None:
    key = f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/2024-01-01T02:00:00.csv"
    where = ("--store", study.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY")
    ended = study.run(study.command("beiwe", "read", key, *where, "--format", form), LAB_STUDY_KEY=WRONG)
    refused(ended)
    assert ended.out == ""


def test_a_key_of_the_wrong_length_is_refused_and_not_shown(study: Lab) -> None:
    ended = study.export(LAB_STUDY_KEY="short-canary")
    assert ended.code == 4
    assert "32 characters" in ended.err
    assert "short-canary" not in ended.err + ended.out
    assert not study.dest.exists()


def test_a_study_whose_first_objects_are_all_damaged_is_not_called_a_wrong_key(lab: Lab) -> None:
    """Empty objects tell nothing about the key, however many come first."""
    made = lab.fill(make(Shape(participants=1, hours=30, rows=3)))
    first = sorted(one.key for one in made if "/accelerometer/" in one.key)
    for key in first:
        lab.put(key, b"")
    ended = lab.export("--format", "original")
    assert ended.code == 5
    assert ended.tally["quarantined"] == len(first)
