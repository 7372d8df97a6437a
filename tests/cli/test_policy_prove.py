"""``bondstore policy prove`` from end to end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Call
from tests.servers.seaweedfs import SeaweedFS

S = "5873fe38644ad7557b168e43"
KEYS = [f"{S}/1ab2cd3e/gps/1.csv", f"{S}/1ab2cd3e5/gps/1.csv", f"{S}/keys/1ab2cd3e_private", "x y.txt"]


def policy(*patterns: str) -> dict[str, Any]:
    resources = [f"arn:aws:s3:::lab/{one}" for one in patterns]
    statement = {"Sid": "Read", "Effect": "Allow", "Action": "s3:GetObject", "Resource": resources}
    return {"Version": "2012-10-17", "Statement": [statement]}


@pytest.fixture
def folder(home: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with policies, what is meant, and an inventory."""
    monkeypatch.chdir(tmp_path)
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "plan.json").write_text('{"kind": "policy-plan"}')
    (plan / "a-001.json").write_text(json.dumps(policy(f"{S}/1ab2cd3e/*")))
    (plan / "expect.csv").write_text(f"prefix\n{S}/1ab2cd3e/\n")
    (tmp_path / "broad.json").write_text(json.dumps(policy(f"{S}*")))
    lines = [f'"lab","{key.replace(" ", "+")}","1"\n' for key in KEYS]
    (tmp_path / "inventory.csv").write_text("".join(lines))
    return tmp_path


def test_a_plan_that_grants_what_is_meant_ends_with_0(folder: Path, cli: Call) -> None:
    done = cli("policy", "prove", "plan", "--against", "inventory.csv", "--expect", "plan/expect.csv")
    assert done.code == 0
    assert "may read 1 of 4 keys; 3 denied, 0 unknown." in done.err
    assert "All is as it was meant" in done.err
    assert "made-up user" in done.err


def test_what_is_granted_and_not_meant_ends_with_4_and_is_named(folder: Path, cli: Call) -> None:
    done = cli("policy", "prove", "broad.json", "--against", "inventory.csv", "--expect", "plan/expect.csv")
    assert done.code == 4
    assert f"(extra): 2 keys: {KEYS[1]}, {KEYS[2]}." in done.err
    assert "keys of devices: 1 key" in done.err
    done = cli("policy", "prove", "broad.json", "--against", "inventory.csv", "--expect", "plan/expect.csv", "--json")
    assert done.code == 4
    assert done.records[-1]["actions"]["s3:GetObject"]["extra"] == 2
    assert sum(one["granted"] for one in done.records[:-1]) == 3


def test_each_key_is_shown_with_the_statement_that_decides(folder: Path, cli: Call) -> None:
    done = cli("policy", "prove", "broad.json", "--against", "inventory.csv", "--keys", "--json")
    assert done.code == 0
    assert [one["key"] for one in done.records[:-1]] == KEYS
    assert done.records[0]["permission"] == "allowed"
    assert (done.records[0]["document"], done.records[0]["statement"]) == ("broad.json", "Read")
    assert done.records[3]["permission"] == "denied"


