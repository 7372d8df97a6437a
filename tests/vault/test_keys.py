"""Pairs and trusted keys, held against OpenSSL's program and Crypt4GH's library."""

from __future__ import annotations

import base64
import hashlib
import os
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crypt4gh.keys import get_private_key, get_public_key

from bondstore.config.secrets import Secret
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    CredentialsError,
    NotFoundError,
    PolicyError,
    UsageError,
)
from bondstore.vault.keys import (
    find_recipient,
    key_folder,
    new_pair,
    open_own,
    read_recipient,
    read_signing,
    recipients,
    trust,
)

PASSPHRASE = "lantern over quiet water"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def secret() -> Secret:
    return Secret(PASSPHRASE)


def test_a_pair_is_what_crypt4gh_and_openssl_read(tmp_path: Path) -> None:
    anna = new_pair("anna", secret())
    key = open_own("anna", secret)
    folder = key_folder()
    assert get_public_key(folder / "anna.pub") == anna.public == key.private.public
    assert get_private_key(folder / "anna.sec", lambda: PASSPHRASE) == key.private.reveal()
    for name in ("anna.sec", "anna.pub", "anna.sign.pub"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    (tmp_path / "said").write_bytes(b"what was said")
    (tmp_path / "signature").write_bytes(key.sign(b"what was said"))
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", folder / "anna.sign.pub", "-rawin"]
    files = ["-in", tmp_path / "said", "-sigfile", tmp_path / "signature"]
    assert subprocess.run([*verify, *files], capture_output=True, check=False).returncode == 0
    (tmp_path / "said").write_bytes(b"what was not said")
    assert subprocess.run([*verify, *files], capture_output=True, check=False).returncode != 0
    assert anna.signed(b"what was said", key.sign(b"what was said"))
    assert not anna.signed(b"what was not said", key.sign(b"what was said"))
    assert not anna.signed(b"what was said", b"short")


def test_of_several_that_make_a_pair_of_one_name_one_does() -> None:
    """And its three files are of one pair."""

    def make(_: int) -> bool:
        start.wait()
        try:
            new_pair("anna", secret())
        except UsageError:
            return False
        return True

    start = threading.Barrier(6)
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(make, range(6))) == 1
    key = open_own("anna", secret)
    assert find_recipient("anna").public == key.private.public
    assert find_recipient("anna").signing == key.signing
    assert sorted(one.name for one in key_folder().iterdir()) == ["anna.pub", "anna.sec", "anna.sign.pub"]


def test_a_fingerprint_is_ssh_s_way_of_writing_a_sha_256() -> None:
    anna = new_pair("anna", secret())
    raw = base64.b64decode((key_folder() / "anna.pub").read_text().splitlines()[1])
    assert anna.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")


def test_keys_that_are_derived_differ_by_purpose_and_salt() -> None:
    new_pair("anna", secret())
    key = open_own("anna", secret)
    derived = {key.derive(salt, purpose) for salt in (b"", b"a", b"b") for purpose in (b"one", b"two")}
    assert len(derived) == 6
    assert open_own("anna", secret).derive(b"a", b"one") == key.derive(b"a", b"one")
    assert key.private.reveal() not in derived
    assert "***" in repr(key)


def test_a_key_is_never_overwritten() -> None:
    new_pair("anna", secret())
    before = {file: file.read_bytes() for file in key_folder().iterdir()}
    with pytest.raises(UsageError, match="There is a key anna already"):
        new_pair("anna", secret())
    assert {file: file.read_bytes() for file in key_folder().iterdir()} == before


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_private_key_that_others_can_read_is_refused(mode: int) -> None:
    new_pair("anna", secret())
    file = key_folder() / "anna.sec"
    file.chmod(mode)
    with pytest.raises(CredentialsError, match=rf"can be read by others \(mode {mode:04o}\).*chmod 600"):
        open_own("anna", secret)
    file.chmod(0o400)
    open_own("anna", secret)


@pytest.mark.parametrize("name", ["", "../anna", "a/b", "a b", "-a", ".", "a\n"])
def test_a_name_is_a_name(name: str) -> None:
    with pytest.raises(BondstoreError):
        new_pair(name, secret())
    assert not key_folder().exists() or not list(key_folder().rglob("*.sec"))


def test_a_passphrase_that_is_too_short_is_refused() -> None:
    with pytest.raises(UsageError, match="12 characters"):
        new_pair("anna", Secret("eleven char"))
    assert not key_folder().exists()


def test_wrong_passphrase_damaged_file_and_missing_key_are_three_sentences() -> None:
    new_pair("anna", secret())
    with pytest.raises(CredentialsError, match="The passphrase does not unlock"):
        open_own("anna", lambda: Secret("something else"))
    file = key_folder() / "anna.sec"
    content = bytearray(file.read_bytes())
    content[60] ^= 1
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="is damaged"):
        open_own("anna", secret)
    with pytest.raises(NotFoundError, match="cannot be read"):
        open_own("berta", secret)


def test_trusted_keys_are_kept_by_name(tmp_path: Path) -> None:
    berta = new_pair("berta", secret(), tmp_path / "elsewhere")
    kept = trust("b", read_recipient(berta.file, berta.file.with_name("berta.sign.pub")))
    assert (kept.public, kept.signing, kept.is_own) == (berta.public, berta.signing, False)
    assert find_recipient("b").public == find_recipient(str(berta.file)).public == berta.public
    assert [one.name for one in recipients()] == ["b"]
    trust("b", read_recipient(berta.file, None))  # the same key once more changes nothing
    assert find_recipient("b").signing == berta.signing
    other = new_pair("other", secret(), tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="the name of another key"):
        trust("b", read_recipient(other.file, None))
    new_pair("anna", secret())
    with pytest.raises(UsageError, match="the name of another key"):
        trust("anna", read_recipient(other.file, None))
    with pytest.raises(NotFoundError, match="No key is known under the name nobody"):
        find_recipient("nobody")


def test_what_is_trusted_is_what_was_compared(tmp_path: Path) -> None:
    """And not what stands in the file by the time that somebody has compared the fingerprints."""
    berta, other = (new_pair(name, secret(), tmp_path / "elsewhere") for name in ("berta", "other"))
    found = read_recipient(berta.file, None)
    berta.file.write_bytes(other.file.read_bytes())
    assert trust("b", found).public == berta.public


def test_a_folder_that_others_can_write_to_names_nobody(tmp_path: Path) -> None:
    """Who can exchange a public key reads what is encrypted for it."""
    berta = new_pair("berta", secret(), tmp_path / "elsewhere")
    trust("berta", read_recipient(berta.file, None))
    (key_folder() / "trusted").chmod(0o777)
    with pytest.raises(PolicyError, match="Others can write"):
        find_recipient("berta")


def test_other_public_keys_are_no_signing_keys(tmp_path: Path) -> None:
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", tmp_path / "x"], check=True)
    subprocess.run(["openssl", "pkey", "-in", tmp_path / "x", "-pubout", "-out", tmp_path / "x.pub"], check=True)
    for content in ((tmp_path / "x.pub").read_bytes(), b"", os.urandom(100)):
        with pytest.raises(ConfigurationError, match="not an Ed25519 public key"):
            read_signing(content, "it")
