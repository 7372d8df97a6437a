"""What became of an event: item by item for its sender, in counts and kinds for the log."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bondstore.aws.events import Events
from bondstore.errors import BondstoreError, Exit
from bondstore.stores.address import parse_address
from bondstore.text import iso_text


class ObjectOutcome(StrEnum):
    """What became of an object that arrived."""

    DONE = "done"
    """Handled, now or before."""
    QUARANTINED = "quarantined"
    """Damaged: another try would not fix it. A person must look; the event is done."""
    GONE = "gone"
    """Not there any more: nothing is left to do."""
    IGNORED = "ignored"
    """From another bucket or folder, or not a file of this kind."""
    FAILED = "failed"
    """To be tried again."""


class HandlingError(BondstoreError):
    """Items of an event failed; all others were handled."""

    exit_code = Exit.INCOMPLETE


@dataclass(frozen=True, slots=True)
class Handled:
    """One object, and what became of it."""

    bucket: str
    key: str
    outcome: ObjectOutcome
    kinds: tuple[str, ...] = ()
    """Kinds of findings, or the class of the error that it failed with."""
    records: tuple[str, ...] = ()
    """The messages (or places in the event) that named it."""
    path: str = ""
    """The file that was made, in the destination; empty for none."""

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {
            "kind": "item",
            "bucket": self.bucket,
            "key": self.key,
            "outcome": self.outcome.value,
            "findings": list(self.kinds),
            "path": self.path,
        }


@dataclass(slots=True)
class EventReport:
    """What became of an event: each object once, and in `counts` what was done beyond (rows, files released, mail)."""

    handler: str
    events: Events
    items: list[Handled] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> list[str]:
        """The messages or records that must come again, each once."""
        found = [one.record for one in self.events.damaged]
        found += [record for item in self.items if item.outcome is ObjectOutcome.FAILED for record in item.records]
        return list(dict.fromkeys(found))

    def summary(self) -> dict[str, Any]:
        """Return it in counts and kinds: no key, no address, no value."""
        kinds = Counter(kind for item in self.items for kind in item.kinds)
        return {
            "handler": self.handler,
            "outcomes": dict(sorted(Counter(item.outcome.value for item in self.items).items())),
            "findings": dict(sorted(kinds.items())),
            "passed_over": dict(sorted(self.events.notes.items())),
            "damaged_records": len(self.events.damaged),
            **dict(sorted(self.counts.items())),
        }

    def response(self) -> dict[str, Any]:
        """Return what the event's sender is answered; raise `HandlingError` where it takes no answer by item."""
        answer = self.answer()
        if answer is None:
            raise self.error()
        return answer

    def answer(self) -> dict[str, Any] | None:
        """Return what `response` does, or None where it would raise.

        A queue is told which messages come again, as AWS Lambda reads it ("Reporting batch item failures"). An empty
        identifier there would bring back the whole batch, so a failure without a message raises.
        """
        failed = self.failed
        if self.events.queued and all(failed):
            return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
        return None if failed else self.summary()

    def error(self) -> HandlingError:
        """Return the error that stands for all that failed: their number and kinds, never a key."""
        failed = [item for item in self.items if item.outcome is ObjectOutcome.FAILED]
        kinds = sorted({kind for item in failed for kind in item.kinds} | {"record" for _ in self.events.damaged[:1]})
        number = len(failed) + len(self.events.damaged)
        what = "1 item of the event" if number == 1 else f"{number} items of the event"
        return HandlingError(
            f"{what} failed ({', '.join(kinds)}); all others were handled.",
            hint="Send the event again: what is done is not done twice.",
        )


def sort_arrivals(
    report: EventReport, sources: Sequence[str], own: Sequence[str], suffixes: tuple[str, ...], otherwise: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return by store and key the records that named it, each object once; what is not ours goes into the report.

    `sources` are the stores that objects are taken from, the most special first; none stands for every bucket.
    Objects with another suffix are ignored, and `otherwise` says so.
    """
    places: dict[tuple[str, str], dict[str, None]] = {}
    for one in report.events.arrivals:
        places.setdefault((one.bucket, one.key), {})[one.record] = None
    groups: dict[str, dict[str, tuple[str, ...]]] = {}
    for (bucket, key), records in places.items():
        source = next((url for url in (sources or (f"s3://{bucket}",)) if within(url, bucket, key) is not None), None)
        # what arrives in a store that is written to is never taken: one event would make the next, for ever
        made_here = any(within(url, bucket, key) is not None for url in own)
        if source is None or made_here or not key.lower().endswith(suffixes):
            why = "own-output" if made_here else "not-ours" if source is None else otherwise
            report.items.append(Handled(bucket, key, ObjectOutcome.IGNORED, (why,), tuple(records)))
        else:
            groups.setdefault(source, {})[within(source, bucket, key) or key] = tuple(records)
    return groups


def within(url: str, bucket: str, key: str) -> str | None:
    """Return a key as a store has it, without the prefix; None where the object is not in the store."""
    address = parse_address(url)
    if (address.kind, address.place) != ("s3", bucket):
        return None
    prefix = f"{address.prefix}/" if address.prefix else ""
    return key[len(prefix) :] if key.startswith(prefix) and len(key) > len(prefix) else None


def log(word: str, **fields: Any) -> None:
    """Write one line of JSON to stderr, Lambda's log: counts and kinds; keys only as `key_id`, never a value."""
    line = {"time": iso_text(time.time()), "event": word, **fields}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def key_id(key: str) -> str:
    """Return what stands for a key in the log: the first 16 characters of its SHA-256 in hex."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def log_items(items: Iterable[Handled]) -> None:
    """Log what a person must look at, object by object."""
    for item in items:
        if item.outcome in (ObjectOutcome.FAILED, ObjectOutcome.QUARANTINED):
            log(item.outcome.value, bucket=item.bucket, key_id=key_id(item.key), findings=list(item.kinds))
