from __future__ import annotations

import json
import shlex
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from demo.policies import OURS

from tests.access.test_check import BUCKET, allow, listing
from tests.cli.conftest import Call
from tests.cli.test_policy_check import written
from tests.docs.pages import BLOCK, PAGES
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS
from tests.waiting import wait_until


@pytest.fixture
def iam(home: object, moto_environment: Moto) -> Any:
    client = moto_environment.client("iam")
    client.create_user(UserName="ada")
    return client


@pytest.fixture
def plan(tmp_path: Path) -> str:
    folder = tmp_path / "plan"
    folder.mkdir()
    written(folder, "p-1.json", allow(), listing("S/*"), allow("s3:GetBucketLocation", BUCKET))
    written(folder, "p-2.json", allow(["s3:GetObject", "s3:PutObject"], [f"{BUCKET}/T/*", f"{BUCKET}/U/*"]))
    return str(folder)


def attached(iam: Any) -> list[str]:
    found = iam.list_attached_user_policies(UserName="ada")["AttachedPolicies"]
    return [one["PolicyName"] for one in found]


def test_calls_are_shown_and_made(cli: Call, iam: Any, plan: str) -> None:
    words = ("policy", "attach", plan, "--to", "user/ada")
    seen = cli(*words, "--dry-run")
    assert (seen.code, seen.err) == (0, "Nothing was called. It would be 4 calls; user/ada would have 2 attached.\n")
    assert [line.split() for line in seen.out.splitlines()[1:]] == [
        ["CreatePolicy", "p-1"],
        ["CreatePolicy", "p-2"],
        ["AttachUserPolicy", "p-1", "user/ada"],
        ["AttachUserPolicy", "p-2", "user/ada"],
    ]
    assert attached(iam) == []
    unasked = cli(*words)  # no terminal
    assert (unasked.code, attached(iam)) == (2, [])
    assert "Add --yes" in unasked.err
    done = cli(*words, "--yes", "--json")
    assert (done.code, attached(iam)) == (0, ["p-1", "p-2"])
    assert [one["call"] for one in done.records] == ["CreatePolicy"] * 2 + ["AttachUserPolicy"] * 2
    again = cli(*words)
    assert (again.code, again.out, again.err) == (0, "", "Up to date: user/ada has 2 policies of this plan.\n")
    assert cli(*words, "--json").records == [{"kind": "up-to-date", "to": "user/ada", "policies": 2}]


def test_what_is_refused(cli: Call, iam: Any, plan: str, tmp_path: Path) -> None:
    assert cli("policy", "attach", plan, "--to", "user/eve", "--yes").code == 3
    assert cli("policy", "attach", plan, "--to", "ada", "--yes").code == 2
    assert cli("policy", "attach", str(tmp_path / "none"), "--to", "user/ada", "--yes").code == 3
    assert cli("policy", "attach", plan, "--to", "user/ada", "--quota", "1", "--yes").code == 6
    assert attached(iam) == []


