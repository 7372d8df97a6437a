"""What a message is made of: hostile texts stay texts, sizes hold, the same content gives the same bytes."""

from __future__ import annotations

import dataclasses
import email
import email.policy
import html
import re
from dataclasses import replace
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.config.fields import fields_of
from bondstore.config.model import from_mapping
from bondstore.config.secrets import SecretRef
from bondstore.errors import ConfigurationError
from bondstore.notify import MailSettings
from bondstore.notify.message import Envelope, PlotReader, confirmation_message, news_message
from bondstore.notify.news import News, matches, of_record
from bondstore.notify.settings import MailPlaces
from bondstore.release.records import Record
from tests.notify.post import PLOTS, SETTINGS, START, attached, inline, news, plot, text_of
from tests.release import lab

ANNA = "anna@one.example"
EVIL = "Blue</td><script>alert(1)</script>\r\nBcc: eve@evil.example\r\n\r\n<img src=https://evil.example/x>\u202e"
ENVELOPE = Envelope("ab" * 16, ANNA, "T" * 88, int(START))


def made(some: list[News], settings: MailSettings = SETTINGS, limit: int = 40_000_000) -> EmailMessage:
    message = news_message(settings, ENVELOPE, some, PlotReader(PLOTS.get), limit)
    data = message.as_bytes(policy=email.policy.SMTP)
    assert len(data) <= limit
    assert data.isascii()
    assert max(map(len, data.split(b"\r\n"))) <= 998
    read = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert not [part.defects for part in read.walk() if part.defects]
    return read


@pytest.mark.parametrize("mail", ["", "leave.the.list.of.news@a-long-name.of.the.reef.example"])
def test_the_ways_to_unsubscribe_are_no_encoded_words(mail: str) -> None:
    # RFC 2369, 2: addresses in <>; mail programs look for them in the header as it is
    page = "https://reef.example/a/long/way/to/the/page/for/those/who/unsubscribe/{token}"
    settings = replace(SETTINGS, unsubscribe_url=page, unsubscribe_mail=mail)
    message = news_message(settings, ENVELOPE, [news(1)], PlotReader(PLOTS.get), 40_000_000)
    head = message.as_bytes(policy=email.policy.SMTP).partition(b"\r\n\r\n")[0].decode()
    [said] = re.findall(r"^List-Unsubscribe: ([^\r]*(?:\r\n [^\r]*)*)", head, re.MULTILINE)
    token = "T" * 88
    ways = [page.replace("{token}", token)] + ([f"mailto:{mail}?subject=unsubscribe%20{token}"] if mail else [])
    assert said.split(",\r\n ") == [f"<{way}>" for way in ways]


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def seen(message: EmailMessage) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Seen()
    parser.feed(text_of(message, "html"))
    return parser.tags


def test_hostile_names_stay_names() -> None:
    hostile = news(1, title=EVIL, platform=EVIL, file=EVIL, failing=((EVIL, 1),), levels={EVIL: {"good": 1}})
    message = made(
        [hostile], MailSettings(**{**_plain(), "title": EVIL, "sender": f'"{EVIL[:20]}" <data@reef.example>'})
    )
    assert message.get_all("To") == [ANNA]
    assert message["Bcc"] is None
    assert "\n" not in str(message["Subject"])
    tags = seen(message)
    assert not {"script", "iframe", "link", "form"} & {tag for tag, _ in tags}
    assert all(str(said["src"]).startswith("cid:") for tag, said in tags if tag == "img")
    assert [said["href"] for tag, said in tags if tag == "a"] == [f"https://reef.example/leave/{'T' * 88}"]
    assert not any(key.startswith("on") for _, said in tags for key in said)
    assert "\u202e" not in text_of(message) + text_of(message, "html") + str(message["Subject"])
    assert not re.search(r"^Bcc:", text_of(message), re.MULTILINE)


