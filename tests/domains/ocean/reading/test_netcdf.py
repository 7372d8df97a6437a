"""netCDF files: Argo, contiguous ragged, single profiles, our own; and files that mean harm."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from bondstore.domains.ocean.output.attributes import Attributes, FileSource
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.profiles import Batch, Position, joined
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import netcdf, read_any, read_many
from bondstore.domains.ocean.reading.netcdf import flags_in
from bondstore.errors import DamagedError
from tests.ocean_files import argo_nc, moana_csv, moana_fleet, ragged_nc

NAN = float("nan")
DAY_1950 = -631_152_000  # of 1950-01-01, in seconds since 1970


def values(batch: Batch) -> dict[str, list[float]]:
    names = ("time", "latitude", "longitude", "pressure", "temperature", "salinity")
    return {name: np.round(getattr(batch, name), 6).tolist() for name in names if getattr(batch, name) is not None}


def test_argo_profiles_are_raw_and_without_padding() -> None:
    data = argo_nc(
        platform=["1901234", "5900001"],
        cycles=[7, 1],
        days=[27150.5, NAN],
        lat=[-40.0, NAN],
        lon=[178.25, 10.0],
        pressure=[[5.0, 10.0, 20.0, 30.0], [4.0, NAN, 8.5]],
        temperature=[[18.1, NAN, 17.0, 16.0], [-2.4, NAN, NAN]],
        salinity=[[35.0, 35.1, 35.2, NAN], [34.0, NAN, NAN]],
    )
    batch, found = read_any("dac/R1901234_007.nc", data)
    assert found == []
    assert batch.sizes.tolist() == [4, 3]  # a level in between without any value is one; padding at the end is none
    assert batch.pressure.tolist()[:5] == [5.0, 10.0, 20.0, 30.0, 4.0]
    assert batch.temperature[0] == 18.1, "stored in single precision, meant in decimal"
    assert batch.temperature[4] == -2.4
    assert batch.time[0] == DAY_1950 + 27150.5 * 86400
    assert np.isnan(batch.time[4:]).all()
    first, second = batch.profiles
    assert (first.name, second.name) == ("R1901234_007", "R1901234_007-2")
    assert (first.platform, second.platform) == ("1901234", "5900001")
    assert not first.timed
    assert not first.placed
    assert dict(first.known) == {"platform_type": "APEX", "direction": "A", "cycle": "7", "created": "1717329600"}
    assert first.header.dialect == "argo"
    assert (first.earlier, second.earlier) == (None, None)


def test_the_profile_before_is_that_of_the_cycle_before_and_not_of_the_place_before() -> None:
    data = argo_nc(
        platform=["A", "B", "A", "A"],
        cycles=[3, 2, 1, 3],
        days=[27153.0, 27152.0, 27151.0, 27153.0],
        lat=[-3.0, -2.0, -1.0, -3.0],
        pressure=[[30.0], [20.0], [10.0, 11.0], [31.0]],
    )
    batch, _ = read_any("x.nc", data)
    before = [profile.earlier for profile in batch.profiles]
    assert before[1] is None
    assert before[2] is None
    for one in (before[0], before[3]):
        assert one is not None
        assert one.time == DAY_1950 + 27151.0 * 86400
        assert one.position == Position(-1.0, 178.0)
        assert one.pressure is not None
        assert one.pressure.tolist() == [10.0, 11.0]


def test_argo_without_salinity_and_without_levels() -> None:
    batch, found = read_any("x.nc", argo_nc(cycles=[1, 2], pressure=[[], [1.0]], salinity=None))
    assert batch.salinity is None
    assert batch.sizes.tolist() == [0, 1]
    assert [(one.kind, one.count) for one in found] == [("no-levels", 1)]


def test_argo_flags_stand_level_by_level() -> None:
    data = argo_nc(pressure=[[1.0, 2.0, 3.0], [4.0, NAN, 6.0]], flags=["14 ", "3 2"])
    flags = flags_in(data)
    assert flags.rolled["TEMP"].tolist() == [1, 4, 0, 3, 9, 2]
    assert set(flags.rolled) == {"PRES", "TEMP", "PSAL"}
    assert flags.tests == {}


@pytest.mark.parametrize(
    ("units", "time", "expected"),
    [
        ("days since 1950-01-01T00:00:00Z", [27150.5] * 5, DAY_1950 + 27150.5 * 86400),
        ("days since 1950-01-01 00:00:00 UTC", [27150.5] * 5, DAY_1950 + 27150.5 * 86400),
        ("seconds since 1970-01-01", [12.5] * 5, 12.5),
        ("hours since 2000-01-01 12:00", [1.0] * 5, 946_728_000 + 3600),
    ],
)
def test_times_by_their_unit(units: str, time: list[float], expected: float) -> None:
    batch, _ = read_any("x.nc", ragged_nc(units=units, time=time))
    assert batch.time.tolist() == [expected] * 5


@pytest.mark.parametrize("units", ["", "fortnights since 1950-01-01", "days since yesterday", "days since 0001-01-01"])
def test_a_time_in_another_unit_is_refused(units: str) -> None:
    with pytest.raises(DamagedError) as caught:
        read_any("x.nc", ragged_nc(units=units))
    assert caught.value.kind == "unit-unknown"


def test_ragged_per_level_and_per_profile() -> None:
    whole, _ = read_any("a.nc", ragged_nc(sizes=[2, 0, 3], pressure=[1, 2, 3, 4, 5], salinity=[35.0] * 4 + [NAN]))
    assert whole.sizes.tolist() == [2, 0, 3]
    assert [one.name for one in whole.profiles] == ["a", "a-2", "a-3"]
    assert whole.profiles[0].timed
    assert whole.profiles[0].placed
    assert whole.salinity is not None
    assert np.isnan(whole.salinity).tolist() == [False] * 4 + [True]
    one, _ = read_any("a.nc", ragged_nc(sizes=[2, 3], per_level=False, lat=[-1.0, -2.0], names=["p", "q"]))
    assert one.latitude.tolist() == [-1.0, -1.0, -2.0, -2.0, -2.0]
    assert not one.profiles[0].timed
    assert [profile.known["profile_id"] for profile in one.profiles] == ["p", "q"]


def test_limits_of_the_file_hide_no_value() -> None:
    """The bad values are what tests look for: valid_max must not make them missing."""

    def limit(file: Any) -> None:
        file["TEMP"].valid_max = 20.0
        file["TEMP"].valid_min = 0.0

    batch, _ = read_any("a.nc", ragged_nc(change=limit, temperature=[50.0, -9.0, 1.0, 99999.0, NAN]))
    assert batch.temperature[:3].tolist() == [50.0, -9.0, 1.0]
    assert np.isnan(batch.temperature[3:]).all()


def test_kelvin_and_metres() -> None:
    def units(file: Any) -> None:
        file["TEMP"].units = "K"
        file["PRES"].units = "m"

    batch, _ = read_any(
        "a.nc", ragged_nc(change=units, temperature=[280.15] * 5, pressure=[0, 20, 20, 20, 20], lat=[-41.0] * 5)
    )
    assert batch.temperature[0] == pytest.approx(7.0)
    assert batch.pressure[1] == pytest.approx(20.15, abs=0.01)


@pytest.mark.parametrize("change", ["row_size", "unit", "missing"])
def test_what_does_not_fit_together_is_refused(change: str) -> None:
    def spoil(file: Any) -> None:
        if change == "row_size":
            file["row_size"][:] = [3, 3]
        elif change == "unit":
            file["TEMP"].units = "furlong"
        else:
            file.renameVariable("PRES", "X")

    with pytest.raises(DamagedError):
        read_any("a.nc", ragged_nc(change=spoil))


def test_our_own_files_come_back_as_they_were() -> None:
    fleet = moana_fleet(3, levels=20, seed=5) | {"MOANA_0012_1_9.csv": moana_csv(lat=[None, 1.0], lon=[None, 0.0])}
    source = joined([one[0] for one in read_many(list(fleet.items())) if not isinstance(one, DamagedError)])
    result = evaluate(source, load_suite("moana"))
    named = Attributes(publish=("upload position",))
    data = netcdf_file(source, result, FileSource(source_modified=0.0, attributes=named))
    batch, found = read_any("deployment_qc.nc", data)
    assert found == []
    assert batch.sizes.tolist() == source.sizes.tolist()
    assert repr(values(batch)) == repr(values(source))
    assert [one.platform for one in batch.profiles] == [one.platform for one in source.profiles]
    for theirs, ours in zip(source.profiles, batch.profiles, strict=True):
        for name in ("sensor_serial", "upload_position", "download_time", "reset_codes", "baseline", "depth_rating"):
            assert getattr(ours.header, name) == getattr(theirs.header, name)
        assert ours.known["input_dialect"] == theirs.header.dialect
        assert ours.known["profile_id"] == theirs.name
    stored = flags_in(data)
    scale = result.suite.scale
    for variable, flags in result.rolled.items():
        assert stored.rolled[variable].tolist() == scale.write(flags).tolist()
    for place, flags in result.flags.items():
        if place[1] in result.rolled:
            assert stored.tests[place].tolist() == scale.write(flags).tolist()
    assert stored.meanings == scale.meanings


def test_a_file_that_hurts_the_library_is_damaged_and_the_next_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netcdf, "SECONDS", 5.0)
    random_bytes = random.Random(4)
    files = [argo_nc(), ragged_nc(flags={"TEMP_qc_spike": [1] * 5})]
    for number in range(30):
        data = bytearray(files[number % 2])
        for _ in range(6):
            data[random_bytes.randrange(4000)] = random_bytes.randrange(256)
        if number % 5 == 0:
            data = data[: random_bytes.randrange(8, len(data))]
        try:
            batch, _ = read_any("x.nc", bytes(data))
        except DamagedError:
            continue
        assert batch.sizes.sum() == batch.levels
    assert read_any("x.nc", files[0])[0].sizes.tolist() == [6, 6]


def test_a_reader_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netcdf, "SECONDS", 0.0)
    helper = netcdf.Helper()
    with pytest.raises(DamagedError) as caught:
        helper.ask("read", argo_nc(), "x.nc")  # it cannot even begin in no time
    assert caught.value.kind == "netcdf-damaged"
    monkeypatch.setattr(netcdf, "SECONDS", 30.0)
    assert helper.ask("read", argo_nc(), "x.nc")[0].sizes.tolist() == [6, 6]
    helper.close()
