from __future__ import annotations

import json
import urllib.request
import uuid
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from bondstore.config.secrets import Secret
from bondstore.databases import open_table
from bondstore.notify import subscriptions
from bondstore.notify.subscriptions import Subscribers
from tests.homes import home
from tests.ocean_files import moana_csv
from tests.servers.moto import Moto
from tests.servers.seaweedfs import SeaweedFS

__all__ = ["home"]

SECRET = "a-secret-of-the-tests-0123456789"
READER = "reader@reef.example"


@dataclass(frozen=True)
class Cloud:
    """Buckets of one project, seen by a plain S3 client; tables and mail by plain clients of moto."""

    s3: Any
    raw: str
    qc: str
    public: str
    moto: Moto
    patch: pytest.MonkeyPatch
    root: Path

    def put(self, key: str, data: bytes | None = None) -> None:
        self.s3.put_object(Bucket=self.raw, Key=key, Body=moana_csv() if data is None else data)

    def listed(self, bucket: str) -> dict[str, tuple[str, Any]]:
        """Etag and time of each object but the store's own record: a put of the same bytes shows in the time."""
        found = self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return {
            one["Key"]: (one["ETag"], one["LastModified"]) for one in found if not one["Key"].startswith(".bondstore/")
        }

    def forget_state(self) -> None:
        """A new machine: nothing is left of what the handlers kept in files."""
        self.patch.setenv("XDG_STATE_HOME", str(self.root / f"state-{uuid.uuid4().hex[:6]}"))

    def mails(self) -> list[EmailMessage]:
        with urllib.request.urlopen(f"{self.moto.endpoint}/moto-api/data.json", timeout=30) as answer:
            data = json.load(answer)
        raw = [one["raw_data"] for one in data.get("ses", {}).get("RawMessage", []) if isinstance(one, dict)]
        made = [message_from_string(one, policy=policy.default) for one in raw]
        return [one for one in made if isinstance(one, EmailMessage)]

    def subscribe(self, address: str = READER) -> None:
        """Mail on, and somebody who wishes it."""
        self.moto.client("sesv2").create_email_identity(EmailIdentity="data@reef.example")
        people = Subscribers(
            open_table("dynamodb://ap-southeast-2", subscriptions.TABLE, key=subscriptions.KEY), Secret(SECRET)
        )
        people.create()
        asked = people.subscribe(address, now=1.75e9)
        assert asked.token is not None
        people.confirm(asked.token, now=1.75e9)
        for name, value in {
            "TRANSPORT": "ses://ap-southeast-2",
            "MAIL_FROM": "data@reef.example",
            "UNSUBSCRIBE_MAIL": "leave@reef.example",
            "MAIL_SECRET": "env:A_TEST_SECRET",
            "DATABASE": "dynamodb://ap-southeast-2",
        }.items():
            self.patch.setenv(f"BONDSTORE_{name}", value)
        self.patch.setenv("A_TEST_SECRET", SECRET)


@pytest.fixture
def cloud(
    home: object, s3_environment: str, seaweedfs: SeaweedFS, moto_environment: Moto, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Cloud:  # fmt: skip
    """Private and public buckets on a real S3 server, moto for the rest, and the handlers' variables."""
    tail = uuid.uuid4().hex[:10]
    raw, qc, public = (seaweedfs.create_bucket(f"{name}-{tail}") for name in ("raw", "qc", "public"))
    made = Cloud(seaweedfs.client(), raw, qc, public, moto_environment, monkeypatch, tmp_path)
    monkeypatch.setenv("BONDSTORE_DEST", f"s3://{qc}")
    monkeypatch.setenv("BONDSTORE_PLOTS", "no")
    made.forget_state()
    return made
