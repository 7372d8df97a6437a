from __future__ import annotations

import inspect
import json
import subprocess
import sys

import pytest

from bondstore import errors
from bondstore.cli import failures
from bondstore.cli.main import main
from bondstore.config.secrets import Secret
from bondstore.errors import BondstoreError, Exit
from tests.cli.conftest import Call

ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, BondstoreError)]
CANARY = "canary-in-a-message-4f"


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_ends_with_its_own_code(
    kind: type[BondstoreError], capsys: pytest.CaptureFixture[str]
) -> None:
    code = failures.report(kind("What happened.", hint="What to do."), as_json=True)
    assert code == int(kind.exit_code)
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-2].endswith("What happened.")
    assert captured.err.splitlines()[-1] == "Hint: What to do."
    assert json.loads(captured.out) == {
        "kind": "error", "type": kind.__name__, "message": "What happened.", "hint": "What to do.", "exit": code,
    }  # fmt: skip


def test_the_documented_exit_codes() -> None:
    assert {code.name: int(code) for code in Exit} == {
        "DONE": 0, "UNEXPECTED": 1, "USAGE": 2, "NOT_FOUND": 3, "CONFIGURATION": 4, "INCOMPLETE": 5, "REFUSED": 6,
        "INTEGRITY": 7, "WAITING": 8, "INTERRUPTED": 130,
    }  # fmt: skip


def test_an_unexpected_error_shows_its_class_only(capsys: pytest.CaptureFixture[str]) -> None:
    code = failures.report(KeyError(CANARY), as_json=True)
    captured = capsys.readouterr()
    assert code == 1
    assert "KeyError" in captured.err
    assert "--debug" in captured.err
    assert "Traceback" not in captured.err
    assert CANARY not in captured.out + captured.err


def test_debug_shows_the_traceback_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    Secret(CANARY)
    with pytest.raises(KeyError) as caught:
        {}[f"refused: {CANARY}"]
    failures.report(caught.value, debug=True)
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert "refused: ***" in told
    assert CANARY not in told


def test_an_errors_own_text_is_redacted_too(capsys: pytest.CaptureFixture[str]) -> None:
    Secret(CANARY)
    failures.report(BondstoreError(f"Server said {CANARY}.", hint=f"Not {CANARY}."), as_json=True)
    captured = capsys.readouterr()
    assert CANARY not in captured.out + captured.err


@pytest.mark.parametrize(
    ("args", "words", "debug"),
    [
        (["--debug", "doctor"], ["doctor"], True),
        (["doctor", "--debug"], ["doctor"], True),
        (["doctor"], ["doctor"], False),
        (["doctor", "--", "--debug"], ["doctor", "--", "--debug"], False),
    ],
)
def test_debug_stands_anywhere(args: list[str], words: list[str], debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BONDSTORE_DEBUG", raising=False)
    assert failures.take_debug(args) == (words, debug)


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["profil"], "no such command", "bondstore profile"),
        (["profile", "ad"], "no such command", "bondstore profile add"),
        (["profile", "add"], "Missing argument", "bondstore profile add --help"),
        (["profile", "list", "--jsn"], "No such option: --jsn", "bondstore profile list --help"),
        (["profile", "remove", "x", CANARY], "unexpected extra words", "bondstore profile remove --help"),
        (["profile", "add", "x", "--secret-key", CANARY], "by reference", "bondstore profile add --help"),
        (["doctor", f"--key={CANARY}"], "by reference", "bondstore doctor --help"),
    ],
)
def test_wrong_words_are_told_with_what_to_run(words: list[str], message: str, hint: str, cli: Call) -> None:
    for more in ([], ["--json"]):
        result = cli(*words, *more)
        assert result.code == 2
        assert message in result.err
        assert hint in result.err
        assert CANARY not in result.out + result.err
        assert (result.records[-1]["exit"] == 2) if more else not result.out


def test_ctrl_c_says_how_to_go_on(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bondstore.config.settings.list_profiles", interrupted)
    result = cli("profile", "list", "--json")
    assert result.code == 130
    assert "Run the same command again" in result.err
    assert result.records[-1]["type"] == "Interrupted"


def test_an_error_in_a_command_is_no_traceback(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError(CANARY)

    monkeypatch.setattr("bondstore.config.settings.list_profiles", broken)
    result = cli("profile", "list")
    assert (result.code, result.out) == (1, "")
    assert "ZeroDivisionError" in result.err
    assert "Traceback" not in result.err
    assert "Traceback" in cli("profile", "list", "--debug").err


def test_no_words_at_all_show_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Usage: bondstore" in captured.err


def test_ctrl_c_in_the_middle_of_an_import_is_an_interruption() -> None:
    broken = ImportError("as a module in C tells it")
    broken.__cause__ = KeyboardInterrupt()
    assert failures.describe(broken)[2] is Exit.INTERRUPTED
    assert failures.describe(ImportError("no such module"))[2] is Exit.UNEXPECTED


def test_ctrl_c_while_the_program_is_being_loaded_leaves_no_traceback() -> None:
    code = (
        "import sys\n"
        "class Stop:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'bondstore.cli.lazy': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\n"
        "from bondstore.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "Interrupted; nothing was done.\n")
