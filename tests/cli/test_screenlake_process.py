"""The job on the command line and from Python: what is said, what comes out, and with which code it ends."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest
from demo.phones import Shape

import bondstore
from bondstore.domains.screenlake import job, service
from bondstore.errors import UsageError
from bondstore.runs.executors import Processes, Serial, usable_cores
from tests.cli.conftest import Call
from tests.homes import Home
from tests.phonelab import PhoneLab, same_rows

SHAPE = Shape(panelists=2, zips=2, screenshots=2, restricted=1, rows=4, size=(48, 104), opted_out=1, quotes=0.0)
PLAIN = ("--redact", "none", "--jobs", "1", "--query-id", "q")


@pytest.fixture
def lab(tmp_path: Path, home: Home) -> PhoneLab:
    made = PhoneLab(tmp_path)
    made.fill(SHAPE)
    return made


def words(lab: PhoneLab, *more: str) -> list[str]:
    return ["screenlake", "process", str(lab.source), str(lab.dest), *more]


def check(lab: PhoneLab) -> None:
    """Every image and every row is there, once."""
    expected, results = lab.expected(), lab.results()
    assert set(results) == set(expected)
    for panelist, said in expected.items():
        assert set(results[panelist].images) == set(said.images)
        for prefix, rows in said.rows.items():
            assert same_rows(results[panelist].rows(prefix), rows)


def test_all_comes_out_and_the_end_says_where(lab: PhoneLab, cli: Call) -> None:
    result = cli(*words(lab, *PLAIN))
    assert result.code == 0, result.err
    check(lab)
    said = result.out + result.err
    assert f"From  {lab.source.as_uri()}" in result.err
    assert "uploaded on any day\n      all panelists\n" in result.err
    assert "faces NOT covered" in result.err
    assert f"Report  {lab.dest}/q/report.html" in result.out
    assert (lab.dest / "q" / "report.html").is_file()
    assert "Quarantine" not in said
    again = cli(*words(lab, *PLAIN))
    assert again.code == 0
    assert "nothing was left to do" in again.out


def test_faces_are_looked_for_and_the_review_is_named(lab: PhoneLab, cli: Call) -> None:
    result = cli(*words(lab, "--jobs", "1", "--fast"))
    assert result.code == 0, result.err
    assert "faces covered by solid boxes; on-screen text stays in the tables" in result.err
    assert f"  bondstore screenlake review {lab.dest}\n" in result.err
    other = cli(*words(lab, "--jobs", "1", "--until", "2999-12-31"))
    (query,) = (path.name for path in lab.dest.iterdir() if "2999" in path.name)
    assert f"  bondstore screenlake review {lab.dest} --query-id {query}\n" in other.err


def test_the_plan_states_the_days_and_their_zone(lab: PhoneLab, cli: Call) -> None:
    asked = ("--since", "2024-01-01", "--until", "2024-03-31", "--by", "captured", "--tz", "Europe/Berlin")
    result = cli(*words(lab, *asked, "--redact", "none", "--dry-run", "--panelist", sorted(lab.expected())[0]))
    assert result.code == 0
    assert "captured 2024-01-01 to 2024-03-31 (both included, Europe/Berlin)\n      only 1 panelist\n" in result.err
    assert not lab.dest.exists()
    only = cli(*words(lab, "--until", "2024-03-31", "--redact", "none", "--dry-run"))
    assert "uploaded up to 2024-03-31 (that day included, UTC)" in only.err


def test_json(lab: PhoneLab, cli: Call) -> None:
    planned = cli(*words(lab, "--redact", "none", "--dry-run", "--json"))
    about, plan = planned.records
    assert (about["kind"], plan["kind"], plan["todo"]) == ("query", "plan", SHAPE.panelists * SHAPE.zips)
    assert about["disk_bytes"] > sum(len(phone.data) for phone in lab.phones.values())
    assert planned.err == ""
    done = cli(*words(lab, "--redact", "none", "--jobs", "1", "--json"))
    *_, told, tally = done.records
    assert told == about
    assert told["zone"] == "UTC"
    assert Path(told["folder"]).name == told["query"]
    assert (Path(told["folder"]) / "report.html").is_file()
    assert (tally["kind"], tally["done"]) == ("tally", SHAPE.panelists * SHAPE.zips)


@pytest.mark.parametrize("opted_out", [2, 0])
def test_zips_of_tables_alone_take_no_more_room_than_the_plan_says(tmp_path: Path, cli: Call, opted_out: int) -> None:
    """Whether the key tells that there are no images, or they are just not there."""
    lab = PhoneLab(tmp_path)
    lab.fill(Shape(panelists=2, zips=3, screenshots=0, rows=(4000 if opted_out else 1500), opted_out=opted_out))
    about, _ = cli(*words(lab, *PLAIN, "--format", "parquet", "--dry-run", "--json")).records
    assert cli(*words(lab, *PLAIN, "--format", "parquet")).code == 0
    taken = sum(path.stat().st_size for path in lab.dest.rglob("*") if path.is_file())
    assert taken < about["disk_bytes"] < 4 * taken


def test_a_broken_zip_is_named_and_stays_in_the_store(lab: PhoneLab, cli: Call) -> None:
    key = next(iter(lab.phones))
    lab.put(key, b"no zip at all")
    result = cli(*words(lab, *PLAIN))
    assert result.code == 5
    assert key in result.out
    assert "1 zip is named in the findings; it stays in the store as it is." in result.out
    assert "still sealed" not in result.out
    assert "bondstore run retry" in result.err
    assert not (lab.dest / ".bondstore" / "quarantine").exists()
    run = result.out.split()[1].rstrip(":")
    shown = cli("run", "show", run, "--dest", str(lab.dest))
    assert "1 zip is named in the findings; it stays in the store as it is." in shown.out
    second = list(lab.phones)[1]
    lab.put(second, b"")
    assert "2 zips are named in the findings; they stay in the store as they are." in cli(*words(lab, *PLAIN)).out
    lab.put(key, lab.phones[key].data)
    lab.put(second, lab.phones[second].data)
    mended = cli("run", "retry", "last", "--dest", str(lab.dest), "--jobs", "1")
    assert mended.code == 0, mended.out
    assert f"Report  {lab.dest}/q/report.html" in mended.out
    check(lab)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--since", "2024-1-1"), "Days are written as 2024-01-31"),
        (("--since", "2024-02-01", "--until", "2024-01-01"), "last day lies before the first"),
        (("--tz", "Mars/Base"), "Mars/Base"),
        (("--by", "seen"), "uploaded, captured"),
        (("--redact", "some"), "fill, blur, none"),
        (("--text", "some"), "keep, patterns, drop"),
        (("--fast", "--careful"), "contradict"),
        (("--format", "xlsx"), "csv, parquet"),
        (("--batch", "0"), "batch"),
        (("--query-id", "../up"), "no plain name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything(lab: PhoneLab, cli: Call, more: tuple[str, ...], told: str) -> None:
    result = cli(*words(lab, *more, "--json"))
    assert result.code == 2
    error = result.records[-1]
    assert told in f"{error['message']} {error['hint']}"
    assert not lab.dest.exists()


def test_another_model_that_is_not_there(lab: PhoneLab, cli: Call) -> None:
    result = cli(*words(lab, "--model", "no-such.onnx", "--json"))
    assert result.code in (3, 4)
    assert not lab.dest.exists()


def test_a_terminal_is_asked_before_the_first_zip(lab: PhoneLab) -> None:
    line = ["-m", "bondstore", *words(lab, *PLAIN)]
    environment = {**os.environ, "TERM": "dumb"}
    child = pexpect.spawn(
        sys.executable, line, env=environment, timeout=30, encoding="utf-8", dimensions=(24, 80), use_poll=True
    )
    child.expect(r"Process 4 zips \([\d.]+ kB\) into \S+\? \[Y/n\] ".replace(" ", r"\s+"))
    child.sendline("n")
    child.expect("nothing was done")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert not (lab.dest / "q").exists()


def test_bare_without_a_terminal_it_helps(shell: Call) -> None:
    result = shell("screenlake")
    assert result.code == 2
    assert "Usage: bondstore screenlake" in result.err
    assert "panelists" in result.err
    assert result.out == ""


@pytest.mark.parametrize("away", ["in", "out", "err"])
def test_bare_with_half_a_terminal_it_does_not_ask(home: Home, away: str) -> None:
    parent, terminal = pty.openpty()
    streams = {f"std{name}": subprocess.DEVNULL if name == away else terminal for name in ("in", "out", "err")}
    child = subprocess.Popen([sys.executable, "-m", "bondstore", "screenlake"], **streams)  # type: ignore[call-overload]
    assert child.wait(20) == 2
    os.close(terminal)
    os.close(parent)


def test_the_guided_command_has_no_name_of_its_own(cli: Call) -> None:
    for name in ("guided", "(guided)"):
        result = cli("screenlake", name)
        assert result.code == 2
        assert "Error" in result.err


def test_from_python(lab: PhoneLab) -> None:
    asked: list[int] = []

    def no(plan: object) -> bool:
        asked.append(plan.todo.objects)  # type: ignore[attr-defined]
        return False

    options = {"redact": "none", "jobs": 1, "query_id": "q"}
    planned = bondstore.screenlake.process(str(lab.source), lab.dest, dry_run=True, **options)  # type: ignore[arg-type]
    assert (planned.state, planned.plan.todo.objects) == ("planned", 4)
    assert not lab.dest.exists()
    declined = bondstore.screenlake.process(str(lab.source), lab.dest, confirm=no, **options)  # type: ignore[arg-type]
    assert (declined.state, asked) == ("cancelled", [4])
    done = bondstore.screenlake.process(str(lab.source), lab.dest, **options)  # type: ignore[arg-type]
    assert done.tally.done.objects == 4
    check(lab)
    with pytest.raises(UsageError, match="batch"):
        bondstore.screenlake.process(str(lab.source), lab.dest, batch=0)


def test_the_same_question_has_the_same_name(lab: PhoneLab) -> None:
    plain = service.prepare(str(lab.source), lab.dest, since="2024-01-01")
    assert service.prepare(f"{lab.source}/", lab.dest, since="2024-01-01").query == plain.query
    assert service.prepare(str(lab.source), lab.dest, since="2024-01-02").query != plain.query
    assert service.prepare(str(lab.source), lab.dest, since="2024-01-01", zone="Asia/Tokyo").query != plain.query


def test_as_many_processes_as_cores() -> None:
    assert job.executor(1) == Serial()
    assert job.executor(3) == Processes(3)
    assert job.executor(None) == (Processes(usable_cores()) if usable_cores() > 1 else Serial())
