"""``bondstore run``: what was done, what is left, go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bondstore.domains.beiwe.export.files import Files
from bondstore.errors import Interrupted, PolicyError
from tests.cli.conftest import Call, Result
from tests.cli.exports import Between, Lab, lab

__all__ = ["lab"]


def stop() -> None:
    raise KeyboardInterrupt


@pytest.fixture
def interrupted(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A run that was stopped by Ctrl-C after ten objects."""
    monkeypatch.setattr(Files, "number", 10)
    with pytest.raises(Interrupted, match="run resume"):
        lab.export(Between(stop))
    return lab


def listed(cli: Call, lab: Lab) -> list[dict[str, Any]]:
    result = cli("run", "list", "--dest", str(lab.out), "--json")
    assert result.code == 0
    return result.records


def test_list_shows_every_run_newest_first(lab: Lab, cli: Call) -> None:
    lab.damage(2)
    runs = [lab.export().run, lab.export().run]
    number, size = len(lab.data), sum((lab.bucket / one.key).stat().st_size for one in lab.data)
    records = listed(cli, lab)
    counts = [{name: one[name] for name in ("done", "skipped", "quarantined", "failed")} for one in records]
    assert sorted(one["id"] for one in records) == sorted(runs)
    assert {"done": number - 2, "skipped": 0, "quarantined": 2, "failed": 0} in counts
    assert {"done": 0, "skipped": number - 2, "quarantined": 2, "failed": 0} in counts
    assert {(one["planned"], one["bytes"], one["state"]) for one in records} == {(number, size, "incomplete")}
    assert records[0]["started"] >= records[1]["started"]
    assert all(one["ended"] >= one["started"] and one["seconds"] >= 0 for one in records)
    text = cli("run", "list", "--dest", str(lab.out))
    assert text.out.splitlines()[0].split()[:4] == ["id", "job", "state", "started"]
    assert all(run in text.out for run in runs)


