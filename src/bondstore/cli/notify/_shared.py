"""What the commands about mail share: where subscribers are, how mail leaves."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options
from bondstore.cli.from_model import Bundle
from bondstore.config.secrets import SecretRef
from bondstore.text import iso_text

if TYPE_CHECKING:
    from bondstore.notify.deliveries import Delivery
    from bondstore.notify.open import Mail
    from bondstore.notify.subscriptions import Subscriber


@dataclass(frozen=True, slots=True)
class MailOptions(Bundle):
    """Where subscribers are, and how mail leaves; what is said here stands above the settings file."""

    settings: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            help="Who sends, how, and how people unsubscribe. Else the file that BONDSTORE_NOTIFY names.",
        ),
    ] = None
    transport: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="smtp://HOST:587 (STARTTLS), smtps://HOST:465 or ses://REGION; user and password stand in the "
            "settings.",
        ),
    ] = None
    sender: Annotated[
        str | None, typer.Option("--from", metavar="ADDRESS", help="The sender: ADDRESS or 'NAME <ADDRESS>'.")
    ] = None
    secret: Annotated[
        SecretRef | None,
        typer.Option(
            metavar="REF",
            parser=options.secret_reference,
            help="Where the secret for tokens is kept: env:NAME, file:/path (mode 0600), keyring:service/name or "
            "prompt: . Else env:BONDSTORE_NOTIFY_SECRET.",
        ),
    ] = None
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where subscribers and deliveries are kept: dynamodb://REGION, postgresql://USER@HOST/NAME or "
            "sqlite:///FILE. Else a SQLite file of your own.",
        ),
    ] = None
    profile: options.Profile = None

    def open(self, rate: float | None = None) -> Mail:
        """Read the settings."""
        from bondstore.notify.open import open_mail

        said = {name: getattr(self, name) for name in ("transport", "sender", "secret", "database")}
        return open_mail(self.settings, self.profile, **said, rate=rate)


def given(word: str) -> str:
    """Return what was said, or read a line for ``-``: what stands on a command line, others on the machine can see."""
    return sys.stdin.readline().strip() if word == "-" else word


def subscriber_record(one: Subscriber, *, reveal: bool = False) -> dict[str, Any]:
    """Return a subscriber as a record, covered unless told otherwise."""
    return {
        "kind": "subscriber",
        "subscriber": one.key[:12],
        "state": one.state,
        "address": one.address if reveal else one.masked,
        "topics": list(one.topics or one.asked),
        "since": iso_text(one.since) if one.since else None,
    }


def delivery_record(one: Delivery) -> dict[str, Any]:
    """Return a message as a record."""
    return {
        "kind": "delivery",
        "at": iso_text(one.at) if one.at else None,
        "recipient": one.recipient[:12],
        "state": one.state,
        "attempts": one.attempts,
        "doubts": one.doubts,
        "due": iso_text(one.due) if one.due > 1 else None,
        "code": one.code,
        "receipt": one.receipt,
        "message": one.id,
    }
