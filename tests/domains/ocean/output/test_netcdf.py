"""A profile's file, opened with xarray and netCDF4: the values, flags and attributes that went in."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources

import netCDF4
import numpy as np
import pytest
import xarray

from bondstore.domains.ocean.output import netcdf_content
from bondstore.domains.ocean.output.attributes import Attributes
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.profiles import Deployment, Position
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.flags import SCALES, Flag
from bondstore.domains.ocean.qc.suite import load_suite, suite_names
from bondstore.domains.ocean.qc.tests import REGISTRY
from bondstore.errors import UsageError
from tests.domains.ocean.output.making import STEPS, about, batch, profile, result


def written(of, said=None, **more) -> netCDF4.Dataset:
    file = netCDF4.Dataset("memory", memory=netcdf_file(of, said or result(of), about(**more)))
    file.set_auto_mask(False)
    return file


def test_values_come_back_as_they_went_in(tmp_path):
    of = batch(30, 1, 0, 12, salinity=True)
    of.temperature[3] = of.salinity[4] = of.pressure[5] = of.latitude[6] = np.nan
    path = tmp_path / "file.nc"
    path.write_bytes(netcdf_file(of, result(of), about()))
    with xarray.open_dataset(path) as file:
        np.testing.assert_array_equal(file["TEMP"], of.temperature)
        np.testing.assert_array_equal(file["PSAL"], of.salinity)
        np.testing.assert_array_equal(file["PRES"], of.pressure)
        np.testing.assert_array_equal(file["LATITUDE"], of.latitude)
        np.testing.assert_array_equal(file["LONGITUDE"], of.longitude)
        times = (file["TIME"].values - np.datetime64("1970-01-01")) / np.timedelta64(1, "us") / 1e6
        np.testing.assert_allclose(times, of.time, rtol=0, atol=1e-4)
        assert file["row_size"].values.tolist() == [30, 1, 0, 12]
        assert file["profile_id"].values.tolist() == [one.name for one in of.profiles]
        first = [of.latitude[start] if size else np.nan for start, size in zip(of.starts, of.sizes, strict=True)]
        np.testing.assert_array_equal(np.isnan(file["PROFILE_LATITUDE"]), np.isnan(first))
        assert file["TEMP"].dims == ("obs",)
        assert file["PROFILE_TIME"].dims == ("profile",)


def test_units_and_names_are_those_that_were_asked_for():
    file = written(batch(5, salinity=True))
    assert {name: file[name].units for name in ("TIME", "LATITUDE", "LONGITUDE", "PRES", "TEMP", "PSAL")} == {
        "TIME": "days since 1950-01-01 00:00:00 UTC",
        "LATITUDE": "degrees_north",
        "LONGITUDE": "degrees_east",
        "PRES": "dbar",
        "TEMP": "degree_Celsius",
        "PSAL": "1",
    }
    assert (file.featureType, file.cdm_data_type) == ("profile", "Profile")
    assert file["row_size"].sample_dimension == "obs"
    assert file["profile_id"].cf_role == "profile_id"
    assert file.Conventions == "CF-1.11, ACDD-1.3"
    days = float(file["TIME"][0])
    assert days == (datetime(2024, 5, 1, tzinfo=UTC) - datetime(1950, 1, 1, tzinfo=UTC)).days


def test_erddap_finds_what_is_of_a_profile():
    file = written(batch(5, 6))
    named = file.cdm_profile_variables.split(", ")
    assert named[0] == "profile_id"
    assert {"PROFILE_TIME", "PROFILE_LATITUDE", "PROFILE_LONGITUDE"} <= set(named)
    assert all(file[name].dimensions[0] == "profile" for name in named)
    of_levels = {name for name, one in file.variables.items() if one.dimensions[0] == "obs"}
    assert not of_levels & set(named)


def test_salinity_only_where_there_is_any():
    without = written(batch(5))
    assert not [name for name in without.variables if name.startswith("PSAL")]
    assert "PSAL_qc_density" in written(batch(5, salinity=True)).variables


@pytest.mark.parametrize("scale", SCALES)
def test_flags_are_written_in_the_numbers_of_the_scale(scale):
    of = batch(40, salinity=True)
    said = result(of, scale)
    file = written(of, said)
    numbers = SCALES[scale].numbers
    for label, on in said.flags:
        expected = [numbers[Flag(one)] for one in said.flags[label, on].tolist()]
        one = file[f"{on}_qc_{label}"]
        assert one[:].tolist() == expected
        assert one.dtype == np.int8
        assert set(expected) <= set(one.flag_values.tolist())
        assert len(one.flag_values) == len(one.flag_meanings.split())
        assert dict(zip(one.flag_values.tolist(), one.flag_meanings.split(), strict=True)) == SCALES[scale].meanings
    for name in ("TIME", "PRES", "TEMP", "PSAL"):
        expected = [numbers[Flag(one)] for one in said.rolled[name].tolist()]
        assert file[f"{name}_quality_control"][:].tolist() == expected
        assert file[f"{name}_quality_control"].standard_name == "aggregate_quality_flag"
    for name in ("LATITUDE", "LONGITUDE"):
        assert file[f"{name}_quality_control"][:].tolist() == [numbers[Flag(one)] for one in said.rolled["POSITION"]]


def test_variables_are_linked_with_all_their_flags():
    file = written(batch(5, salinity=True))
    for name in ("TIME", "LATITUDE", "LONGITUDE", "PRES", "TEMP", "PSAL"):
        linked = file[name].ancillary_variables.split()
        assert linked[0] == f"{name}_quality_control"
        assert all(one in file.variables for one in linked)
    assert file["LATITUDE"].ancillary_variables.split()[1] == "POSITION_qc_impossible_location"
    every = {name for name in file.variables if "_qc_" in name or name.endswith("_quality_control")}
    linked = {one for name in file.variables for one in getattr(file[name], "ancillary_variables", "").split()}
    assert every == linked


def test_flags_of_known_tests_have_the_name_that_cf_knows():
    file = written(batch(5))
    assert file["TEMP_qc_spike"].standard_name == "spike_test_quality_flag"
    assert file["TEMP_qc_gross_range"].standard_name == "gross_range_test_quality_flag"
    assert file["PRES_qc_stuck_value"].standard_name == "quality_flag"


def test_each_test_with_a_name_of_its_own_is_known_to_cf_and_to_us():
    load_suite("qartod")
    table = (resources.files("compliance_checker") / "data" / "cf-standard-name-table.xml").read_text("utf-8")
    assert set(netcdf_content._QARTOD) <= set(REGISTRY)
    assert all(f'entry id="{name}"' in table for name in netcdf_content._QARTOD.values())


def test_longitudes_are_wrapped_and_what_is_none_is_not_made_one():
    east = np.array([180.247, 360.0, 180.0, -180.0, 0.0, 400.0, -190.0, np.nan])
    file = written(batch(8, longitude=east))
    found = file["LONGITUDE"][:]
    np.testing.assert_allclose(found[:5], [-179.753, 0.0, 180.0, -180.0, 0.0], atol=1e-9)
    assert found[5:7].tolist() == [400.0, -190.0]
    assert np.isnan(found[7])
    assert (file["LONGITUDE"].valid_min, file["LONGITUDE"].valid_max) == (-180.0, 180.0)
    file.set_auto_mask(True)
    assert file["LONGITUDE"][:].mask.tolist() == [False] * 5 + [True] * 3


def test_extents_leave_out_what_is_bad_and_cross_the_date_line():
    of = batch(6, longitude=np.array([179.9, 180.1, 179.95, 180.2, 10.0, 179.9]), pressure=np.arange(6.0))
    said = result(of)
    flags = {name: np.full(6, Flag.GOOD, np.int8) for name in said.rolled}
    flags["POSITION"] = np.array([1, 1, 1, 1, 4, 1], np.int8)
    flags["PRES"] = np.array([1, 1, 1, 1, 1, 4], np.int8)
    flags["TIME"] = np.array([4, 1, 1, 1, 1, 1], np.int8)
    file = written(of, replace(said, rolled=flags))
    assert file.geospatial_lon_min == 179.9
    assert file.geospatial_lon_max == pytest.approx(-179.8)
    assert (file.geospatial_vertical_min, file.geospatial_vertical_max) == (0.0, 4.0)
    assert file.time_coverage_start == "2024-05-01T00:01:00Z"
    assert file.time_coverage_end == "2024-05-01T00:05:00Z"
    assert float(file["PROFILE_TIME"][0]) == pytest.approx(float(file["TIME"][1]))


def test_what_is_the_same_is_an_attribute_and_what_differs_a_variable():
    of = batch(3, 4, profiles=[profile(1), profile(2, deployment=Deployment("Ørn", "stationary"))])
    file = written(of, attributes=Attributes(publish=("vessel", "upload position")))
    assert file.deck_unit_serial_number == "9001"
    assert file.sensor_battery_percent == 3.6
    assert file.upload_latitude == -41.3
    assert file.sensor_reset_codes == "1, 3"
    assert file["sensor_serial_number"][:].tolist() == ["0001", "0002"]
    assert file["vessel"][:].tolist() == ["Good Hope", "Ørn"]
    assert file["deployment_supplied"][:].tolist() == ["2024-03-01T00:00:00Z", ""]
    assert "sensor_serial_number" in file.cdm_profile_variables


def test_other_header_lines_are_published_only_when_asked_for():
    header = replace(
        profile().header,
        other={"Profile number": "7", "Note": "n", "Contact name": "c"},
        baseline=np.nan,
        upload_position=Position(-41.0, np.nan),
    )
    of = batch(3, profiles=[profile(header=header, known={"truncated": "yes", "note": "n"})])
    silent = written(of).ncattrs()
    assert not [name for name in silent if name.startswith("header_")]
    assert {"profile_truncated", "sensor_firmware"} <= set(silent)
    assert not {"profile_note", "sensor_baseline_dbar", "upload_latitude"} & set(silent)
    asked = written(of, attributes=Attributes(publish=("Profile number", "Contact name")))
    assert asked.header_profile_number == "7"
    assert "header_contact_name" not in asked.ncattrs()


def test_what_tells_of_a_vessel_or_its_gear_is_private_unless_it_is_named():
    other = {"fishing method": "Potting", "port": "Bluff", "programme": "FishSOOP"}
    of = batch(3, profiles=[profile(deployment=Deployment("Good Hope", "stationary", 1709251200.0, None, other))])
    private = ("vessel", "gear", "upload_latitude", "upload_longitude", "download_latitude", "download_longitude")
    private += ("deployment_fishing_method", "deployment_port", "deployment_programme")
    silent = written(of)
    assert not {*private} & {*silent.ncattrs(), *silent.variables}
    texts = [str(value) for value in (*silent.__dict__.values(), silent.variables)]
    assert not [word for word in ("Good Hope", "stationary", "Potting", "Bluff") if word in " ".join(texts)]
    named = ("Vessel", "gear", "upload_position", "Download position", "Fishing method", "port", "programme")
    asked = written(of, attributes=Attributes(publish=named))
    assert {*private} <= {*asked.ncattrs()}
    assert (asked.vessel, asked.gear, asked.deployment_port) == ("Good Hope", "stationary", "Bluff")


def test_one_time_and_place_for_a_profile_lie_with_it():
    of = batch(4, 0, 3, profiles=[profile(number, timed=False, placed=False) for number in (1, 2, 3)])
    said = result(of)
    said.rolled["TIME"][:] = [1, 3, 1, 1, 2, 1, 5]
    file = written(of, said)
    assert file["TIME"].dimensions == file["LATITUDE"].dimensions == file["TIME_quality_control"].dimensions
    assert file["TIME"].dimensions == ("profile",)
    assert file["POSITION_qc_impossible_location"].dimensions == ("profile",)
    numbers = SCALES["qartod"].numbers
    assert file["TIME_quality_control"][:].tolist() == [
        numbers[Flag.SUSPECT],
        numbers[Flag.MISSING],
        numbers[Flag.UNEVALUATED],
    ]
    assert np.isnan(file["TIME"][1])
    assert file["TEMP"].dimensions == ("obs",)
    assert "PROFILE_TIME" not in file.variables


def test_history_names_tests_thresholds_and_versions():
    of = batch(5)
    said = result(of)
    lines = written(of, said).history.split("\n")
    assert lines[0].startswith("2024-05-03T01:33:20Z bondstore ")
    assert said.suite.digest in lines[0]
    assert len(lines) == 1 + len(STEPS)
    assert "spike on TEMP: qartod.spike" in lines[2]
    assert "low=0.5" in lines[2]


def test_why_a_test_could_not_speak_stands_with_its_flags():
    of = batch(5, 6)
    reasons = {("spike", "TEMP"): {1: "the profile is too short"}}
    file = written(of, result(of, reasons=reasons))
    assert file["TEMP_qc_spike"].not_evaluated == f"{of.profiles[1].name}: the profile is too short"
    assert "not_evaluated" not in file["TEMP_qc_gross_range"].ncattrs()
    many = batch(*[1] * 30)
    told = written(many, result(many, reasons={("spike", "TEMP"): dict.fromkeys(range(30), "why")}))
    assert told["TEMP_qc_spike"].not_evaluated.endswith("; and 10 more profiles")


def test_what_a_person_states_goes_in_and_never_over_what_is_measured():
    stated = Attributes(
        {"title": "Ours", "license": "CC-BY-4.0", "id_prefix": "org.example:"},
        {"site_code": "NZ", "featureType": "trajectory", "history": "none"},
    )
    file = written(batch(5), attributes=stated)
    assert (file.title, file.license, file.site_code) == ("Ours", "CC-BY-4.0", "NZ")
    assert file.id == "org.example:MOANA_0001_1_240501"
    assert file.featureType == "profile"
    assert file.history != "none"
    assert "private" not in "".join(str(file.getncattr(name)) for name in file.ncattrs())


def test_no_profile_is_refused():
    none = batch(5).take([])
    with pytest.raises(UsageError, match="at least one profile"):
        netcdf_file(none, result(none), about())


def test_two_processes_write_the_same_bytes():
    of = batch(30, 12, salinity=True)
    code = (
        "import sys, hashlib; from tests.domains.ocean.output.making import about, batch, result;"
        "from bondstore.domains.ocean.output.netcdf import netcdf_file; of = batch(30, 12, salinity=True);"
        "print(hashlib.sha256(netcdf_file(of, result(of), about())).hexdigest())"
    )
    here = hashlib.sha256(netcdf_file(of, result(of), about())).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert there.stdout.strip() == here


def test_no_library_is_needed_to_write():
    code = (
        "import sys; sys.modules['netCDF4'] = None; sys.modules['xarray'] = None;"
        "from tests.domains.ocean.output.making import about, batch, result;"
        "from bondstore.domains.ocean.output.netcdf import netcdf_file; of = batch(3);"
        "print(len(netcdf_file(of, result(of), about())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 1000


@pytest.mark.parametrize("name", suite_names())
def test_flags_of_each_suite_that_comes_along_are_all_in_the_file(name):
    of = batch(30, 12, salinity=True)
    said = evaluate(of, load_suite(name))
    file = written(of, said)
    assert {f"{on}_qc_{label}" for label, on in said.flags} <= set(file.variables)
    assert len(file.history.split("\n")) == 1 + len(said.suite.steps)
