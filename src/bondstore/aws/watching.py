"""Handlers on a plain server: a queue of events is served, or a store without notifications looked through."""

from __future__ import annotations

import dataclasses
import random
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.aws.handlers import Handler, handle, handler_named
from bondstore.aws.report import ObjectOutcome, log
from bondstore.aws.settings import load_settings, prepare_lambda
from bondstore.awsclients import aws_client, failures, understand
from bondstore.config.profiles import check_named
from bondstore.errors import (
    ConfigurationError,
    Interrupted,
    NothingThereError,
    StoreError,
    TransientStoreError,
    UnreachableError,
    UsageError,
)

if TYPE_CHECKING:
    from bondstore.aws.report import EventReport, Handled

_URL = re.compile(r"https?://[^/\s?#@]+/\d{12}/[A-Za-z0-9_-]{1,80}(\.fifo)?", re.ASCII)
_REGION = re.compile(r"https://(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com", re.ASCII)
_LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True)
class QueueWatch:
    """How a queue is watched; times in seconds."""

    queue: str
    """Its URL."""
    handler: str = "profile"
    once: bool = False
    """End when the queue gives nothing more."""
    wait: int = 20
    """How long one call waits for messages, at most 20."""
    visibility: int = 120
    """How long a message is hidden from others; extended at half of it while work goes on."""
    longest_pause: float = _LONGEST_PAUSE
    """Between tries, where the queue does not answer or messages fail."""


@dataclass(slots=True)
class Watched:
    """What a watch did: messages taken up, how many of them went back, and objects by outcome."""

    messages: int = 0
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def add(self, report: EventReport, messages: int) -> None:
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


def watch(place: str, name: str = "profile", *, every: float | None = None, once: bool = False) -> Watched:
    """Watch a queue, or a store every so many seconds, until stopped; SIGTERM is taken as Ctrl-C.

    `Interrupted` means that it was stopped, and what was done is kept.
    """
    handler = handler_named(name)
    check_named(place)
    queue = place.startswith(("http://", "https://"))
    if queue and every is not None:
        raise UsageError(
            "A queue is not looked at from time to time: it waits for messages.", hint="Leave out --every."
        )
    with _terminated_as_interrupted():
        try:
            if queue:
                return watch_queue(QueueWatch(place, name, once=once))
            return watch_store(place, every or 60.0, handler, once=once)
        except KeyboardInterrupt:
            raise Interrupted(
                "Stopped. What was done is kept; messages in work went back.", hint="Run the same command to go on."
            ) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Let SIGTERM raise what Ctrl-C raises; only the main thread may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def watch_store(
    url: str, every: float, handler: Handler, *, once: bool = False, sleep: Callable[[float], None] = time.sleep
) -> Watched:
    """Look through a store again and again, every so many seconds; one that does not answer is asked again later.

    Ctrl-C raises `KeyboardInterrupt` between two looks, and `Interrupted` within one.
    """
    prepare_lambda()
    settings, done = load_settings(), Watched()
    owed: list[Handled] = []
    misses = 0
    while True:
        try:
            report = handler.look(url, settings, owed)
        except (StoreError, UnreachableError) as error:
            if once:
                raise
            misses += 1
            log("store-silent", error=type(error).__name__, tries=misses)
            sleep(max(every, pause(misses, _LONGEST_PAUSE)))
            continue
        except NothingThereError:
            if once:
                raise
            log("nothing-there")  # yet: that is what it watches for
            sleep(every)
            continue
        misses = 0
        failed = [one for one in report.items if one.outcome is ObjectOutcome.FAILED]
        # nobody sends an event again here: what could not be released or mailed yet is kept for the next look
        owed = [dataclasses.replace(one, outcome=ObjectOutcome.DONE) for one in failed if one.path]
        done.add(report, 0)
        if once:
            done.failed = len(failed)
            return done
        sleep(every)


def watch_queue(watch: QueueWatch, *, sleep: Callable[[float], None] = time.sleep) -> Watched:
    """Serve a queue until it is stopped, or empty where once is asked for.

    Ctrl-C raises `KeyboardInterrupt`, after messages in work were given back.
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


def _receive(client: Any, watch: QueueWatch) -> list[dict[str, Any]]:
    try:
        answer = client.receive_message(
            QueueUrl=watch.queue,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0 if watch.once else watch.wait,
            VisibilityTimeout=watch.visibility,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
    except failures() as error:
        understood = understand(error, f"queue {watch.queue.rpartition('/')[2]}")
        if understood.exit_code == ConfigurationError.exit_code and type(understood).__name__ == "UnreachableError":
            raise TransientStoreError(understood.message) from None  # it may be back in a minute
        raise understood from None
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _serve(client: Any, watch: QueueWatch, messages: Sequence[Mapping[str, Any]], done: Watched) -> None:
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
def _kept_hidden(client: Any, watch: QueueWatch, messages: Sequence[Mapping[str, Any]]) -> Iterator[None]:
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
