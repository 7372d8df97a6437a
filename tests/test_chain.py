"""The whole chain on real servers: from a CSV in the private bucket to the mail with the plot in a reader's hand.

S3 is SeaweedFS, with a private and a public bucket; the queue is moto's SQS, as S3 would fill it. Mail and tables are
moto's SES and DynamoDB, and once more a mail server and PostgreSQL.
"""

from __future__ import annotations

import base64
import csv
import email
import email.policy
import hashlib
import io
import json
import re
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import netCDF4
import pytest
from PIL import Image

from tests.aws.samples import TEST_EVENT, s3_event
from tests.cli.conftest import Call, cli
from tests.homes import home
from tests.ocean_files import moana_csv, moana_fleet
from tests.servers.moto import Moto
from tests.servers.postgresql import PostgreSQL
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.smtp import MailBox

__all__ = ["cli", "home"]

READER, SENDER = "reader@reef.example", "data@reef.example"
FLEET = moana_fleet(3, levels=40, seed=11)
BAD = "MOANA_0010_9_240502000000.csv"
DEPLOYMENTS = "Serial number,Date supplied,Date returned,Vessel,Gear class\n" + "".join(
    f"{serial},01/01/2020,,V-{serial},mobile\n" for serial in range(10, 20)
)
PEOPLE = (
    "\ufeffCompany name,ABN,Vessel name,Vessel number,Port,Port state/territory,Contact name,Contact number\r\n"
    "Sea Co,012345,Aurora,VN 1,Eden,NSW,A Person,0400111222\r\n"
    "Sea Co,012345,Boreas,VN 2,Bega,NSW,B Person,0400333444\r\n"
)


@dataclass
class Chain:
    """All of it, as somebody would have set it up."""

    cli: Call
    s3: Any
    sqs: Any
    private: str
    public: str
    endpoint: str
    moto: Moto
    box: MailBox | None
    queue: str = ""
    sent: int = 0
    before: dict[str, str] = field(default_factory=dict)

    def drop(self, files: dict[str, bytes], prefix: str = "raw/") -> None:
        """Put files into the private bucket; the queue hears of it, as S3 tells it."""
        for name, data in files.items():
            self.s3.put_object(Bucket=self.private, Key=prefix + name, Body=data)
        self.tell(*(prefix + name for name in files))

    def tell(self, *keys: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(s3_event(self.private, *keys)))

    def watch(self, handler: str = "profile") -> dict[str, Any]:
        done = self.cli("watch", self.queue, "--handler", handler, "--once", "--json")
        assert done.code == 0, done.err + done.out
        left = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["All"])["Attributes"]
        assert (left["ApproximateNumberOfMessages"], left["ApproximateNumberOfMessagesNotVisible"]) == ("0", "0")
        record: dict[str, Any] = done.records[-1]
        return record

    def stored(self) -> dict[str, str]:
        """Every object of both buckets with what changes when it is written again."""
        found = {}
        for bucket in (self.private, self.public):
            for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                for one in page.get("Contents", []):
                    found[f"{bucket}/{one['Key']}"] = f"{one['ETag']} {one['LastModified']}"
        return found

    def stranger(self, key: str) -> bytes:
        """Read the public bucket as anybody can."""
        with urllib.request.urlopen(f"{self.endpoint}/{self.public}/{key}", timeout=10) as answer:
            content: bytes = answer.read()
        return content

    def mails(self) -> list[EmailMessage]:
        if self.box is not None:
            return [one.message for one in self.box.mails]
        with urllib.request.urlopen(f"{self.moto.endpoint}/moto-api/data.json", timeout=10) as answer:
            data = json.load(answer)
        raw = [one["raw_data"] for name in ("ses", "sesv2") for one in data.get(name, {}).get("RawMessage", [])]
        return [email.message_from_bytes(_bytes(one), policy=email.policy.default) for one in raw]  # type: ignore[misc]


def _bytes(raw: str) -> bytes:
    try:
        return base64.b64decode(raw, validate=True)
    except ValueError:
        return raw.encode()


def _public(s3: Any, bucket: str) -> None:
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": ["s3:GetObject"],
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            }
        ],
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


@pytest.fixture(params=["ses and dynamodb", "smtp and postgresql"])
def chain(
    request: pytest.FixtureRequest,
    cli: Call,
    s3_environment: str,
    seaweedfs: SeaweedFS,
    moto_environment: Moto,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Chain]:
    s3, private = seaweedfs.client(), s3_environment.removeprefix("s3://")
    public = seaweedfs.create_bucket(f"p-{uuid.uuid4().hex[:12]}")
    _public(s3, public)
    by_mail = request.param.startswith("smtp")
    with MailBox() if by_mail else nullcontext() as box:
        made = Chain(
            cli, s3, moto_environment.client("sqs"), private, public, seaweedfs.endpoint, moto_environment, box
        )
        made.queue = made.sqs.create_queue(QueueName="profiles")["QueueUrl"]
        if by_mail:
            server: PostgreSQL = request.getfixturevalue("postgresql")
            database, transport = server.create_database(), box.url  # type: ignore[union-attr]
        else:
            moto_environment.client("sesv2").create_email_identity(EmailIdentity=SENDER)
            database, transport = "dynamodb://", f"ses://{moto_environment.region}"
        s3.put_object(Bucket=private, Key="meta/deployments.csv", Body=DEPLOYMENTS.encode())
        for name, value in {
            "SOURCE": f"s3://{private}/raw",
            "DEST": f"s3://{private}/qc",
            "PUBLIC": f"s3://{public}",
            "METADATA": f"s3://{private}/meta/deployments.csv",
            "TRANSPORT": transport,
            "MAIL_FROM": SENDER,
            "MAIL_SECRET": "env:CHAIN_SECRET",
            "UNSUBSCRIBE_URL": "https://reef.example/leave/{token}",
            "DATABASE": database,
            "PARTICIPANTS": f"s3://{private}/people/list.csv",
            "KEY_COLUMNS": "Vessel number",
        }.items():
            monkeypatch.setenv(f"BONDSTORE_{name}", value)
        settings = tmp_path / "notify.toml"
        settings.write_text('unsubscribe_url = "https://reef.example/leave/{token}"\nrate = 1000.0\n')
        monkeypatch.setenv("BONDSTORE_NOTIFY", str(settings))
        monkeypatch.setenv("AWS_REGION", moto_environment.region)  # the queue's; SeaweedFS takes any
        monkeypatch.setenv("CHAIN_SECRET", "canary-secret-of-the-chain-0123456789")
        said = ("--database", database, "--secret", "env:CHAIN_SECRET")
        post = ("--transport", transport, "--from", SENDER, *said)
        asked = cli("notify", "subscribe", READER, *post, "--json")
        assert asked.code == 0, asked.err
        [question] = made.mails()
        token = re.search(r"\s([\w-]{60,})\s", question.get_body(("plain",)).get_content())  # type: ignore[union-attr]
        assert token is not None
        assert cli("notify", "confirm", token[1], *said).code == 0
        made.sent = 1
        yield made


