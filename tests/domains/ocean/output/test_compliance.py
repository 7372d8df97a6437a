"""What compliance-checker says of files: no error, by CF 1.8, CF 1.11 and ACDD 1.3."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from compliance_checker.base import BaseCheck
from compliance_checker.suite import CheckSuite

from bondstore.domains.ocean.output.netcdf import netcdf_file
from tests.domains.ocean.output.making import about, batch, profile, result

HERE = np.full(12, np.nan)
CASES = {
    "one": batch(12),
    "several-with-salinity": batch(12, 7, 3, salinity=True),
    "over-180": batch(12, longitude=180.247 + np.arange(12) / 1000),
    "no-positions": batch(12, latitude=HERE, longitude=HERE),
    "one-level": batch(1),
    "all-missing": batch(12, time=HERE, latitude=HERE, longitude=HERE, pressure=HERE, temperature=HERE),
    "no-levels": batch(0),
    "one-time-and-place": batch(
        5, 7, salinity=True, profiles=[profile(number, timed=False, placed=False) for number in (1, 2)]
    ),
}
LEFT = {
    # A file says which version it was made by; checked against an older one it does not say that one.
    "cf:1.8": {'§2.6.1 Conventions global attribute does not contain "CF-1.8"'},
    "cf:1.11": set(),
    "acdd:1.3": {
        # Never given: how to reach a person.
        "creator_email not present",
        "publisher_email not present",
        # Given by settings, if anybody knows.
        "acknowledgment/acknowledgement not present",
        "comment not present",
        "creator_url not present",
        "naming_authority not present",
        "project not present",
        "publisher_name not present",
        "publisher_url not present",
        # Levels come at no fixed pace; dbar has no reference system.
        "geospatial_bounds_vertical_crs not present",
        "time_coverage_resolution not present",
    },
}
UNKNOWN_WITHOUT_DATA = {
    "geospatial_lat_min",
    "geospatial_lat_max",
    "geospatial_lon_min",
    "geospatial_lon_max",
    "geospatial_bounds",
    "geospatial_bounds_crs",
    "geospatial_vertical_min",
    "geospatial_vertical_max",
    "geospatial_vertical_positive",
    "time_coverage_start",
    "time_coverage_end",
    "time_coverage_duration",
}


def checked(path) -> dict[str, list[tuple[int, str]]]:
    """Each check's complaints with their weight (3: error, 2: warning, 1: hint)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        CheckSuite.load_all_available_checkers()
        suite = CheckSuite()
        file = suite.load_dataset(str(path))
        said = suite.run_all(file, list(LEFT))
        file.close()
    complaints: dict[str, list[tuple[int, str]]] = {}
    for name, (groups, failed) in said.items():
        assert not failed, failed
        complaints[name] = [(one.weight, text) for one in leaves(groups) if not passed(one) for text in one.msgs]
    return complaints


def leaves(groups):
    for one in groups:
        yield from leaves(one.children) if one.children else [one]


def passed(one) -> bool:
    return one.value[0] == one.value[1] if isinstance(one.value, tuple) else bool(one.value)


def clean_result(of):
    """Nothing is bad: extents are then those of all the data, which the checker compares them with."""
    made = result(of)
    kept = {name: np.where(flags == 4, 3, flags).astype(np.int8) for name, flags in made.rolled.items()}
    return replace(made, rolled=kept)


@pytest.mark.parametrize("case", CASES)
def test_no_errors_and_only_known_advice(case, tmp_path):
    of = CASES[case]
    if case == "one-time-and-place":
        flat = [np.repeat(one[of.starts], of.sizes) for one in (of.time, of.latitude, of.longitude)]
        of = replace(of, time=flat[0], latitude=flat[1], longitude=flat[2])
    path = tmp_path / "file.nc"
    path.write_bytes(netcdf_file(of, clean_result(of), about()))
    for name, complaints in checked(path).items():
        assert [text for weight, text in complaints if weight >= BaseCheck.HIGH] == []
        advice = {text for weight, text in complaints if weight >= BaseCheck.MEDIUM} - LEFT[name]
        if case in ("no-positions", "all-missing", "no-levels"):
            advice = {text for text in advice if not any(one in text for one in UNKNOWN_WITHOUT_DATA)}
            advice = {text for text in advice if "attribute not found" not in text}
        assert advice == set()


def test_the_checker_would_find_a_fault(tmp_path):
    path = tmp_path / "file.nc"
    path.write_bytes(
        netcdf_file(CASES["one"], result(CASES["one"]), about()).replace(
            b"sea_water_temperature", b"sea_water_temperatura"
        )
    )
    found = checked(path)
    assert any(weight == BaseCheck.HIGH for weight, _ in found["cf:1.11"])
