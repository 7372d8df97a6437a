"""Places on a command line: what is empty, is none for a slip, or ends with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bondstore.cli.main import build
from bondstore.cli.table import commands
from demo import phones
from tests.cli.conftest import Call
from tests.homes import Home
from tests.oceanlab import dive_on

PLACES = re.compile(r"CSV|DEST|DIR\b|EVENT|FILE|FOLDER|PATH|SRC|STORE|TOML|URL")


def with_one(words: tuple[str, ...], text: str) -> list[tuple[str, ...]]:
    """Return a command with each of its places given as a text, one after the other; what else it needs is there."""
    command = build()
    for word in words:
        command = command.load(word)
    lines = []
    for asked in command.params:
        if not PLACES.search(asked.metavar or ""):
            continue
        line = list(words)
        for one in command.params:  # arguments come in their order
            if one.required or one is asked:
                value = text if one is asked else "x"
                line += [value] if one.param_type_name == "argument" else [one.opts[0], value]
        lines.append(tuple(line))
    return lines


LINES = [line for words in commands() for line in with_one(words, "")]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_an_empty_place_is_refused(line: tuple[str, ...], cli: Call, home: Home) -> None:
    for empty in ("", "  "):
        result = cli(*(word or empty for word in line))
        assert result.code == 2, result.err
        assert "is given, and is empty" in result.err
    assert list(home.project.iterdir()) == []


@pytest.mark.parametrize(
    "line",
    [line for words in commands() for line in with_one(words, "memory://x") if "profile" not in words],
    ids=" ".join,
)
def test_what_ends_with_the_program_is_no_place(line: tuple[str, ...], cli: Call) -> None:
    result = cli(*line)
    assert result.code == 2, result.err
    assert "gone when the program ends" in result.err


def test_no_hint_names_what_ends_with_the_program(cli: Call) -> None:
    for line in (("ocean", "qc", "gs://x", "out"), ("profile", "add", "x", "--url", "gs://x")):
        result = cli(*line)
        assert result.code in (2, 4)
        assert "memory" not in result.err


@pytest.mark.parametrize(
    "line",
    [
        ("beiwe", "export", "s3:/res3/x", "--store", "s3://lab", "--study", "s", "--key", "env:K"),
        ("beiwe", "ls", "--store", "s3:/res3/x", "--study", "s"),
        ("beiwe", "reconcile", "--rebuild", "s3:/res3/x", "--store", "s3://lab", "--study", "s", "--key", "env:K"),
        ("ocean", "qc", "s3:/res3/x", "out"),
        ("ocean", "qc", "./in", "s3:/res3/x"),
        ("ocean", "plot", "s3:/res3/x"),
        ("ocean", "show", "s3:/res3/x"),
        ("screenlake", "process", "s3:/res3/x", "out"),
        ("screenlake", "process", "./in", "s3:/res3/x"),
        ("screenlake", "review", "s3:/res3/x"),
        ("release", "list", "s3:/res3/x"),
        ("release", "publish", "s3://public", "--from", "s3:/res3/x"),
        ("participants", "sync", "s3:/res3/x"),
        ("watch", "s3:/res3/x", "--once"),
        ("run", "list", "--dest", "s3:/res3/x"),
        ("audit", "verify", "--dest", "s3:/res3/x"),
    ],
    ids=" ".join,
)
def test_one_slash_is_a_slip(line: tuple[str, ...], cli: Call, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "x")
    result = cli(*line)
    assert result.code == 2, result.err
    assert "Write s3://res3/x." in result.err
    assert list(home.project.iterdir()) == []


def test_a_slip_with_a_secret_in_it_is_not_repeated(cli: Call) -> None:
    result = cli("beiwe", "ls", "--store", "s3:/user:canary@bucket", "--study", "s")
    assert result.code == 2
    assert "canary" not in result.out + result.err


@pytest.mark.parametrize("text", ["gs:/x", "backup:/x/y"])
def test_any_word_with_one_slash_is_a_slip(text: str, cli: Call, home: Home) -> None:
    result = cli("ocean", "qc", "./in", text)
    assert result.code == 2
    assert "s3://BUCKET/PREFIX" in result.err
    assert list(home.project.iterdir()) == []


@pytest.mark.parametrize("name", ["src", "./src", "../project/src", ".src", "a b"])
def test_a_source_is_a_folder_by_any_name_of_it(name: str, cli: Call, home: Home) -> None:
    folder = home.project / name
    for line in (("ocean", "qc", name, "out", "--dry-run"), ("screenlake", "panelists", name)):
        gone = cli(*line)
        assert gone.code == 3
        assert f"There is no folder {folder.resolve()}." in gone.err
    folder.write_bytes(b"a file")
    file = cli("ocean", "qc", name, "out", "--dry-run")
    assert file.code == 3
    assert f"{folder.resolve()} is no folder." in file.err
    folder.unlink()
    Path(folder).mkdir()
    (folder / "dive.csv").write_bytes(dive_on("20240511"))
    zipped = phones.one(phones.Shape(panelists=1, zips=1, screenshots=1, restricted=0, rows=1), 0, 0)
    (folder / zipped.key).parent.mkdir(parents=True, exist_ok=True)
    (folder / zipped.key).write_bytes(zipped.data)
    for line in (
        ("ocean", "qc", name, "out", "--dry-run"),
        ("screenlake", "panelists", name),
        ("screenlake", "process", name, "out", "--redact", "none", "--dry-run"),
    ):
        found = cli(*line)
        assert found.code == 0, found.err


@pytest.mark.parametrize(
    "line",
    [
        ("beiwe", "export", "DEST", "--store", "./in", "--study", "s", "--key", "env:K"),
        ("beiwe", "reconcile", "--rebuild", "DEST", "--store", "./in", "--study", "s", "--key", "env:K"),
        ("ocean", "qc", "in", "DEST"),
        ("ocean", "plot", "in", "DEST"),
        ("screenlake", "process", "in", "DEST", "--redact", "none"),
        ("screenlake", "review", "DEST"),
        ("release", "publish", "DEST", "--from", "./in"),
    ],
    ids=" ".join,
)
def test_where_another_destination_keeps_its_record_is_none(line: tuple[str, ...], cli: Call, home: Home) -> None:
    inside = home.project / "n1" / ".bondstore"
    inside.mkdir(parents=True)
    (home.project / "in").mkdir()
    (home.project / "link").symlink_to(inside)
    places = [
        "./n1/.bondstore",
        "./n1/.bondstore/quarantine",
        "./link/x",
        "s3://b/nest/.bondstore",
        "az://c/.bondstore/x",
    ]
    for place in places:
        result = cli(*(place if word == "DEST" else word for word in line))
        assert result.code == 6, result.err
        assert "another destination keeps its record" in result.err
    assert list(inside.iterdir()) == []
