"""A vault is verified while an upload goes on, and after it was killed: what has arrived."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from tests.cli.conftest import Call
from tests.homes import Home

PASSPHRASE = "lantern over quiet water"
DYING = """
import os, signal, sys
from bondstore.cli.main import run
from bondstore.vault.uploading import PutObjects
from bondstore.stores.journal import Journal
PutObjects.number = 1
add, count, how = Journal.add, [], sys.argv.pop(1)
def dying(self, part):
    add(self, part)
    count.append(part)
    if len(count) == 2:
        print("here", flush=True)
        if how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        sys.stdin.read()
Journal.add = dying
run(sys.argv[1:])
"""


@pytest.fixture
def put(home: Home, cli: Call, tmp_path: Path, s3_environment: str) -> tuple[str, ...]:
    """The words of an upload of two small files and, the last one, a large one."""
    secret, source, rng = tmp_path / "passphrase", tmp_path / "source", random.Random(3)
    secret.write_text(PASSPHRASE)
    secret.chmod(0o600)
    source.mkdir()
    for name, size in {"a.edf": 1000, "b.edf": 2000, "z.avi": 26_000_000}.items():
        (source / name).write_bytes(rng.randbytes(size))
    assert cli("keys", "new", "anna", "--passphrase", f"file:{secret}").code == 0
    url = f"{s3_environment}/vault"
    return ("put", str(source), url, "--seal-for", "anna", "--passphrase", f"file:{secret}", "--yes", "--jobs", "1")


def found(cli: Call, url: str, *words: str) -> tuple[int, list[tuple[str, str]]]:
    result = cli("verify", url, *words, "--json")
    rows = [(row["finding"], row["key"]) for row in result.records if row["kind"] == "finding"]
    return result.code, sorted(rows)


def stopped(put: tuple[str, ...], how: str) -> subprocess.Popen[bytes]:
    """Start the upload, and wait until the large file's second part has arrived: there it stays, or is killed."""
    line = [sys.executable, "-c", DYING, how, *put]
    process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"here\n"
    return process


HALF = [("arrived", "data/a.edf.c4gh"), ("arrived", "data/b.edf.c4gh"), ("unfinished", "data/z.avi.c4gh")]


@pytest.mark.parametrize("elsewhere", [False, True], ids=["on this machine", "on another one"])
@pytest.mark.parametrize("how", ["wait", "die"])
def test_what_has_arrived_is_told_and_waited_for(
    put: tuple[str, ...],
    cli: Call,
    how: str,
    elsewhere: bool,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    url = put[2]
    process = stopped(put, how)
    with monkeypatch.context() as patch:
        if elsewhere:
            patch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
        assert found(cli, url) == (8, HALF)
        assert found(cli, url, "--deep") == (8, HALF)
    if how == "wait":
        os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert cli(*put).code == 0
    assert found(cli, url, "--deep") == (0, [])


def test_what_arrived_and_was_changed_is_not_proved(put: tuple[str, ...], cli: Call) -> None:
    stopped(put, "die").communicate()
    store = open_store(store_spec(put[2]))
    whole = bytes(store.get("data/a.edf.c4gh").data)
    store.put("data/a.edf.c4gh", whole[:-1] + bytes([whole[-1] ^ 1]))
    assert found(cli, put[2]) == (8, HALF)  # the same size
    changed = sorted([("not-proved", "data/a.edf.c4gh"), *HALF[1:]])
    assert found(cli, put[2], "--deep") == (7, changed)
    store.put("data/a.edf.c4gh", whole[:-1])
    assert found(cli, put[2]) == (7, changed)
    store.put("data/foreign.c4gh", b"x")
    assert ("not-in-manifest", "data/foreign.c4gh") in found(cli, put[2])[1]
