"""The demo's fleet: every file gets the grade it is made for, and each fault is where it is said to be."""

from __future__ import annotations

import csv
import io
import tomllib
from pathlib import Path

import numpy as np
import pytest
from demo.place import Bucket, Place
from demo.sea import Sea
from demo.show import Stage

from bondstore.domains.ocean.profiles import joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag, flag_word
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.metadata import parse_metadata
from demo import ocean, place


def test_every_file_gets_the_grade_it_is_made_for() -> None:
    dives = ocean.fleet()
    batch = joined([read_any(dive.name, dive.data)[0] for dive in dives])
    batch, findings = parse_metadata(ocean.DEPLOYMENTS).join(batch)
    result = evaluate(batch, load_suite("moana"))
    assert [flag_word(Flag(one)) for one in result.grades] == [dive.grade for dive in dives]
    assert {one.key for one in findings} == {dive.name for dive in dives if dive.grade == "not_evaluated"}
    assert sorted({dive.grade for dive in dives}) == ["bad", "good", "not_evaluated", "suspect"]


def test_the_faults_are_in_the_bytes() -> None:
    dives = {dive.name: dive.data.decode() for dive in ocean.fleet()}
    assert [name for name, text in dives.items() if not text.endswith("END")] == [
        name for name in dives if "MOANA_0012_3_" in name
    ]
    warm = [name for name, text in dives.items() if ",41.000" in text]
    assert len(warm) == 1
    assert "MOANA_0011_2_" in warm[0]
    values = {
        name: np.array([float(line.split(",")[4]) for line in text.splitlines() if line.startswith("2024")])
        for name, text in dives.items()
        if name not in warm
    }
    steps = {name: float(np.abs(np.diff(one)).max()) for name, one in values.items()}
    assert [name for name, step in steps.items() if step > 5] == [name for name in dives if "MOANA_0010_2_" in name]


def test_the_same_call_makes_the_same_bytes_and_more_sensors_change_none() -> None:
    few, many = ocean.fleet((10, 11)), ocean.fleet((10, 11, 12))
    assert few == many[: len(few)]


def test_the_tables_are_what_they_are_said_to_be() -> None:
    rows = list(csv.DictReader(io.StringIO(ocean.PARTICIPANTS)))
    assert len({row["Vessel number"] for row in rows}) == len(rows) == 3
    assert any(row["Vessel number"].startswith("0") for row in rows)
    assert tomllib.loads(ocean.ABOUT)["licence"] == tomllib.loads(ocean.ATTRIBUTES)["license"]


def test_it_also_runs_in_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine that the server program is not made for."""
    here = Place(tmp_path)
    for name, value in here.environment().items():
        monkeypatch.setenv(name, value)
    (tmp_path / "bucket").mkdir()
    where = Bucket((tmp_path / "bucket").as_uri())
    settings = tmp_path / "config" / "bondstore" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'[profile.{place.PROFILE}]\nurl = "{where.url}"\n')
    assert Sea(where, here, Stage()).run() == []
    assert len(list((tmp_path / "bucket-ocean-public" / "data").rglob("*.nc"))) == 7
