"""Every shape an event comes in; what is damaged fails alone."""

from __future__ import annotations

import copy
import json
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from bondstore.aws.events import Arrival, parse_event
from tests.aws.samples import (
    TEST_EVENT,
    eventbridge_event,
    s3_event,
    s3_record,
    sns_event,
    sns_notification,
    sqs_event,
)

KEYS = [
    "plain.csv",
    "in coming/a b.csv",
    "a+b.csv",
    "ü/日本.csv",
    "100%25.csv",
    "%2B.csv",
    "../x.csv",
    "a\nb.csv",
    "a&b=c",
]


@pytest.mark.parametrize("key", KEYS)
def test_the_key_is_found_in_every_shape(key: str) -> None:
    s3 = s3_event("raw", key)
    shapes: list[dict[str, Any]] = [
        s3,
        sqs_event(s3),
        sns_event(s3),
        sqs_event(sns_notification(s3)),
        eventbridge_event("raw", key),
        sqs_event(eventbridge_event("raw", key)),
    ]
    for shape in shapes:
        found = parse_event(shape)
        assert not found.damaged
        assert [(one.bucket, one.key) for one in found.arrivals] == [("raw", key)]
        assert found.queued == (shape.get("Records", [{}])[0].get("eventSource") == "aws:sqs")


def test_a_key_as_aws_writes_it() -> None:
    record = s3_record("raw", "x")
    record["s3"]["object"]["key"] = "red+flower%2B1%C3%BC.jpg"
    assert parse_event({"Records": [record]}).arrivals[0].key == "red flower+1ü.jpg"
    # and EventBridge, where nothing is encoded
    assert parse_event(eventbridge_event("raw", "red+flower%2B1.jpg")).arrivals[0].key == "red+flower%2B1.jpg"


def test_what_else_an_event_says() -> None:
    [one] = parse_event(s3_event("raw", "a.csv")).arrivals
    assert one == Arrival(
        "raw",
        "a.csv",
        "096fKKXTRTtl3on89fVO.nfljtsv6qko",
        "d41d8cd98f00b204e9800998ecf8427e",
        1024,
        "0055AED6DCD90281E5",
        "0",
    )
    [one] = parse_event(eventbridge_event("raw", "a.csv")).arrivals
    assert (one.version, one.etag, one.size) == (
        "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        "b1946ac92492d2347c6235b4d2611184",
        5,
    )
    assert one.record == "17793124-05d4-b198-2fde-7ededc63b103"


def test_every_record_of_every_message() -> None:
    event = sqs_event(
        s3_event("raw", "a", "b"), s3_event("raw", "c"), TEST_EVENT, sns_notification(s3_event("r2x", "d"))
    )
    found = parse_event(event)
    assert [one.key for one in found.arrivals] == ["a", "b", "c", "d"]
    ids = [one["messageId"] for one in event["Records"]]
    assert [one.record for one in found.arrivals] == [ids[0], ids[0], ids[1], ids[3]]
    assert found.notes == {"test-event": 1}
    assert found.queued


@pytest.mark.parametrize("event", [TEST_EVENT, sqs_event(TEST_EVENT), sns_event(TEST_EVENT)])
def test_the_test_event_is_passed_over(event: Any) -> None:
    found = parse_event(event)
    assert (found.arrivals, found.damaged, dict(found.notes)) == ([], [], {"test-event": 1})


def test_deletes_and_others_are_noted() -> None:
    records = [
        s3_record("raw", "a", name=name)
        for name in ("ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated", "LifecycleExpiration:Delete",
                     "ObjectTagging:Put", "s3:ObjectCreated:Copy", "ObjectCreated:CompleteMultipartUpload")
    ]  # fmt: skip
    found = parse_event({"Records": records})
    assert len(found.arrivals) == 2
    assert found.notes == {"removed": 3, "other-event": 1}
    assert parse_event(eventbridge_event("raw", "a", "Object Deleted")).notes == {"removed": 1}
    assert parse_event({"Type": "SubscriptionConfirmation", "Token": "x"}).notes == {"confirmation": 1}


def _with(change: Any) -> dict[str, Any]:
    record = copy.deepcopy(s3_record("raw", "bad.csv"))
    change(record)
    return record


@pytest.mark.parametrize(
    "damaged",
    [
        _with(lambda r: r.pop("s3")),
        _with(lambda r: r["s3"].pop("object")),
        _with(lambda r: r["s3"]["object"].pop("key")),
        _with(lambda r: r["s3"]["object"].update(key=7)),
        _with(lambda r: r["s3"]["object"].update(key="")),
        _with(lambda r: r["s3"]["object"].update(key="%FF.csv")),
        _with(lambda r: r["s3"]["object"].update(key="a%00b")),
        _with(lambda r: r["s3"]["object"].update(key="x" * 1025)),
        _with(lambda r: r["s3"]["object"].update(key="\ud800")),
        _with(lambda r: r["s3"]["bucket"].update(name="../etc")),
        _with(lambda r: r["s3"]["bucket"].update(name="a/b")),
        _with(lambda r: r["s3"]["bucket"].update(name="raw\n")),
        _with(lambda r: r.update(eventSource="aws:kinesis")),
        None,
        [],
        "text",
    ],
)
def test_a_damaged_record_fails_alone(damaged: Any) -> None:
    found = parse_event({"Records": [s3_record("raw", "a"), damaged, s3_record("raw", "c")]})
    assert [one.key for one in found.arrivals] == ["a", "c"]
    assert [one.record for one in found.damaged] == ["1"]


@pytest.mark.parametrize(
    "body", ["", "no json", "[]", "[" * 100_000, "{}", '{"Records": 1}', '{"Type":"Notification"}']
)
def test_a_damaged_message_fails_alone(body: str) -> None:
    event = sqs_event(s3_event("raw", "a"), body, s3_event("raw", "c"))
    found = parse_event(event)
    assert [one.key for one in found.arrivals] == ["a", "c"]
    assert [one.record for one in found.damaged] == [event["Records"][1]["messageId"]]


def test_an_event_wrapped_for_ever_ends() -> None:
    event: dict[str, Any] = s3_event("raw", "a")
    for _ in range(8):
        event = sns_notification(event)
    found = parse_event(sqs_event(event))
    assert not found.arrivals
    assert len(found.damaged) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["Records", "s3", "object", "key", "bucket", "name", "body", "Sns", "Message", "Type", "source",
                         "eventSource", "eventName", "detail", "detail-type", "messageId", "Event"]),
        inner | st.sampled_from(["aws:s3", "aws:sqs", "ObjectCreated:Put", "Notification", "aws.s3", "Object Created"]),
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow])  # a busy machine is no fault
@hypothesis.given(JSON)
def test_nothing_raises(event: Any) -> None:
    found = parse_event(event)
    parse_event(sqs_event(json.dumps(event)))
    assert found.arrivals or found.damaged or found.notes or event == {"Records": []} or not event.get("Records")