def _plain() -> dict[str, object]:
    return {name: getattr(SETTINGS, name) for name in MailSettings.__slots__}


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_any_text_at_all(title: str, platform: str, file: str) -> None:
    read = made([news(1, title=title, platform=platform, file=file)])
    assert read.get_all("To") == [ANNA]
    assert len(read.get_all("Subject", [])) == 1
    assert {name.lower() for name in read.keys()} == {  # noqa: SIM118 - of a message
        "from", "to", "subject", "date", "message-id", "auto-submitted", "list-unsubscribe", "list-unsubscribe-post",
        "mime-version", "content-type",
    }  # fmt: skip


def test_every_picture_says_what_it_shows() -> None:
    pictures = [said for tag, said in seen(made([news(1), news(2)])) if tag == "img"]
    assert [said["alt"] for said in pictures] == [
        "Plot of 002, 2024-05-03 00:00 UTC; grade: suspect",
        "Plot of 001, 2024-05-02 00:00 UTC; grade: suspect",
    ]


def test_the_same_content_gives_the_same_bytes() -> None:
    one, two = made([news(1), news(2)]), made([news(1), news(2)])
    assert one.as_bytes() == two.as_bytes()
    assert one["Message-ID"] == f"<{'ab' * 16}@reef.example>"


def test_each_plot_is_in_a_message_once_and_what_does_not_fit_is_a_link() -> None:
    noise = {f"plots/{number}.png": plot(number) + b"\0" * 30_000 for number in (1, 2)}
    some = [news(1), news(2)]

    def of(limit: int) -> EmailMessage:
        return news_message(SETTINGS, ENVELOPE, some, PlotReader(noise.get), limit)

    whole, lighter, bare = of(400_000), of(80_000), of(40_000)
    assert list(inline(whole).values()) == [noise["plots/2.png"], noise["plots/1.png"]]
    assert list(inline(lighter).values()) == [noise["plots/2.png"]], "the newest"
    assert inline(bare) == {}
    assert [attached(one) for one in (whole, lighter, bare)] == [[], [], []], "each plot is in it once"
    assert "https://public.example/data/plots/1.png" in text_of(lighter)
    assert "https://public.example/data/plots/2.png" not in text_of(lighter)
    assert "too large" in text_of(bare)
    assert "too large" not in text_of(whole)
    assert "https://public.example/data/plots/1.png" in text_of(bare)
    for message, limit in ((whole, 400_000), (lighter, 80_000), (bare, 40_000)):
        assert len(message.as_bytes(policy=email.policy.SMTP)) <= limit


def test_many_news_are_counted() -> None:
    message = made([news(number % 6, file=f"f{number}.nc") for number in range(50)])
    assert text_of(message).count("  File: ") == 20
    assert "And 30 more files, not shown here." in text_of(message)
    assert "50 files: 50 suspect. The newest is first." in text_of(message)
    assert str(message["Subject"]) == "Reef profiles: 50 files of 000, 001, 002 and 3 more"


def words_of(message: EmailMessage) -> list[str]:
    """Return what the HTML part says, in words, as a reader sees it."""
    plain = re.sub(r"<(style|title)[^>]*>.*?</\1>|<[^>]*>", " ", text_of(message, "html"), flags=re.DOTALL)
    return html.unescape(plain).split()


def test_text_and_html_say_the_same() -> None:
    """Both have each fact; the text names the plots that HTML shows."""
    some = [
        news(1, failing=(("spike/TEMP", 2), ("source/PSAL", 1))),
        news(2, grade="bad", bounds=(173.1, -41.5, 174, 0)),
    ]
    message = made(some)
    text = text_of(message)
    for said in (
        "2 files: 1 bad, 1 suspect. The newest is first.",
        "Profile 1",
        "2024-05-02 00:00 to 2024-05-02 01:00 UTC",
        "41.500° S, 173.100° E",
        "41.500° S to 0.000° N, 173.100° E to 174.000° E",
        "100 levels: 98 good, 2 suspect",
        "spike on TEMP (2 levels); the file's own flags on PSAL (1 level)",
        "2024/05/p1_qc.nc",
        "You get this because you subscribed and confirmed.",
    ):
        assert said in text
        assert said in " ".join(words_of(message))
    assert [line for line in text.splitlines() if "Plot:" in line] == [
        "  Plot: 2.png, in this message",
        "  Plot: 1.png, in this message",
    ]


