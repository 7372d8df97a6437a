"""``bondstore ocean show``: a profile on the terminal, from a file or a store, raw or with flags of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bondstore.domains.ocean.output.attributes import FileSource
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from tests.cli.conftest import Call
from tests.ocean_files import argo_nc, moana_csv, ragged_nc
from tests.real_ocean import real
from tests.servers.seaweedfs import SeaweedFS

NAME = "MOANA_0012_1_240501031630.csv"
SUITE = """
name = "mine"
[[test]]
test = "qartod.gross_range"
on = "TEMP"
sensor_span = [-2.0, 40.0]
operator_span = [16.0, 34.0]
"""
WARM = [17.5, 15.0, 50.0, None]


@pytest.fixture
def suite(tmp_path: Path) -> str:
    path = tmp_path / "mine.toml"
    path.write_text(SUITE)
    return str(path)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    path.write_bytes(moana_csv(temperature=WARM))
    return path


def test_a_raw_file_with_a_suite_of_ones_own(raw: Path, suite: str, cli: Call) -> None:
    result = cli("ocean", "show", str(raw), "--tests", suite, "--levels")
    assert (result.code, result.err) == (0, "")
    lines = [" ".join(line.split()) for line in result.out.splitlines()]
    assert lines[0] == f"{raw.stem} bad (suite mine)"
    assert "sensor 12, firmware MOANA-1.21" in lines
    assert "upload position 35.1452°S 174.3387°E" in lines
    assert "downloaded 2024-05-01T03:10:30Z" in lines
    assert "pressure 0.6 to 67.3 dbar" in lines
    assert "TEMP gross_range 1 1 1 1 sensor_span=[-2, 40]; operator_span=[16, 34]" in lines
    why = next(line for line in lines if line.startswith("failed"))
    assert why.startswith("failed gross_range on TEMP at levels 2-3, held against sensor_span=[-2, 40];")
    table = lines[lines.index("level time lat lon dbar °C TIME POSITION PRES TEMP failed") + 1 :]
    assert (
        table[0] == "1 2024-05-01T03:00:00Z -41.9000 174.9000 0.6 17.500 not evaluated not evaluated not evaluated good"
    )
    assert [line.split()[-1] for line in table[1:3]] == ["gross_range/TEMP"] * 2
    assert table[3].split()[5:] == ["-", *["not", "evaluated"] * 3, "missing"]


def test_the_same_as_records(raw: Path, suite: str, cli: Call) -> None:
    records = cli("ocean", "show", str(raw), "--tests", suite, "--levels", "--json").records
    assert [one["kind"] for one in records] == ["profile", *["level"] * 4]
    profile, levels = records[0], records[1:]
    assert profile["grade"] == "bad"
    assert profile["rolled"]["TEMP"] == {"good": 1, "suspect": 1, "bad": 1, "missing": 1}
    (test,) = profile["tests"]
    assert (test["test"], test["failed"]) == ("qartod.gross_range", [2, 3])
    assert [one["temperature"] for one in levels] == WARM
    assert [one["flags"]["TEMP"] for one in levels] == ["good", "suspect", "bad", "missing"]
    assert levels[2]["failed"] == {"gross_range/TEMP": "bad"}


def test_a_raw_file_is_tested_by_its_kind(raw: Path, tmp_path: Path, cli: Call) -> None:
    assert cli("ocean", "show", str(raw), "--json").records[0]["suite"] == "moana"
    plain = tmp_path / "plain.nc"
    plain.write_bytes(ragged_nc())
    assert [one["suite"] for one in cli("ocean", "show", str(plain), "--json").records] == ["qartod"] * 2


def test_why_a_test_could_not_be_evaluated(raw: Path, cli: Call) -> None:
    raw.write_bytes(moana_csv(lat=[-41.9 + 0.0001 * one for one in range(40)]))
    result = cli("ocean", "show", str(raw))
    assert "not evaluated  start_end_dist_check on POSITION" in result.out


def test_the_flags_that_a_file_has(tmp_path: Path, suite: str, cli: Call) -> None:
    batch, _ = read_any(NAME, moana_csv(temperature=WARM))
    path = tmp_path / "x_qc.nc"
    path.write_bytes(netcdf_file(batch, evaluate(batch, load_suite(suite)), FileSource(source_modified=0.0)))
    (profile,) = cli("ocean", "show", str(path), "--json").records
    assert (profile["suite"], profile["grade"]) == ("", "bad")
    assert profile["rolled"]["TEMP"] == {"good": 1, "suspect": 1, "bad": 1, "missing": 1}
    assert profile["tests"][0]["failed"] == [2, 3]
    assert "operator_span" in profile["tests"][0]["thresholds"]
    assert "flags as they stand in the file" in cli("ocean", "show", str(path)).out
    again = cli("ocean", "show", str(path), "--json", "--tests", "qartod").records[0]
    assert again["suite"] == "qartod"


def test_argo_flags_and_many_profiles(tmp_path: Path, cli: Call) -> None:
    path = tmp_path / "R1.nc"
    path.write_bytes(argo_nc(cycles=list(range(1, 13)), flags=["141111"] * 12))
    result = cli("ocean", "show", str(path))
    assert result.err == "And 2 more profiles: --json shows all.\n"
    records = cli("ocean", "show", str(path), "--json").records
    assert len(records) == 12
    assert records[11]["rolled"]["TEMP"] == {"good": 5, "bad": 1}
    assert records[11]["grade"] == "bad"


def test_what_is_odd_is_told_and_lost_rows_end_with_five(tmp_path: Path, cli: Call) -> None:
    path = tmp_path / NAME
    path.write_bytes(moana_csv(truncated=True))
    result = cli("ocean", "show", str(path))
    assert result.code == 0
    assert result.err.startswith("warning: truncated: ")
    path.write_bytes(moana_csv().replace(b"END", b"1,2,3\nEND"))
    result = cli("ocean", "show", str(path), "--json")
    assert result.code == 5
    assert [one["finding"] for one in result.records if one["kind"] == "finding"] == ["rows-damaged"]


def test_from_a_bucket_and_the_read_is_noted(cli: Call, s3_environment: str, seaweedfs: SeaweedFS) -> None:
    seaweedfs.client().put_object(Bucket=s3_environment.removeprefix("s3://"), Key=f"raw/{NAME}", Body=moana_csv())
    for words in ((f"raw/{NAME}", "--store", s3_environment), (NAME, "--store", f"{s3_environment}/raw")):
        result = cli("ocean", "show", *words, "--json")
        assert (result.code, result.records[0].get("levels")) == (0, 40), result.out
    assert cli("ocean", "show", f"{s3_environment}/raw/{NAME}", "--json").records[0]["key"] == NAME
    noted = cli("audit", "show", "--json").records
    assert [one["key"] for one in noted] == [f"raw/{NAME}", NAME, NAME]


def test_nothing_there_or_nothing_of_the_kind(tmp_path: Path, raw: Path, cli: Call) -> None:
    gone = cli("ocean", "show", "no-such-file.csv")
    assert gone.code == 3
    assert "no store is named" in gone.err
    assert cli("ocean", "show", "no.csv", "--store", str(tmp_path)).code == 3
    (tmp_path / "x.csv").write_bytes(b"hello")
    assert cli("ocean", "show", str(tmp_path / "x.csv")).code == 5
    assert cli("ocean", "show", str(raw), "--tests", "nonsense").code == 3
    assert cli("ocean", "show", str(raw), "--columns", "no.toml").code == 3


def test_a_name_cannot_steer_the_terminal(tmp_path: Path, cli: Call) -> None:
    path = tmp_path / "MOANA_0012_1_1.csv"
    path.write_bytes(moana_csv(header={"Note\x1b[2J": "\x1b[31m[bold]red"}))
    result = cli("ocean", "show", str(path))
    assert "\x1b" not in result.out
    assert "[bold]red" in result.out


def test_a_file_of_imos_is_shown_in_the_words_of_the_tests(cli: Call) -> None:
    (path,) = real("fishsoop/*.nc")
    (shown, *_) = cli("ocean", "show", str(path), "--json").records
    assert (shown["grade"], shown["rolled"]["TEMPERATURE"]) == ("suspect", {"good": 366, "suspect": 2})
    assert shown["created"] == "2025-08-25T01:53:21Z"  # as its own attribute date_created has it
