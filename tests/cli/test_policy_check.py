from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.access.test_check import BY_HAND, STUDY, allow, listing
from tests.cli.conftest import Call


def written(folder: Path, name: str, *statements: object) -> str:
    file = folder / name
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=2))
    return str(file)


def test_a_policy_by_hand_is_told_with_what_to_write_instead(cli: Call, tmp_path: Path) -> None:
    file = tmp_path / "by-hand.json"
    file.write_text(BY_HAND)
    result = cli("policy", "check", str(file))
    assert result.code == 4
    assert f"{file}, line 24: statement Objects, private\n" in result.out
    assert result.out.count("Write instead:") == 2
    assert f'"Resource": "arn:aws:s3:::study-data/{STUDY}/keys/*"' in result.out
    assert result.err == "1 policy checked: 7 defects.\n"
    records = cli("policy", "check", str(file), "--json").records
    assert [one["line"] for one in records] == [7, 12, 13, 23, 24, 24, 25]
    assert all(one["kind"] == "defect" and one["mended"] for one in records)


def test_the_policies_of_a_plan_are_checked_and_the_plan_is_none(cli: Call, tmp_path: Path) -> None:
    written(tmp_path, "a.json", allow(), listing("S/*"))
    written(tmp_path, "b.json", allow(resource="arn:aws:s3:::study-data/T/*"))
    (tmp_path / "plan.json").write_text('{"kind": "policy-plan"}')
    (tmp_path / "expect.csv").write_text("prefix\nS/\n")
    result = cli("policy", "check", str(tmp_path))
    assert (result.code, result.out, result.err) == (0, "", "2 policies checked: nothing wrong.\n")


def test_what_cannot_be_checked(cli: Call, tmp_path: Path) -> None:
    assert cli("policy", "check", str(tmp_path / "none.json")).code == 3
    assert cli("policy", "check", str(tmp_path)).code == 3
    assert cli("policy", "check", written(tmp_path, "a.json", allow()), "--kind", "bukket").code == 2


@pytest.mark.usefixtures("cli")
def test_it_calls_nobody(shell: Call, tmp_path: Path) -> None:
    file = written(tmp_path, "a.json", allow())
    result = shell("policy", "check", file, PYTHONPROFILEIMPORTTIME="1")
    assert result.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in result.err.splitlines()}
    assert "bondstore.access.check" in loaded
    assert not loaded & {"boto3", "botocore", "obstore", "polars"}
