"""A queue served by a plain server: S3 of moto tells SQS of moto, and the watch does the work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest

from bondstore.aws import watching
from bondstore.aws.handlers import HANDLERS
from bondstore.aws.settings import load_settings
from bondstore.aws.watching import QueueWatch, pause, watch_queue, watch_store
from bondstore.errors import NothingThereError, UsageError
from tests.aws.conftest import Cloud
from tests.aws.samples import s3_event
from tests.homes import home
from tests.ocean_files import moana_csv
from tests.servers.moto import Moto

__all__ = ["home"]

PROFILE = HANDLERS["profile"]


@dataclass
class Queue:
    """A queue with one for what failed, and buckets that tell it of CSVs; all by plain clients."""

    moto: Moto
    url: str = ""
    raw: str = ""
    qc: str = ""
    sqs: Any = field(default=None)
    s3: Any = field(default=None)

    def make(self) -> Queue:
        tail = uuid.uuid4().hex[:8]
        self.sqs, self.s3 = self.moto.client("sqs"), self.moto.client("s3")
        self.url = self.sqs.create_queue(QueueName=f"profiles-{tail}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.raw, self.qc = f"raw-{tail}", f"qc-{tail}"
        for name in (self.raw, self.qc):
            self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": self.moto.region})
        rules = {"Key": {"FilterRules": [{"Name": "suffix", "Value": ".csv"}]}}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.raw,
            NotificationConfiguration={
                "QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"], "Filter": rules}]
            },
        )
        return self

    def waiting(self) -> int:
        """Messages in the queue, hidden ones among them."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def results(self) -> list[str]:
        """What was made; beside it lies the store's own record."""
        found = (one["Key"] for one in self.s3.list_objects_v2(Bucket=self.qc).get("Contents", []))
        return [key for key in found if not key.startswith(".bondstore/")]


@pytest.fixture
def queued(home: object, moto_environment: Moto, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Queue:
    made = Queue(moto_environment).make()
    monkeypatch.setenv("AWS_REGION", moto_environment.region)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_environment.endpoint)
    monkeypatch.setenv("BONDSTORE_DEST", f"s3://{made.qc}")
    monkeypatch.setenv("BONDSTORE_PLOTS", "no")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return made


def test_from_the_bucket_through_the_queue_to_the_file(queued: Queue) -> None:
    key = "in coming/MOANA_0012_1+ü_240501030000.csv"
    queued.s3.put_object(Bucket=queued.raw, Key=key, Body=moana_csv())
    queued.s3.put_object(Bucket=queued.raw, Key="notes.txt", Body=b"no event is sent for this")
    done = watch_queue(QueueWatch(queued.url, once=True))
    assert done.outcomes == {"done": 1}
    assert done.failed == 0
    assert sorted(one.rsplit(".", 1)[1] for one in queued.results()) == ["json", "nc"]
    assert queued.waiting() == 0


def test_what_fails_stays_in_the_queue_and_what_is_damaged_does_not(queued: Queue) -> None:
    queued.s3.put_object(Bucket=queued.raw, Key="damaged.csv", Body=b"nothing")
    queued.sqs.send_message(QueueUrl=queued.url, MessageBody=json.dumps(s3_event(f"{queued.raw}-none", "a.csv")))
    queued.sqs.send_message(QueueUrl=queued.url, MessageBody="no json")
    done = watch_queue(QueueWatch(queued.url, once=True))
    assert done.outcomes == {"quarantined": 1, "failed": 1}
    assert done.failed == 2
    assert queued.waiting() == 2
    assert watch_queue(QueueWatch(queued.url, once=True)).messages == 0, "hidden for a while"


