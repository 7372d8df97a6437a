"""How the end of a run is shown."""

from __future__ import annotations

import json

import pytest

from bondstore.cli.report import show_result
from bondstore.runs.engine import RunResult, only_plan
from bondstore.runs.plan import Plan
from bondstore.runs.tally import Count, Tally
from tests.cli.conftest import Call
from tests.cli.exports import Lab, lab
from tests.homes import home

__all__ = ["home", "lab"]

Capture = pytest.CaptureFixture[str]


def records(capsys: Capture) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_ends_with_the_tally(lab: Lab, capsys: Capture) -> None:
    assert show_result(lab.export(), lab.destination, json=True) == 0
    *before, last = records(capsys)
    number, size = len(lab.data), sum(len(one.sealed) for one in lab.data)
    assert {record["kind"] for record in before} <= {"finding", "left-out"}
    assert before[-1] == {"kind": "left-out", "objects": {"device keys": 2}}
    assert last.pop("bytes_by") == {"done": size, "skipped": 0, "quarantined": 0, "failed": 0}
    assert last == {
        "kind": "tally",
        "planned": number,
        "done": number,
        "skipped": 0,
        "quarantined": 0,
        "failed": 0,
        "bytes": size,
    }


def test_every_finding_is_a_line_of_json(lab: Lab, capsys: Capture) -> None:
    damaged = lab.damage(3)
    assert show_result(lab.export(), lab.destination, json=True) == 5
    *before, last = records(capsys)
    findings = [one for one in before if one["kind"] == "finding"]
    errors = [one for one in findings if one["severity"] == "error"]
    assert [one["key"] for one in errors] == damaged
    assert {one["finding"] for one in errors} == {"no-iv"}
    assert set(errors[0]) == {"kind", "finding", "severity", "key", "where", "count", "message"}
    assert (last["quarantined"], last["done"]) == (3, len(lab.data) - 3)


def test_text_groups_the_findings_and_names_a_few_objects(lab: Lab, capsys: Capture) -> None:
    damaged = lab.damage(5)
    result = lab.export()
    assert show_result(result, lab.destination, json=False) == 5
    captured = capsys.readouterr()
    assert f"Run {result.run}: finished, with 5 objects in quarantine." in captured.out
    assert "no-iv: 5 objects" in captured.out
    assert [key in captured.out for key in damaged] == [True, True, True, False, False]
    assert "… and 2 more" in captured.out
    assert "2 device keys" in captured.out
    assert str(lab.out / ".bondstore" / "quarantine") in captured.out
    assert f"bondstore run retry {result.run} --dest {lab.out}" in captured.err


def test_a_second_run_says_which_run_left_what(lab: Lab, capsys: Capture) -> None:
    lab.damage(2)
    first, second = lab.export(), lab.export()
    assert show_result(second, lab.destination, json=False) == 5
    out = capsys.readouterr().out
    assert f"2 objects in quarantine or failed since another run: bondstore run show {first.run}" in out


def test_what_has_left_the_store_is_told_from_what_was_met_again(lab: Lab, cli: Call, capsys: Capture) -> None:
    gone, _ = lab.damage(2)
    first = lab.export()
    (lab.bucket / gone).unlink()
    again = cli("run", "retry", "last", "--dest", str(lab.out), "--json")
    assert again.records[-1]["quarantined"] == 1
    result = lab.export()
    assert result.tally.quarantined.objects == 1
    assert show_result(result, lab.destination, json=False) == 5
    told = capsys.readouterr().out
    for out in (told, cli("run", "show", "last", "--dest", str(lab.out)).out):
        assert out.count("1 object in quarantine or failed since another run") == 2
        assert "1 of these is not counted above: the run did not find it in the store" in out
    assert "not counted" not in cli("run", "show", first.run, "--dest", str(lab.out)).out
    assert gone in cli("run", "show", first.run, "--dest", str(lab.out)).out


def test_all_done_reads_so(lab: Lab, capsys: Capture) -> None:
    assert show_result(lab.export(), lab.destination, json=False) == 0
    captured = capsys.readouterr()
    assert "all is done" in captured.out
    assert "quarantine" not in captured.out
    assert "retry" not in captured.err
    assert show_result(lab.export(), lab.destination, json=False) == 0
    assert "nothing was left to do" in capsys.readouterr().out


def test_a_dry_run_shows_the_plan(lab: Lab, capsys: Capture) -> None:
    result = only_plan(lab.job(), lab.destination)
    assert show_result(result, lab.destination, json=True) == 0
    (plan,) = records(capsys)
    size = sum(len(one.sealed) for one in lab.data)
    assert (plan["kind"], plan["todo"], plan["bytes"], plan["skipped"]) == ("plan", len(lab.data), size, 0)
    assert show_result(result, lab.destination, json=False) == 0
    captured = capsys.readouterr()
    assert "to do " in captured.out
    assert f"Nothing was written. It would go to {lab.out}" in captured.err
    assert not lab.out.exists()


def test_declined_ends_with_130(lab: Lab, capsys: Capture) -> None:
    declined = RunResult("r", Plan(todo=Count(3, 30)), Tally(), "cancelled")
    assert show_result(declined, lab.destination, json=True) == 130
    captured = capsys.readouterr()
    assert json.loads(captured.out)["done"] == 0
    assert "nothing was done" in captured.err


def test_a_folder_with_blanks_can_be_pasted(lab: Lab, capsys: Capture) -> None:
    moved = Lab(lab.bucket, lab.out.with_name("my export"), lab.made)
    show_result(moved.export(), moved.destination, json=False)
    assert f"--dest '{moved.out}'" in capsys.readouterr().err
