from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from bondstore.cli.main import main
from tests.homes import home

__all__ = ["home"]


@dataclass(frozen=True)
class Result:
    """What a line on the command line gave."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Result]


@pytest.fixture
def cli(home: object, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command in this process."""

    def call(*words: str) -> Result:
        code = main(list(words))
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def shell(home: object) -> Call:
    """Run a command as a process of its own, away from any terminal."""

    def call(*words: str, **settings: str) -> Result:
        done = subprocess.run(
            [sys.executable, "-m", "bondstore", *words],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=os.environ | settings,
            timeout=60,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return call
