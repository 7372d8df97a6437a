"""``bondstore ocean compare``, and the options that came with it: the exclusion list, ``show --metadata``."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.cli.conftest import Call
from tests.ocean_files import argo_nc, moana_csv
from tests.real_ocean import real

LIST = "PLATFORM_CODE,PARAMETER_NAME,START_DATE,END_DATE,QUALITY_CODE,COMMENT,DAC\n1901234,PSAL,20240101,,4,drift,XX\n"
PRESSURE = [5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 300.0, 400.0]
WARM = [18.0, 17.9, 17.8, 99.0, 16.0, 15.0, 14.0, 13.0]


@pytest.fixture
def float_file(tmp_path: Path) -> Path:
    """One cycle: 99 degrees at a level that the file calls good, and one that it calls bad for no visible reason."""
    path = tmp_path / "argo" / "R1901234_002.nc"
    path.parent.mkdir()
    path.write_bytes(argo_nc(cycles=[2], pressure=[PRESSURE], temperature=[WARM], flags=["11111411"]))
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_file_says_and_tests_say_by_variable_test_and_flag(float_file: Path, cli: Call) -> None:
    result = cli("ocean", "compare", str(float_file), "--format", "csv")
    assert result.code == 0
    assert "1 file with flags compared." in result.err
    found = {(one["variable"], one["test"], one["file_says"], one["tests_say"]): one for one in rows(result.out)}
    assert found["TEMP", "", "good", "bad"]["levels"] == "1"  # 99 degrees
    assert found["TEMP", "range", "good", "bad"]["levels"] == "1"
    assert found["PRES", "", "bad", "good"]["levels"] == "1"  # the tests do not know the file's flags
    assert found["PRES", "", "good", "good"] == {
        "variable": "PRES",
        "test": "",
        "file_says": "good",
        "tests_say": "good",
        "levels": "7",
        "profiles": "1",
    }
    as_json = [json.loads(line) for line in cli("ocean", "compare", str(float_file), "--json").out.splitlines()]
    assert [{name: str(one[name]) for name in rows(result.out)[0]} for one in as_json] == rows(result.out)
    table = cli("ocean", "compare", str(float_file)).out
    assert "all tests" in table
    assert "file says" in table


def test_a_store_is_compared_as_a_whole_and_what_has_no_flags_is_said(float_file: Path, cli: Call) -> None:
    (float_file.parent / "MOANA_0012_1_240501031630.csv").write_bytes(moana_csv())
    result = cli("ocean", "compare", float_file.parent.as_uri())
    assert result.code == 0
    assert "1 file without flags left out." in result.err
    (float_file.parent / "R1901234_003.nc").write_bytes(b"CDF\x01 and then nothing")
    result = cli("ocean", "compare", str(float_file.parent))
    assert result.code == 5
    assert "netcdf-damaged, R1901234_003.nc" in result.err


def test_nothing_to_compare_is_not_found(tmp_path: Path, cli: Call) -> None:
    path = tmp_path / "MOANA_0012_1_240501031630.csv"
    path.write_bytes(moana_csv())
    result = cli("ocean", "compare", str(path))
    assert result.code == 3
    assert "nothing to compare" in result.err
    (tmp_path / "empty").mkdir()
    assert cli("ocean", "compare", str(tmp_path / "empty")).code == 3
    assert cli("ocean", "compare", str(path), "--format", "xml").code == 2


def test_levels_of_a_real_float_that_were_flagged_by_an_expert(cli: Call) -> None:
    (name,) = real("argo/2902696/D2902696_003.nc")
    result = cli("ocean", "compare", str(name), "--format", "csv")
    found = {(one["variable"], one["test"], one["file_says"], one["tests_say"]): one for one in rows(result.out)}
    # netCDF4 says: 112 salinities with PSAL_ADJUSTED_QC 1, one with 4
    assert found["PSAL", "", "good", "good"]["levels"] == "112"
    assert found["PSAL", "", "bad", "good"]["levels"] == "1"


# --- the exclusion list


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine that has the list."""
    (tmp_path / "ar_greylist.txt").write_text(LIST)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def psal_of(dest: Path) -> dict[str, int]:
    (record,) = dest.rglob("R1901234_002_qc.nc.json")
    counts: dict[str, int] = json.loads(record.read_text())["tests"]["exclusion_list/PSAL"]
    return counts