def test_the_log_says_why_nothing_can_be_handled_and_which_message_is_none(
    queued: Queue, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A wrong destination, and a message that is no JSON: what a person needs in order to fix it, and no key."""
    monkeypatch.setenv("BONDSTORE_DEST", f"s3://{queued.qc}-none")
    queued.s3.put_object(Bucket=queued.raw, Key="in/MOANA_0012_1.csv", Body=moana_csv())
    queued.s3.put_object(Bucket=queued.raw, Key="in/MOANA_0013_1.csv", Body=moana_csv())
    poison = queued.sqs.send_message(QueueUrl=queued.url, MessageBody="no json")["MessageId"]
    done = watch_queue(QueueWatch(queued.url, once=True))
    assert (done.outcomes, done.failed) == ({"failed": 2}, 3)
    told = capfd.readouterr().err
    lines = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    (why,) = [one for one in lines if one["event"] == "not-handled"]
    assert f"{queued.qc}-none" in why["why"]
    assert why["hint"]
    assert why["objects"] == 2
    (damaged,) = [one for one in lines if one["event"] == "damaged-record"]
    assert (damaged["record"], damaged["why"]) == (poison, "the body of a message is no JSON")
    assert "MOANA" not in told


def test_messages_stay_hidden_while_work_goes_on(queued: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queued.s3.put_object(Bucket=queued.raw, Key="a.csv", Body=moana_csv())
    began, go_on = threading.Event(), threading.Event()
    real = watching.handle

    def slow(handler: str, event: Any) -> Any:
        began.set()
        assert go_on.wait(20)
        return real(handler, event)

    monkeypatch.setattr(watching, "handle", slow)
    thread = threading.Thread(target=watch_queue, args=(QueueWatch(queued.url, once=True, visibility=1),))
    thread.start()
    assert began.wait(20)
    until = time.monotonic() + 2.2  # twice as long as a message is hidden at once
    while time.monotonic() < until:
        assert not queued.sqs.receive_message(QueueUrl=queued.url, VisibilityTimeout=0).get("Messages")
        time.sleep(0.2)
    go_on.set()
    thread.join(20)
    assert queued.waiting() == 0


def test_stopped_in_the_middle_the_message_goes_back(queued: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queued.s3.put_object(Bucket=queued.raw, Key="a.csv", Body=moana_csv())

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(watching, "handle", stopped)
        with pytest.raises(KeyboardInterrupt):
            watch_queue(QueueWatch(queued.url, once=True))
    assert watch_queue(QueueWatch(queued.url, once=True)).outcomes == {"done": 1}, "at once, not after two minutes"


def test_a_queue_that_does_not_answer_is_asked_less_and_less(queued: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(watching, "pause", lambda tries, longest: float(tries))
    with pytest.raises(KeyboardInterrupt):
        watch_queue(QueueWatch(queued.url), sleep=sleep)
    assert waits == [1.0, 2.0, 3.0]


def test_pauses_are_bounded() -> None:
    assert all(pause(tries, 300.0) <= 300.0 for tries in (1, 5, 50, 5000))
    assert all(1.0 <= pause(1, 300.0) <= 2.0 for _ in range(20))


@pytest.mark.parametrize(
    "url", ["https://sqs.x.amazonaws.com/1/q", "http://u:p@h/123456789012/q", "ftp://h/1/q", "https://h"]
)
def test_what_is_no_queue_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        watch_queue(QueueWatch(url, once=True))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(queued: Queue, number: signal.Signals) -> None:
    queued.s3.put_object(Bucket=queued.raw, Key="a.csv", Body=moana_csv())
    words = [sys.executable, "-m", "bondstore", "watch", queued.url, "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ, text=True) as process:
        assert process.stderr is not None
        while "handled" not in (line := process.stderr.readline()):
            assert line, "it ended before it had done anything"
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "What was done is kept" in err
    assert "Traceback" not in err
    assert len(queued.results()) == 2


def test_a_store_without_notifications_is_looked_through(cloud: Cloud) -> None:
    cloud.subscribe()
    cloud.put("MOANA_0012_1_240501030000.csv")
    cloud.put("damaged.csv", b"nothing")
    url = f"s3://{cloud.raw}"
    assert watch_store(url, 60, PROFILE, once=True).outcomes == {"done": 1, "quarantined": 1}
    assert len(cloud.mails()) == 1
    made = cloud.listed(cloud.qc)
    assert watch_store(url, 60, PROFILE, once=True).outcomes == {}
    assert cloud.listed(cloud.qc) == made
    cloud.put("MOANA_0012_2_240501030000.csv", moana_csv(pressure=[5.0, 6.0], temperature=[11.0, 12.0]))
    cloud.patch.setenv("BONDSTORE_MAIL_FROM", "stranger@reef.example")
    owed = PROFILE.look(url, load_settings())
    assert [item.outcome.value for item in owed.items] == ["failed"], "tested, and still to be mailed"
    assert len(cloud.mails()) == 1


def test_what_is_owed_is_mailed_at_the_next_look(cloud: Cloud) -> None:
    cloud.subscribe()
    cloud.put("MOANA_0012_1_240501030000.csv")
    cloud.patch.setenv("BONDSTORE_MAIL_FROM", "stranger@reef.example")
    looks = 0

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        # the sender is verified between two looks
        cloud.moto.client("sesv2").create_email_identity(EmailIdentity="stranger@reef.example")
        if looks == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch_store(f"s3://{cloud.raw}", 60, PROFILE, sleep=sleep)
    assert len(cloud.mails()) == 1


def test_a_store_in_which_nothing_lies_yet_is_watched_on(cloud: Cloud) -> None:
    looks = 0

    def sleep(_: float) -> None:
        nonlocal looks
        looks += 1
        cloud.put("MOANA_0012_1_240501030000.csv")
        if looks == 2:
            raise KeyboardInterrupt

    url = f"s3://{cloud.raw}"
    with pytest.raises(NothingThereError):
        watch_store(url, 60, PROFILE, once=True)
    with pytest.raises(KeyboardInterrupt):
        watch_store(url, 60, PROFILE, sleep=sleep)
    assert cloud.listed(cloud.qc)