def test_the_current_folder_is_the_default(lab: Lab, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    run = lab.export().run
    monkeypatch.chdir(lab.out)
    assert run in cli("run", "list").out
    assert run in cli("run", "show", "last").out


@pytest.mark.parametrize("verb", ["list", "show last", "resume last", "retry last"])
def test_no_ledger_ends_with_3(verb: str, cli: Call, tmp_path: Path) -> None:
    assert cli("run", *verb.split(), "--dest", str(tmp_path / "nothing")).code == 3
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("verb", ["show", "resume", "retry"])
def test_an_unknown_run_ends_with_3(verb: str, lab: Lab, cli: Call) -> None:
    lab.export()
    result = cli("run", verb, "1999", "--dest", str(lab.out))
    assert result.code == 3
    assert "run list" in result.err


def test_a_start_that_two_runs_share_ends_with_3(lab: Lab, cli: Call) -> None:
    first, second = lab.export().run, lab.export().run
    assert cli("run", "show", first[:3], "--dest", str(lab.out)).code == 3
    assert second in cli("run", "show", second[:-1], "--dest", str(lab.out)).out


def test_show_tells_all_of_a_run(lab: Lab, cli: Call) -> None:
    damaged = lab.damage(2)
    run = lab.export().run
    result = cli("run", "show", run, "--dest", str(lab.out), "--json")
    assert result.code == 0
    head, *middle, tally = result.records
    assert (head["kind"], head["id"], head["state"], head["tool"]) == ("run", run, "incomplete", "test 1")
    items = [one for one in middle if one["kind"] == "item"]
    assert [one["key"] for one in items] == damaged
    assert {(one["state"], one["reason"]) for one in items} == {("quarantined", "no-iv")}
    assert [one["key"] for one in middle if one["kind"] == "finding" and one["severity"] == "error"] == damaged
    assert (tally["kind"], tally["quarantined"], tally["done"]) == ("tally", 2, len(lab.data) - 2)
    text = cli("run", "show", "last", "--dest", str(lab.out))
    for word in ("incomplete", "env:LAB_STUDY_KEY", "no-iv: 2 objects", *damaged):
        assert word in text.out
    assert f"run retry {run}" in text.err


def test_text_names_twenty_objects_and_counts_the_rest(lab: Lab, cli: Call) -> None:
    damaged = lab.damage(23)
    lab.export()
    out = cli("run", "show", "last", "--dest", str(lab.out)).out
    table = out[out.index("state        reason") :]
    assert [key in table for key in damaged] == [True] * 20 + [False] * 3
    assert "… and 3 more" in table


def test_show_last_after_an_idle_run_shows_the_findings_that_still_stand(lab: Lab, cli: Call) -> None:
    bad = lab.damage(2)
    first = lab.export().run
    assert lab.export().tally.done.objects == 0
    shown = cli("run", "show", "last", "--dest", str(lab.out), "--json")
    found = [one for one in shown.records if one["kind"] == "finding"]
    then = [
        one for one in cli("run", "show", first, "--dest", str(lab.out), "--json").records if one["kind"] == "finding"
    ]
    assert {one["key"] for one in found} == set(bad)
    assert found == then
    text = cli("run", "show", "last", "--dest", str(lab.out)).out
    assert "Findings of earlier runs, which still stand" in text
    assert all(key in text for key in bad)
    assert "still stand" not in cli("run", "show", first, "--dest", str(lab.out)).out


def test_show_of_a_later_run_points_to_the_one_that_quarantined(lab: Lab, cli: Call) -> None:
    lab.damage(2)
    first, second = lab.export().run, lab.export().run
    assert f"bondstore run show {first}" in cli("run", "show", second, "--dest", str(lab.out)).out
    head = cli("run", "show", second, "--dest", str(lab.out), "--json").records[0]
    assert head["left_by_others"] == {first: 2}


def test_an_interrupted_run_shows_what_is_left(interrupted: Lab, cli: Call) -> None:
    head, *_, tally = cli("run", "show", "last", "--dest", str(interrupted.out), "--json").records
    assert (head["state"], head["left"]) == ("interrupted", len(interrupted.data) - 10)
    assert tally["done"] == 10
    text = cli("run", "show", "last", "--dest", str(interrupted.out))
    assert f"Still to be done: {len(interrupted.data) - 10}" in text.out
    assert f"run resume {head['id']}" in text.err


def test_an_interrupted_export_of_tables_shows_how_many_are_left(lab: Lab, cli: Call) -> None:
    with pytest.raises(Interrupted):
        lab.export(Between(stop, 2), form="csv")
    # one shard of media, then a table for each of four sensors, both kinds of survey records and the identifiers
    head = cli("run", "show", "last", "--dest", str(lab.out), "--json").records[0]
    assert (head["left"], head["left_tables"]) == (0, 6)
    assert "Still to be done: 6 tables" in cli("run", "show", "last", "--dest", str(lab.out)).out
    assert cli("run", "resume", "last", "--dest", str(lab.out), "--jobs", "1").code == 0
    assert len(list(lab.out.glob("tables/*/*.csv"))) == 7


def test_resume_goes_on_under_the_same_id(interrupted: Lab, cli: Call) -> None:
    (before,) = listed(cli, interrupted)
    result = cli("run", "resume", "last", "--dest", str(interrupted.out), "--jobs", "1", "--json")
    assert result.code == 0
    tally = result.records[-1]
    assert (tally["done"], tally["skipped"]) == (len(interrupted.data) - 10, 10)
    (after,) = listed(cli, interrupted)
    assert (after["id"], after["state"]) == (before["id"], "finished")
    assert interrupted.files() == interrupted.expected()
    reads = cli("audit", "show", "--dest", str(interrupted.out), "--json").records
    keys = [one["key"] for one in reads if one["action"] == "read"]
    assert sorted(keys) == sorted(one.key for one in interrupted.data)  # nothing was fetched twice


def test_a_killed_run_is_interrupted_and_can_be_resumed(lab: Lab, cli: Call) -> None:
    lab.killed()
    (record,) = listed(cli, lab)
    assert (record["state"], record["ended"], record["done"]) == ("interrupted", None, None)
    head, *_, tally = cli("run", "show", "last", "--dest", str(lab.out), "--json").records
    assert (tally["done"], head["left"]) == (10, len(lab.data) - 10)
    assert cli("run", "resume", record["id"], "--dest", str(lab.out), "--jobs", "1").code == 0
    assert listed(cli, lab)[0]["state"] == "finished"
    assert lab.files() == lab.expected()


def test_a_run_that_is_going_on_is_running_and_not_resumed(
    lab: Lab, cli: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.killed()  # an older run without an end is no running one, even while another is
    monkeypatch.setattr(Files, "number", 10)
    seen: list[Result] = []
    dest = ("--dest", str(lab.out))

    def look() -> None:
        seen.append(cli("run", "list", *dest, "--json"))
        seen.append(cli("run", "resume", "last", *dest))

    lab.export(Between(look))
    states = {one["id"]: one["state"] for one in seen[0].records}
    assert sorted(states.values()) == ["interrupted", "running"]
    assert seen[1].code == 6
    assert "Another run is writing" in seen[1].err


def test_busy_is_asked_without_disturbing(lab: Lab) -> None:
    assert not lab.destination.busy()
    assert not lab.out.exists()
    with lab.destination.locked():
        assert lab.destination.busy()
        with pytest.raises(PolicyError), lab.destination.locked():
            pass
    assert not lab.destination.busy()
    with lab.destination.locked():
        pass


def test_resume_of_an_ended_run_does_nothing(lab: Lab, cli: Call) -> None:
    lab.damage(1)
    lab.export()
    result = cli("run", "resume", "last", "--dest", str(lab.out), "--json")
    assert result.code == 5
    assert result.records[-1]["quarantined"] == 1
    assert "had come to its end" in result.err
    assert len(listed(cli, lab)) == 1
    lab.repair()
    assert cli("run", "retry", "last", "--dest", str(lab.out), "--jobs", "1").code == 0
    assert cli("run", "resume", "last", "--dest", str(lab.out)).code == 0


def test_retry_after_repair_is_done(lab: Lab, cli: Call) -> None:
    lab.damage(2)
    first = lab.export().run
    lab.repair()
    dry = cli("run", "retry", first, "--dest", str(lab.out), "--dry-run", "--json")
    assert (dry.code, dry.records[-1]["todo"], dry.records[-1]["quarantined"]) == (0, 2, 0)
    result = cli("run", "retry", first, "--dest", str(lab.out), "--yes", "--jobs", "1", "--json")
    assert result.code == 0
    tally = result.records[-1]
    assert (tally["done"], tally["skipped"], tally["quarantined"]) == (2, len(lab.data) - 2, 0)
    assert lab.files() == lab.expected()
    states = {one["id"]: one["state"] for one in listed(cli, lab)}
    assert states.pop(first) == "incomplete"  # what it came to then stays on record
    assert list(states.values()) == ["finished"]
    assert [one["kind"] for one in cli("run", "show", first, "--dest", str(lab.out), "--json").records].count(
        "item"
    ) == 0


def test_retry_without_repair_stays_at_5(lab: Lab, cli: Call) -> None:
    damaged = lab.damage(2)
    lab.export()
    dry = cli("run", "retry", "last", "--dest", str(lab.out), "--dry-run", "--json")
    assert (dry.code, dry.records[-1]["todo"], dry.records[-1]["quarantined"]) == (0, 2, 0)
    result = cli("run", "retry", "last", "--dest", str(lab.out), "--jobs", "1", "--json")
    assert result.code == 5
    assert result.records[-1]["quarantined"] == 2
    assert [one["key"] for one in result.records if one.get("severity") == "error"] == damaged
    reads = [one["key"] for one in cli("audit", "show", "--dest", str(lab.out), "--json").records]
    assert all(reads.count(key) == 2 for key in damaged)


def test_another_profile_can_open_the_store(interrupted: Lab, cli: Call) -> None:
    missing = cli("run", "resume", "last", "--dest", str(interrupted.out), "--profile", "nobody")
    assert missing.code == 3
    assert cli("profile", "add", "lab").code == 0
    assert cli("run", "resume", "last", "--dest", str(interrupted.out), "--profile", "lab", "--jobs", "1").code == 0


def test_a_dry_resume_changes_nothing(interrupted: Lab, cli: Call) -> None:
    before = interrupted.files()
    result = cli("run", "resume", "last", "--dest", str(interrupted.out), "--dry-run", "--json")
    assert (result.code, result.records[-1]["todo"]) == (0, len(interrupted.data) - 10)
    assert interrupted.files() == before
    assert listed(cli, interrupted)[0]["state"] == "interrupted"


def test_a_run_of_an_unknown_kind_ends_with_4(lab: Lab, cli: Call) -> None:
    lab.export()
    with lab.destination.ledger() as ledger:
        run = ledger.runs.new_id()
        ledger.runs.put(run, "other.thing", {"job": "other.thing"}, who="x", tool="y", started_ms=1)
    assert cli("run", "retry", run, "--dest", str(lab.out)).code == 4