@pytest.mark.parametrize("where", ["file", "web"])
def test_a_listed_sensor_is_flagged_without_a_suite_of_ones_own(
    where: str, float_file: Path, tmp_path: Path, web: str, cli: Call
) -> None:
    named = str(tmp_path / "ar_greylist.txt") if where == "file" else f"{web}/ar_greylist.txt"
    dest = tmp_path / "qc"
    command = ("ocean", "qc", str(float_file.parent), str(dest), "--tests", "argo", "--exclusion-list", named, "--yes")
    assert cli(*command).code == 0
    assert psal_of(dest) == {"bad": 7, "not_applicable": 1}  # of 8 levels the file calls one bad: left out by tests
    assert "nothing was left to do" in cli(*command).out + cli(*command).err
    without = tmp_path / "without"
    cli("ocean", "qc", str(float_file.parent), str(without), "--tests", "argo", "--yes")
    assert psal_of(without) == {"not_applicable": 8}


def test_an_exclusion_list_that_is_none_is_told(float_file: Path, tmp_path: Path, web: str, cli: Call) -> None:
    command = ("ocean", "qc", str(float_file.parent), str(tmp_path / "qc"), "--tests", "argo", "--yes")
    assert cli(*command, "--exclusion-list", str(tmp_path / "none.txt")).code == 3
    assert cli(*command, "--exclusion-list", f"{web}/none.txt").code == 3
    for odd in ("http://exa mple/ar_greylist.txt", "https://[bad/ar_greylist.txt"):
        assert cli(*command, "--exclusion-list", odd).code == 3
    (tmp_path / "odd.txt").write_text("a,b\n1,2\n")
    result = cli(*command, "--exclusion-list", str(tmp_path / "odd.txt"))
    assert result.code == 4
    assert "exclusion list cannot be read" in result.err


def test_an_exclusion_list_that_is_cut_on_its_way_is_refused(float_file: Path, tmp_path: Path, cli: Call) -> None:
    """What is lost of it would clear the sensors that stood there."""

    class Cut(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            """Say more than comes."""
            self.send_response(200)
            self.send_header("Content-Length", str(len(LIST) + 4000))
            self.end_headers()
            self.wfile.write(LIST.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Cut) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        named = f"http://127.0.0.1:{server.server_port}/ar_greylist.txt"
        command = ("ocean", "qc", str(float_file.parent), str(tmp_path / "qc"), "--tests", "argo", "--yes")
        result = cli(*command, "--exclusion-list", named)
        server.shutdown()
    assert result.code == 3
    assert "could not be read" in result.err
    assert not (tmp_path / "qc").exists()


# --- show


def test_show_takes_the_table_of_deployments(tmp_path: Path, cli: Call) -> None:
    path = tmp_path / "MOANA_0012_1_240501031630.csv"
    path.write_bytes(moana_csv())
    table = tmp_path / "deployments.csv"
    table.write_text(
        "Moana Serial Number,Vessel ID,Fishing Method,Date Supplied,Date Returned\n12,Kereru,potting,2024-04-20,\n"
    )
    assert "Kereru" not in cli("ocean", "show", str(path)).out
    result = cli("ocean", "show", str(path), "--metadata", str(table))
    assert "Kereru" in result.out
    assert any(line.split() == ["gear", "stationary"] for line in result.out.splitlines())
    assert cli("ocean", "show", str(path), "--metadata", str(tmp_path / "none.csv")).code == 3


def test_show_says_what_the_files_own_flags_are(float_file: Path, cli: Call) -> None:
    lines = [
        " ".join(line.split()) for line in cli("ocean", "show", str(float_file), "--tests", "argo").out.splitlines()
    ]
    assert "failed source on TEMP at level 6 (the file's own flags)" in lines
