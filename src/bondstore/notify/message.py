"""Messages as bytes: text and HTML side by side, plots inside; the same content gives the same bytes."""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage, MIMEPart
from email.policy import SMTP, Policy
from email.utils import format_datetime
from typing import Any

from bondstore.notify.news import News
from bondstore.notify.settings import HOLE, MailSettings
from bondstore.pages import render
from bondstore.text import counted, minute_text, one_line

GRADES = {
    "good": "good",
    "probably_good": "probably good",
    "suspect": "suspect",
    "bad": "bad",
    "not_evaluated": "not evaluated",
    "missing": "no values",
}
_WORDS = {**GRADES, "missing": "missing", "not_applicable": "no test applies"}
_WORST = {
    grade: place
    for place, grade in enumerate((*("good", "probably_good", "not_evaluated", "missing"), "suspect", "bad"))
}
_COLOURS = {"good": "#1c6b3c", "probably_good": "#1c6b3c", "suspect": "#8a5a00", "bad": "#a3261d"}
_ENCODED = 1.38
"""Bytes of base64 with its line ends for a byte of a plot."""
_SLACK = 16_384
_PNG = b"\x89PNG\r\n\x1a\n"
_KEPT = 64 << 20
_LONGEST_SUBJECT = 120


@dataclass(frozen=True, slots=True)
class MailPlot:
    """A plot and the SHA-256 of its bytes; `data` is empty where it is no PNG, and a mail can only link to it."""

    key: str
    data: bytes
    digest: str


