"""The template: sound for CloudFormation's own linter, least privilege, no secret; and applied to moto."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bondstore.aws.options import Stack
from bondstore.aws.template import template, template_text
from bondstore.errors import UsageError
from tests.servers.moto import Moto

MADE = template(Stack())
RESOURCES: dict[str, Any] = MADE["Resources"]


def of_type(kind: str) -> dict[str, Any]:
    return {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == kind}


def statements(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield from node.get("Statement", [])
        for value in node.values():
            yield from statements(value)
    elif isinstance(node, list):
        for value in node:
            yield from statements(value)


@pytest.mark.parametrize(
    "stack", [Stack(extras=("netcdf",)), Stack("3.12", "arm64", 1), Stack("3.11", "x86_64", 5)], ids=str
)
def test_the_linter_finds_nothing(stack: Stack, tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    path.write_text(template_text(stack))
    words = [
        sys.executable,
        "-c",
        "import cfnlint.runner as r; r.main()",
        "--regions",
        "ap-southeast-2",
        "--template",
        str(path),
    ]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert template_text(stack) == path.read_text()


def test_buckets_are_closed_but_for_the_objects_of_one() -> None:
    buckets = of_type("AWS::S3::Bucket")
    assert len(buckets) == 4
    for name, one in buckets.items():
        block = one["PublicAccessBlockConfiguration"]
        assert block["BlockPublicAcls"]
        assert block["IgnorePublicAcls"]
        assert block["BlockPublicPolicy"] == block["RestrictPublicBuckets"] == (name != "PublicBucketResource")
        assert one["VersioningConfiguration"] == {"Status": "Enabled"}
        assert one["BucketEncryption"]
    everybody = [
        (name, one)
        for name, made in of_type("AWS::S3::BucketPolicy").items()
        for one in statements(made)
        if one["Effect"] == "Allow"
    ]
    assert [(name, one["Action"]) for name, one in everybody] == [("PublicBucketPolicy", "s3:GetObject")]
    assert everybody[0][1]["Resource"]["Fn::Sub"].endswith(":::${PublicBucket}/*")
    assert RESOURCES["DataBucketResource"]["Properties"]["NotificationConfiguration"]["QueueConfigurations"][0][
        "Filter"
    ]


def test_roles_allow_nothing_everywhere() -> None:
    roles = of_type("AWS::IAM::Role")
    assert set(roles) == {"ProfileRole", "ParticipantsRole"}
    for role in roles.values():
        assert "ManagedPolicyArns" not in role
        for one in statements(role["Policies"]):
            assert one["Effect"] == "Allow"
            assert all("*" not in action for action in one["Action"])
            for resource in one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]:
                assert resource != "*"
                text = json.dumps(resource)
                assert "*" not in text or (text.count("*") == 1 and "}/*" in text and ":s3:::" in text), text
    mine, people = (json.dumps(roles[name]["Policies"]) for name in ("ProfileRole", "ParticipantsRole"))
    assert "PublicBucket" not in mine + people, "nothing is released from a function"
    assert "DataBucket" not in people
    assert "ParticipationBucket" not in mine
    assert "ses:" not in people
    assert "table/${ParticipantsTable}" not in mine
    sending = [one for one in statements(roles["ProfileRole"]["Policies"]) if "ses:SendEmail" in one["Action"]]
    assert [one["Condition"] for one in sending] == [{"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}}]


def test_tables_and_queues() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    assert len(tables) == 4
    for one in tables.values():
        assert one["DeletionProtectionEnabled"]
        assert one["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
        assert one["SSESpecification"]["SSEEnabled"]
    assert tables["ParticipantsTableResource"]["AttributeDefinitions"] == [
        {"AttributeName": "user_id", "AttributeType": "N"}
    ]
    queues = of_type("AWS::SQS::Queue")
    assert all("RedrivePolicy" in one for name, one in queues.items() if name.endswith("Queue"))
    timeout = max(one["Timeout"] for one in of_type("AWS::Lambda::Function").values())
    assert all(one["VisibilityTimeout"] >= 6 * timeout for one in queues.values() if "RedrivePolicy" in one)
    for one in of_type("AWS::Lambda::EventSourceMapping").values():
        assert one["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert len(of_type("AWS::Logs::LogGroup")) == 2


def test_functions_are_told_only_what_they_know() -> None:
    from bondstore.aws.settings import VARIABLES

    for one in of_type("AWS::Lambda::Function").values():
        module, _, name = one["Handler"].rpartition(".")
        assert callable(getattr(__import__(module, fromlist=[name]), name))
        assert set(one["Environment"]["Variables"]) <= set(VARIABLES)


def test_it_names_no_place_and_no_secret() -> None:
    text = template_text(Stack())
    for word in ("ap-southeast", "AKIA", "BEGIN", "aws_secret_access_key", "us-east"):
        assert word not in text


@pytest.mark.parametrize(
    "stack", [Stack("3.9"), Stack("3.13", "mips"), Stack(layers=0), Stack(layers=6), Stack(extras=("x",))], ids=str
)
def test_what_cannot_be_is_refused(stack: Stack) -> None:
    with pytest.raises(UsageError):
        template(stack)
    with pytest.raises(UsageError):
        template_text(Stack(), "terraform")


def suffixes(stack: Stack, bucket: str) -> list[str]:
    told = template(stack)["Resources"][bucket]["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    return [rule["Value"] for one in told for rule in one["Filter"]["S3Key"]["Rules"]]


def test_netcdf_files_start_the_function_where_it_was_made_with_netcdf() -> None:
    assert suffixes(Stack(), "DataBucketResource") == [".csv"]
    assert suffixes(Stack(extras=("plots",)), "DataBucketResource") == [".csv"]
    assert suffixes(Stack(extras=("plots", "netcdf")), "DataBucketResource") == [".csv", ".nc"]
    assert suffixes(Stack(extras=("netcdf",)), "ParticipationBucketResource") == [".csv"]


MAILS = {
    "MailFrom": "data@reef.example",
    "UnsubscribeMail": "l@reef.example",
    "MailIdentity": "reef.example",
    "MailSecretName": "reef/mail",
}


def packed_code(moto_environment: Moto) -> None:
    """Put zips where the template looks for the code."""
    import io
    import zipfile

    s3 = moto_environment.client("s3")
    s3.create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": moto_environment.region})
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("x.py", "")
    names = {name: one["Default"] for name, one in MADE["Parameters"].items() if name.endswith("Zip")}
    for name in names.values():
        s3.put_object(Bucket="code", Key=name, Body=packed.getvalue())


def test_what_is_there_already_is_adopted_and_not_changed(moto_environment: Moto) -> None:
    packed_code(moto_environment)
    s3, dynamodb = moto_environment.client("s3"), moto_environment.client("dynamodb")
    said = {"CodeBucket": "code", **MAILS}
    for name, bucket in (("Data", "old-data"), ("Result", "old-qc"), ("Participation", "old-people")):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": moto_environment.region})
        said |= {f"{name}Bucket": bucket, f"Existing{name}Bucket": "yes"}
    s3.put_bucket_tagging(Bucket="old-data", Tagging={"TagSet": [{"Key": "of", "Value": "before"}]})
    for table, key, kind in (("old-table", "user_id", "N"), ("old-table-history", "entry", "S")):
        dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": kind}],
            BillingMode="PAY_PER_REQUEST",
        )
    said |= {"ParticipantsTable": "old-table", "ExistingParticipantsTable": "yes", "PublicBucket": "new-public"}
    client = moto_environment.client("cloudformation")
    client.create_stack(
        StackName="adopt",
        TemplateBody=template_text(Stack()),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in said.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = client.describe_stacks(StackName="adopt")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    kinds = [
        one.get("LogicalResourceId", "") for one in client.describe_stack_resources(StackName="adopt")["StackResources"]
    ]
    assert {one for one in kinds if one.endswith("BucketResource")} == {"PublicBucketResource"}
    conditions = {name: one.get("Condition") for name, one in RESOURCES.items()}
    assert conditions["DataBucketPolicy"] == "MakesDataBucket", "a policy that is there stays too"
    assert "ParticipantsTableResource" not in kinds
    assert "SubscribersResource" in kinds
    assert s3.get_bucket_tagging(Bucket="old-data")["TagSet"] == [{"Key": "of", "Value": "before"}]
    [function] = [
        one
        for one in moto_environment.client("lambda").list_functions()["Functions"]
        if one["Handler"].endswith("profile_arrived") and "old-data" in str(one["Environment"])
    ]
    assert function["Environment"]["Variables"]["BONDSTORE_SOURCE"] == "s3://old-data"


def test_applied_to_a_stand_in(moto_environment: Moto) -> None:
    packed_code(moto_environment)
    said = {"CodeBucket": "code", "DataBucket": "reef-data", "ResultBucket": "reef-qc", "PublicBucket": "reef-public",
            "ParticipationBucket": "reef-people", **MAILS}  # fmt: skip
    client = moto_environment.client("cloudformation")
    client.create_stack(
        StackName="reef",
        TemplateBody=template_text(Stack()),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in said.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    [stack] = client.describe_stacks(StackName="reef")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    found = moto_environment.client("dynamodb").describe_table(TableName="participant-information")["Table"]
    assert found["DeletionProtectionEnabled"]
    assert found["KeySchema"] == [{"AttributeName": "user_id", "KeyType": "HASH"}]
    functions = moto_environment.client("lambda").list_functions()["Functions"]
    assert {one["Handler"].rsplit(".")[-1] for one in functions} == {"profile_arrived", "participants_changed"}
    queues = moto_environment.client("sqs").list_queues()["QueueUrls"]
    assert len(queues) == 4
