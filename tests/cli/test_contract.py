"""What holds for every command in the table."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from bondstore.cli.main import build
from bondstore.cli.table import commands, own_nouns
from tests.cli.conftest import Call

COMMANDS = list(commands())
GROUPS = [(), *((name,) for name, noun in own_nouns().items() if noun.verbs)]


def find(words: tuple[str, ...]) -> Any:
    command = build()
    for word in words:
        command = command.load(word)
    return command


def examples(text: str) -> list[str]:
    block = text.partition("Examples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("words", [*GROUPS, *COMMANDS], ids=lambda words: " ".join(words) or "bondstore")
def test_help_has_a_line_an_example_and_the_exit_codes(words: tuple[str, ...], cli: Call) -> None:
    result = cli(*words, "--help")
    assert result.code == 0
    assert result.err == ""
    assert result.out.startswith(" ".join(["Usage: bondstore", *words]))
    assert "130 interrupted" in result.out
    assert cli(*words, "-h").out == result.out
    lines = examples(result.out)
    assert lines
    for line in lines:
        assert line.startswith(" ".join(["bondstore", *words])) or words == ()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_examples_parse(words: tuple[str, ...], cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = examples(cli(*words, "--help").out)
    assert lines
    for line in lines:
        called = shlex.split(line.partition(" | ")[0].partition(" > ")[0])
        assert called[0] == "bondstore"
        assert tuple(called[1 : 1 + len(words)]) == words
        command = find(words)
        with command.make_context("bondstore", called[1 + len(words) :]):
            pass


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_takes_json_and_says_what_each_option_does(words: tuple[str, ...]) -> None:
    command = find(words)
    options = {name for parameter in command.params for name in parameter.opts}
    assert "--json" in options
    for parameter in command.params:
        if not parameter.opts[0].startswith("-"):
            continue
        assert parameter.help, parameter.opts
        assert all(re.fullmatch(r"--[a-z0-9]+(-[a-z0-9]+)*|-[a-z]", name) for name in parameter.opts)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_line_in_the_table_is_one_short_sentence(words: tuple[str, ...]) -> None:
    noun = own_nouns()[words[0]]
    line = noun.verbs[words[1]] if len(words) > 1 else noun.help
    assert line.endswith(".")
    assert len(line) <= 75
    assert find(words).help, "the function's docstring is the help"


def test_every_module_of_a_command_is_in_the_table() -> None:
    from pathlib import Path

    import bondstore.cli

    folder = Path(bondstore.cli.__file__).parent
    modules = [path for path in folder.glob("*/*.py") if not path.stem.startswith("_")]
    written = {(path.parent.name, path.stem.replace("_", "-")) for path in modules}
    assert written <= set(COMMANDS) | {(name, "guided") for name, noun in own_nouns().items() if noun.guided}


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_an_unknown_option_ends_with_2(words: tuple[str, ...], cli: Call) -> None:
    result = cli(*words, "--no-such-option", "--json")
    assert result.code == 2
    assert result.records[-1]["kind"] == "error"


@pytest.mark.parametrize(
    ("words", "now"),
    [
        (("beiwe", "export", "out", "--form", "csv"), "--format"),
        (("beiwe", "read", "--form=csv"), "--format"),
        (("ocean", "qc", "in", "out", "--form", "both"), "--format"),
        (("ocean", "plot", "in", "--form", "svg"), "--format"),
        (("screenlake", "process", "in", "out", "--form", "parquet"), "--format"),
        (("aws", "template", "--form", "cloudformation"), "--format"),
        (("audit", "show", "--key", "CHUNKED_DATA/"), "--prefix"),
        (("participants", "sync", "form.csv", "--key", "Vessel number"), "--key-column"),
    ],
)
def test_an_option_of_an_earlier_name_is_answered_with_its_present_one(
    words: tuple[str, ...], now: str, cli: Call
) -> None:
    result = cli(*words)
    earlier = next(word.partition("=")[0] for word in words if word.startswith("--"))
    assert result.code == 2
    assert result.out == ""
    assert f"Error: {earlier} is called {now} now.\n" in result.err
