"""The words of a message about news: its subject, its text, and its HTML. Texts from outside are escaped here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bondstore.release.notify.markup import Content, Markup, element, joined, shown
from bondstore.release.notify.news import News
from bondstore.release.notify.pictures import Picture
from bondstore.release.notify.settings import Settings, one_line

GRADES = {
    "good": "good",
    "probably_good": "probably good",
    "suspect": "suspect",
    "bad": "bad",
    "unevaluated": "not evaluated",
    "missing": "no values",
}
_COLOURS = {"good": "#1c6b3c", "probably_good": "#1c6b3c", "suspect": "#8a5a00", "bad": "#a3261d"}
_WORDS = {**GRADES, "missing": "missing", "silent": "no test applies"}
_BODY = (
    "margin:0;padding:0;background:#f4f3ef;color:#1d2329;font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif"
)
_SHEET = "width:100%;max-width:680px;margin:0 auto;background:#ffffff;border-collapse:collapse"
_CELL = (
    "padding:16px 20px;border-bottom:1px solid #dcd9d0;vertical-align:top;overflow-wrap:anywhere;word-break:break-word"
)
_SOFT = "color:#5a646d;font-size:13px"
_NAME = f"{_SOFT};padding:1px 12px 1px 0;vertical-align:top;white-space:nowrap"


@dataclass(frozen=True, slots=True)
class Shown:
    """News with the plots as this message has them.

    Parameters
    ----------
    news : News
        The news.
    inline : tuple of (Picture, str)
        Plots in the message, with their Content-ID.
    links : tuple of (str, str)
        Plots that are not in it: name, and address where one is known.
    """

    news: News
    inline: tuple[tuple[Picture, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """All that a message says.

    Parameters
    ----------
    shown : sequence of Shown
        News told in full.
    more : int
        News that are only counted.
    dropped : bool
        Plots were left out for their size.
    unsubscribe : str
        Where to unsubscribe; an address of the web or of mail.
    """

    shown: Sequence[Shown]
    more: int = 0
    dropped: bool = False
    unsubscribe: str = field(default="", repr=False)


def subject(settings: Settings, news: Sequence[News]) -> str:
    """Return the subject: one line, whatever the platforms are called."""
    platforms = sorted({part.strip() for one in news for part in one.platform.split(",")} - {""})
    some = ", ".join(platforms[:3]) + (f" and {len(platforms) - 3} more" if len(platforms) > 3 else "")
    said = f"{settings.title}: {_counted(len(news))}"
    return one_line(f"{said} of {some}" if some else said)


def text(settings: Settings, letter: Letter) -> str:
    """Return the message as plain text."""
    parts = [settings.title, ""]
    for one in letter.shown:
        parts += [*_lines(one), ""]
    if letter.more:
        parts += [f"And {letter.more:,} more, which are not told in full here.", ""]
    if letter.dropped:
        parts += [_DROPPED, ""]
    parts += ["-- ", _WHY, f"Unsubscribe: {letter.unsubscribe}"]
    return "\n".join(_plain(line) for line in parts) + "\n"


def html(settings: Settings, letter: Letter) -> str:
    """Return the message as HTML: it loads nothing from anywhere, and runs nothing."""
    rows: list[Content] = [
        element("tr", element("td", element("h1", settings.title, style="margin:0;font-size:22px"), style=_CELL))
    ]
    rows += [element("tr", element("td", list(_section(one)), style=_CELL)) for one in letter.shown]
    notes = [f"And {letter.more:,} more, which are not told in full here."] if letter.more else []
    notes += [_DROPPED] if letter.dropped else []
    rows += [element("tr", element("td", note, style=_CELL)) for note in notes]
    leave = element("a", "Unsubscribe", href=letter.unsubscribe, style="color:#0b6e75")
    rows.append(element("tr", element("td", _WHY, " ", leave, style=f"{_CELL};{_SOFT}")))
    table = element("table", element("tbody", rows), role="presentation", style=_SHEET)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light"),
        element("title", settings.title),
    )
    return f"<!doctype html>\n{element('html', head, element('body', table, style=_BODY), lang='en')}\n"


_DROPPED = (
    "Some plots would make this message too large. They are linked where a link is known, and left out elsewhere."
)
_WHY = "You get this because you subscribed and confirmed."


def describe(news: News) -> str:
    """Return what a plot of the news shows, for those who cannot see it."""
    when = f", {_moment(news.first)} UTC" if news.first else ""
    return f"Plot of {news.platform or news.file}{when}; grade: {GRADES.get(news.grade, news.grade)}"


def _lines(one: Shown) -> Iterator[str]:
    news = one.news
    yield f"{_title(news)}"
    for name, value in _facts(news):
        yield f"  {name}: {value}"
    for name, address in one.links:
        yield f"  Plot: {address or name}"


def _section(one: Shown) -> Iterator[Markup]:
    news = one.news
    colour = _COLOURS.get(news.grade, "#5a646d")
    grade = element("span", GRADES.get(news.grade, news.grade), style=f"color:{colour};font-weight:600")
    yield element("h2", _title(news), style="margin:0 0 4px;font-size:17px")
    yield element("p", "Grade: ", grade, style="margin:0 0 8px")
    facts = [
        element("tr", element("td", name, style=_NAME),
                element("td", value, style="padding:1px 0"))
        for name, value in _facts(news) if name != "Grade"
    ]  # fmt: skip
    yield element(
        "table", element("tbody", facts), role="presentation", style="border-collapse:collapse;font-size:14px"
    )
    for _, cid in one.inline:
        style = "display:block;width:100%;max-width:640px;height:auto;margin:12px 0 0;background:#ffffff"
        yield element("img", src=f"cid:{cid}", alt=describe(news), style=style, width="640")
    for name, address in one.links:
        said = element("a", name, href=address, style="color:#0b6e75") if address else element("span", name)
        yield element("p", "Plot: ", said, style="margin:8px 0 0")


def _title(news: News) -> str:
    return news.title or news.file


def _facts(news: News) -> Iterator[tuple[str, str]]:
    if news.platform:
        yield "Platform", news.platform
    if news.first:
        yield (
            "Time",
            f"{_moment(news.first)}{f' to {_moment(news.last)}' if news.last not in (None, news.first) else ''} UTC",
        )
    if news.bounds is not None:
        yield "Position", _position(news.bounds)
    yield "Grade", GRADES.get(news.grade, news.grade)
    for name, counts in sorted(news.levels.items()):
        said = [f"{count:,} {_WORDS.get(word, word)}" for word, count in _ordered(counts) if count]
        yield name, ", ".join(said) or "no levels"
    if news.failing:
        yield (
            "Failing tests",
            ", ".join(f"{name} ({count:,} {'level' if count == 1 else 'levels'})" for name, count in news.failing),
        )
    yield "File", news.file


def _ordered(counts: object) -> list[tuple[str, int]]:
    order = {word: place for place, word in enumerate(_WORDS)}
    return sorted(dict(counts).items(), key=lambda pair: order.get(pair[0], 99))  # type: ignore[call-overload]


def _moment(moment: str | None) -> str:
    return (moment or "")[:16].replace("T", " ")


def _position(bounds: tuple[float, float, float, float]) -> str:
    west, south, east, north = bounds

    def latitude(value: float) -> str:
        return f"{abs(value):.3f}° {'S' if value < 0 else 'N'}"

    def longitude(value: float) -> str:
        signed = (value + 180) % 360 - 180
        return f"{abs(signed):.3f}° {'W' if signed < 0 else 'E'}"

    corners = [f"{latitude(south)} {longitude(west)}", f"{latitude(north)} {longitude(east)}"]
    return corners[0] if corners[0] == corners[1] else " to ".join(corners)


def _counted(number: int) -> str:
    return f"{number:,} {'profile' if number == 1 else 'profiles'}"


def _plain(line: str) -> str:
    """Return a line of text that is one: whatever comes from outside begins no other."""
    return shown(line.replace("\r", " ").replace("\n", " "))


__all__ = ["Letter", "Shown", "describe", "html", "joined", "subject", "text"]
