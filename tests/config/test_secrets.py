from __future__ import annotations

import contextlib
import copy
import io
import os
import pickle
import pty
import sys
import traceback
from pathlib import Path

import keyring
import keyring.backend
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.config import secrets
from bondstore.config.secrets import Secret, SecretRef
from bondstore.errors import BondstoreError, ConfigurationError, CredentialsError
from tests.homes import Home

CANARY = "canary-9f3a-secret-value"


def test_a_secret_shows_nowhere() -> None:
    secret = Secret(CANARY)
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>10}",
        f"{secret!r}",
        repr([secret]),
        repr({"a": secret}),
    ]
    assert not any(CANARY in text for text in shown)
    assert str(secret) == "***"
    assert secret.reveal() == CANARY
    assert len(secret) == len(CANARY)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_secret_is_never_pickled(protocol: int) -> None:
    with pytest.raises(TypeError, match="never pickled") as caught:
        pickle.dumps({"deep": [Secret(CANARY)]}, protocol)
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_a_secret_is_compared_by_value_and_copied_as_itself() -> None:
    secret = Secret(CANARY)
    assert secret == Secret(CANARY)
    assert secret != Secret("other")
    assert secret != CANARY
    assert copy.deepcopy([secret])[0] is secret
    with pytest.raises(TypeError):
        hash(secret)


@pytest.mark.parametrize(
    "text", ["env:LAB_KEY", "file:/run/secrets/key", "keyring:bondstore/lab", "prompt:", "prompt:Key"]
)
def test_references_read_back_as_they_are_written(text: str) -> None:
    ref = SecretRef.parse(text)
    assert str(ref) == text
    assert SecretRef.parse(str(ref)) == ref
    assert pickle.loads(pickle.dumps(ref)) == ref


@pytest.mark.parametrize(
    "text", [CANARY, f"literal:{CANARY}", f"env:{CANARY}", f"keyring:{CANARY}", "file:", "", ":", f"http://{CANARY}"]
)
def test_what_is_no_reference_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SecretRef.parse(text)
    assert CANARY not in str(caught.value)
    assert "env:NAME" in str(caught.value)


@given(st.text())
def test_no_text_makes_the_parser_fail_in_another_way(text: str) -> None:
    try:
        ref = SecretRef.parse(text)
    except BondstoreError:
        return
    assert SecretRef.parse(str(ref)) == ref


def test_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", CANARY)
    assert SecretRef.parse("env:LAB_KEY").resolve() == Secret(CANARY)
    monkeypatch.setenv("LAB_KEY", "")
    with pytest.raises(CredentialsError, match="LAB_KEY is not set"):
        SecretRef.parse("env:LAB_KEY").resolve()


def test_file_of_its_owner(home: Home) -> None:
    path = home.secret_file(f"{CANARY}\n")
    assert SecretRef.parse(f"file:{path}").resolve().reveal() == CANARY
    path.chmod(0o400)
    assert SecretRef.parse(f"file:{path}").resolve().reveal() == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o602, 0o610])
def test_file_that_others_can_reach_is_refused(home: Home, mode: int) -> None:
    path = home.secret_file(CANARY, mode)
    with pytest.raises(CredentialsError, match=f"mode {mode:04o}") as caught:
        SecretRef.parse(f"file:{path}").resolve()
    assert f"chmod 600 '{path}'" in str(caught.value)
    assert CANARY not in str(caught.value)


def test_files_that_are_no_secret(home: Home) -> None:
    with pytest.raises(CredentialsError, match="cannot be read"):
        SecretRef.parse(f"file:{home.path / 'missing'}").resolve()
    with pytest.raises(CredentialsError, match="not a regular file"):
        SecretRef.parse(f"file:{home.path}").resolve()
    with pytest.raises(CredentialsError, match="empty"):
        SecretRef.parse(f"file:{home.secret_file('')}").resolve()
    with pytest.raises(CredentialsError, match="too large"):
        SecretRef.parse(f"file:{home.secret_file('x' * 70_000)}").resolve()
    binary = home.path / "binary"
    binary.write_bytes(b"canary\xff\xfe")
    binary.chmod(0o600)
    with pytest.raises(CredentialsError, match="not UTF-8") as caught:
        SecretRef.parse(f"file:{binary}").resolve()
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    pipe = home.path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(CredentialsError, match="not a regular file"):
        SecretRef.parse(f"file:{pipe}").resolve()


def test_relative_paths_become_absolute(home: Home) -> None:
    assert SecretRef.parse("file:key").place == str(home.project / "key")
    assert SecretRef.parse("file:key", base=home.path).place == str(home.path / "key")
    assert SecretRef.parse("file:~/key").place == str(home.path / "key")


class _Memory(keyring.backend.KeyringBackend):
    """A real keyring backend that lives in memory: no desktop runs here."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_keyring(home: Home) -> None:
    before = keyring.get_keyring()
    keyring.set_keyring(_Memory())
    try:
        with pytest.raises(CredentialsError, match="holds nothing") as caught:
            SecretRef.parse("keyring:bondstore/lab").resolve()
        assert caught.value.hint == "Run: keyring set bondstore lab"
        keyring.set_password("bondstore", "lab", CANARY)
        assert SecretRef.parse("keyring:bondstore/lab").resolve().reveal() == CANARY
    finally:
        keyring.set_keyring(before)


def test_prompt_without_a_terminal_never_waits(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("typed\n"))
    with pytest.raises(CredentialsError, match="no terminal"):
        SecretRef.parse("prompt:").resolve()


def test_prompt_is_asked_once_per_process(home: Home) -> None:
    """In a child process on a real terminal: the answer is not echoed, and not asked for twice."""
    code = (
        "from bondstore.config.secrets import SecretRef\n"
        "ref = SecretRef.parse('prompt:Key of the study')\n"
        "print('same', ref.resolve() == ref.resolve(), len(ref.resolve()))\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    told = b""
    while b"Key of the study: " not in told:
        told += os.read(terminal, 1000)
    os.write(terminal, CANARY.encode() + b"\n")
    with contextlib.suppress(OSError):  # the terminal's end reads as an error
        while part := os.read(terminal, 1000):
            told += part
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert f"same True {len(CANARY)}".encode() in told
    assert told.count(b"Key of the study") == 1
    assert CANARY.encode() not in told


def test_what_is_remembered_is_not_asked_for(home: Home) -> None:
    ref = SecretRef.parse("prompt:Key")
    secrets.remember(ref, CANARY)
    assert ref.resolve().reveal() == CANARY
    assert secrets.remembered() == {ref: Secret(CANARY)}
    secrets.forget()
    assert secrets.remembered() == {}


def test_redact_blanks_out_what_was_seen(home: Home) -> None:
    Secret(CANARY)
    assert secrets.redact(f"before {CANARY} after") == "before *** after"
    Secret("ab")
    assert secrets.redact("about") == "about", "short values must not blank out words"


def test_no_secret_in_a_traceback(home: Home) -> None:
    path: Path = home.secret_file(CANARY)

    def use() -> None:
        secret = SecretRef.parse(f"file:{path}").resolve()
        raise RuntimeError(f"with {secret}")

    with pytest.raises(RuntimeError) as caught:
        use()
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "secret = ***" in told
    assert CANARY not in told