def test_from_the_bucket_to_the_reader(chain: Chain) -> None:
    chain.sqs.send_message(QueueUrl=chain.queue, MessageBody=json.dumps(TEST_EVENT))
    hot = moana_csv(serial="10", pressure=[1, 5, 9], temperature=[20, 55, 19], lat=-41.0, lon=178.5)
    chain.drop({**FLEET, BAD: hot, "broken.csv": b"no profile"})
    chain.watch()
    _check_public(chain)
    _check_mail(chain)
    before = chain.stored()
    chain.tell(*(f"raw/{name}" for name in (*FLEET, BAD, "broken.csv")))
    chain.tell(*(f"raw/{name}" for name in FLEET))
    chain.watch()
    assert chain.stored() == before, "the same event twice changes nothing"
    assert len(chain.mails()) == chain.sent


def _check_public(chain: Chain) -> None:
    """What a stranger reads: the good ones, with index and hashes, and nothing of what failed."""
    rows = list(csv.DictReader(io.StringIO(chain.stranger("index.csv").decode())))
    assert {row["source_key"].rpartition("/")[2] for row in rows} == set(FLEET)
    for row in rows:
        data = chain.stranger(row["path"])
        assert hashlib.sha256(data).hexdigest() == row["sha256"]
        with netCDF4.Dataset("file", memory=data) as file:
            assert file["TEMP"].shape == (40,)
            assert set(file["TEMP_quality_control"][:].tolist()) <= {1, 2}
            assert file.featureType == "profile"
    there = [key for key in chain.stored() if key.startswith(chain.public)]
    assert not any(BAD.removesuffix(".csv") in key or "broken" in key for key in there)
    assert b"<table" in chain.stranger("index.html")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{chain.endpoint}/{chain.private}/raw/{BAD}", timeout=10)


def _check_mail(chain: Chain) -> None:
    """One message, to the reader alone, with the plots to be opened and a way out."""
    mails = chain.mails()
    assert len(mails) == chain.sent + 1
    mail, chain.sent = mails[-1], len(mails)
    assert mail["To"] == READER
    assert mail["List-Unsubscribe"].startswith("<https://reef.example/leave/")
    plots = {
        hashlib.sha256(part.get_content()).hexdigest(): part.get_content()
        for part in mail.walk()
        if part.get_content_type() == "image/png"
    }
    stored = {}
    for key in chain.stored():
        bucket, _, name = key.partition("/")
        if bucket == chain.private and name.endswith(".png"):
            data = chain.s3.get_object(Bucket=bucket, Key=name)["Body"].read()
            stored[hashlib.sha256(data).hexdigest()] = name
    assert len(stored) == len(FLEET) + 1
    assert set(plots) == set(stored)
    for data in plots.values():
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            assert min(picture.size) > 300
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert html.count("cid:") == len(plots)
    assert all(name.removesuffix(".csv") in html for name in FLEET)


def test_participants_follow_their_list(chain: Chain) -> None:
    chain.drop({"list.csv": PEOPLE.encode()}, "people/")
    chain.watch("participants")
    database = ("--database", _setting("DATABASE"), "--table", "participant-information", "--reveal", "--json")
    rows = {
        row["fields"]["Vessel number"]: row["fields"] | {"user_id": row["user_id"]}
        for row in chain.cli("participants", "list", *database).records
    }
    assert {number: row["Contact number"] for number, row in rows.items()} == {
        "VN 1": "0400111222",
        "VN 2": "0400333444",
    }
    first, second, third = PEOPLE.splitlines()
    changed = "\r\n".join([first, third, second.replace("Eden", "Ulladulla"), ""])
    chain.drop({"list.csv": changed.encode()}, "people/")
    chain.tell("people/list.csv")
    chain.watch("participants")
    after = {
        row["fields"]["Vessel number"]: row["fields"] | {"user_id": row["user_id"]}
        for row in chain.cli("participants", "list", *database).records
    }
    assert {number: row["user_id"] for number, row in after.items()} == {
        number: row["user_id"] for number, row in rows.items()
    }
    assert {number: row["Port"] for number, row in after.items()} == {"VN 1": "Ulladulla", "VN 2": "Bega"}
    history = chain.cli("participants", "history", "VN 1", *database).records
    assert [one["action"] for one in history] == ["new", "changed"]


def _setting(name: str) -> str:
    import os

    return os.environ[f"BONDSTORE_{name}"]
