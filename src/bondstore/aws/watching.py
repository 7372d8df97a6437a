"""A queue of events served by a plain server: a message is deleted only once its work is done."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.aws.handlers import handle
from bondstore.aws.report import log
from bondstore.databases.awsclients import aws_client, failures, understand
from bondstore.errors import ConfigurationError, TransientStoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.aws.report import Report

_URL = re.compile(r"https?://[^/\s?#@]+/\d{12}/[A-Za-z0-9_-]{1,80}(\.fifo)?", re.ASCII)
_REGION = re.compile(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com", re.ASCII)


@dataclass(frozen=True, slots=True)
class Watch:
    """How a queue is watched.

    Parameters
    ----------
    queue : str
        Its URL.
    handler : {"profile", "participants"}
        Who handles the events.
    once : bool
        End when the queue gives nothing more.
    wait : int
        Seconds that one call waits for messages, at most 20.
    visibility : int
        Seconds that a message is hidden from others; extended at half of it while work goes on.
    longest_pause : float
        Seconds between tries at most, where the queue does not answer or messages fail.
    """

    queue: str
    handler: str = "profile"
    once: bool = False
    wait: int = 20
    visibility: int = 120
    longest_pause: float = 300.0


@dataclass(slots=True)
class Watched:
    """What a watch did.

    Attributes
    ----------
    messages, failed : int
        Messages that were taken up, and how many of them went back.
    outcomes : dict of str to int
        Objects by outcome.
    """

    messages: int = 0
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, report: Report, messages: int) -> None:
        """Count one batch."""
        self.messages += messages
        self.failed += len(report.failed)
        for item in report.items:
            self.outcomes[item.outcome.value] = self.outcomes.get(item.outcome.value, 0) + 1

    def record(self) -> dict[str, Any]:
        """Return the fields for output."""
        return {
            "kind": "watched",
            "messages": self.messages,
            "failed": self.failed,
            **dict(sorted(self.outcomes.items())),
        }


def watch_queue(watch: Watch, *, sleep: Callable[[float], None] = time.sleep) -> Watched:
    """Serve a queue until it is stopped, or empty where once is asked for.

    Parameters
    ----------
    watch : Watch
        Which, and how.
    sleep : callable
        Waits for seconds.

    Raises
    ------
    UsageError
        The queue's URL is none.
    KeyboardInterrupt
        On Ctrl-C (or SIGTERM, where the caller made that the same): messages in work were given back.
    ConfigurationError
        The settings do not hold, or the queue refuses.
    """
    client = _client(watch.queue)
    done, misses = Watched(), 0
    while True:
        try:
            messages = _receive(client, watch)
        except TransientStoreError as error:
            misses += 1
            log("queue-silent", error=type(error).__name__, tries=misses)
            sleep(pause(misses, watch.longest_pause))
            continue
        misses = 0
        if messages:
            _serve(client, watch, messages, done)
        elif watch.once:
            return done


def pause(tries: int, longest: float) -> float:
    """Return how many seconds to wait after some failed tries: twice as long each time, bounded, a bit by chance."""
    return min(longest, 2.0 ** min(tries, 30)) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def event_of(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return messages of a queue in the form in which Lambda would be given them."""
    return {
        "Records": [
            {"eventSource": "aws:sqs", "messageId": one["MessageId"], "body": one.get("Body", "")} for one in messages
        ]
    }


def _client(queue: str) -> Any:
    if not _URL.fullmatch(queue):
        raise UsageError("That is no URL of a queue.", hint="Write https://sqs.REGION.amazonaws.com/123456789012/NAME.")
    found = _REGION.match(queue)
    return aws_client("sqs", region=(found.group(1) or found.group(2)) if found else None)


def _receive(client: Any, watch: Watch) -> list[dict[str, Any]]:
    try:
        answer = client.receive_message(
            QueueUrl=watch.queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0 if watch.once else watch.wait,
            VisibilityTimeout=watch.visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
    except failures() as error:
        understood = understand(error, "the queue")
        if understood.exit_code == ConfigurationError.exit_code and type(understood).__name__ == "UnreachableError":
            raise TransientStoreError(understood.message) from None  # it may be back in a minute
        raise understood from None
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _serve(client: Any, watch: Watch, messages: Sequence[Mapping[str, Any]], done: Watched) -> None:
    """Handle a batch; delete what is done, hide for a while what failed, give all back when stopped."""
    try:
        with _kept_hidden(client, watch, messages):
            report = handle(watch.handler, event_of(messages))
    except BaseException:
        _hide(client, watch.queue, messages, [0] * len(messages))
        raise
    back = set(report.failed)
    settled = [one for one in messages if one["MessageId"] not in back]
    returned = [one for one in messages if one["MessageId"] in back]
    done.add(report, len(messages))
    _delete(client, watch.queue, settled)
    _hide(client, watch.queue, returned, [int(pause(_tries(one) + 2, watch.longest_pause)) for one in returned])


def _tries(message: Mapping[str, Any]) -> int:
    return int(message.get("Attributes", {}).get("ApproximateReceiveCount", 1))


@contextmanager
def _kept_hidden(client: Any, watch: Watch, messages: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """Extend the time that messages are hidden from others, for as long as they are worked on."""
    ended = threading.Event()

    def extend() -> None:
        while not ended.wait(watch.visibility / 2):
            _hide(client, watch.queue, messages, [watch.visibility] * len(messages))

    thread = threading.Thread(target=extend, name="visibility", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _hide(client: Any, queue: str, messages: Sequence[Mapping[str, Any]], seconds: Sequence[int]) -> None:
    """Set for how long messages stay hidden; where that fails they come back by themselves."""
    entries = [
        {"Id": str(n), "ReceiptHandle": one["ReceiptHandle"], "VisibilityTimeout": for_}
        for n, (one, for_) in enumerate(zip(messages, seconds, strict=True))
    ]
    if not entries:
        return
    try:
        client.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    except failures() as error:
        log("queue-silent", error=type(understand(error, "the queue")).__name__)


def _delete(client: Any, queue: str, messages: Sequence[Mapping[str, Any]]) -> None:
    """Delete messages; one that could not be deleted comes again, and changes nothing then."""
    entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
    if not entries:
        return
    try:
        answer = client.delete_message_batch(QueueUrl=queue, Entries=entries)
    except failures() as error:
        log("not-deleted", messages=len(entries), error=type(understand(error, "the queue")).__name__)
        return
    if answer.get("Failed"):
        log("not-deleted", messages=len(answer["Failed"]))
