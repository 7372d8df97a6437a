"""``bondstore crosswalk``."""

from __future__ import annotations

import csv
import hashlib
import io
import stat
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Call
from tests.homes import Home

PASSPHRASE = "lantern over quiet water"
NAMES = "# ward 3\nMuller, Hans; 30.6.1969; MRN 0012345\n\nMay, Rose\n"


@pytest.fixture
def key(cli: Call, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("LAB_PASSPHRASE", PASSPHRASE)
    # a name of its own for each test: a process unlocks a key once
    name = f"anna-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:8]}"
    assert cli("keys", "new", name, "--passphrase", "env:LAB_PASSPHRASE").code == 0
    return "env:LAB_PASSPHRASE"


@pytest.fixture
def names(tmp_path: Path) -> Path:
    file = tmp_path / "patients.txt"
    file.write_text(NAMES)
    return file


def test_add_list_find_export(cli: Call, home: Home, key: str, names: Path, tmp_path: Path) -> None:
    open_it = ("--passphrase", key, "--json")
    planned = cli("crosswalk", "add", "--names", str(names), "--dry-run", *open_it)
    assert (planned.code, [one["code"] for one in planned.records]) == (0, [None, None])
    added = cli("crosswalk", "add", "--names", str(names), *open_it)
    assert added.code == 0
    assert [(one["place"], one["state"]) for one in added.records] == [(1, "new"), (2, "new")]
    hans, rose = (one["code"] for one in added.records)
    assert "Muller" not in added.out + added.err
    again = cli("crosswalk", "add", "--names", str(names), *open_it).records
    assert [(one["state"], one["code"]) for one in again] == [("known", hans), ("known", rose)]

    shown = cli("crosswalk", "list", *open_it)
    assert [one["code"] for one in shown.records] == [hans, rose]
    assert "Muller" not in shown.out
    assert "Muller, Hans" in cli("crosswalk", "list", "--reveal", *open_it).out
    found = cli("crosswalk", "find", hans, "--reveal", *open_it).records[0]
    assert (found["names"], found["births"]) == (["Muller, Hans"], ["1969-06-30"])
    assert cli("crosswalk", "find", "aaaaaaaa", *open_it).code == 3

    out = tmp_path / "out.csv"
    assert cli("crosswalk", "export", str(out), *open_it).code == 2  # nobody is there to ask
    assert not out.exists()
    assert cli("crosswalk", "export", str(out), "--yes", *open_it).code == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [(one["code"], one["name"], one["birth"]) for one in rows] == [
        (hans, "Muller, Hans", "1969-06-30"),
        (rose, "May, Rose", ""),
    ]
    assert cli("crosswalk", "export", str(out), "--yes", *open_it).code == 2
    history = tmp_path / "history.jsonl"
    assert cli("crosswalk", "export", str(history), "--history", "--yes", *open_it).code == 0
    assert len(history.read_text().splitlines()) == 2


def test_another_spelling_waits_for_an_answer(
    cli: Call, key: str, names: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_it = ("--passphrase", key, "--json")
    hans = cli("crosswalk", "add", "--names", str(names), *open_it).records[0]["code"]

    def typed(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    typed("Müller, Hans\nBerg, Jan\n")
    asked = cli("crosswalk", "add", "--names", "-", *open_it)
    assert asked.code == 8
    assert [(one["state"], one["candidates"]) for one in asked.records] == [("doubtful", [hans]), ("new", [])]
    assert "--same-as CODE" in asked.err
    typed("Müller, Hans")
    seen = cli("crosswalk", "find", "--names", "-", *open_it)
    assert (seen.code, seen.records[0]["state"]) == (0, "doubtful")
    typed("Müller, Hans")
    same = cli("crosswalk", "add", "--names", "-", "--same-as", hans, *open_it)
    assert (same.code, same.records[0]["code"]) == (0, hans)
    typed("Muler, Hans")
    other = cli("crosswalk", "add", "--names", "-", "--new", "--code", "k3f9a2bq", *open_it)
    assert (other.code, other.records[0]["code"]) == (0, "k3f9a2bq")
    typed("Nobody, Such")
    assert cli("crosswalk", "find", "--names", "-", *open_it).code == 3


def test_it_is_refused_without_the_key(cli: Call, key: str, names: Path, tmp_path: Path) -> None:
    place = tmp_path / "lab" / "crosswalk.c4gh"
    open_it = ("--crosswalk", str(place), "--passphrase", key)
    assert cli("crosswalk", "list", *open_it).code == 3
    assert cli("crosswalk", "add", "--names", str(names), *open_it).code == 0
    assert b"Muller" not in place.read_bytes()
    assert cli("keys", "new", "berta", "--passphrase", key).code == 0
    refused = cli("crosswalk", "list", "--key", "berta", *open_it)
    assert refused.code == 4
    assert f"Your key does not decrypt {place}: it is encrypted for other keys." in refused.err
    assert cli("crosswalk", "list", *open_it).code == 4  # two keys, and none is named


def test_it_may_be_an_object_of_a_store(cli: Call, home: Home, s3_environment: str, key: str, names: Path) -> None:
    open_it = ("--crosswalk", f"{s3_environment}/private/crosswalk.c4gh", "--passphrase", key, "--json")
    added = cli("crosswalk", "add", "--names", str(names), *open_it)
    assert added.code == 0
    assert [one["code"] for one in cli("crosswalk", "list", *open_it).records] == [one["code"] for one in added.records]
    assert "crosswalk.c4gh" in cli("audit", "show").out


def test_names_are_never_arguments_and_nobody_waits_without_a_terminal(cli: Call, key: str) -> None:
    result = cli("crosswalk", "add", "--passphrase", key)
    assert result.code == 2
    assert "--names FILE, or --names - for stdin" in result.err
    assert cli("crosswalk", "add", "Muller", "--passphrase", key).code == 2
    assert cli("crosswalk", "find", "aaaaaaaa", "--names", "x", "--passphrase", key).code == 2
    assert cli("crosswalk", "add", "--names", "no-such-file", "--passphrase", key).code == 3


def test_a_person_is_asked_at_a_terminal(cli: Call, key: str, names: Path) -> None:
    hans = cli("crosswalk", "add", "--names", str(names), "--passphrase", key, "--json").records[0]["code"]
    call = [sys.executable, "-m", "bondstore", "crosswalk", "add", "--passphrase", key]
    for answer, left in (("1", 8), ("2", 0)):
        child = pexpect.spawn(call[0], call[1:], timeout=60, encoding="utf-8", use_poll=True)
        child.expect("record number: ")
        child.sendline("Mueller, Hans")
        child.expect(f"is {hans}")
        child.expect("somebody new")
        child.expect("Number")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == left
