from __future__ import annotations

import contextlib
import os
import pty
import sys

import pytest

from bondstore.cli.questions import complain, confirm
from bondstore.errors import NotFoundError, UsageError


def test_yes_needs_no_terminal() -> None:
    confirm("Sure?", yes=True)


def test_without_a_terminal_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(UsageError, match="--yes"):
            confirm("Sure?")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("Yes", 0), ("n", 130), ("", 130), ("yess", 130)])
def test_on_a_terminal_only_yes_is_yes(answer: str, code: int) -> None:
    words = [sys.executable, "-c", "import sys\nfrom bondstore.cli.questions import confirm\n"
             "from bondstore.errors import Interrupted\n"
             "try: confirm('Remove all?')\nexcept Interrupted: sys.exit(130)"]  # fmt: skip
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, words)
    told = b""
    while b"[y/N] " not in told:
        told += os.read(terminal, 1000)
    os.write(terminal, answer.encode() + b"\n")
    with contextlib.suppress(OSError):
        while os.read(terminal, 1000):
            pass
    os.close(terminal)
    assert b"Remove all?" in told
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code


def test_a_name_in_a_complaint_begins_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    complain(NotFoundError("There is no a\nResults: b.", hint="Name c\r\x1b[2J."))
    assert capsys.readouterr().err == "  ! There is no a\\nResults: b. Name c\\r\\x1b[2J.\n"
