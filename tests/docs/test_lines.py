"""Every line of the documentation that can be tried is one that works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import pytest

from bondstore.cli.main import build
from bondstore.cli.table import commands, own_nouns
from bondstore.config import files
from bondstore.domains.ocean.qc.suite import parse_suite
from bondstore.domains.ocean.reading.columns import parse_columns
from bondstore.notify.open import open_mail
from tests.docs.pages import BLOCK, PAGES, ROOT, blocks, lines, mentioned
from tests.homes import home

__all__ = ["home"]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def calls(line: str) -> list[list[str]]:
    """Return the calls of bondstore in a line of shell, as words."""
    found = []
    line = re.sub(r"(?<=\s)\d(?=>)", "", line)  # of 2>file the 2 is no word, unlike in --layers 2 > file
    tokens = shlex.shlex(line, posix=True, punctuation_chars=";&|()<>")
    tokens.whitespace_split = True
    current: list[str] = []
    for token in [*tokens, ";"]:
        if set(token) <= set(";&|()"):
            while current and re.fullmatch(r"[A-Z_0-9]+=.*", current[0]):
                current = current[1:]
            if current and current[0].rpartition("/")[2] == "bondstore":
                found.append(current[1:])
            current = []
        else:
            current.append(token)
    return [cut(words) for words in found]


def cut(words: list[str]) -> list[str]:
    """Leave out where the output goes."""
    return words[: next((n for n, word in enumerate(words) if set(word) <= set("<>&")), len(words))]


def test_calls_are_found() -> None:
    assert calls("A=1 bondstore doctor | grep x; echo a && bondstore run list > f") == [["doctor"], ["run", "list"]]
    assert calls("bondstore beiwe ls 2>/dev/null") == [["beiwe", "ls"]]
    assert calls("bondstore aws template --layers 2 > stack.json") == [["aws", "template", "--layers", "2"]]
    assert calls(". .demo/environment") == []


@pytest.mark.parametrize("page", PAGES)
def test_every_command_parses(page: str, home: object) -> None:
    for line in lines(page):
        for words in calls(line):
            parse(words)
    for line in mentioned(page):
        for words in calls(line):
            # a text may speak of a command by its name alone
            if tuple(words) not in set(commands()):
                parse(words)


def test_a_command_that_does_not_exist_is_found(home: object) -> None:
    with pytest.raises(Exception, match=r"(?i)no such option"):
        parse(["beiwe", "ls", "--no-such-option"])
    with pytest.raises(AssertionError):
        parse(["beiwe", "nothing"])


def parse(words: list[str]) -> None:
    """Parse one call as the command line would, and run nothing."""
    words = ["file:/p" if word.startswith("prompt") else word for word in words]
    if words[0].startswith("-") or words[0] == "…":
        assert words[0] in ("--help", "--version", "--install-completion", "…")
        return
    assert words[0] in own_nouns(), words
    if len(words) == 1 and own_nouns()[words[0]].guided:
        return
    named = tuple(words[: 2 if own_nouns()[words[0]].verbs else 1])
    assert named in set(commands()), named
    command = build()
    for word in named:
        command = command.load(word)
    with command.make_context("bondstore", words[len(named) :]):
        pass


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    for target in _LINK.findall(BLOCK.sub("", PAGES[page])):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(PAGES[str(path.resolve().relative_to(ROOT))]), target


def anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    index = PAGES["docs/index.md"]
    for page in PAGES:
        name = page.removeprefix("docs/")
        if page.startswith("docs/") and not name.startswith(("decisions/", "index")):
            assert f"]({name})" in index, name


@pytest.mark.parametrize("page", PAGES)
def test_python_and_toml_are_sound(page: str, tmp_path: Path) -> None:
    for snippet in blocks(page, "python"):
        compile(snippet, page, "exec")
    for snippet in blocks(page, "toml"):
        if "[[test]]" in snippet:
            assert parse_suite(snippet, "of the page").steps
        elif "[columns]" in snippet:
            assert parse_columns(snippet).names
        elif "transport = " in snippet:
            (tmp_path / "notify.toml").write_text(snippet)
            assert open_mail(tmp_path / "notify.toml").given
        else:
            (tmp_path / "bondstore.toml").write_text(snippet)
            assert files.read(tmp_path / "bondstore.toml").profiles


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_this_machine_is_said(page: str) -> None:
    assert str(ROOT) not in PAGES[page]
    assert not re.search(r"127\.0\.0\.1:(?!8333|9\b)\d+", PAGES[page])
