"""What is special to DynamoDB: how a table is protected, what it costs to be throttled, whose settings hold."""

from __future__ import annotations

import os
from typing import Any

import pytest

from bondstore.awsclients import aws_client, endpoint_of, understand
from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.databases import Change, Row, open_table
from bondstore.databases.dynamodb import MOST, DynamoTable
from bondstore.errors import (
    ChangedError,
    ConfigurationError,
    CredentialsError,
    StoreError,
    TransientStoreError,
    UnreachableError,
    UsageError,
)
from tests.databases.rigs import Database
from tests.servers.moto import Moto


def people(region: str = "") -> DynamoTable:
    table = open_table(f"dynamodb://{region}", "people", key="user_id", numeric=True)
    assert isinstance(table, DynamoTable)
    return table


def test_a_new_table_is_protected(moto_environment: Moto) -> None:
    people().create()
    client = moto_environment.client("dynamodb")
    told = client.describe_table(TableName="people")["Table"]
    assert told["DeletionProtectionEnabled"] is True
    assert told["SSEDescription"]["Status"] == "ENABLED"
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert told["KeySchema"] == [{"AttributeName": "user_id", "KeyType": "HASH"}]
    assert told["AttributeDefinitions"] == [{"AttributeName": "user_id", "AttributeType": "N"}]
    backups = client.describe_continuous_backups(TableName="people")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_table_whose_maker_was_stopped_can_be_restored_too(
    moto_environment: Moto, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = moto_environment.client("dynamodb")
    client.create_table(
        TableName="people",
        AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    monkeypatch.setattr(DynamoTable, "_status", lambda _: "CREATING")  # moto's tables are there at once
    people().create()
    backups = client.describe_continuous_backups(TableName="people")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_table_of_others_is_left_as_it_is(moto_environment: Moto) -> None:
    client = moto_environment.client("dynamodb")
    client.create_table(
        TableName="people",
        AttributeDefinitions=[{"AttributeName": "user_id", "AttributeType": "N"}],
        KeySchema=[{"AttributeName": "user_id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    people().create()
    assert not client.describe_table(TableName="people")["Table"].get("DeletionProtectionEnabled")


def test_rows_as_other_tools_see_and_write_them(moto_environment: Moto) -> None:
    table = people()
    table.create()
    client = moto_environment.client("dynamodb")
    table.apply([Change(2**53 - 1, None, {"text": "007", "n": 7, "half": 0.5, "yes": True, "empty": ""})])
    [item] = client.scan(TableName="people")["Items"]
    assert item == {
        "user_id": {"N": "9007199254740991"},
        "_version": {"N": "1"},
        "text": {"S": "007"},
        "n": {"N": "7"},
        "half": {"N": "0.5"},
        "yes": {"BOOL": True},
        "empty": {"S": ""},
    }
    client.put_item(TableName="people", Item={"user_id": {"N": "3"}, "a": {"S": "x"}, "set": {"SS": ["y"]}})
    assert table.get(3) == Row(3, 0, {"a": "x", "set": "<SS>"})
    with pytest.raises(ChangedError):
        table.apply([Change(3, 1, {"a": "z"})])
    assert table.apply([Change(3, 0, {"a": "z"})]) == [Row(3, 1, {"a": "z"})]
    with pytest.raises(ChangedError):
        table.apply([Change(3, 0, {"a": "z"})])


def test_a_hundred_at_once_and_no_more(moto_environment: Moto) -> None:
    table = people()
    table.create()
    with pytest.raises(UsageError):
        table.apply([Change(n, None, {}) for n in range(MOST + 1)])
    assert list(table.scan()) == []


class Refusing:
    """A client whose transactions fail a number of times, with an answer as DynamoDB gives it."""

    def __init__(self, client: Any, times: int, code: str, reasons: list[str]) -> None:
        self.client, self.times, self.code, self.reasons = client, times, code, reasons
        self.asked = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def transact_write_items(self, **words: Any) -> Any:
        from botocore.exceptions import ClientError

        self.asked += 1
        if self.asked <= self.times:
            told = {
                "Error": {"Code": self.code, "Message": "SECRET VALUE"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            told["CancellationReasons"] = [{"Code": reason} for reason in self.reasons]
            raise ClientError(told, "TransactWriteItems")
        return self.client.transact_write_items(**words)


CANCELED = "TransactionCanceledException"


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bondstore.databases.dynamodb.time.sleep", lambda seconds: None)


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_contention_is_tried_again(moto_environment: Moto, no_waiting: None, reason: str) -> None:
    table = people()
    table.create()
    table._opened = Refusing(table._client(), 3, CANCELED, ["None", reason])
    assert table.apply([Change(1, None, {"a": "x"})]) == [Row(1, 1, {"a": "x"})]
    table._opened = Refusing(table._client().client, 99, CANCELED, [reason])
    with pytest.raises(TransientStoreError):
        table.apply([Change(2, None, {"a": "x"})])
    assert 2 < table._opened.asked < 20
    assert table.get(2) is None


@pytest.mark.parametrize(
    ("code", "reasons", "error"),
    [
        (CANCELED, ["None", "ConditionalCheckFailed"], ChangedError),
        (CANCELED, ["TransactionConflict", "ConditionalCheckFailed"], ChangedError),
        (CANCELED, ["ValidationError"], StoreError),
        (CANCELED, [], StoreError),
        ("AccessDeniedException", [], CredentialsError),
        ("ThrottlingException", [], TransientStoreError),
        ("ValidationException", [], StoreError),
    ],
)
def test_what_no_other_try_will_mend(
    moto_environment: Moto, code: str, reasons: list[str], error: type[Exception]
) -> None:
    table = people()
    table.create()
    table._opened = Refusing(table._client(), 1, code, reasons)
    with pytest.raises(error) as told:
        table.apply([Change(1, None, {"a": "x"})])
    assert "SECRET" not in str(told.value)
    assert table._opened.asked == 1


def test_who_may_only_read_rows_can_tell_whether_there_is_a_table(moto_environment: Moto) -> None:
    """The guide's policy does not allow to describe it."""
    from botocore.exceptions import ClientError

    class Narrow(Refusing):
        def describe_table(self, **words: Any) -> Any:
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeTable")

    table = people()
    table._opened = Narrow(table._client(), 0, "", [])
    assert not table.exists()
    people().create()
    assert table.exists()
    table.create()
    assert table.apply([Change(1, None, {"a": "x"})]) == [Row(1, 1, {"a": "x"})]


def test_settings_that_hold(monkeypatch: pytest.MonkeyPatch, moto_environment: Moto) -> None:
    lab = Profile(endpoint="http://127.0.0.1:1", sources=(("endpoint", "user file"),))
    assert endpoint_of("dynamodb", lab) == moto_environment.endpoint
    monkeypatch.delenv("AWS_ENDPOINT_URL_DYNAMODB")
    assert endpoint_of("dynamodb", lab) == "http://127.0.0.1:1"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:2/")
    assert endpoint_of("dynamodb", lab) == "http://127.0.0.1:2"
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    only = Profile(endpoint="http://127.0.0.1:3", sources=(("endpoint", "AWS_ENDPOINT_URL_S3"),))
    assert endpoint_of("dynamodb", only) is None
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://me:pw@127.0.0.1:2")
    with pytest.raises(ConfigurationError):
        endpoint_of("dynamodb", lab)


def test_credentials_by_reference(monkeypatch: pytest.MonkeyPatch, moto_environment: Moto) -> None:
    monkeypatch.setenv("LAB_ID", "lab-id")
    monkeypatch.setenv("LAB_SECRET", "lab-secret")
    lab = Profile(access_key=SecretRef("env", "LAB_ID"), secret_key=SecretRef("env", "LAB_SECRET"), region="eu-west-1")
    client = aws_client("dynamodb", lab)
    found = client._request_signer._credentials
    assert (found.access_key, found.secret_key, client.meta.region_name) == ("lab-id", "lab-secret", "eu-west-1")
    assert aws_client("dynamodb", lab, region="us-west-2").meta.region_name == "us-west-2"
    assert client.meta.config.request_checksum_calculation == "when_required"
    assert client.meta.config.proxies == {}
    monkeypatch.delenv("LAB_SECRET")
    with pytest.raises(CredentialsError):
        aws_client("dynamodb", lab)


def test_proxies_of_the_environment_stand_not_in_the_way_of_loopback(
    monkeypatch: pytest.MonkeyPatch, moto_environment: Moto
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert not people().exists()


def test_no_region_and_no_answer(monkeypatch: pytest.MonkeyPatch, moto_environment: Moto) -> None:
    from tests.servers.ports import free_ports

    nobody = Profile(retries=0, connect_timeout=0.5, region="eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{free_ports(1)[0]}")
    table = open_table("dynamodb://", "people", key="id", profile=nobody)
    with pytest.raises(UnreachableError):
        table.exists()
    for name in [name for name in os.environ if name.startswith("AWS_ENDPOINT_URL") or name == "AWS_REGION"]:
        monkeypatch.delenv(name)
    with pytest.raises(ConfigurationError):
        people().exists()


def test_failures_are_told_without_their_texts() -> None:
    from botocore.exceptions import ClientError, ReadTimeoutError

    answer = {
        "Error": {"Code": "InternalServerError", "Message": "SECRET"},
        "ResponseMetadata": {"HTTPStatusCode": 500},
    }
    assert isinstance(understand(ClientError(answer, "Scan"), "it"), TransientStoreError)
    assert "SECRET" not in str(understand(ClientError(answer, "Scan"), "it"))
    assert isinstance(understand(ReadTimeoutError(endpoint_url="x"), "it"), TransientStoreError)


@pytest.mark.parametrize("url", ["dynamodb://a/b", "dynamodb://a@b", "mysql://h/d", "nothing", "dynamodb://ü"])
def test_urls_that_are_none(url: str) -> None:
    with pytest.raises(UsageError):
        open_table(url, "people", key="id")


def test_two_databases_are_not_changed_at_once(moto_environment: Moto, database: Database) -> None:
    here = database.made()
    there = open_table("dynamodb://us-east-1", "people", key="user_id", numeric=True)
    with pytest.raises(UsageError):
        here.apply([Change(1, None, {})], also=[(there, [Change(1, None, {})])])
    assert list(here.scan()) == []
