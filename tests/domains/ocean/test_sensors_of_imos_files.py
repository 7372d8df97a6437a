"""Files of the FishSOOP chain name their sensor, and no platform: it tells their deployments and files apart."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import pytest

from bondstore.domains.ocean.output.names import deployment_name
from tests.domains.ocean.output.making import batch, profile
from tests.oceanlab import Sea
from tests.real_ocean import real

DEPLOYMENTS = """Moana Serial Number,Vessel ID,Gear class,Date Supplied,Date Returned
1195,Kereru,mobile,2021-01-01,
2200,Toroa,mobile,2021-01-01,
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Sea:
    """Two vessels whose sensors were supplied on one day; the second file is the first under another serial number."""
    (path,) = real("fishsoop/*.nc")
    other = tmp_path / path.name.replace("1195", "2200")
    other.write_bytes(path.read_bytes())
    with netCDF4.Dataset(other, "a") as file:
        file.instrument_serial_number = "2200"
    root = tmp_path / "sea"
    root.mkdir()
    sea = Sea(root)
    sea.hold({one.name: one.read_bytes() for one in (path, other)})
    return sea


def test_two_sensors_that_were_supplied_on_one_day_are_two_deployments(fleet: Sea, tmp_path: Path) -> None:
    table = tmp_path / "deployments.csv"
    table.write_text(DEPLOYMENTS, encoding="utf-8")
    fleet.qc(per="deployment", metadata=table)
    files = {path for path in fleet.written() if path.endswith(".nc")}
    assert files == {"deployments/1195_20210101_qc.nc", "deployments/2200_20210101_qc.nc"}
    rows = fleet.written()["status.csv"].decode().splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == ['"1195"', '"2200"']


def test_the_name_that_aodn_gives_such_a_file_ends_in_its_sensor(fleet: Sea) -> None:
    fleet.qc(style="aodn")
    files = sorted(path for path in fleet.written() if path.endswith(".nc"))
    assert [path.rpartition("_")[2] for path in files] == ["1195.nc", "2200.nc"]


def test_objects_without_any_sensor_are_of_no_common_deployment() -> None:
    one, other = (batch(1, profiles=[profile(platform="", key=key)]) for key in ("a.csv", "b.csv"))
    assert deployment_name(one) != deployment_name(other)


def test_a_vessel_that_such_a_file_calls_its_platform_is_in_nothing_that_is_written(tmp_path: Path) -> None:
    (path,) = real("fishsoop/*.nc")
    named = tmp_path / path.name
    named.write_bytes(path.read_bytes())
    with netCDF4.Dataset(named, "a") as file:
        file.platform = file.vessel_name = "FV Kereru"
    root = tmp_path / "sea"
    root.mkdir()
    sea = Sea(root)
    sea.hold({path.name: named.read_bytes()})
    table = tmp_path / "deployments.csv"
    table.write_text(DEPLOYMENTS, encoding="utf-8")
    found = sea.qc(metadata=table)
    assert found.tally.complete
    written = sea.written()
    assert [path for path, data in written.items() if b"Kereru" in data] == []
    (record,) = (data for path, data in written.items() if path.endswith(".json"))
    assert b"2021-01-01T00:00:00Z" in record