def test_an_svg_or_a_missing_plot() -> None:
    drawn = {"plots/1.svg": lab.SVG}
    some = news(1, plots=("plots/1.svg", "plots/gone.png"))
    message = news_message(SETTINGS, ENVELOPE, [some], PlotReader(drawn.get), 10_000_000)
    assert inline(message) == {}
    assert "https://public.example/data/plots/1.svg" in text_of(message)
    assert "gone" not in text_of(message)


def test_the_confirmation_names_the_link_or_the_token() -> None:
    plain = confirmation_message(SETTINGS, ENVELOPE, ("all",))
    assert "T" * 88 in text_of(plain)
    with_page = MailSettings(**{**_plain(), "confirm_url": "https://reef.example/yes?t={token}"})  # type: ignore[arg-type]
    assert f"https://reef.example/yes?t={'T' * 88}" in text_of(confirmation_message(with_page, ENVELOPE, ("all",)))
    assert plain["List-Unsubscribe"] is None


@pytest.mark.parametrize(
    "off",
    [
        {"sender": "nobody"},
        {"sender": ""},
        {"unsubscribe_url": "", "unsubscribe_mail": ""},
        {"unsubscribe_url": "https://reef.example/leave"},
        {"unsubscribe_url": "http://reef.example/{token}"},
        {"unsubscribe_url": "javascript:{token}"},
        {"unsubscribe_url": "https://{token}.example/"},
        {"unsubscribe_url": 'https://reef.example/"{token}'},
        {"unsubscribe_mail": "x\r\nBcc: y@z.example"},
        {"rate": 0},
        {"rate": "fast"},
        {"colour": "red"},
        {"vessels": {"Blue Fin": "12"}},
    ],
)
def test_settings_that_do_not_hold(off: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        from_mapping(
            MailSettings,
            {"sender": "data@reef.example", "unsubscribe_url": "https://reef.example/{token}", **off},
            where="The settings",
        )


def test_topics() -> None:
    two = news(1, platform="12, 13")
    vessels = {"Blue Fin": ["13"]}
    assert matches(two, ["all"], {})
    assert matches(two, ["platform:12"], {})
    assert matches(two, ["vessel:blue fin"], vessels)
    assert not matches(two, ["vessel:Blue Fin"], {})
    assert not matches(two, ["platform:1"], vessels)
    assert not matches(two, [], vessels)


def test_news_of_a_record(tmp_path: Path) -> None:
    import json

    tests = {"spike/TEMP": {"good": 90, "suspect": 3, "bad": 1}, "gap/TIME": {"good": 94}, "stuck/PRES": {"suspect": 9}}
    record = Record.from_json(json.dumps(lab.content("a_qc.nc", b"x", grade="bad", tests=tests)).encode())
    found = of_record(record)
    assert found.failing == (("stuck/PRES", 9), ("spike/TEMP", 4))
    assert (found.sha256, found.file, found.platform) == (record.sha256, "a_qc.nc", "MOANA 12")


def test_the_settings_of_the_how_to_hold() -> None:
    import tomllib

    page = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "notify.md"
    block = page.read_text().partition("```ini\n")[2].partition("```")[0]
    given_ = tomllib.loads(block)
    own = {one.name for one in fields_of(MailPlaces)}
    places = from_mapping(MailPlaces, {name: given_.pop(name) for name in own & set(given_)}, where="The page")
    assert places.password == SecretRef.parse("env:SMTP_PASSWORD")
    assert from_mapping(MailSettings, given_, where="The page").rate == 5


def test_a_message_has_four_megabytes_at_most_and_a_plot_of_several_files_once() -> None:
    noise = {f"plots/{number}.png": plot(number) + bytes(800_000) for number in range(6)}
    some = [news(number) for number in range(6)]
    whole = news_message(SETTINGS, ENVELOPE, some, PlotReader(noise.get), SETTINGS.largest)
    assert len(whole.as_bytes(policy=email.policy.SMTP)) <= 4_000_000
    assert len(inline(whole)) == 3  # 800 kB are 1.1 MB in base64
    twice = [news(1), dataclasses.replace(news(2), plots=("plots/1.png",))]
    assert list(inline(made(twice)).values()) == [PLOTS["plots/1.png"]]
