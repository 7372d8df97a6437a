"""Templates filled in: what comes from outside stays text, and a page allows itself nothing that it did not ask for."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from base64 import b64encode
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest

from bondstore.pages import render, stream

HOSTILE = "</style><script>alert(1)</script>\"'&\u202eevil\x00"
PAGE = """
{%- extends "bondstore.pages/base.html" %}
{%- from "bondstore.pages/parts.html" import bar, notice, pairs, table_end, table_start, tiles %}
{%- set styles = ["elsewhere/own.css"] %}
{%- set scripts = ["elsewhere/rows.js"] if run else [] %}
{%- set images = "data:" %}
{% block title %}{{ name }}{% endblock %}
{% block body %}
<h1 title="{{ name }}">{{ name }}</h1>
{% call notice(name, tone="bad") %}Look at {{ name }}{% endcall %}
{{ tiles([{"label": name, "number": 1234, "more": name, "tone": "warn"}]) }}
{{ tiles([{"label": "b", "number": 0, "more": "", "tone": ""}]) }}
{{ bar([("kept", 3), ("gone", 0), ("held", 1)]) }}{{ bar([]) }}
{{ table_start(["Name", "rows"], label=name) }}
{% for one in rows %}<tr><th scope="row">{{ one }}</th><td class="right">{{ 1234|count }}</td></tr>
{% endfor %}
{{ table_end() }}
{{ pairs([(name, name)]) }}
<p>{{ ("Run `" ~ name ~ "` now")|prose }}</p>
{% endblock %}
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package outside Bondstore with templates of its own, as a domain brings them."""
    folder = tmp_path / "elsewhere" / "templates"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").touch()
    (folder / "page.html").write_text(PAGE)
    (folder / "own.css").write_text("p { color: red; }\n")
    (folder / "rows.js").write_text("console.log('rows & <b>');\n")
    (folder / "body.txt").write_text("Dear {{ name }},\n\n{{ name|visible }}\n")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


class _Seen(HTMLParser):
    """What a page is made of: names of elements, and all that is text."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.open: list[str] = []
        self.inside: dict[str, list[str]] = {}
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "link", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.inside.setdefault(self.open[-1] if self.open else "", []).append(data)


def seen(page: str) -> _Seen:
    parser = _Seen()
    parser.feed(page)
    parser.close()
    assert not parser.open
    return parser


def policy(page: str) -> dict[str, str]:
    found = re.search('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found
    return dict(one.strip().split(" ", 1) for one in unescape(found[1]).split(";"))


def digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@pytest.mark.usefixtures("elsewhere")
def test_hostile_names_stay_text() -> None:
    page = render("elsewhere/page.html", name=HOSTILE, rows=[HOSTILE] * 3, run=False)
    found = seen(page)
    shown = "</style><script>alert(1)</script>\"'&\\u202eevil\\x00"
    assert "script" not in found.names
    assert found.names.count("style") == 1
    assert ("title", shown) in found.attributes
    assert ("aria-label", shown) in found.attributes
    assert found.inside["title"] == [shown]
    assert "".join(found.inside["h1"]) == shown
    assert found.inside["th"].count(shown) == 3
    assert shown in found.inside["code"]
    assert page.isascii()


@pytest.mark.usefixtures("elsewhere")
def test_a_page_allows_itself_what_it_asked_for_and_no_more() -> None:
    values = {"name": "x", "rows": []}
    plain, running = (render("elsewhere/page.html", **values, run=run) for run in (False, True))
    style = re.search("<style>(.*?)</style>", plain, re.DOTALL)
    assert style
    assert style[1].endswith("p { color: red; }")
    allowed = {
        "default-src": "'none'",
        "style-src": digest(style[1]),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert policy(plain) == allowed
    assert "<script" not in plain
    script = re.search("<script>(.*?)</script>", running, re.DOTALL)
    assert script
    assert script[1] == "console.log('rows & <b>');"
    assert policy(running) == {**allowed, "script-src": digest(script[1])}


@pytest.mark.usefixtures("elsewhere")
def test_pieces_make_the_page() -> None:
    values = {"name": "Größe", "rows": [str(n) for n in range(500)], "run": False}
    pieces = list(stream("elsewhere/page.html", **values))
    assert len(pieces) > 10
    assert b"".join(pieces).decode() == render("elsewhere/page.html", **values)


@pytest.mark.usefixtures("elsewhere")
def test_plain_text_is_not_escaped_and_hides_nothing() -> None:
    assert render("elsewhere/body.txt", name="a <b>\n\u202e") == "Dear a <b>\n\\u202e,\n\na <b>\\n\\u202e\n"


@pytest.mark.usefixtures("elsewhere")
def test_what_is_not_given_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("elsewhere/body.txt")
    with pytest.raises(jinja2.TemplateNotFound):
        render("elsewhere/none.txt")
    with pytest.raises(jinja2.TemplateNotFound):
        render("nowhere/none.txt")


def test_jinja_waits_for_a_page() -> None:
    asked = "import sys, bondstore.pages; sys.exit('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0
