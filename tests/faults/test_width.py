"""The same bytes at any width, and of objects that lie there twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from demo.study import Made, Shape, make, seal

from tests.servers.faulty import FaultyProxy
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Lab, original_files, tree

SHAPE = Shape(participants=3, hours=24, rows=10)


@pytest.fixture(scope="module")
def filled(seaweedfs: SeaweedFS, shared_bucket: str, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    lab = Lab(seaweedfs, shared_bucket, tmp_path_factory.mktemp("fill"), "width")
    lab.fill(make(SHAPE))
    return lab


@pytest.mark.parametrize("form", ["original", "csv", "parquet"])
def test_the_same_bytes_at_any_width(filled: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    lab = replace(filled, folder=tmp_path)
    for jobs in (1, None):
        result = lab.export_here(monkeypatch, form=form, source="both", jobs=jobs, dest=tmp_path / f"{jobs}")
        assert result.state == "finished"
    ended = lab.export("--format", form, "--source", "both", "--jobs", "2", dest=tmp_path / "2")
    assert (ended.code, ended.tally["failed"]) == (0, 0)
    alone = tree(tmp_path / "1")
    if form == "original":
        assert alone == original_files(make(SHAPE))
    assert len(alone) > 20
    assert tree(tmp_path / "None") == alone
    assert tree(tmp_path / "2") == alone


@pytest.mark.parametrize("form", ["original", "parquet"])
def test_twins_of_the_same_content_come_out_once(
    lab: Lab, faulty: FaultyProxy, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """A server that compresses may stop before the old object is gone."""
    made = lab.fill(make(Shape(participants=2, hours=6, rows=10)))
    assert lab.export_here(monkeypatch, form=form, source="both", dest=lab.folder / "single").state == "finished"
    plain = [one for one in made if one.key.endswith(".csv") and "/keys/" not in one.key]
    twins = [Made(one.key + ".zst", seal(zstandard.compress(one.plain)), one.plain) for one in plain]
    lab.fill(twins)
    data = [one for one in [*made, *twins] if "/keys/" not in one.key]
    result = lab.export_here(monkeypatch, form=form, source="both")
    assert result.state == "finished"
    assert result.tally.planned.objects == len(data)
    assert sum(result.tally.objects().values()) == 2 * len(data)  # what was planned, and what became of it
    assert tree(lab.dest) == tree(lab.folder / "single")

    again = lab.export_here(monkeypatch, form=form, source="both", endpoint=faulty.endpoint)
    assert again.tally.done.objects == 0
    assert again.tally.skipped.objects == len(data)
    assert not lab.fetched(faulty)
