"""What became of an event: item by item for its sender, in counts and kinds for the log."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bondstore.errors import BondstoreError, Exit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bondstore.aws.events import Events


class Outcome(StrEnum):
    """What became of an object that arrived."""

    DONE = "done"
    """Handled, now or before."""
    QUARANTINED = "quarantined"
    """Damaged: another try would not mend it. A person must look; the event is settled."""
    GONE = "gone"
    """Not there any more: nothing is left to do."""
    IGNORED = "ignored"
    """None of ours: of another bucket or folder, or no file of this kind."""
    FAILED = "failed"
    """To be tried again."""


class HandlingError(BondstoreError):
    """Items of an event failed; all others were handled."""

    exit_code = Exit.INCOMPLETE


@dataclass(frozen=True, slots=True)
class Handled:
    """One object, and what became of it.

    Parameters
    ----------
    bucket, key : str
        Which.
    outcome : Outcome
        What.
    kinds : tuple of str
        Kinds of findings, or the class of the error that it failed with.
    records : tuple of str
        The messages (or places in the event) that told of it.
    path : str
        The file that was made, in the destination; empty for none.
    """

    bucket: str
    key: str
    outcome: Outcome
    kinds: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    path: str = ""

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
class Report:
    """What became of an event.

    Attributes
    ----------
    handler : str
        ``profile`` or ``participants``.
    events : Events
        As it was read.
    items : list of Handled
        Each object once.
    counts : Counter of str
        What was done beyond: ``released``, ``mailed``, ``written`` …
    """

    handler: str
    events: Events
    items: list[Handled] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def failed(self) -> list[str]:
        """The messages or records that must come again, each once."""
        found = [one.record for one in self.events.damaged]
        found += [record for item in self.items if item.outcome is Outcome.FAILED for record in item.records]
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
        """Return what the event's sender is answered.

        Returns
        -------
        dict
            For a queue ``batchItemFailures`` alone, as AWS Lambda reads it; else the summary.

        Raises
        ------
        HandlingError
            Something failed, and the sender takes no answer by item: it is to send the event again.
        """
        answer = self.answer()
        if answer is None:
            raise self.error()
        return answer

    def answer(self) -> dict[str, Any] | None:
        """Return what `response` does, or None where it would raise."""
        failed = self.failed
        if self.events.queued and all(failed):
            return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}
        return None if failed else self.summary()

    def error(self) -> HandlingError:
        """Return the error that stands for all that failed: their number and kinds, never a key."""
        failed = [item for item in self.items if item.outcome is Outcome.FAILED]
        kinds = sorted({kind for item in failed for kind in item.kinds} | {"record" for _ in self.events.damaged[:1]})
        number = len(failed) + len(self.events.damaged)
        what = "1 item of the event" if number == 1 else f"{number} items of the event"
        return HandlingError(
            f"{what} failed ({', '.join(kinds)}); all others were handled.",
            hint="Send the event again: what is done is not done twice.",
        )


def log(word: str, **fields: Any) -> None:
    """Write one line of JSON to stderr, which Lambda takes as its log.

    Parameters
    ----------
    word : str
        What happened.
    **fields
        Counts, kinds and names of settings. Keys of objects only as `key_id`; never addresses or values.
    """
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "event": word, **fields}
    sys.stderr.write(json.dumps(line) + "\n")
    sys.stderr.flush()


def key_id(key: str) -> str:
    """Return what stands for a key in the log: the first 16 signs of its SHA-256 in hex."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def log_items(items: Iterable[Handled]) -> None:
    """Log what a person must look at, object by object."""
    for item in items:
        if item.outcome in (Outcome.FAILED, Outcome.QUARANTINED):
            log(item.outcome.value, bucket=item.bucket, key_id=key_id(item.key), findings=list(item.kinds))
