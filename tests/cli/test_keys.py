"""``bondstore keys``."""

from __future__ import annotations

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
    assert [(one["name"], one["yours"], one["signs"]) for one in shown] == [("anna", True, True)]
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
    assert cli(*add, "--fingerprint", made.records[0]["fingerprint"]).code == 0
    shown = cli("keys", "show", "berta", "--json").records
    assert [(one["name"], one["yours"], one["signs"]) for one in shown] == [("berta", False, True)]
    assert shown[0]["fingerprint"] == made.records[0]["fingerprint"]


def test_what_cannot_be(cli: Call, home: Home, reference: str, tmp_path: Path) -> None:
    literal = cli("keys", "new", "anna", "--passphrase", PASSPHRASE)
    assert literal.code == 2
    assert PASSPHRASE not in literal.err
    assert cli("keys", "new", "anna").code == 4  # no terminal to ask on
    assert cli("keys", "new", "an na", "--passphrase", reference).code != 0
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
    child = pexpect.spawn(sys.executable, line, env={**os.environ, "TERM": "dumb"}, timeout=30, encoding="utf-8")
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
