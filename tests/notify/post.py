"""News, tables and settings for the tests of mail."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from PIL import Image

from bondstore.config.secrets import Secret
from bondstore.databases import Table, open_table
from bondstore.notify import Clock, MailSettings, News, Notified, SendOptions, notify
from bondstore.notify import deliveries as d
from bondstore.notify import subscriptions as s
from bondstore.notify.subscriptions import Subscribers
from bondstore.notify.transport import Transport

SECRET = Secret("a-secret-of-the-tests-0123456789")
SETTINGS = MailSettings(
    sender="Reef Data <data@reef.example>",
    title="Reef profiles",
    unsubscribe_url="https://reef.example/leave/{token}",
    unsubscribe_mail="leave@reef.example",
    link="https://public.example/data",
    rate=1e6,
)
START = 1_750_000_000.0


def plot(colour: int, size: int = 40) -> bytes:
    """A PNG whose pixels tell which it is."""
    out = io.BytesIO()
    Image.new("RGB", (size, size), (colour, 255 - colour, 90)).save(out, "PNG")
    return out.getvalue()


PLOTS = {f"plots/{number}.png": plot(number) for number in range(6)}


def news(number: int, **changes: Any) -> News:
    made: dict[str, Any] = {
        "file": f"2024/05/p{number}_qc.nc",
        "sha256": f"{number:064x}",
        "grade": "suspect",
        "levels": {"TEMP": {"good": 98, "suspect": 2}, "PRES": {"good": 100}},
        "title": f"Profile {number}",
        "platform": f"00{number}",
        "first": f"2024-05-0{number + 1}T00:00:00Z",
        "last": f"2024-05-0{number + 1}T01:00:00Z",
        "bounds": (173.1, -41.5, 173.1, -41.5),
        "failing": (("spike/TEMP", 2),),
        "plots": (f"plots/{number}.png",),
    }
    return News(**(made | changes))


@dataclass
class Time:
    """A clock that only goes when somebody waits or says so."""

    at: float = START
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    @property
    def clock(self) -> Clock:
        return Clock(lambda: self.at, self.sleep)


@dataclass
class Office:
    """Two tables and a clock."""

    database: str
    time: Time = field(default_factory=Time)

    @property
    def subscribers(self) -> Table:
        return open_table(self.database, s.TABLE, key=s.KEY)

    @property
    def deliveries(self) -> Table:
        return open_table(self.database, d.TABLE, key=d.KEY)

    @property
    def people(self) -> Subscribers:
        made = Subscribers(self.subscribers, SECRET)
        made.create()
        return made

    def join(self, address: str, *topics: str) -> str:
        """Subscribe and confirm; returns the key."""
        token = self.people.subscribe(address, topics, now=self.time.at).token
        assert token is not None
        return self.people.confirm(token, now=self.time.at).key

    def send(
        self,
        transport: Transport,
        some: Sequence[News],
        *,
        settings: MailSettings = SETTINGS,
        plots: Callable[[str], bytes | None] = PLOTS.get,
        **wanted: Any,
    ) -> Notified:
        return notify(
            some, plots, self.subscribers, self.deliveries, transport, settings=settings, secret=SECRET,
            options=SendOptions(**wanted), clock=self.time.clock,
        )  # fmt: skip


def office(folder: Path) -> Office:
    return Office(f"sqlite:///{folder}/notify.sqlite")


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def token_of(message: EmailMessage) -> str:
    found = re.search(r"[A-Za-z0-9_-]{88}", text_of(message).replace("=\n", ""))
    assert found is not None
    return found.group()


def attached(message: EmailMessage) -> list[bytes]:
    return [part.get_content() for part in message.iter_attachments()]


def inline(message: EmailMessage) -> dict[str, bytes]:
    return {
        part["Content-ID"].strip("<>"): part.get_content()
        for part in message.walk()
        if part["Content-ID"] and part.get_content_type() == "image/png"
    }
