"""The participants' CSV that changed: into DynamoDB, as it is now, once."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from bondstore.aws.handlers import handle, participants_changed
from bondstore.errors import ConfigurationError
from tests.aws.conftest import Cloud
from tests.aws.samples import s3_event, sqs_event
from tests.registry.forms import person, written

PEOPLE = [person(number) for number in range(5)]


@pytest.fixture
def form(cloud: Cloud) -> Cloud:
    cloud.patch.setenv("BONDSTORE_PARTICIPANTS", f"s3://{cloud.raw}/forms/part icipants.csv")
    cloud.patch.setenv("BONDSTORE_DATABASE", "dynamodb://ap-southeast-2")
    cloud.patch.setenv("BONDSTORE_TABLE", f"people-{uuid.uuid4().hex[:6]}")
    cloud.patch.setenv("BONDSTORE_KEY_COLUMNS", "Vessel number")
    return cloud


def rows(cloud: Cloud) -> dict[str, Any]:
    """By a plain client."""
    import os

    found = cloud.moto.client("dynamodb").scan(TableName=os.environ["BONDSTORE_TABLE"])["Items"]
    return {one["Vessel number"]["S"]: one for one in found if "Vessel number" in one}


def test_synced_once_however_often_told(form: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    key = "forms/part icipants.csv"
    form.put(key, written(PEOPLE))
    event = sqs_event(s3_event(form.raw, key), s3_event(form.raw, key), s3_event(form.raw, "forms/other.csv"))
    report = handle("participants", event)
    assert report.response() == {"batchItemFailures": []}
    assert report.counts["changes_written"] == 5
    assert sorted(item.outcome.value for item in report.items) == ["done", "ignored"]
    table = rows(form)
    assert set(table) == {one["Vessel number"] for one in PEOPLE}
    assert all("N" in one["user_id"] for one in table.values())
    form.forget_state()
    again = handle("participants", event)
    assert again.counts["changes_written"] == 0
    assert rows(form) == table
    log = capsys.readouterr().err
    for one in PEOPLE:
        assert not [value for value in one.values() if len(value) > 4 and value in log]


def test_an_old_event_brings_what_is_there_now(form: Cloud) -> None:
    key = "forms/part icipants.csv"
    form.put(key, written(PEOPLE))
    participants_changed(s3_event(form.raw, key))
    form.put(key, written([*PEOPLE[1:], person(0, Port="Ulladulla")]))
    answer = participants_changed(s3_event(form.raw, key))
    assert answer["rows_changed"] == 1
    assert rows(form)[PEOPLE[0]["Vessel number"]]["Port"]["S"] == "Ulladulla"


def test_a_damaged_csv_is_not_tried_for_ever(form: Cloud) -> None:
    key = "forms/part icipants.csv"
    form.put(key, b"\x00\xff no table")
    report = handle("participants", sqs_event(s3_event(form.raw, key)))
    assert report.response() == {"batchItemFailures": []}
    assert [item.outcome.value for item in report.items] == ["quarantined"]


def test_a_database_that_is_not_there_fails_the_message(form: Cloud) -> None:
    key = "forms/part icipants.csv"
    form.put(key, written(PEOPLE))
    form.patch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")
    event = sqs_event(s3_event(form.raw, key))
    assert participants_changed(event) == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}


def test_which_csv_must_be_said(form: Cloud) -> None:
    form.patch.delenv("BONDSTORE_PARTICIPANTS")
    with pytest.raises(ConfigurationError, match="BONDSTORE_PARTICIPANTS"):
        participants_changed(s3_event(form.raw, "a.csv"))
