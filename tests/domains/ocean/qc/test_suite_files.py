"""Files that a suite names: found from the suite's folder, part of its digest, never part of what is published."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from bondstore.domains.ocean.output.netcdf_content import thresholds
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.moana_climatology import COLUMNS
from bondstore.domains.ocean.qc.suite import load_suite, parse_suite
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.settings import QcSettings, from_params
from bondstore.errors import ConfigurationError, NotFoundError
from tests.domains.ocean.output.making import batch

SUITE = """
[[test]]
test = "moana.climatology"
on = "TEMP"
period = "month"
path = "tables/table.csv"
"""


def table(highest: float) -> str:
    return f"{','.join(COLUMNS)}\n1,12,-90,90,-180,180,-10,9999,-5,{highest}\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table.csv").write_text(table(40))
    (tmp_path / "mine.toml").write_text(SUITE)
    return tmp_path


def test_a_relative_name_starts_from_the_suite_and_not_from_where_one_stands(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.parent)
    for which in (home / "mine.toml", Path(home.name) / "mine.toml"):
        assert evaluate(batch(3), load_suite(str(which))).flags["climatology", "TEMP"].tolist() == [Flag.GOOD] * 3


def test_what_the_file_holds_is_part_of_the_digest_and_where_it_lies_is_not(home: Path, tmp_path: Path) -> None:
    first = load_suite(str(home / "mine.toml")).digest
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "tables").mkdir(parents=True)
    (elsewhere / "tables" / "table.csv").write_text(table(40))
    assert parse_suite(SUITE, "mine", elsewhere).digest == first
    (home / "tables" / "table.csv").write_text(table(13))
    assert load_suite(str(home / "mine.toml")).digest != first


def test_a_run_can_be_taken_up_again_from_anywhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    asked = Asked(tests="mine.toml").settings()
    again = from_params(asked.params())
    monkeypatch.chdir("/")
    assert again.load().digest == asked.load().digest
    assert again.digest() == asked.digest()
    before = asked.digest()
    (home / "tables" / "table.csv").write_text(table(13))
    assert asked.digest() != before
    assert evaluate(batch(3), again.load()).flags["climatology", "TEMP"].tolist() != [Flag.GOOD] * 3


def test_settings_that_were_recorded_before_folders_were_still_load() -> None:
    assert from_params({"suite": "qartod", "form": "netcdf", "style": "plain"}) == QcSettings("qartod")


def test_a_table_that_changes_under_a_run_ends_it(home: Path) -> None:
    suite = load_suite(str(home / "mine.toml"))
    path = home / "tables" / "table.csv"
    path.write_text(table(13))
    os.utime(path, ns=(1, 1))
    with pytest.raises(ConfigurationError, match="no longer"):
        evaluate(batch(3), suite)


@pytest.mark.parametrize("suite", [SUITE, SUITE.replace("tables/table.csv", "/nowhere/at/all.csv")])
def test_a_file_that_is_not_there_is_told_before_anything_runs(suite: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="not there"):
        parse_suite(suite, "mine", tmp_path)
    if suite == SUITE:
        with pytest.raises(ConfigurationError, match="in which folder"):
            parse_suite(suite, "mine")


def test_what_is_published_names_the_file_and_its_hash_but_no_folder(home: Path) -> None:
    (step,) = load_suite(str(home / "mine.toml")).steps
    said = thresholds(step)
    assert "table.csv (sha256 " in said
    assert str(home) not in said
    path = step.thresholds["path"]
    assert pickle.loads(pickle.dumps(path)).sha256 == path.sha256


def test_a_byte_order_mark_is_none_of_a_suites_words_and_a_name_with_a_zero_byte_is_not_there(home: Path) -> None:
    marked = home / "marked.toml"
    marked.write_bytes(b"\xef\xbb\xbf" + SUITE.encode())
    assert load_suite(str(marked)).digest == load_suite(str(home / "mine.toml")).digest
    with pytest.raises(NotFoundError):
        load_suite("a\0b")
