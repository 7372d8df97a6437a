"""`bondstore beiwe reconcile` on the line, against a study sealed by another library."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from demo.study import KEY, STUDY, Made, Shape, make, seal

from bondstore.config.profiles import StoreSpec
from bondstore.findings import Finding
from bondstore.ledger import Ledger
from bondstore.stores import open_store
from tests.cli.conftest import Call


@pytest.fixture
def made() -> list[Made]:
    return list(make(Shape(participants=1, hours=4, rows=20, missing=0.3)))


@pytest.fixture
def reconcile(cli: Call, made: list[Made], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    fill(tmp_path / "bucket", made)
    url = (tmp_path / "bucket").as_uri()
    return lambda *words: cli("beiwe", "reconcile", "--store", url, "--study", STUDY, "--key", "env:LAB_KEY", *words)


def fill(folder: Path, made: list[Made]) -> None:
    store = open_store(StoreSpec(folder.as_uri()))
    for one in made:
        store.put(one.key, one.sealed)


def accelerometer_missing(made: list[Made]) -> int:
    """Rows are told apart by their timestamps alone: the demonstration draws them without repeats."""

    def times(part: str) -> set[bytes]:
        return {row.split(b",")[0] for m in made if part in m.key for row in m.plain.split(b"\n")[1:]}

    return len(times("/accel/") - times("/accelerometer/"))


def test_a_report_is_no_error(reconcile: Call, made: list[Made]) -> None:
    result = reconcile("--json")
    assert result.code == 0
    *gaps, tally = result.records
    assert {gap["kind"] for gap in gaps} == {"gap"}
    (gap,) = [gap for gap in gaps if gap["stream"] == "accelerometer"]
    assert gap["missing_rows"] == accelerometer_missing(made) > 0
    assert list(gap) == [
        "kind",
        "participant",
        "stream",
        "raw_rows",
        "missing_rows",
        "hours",
        "hours_missing",
        "hours_incomplete",
        "hours_not_comparable",
        "first",
        "last",
    ]
    assert gap["first"].startswith("2024-01-01T0")
    assert gap["first"].endswith("Z")
    assert tally["kind"] == "tally"
    assert tally["planned"] == tally["done"] > 0
    text = reconcile()
    assert text.code == 0
    assert "accelerometer" in text.out
    assert str(gap["missing_rows"]) in text.out


def test_a_selection(reconcile: Call) -> None:
    records = reconcile(
        "--stream", "gps", "--since", "2024-01-01T01:00", "--until", "2024-01-01T03:00", "--json"
    ).records
    assert [(one["stream"], one["hours"]) for one in records[:-1]] == [("gps", 2)]
    nobody = reconcile("--participant", "nobody00")
    assert (nobody.code, nobody.out) == (3, "")
    assert "The participant nobody00 has no data" in nobody.err
    assert reconcile("--stream", "gpss").code == 2


def test_damage_ends_with_5_and_is_named(reconcile: Call, made: list[Made], tmp_path: Path) -> None:
    one = next(one for one in made if "/gps/" in one.key and one.key.startswith(STUDY))
    fill(tmp_path / "bucket", [Made(one.key, one.sealed[:10], b"")])
    result = reconcile("--json")
    assert result.code == 5
    (finding,) = [one for one in result.records if one["kind"] == "finding"]
    assert (finding["finding"], finding["key"]) == ("no-iv", one.key)
    assert result.records[-1]["quarantined"] == 1
    text = reconcile()
    assert text.code == 5
    assert one.key in text.err
    rebuilt = reconcile("--rebuild", str(tmp_path / "out"), "--json")
    assert rebuilt.code == 5
    assert [one["finding"] for one in rebuilt.records if one["kind"] == "finding"] == ["no-iv"]
    assert (tmp_path / "out" / ".bondstore" / "quarantine" / one.key).read_bytes() == one.sealed[:10]


def test_rebuilding(reconcile: Call, made: list[Made], tmp_path: Path) -> None:
    out = tmp_path / "out"
    planned = reconcile("--rebuild", str(out), "--dry-run", "--json")
    assert planned.code == 0
    assert planned.records[-1]["kind"] == "plan"
    assert not out.exists()
    result = reconcile("--rebuild", str(out), "--json")
    assert result.code == 0
    *rebuilt, tally = result.records
    (one,) = [one for one in rebuilt if one["stream"] == "accelerometer"]
    assert one["rows_added"] == accelerometer_missing(made)
    assert one["hours"] == len(list(out.glob("chunked/*/accelerometer/*.csv")))
    assert tally["done"] == tally["planned"]
    after = reconcile("--rebuild", str(out), "--json").records[-1]
    assert (after["done"], after["skipped"]) == (0, tally["planned"])
    assert "rows added" in reconcile("--rebuild", str(out)).out


def test_where_plaintext_is_forbidden(
    reconcile: Call, home: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.write_user('[profile.safe]\nplaintext = "forbidden"\n')  # type: ignore[attr-defined]
    refused = reconcile("--profile", "safe", "--rebuild", str(tmp_path / "out"), "--json")
    assert refused.code == 6
    assert not (tmp_path / "out").exists()
    assert reconcile("--profile", "safe").code == 0


def test_a_wrong_key(reconcile: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "x" * 32)
    for words in ((), ("--rebuild", str(tmp_path / "out"))):
        result = reconcile("--key", "env:OTHER_KEY", *words)
        assert result.code == 4
        assert result.out == ""
        assert "x" * 32 not in result.err
    assert not (tmp_path / "out").exists()


RUN = """
import sys
from bondstore.cli import lazy
from bondstore.domains.beiwe.reconcile.rebuild import Rebuild
Rebuild.number = 2  # many shards, so that there is something between two of them
command = lazy.command(("beiwe", "reconcile"), "", "bondstore.cli.beiwe")
command.main(args=sys.argv[1:], prog_name="reconcile", standalone_mode=False)
"""


def test_killed_at_any_instant_and_run_again_gives_the_same_bytes(
    reconcile: Call, made: list[Made], tmp_path: Path
) -> None:
    (first, *_) = (one for one in made if "/accel/" in one.key)
    folder = first.key.rpartition("/")[0]
    plains = [first.plain.replace(b"unknown", b"v%d" % n) for n in range(80)]
    rows = [Made(f"{folder}/{1704067200000 + n}.csv", seal(plain), plain) for n, plain in enumerate(plains)]
    fill(tmp_path / "bucket", rows)
    assert reconcile("--rebuild", str(tmp_path / "whole"), "--json").code == 0
    words = ["--store", (tmp_path / "bucket").as_uri(), "--study", STUDY, "--key", "env:LAB_KEY"]
    words += ["--rebuild", str(tmp_path / "out"), "--jobs", "1"]
    killed = 0
    for number in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", RUN, *words],
            env=dict(os.environ),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        scratch = tmp_path / "out" / ".bondstore" / "tmp"  # there while files of a shard are being written
        seen = 0
        while process.poll() is None and seen <= number:
            seen += scratch.exists()
        process.kill()
        killed += process.wait() == -signal.SIGKILL
    assert killed >= 3
    assert reconcile("--rebuild", str(tmp_path / "out"), "--json").code == 0
    assert files(tmp_path / "out") == files(tmp_path / "whole")


KILLED_AT = """
import os, signal
from bondstore.runs.folder_destination import FolderDestination
show, calls = FolderDestination.show, 0
def dying(self, staged):
    global calls
    calls += 1
    if calls == {call} and {before}:
        os.kill(os.getpid(), signal.SIGKILL)
    show(self, staged)
    if calls == {call}:
        os.kill(os.getpid(), signal.SIGKILL)
