"""A user with two attached policies of a plan reads what it opens and no more, through the commands themselves."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from demo.study import STUDY, Made, Shape, make

from bondstore.access.grants import Grant, Rights, Scope, Share, joined
from bondstore.access.plan import make_plan
from bondstore.domains.beiwe.access import scope
from bondstore.release.outcome import Published
from bondstore.release.publish import Places, publish_between
from bondstore.release.settings import Order
from tests.release.lab import check_public, good_files
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Lab, original_files, tree


@pytest.fixture
def made(lab: Lab) -> list[Made]:
    made = lab.fill(make(Shape(participants=4, hours=3, rows=10)))
    lab.put(f"{STUDY}/keys/{people(made)[0]}_private", b"a device key")
    return made


def people(made: list[Made]) -> list[str]:
    return sorted({one.key.removeprefix("CHUNKED_DATA/").split("/")[1] for one in made})


@pytest.fixture
def granted(lab: Lab, made: list[Made]) -> dict[str, str]:
    """The first and the third participant, in a policy each; returns the user's credentials as the environment."""
    first, _, third, *_ = people(made)
    grant = Grant(lab.bucket, scope(STUDY, [first, third]), below=f"{lab.prefix}/")
    plan = make_plan("plan", grant, limit=grant.overhead() + max(map(sum, grant.sizes().values())))
    assert len(plan.policies) == 2
    return lab.server.user_with(*plan.documents.values())


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


def test_the_doctor_reads_an_object_of_each_participant(lab: Lab, made: list[Made]) -> None:
    first, second, *_ = people(made)
    reads, both = (Grant(lab.bucket, scope(STUDY, ids), below=f"{lab.prefix}/") for ids in ([first], [first, second]))
    lists = [one for one in both.whole()["Statement"] if one["Sid"] == "List"]
    granted = lab.server.user_with(reads.whole(), {"Version": "2012-10-17", "Statement": lists})
    words = ("doctor", "--store", lab.url, "--study", STUDY, "--participant", first, "--participant", second, "--json")
    done = lab.run(lab.command(*words), **granted)
    checks = [one for one in map(json.loads, done.out.splitlines()) if one["kind"] == "check"]
    assert {one["status"] for one in checks if one["check"] == "list"} == {"ok"}
    refused = [one["message"] for one in checks if one["check"] == "read"]
    assert len(refused) == 2
    for place in (f"{lab.prefix}/CHUNKED_DATA/{STUDY}/{second}/", f"{lab.prefix}/{STUDY}/{second}/"):
        assert [place in one for one in refused].count(True) == 1, refused


def test_who_releases_reads_one_bucket_writes_another_and_no_more(
    seaweedfs: SeaweedFS, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = uuid.uuid4().hex
    private, public, other = (seaweedfs.create_bucket(f"{kind}-{name}") for kind in ("qc", "public", "other"))
    admin = seaweedfs.client()
    for key, data in good_files().items():
        admin.put_object(Bucket=private, Key=key, Body=data)
    admin.put_object(Bucket=other, Key="x", Body=b"")
    everything = Scope([Share("all", ("",))])
    source, target = Grant(private, everything), Grant(public, everything, Rights.WRITE)
    granted = seaweedfs.user_with(joined(source=source, into=target))
    for setting, value in lab.environment(**granted).items():
        monkeypatch.setenv(setting, value)
    # In this process, as the command would look into its files, which are no netCDF.
    done = publish_between(Places(f"s3://{public}", f"s3://{private}"), Order())
    assert isinstance(done, Published)
    listed = [one["Key"] for one in admin.list_objects_v2(Bucket=public)["Contents"]]
    assert check_public(lambda key: admin.get_object(Bucket=public, Key=key)["Body"].read(), listed)[0] == done.release
    back = lab.run(lab.command("release", "recall", done.release, "--store", f"s3://{public}", "--yes"), **granted)
    assert back.code == 0, back.err
    user = seaweedfs.client(granted["AWS_ACCESS_KEY_ID"], granted["AWS_SECRET_ACCESS_KEY"])
    for bucket, key in ((private, "new"), (other, "new")):
        with pytest.raises(ClientError, match="AccessDenied"):
            user.put_object(Bucket=bucket, Key=key, Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.get_object(Bucket=other, Key="x")
    with pytest.raises(ClientError, match="AccessDenied"):
        user.delete_object(Bucket=private, Key=next(iter(good_files())))


def attempts(user: Any, bucket: str, folder: str) -> dict[str, bool]:
    """Return which calls the server lets a user make on a folder of a bucket."""
    place = {"Bucket": bucket, "Key": f"{folder}sealed"}
    parts = {**place, "Key": f"{folder}parts"}

    def upload() -> None:
        begun = {**parts, "UploadId": user.create_multipart_upload(**parts)["UploadId"]}
        part = user.upload_part(**begun, PartNumber=1, Body=b"x")
        user.list_parts(**begun)
        done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        user.complete_multipart_upload(**begun, MultipartUpload=done)
        user.abort_multipart_upload(**{**begun, "UploadId": user.create_multipart_upload(**parts)["UploadId"]})

    calls: dict[str, Callable[[], object]] = {
        "read": lambda: user.get_object(**place),
        "look": lambda: user.head_object(**place),
        "list": lambda: user.list_objects_v2(Bucket=bucket, Prefix=folder),
        "put": lambda: user.put_object(**place, Body=b"x"),
        "upload": upload,
        "remove": lambda: user.delete_object(**place),
    }

    def is_allowed(call: Callable[[], object]) -> bool:
        try:
            call()
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("AccessDenied", "403"):
                raise
            return False
        return True

    return {name: is_allowed(call) for name, call in calls.items()}


@pytest.mark.parametrize(
    ("option", "may"),
    [
        ("--read-only", {"read", "look", "list"}),
        ("--put-only", {"put", "upload"}),
        ("--write", {"read", "look", "list", "put", "upload", "remove"}),
    ],
    ids=["a reader in a safe haven", "who fills a vault", "who keeps a folder"],
)
def test_each_right_opens_its_own_calls_and_its_own_folder(
    seaweedfs: SeaweedFS, lab: Lab, option: str, may: set[str]
) -> None:
    bucket = seaweedfs.create_bucket(f"rights-{uuid.uuid4().hex}")
    for folder in ("vault/", "vault2/"):
        seaweedfs.client().put_object(Bucket=bucket, Key=f"{folder}sealed", Body=b"x")
    made = lab.run(lab.command("policy", "make", "--bucket", bucket, "--prefix", "vault/", option))
    assert made.code == 0, made.err
    granted = seaweedfs.user_with(json.loads(made.out))
    user = seaweedfs.client(granted["AWS_ACCESS_KEY_ID"], granted["AWS_SECRET_ACCESS_KEY"])
    assert {name for name, is_allowed in attempts(user, bucket, "vault/").items() if is_allowed} == may
    assert not any(attempts(user, bucket, "vault2/").values())
    assert not any(attempts(user, bucket, "").values())