class PlotReader:
    """Reads each plot of a run once, as long as memory allows; `read` gives bytes by key, None where there are none."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._kept: OrderedDict[str, MailPlot | None] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> MailPlot | None:
        """Return a plot; None where there is none."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        data = self._read(key)
        plot = None
        if data is not None:
            plot = MailPlot(key, data if data.startswith(_PNG) else b"", hashlib.sha256(data).hexdigest())
        self._kept[key] = plot
        self._bytes += len(plot.data) if plot else 0
        while self._bytes > _KEPT and len(self._kept) > 1:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.data) if gone else 0
        return plot


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who gets a message, and when."""

    id: str
    address: str = field(repr=False)
    token: str = field(repr=False)  # what ends the subscription, or confirms it
    date: int  # seconds since 1970


@dataclass(frozen=True, slots=True)
class _Part:
    """News as this message tells them."""

    news: News
    inline: tuple[tuple[MailPlot, str], ...]  # plots in the message, with their Content-ID
    links: tuple[tuple[str, str], ...]  # plots that are not in it: name, and address where one is known

    @property
    def title(self) -> str:
        return self.news.title or self.news.file

    @property
    def grade(self) -> str:
        return GRADES.get(self.news.grade, self.news.grade)

    @property
    def colour(self) -> str:
        return _COLOURS.get(self.news.grade, "#5a646d")

    @property
    def alt(self) -> str:
        """What a plot of the news shows, for those who cannot see it."""
        when = f", {minute_text(self.news.first)} UTC" if self.news.first else ""
        return f"Plot of {self.news.platform or self.news.file}{when}; grade: {self.grade}"

    @property
    def facts(self) -> Iterator[tuple[str, str]]:
        news = self.news
        if news.platform:
            yield "Platform", news.platform
        if news.first:
            until = f" to {minute_text(news.last)}" if news.last not in (None, news.first) else ""
            yield "Time", f"{minute_text(news.first)}{until} UTC"
        if news.bounds is not None:
            yield "Position", _position(news.bounds)
        yield "Grade", self.grade
        for name, counts in sorted(news.levels.items()):
            words = [f"{count:,} {_WORDS.get(word, word)}" for word, count in _ordered(counts) if count]
            yield name, f"{counted(sum(counts.values()), 'level')}: {', '.join(words)}" if words else "no levels"
        if news.failing:
            yield "Flagged by", "; ".join(f"{_test(name)} ({counted(count, 'level')})" for name, count in news.failing)
        yield "File", news.file


def news_message(
    settings: MailSettings, envelope: Envelope, news: Sequence[News], plots: PlotReader, limit: int
) -> EmailMessage:
    """Put a message about news together; they come oldest first, and the newest are told in full.

    Each plot is in it once, those of the newest first; what does not fit into `limit` bytes becomes links.
    """
    newest = list(news[-settings.shown :][::-1])
    more = len(news) - len(newest)
    found = {key: plots.get(key) for one in newest for key in one.plots}
    inside = _fitting(found, limit)
    while True:
        parts = [_part(settings, one, found, inside) for one in newest]
        dropped = any(plot.data and key not in inside for key, plot in found.items() if plot)
        message = _compose(settings, envelope, news, parts, more=more, dropped=dropped)
        if len(message.as_bytes(policy=SMTP)) <= limit:
            return message
        if not inside:
            break
        inside = inside[:-1]
    # so many words that even they are too many: they are only counted
    return _compose(settings, envelope, news, [], more=len(news), dropped=True)


def _fitting(found: Mapping[str, MailPlot | None], limit: int) -> tuple[str, ...]:
    """Return the plots that fit beside the words, in their order."""
    room, inside = float(limit - _SLACK), []
    for key, plot in found.items():
        size = len(plot.data) * _ENCODED if plot else 0.0
        if 0 < size <= room:
            room -= size
            inside.append(key)
    return tuple(inside)


def confirmation_message(settings: MailSettings, envelope: Envelope, topics: Sequence[str]) -> EmailMessage:
    """Put the message together that asks whether somebody meant to subscribe."""
    message = EmailMessage(policy=_POLICY)
    _head(message, settings, envelope, f"{settings.title}: please confirm")
    link = settings.confirm_url.replace(HOLE, envelope.token)
    text = render("bondstore.notify/confirm.txt", title=settings.title, topics=topics, link=link, token=envelope.token)
    message.set_content(text, cte="quoted-printable")
    return message


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


def _part(settings: MailSettings, news: News, found: Mapping[str, MailPlot | None], inside: Collection[str]) -> _Part:
    inline: list[tuple[MailPlot, str]] = []
    links: list[tuple[str, str]] = []
    for key in dict.fromkeys(news.plots):
        plot = found.get(key)
        if plot is None:
            continue
        if key in inside:
            digest = hashlib.sha256(f"{plot.digest}\0{key}".encode()).hexdigest()[:32]
            inline.append((plot, f"{digest}@{settings.sender_address.rpartition('@')[2]}"))
        else:
            links.append((key.rpartition("/")[2], settings.link_to(key)))
    return _Part(news, tuple(inline), tuple(links))


def _compose(
    settings: MailSettings,
    envelope: Envelope,
    news: Sequence[News],
    parts: Sequence[_Part],
    *,
    more: int,
    dropped: bool,
) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    _head(message, settings, envelope, _subject(settings, news))
    ways = [
        way for way in (settings.unsubscribe_link(envelope.token), settings.unsubscribe_mailto(envelope.token)) if way
    ]
    # what mail programs offer as a button (RFC 2369, RFC 8058)
    message["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in ways)
    if settings.unsubscribe_url.startswith("https:"):
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    plots = {cid: plot for one in parts for plot, cid in one.inline}  # one that several files have is in it once
    names = _names(plot.key for plot in plots.values())
    content: dict[str, Any] = {
        "title": settings.title, "summary": _summary(news), "parts": parts, "names": names, "dropped": dropped,
        "more": counted(more, "more file", "more files") if more else "", "unsubscribe": ways[0],
    }  # fmt: skip
    message.set_content(render("bondstore.notify/news.txt", **content), cte="quoted-printable")
    message.add_alternative(render("bondstore.notify/news.html", **content), subtype="html", cte="quoted-printable")
    body = message.get_payload()[1]  # type: ignore[index]
    for cid, plot in plots.items():
        body.add_related(  # type: ignore[union-attr]
            plot.data, "image", "png", cid=f"<{cid}>", disposition="inline", filename=names[plot.key]
        )
    for number, part in enumerate(message.walk()):
        if isinstance(part, MIMEPart) and part.is_multipart():
            part.set_boundary(f"=_{envelope.id}_{number}")  # Python's own are random
    return message


def _head(message: EmailMessage, settings: MailSettings, envelope: Envelope, title: str) -> None:
    name, domain = settings.sender_address.split("@")
    message["From"] = Address(settings.sender_name, name, domain)
    message["To"] = Address("", *envelope.address.rsplit("@", 1))
    message["Subject"] = title
    message["Date"] = format_datetime(datetime.fromtimestamp(envelope.date, UTC))
    message["Message-ID"] = f"<{envelope.id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"


def _subject(settings: MailSettings, news: Sequence[News]) -> str:
    """Return the subject: one line, whatever the platforms are called."""
    platforms = sorted({part.strip() for one in news for part in one.platform.split(",")} - {""})
    some = ", ".join(platforms[:3]) + (f" and {len(platforms) - 3} more" if len(platforms) > 3 else "")
    title = f"{settings.title}: {counted(len(news), 'file')}"
    return one_line(f"{title} of {some}" if some else title, _LONGEST_SUBJECT)


def _summary(news: Sequence[News]) -> str:
    """Return how many files there are of each grade, the worst first: those that are only counted too."""
    counts = Counter(one.grade for one in news)
    worst_first = sorted(counts.items(), key=lambda pair: -_WORST.get(pair[0], -1))
    grades = ", ".join(f"{count:,} {GRADES.get(grade, grade)}" for grade, count in worst_first)
    return f"{counted(len(news), 'file')}: {grades}." + (" The newest is first." if len(news) > 1 else "")


def _test(name: str) -> str:
    """Return what flagged levels, from ``spike/TEMP``; ``source`` is the flags that came with the file."""
    label, _, variable = name.rpartition("/")
    if not label:
        return name
    return f"the file's own flags on {variable}" if label == "source" else f"{label} on {variable}"


def _names(keys: Iterable[str]) -> dict[str, str]:
    """Return a plain file name for each plot; no two are the same."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in dict.fromkeys(keys):
        last = key.rpartition("/")[2]
        stem = "".join(one if one.isascii() and (one.isalnum() or one in "._-") else "_" for one in last)
        stem = stem.removesuffix(".png")[-80:]
        name, number = f"{stem}.png", 1
        while name.lower() in taken:
            number += 1
            name = f"{stem}-{number}.png"
        taken.add(name.lower())
        names[key] = name
    return names


def _ordered(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    order = {word: place for place, word in enumerate(_WORDS)}
    return sorted(counts.items(), key=lambda pair: order.get(pair[0], 99))


def _position(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds

    def latitude(value: float) -> str:
        return f"{abs(value):.3f}° {'S' if value < 0 else 'N'}"

    def longitude(value: float) -> str:
        signed = (value + 180) % 360 - 180
        return f"{abs(signed):.3f}° {'W' if signed < 0 else 'E'}"

    # a box, and not a way from one corner to the other
    spans = ((latitude(south), latitude(north)), (longitude(west), longitude(east)))
    return ", ".join(low if low == high else f"{low} to {high}" for low, high in spans)