def test_somebodys_policies_are_shown_with_what_they_open(cli: Call, iam: Any, plan: str) -> None:
    assert cli("policy", "attach", plan, "--to", "user/ada", "--yes").code == 0
    deny = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/S/keys/*"}],
    }
    iam.put_user_policy(UserName="ada", PolicyName="inline", PolicyDocument=json.dumps(deny))
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="ada")
    table = allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/people")
    made = iam.create_policy(
        PolicyName="tables", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [table]})
    )["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="readers", PolicyArn=made)
    size = len(json.dumps(deny, separators=(",", ":")))
    shown = cli("policy", "show", "--of", "user/ada")
    assert shown.code == 0
    assert shown.err == f"2 policies attached, of 10; {size} characters inline, of 2,048.\n"
    told = [one for one in shown.out.splitlines() if one.startswith("  ")]
    assert told == [
        "  May see the region of study-data.",
        "  May read objects in study-data below S/.",
        "  May list study-data below S/.",
        "  May read objects in study-data below T/, U/.",
        "  May write objects in study-data below T/, U/.",
        "  May never do everything in S3 with study-data below S/keys/.",
        "  May do dynamodb:GetItem with arn:aws:dynamodb:eu-west-1:123456789012:table/people.",
    ]
    records = cli("policy", "show", "--of", "user/ada", "--json").records
    assert [(one["policy"], one["how"]) for one in records] == [
        ("p-1", "attached"), ("p-2", "attached"), ("inline", "inline"),
        ("tables", "by group/readers, attached"),
    ]  # fmt: skip
    assert records[0]["description"] == "Bondstore plan: plan"
    assert records[2]["characters"] == size
    assert cli("policy", "show", "--of", "user/eve").code == 3
    iam.create_role(RoleName="export", AssumeRolePolicyDocument="{}", PermissionsBoundary=made)
    [limit] = cli("policy", "show", "--of", "role/export", "--json").records
    assert (limit["policy"], limit["how"]) == ("tables", "boundary")


def test_the_page_shows_what_happens(cli: Call, iam: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan/readers-001.json").write_text(OURS)
    part = PAGES["docs/how-to/policies.md"].partition("## Attach and see")[2].partition("\n## ")[0]
    [typed, shown] = [text for kind, text in BLOCK.findall(part) if kind in ("sh", "text")]
    lines = [cli(*shlex.split(line)[1:]) for line in typed.splitlines()]
    assert [one.code for one in lines] == [0, 0]
    assert "".join(one.out for one in lines) == shown
    assert attached(iam) == ["readers-001"]


@pytest.fixture
def weed_iam(s3_environment: str, seaweedfs: SeaweedFS) -> Any:
    """A client of SeaweedFS's own IAM."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "iam",
        endpoint_url=seaweedfs.endpoint,
        region_name="us-east-1",
        aws_access_key_id=seaweedfs.access_key,
        aws_secret_access_key=seaweedfs.secret_key,
        config=Config(proxies={}),
    )


def test_on_a_server_without_versions_a_changed_policy_is_refused_and_said(
    cli: Call, weed_iam: Any, tmp_path: Path
) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    weed_iam.create_user(UserName=name)
    folder = tmp_path / name
    folder.mkdir()
    written(folder, f"{name}-1.json", allow(resource=f"{BUCKET}/S/*"))
    words = ("policy", "attach", str(folder), "--to", f"user/{name}", "--yes")
    assert cli(*words).code == 0
    written(folder, f"{name}-1.json", allow(resource=f"{BUCKET}/T/*"))
    refused = cli(*words)
    assert refused.code == 6
    assert f"There is a policy {name}-1 already with other content" in refused.err
    assert "does not record who made it" in refused.err
    # what the hint says
    arn = f"arn:aws:iam:::policy/{name}-1"
    assert f"aws iam create-policy-version --set-as-default --policy-arn {arn}" in refused.err
    text = (folder / f"{name}-1.json").read_text(encoding="utf-8")
    weed_iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
    assert cli(*words).err == f"Up to date: user/{name} has 1 policy of this plan.\n"
    # a policy that the plan no longer has is named, as nothing shows that the plan made it
    (folder / f"{name}-1.json").rename(folder / f"{name}-2.json")
    assert f"user/{name} also has {name}-1, not part of this plan and not changed.\n" in cli(*words).err


def test_who_may_not_ask_a_servers_iam_is_told_so(
    cli: Call, weed_iam: Any, seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"low-{uuid.uuid4().hex[:8]}"
    weed_iam.create_user(UserName=name)
    key = weed_iam.create_access_key(UserName=name)["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
    wait_until(lambda: cli("policy", "show", "--of", f"user/{name}").code == 4)
    refused = cli("policy", "show", "--of", f"user/{name}")
    assert "refused (AccessDenied)" in refused.err
    assert "Check the credentials and their permissions." in refused.err


def test_two_policies_on_a_server_open_what_they_say(
    cli: Call, weed_iam: Any, s3_environment: str, seaweedfs: SeaweedFS, tmp_path: Path
) -> None:
    name = f"ada-{uuid.uuid4().hex[:8]}"
    bucket = s3_environment.removeprefix("s3://")
    weed_iam.create_user(UserName=name)
    key = weed_iam.create_access_key(UserName=name)["AccessKey"]
    folder = tmp_path / name
    folder.mkdir()
    arn = f"arn:aws:s3:::{bucket}"
    written(folder, f"{name}-1.json", allow(["s3:GetObject"], [f"{arn}/S/P/*"]))  # the server keeps no list of one
    written(folder, f"{name}-2.json", allow(resource=f"{arn}/S/Q/*"))
    for one in ("S/P/1", "S/Q/1", "S/R/1", "S/PX/1"):
        seaweedfs.client().put_object(Bucket=bucket, Key=one, Body=b"x")
    words = ("policy", "attach", str(folder), "--to", f"user/{name}", "--yes")
    assert cli(*words).code == 0
    assert cli(*words).err == f"Up to date: user/{name} has 2 policies of this plan.\n"
    ada = seaweedfs.client(key["AccessKeyId"], key["SecretAccessKey"])

    def answer(one: str) -> str:
        try:
            ada.get_object(Bucket=bucket, Key=one)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "read"

    wait_until(lambda: answer("S/P/1") == "read")
    asked = [answer(one) for one in ("S/P/1", "S/Q/1", "S/R/1", "S/PX/1")]
    assert asked == ["read", "read", "AccessDenied", "AccessDenied"]
