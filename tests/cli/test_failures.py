from __future__ import annotations

import inspect
import json
import logging
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


STEERING = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]))
"""C0 and C1 control characters (ECMA-48), and those that turn the direction of text (Unicode, UAX 9)."""


def test_a_key_in_an_error_neither_steers_the_terminal_nor_begins_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    failures.report(BondstoreError(f"There is no a{STEERING}b.", hint=f"Look at c{STEERING}d."), as_json=True)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert [line[:7] for line in lines] == ["Error: ", "Hint: L"]
    assert all(line.isprintable() for line in lines)
    assert "\\x9b" in lines[0]
    assert "\\u202e" in lines[1]
    assert captured.out.isascii()
    assert json.loads(captured.out)["message"] == f"There is no a{STEERING}b."


@pytest.mark.parametrize("wanted", [False, True])
def test_what_is_logged_does_not_steer_the_terminal_either(wanted: bool, capsys: pytest.CaptureFixture[str]) -> None:
    before = logging.getLogger("bondstore").handlers
    try:
        failures.show_details(wanted=wanted)
        try:
            raise ValueError(f"a{STEERING}b")  # noqa: TRY301 - for its traceback
        except ValueError:
            logging.getLogger("bondstore.test").warning("Not %s.", f"a{STEERING}b", exc_info=wanted)
        failures.report(KeyError(f"c{STEERING}"), debug=wanted)
    finally:
        logging.getLogger("bondstore").handlers = before
    told = capsys.readouterr().err
    assert told.startswith("WARNING bondstore.test: Not a\\x00" if wanted else "Not a\\x00")
    assert told.split("\n")[0].endswith("b.")
    assert "\\x9b" in told
    assert all(line.isprintable() for line in told.split("\n"))
    assert ("Traceback" in told) is wanted


def test_a_hostile_name_on_a_command_line_is_shown_as_what_it_is(cli: Call) -> None:
    done = cli("beiwe", "ls", "--store", f"file:///no/{STEERING[1:]}/folder", "--study", "5873fe38644ad7557b168e43")
    assert done.code == 3
    assert done.err.count("\n") == 2
    assert all(line.isprintable() for line in done.err.split("\n"))


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


@pytest.mark.parametrize(("words", "code"), [("--version", 0), ("no-such-noun", 2)])
def test_a_thread_in_foreign_frames_cannot_change_how_the_program_ends(words: str, code: int) -> None:
    """As the interpreter is taken down, such a thread would abort the program; so what its modules hold stays whole."""
    script = (
        "import atexit, os, sys\n"
        "class Held:\n"
        "    def __del__(self, write=os.write): write(1, b'taken down')\n"
        "sys.held = Held()\n"
        "from bondstore.__main__ import main\n"
        "class Late:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'bondstore.cli.lazy': atexit.register(print, 'cleared up')\n"
        "sys.meta_path.insert(0, Late())\n"
        f"sys.argv = ['bondstore', '{words}']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert done.stdout.splitlines()[-1] == "cleared up"
    assert "taken down" not in done.stdout
