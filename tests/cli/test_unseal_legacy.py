"""``bondstore unseal-legacy``: what it shows, how it ends, and that no passphrase is to be seen."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import psutil
import pytest

from bondstore.config import secrets
from tests.cli.conftest import Call
from tests.vault import contents
from tests.vault.contents import FILES
from tests.vault.rooms import AES, PASSPHRASE, Room, below, digest, tree

REF = ("--passphrase", "env:OLD_PASSPHRASE")
CANARY = "canary-of-2016-" + "".join(random.SystemRandom().choices("abcdefghijklmnopqrstuvwxyz", k=20))


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch, home: object) -> Iterator[None]:
    monkeypatch.setenv("OLD_PASSPHRASE", PASSPHRASE)
    yield
    secrets.forget()


@pytest.fixture
def room(home: object, tmp_path: Path) -> Room:
    (tmp_path / "sealed").mkdir()
    return Room(tmp_path / "sealed", tmp_path / "opened")


@pytest.fixture(scope="module")
def tar(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return contents.tar(tmp_path_factory.mktemp("tree"))


def test_archives_come_out_and_the_command_says_so(room: Room, tar: bytes, cli: Call) -> None:
    room.seal("P1.tar.enc", tar)
    room.seal("video.avi.enc", contents.avi(50_000), *AES)

    result = cli("unseal-legacy", str(room.source), str(room.dest), *REF, "--yes")

    assert result.code == 0
    assert "all is done" in result.out
    assert room.files() == {**below("P1.tar.files", FILES), "video.avi": digest(contents.avi(50_000))}


def test_exit_codes(room: Room, tar: bytes, cli: Call) -> None:
    def code(*words: str) -> int:
        return cli("unseal-legacy", str(room.source), str(room.dest), *REF, *words).code

    assert code() == 3  # nothing there
    room.seal("a.enc", tar, passphrase="another")
    assert code() == 4
    (room.source / "readme.txt").write_text("hello")
    assert code() == 5
    damaged = bytearray(room.seal("b.enc", contents.gzip.compress(tar)).read_bytes())
    damaged[-50] ^= 1
    (room.source / "b.enc").write_bytes(damaged)
    assert code() == 7
    assert code("--passphrase", "literal") == 2
    assert tree(room.dest) == {}


def test_a_plan_is_only_shown(room: Room, tar: bytes, cli: Call) -> None:
    room.seal("P1.tar.enc", tar)

    result = cli("unseal-legacy", str(room.source), str(room.dest), *REF, "--dry-run", "--json")

    assert (result.code, result.records[-1]["todo"]) == (0, 1)
    assert not room.dest.exists()


def test_json_has_the_findings_and_the_tally(room: Room, tar: bytes, cli: Call) -> None:
    room.seal("P1.tar.enc", tar[:5000])

    result = cli("unseal-legacy", str(room.source), str(room.dest), *REF, "--json")

    finding, tally = result.records
    assert (finding["finding"], finding["key"], tally["quarantined"]) == ("stops-early", "P1.tar.enc", 1)


def test_the_run_is_shown_retried_and_verified(room: Room, tar: bytes, cli: Call) -> None:
    path = room.seal("P1.tar.enc", tar)
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    cli("unseal-legacy", str(room.source), str(room.dest), *REF)

    shown = cli("run", "show", "last", "--dest", str(room.dest))
    path.write_bytes(whole)
    retried = cli("run", "retry", "last", "--dest", str(room.dest))

    assert "stops-early" in shown.out
    assert retried.code == 0
    assert room.files() == below("P1.tar.files", FILES)
    assert cli("audit", "verify", "--dest", str(room.dest), "--files").code == 0


def test_without_a_reference_the_passphrase_is_asked_for(room: Room, tar: bytes) -> None:
    room.seal("P1.tar.enc", tar)
    words = ["-m", "bondstore", "unseal-legacy", str(room.source), str(room.dest), "--yes"]

    asking = pexpect.spawn(sys.executable, words, timeout=60, encoding="utf-8", use_poll=True)
    asking.expect("Passphrase of the archives: ")
    asking.sendline(PASSPHRASE)
    asking.expect(pexpect.EOF)

    asking.close()
    assert asking.exitstatus == 0
    assert PASSPHRASE not in asking.before
    assert room.files() == below("P1.tar.files", FILES)


def test_with_nobody_to_ask_it_says_where_a_passphrase_may_be(room: Room, tar: bytes, shell: Call) -> None:
    room.seal("P1.tar.enc", tar)

    result = shell("unseal-legacy", str(room.source), str(room.dest))

    assert result.code == 4
    assert "file:/path" in result.err
    assert not room.dest.exists()


def test_a_passphrase_is_nowhere_to_be_seen(room: Room, tar: bytes, home: object, tmp_path: Path) -> None:
    for number in range(4):
        room.seal(f"{number}.tar.enc", tar + bytes(4 << 20), *AES, passphrase=CANARY)
    room.seal("other.enc", tar, passphrase="another")
    kept = tmp_path / "kept"
    kept.write_text(CANARY)
    kept.chmod(0o600)
    words = (
        "unseal-legacy",
        str(room.source),
        str(room.dest),
        "--passphrase",
        f"file:{kept}",
        "--jobs",
        "2",
        "--debug",
    )

    process = subprocess.Popen(
        [sys.executable, "-m", "bondstore", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    lines: set[str] = set()
    while process.poll() is None:
        for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
            try:
                lines.update((*one.cmdline(), *one.environ().values()))
            except psutil.Error:
                continue
        time.sleep(0.02)
    out, err = process.communicate()

    assert process.returncode == 5, err
    assert lines
    assert not any(CANARY in line for line in lines)
    assert CANARY.encode() not in out + err
    kept.unlink()
    for base, _, names in os.walk(tmp_path):
        for name in names:
            assert CANARY.encode() not in (Path(base) / name).read_bytes(), name


# Killed


def start(room: Room) -> subprocess.Popen[bytes]:
    words = ("unseal-legacy", str(room.source), str(room.dest), *REF, "--yes", "--json")
    return subprocess.Popen(
        [sys.executable, "-m", "bondstore", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.slow
def test_killed_at_any_instant_and_run_again(room: Room, tar: bytes, cli: Call, tmp_path: Path) -> None:
    for number in range(4):
        room.seal(f"{number}.tar.enc", tar + bytes(3 << 20))
        room.seal(f"{number}.avi.enc", contents.avi(3 << 20), *AES)
    undisturbed = Room(room.source, tmp_path / "undisturbed")
    began = time.monotonic()
    assert start(undisturbed).wait() == 0
    took, instants, landed = time.monotonic() - began, random.Random(14), 0
    for _ in range(8):
        process = start(room)
        time.sleep(instants.uniform(0.3, 1) * took)
        process.kill()
        landed += process.wait() == -signal.SIGKILL
        shown, whole = tree(room.dest), tree(undisturbed.dest)
        assert shown.items() <= whole.items()  # what is to be seen is whole

    assert start(room).wait() == 0

    assert landed
    assert tree(room.dest) == tree(undisturbed.dest)
    assert not list((room.dest / ".bondstore").glob("tmp*"))
    assert cli("audit", "verify", "--dest", str(room.dest), "--files").code == 0