def test_a_deny_of_the_bucket_that_may_hold_is_unknown_until_it_is_said(folder: Path, cli: Call) -> None:
    statement = policy("*")["Statement"][0]
    deny = statement | {"Effect": "Deny", "Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    (folder / "bucket.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    words = ("policy", "prove", "plan", "--against", "inventory.csv", "--bucket-policy", "bucket.json")
    done = cli(*words)
    assert done.code == 4
    assert "--context aws:SecureTransport=VALUE" in done.err
    assert cli(*words, "--context", "aws:SecureTransport=true").code == 0
    (folder / "none.json").write_text(json.dumps(policy("other/*")))
    said = cli(*words, "--context", "aws:SecureTransport=true", "--boundary", "none.json", "--json")
    assert said.records[-1]["actions"]["s3:GetObject"]["granted"] == 0


def test_nothing_listed_and_nothing_meant_ends_with_3(folder: Path, cli: Call) -> None:
    (folder / "none.csv").write_text("bucket,key\n")
    done = cli("policy", "prove", "plan", "--against", "none.csv", "--bucket", "lab")
    assert (done.code, done.out) == (3, "")
    assert "No key is listed." in done.err
    (folder / "other.csv").write_text("prefix\nother/\n")
    done = cli("policy", "prove", "plan", "--against", "inventory.csv", "--expect", "other.csv")
    assert done.code == 4  # what the plan grants was not meant
    (folder / "shut.json").write_text(json.dumps(policy("nothing/*")))
    done = cli("policy", "prove", "shut.json", "--against", "inventory.csv", "--expect", "other.csv")
    assert done.code == 3
    assert "proves nothing" in done.err


def test_a_damaged_line_ends_with_4_and_its_number(folder: Path, cli: Call) -> None:
    with (folder / "inventory.csv").open("a") as out:
        out.write('"lab","x\n')
    done = cli("policy", "prove", "plan", "--against", "inventory.csv", "--expect", "plan/expect.csv")
    assert done.code == 4
    assert "line 5 is damaged" in done.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", "--against", "keys.csv"), 2),
        (("--against", "inventory.csv"), 2),
        (("plan", "--against", "inventory.csv", "--action", "s3:PutBucketPolicy"), 2),
        (("plan", "--against", "inventory.csv", "--principal", "ada"), 2),
        (("plan", "--against", "inventory.csv", "--principal", "arn:aws:iam::123456789012:user/*"), 2),
        (("plan", "--against", "inventory.csv", "--bucket", "other"), 2),
        (("plan", "--against", "manifest.json", "--bucket", "lab"), 2),
        (("plan", "--against", "inventory.csv", "--bucket-policy", "broad.json"), 4),
        (("of-bucket.json", "--against", "inventory.csv"), 4),
        (("plan", "--boundary", "of-bucket.json", "--against", "inventory.csv"), 4),
        (("plan", "--against", "gone.csv"), 3),
        (("gone.json", "--against", "inventory.csv"), 3),
        (("inventory.csv", "--against", "inventory.csv"), 4),
    ],
)
def test_what_cannot_be_asked_is_said(folder: Path, cli: Call, words: tuple[str, ...], code: int) -> None:
    (folder / "keys.csv").write_text("key\na\n")
    manifest = {"sourceBucket": "lab", "fileFormat": "CSV", "files": [{"key": "lab/all/data/1.csv.gz"}]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    [statement] = policy("*")["Statement"]
    (folder / "of-bucket.json").write_text(json.dumps({"Statement": [{**statement, "Principal": "*"}]}))
    done = cli("policy", "prove", *words)
    assert (done.code, done.out) == (code, "")


def test_a_plan_of_another_partition_is_proven_there(folder: Path, cli: Call) -> None:
    words = ("policy", "make", "--bucket", "lab", "--prefix", f"{S}/1ab2cd3e/", "--partition", "aws-cn", "--out", "cn")
    assert cli(*words).code == 0
    done = cli("policy", "prove", "cn", "--against", "inventory.csv", "--expect", "cn/expect.csv")
    assert done.code == 0
    assert "arn:aws-cn:iam::123456789012:user/somebody may read 1 of 4 keys" in done.err


def test_a_bucket_is_listed(folder: Path, cli: Call, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch) -> None:
    seaweedfs.create_bucket("lab")
    for key in KEYS:
        seaweedfs.client().put_object(Bucket="lab", Key=key, Body=b"x")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", seaweedfs.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", seaweedfs.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", seaweedfs.endpoint)
    monkeypatch.setenv("AWS_REGION", seaweedfs.region)
    words = ("policy", "prove", "plan", "--expect", "plan/expect.csv", "--json", "--against")
    whole, part = cli(*words, "s3://lab"), cli(*words, f"s3://lab/{S}")
    assert (whole.code, part.code) == (0, 0)
    assert (whole.records[-1]["keys"], part.records[-1]["keys"]) == (4, 3)
    assert part.records[-1]["actions"]["s3:GetObject"]["granted"] == 1
    for mark in (f"{S}/", f"{S}/1ab2cd3e/", f"{S}/4fg5hi6j/"):  # consoles mark folders by empty objects
        seaweedfs.client().put_object(Bucket="lab", Key=mark, Body=b"")
    whole, part = cli(*words, "s3://lab"), cli(*words, f"s3://lab/{S}")
    assert (whole.records[-1]["keys"], part.records[-1]["keys"]) == (7, 6)
    assert [one.records[-1]["actions"]["s3:GetObject"]["granted"] for one in (whole, part)] == [2, 2]


def test_a_folder_is_a_copy_of_a_bucket(folder: Path, cli: Call) -> None:
    for key in KEYS:
        (folder / "copy" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "copy" / key).write_bytes(b"x")
    done = cli("policy", "prove", "broad.json", "--against", "copy", "--bucket", "lab", "--json")
    assert done.records[-1]["actions"]["s3:GetObject"]["granted"] == 3
    assert cli("policy", "prove", "broad.json", "--against", "copy").code == 2
    (folder / "copy" / "lost").symlink_to("nowhere")
    done = cli("policy", "prove", "plan", "--against", "copy", "--bucket", "lab", "--expect", "plan/expect.csv")
    assert done.code == 4
    assert "what lies behind lost could not be seen" in done.err
