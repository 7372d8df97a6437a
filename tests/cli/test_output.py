from __future__ import annotations

import dataclasses
import json
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.cli import output
from bondstore.cli.output import Column
from bondstore.config.secrets import Secret, SecretRef
from bondstore.text import number_text


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    size: int


def test_text_is_a_table_with_aligned_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [Row("a", 5), Row("longer", 12345)]
    shown = output.display(rows, ("name", Column("size", right=True, show=number_text)))
    assert shown == 2
    assert capsys.readouterr().out == "name      size\na            5\nlonger  12,345\n"


def test_json_lines_have_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    output.display([Row("a", 5), {"kind": "x", "n": None}], ("name",), json=True)
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line) for line in lines] == [{"name": "a", "size": 5}, {"kind": "x", "n": None}]


def test_nothing_is_said_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert output.display([], ("name",), empty="Nothing here.") == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "Nothing here.\n")
    output.display([], ("name",), json=True)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.mark.parametrize("as_json", [True, False])
def test_many_records_need_no_memory(as_json: bool, capsysbinary: object, monkeypatch: pytest.MonkeyPatch) -> None:
    class Sink:
        count = 0

        def write(self, text: str) -> int:
            Sink.count += text.count("\n")
            return len(text)

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("sys.stdout", Sink())
    tracemalloc.start()
    try:
        shown = output.display(({"key": f"key-{i}", "size": i} for i in range(50_000)), ("key", "size"), json=as_json)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shown == 50_000
    assert Sink.count == 50_000 + (not as_json)
    assert peak < 1_000_000


def test_rows_after_the_sample_are_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    names = ["short"] * (output.SAMPLE + 1) + ["x" * 300]
    output.display(({"name": name, "n": 1} for name in names), ("name", "n"))
    assert capsys.readouterr().out.splitlines()[-1] == "x" * 300 + "  1"


def test_wide_signs_keep_the_columns_straight(capsys: pytest.CaptureFixture[str]) -> None:
    output.display([{"name": "日本", "n": 1}, {"name": "abcd", "n": 2}], ("name", "n"))
    assert capsys.readouterr().out.splitlines()[1:] == ["日本  1", "abcd  2"]


def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.display([{"key": "a\x1b[2Jb\r\nc\u202e"}], ("key",))
    output.display_one({"key": "a\x1b]0;x\x07"})
    output.display_one({"k\x9b31m": ""})
    output.note("b\x1b[2J", "c\nError: no")
    captured = capsys.readouterr()
    assert captured.err == "b\\x1b[2J\nc\\nError: no\n"
    assert "\x1b" not in captured.out + captured.err
    assert "\u202e" not in captured.out
    assert "\x9b" not in captured.out
    assert captured.out.count("\n") == 4
    assert "a\\x1b[2Jb\\r\\nc\\u202e" in captured.out


@given(st.text())
def test_printable_leaves_nothing_that_is_not(text: str) -> None:
    assert output.printable(text).isprintable()


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.booleans()))
def test_json_reads_back(record: dict[str, object]) -> None:
    line = output.to_json(record)
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == record


def test_json_of_our_own_types() -> None:
    class Word(StrEnum):
        ONE = "one"

    record = {
        "at": datetime(2024, 1, 2, 3, tzinfo=timezone(timedelta(hours=2))),
        "path": Path("/x"),
        "word": Word.ONE,
        "ref": SecretRef("env", "X"),
        "secret": Secret("canary-value"),
        "row": Row("a", 1),
        "set": {"b", "a"},
    }
    assert json.loads(output.to_json({k: v for k, v in record.items() if k != "ref"})) == {
        "at": "2024-01-02T01:00:00Z",
        "path": "/x",
        "word": "one",
        "secret": "***",
        "row": {"name": "a", "size": 1},
        "set": ["a", "b"],
    }
    assert json.loads(output.to_json({"ref": record["ref"]}))["ref"] == "env:X"


def test_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    output.display_one({"kind": "x", "name": "a", "read_only": True, "none": None})
    assert capsys.readouterr().out == "name       a\nread only  yes\nnone\n"


def test_values_for_people() -> None:
    assert output.plain(datetime(2024, 1, 1, tzinfo=UTC)) == "2024-01-01 00:00:00Z"
    assert output.plain(["a", None, False]) == "a, , no"


def test_colours_follow_terminal_and_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert output.coloured(Terminal())  # type: ignore[arg-type]
    monkeypatch.setenv("NO_COLOR", "1")
    assert not output.coloured(Terminal())  # type: ignore[arg-type]
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not output.coloured(Terminal())  # type: ignore[arg-type]
