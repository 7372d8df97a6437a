"""What arrived, read from events of S3 as they come: direct, through SQS, SNS or EventBridge, or wrapped twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus

from bondstore.config.profiles import BUCKET_NAME

_LONGEST_KEY = 1024
_DEEPEST = 4
"""An event of S3 in a message of SNS in one of SQS is three deep."""
_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that was written, as the event tells it. By now another version may be there."""

    bucket: str
    key: str
    """As the object has it, nothing encoded."""
    version: str = ""
    etag: str = ""
    size: int | None = None
    sequencer: str = ""
    """Orders the events of one key: hexadecimal digits, longer ones after padding with zeros on the left."""
    record: str = ""
    """What a failure is reported by: the id of the message, or the record's place in the event."""


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """A record that cannot be understood, and why: in words, without anything of its content."""

    record: str
    why: str


@dataclass(slots=True)
class Events:
    """All that an event held, in its order."""

    arrivals: list[Arrival] = field(default_factory=list)
    damaged: list[DamagedRecord] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    """What was passed over, by word: ``test-event``, ``removed``, ``other-event``, ``confirmation``."""
    queued: bool = False
    """Whether messages of a queue were handed over, which can fail one by one."""


class _NotUnderstoodError(ValueError):
    """A part of an event is not what it should be; the text says which."""


def parse_event(event: object) -> Events:
    """Read every record of an event. Nothing in it can raise: what is damaged fails alone."""
    found = Events()
    _attempt(found, event, "", 0)
    return found


def _attempt(found: Events, content: object, record: str, depth: int) -> None:
    try:
        _read(found, content, record, depth)
    except _NotUnderstoodError as error:
        found.damaged.append(DamagedRecord(record, str(error)))


def _read(found: Events, content: object, record: str, depth: int) -> None:
    table = _table(content, "the event")
    if depth > _DEEPEST:
        raise _NotUnderstoodError("the event is wrapped too often")
    if table.get("Event") == "s3:TestEvent":
        found.notes["test-event"] += 1
    elif isinstance(table.get("Records"), list):
        for number, one in enumerate(table["Records"]):
            _record(found, one, record or _id(one) or str(number), depth)
    elif table.get("Type") in _CONFIRMATIONS:
        found.notes["confirmation"] += 1
    elif table.get("Type") == "Notification":
        _read(found, _json(table.get("Message"), "the message of SNS"), record, depth + 1)
    elif table.get("source") == "aws.s3":
        _from_eventbridge(found, table, record or str(table.get("id") or "0"))
    else:
        raise _NotUnderstoodError("it is no event of S3, SQS, SNS or EventBridge")


def _id(record: object) -> str:
    """Return the id of a message of a queue; empty for all else."""
    return str(record.get("messageId") or "") if isinstance(record, Mapping) else ""


def _record(found: Events, content: object, record: str, depth: int) -> None:
    """Read one record; a message fails as a whole, other records one by one."""
    source = content.get("eventSource", content.get("EventSource")) if isinstance(content, Mapping) else None
    if source == "aws:sqs":
        found.queued = True
    try:
        _by_source(found, content, source, record, depth)
    except _NotUnderstoodError as error:
        found.damaged.append(DamagedRecord(record, str(error)))


def _by_source(found: Events, content: object, source: object, record: str, depth: int) -> None:
    table = _table(content, "a record")
    if source == "aws:sqs":
        _attempt(found, _json(table.get("body"), "the body of a message"), record, depth + 1)
    elif source == "aws:sns":
        message = _table(table.get("Sns"), "a record of SNS").get("Message")
        _attempt(found, _json(message, "the message of SNS"), record, depth + 1)
    elif isinstance(source, str) and source.endswith(":s3"):
        _from_s3(found, table, record)
    else:
        raise _NotUnderstoodError("a record is of no known source")


def _from_s3(found: Events, table: Mapping[str, Any], record: str) -> None:
    name = str(table.get("eventName", "")).removeprefix("s3:")
    if not name.startswith("ObjectCreated:"):
        found.notes["removed" if name.startswith(("ObjectRemoved:", "LifecycleExpiration:")) else "other-event"] += 1
        return
    s3 = _table(table.get("s3"), "s3")
    thing = _table(s3.get("object"), "s3.object")
    encoded = thing.get("key")
    if not isinstance(encoded, str):
        raise _NotUnderstoodError("the key is no text")
    # S3's own notifications encode keys, spaces as plus signs; EventBridge does not (Amazon S3 User Guide, "Event
    # message structure" and "EventBridge event message structure").
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError:
        raise _NotUnderstoodError("the key is not UTF-8") from None
    found.arrivals.append(_arrival(_table(s3.get("bucket"), "s3.bucket"), key, thing, thing.get("versionId"), record))


def _from_eventbridge(found: Events, table: Mapping[str, Any], record: str) -> None:
    kind = table.get("detail-type")
    if kind != "Object Created":
        found.notes["removed" if kind == "Object Deleted" else "other-event"] += 1
        return
    detail = _table(table.get("detail"), "detail")
    thing = _table(detail.get("object"), "detail.object")
    bucket = _table(detail.get("bucket"), "detail.bucket")
    found.arrivals.append(_arrival(bucket, thing.get("key"), thing, thing.get("version-id"), record))


def _arrival(bucket: Mapping[str, Any], key: object, thing: Mapping[str, Any], version: object, record: str) -> Arrival:
    name = bucket.get("name")
    if not isinstance(name, str) or not BUCKET_NAME.fullmatch(name):
        raise _NotUnderstoodError("the bucket has no name that a bucket may have")
    if not isinstance(key, str) or not key or "\0" in key:
        raise _NotUnderstoodError("the key is none")
    if any(0xD800 <= ord(sign) < 0xE000 for sign in key):  # half a surrogate pair, as JSON may hold, has no bytes
        raise _NotUnderstoodError("the key is not UTF-8")
    if len(key.encode()) > _LONGEST_KEY:
        raise _NotUnderstoodError("the key is longer than a key may be")
    size = thing.get("size")
    whole = size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None
    etag = _text(thing.get("eTag", thing.get("etag")))
    return Arrival(name, key, _text(version), etag, whole, _text(thing.get("sequencer")), record)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _table(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _NotUnderstoodError(f"{what} is no table")
    return value


def _json(text: object, what: str) -> object:
    if not isinstance(text, str):
        raise _NotUnderstoodError(f"{what} is no text")
    try:
        made: object = json.loads(text)
    except (ValueError, RecursionError):
        raise _NotUnderstoodError(f"{what} is no JSON") from None
    return made
