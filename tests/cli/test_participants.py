"""``bondstore participants``: sync, list, show, history, policy."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import botocore.session
import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from bondstore.access.dynamodb import table_policy
from bondstore.participants import open_participants
from tests.cli.conftest import Call
from tests.homes import Home
from tests.registry.forms import COLUMNS, person, written
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS

ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
PEOPLE = [person(number) for number in range(6)]
PRIVATE = {
    text for one in PEOPLE for name in ("Contact name", "Contact number", "ABN", "Company name") for text in [one[name]]
}


@pytest.fixture
def state(home: Home, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(home.path / "state"))
    return home.path / "state" / "bondstore"


@pytest.fixture
def form(state: Path, home: Home) -> Path:
    path = home.project / "form.csv"
    path.write_bytes(written(PEOPLE))
    return path


def test_from_a_file_into_the_own_database(cli: Call, form: Path, state: Path) -> None:
    planned = cli("participants", "sync", str(form), "--dry-run", "--json")
    assert planned.code == 0
    assert planned.records[-1]["kind"] == "plan"
    assert planned.records[-1]["new"] == 6
    assert not (state / "participants.sqlite").exists()

    unasked = cli("participants", "sync", str(form))
    assert unasked.code == 2, "there is nobody to ask"
    assert "--yes" in unasked.err
    assert not (state / "participants.sqlite").exists(), "nobody agreed to a table"
    done = cli("participants", "sync", str(form), "--yes")
    assert done.code == 0
    assert "6 changes were written" in done.err
    file = state / "participants.sqlite"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = cli("participants", "sync", str(form))
    assert again.code == 0, "nothing is asked where nothing changes"
    assert "Nothing has changed." in again.err
    assert [line.split() for line in done.out.splitlines()] == [["new", "6"], ["active", "6"]]
    assert [line.split() for line in again.out.splitlines()] == [["unchanged", "6"], ["active", "6"]]


def test_covered_unless_revealed(cli: Call, form: Path) -> None:
    cli("participants", "sync", str(form), "--yes")
    listed = cli("participants", "list")
    assert listed.out.splitlines()[0].split() == ["user_id", "inactive", *" ".join(COLUMNS).split()]
    for result in (listed, cli("participants", "list", "--json"), cli("participants", "show", "VN 00002"),
                   cli("participants", "history", "--json")):  # fmt: skip
        assert result.code == 0
        assert not any(text in result.out for text in PRIVATE)
    assert "VN 00002" in listed.out
    shown = cli("participants", "list", "--json", "--reveal").records
    assert sorted((one["fields"] for one in shown), key=lambda f: f["Vessel number"]) == PEOPLE
    number = next(one["user_id"] for one in shown if one["fields"]["Vessel number"] == "VN 00002")
    one = cli("participants", "show", str(number), "--reveal", "--json").records
    assert one == [next(s for s in shown if s["user_id"] == number)]
    assert PEOPLE[2]["Contact number"] in cli("participants", "show", "vn  00002", "--reveal").out


def test_gone_and_history(cli: Call, form: Path) -> None:
    cli("participants", "sync", str(form), "--yes")
    form.write_bytes(written([*PEOPLE[1:5], person(5, Port="Bega")]))
    done = cli("participants", "sync", str(form), "--yes", "--json")
    assert {name: done.records[-1][name] for name in ("new", "changed", "inactive", "unchanged", "written")} == {
        "new": 0, "changed": 1, "inactive": 1, "unchanged": 4, "written": 2,
    }  # fmt: skip
    gone = cli("participants", "list", "--gone", "--json").records
    assert [one["fields"]["Vessel number"] for one in gone] == ["VN 00000"]
    assert gone[0]["inactive"].endswith("Z")
    told = cli("participants", "history", "VN 00005", "--json").records
    assert [(one["action"], one["columns"]) for one in told] == [("new", sorted(COLUMNS)), ("changed", ["Port"])]
    assert told[1]["old"]["Port"] == "Eden"
    assert told[1]["old"]["Contact name"] == "***"
    assert cli("participants", "history", "VN 00005", "--json", "--reveal").records[1]["old"] == PEOPLE[5]
    assert len(cli("participants", "history").out.splitlines()) == 1 + 8


def test_a_malformed_row_ends_with_5(cli: Call, form: Path) -> None:
    cli("participants", "sync", str(form), "--yes")
    form.write_bytes(written(PEOPLE[:5]) + b"x,1,V,VN 00005,Secret Port,NSW,Hidden Person,0499999999,9\r\n")
    result = cli("participants", "sync", str(form), "--yes")
    assert result.code == 5
    assert "row 7" in result.err
    assert "Secret" not in result.out + result.err
    found = cli("participants", "sync", str(form), "--yes", "--json").records
    assert [one["kind"] for one in found] == ["finding", "sync"]
    assert (found[0]["finding"], found[0]["where"]) == ("participant-row-ragged", "row 7")


def test_refusals(cli: Call, form: Path, home: Home) -> None:
    cli("participants", "sync", str(form), "--yes")
    form.write_bytes(written(PEOPLE[:1]))
    refused = cli("participants", "sync", str(form), "--yes", "--json")
    assert refused.code == 6
    assert "--allow-many-gone" in refused.records[-1]["hint"]
    assert cli("participants", "sync", str(form), "--yes", "--allow-many-gone").code == 0
    web = cli("participants", "sync", "https://forms.example/csv?apiKey=s3cr3tkey", "--yes")
    assert web.code == 2
    assert "s3cr3tkey" not in web.out + web.err
    assert cli("participants", "sync", "gone.csv", "--yes").code == 3
    assert cli("participants", "sync", str(form), "--key-column", "Vessel", "--yes").code == 5
    assert cli("participants", "sync", str(form), "--table", "a b", "--yes").code == 2
    password = cli("participants", "list", "--database", "postgresql://me:hunter22@127.0.0.1/db")
    assert password.code == 2
    assert "hunter22" not in password.out + password.err
    assert cli("participants", "list", "--table", "another").code == 3
    assert cli("participants", "show", "nobody").code == 3


def test_every_read_is_in_the_record(cli: Call, form: Path, state: Path) -> None:
    cli("participants", "sync", str(form), "--yes")
    cli("participants", "list")
    cli("participants", "show", "VN 00001")
    read = cli("audit", "show", "--json").records
    place = f"sqlite:///{state}/participants.sqlite/participant-information"
    keys = [one["key"] for one in read]
    assert keys[:2] == [str(form), place]
    assert keys[2].startswith(f"{place}/")
    assert not any(text in json.dumps(read) for text in PRIVATE)
    assert cli("audit", "verify").code == 0


def test_from_a_bucket_into_dynamodb(
    cli: Call, state: Path, s3_environment: str, seaweedfs: SeaweedFS, moto_environment: Moto
) -> None:
    client, bucket = seaweedfs.client(), s3_environment.removeprefix("s3://")
    client.put_object(Bucket=bucket, Key="forms/export 1.csv", Body=written(PEOPLE))
    words = ("--database", "dynamodb://ap-southeast-2")
    done = cli("participants", "sync", f"{s3_environment}/forms/export 1.csv", *words, "--yes", "--json")
    assert done.code == 0, done.err
    dynamo = moto_environment.client("dynamodb")
    items = dynamo.scan(TableName="participant-information")["Items"]
    assert sorted(one["Contact number"]["S"] for one in items) == sorted(p["Contact number"] for p in PEOPLE)
    assert all("N" in one["user_id"] for one in items)
    assert len(cli("participants", "list", *words, "--json").records) == 6
    assert cli("participants", "sync", f"{s3_environment}/forms/none.csv", *words, "--yes").code == 3


def test_what_a_terminal_must_not_be_told(cli: Call, form: Path) -> None:
    odd = person(1, **{"Vessel name": "\x1b[2J\x07evil", "Port": "a\u202eb"})
    form.write_bytes(written([odd]))
    cli("participants", "sync", str(form), "--yes")
    for verb in (("list",), ("show", "VN 00001"), ("history",)):
        result = cli("participants", *verb, "--reveal")
        assert result.code == 0
        assert "\x1b" not in result.out
        assert "\u202e" not in result.out


def test_policy(cli: Call) -> None:
    table = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/participant-information"
    user = "arn:aws:iam::123456789012:user/collector"
    guide = {"PutItem", "GetItem", "UpdateItem", "DeleteItem", "BatchGetItem", "BatchWriteItem", "Query", "Scan"}
    made = json.loads(cli("participants", "policy", table).out)
    first, second = made["Statement"]
    assert {one.removeprefix("dynamodb:") for one in first["Action"]} == guide | {"DescribeTable"}
    assert (first["Resource"], second["Resource"]) == (table, f"{table}-history")
    assert not any("Delete" in one or "Update" in one or "*" in one for one in second["Action"])
    assert len(json.dumps(made, separators=(",", ":"))) < 6_144
    own = cli("participants", "policy", table, "--user", user, "--json").records[0]
    assert [(one["Effect"], one["Principal"]) for one in own["Statement"]] == [("Allow", {"AWS": user}), ("Deny", "*")]
    assert own["Statement"][1]["Condition"] == {"ArnNotEquals": {"aws:PrincipalArn": user}}
    for words in (
        (f"{table}/index/x", "--user", user),
        ("arn:aws:dynamodb:x:1:table/*",),
        (f"{table}*",),
        (table, "--user", "arn:aws:iam::123456789012:user/*"),
    ):
        assert cli("participants", "policy", *words).code == 2


@pytest.mark.parametrize(
    ("end", "kept"), [("", "PutItem"), ("-history", "PutItem"), ("/stream/2026-01-01T00:00:00.000", "GetRecords")]
)
def test_the_policy_of_a_table_leaves_others_no_way_to_its_rows(cli: Call, end: str, kept: str) -> None:
    """Every operation that AWS's own client knows, judged by moto's reading of the policy."""
    place = f"arn:aws:dynamodb:ap-southeast-2:123456789012:table/participant-information{end}"
    user = "arn:aws:iam::123456789012:user/collector"
    own = cli("participants", "policy", place, "--user", user, "--json").records[0]
    allow, deny = own["Statement"]
    assert f"dynamodb:{kept}" in allow["Action"]
    assert "dynamodb:DeleteItem" not in allow["Action"] or not end
    judged = IAMPolicy(json.dumps({"Statement": [{**deny, "Condition": {}}]}))
    session = botocore.session.get_session()
    names = [one for it in ("dynamodb", "dynamodbstreams") for one in session.get_service_model(it).operation_names]
    names += ["PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate", "StartAwsBackupJob", "NotKnownYet"]
    below = [place] if "/stream/" in end else [place, f"{place}/index/by-port"]
    left = {
        name
        for name in names
        for resource in below
        if judged.is_action_permitted(f"dynamodb:{name}", resource) is not PermissionResult.DENIED
    }
    assert left == {
        "DeleteResourcePolicy",
        "DescribeContinuousBackups",
        "DescribeStream",
        "DescribeTable",
        "DescribeTimeToLive",
        "GetResourcePolicy",
        "ListTagsOfResource",
        "PutResourcePolicy",
        "TagResource",
        "UntagResource",
        "UpdateContinuousBackups",
    }
    assert len(json.dumps(own, separators=(",", ":"))) < 20_000  # what a table's own policy may hold, in bytes


def test_nothing_heavy_is_loaded_for_help(shell: Call) -> None:
    result = shell("participants", "sync", "--help", PYTHONPROFILEIMPORTTIME="1")
    assert result.code == 0
    loaded = {line.rpartition("|")[2].strip() for line in result.err.splitlines()}
    assert "bondstore.cli.options" in loaded
    assert not loaded & {"sqlalchemy", "boto3", "botocore", "polars", "obstore"}


@pytest.mark.usefixtures("state")
def test_who_could_read_is_told_until_the_tables_are_shut(cli: Call, moto_environment: Moto) -> None:
    table = open_participants("dynamodb://")
    for one in (table.rows, table.history):
        one.create()
    iam, dynamodb = moto_environment.client("iam"), moto_environment.client("dynamodb")
    for name, action in (("bob", "dynamodb:*"), ("eve", "s3:*")):
        iam.create_user(UserName=name)
        document = {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"},
        }
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    words = ("participants", "check-policy", "--user", USER, "--database", "dynamodb://")
    found = cli(*words, "--json")
    arns = [
        dynamodb.describe_table(TableName=name)["Table"]["TableArn"] for name in (table.rows.name, table.history.name)
    ]
    assert found.code == 4
    assert [(one["place"], one["policy"], one["state"], one["others"]) for one in found.records] == [
        (arn, "none", "open", [f"arn:aws:iam::{ACCOUNT}:user/bob"]) for arn in arns
    ]
    for arn in arns:
        dynamodb.put_resource_policy(ResourceArn=arn, Policy=json.dumps(table_policy(arn, USER)))
    shut = cli(*words)
    assert (shut.code, shut.out.count("shut")) == (0, 2)
    assert "Nobody else can read." in shut.err


@pytest.mark.usefixtures("state", "moto_environment")
def test_the_policies_of_a_table_that_is_not_there(cli: Call) -> None:
    assert cli("participants", "check-policy", "--user", USER, "--database", "dynamodb://").code == 3
