"""A user with two attached policies of a plan reads what it opens and no more, through the commands themselves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from demo.study import STUDY, Made, Shape, make

from bondstore.access.grants import Grant
from bondstore.access.plan import make_plan
from bondstore.domains.beiwe.access import opening
from tests.studies import Lab, original_files, tree


@pytest.fixture
def made(lab: Lab) -> list[Made]:
    made = lab.fill(make(Shape(participants=4, hours=3, rows=10)))
    lab.put(f"{STUDY}/keys/{people(made)[0]}_private", b"a device key")
    return made


def people(made: list[Made]) -> list[str]:
    return sorted({one.key.removeprefix("CHUNKED_DATA/").split("/")[1] for one in made})


@pytest.fixture
def granted(lab: Lab, made: list[Made]) -> Iterator[dict[str, str]]:
    """The first and the third participant, in a policy each; returns the user's credentials as the environment."""
    first, _, third, *_ = people(made)
    grant = Grant(lab.bucket, opening(STUDY, [first, third]), below=f"{lab.prefix}/")
    plan = make_plan(f"plan-{uuid.uuid4().hex}", grant, limit=grant.overhead() + max(map(sum, grant.sizes().values())))
    assert len(plan.policies) == 2
    iam: Any = boto3.session.Session().client(
        "iam",
        endpoint_url=lab.server.endpoint,
        aws_access_key_id=lab.server.access_key,
        aws_secret_access_key=lab.server.secret_key,
        region_name=lab.server.region,
        config=Config(proxies={}),
    )
    user = f"user-{uuid.uuid4().hex}"
    iam.create_user(UserName=user)
    for name, document in plan.documents():
        policy = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(document))["Policy"]
        iam.attach_user_policy(UserName=user, PolicyArn=policy["Arn"])
    key = iam.create_access_key(UserName=user)["AccessKey"]
    yield {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    iam.close()


def test_what_is_granted_is_exported_and_nothing_else(lab: Lab, made: list[Made], granted: dict[str, str]) -> None:
    first, second, third, *_ = people(made)
    named = ("--participant", first, "--participant", third)
    done = lab.export("--yes", *named, **granted)
    assert done.code == 0, done.err
    expected = [one for one in made if f"/{first}/" in one.key or f"/{third}/" in one.key]
    assert tree(lab.dest) == original_files(expected)

    refused = lab.export("--yes", "--participant", second, dest=lab.folder / "other", **granted)
    assert refused.code == 4, refused.err
    assert not tree(lab.folder / "other")
    whole = lab.export("--yes", dest=lab.folder / "whole", **granted)
    assert whole.code == 4, whole.err
    assert not tree(lab.folder / "whole")


def test_the_doctor_explains_each_refusal(lab: Lab, made: list[Made], granted: dict[str, str]) -> None:
    first, second, *_ = people(made)
    words = ("doctor", "--store", lab.url, "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "--json")

    def checks(*more: str) -> list[dict[str, str]]:
        done = lab.run(lab.command(*words, *more), **granted)
        return [json.loads(line) for line in done.out.splitlines() if json.loads(line)["kind"] == "check"]

    named = {(one["check"], one["status"]) for one in checks("--participant", first)}
    assert {("list", "ok"), ("read", "ok"), ("study-key", "ok")} <= named
    assert "fail" not in {status for _, status in named}
    other = [one for one in checks("--participant", second) if one["check"] == "list"]
    assert {one["status"] for one in other} == {"fail"}
    assert {
        place for place in ("CHUNKED_DATA/", "") if any(f"/{place}{STUDY}/{second}/" in o["message"] for o in other)
    }
    whole = [one for one in checks() if one["check"] == "list"]
    assert all(one["status"] == "fail" and "--participant ID" in one["fix"] for one in whole)
