"""Files as AODN takes them: depth beside pressure, IMOS-1.4 attributes, and the version and folder they belong to."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
from compliance_checker.base import BaseCheck

from bondstore.domains.ocean import service
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.verify import verify_file
from bondstore.errors import IntegrityError
from bondstore.release.records import Record
from bondstore.runs.destinations import open_destination
from bondstore.stores.address import dest_spec
from tests.domains.ocean.output.making import about, batch
from tests.domains.ocean.output.test_compliance import checked, clean_result
from tests.ocean_files import moana_csv
from tests.real_ocean import real

TABLE = "Moana serial number,Date supplied,Date returned,Vessel name,Fishing method\n{},01/01/2021,,Kittiwake,Potting\n"
STATED = """
title = "Temperatures from fishing vessels"
institution = "UNSW"
license = "CC-BY-4.0"
acknowledgement = "IMOS is enabled by NCRIS."
author = "Lago, Veronique"
citation = "IMOS, 2026"
principal_investigator = "Roughan, Moninya"
"""


def made(root: Path, source: Path, serial: str, *, deployed: bool, stated: str = STATED) -> tuple[Path, list[str]]:
    """Return the file that quality control makes of a source, and the kinds of what was found."""
    raw, table, words = root / "raw", root / "deployments.csv", root / "attributes.toml"
    raw.mkdir(exist_ok=True)
    (raw / source.name).write_bytes(source.read_bytes())
    table.write_text(TABLE.format(serial if deployed else "99999"))
    words.write_text(stated)
    asked = service.Asked(style="aodn", metadata=table, attributes=words)
    run = service.qc(raw, root / "qc", asked, jobs=1)
    (path,) = (root / "qc").rglob("*.nc")
    with open_destination(dest_spec(root / "qc")).ledger() as ledger:
        return path, [one.kind for one in ledger.findings.of_run(run.run)]


def test_the_depths_of_a_real_file_are_those_that_its_own_chain_computed(tmp_path: Path) -> None:
    (source,) = real("fishsoop/*.nc")
    path, found = made(tmp_path, source, "1195", deployed=True)
    with netCDF4.Dataset(source) as theirs, netCDF4.Dataset(path) as ours:
        np.testing.assert_allclose(ours["DEPTH"][:], theirs["DEPTH"][:], atol=1e-3)
        assert (ours["DEPTH"].standard_name, ours["DEPTH"].units, ours["DEPTH"].positive) == ("depth", "m", "down")
        assert np.array_equal(ours["DEPTH_quality_control"][:], ours["PRES_quality_control"][:])
        for name in ("naming_authority", "data_centre", "project", "disclaimer", "file_version", "author"):
            assert ours.getncattr(name) == theirs.getncattr(name), name
        assert ours.geospatial_vertical_max == pytest.approx(theirs.geospatial_vertical_max, abs=1e-3)
        assert "IMOS-1.4" in ours.Conventions.split(", ")
        assert ours["TEMP_quality_control"].quality_control_conventions == "IMOS standard flags"
        assert ours.principal_investigator == "Roughan, Moninya"
        assert ours.abstract
        assert "kittiwake" not in str(ours.__dict__).lower()
    assert "aodn-attributes" not in found
    verify_file(path.read_bytes(), Record.from_json(Path(f"{path}.json").read_bytes()))


def test_what_could_not_be_quality_controlled_in_full_is_near_real_time_and_what_was_is_delayed(tmp_path: Path) -> None:
    """The pairs of folder and version are AODN's own: REALTIME with FV00, DELAYED with FV01."""
    (source,) = real("MOANA_0038_*.csv")
    for deployed, folder, version, mode in (
        (False, "REALTIME", "FV00", "Near Real-Time"),
        (True, "DELAYED", "FV01", "Delayed"),
    ):
        path, _ = made(tmp_path, source, "38", deployed=deployed)  # the only file there: the one before is gone
        assert path.relative_to(tmp_path / "qc").parts[:4] == ("IMOS", "SOOP", "SOOP-FishSOOP", folder)
        assert f"_{version}_" in path.name
        with netCDF4.Dataset(path) as file:
            assert file.data_mode == mode


def test_what_aodn_asks_for_and_nobody_stated_is_told(tmp_path: Path) -> None:
    source = tmp_path / "MOANA_0012_1_240501031630.csv"
    source.write_bytes(moana_csv(serial="12"))
    _, found = made(tmp_path, source, "12", deployed=True, stated='title = "x"')
    assert found.count("aodn-attributes") == 1


def test_whatever_the_suite_flags_are_those_of_imos(tmp_path: Path) -> None:
    source = tmp_path / "raw"
    source.mkdir()
    (source / "MOANA_0012_1_240501031630.csv").write_bytes(moana_csv(serial="12"))
    service.qc(source, tmp_path / "qc", service.Asked(tests="qartod", style="aodn"), jobs=1)
    (path,) = (tmp_path / "qc").rglob("*.nc")
    with netCDF4.Dataset(path) as file:
        assert file["TEMP_quality_control"].flag_meanings.startswith("no_qc_performed good_data probably_good_data")


@pytest.mark.parametrize("of", [batch(12), batch(12, 7, 3, salinity=True), batch(0)])
def test_a_file_for_aodn_has_no_error_by_cf(of, tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "file.nc"
    path.write_bytes(netcdf_file(of, clean_result(of), replace(about(), style="aodn")))
    for complaints in checked(path).values():
        assert [text for weight, text in complaints if weight >= BaseCheck.HIGH] == []


def test_a_depth_is_no_better_than_its_pressure(tmp_path: Path) -> None:
    (source,) = real("fishsoop/*.nc")
    path, _ = made(tmp_path, source, "1195", deployed=True)
    record = Record.from_json(Path(f"{path}.json").read_bytes())
    with netCDF4.Dataset(path, "a") as file:
        file["PRES_quality_control"][:] = np.int8(3)
        names = [name for name in file.variables if name.startswith("PRES_qc_")]
        file[names[0]][:] = np.int8(3)
    with pytest.raises(IntegrityError, match="depth better"):
        verify_file(path.read_bytes(), record)
