"""A folder in a bucket that has no name, or one that no path may have, stops no study."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from demo.study import KEY, STUDY, Shape, make

from bondstore.domains.beiwe.layout import Kind, parse_key
from bondstore.domains.beiwe.opening import open_study
from bondstore.domains.beiwe.study import Study
from bondstore.ledger import Ledger
from tests.servers.any_key import AnyKeyServer
from tests.studies import Ended, original_files, tree

MADE = tuple(make(Shape(participants=2, hours=2, rows=5)))
GPS = next(one for one in MADE if "/gps/" in one.key and one.key.startswith("CHUNKED"))
NAME = GPS.key.rpartition("/")[2]
FOLDERS = ["", "..", ".", "a\nb", "a\x01b"]
KEYS = [
    *(f"CHUNKED_DATA/{STUDY}/{folder}/gps/{NAME}" for folder in FOLDERS),
    f"{STUDY}//gps/1704067200000.csv",
    f"CHUNKED_DATA/{STUDY}/1ab2cd3e//{NAME}",
    f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/\n/{NAME}",
    f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/{NAME}\n",
]


@pytest.fixture
def server() -> Iterator[AnyKeyServer]:
    with AnyKeyServer({one.key: one.sealed for one in MADE}) as server:
        yield server


def run(server: AnyKeyServer, folder: Path, *words: str) -> Ended:
    settings = {f"XDG_{name}_HOME": str(folder / "home" / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    settings |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_REGION": "us-east-1"}
    settings |= {"AWS_ENDPOINT_URL": server.endpoint, "HOME": str(folder / "home"), "LAB_STUDY_KEY": KEY}
    line = [sys.executable, "-m", "bondstore", *words, "--store", "s3://any", "--study", STUDY, "--json"]
    done = subprocess.run(line, capture_output=True, text=True, env=os.environ | settings, timeout=120, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def study(server: AnyKeyServer, monkeypatch: pytest.MonkeyPatch) -> Study:
    for name, value in (("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("LAB_STUDY_KEY", KEY)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    return open_study("s3://any", STUDY, key="env:LAB_STUDY_KEY")


@pytest.mark.parametrize("key", KEYS)
def test_such_a_key_names_nobody(key: str) -> None:
    assert parse_key(STUDY, key).kind is Kind.ODD


@pytest.mark.parametrize(
    "key", [GPS.key, f"{STUDY}/1ab2cd3e/surveyTimings//1519880400000.csv", f"CHUNKED_DATA/{STUDY}/a..b/gps/{NAME}"]
)
def test_others_stay_what_they_are(key: str) -> None:
    assert parse_key(STUDY, key).is_data


@pytest.mark.parametrize("folder", ["", "..", "a\nb"])
def test_every_command_goes_on(server: AnyKeyServer, tmp_path: Path, folder: str) -> None:
    key = f"CHUNKED_DATA/{STUDY}/{folder}/gps/{NAME}"
    server.objects[key] = GPS.sealed
    assert run(server, tmp_path, "beiwe", "participants").code == 0
    export = run(server, tmp_path, "beiwe", "export", str(tmp_path / "out"), "--key", "env:LAB_STUDY_KEY", "--yes")
    assert (export.code, export.findings) == (5, {key: {"odd-folder"}})
    assert tree(tmp_path / "out") == original_files(MADE)
    reconcile = run(server, tmp_path, "beiwe", "reconcile", "--key", "env:LAB_STUDY_KEY")
    assert (reconcile.code, reconcile.findings) == (5, {key: {"odd-folder"}})


@pytest.mark.parametrize("form", ["original", "forest", "csv", "parquet"])
def test_all_of_them_are_set_aside_and_all_else_comes_out(
    server: AnyKeyServer, study: Study, tmp_path: Path, form: str
) -> None:
    before = study.export(tmp_path / "before", form=form)
    server.objects.update(dict.fromkeys(KEYS, GPS.sealed))
    result = study.export(tmp_path / "out", form=form)
    keys = KEYS if form == "original" else [key for key in KEYS if key.startswith("CHUNKED_DATA/")]
    odd = len(keys)
    assert result.tally.objects()["quarantined"] == odd
    assert result.tally.objects()["done"] == before.tally.objects()["done"]
    assert tree(tmp_path / "out") == tree(tmp_path / "before")
    kept = [path for path in (tmp_path / "out/.bondstore/quarantine").rglob("*") if path.is_file()]
    assert len(kept) == odd
    assert {path.read_bytes() for path in kept} == {GPS.sealed}
    again = study.export(tmp_path / "out", form=form)
    assert (again.tally.objects()["quarantined"], again.tally.objects()["done"]) == (odd, 0)
    with Ledger(tmp_path / "out/.bondstore/ledger.sqlite") as ledger:
        found: list[Any] = [one for one in ledger.findings.of_run(result.run) if one.kind == "odd-folder"]
    assert sorted(one.key for one in found) == sorted(keys)


def test_they_are_no_participants_and_not_in_a_part_of_the_study(
    server: AnyKeyServer, study: Study, tmp_path: Path
) -> None:
    server.objects.update(dict.fromkeys(KEYS, GPS.sealed))
    assert study.participants() == ["1ab2cd3e", "4fg5hi6j"]
    assert sorted(one.object.key for one in study.unknown_objects()) == sorted(KEYS)
    part = study.export(tmp_path / "part", participant="4fg5hi6j")
    assert part.tally.complete


def test_missing_hours_are_rebuilt_beside_them(server: AnyKeyServer, study: Study, tmp_path: Path) -> None:
    del server.objects[GPS.key]
    server.objects[KEYS[0]] = server.objects[KEYS[5]] = GPS.sealed
    done = run(
        server,
        tmp_path,
        "beiwe",
        "reconcile",
        "--key",
        "env:LAB_STUDY_KEY",
        "--rebuild",
        str(tmp_path / "new"),
        "--yes",
    )
    assert (done.code, set(done.findings)) == (5, {KEYS[0], KEYS[5]})
    assert (tmp_path / "new/chunked/1ab2cd3e/gps" / NAME).is_file()
