"""``bondstore ocean qc`` and ``ocean tests``: what is said, exit codes, going on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bondstore.config.resolve import resolve_store
from bondstore.runs import executors
from bondstore.stores import open_store
from tests.cli.conftest import Call
from tests.ocean_files import moana_fleet

DEPLOYMENTS = "Serial number,Date supplied,Date returned,Vessel,Gear class\n" + "".join(
    f"{serial},01/01/2020,,V-{serial},mobile\n" for serial in range(10, 20)
)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    for name, data in moana_fleet(4, levels=40, seed=2).items():
        (folder / name).write_bytes(data)
    (tmp_path / "deployments.csv").write_text(DEPLOYMENTS)
    return folder


def test_the_plan_comes_first(cli: Call, raw: Path, tmp_path: Path) -> None:
    planned = cli("ocean", "qc", str(raw), str(tmp_path / "qc"), "--dry-run", "--json")
    assert planned.code == 0
    assert (planned.records[-1]["kind"], planned.records[-1]["todo"]) == ("plan", 4)
    assert not (tmp_path / "qc").exists()


def test_done_told_and_gone_on_with(cli: Call, raw: Path, tmp_path: Path) -> None:
    line = ("ocean", "qc", str(raw), str(tmp_path / "qc"), "--metadata", str(tmp_path / "deployments.csv"), "-j", "1")
    first = cli(*line)
    assert first.code == 0, first.err
    assert f"Written to {tmp_path / 'qc'}" in first.out
    assert "bondstore release publish" in first.err
    (raw / "broken.csv").write_bytes(b"no profile")
    again = cli(*line, "--json")
    assert again.code == 5
    tally = again.records[-1]
    assert (tally["kind"], tally["planned"], tally["skipped"], tally["quarantined"]) == ("tally", 5, 4, 1)
    assert [one["finding"] for one in again.records if one["kind"] == "finding"] == ["not-a-profile"]
    (raw / "notes.txt").write_text("two casts lost")
    with_notes = cli(*line, "--json").records
    assert [one["objects"] for one in with_notes if one["kind"] == "left-out"] == [{"no-profile": 1}]
    (raw / "notes.txt").unlink()
    shown = cli("run", "show", "last", "--dest", str(tmp_path / "qc"), "--json")
    assert shown.code == 0
    (raw / "broken.csv").unlink()
    late = next(name for name in moana_fleet(5, levels=40, seed=2) if not (raw / name).exists())
    (raw / late).write_bytes(moana_fleet(5, levels=40, seed=2)[late])
    assert cli(*line, "--json").records[-1]["done"] == 1
    assert cli("audit", "verify", "--dest", str(tmp_path / "qc")).code == 0


def test_runs_and_reads_of_a_store_are_asked_for_by_its_address(
    cli: Call, raw: Path, s3_environment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    dest = f"{s3_environment}/qc"
    (raw / "broken.csv").write_bytes(b"no profile")
    assert cli("ocean", "qc", str(raw), dest, "--json", "--yes").code == 5
    listed = cli("run", "list", "--dest", dest, "--json").records
    assert [one["state"] for one in listed] == ["incomplete"]
    shown = cli("run", "show", "last", "--dest", dest, "--json").records
    assert [one["key"] for one in shown if one["kind"] == "item"] == ["broken.csv"]
    (raw / "broken.csv").write_bytes(next(iter(moana_fleet(6, levels=40, seed=9).values())))
    again = cli("run", "retry", "last", "--dest", dest, "--json")
    assert (again.code, again.records[-1]["done"], again.records[-1]["skipped"]) == (0, 1, 4)
    assert len(cli("audit", "show", "--dest", dest, "--json").records) == 4 + 1 + 1 + 4  # reads; starts and ends
    proved = cli("audit", "verify", "--files", "--dest", dest)
    assert proved.code == 0, proved.out + proved.err
    store = open_store(resolve_store(dest))
    record = next(one.key for one in store.list() if one.key.endswith(".nc.json"))
    store.put(record, b"{}")
    assert cli("audit", "verify", "--files", "--dest", dest).code == 7
    assert cli("run", "list", "--dest", f"{s3_environment}/elsewhere").code == 3


def test_one_file_starts_no_worker_processes(
    cli: Call, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executors, "usable_cores", lambda: 4)
    monkeypatch.setattr(executors, "ProcessPoolExecutor", None)  # calling it fails
    for other in sorted(raw.iterdir())[1:]:
        other.unlink()
    assert cli("ocean", "qc", str(raw), str(tmp_path / "qc")).code == 0
    assert cli("ocean", "qc", str(raw), str(tmp_path / "other"), "--jobs", "2").code == 1  # they were asked for


def test_a_lost_file_is_made_again(cli: Call, raw: Path, tmp_path: Path) -> None:
    line = ("ocean", "qc", str(raw), str(tmp_path / "qc"), "-j", "1")
    assert cli(*line).code == 0
    lost = next((tmp_path / "qc").rglob("*_qc.nc"))
    content = lost.read_bytes()
    lost.unlink()
    assert cli(*line, "--json").records[-1]["done"] == 1
    assert lost.read_bytes() == content
    resumed = cli("run", "resume", "last", "--dest", str(tmp_path / "qc"))
    assert (resumed.code, "had come to its end" in resumed.err) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--format", "excel"), 2, "excel"),
        (("--names", "odd"), 2, "odd"),
        (("--tests", "nobodys"), 3, "There is no suite of tests"),
        (("--compat", "moana-1999"), 2, "--compat moana-2024"),
        (("--metadata", "missing.csv"), 3, "missing.csv"),
        (("--compat", "moana-2024", "--tests", "argo"), 2, "contradict"),
        (("--format", "parquet", "--plots"), 2, "--format both"),
        (("--format", "parquet", "--names", "aodn"), 2, "--format both"),
    ],
)
def test_what_is_wrong_is_said(
    cli: Call, raw: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = cli("ocean", "qc", str(raw), str(tmp_path / "qc"), *words)
    assert result.code == code
    assert said in result.err
    assert not (tmp_path / "qc").exists()


def test_the_older_chain_s_flags_where_one_must_compare(cli: Call, raw: Path, tmp_path: Path) -> None:
    assert cli("ocean", "qc", str(raw), str(tmp_path / "qc"), "--compat", "moana-2024", "-j", "1").code == 0
    record = next((tmp_path / "qc").rglob("*.json")).read_text()
    assert '"suite": "moana-2024"' in record


def test_a_list_that_no_test_looks_at_is_refused(cli: Call, raw: Path, tmp_path: Path) -> None:
    listed = tmp_path / "ar_greylist.txt"
    listed.write_text(
        "PLATFORM_CODE,PARAMETER_NAME,START_DATE,END_DATE,QUALITY_CODE,COMMENT,DAC\n1,PSAL,20200101,,3,x,y\n"
    )
    line = ("ocean", "qc", str(raw), str(tmp_path / "qc"), "--exclusion-list", str(listed))
    refused = cli(*line)
    assert (refused.code, "--tests argo" in refused.err) == (2, True)
    assert cli(*line, "--tests", "argo", "-j", "1").code == 0


def test_what_no_test_of_a_suite_speaks_of_is_said(cli: Call, raw: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[test]]\ntest = "qartod.spike"\non = "TEMP"\nlow = 1.0\nhigh = 3.0\n')
    done = cli("ocean", "qc", str(raw), str(tmp_path / "qc"), "--tests", str(own), "-j", "1")
    assert done.code == 0
    assert "No test of the suite speaks of POSITION, PRES, TIME" in done.out


def test_tests_are_shown_with_their_thresholds(cli: Call, tmp_path: Path) -> None:
    every = cli("ocean", "tests", "--json")
    assert every.code == 0
    names = {one["test"] for one in every.records}
    assert {"moana.spike", "qartod.gross_range", "argo.density_inversion"} <= names
    [gross] = [
        one
        for one in cli("ocean", "tests", "moana", "--json").records
        if (one["label"], one["on"]) == ("global_range", "TEMP")
    ]
    assert gross["thresholds"]["bad_from"] == 34.0
    own = tmp_path / "own.toml"
    own.write_text('[[test]]\ntest = "moana.spike"\non = "TEMP"\ndeviation = 3.0\n')
    refused = cli("ocean", "tests", str(own))
    assert refused.code == 4
    assert "moana.spike has no parameter deviation" in refused.err


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("low = 6\nhigh = 2", "low of qartod.spike is above its high"),
        ("low = -6\nhigh = 2", "low of qartod.spike is negative"),
        ('low = 2\nhigh = 6\nmethod = "guess"', "The method of qartod.spike is unknown"),
    ],
)
def test_a_file_of_tests_is_refused_by_tests_as_by_a_run(
    cli: Call, raw: Path, tmp_path: Path, lines: str, words: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f'[[test]]\ntest = "qartod.spike"\non = "TEMP"\n{lines}\n')
    for command in (("tests", str(own)), ("qc", str(raw), str(tmp_path / "qc"), "--tests", str(own), "--yes")):
        refused = cli("ocean", *command)
        assert (refused.code, words in refused.err) == (4, True), refused.err
    assert not (tmp_path / "qc").exists()
