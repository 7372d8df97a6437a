"""A home folder and a current folder of its own for a test, without any setting of anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bondstore.config import secrets
from tests.environment import use_own_environment


@dataclass(frozen=True)
class Home:
    """Where a test's settings lie."""

    path: Path
    project: Path

    @property
    def user_file(self) -> Path:
        return self.path / "config" / "bondstore" / "config.toml"

    def write_user(self, text: str) -> Path:
        self.user_file.parent.mkdir(parents=True, exist_ok=True)
        self.user_file.write_text(text)
        return self.user_file

    def write_project(self, text: str) -> Path:
        path = self.project / "bondstore.toml"
        path.write_text(text)
        return path

    def write_aws(self, credentials: str = "", config: str = "") -> None:
        folder = self.path / ".aws"
        folder.mkdir(exist_ok=True)
        (folder / "credentials").write_text(credentials)
        (folder / "credentials").chmod(0o600)
        (folder / "config").write_text(config)

    def secret_file(self, value: str, mode: int = 0o600) -> Path:
        path = self.path / "secret"
        path.write_text(value)
        path.chmod(mode)
        return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A fresh home, with the project's folder as the current one."""
    made = Home(tmp_path / "home", tmp_path / "project")
    made.path.mkdir()
    made.project.mkdir()
    use_own_environment(monkeypatch, made.path)
    monkeypatch.chdir(made.project)
    secrets.forget()
    return made
