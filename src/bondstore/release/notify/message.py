"""Messages as bytes: text and HTML side by side, plots inside and attached; the same content gives the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, Policy
from email.utils import format_datetime

from bondstore.release.notify.news import News
from bondstore.release.notify.pictures import Picture, Pictures
from bondstore.release.notify.settings import Settings
from bondstore.release.notify.wording import Letter, Shown, html, subject, text

_ENCODED = 1.38
"""Bytes of base64 with its line ends for a byte of a plot."""
_SLACK = 16_384


class _Ways(BaseHeader):
    """``List-Unsubscribe``: one address a line, as it is. Python would encode long ones as text, and no button work."""

    max_count = 1
    parse = UnstructuredHeader.parse
    value_parser = UnstructuredHeader.value_parser

    def fold(self, *, policy: Policy) -> str:
        return f"List-Unsubscribe: {str(self).replace(', ', f',{policy.linesep} ')}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("list-unsubscribe", _Ways)
_POLICY = SMTP.clone(header_factory=_HEADERS)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who gets a message, and when.

    Parameters
    ----------
    id : str
        The message's name.
    address : str
        The recipient. Not in the repr.
    token : str
        What ends the subscription. Not in the repr.
    made : int
        Its date, seconds since 1970.
    """

    id: str
    address: str = field(repr=False)
    token: str = field(repr=False)
    made: int


def news_message(
    settings: Settings, envelope: Envelope, news: Sequence[News], pictures: Pictures, limit: int
) -> EmailMessage:
    """Put a message about news together.

    Parameters
    ----------
    settings : Settings
        Checked.
    envelope : Envelope
        Who gets it.
    news : sequence of News
        What it is about, oldest first; the newest are told in full.
    pictures : Pictures
        Reads plots.
    limit : int
        Bytes it may have. Over it, plots are no longer attached; then they become links.

    Returns
    -------
    EmailMessage
    """
    newest = list(news[-settings.shown :][::-1])
    more = len(news) - len(newest)
    unsubscribe = settings.unsubscribe_link(envelope.token) or settings.unsubscribe_mailto(envelope.token)
    found = {key: pictures.get(key) for one in newest for key in one.plots}
    for inline, attached in ((True, True), (True, False), (False, False)):
        plots = sum(len(one.data) for one in found.values() if one) * _ENCODED
        if inline and plots * (1 + attached) + _SLACK > limit:
            continue
        parts = [_shown(settings, one, found, inline=inline) for one in newest]
        dropped = not attached and any(picture.data for picture in found.values() if picture)
        letter = Letter(parts, more, dropped and not inline, unsubscribe)
        made = _compose(settings, envelope, subject(settings, news), letter, attached=attached)
        if len(made.as_bytes(policy=SMTP)) <= limit:
            return made
    # so many words that even they are too many: they are only counted
    letter = Letter([], len(news), dropped=True, unsubscribe=unsubscribe)
    return _compose(settings, envelope, subject(settings, news), letter, attached=False)


def confirmation_message(settings: Settings, envelope: Envelope, topics: Sequence[str]) -> EmailMessage:
    """Put the message together that asks whether somebody meant to subscribe.

    Parameters
    ----------
    settings : Settings
        Checked.
    envelope : Envelope
        Who gets it; its token confirms.
    topics : sequence of str
        What would be sent.
    """
    link = settings.confirm_url.replace("{token}", envelope.token)
    how = f"open this page:\n\n{link}" if link else f"tell the sender of this message these signs:\n\n{envelope.token}"
    said = (
        f"Somebody, you we hope, asked that mail about {settings.title} be sent to this address "
        f"({', '.join(topics)}).\n\nTo confirm, {how}\n\n"
        "It holds for a week. If it was not you, do nothing: nothing will be sent.\n"
    )
    made = EmailMessage(policy=_POLICY)
    _head(made, settings, envelope, f"{settings.title}: please confirm")
    made.set_content(said, cte="quoted-printable")
    return made


def _shown(settings: Settings, news: News, found: dict[str, Picture | None], *, inline: bool) -> Shown:
    inside: list[tuple[Picture, str]] = []
    links: list[tuple[str, str]] = []
    for key in dict.fromkeys(news.plots):
        picture = found.get(key)
        if picture is None:
            continue
        if picture.data and inline:
            inside.append((picture, f"{_cid(news, picture)}@{_domain(settings)}"))
        else:
            links.append((key.rpartition("/")[2], settings.link_to(key)))
    return Shown(news, tuple(inside), tuple(links))


def _compose(settings: Settings, envelope: Envelope, title: str, letter: Letter, *, attached: bool) -> EmailMessage:
    made = EmailMessage(policy=_POLICY)
    _head(made, settings, envelope, title)
    _leaving(made, settings, envelope.token)
    made.set_content(text(settings, letter), cte="quoted-printable")
    made.add_alternative(html(settings, letter), subtype="html", cte="quoted-printable")
    body = made.get_payload()[1]  # type: ignore[index]
    plots = [pair for one in letter.shown for pair in one.inline]
    names = _names([picture for picture, _ in plots])
    for picture, cid in plots:
        body.add_related(  # type: ignore[union-attr]
            picture.data, "image", "png", cid=f"<{cid}>", disposition="inline", filename=names[picture.key]
        )
    for picture in {picture.key: picture for picture, _ in plots}.values() if attached else ():
        made.add_attachment(picture.data, "image", "png", filename=names[picture.key])
    _settle_boundaries(made, envelope.id)
    return made


def _head(made: EmailMessage, settings: Settings, envelope: Envelope, title: str) -> None:
    name, domain = settings.sender_address.split("@")
    made["From"] = Address(settings.sender_name, name, domain)
    made["To"] = Address("", *envelope.address.rsplit("@", 1))
    made["Subject"] = title
    made["Date"] = format_datetime(datetime.fromtimestamp(envelope.made, UTC))
    made["Message-ID"] = f"<{envelope.id}@{domain}>"
    made["Auto-Submitted"] = "auto-generated"


def _leaving(made: EmailMessage, settings: Settings, token: str) -> None:
    """Name the ways to unsubscribe that mail programs offer as a button (RFC 2369, RFC 8058)."""
    ways = [settings.unsubscribe_link(token), settings.unsubscribe_mailto(token)]
    made["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways if way)
    if settings.unsubscribe_url.startswith("https:"):
        made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _cid(news: News, picture: Picture) -> str:
    return hashlib.sha256(f"{news.digest}\0{picture.digest}\0{picture.key}".encode()).hexdigest()[:32]


def _names(pictures: Sequence[Picture]) -> dict[str, str]:
    """Return a plain file name for each plot; no two are the same."""
    made: dict[str, str] = {}
    taken: set[str] = set()
    for picture in pictures:
        if picture.key in made:
            continue
        stem = "".join(
            one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in picture.key.rpartition("/")[2]
        ).removesuffix(".png")[-80:]
        name, number = f"{stem}.png", 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}.png"
        taken.add(name.lower())
        made[picture.key] = name
    return made


def _domain(settings: Settings) -> str:
    return settings.sender_address.rpartition("@")[2]


def _settle_boundaries(made: EmailMessage, seed: str) -> None:
    for number, part in enumerate(made.walk()):
        if isinstance(part, MIMEPart) and part.is_multipart():
            part.set_boundary(f"=_{seed}_{number}")
