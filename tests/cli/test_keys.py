"""``bondstore keys``."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import Call
from tests.homes import Home

PASSPHRASE = "lantern over quiet water"


@pytest.fixture
def reference(tmp_path: Path) -> str:
    file = tmp_path / "passphrase"
    file.write_text(PASSPHRASE + "\n")
    file.chmod(0o600)
    return f"file:{file}"


def test_new_show_trust(cli: Call, home: Home, reference: str, tmp_path: Path) -> None:
    made = cli("keys", "new", "anna", "--passphrase", reference, "--json")
    assert made.code == 0
    assert made.records[0]["public"] == str(home.user_file.parent / "keys" / "anna.pub")
    shown = cli("keys", "show", "--json").records
    assert [(one["name"], one["yours"], one["signs_as"]) for one in shown] == [
        ("anna", True, made.records[0]["signs_as"])
    ]
    elsewhere = {"public": tmp_path / "b.pub", "signing": tmp_path / "b.sign.pub"}
    for kind, ending in (("public", ".pub"), ("signing", ".sign.pub")):
        (home.user_file.parent / "keys" / f"anna{ending}").rename(elsewhere[kind])
    (home.user_file.parent / "keys" / "anna.sec").unlink()
    add = ("keys", "trust", "berta", str(elsewhere["public"]), "--signing", str(elsewhere["signing"]))
    assert cli(*add).code == 2  # nobody is there to compare
    assert cli(*add, "--dry-run", "--json").records[0]["trusted"] is False
    wrong = cli(*add, "--fingerprint", "SHA256:abc", "--yes")
    assert wrong.code == 7
    assert "not the one that you gave" in wrong.err
    assert cli("keys", "show").out == ""
    told = ("--fingerprint", made.records[0]["fingerprint"])
    assert cli(*add, *told).code == 2  # nobody compared the key for signatures
    wrong = cli(*add, *told, "--signing-fingerprint", told[1], "--yes")
    assert wrong.code == 7
    assert f"{elsewhere['signing']} is {made.records[0]['signs_as']}, not the one that you gave" in wrong.err
    assert cli("keys", "show").out == ""
    assert cli(*add, *told, "--signing-fingerprint", made.records[0]["signs_as"]).code == 0
    shown = cli("keys", "show", "berta", "--json").records
    assert [(one["name"], one["yours"], one["signs_as"]) for one in shown] == [
        ("berta", False, made.records[0]["signs_as"])
    ]
    assert shown[0]["fingerprint"] == made.records[0]["fingerprint"]


def test_fingerprints_are_those_of_the_files(cli: Call, home: Home, reference: str) -> None:
    """SHA-256 of the 32 bytes of the public key, in base64: of a PEM file they are its last ones."""
    made = cli("keys", "new", "anna", "--passphrase", reference, "--json").records[0]
    for ending, name in ((".pub", "fingerprint"), (".sign.pub", "signs_as")):
        lines = (home.user_file.parent / "keys" / f"anna{ending}").read_text().splitlines()
        raw = base64.b64decode("".join(lines[1:-1]))[-32:]
        assert made[name] == "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def test_another_key_for_signatures_does_not_take_the_place_of_one(
    cli: Call, home: Home, reference: str, tmp_path: Path
) -> None:
    for name in ("anna", "berta"):
        assert cli("keys", "new", name, "--passphrase", reference).code == 0
    for file in (home.user_file.parent / "keys").glob("*.pub"):
        file.rename(tmp_path / file.name)
    add = ("keys", "trust", "anna", str(tmp_path / "anna.pub"), "--yes", "--signing")
    assert cli(*add, str(tmp_path / "anna.sign.pub")).code == 0
    other = cli(*add, str(tmp_path / "berta.sign.pub"))
    assert other.code == 2
    assert "anna is the name of another key" in other.err


def test_what_cannot_be(cli: Call, home: Home, reference: str, tmp_path: Path) -> None:
    literal = cli("keys", "new", "anna", "--passphrase", PASSPHRASE)
    assert literal.code == 2
    assert PASSPHRASE not in literal.err
    assert cli("keys", "new", "anna").code == 4  # no terminal to ask on
    odd = cli("keys", "new", "an na", "--passphrase", reference)
    assert odd.code == 2
    assert "A key's name is" in odd.err
    assert cli("keys", "show", "nobody").code == 3
    assert cli("keys", "trust", "berta", str(tmp_path / "missing.pub"), "--yes").code == 3
    (tmp_path / "other.pub").write_text("ssh-ed25519 AAAA anna\n")
    other = cli("keys", "trust", "berta", str(tmp_path / "other.pub"), "--yes")
    assert other.code == 4
    assert "not a Crypt4GH key" in other.err
    assert not list(home.user_file.parent.rglob("*.sec"))
    assert cli("keys", "new", "anna", "--passphrase", reference).code == 0
    again = cli("keys", "new", "anna", "--passphrase", reference)
    assert again.code == 2
    assert "already" in again.err


def asked(home: Home, second: str) -> tuple[int | None, str]:
    line = ["-m", "bondstore", "keys", "new", "anna"]
    child = pexpect.spawn(
        sys.executable, line, env={**os.environ, "TERM": "dumb"}, timeout=30, encoding="utf-8", use_poll=True
    )
    child.expect("New passphrase for anna")
    child.sendline(PASSPHRASE)
    child.expect("The same passphrase again")
    child.sendline(second)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before or ""


def test_a_passphrase_is_asked_for_twice_and_not_shown(home: Home) -> None:
    code, said = asked(home, "lantern over quiet sand")
    assert code == 2
    assert "differ" in said
    assert not list(home.user_file.parent.rglob("*.sec"))
    code, said = asked(home, PASSPHRASE)
    assert code == 0
    assert PASSPHRASE not in said
    assert (home.user_file.parent / "keys" / "anna.sec").exists()
