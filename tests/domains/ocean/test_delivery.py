"""Real files of Moana sensors come out of the default suite as they can be released, given a table of deployments."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bondstore.domains.ocean import service
from bondstore.release.publish import Places, publish_between
from bondstore.release.settings import Order
from tests.real_ocean import real

DEPLOYMENTS = """\
Moana serial number,Date supplied,Date returned,Vessel name,Fishing method
38,01/01/2021,,A,Bottom trawl
1195,01/06/2025,,B,Potting
"""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    source = tmp_path / "raw"
    source.mkdir()
    for path in (*real("MOANA_0038_*.csv"), *real("fishsoop/*.nc")):
        (source / path.name).write_bytes(path.read_bytes())
    table = tmp_path / "deployments.csv"
    table.write_text(DEPLOYMENTS)
    service.qc(source, tmp_path / "qc", service.Asked(metadata=table), jobs=1)
    return tmp_path / "qc"


def test_both_real_files_are_released_and_at_most_two_of_a_hundred_levels_are_suspect(
    results: Path, tmp_path: Path
) -> None:
    records = [json.loads(path.read_bytes()) for path in results.rglob("*_qc.nc.json")]
    assert len(records) == 2
    for record in records:
        assert record["not_evaluated"] == []
        for counts in record["levels"].values():
            assert set(counts) <= {"good", "probably_good", "suspect"}
            assert counts.get("suspect", 0) <= 0.02 * sum(counts.values())
    places = Places((tmp_path / "public").as_uri(), results.as_uri())
    done = publish_between(places, Order(requirement="good:0.98"))
    assert done.files == 2
