"""Access policies from Python: the same answers as those of the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import bondstore
from bondstore import policies
from bondstore.errors import NotFoundError, UsageError
from tests.cli.conftest import Call, cli
from tests.homes import home

__all__ = ["cli", "home"]

STUDY = "5873fe38644ad7557b168e43"
KEYS = [f"{STUDY}/1ab2cd3e/gps/1.csv", f"{STUDY}/1ab2cd3e5/gps/1.csv", f"{STUDY}/keys/1ab2cd3e_private"]


@pytest.fixture
def folder(home: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "keys.csv").write_text("bucket,key\n" + "".join(f"lab-data,{key}\n" for key in KEYS))
    (tmp_path / "expect.csv").write_text(f"prefix\n{STUDY}/1ab2cd3e/\n")
    return tmp_path


@pytest.mark.parametrize("rights", ["read", "write", "put"])
def test_policies_are_made_as_the_command_makes_them(cli: Call, folder: Path, rights: str) -> None:
    plan = policies.make("lab-data", kind="beiwe", study=STUDY, participants=["1ab2cd3e"], rights=rights)
    [document] = plan.documents.values()
    option = {"read": "--read-only", "write": "--write", "put": "--put-only"}[rights]
    words = ("policy", "make", "beiwe", "--study", STUDY, "--bucket", "lab-data", "-p", "1ab2cd3e", option)
    assert document == json.loads(cli(*words).out)
    prefixes = policies.make("lab-data", prefixes=[f"{STUDY}/"], rights=rights)
    words = ("policy", "make", "--bucket", "lab-data", "--prefix", f"{STUDY}/", option)
    assert list(prefixes.documents.values()) == [json.loads(cli(*words).out)]


def test_policies_are_checked_compared_and_proved(folder: Path) -> None:
    plan = policies.make("lab-data", kind="beiwe", study=STUDY, participants=["1ab2cd3e"])
    (folder / "ours.json").write_text(json.dumps(next(iter(plan.documents.values()))))
    broad = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::lab-data/{STUDY}*"}
    (folder / "broad.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [broad]}))
    assert policies.check(["ours.json"]) == []
    assert {one.kind for one in policies.check(["broad.json"])} == {"over-broad", "private"}
    assert policies.compare("ours.json", "ours.json").counts()["new"] == 0
    assert policies.compare("broad.json", "ours.json").counts()["new"] > 0
    ours = policies.prove(policies.read(["ours.json"]), "keys.csv", expect="expect.csv")
    assert ours.is_as_meant
    assert ours.record()["actions"]["s3:GetObject"]["granted"] == 1
    theirs = policies.prove(policies.read(["broad.json"]), "keys.csv", expect="expect.csv")
    assert not theirs.is_as_meant
    assert theirs.record()["actions"]["s3:GetObject"]["extra"] == 2
    bounded = policies.prove(policies.read(["broad.json"], boundary="ours.json"), "keys.csv", expect="expect.csv")
    assert bounded.is_as_meant


def test_what_cannot_be_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="slash"):
        policies.make("lab-data", prefixes=["images"])
    with pytest.raises(NotFoundError, match="No policies are made for ocean"):
        policies.make("lab-data", kind="ocean", study="S")
    with pytest.raises(NotFoundError):
        policies.check(["missing.json"])
    (folder / "plain.csv").write_text("key\na\n")
    with pytest.raises(UsageError, match="bucket"):
        policies.prove(policies.Policies(), "plain.csv")
    assert bondstore.policies is policies