FolderDestination.show = dying
"""


@pytest.mark.parametrize("before", [True, False], ids=["before-the-names", "after-the-names"])
@pytest.mark.parametrize("call", [1, 2, 5])
def test_killed_while_files_get_their_names(
    reconcile: Call, made: list[Made], tmp_path: Path, call: int, before: bool
) -> None:
    """Files are known before they have their names; one that no raw object went into yet is made anew."""
    damaged = next(one for one in made if "/accelerometer/" in one.key)
    fill(tmp_path / "bucket", [Made(damaged.key, damaged.sealed[:9], b"")])
    whole = reconcile("--rebuild", str(tmp_path / "whole"), "--json")
    assert whole.code == 5
    words = ["--store", (tmp_path / "bucket").as_uri(), "--study", STUDY, "--key", "env:LAB_KEY"]
    words += ["--rebuild", str(tmp_path / "out"), "--jobs", "1"]
    script = KILLED_AT.format(call=call, before=before) + RUN
    killed = subprocess.run([sys.executable, "-c", script, *words], env=dict(os.environ), capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    again = reconcile("--rebuild", str(tmp_path / "out"), "--json")
    assert again.code == 5, again.err
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert of_object(tmp_path / "out", damaged.key) == of_object(tmp_path / "whole", damaged.key) != []
    assert again.records[-1]["quarantined"] == whole.records[-1]["quarantined"] == 1


def of_object(folder: Path, key: str) -> list[Finding]:
    with Ledger(folder / ".bondstore" / "ledger.sqlite", create=False) as ledger:
        return [one for one in ledger.findings.walk() if one.key == key]


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in (folder / "chunked").rglob("*.csv")}
