"""`bondstore cat`: bytes of plain and encrypted objects, whole and in part, and nothing that is not proved."""

from __future__ import annotations

import collections
import os
import pty
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bondstore.errors import ConfigurationError, IntegrityError, NotFoundError, UsageError
from bondstore.ledger import personal_ledger
from bondstore.stores import open_store
from bondstore.vault.cat import Content, Span, read_object
from tests.cli.conftest import Call, cli, shell
from tests.homes import home
from tests.stores.rigs import Rig
from tests.vault.conftest import Vault

__all__ = ["cli", "home", "shell"]
SIZE, LARGE = 300_001, 9_500_000
RANGES = (Span(), Span(0, 0), Span(0, 1), Span(65_535, 2), Span(SIZE - 1), Span(SIZE, 5), Span(7), Span(3, 10**9))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    rng, root = random.Random(5), tmp_path / "source"
    (root / "ö").mkdir(parents=True)
    (root / "ö/line\nend%.edf").write_bytes(rng.randbytes(SIZE))
    (root / "large.avi").write_bytes(rng.randbytes(LARGE))
    (root / "empty").write_bytes(b"")
    return root


@pytest.fixture(params=["file", "s3", "az"])
def plain(request: pytest.FixtureRequest, home: object) -> Rig:
    """An empty store of each kind that lasts."""
    rig: Rig = request.getfixturevalue(f"rig_of_{request.param}")
    return rig


def joined(content: Content) -> bytes:
    return b"".join(map(bytes, content.chunks))


def part(whole: bytes, span: Span) -> bytes:
    return whole[span.offset : None if span.length is None else span.offset + span.length]


def test_plain_objects(plain: Rig) -> None:
    store, rng = plain.open(), random.Random(3)
    small, large = rng.randbytes(SIZE), rng.randbytes(LARGE)
    store.put("a/small#1", small) if plain.kind != "file" else store.put("a/small#x", small)
    store.put("a/large", large)
    store.put("a/empty", b"")
    name = "small%23x" if plain.kind == "file" else "small#1"
    for span in RANGES:
        assert joined(read_object(f"{plain.url}/a/{name}", span=span, profile=plain.profile)) == part(small, span)
        assert joined(read_object(f"{plain.url}/a/empty", span=span, profile=plain.profile)) == b""
    for span in (Span(), Span(1), Span(8_388_600, 20), Span(LARGE - 1)):
        assert joined(read_object(f"{plain.url}/a/large", span=span, profile=plain.profile)) == part(large, span)
    for nothing in ("/a/none", "/a"):
        with pytest.raises(NotFoundError):
            read_object(plain.url + nothing, profile=plain.profile)
    with pytest.raises(UsageError, match="is not encrypted"):
        read_object(f"{plain.url}/a/large", profile=plain.profile, **_key(plain))


def _key(plain: Rig) -> dict[str, Any]:
    from bondstore.config.secrets import Secret, SecretRef
    from bondstore.vault.keys import new_pair

    new_pair("me", Secret("lantern over quiet water"))
    os.environ["TEST_CAT"] = "lantern over quiet water"
    return {"unseal": True, "passphrase": SecretRef("env", "TEST_CAT")}


def test_files_of_a_vault(vault: Vault, source: Path) -> None:
    vault.put(source)
    url, profile = vault.spec.url, vault.spec.profile
    own: dict[str, Any] = {"unseal": True, "key": vault.reader.key, "passphrase": vault.reader.passphrase}
    for name in ("ö/line\nend%.edf", "large.avi", "empty"):
        whole = (source / name).read_bytes()
        for span in RANGES:
            content = read_object(f"{url}#{name}", span=span, profile=profile, **own)
            assert joined(content) == part(whole, span), (name, span)
            assert (content.is_encrypted, content.is_unproved) == (False, False)
    store = open_store(vault.spec)
    sealed = bytes(store.get("data/large.avi.c4gh").data)
    for place in (f"{url}#large.avi", f"{url}/data/large.avi.c4gh"):
        as_it_is = read_object(place, profile=profile)
        assert as_it_is.is_encrypted
        assert joined(as_it_is) == sealed
    for span in (Span(), Span(5, 70_000)):
        unproved = read_object(f"{url}/data/large.avi.c4gh", span=span, profile=profile, **own)
        assert joined(unproved) == part((source / "large.avi").read_bytes(), span)
        assert unproved.is_unproved
    with pytest.raises(NotFoundError):
        read_object(f"{url}#none", profile=profile, **own)


def test_what_was_changed(vault: Vault, source: Path) -> None:
    vault.put(source)
    url, profile, store = vault.spec.url, vault.spec.profile, open_store(vault.spec)
    own: dict[str, Any] = {"unseal": True, "key": vault.reader.key, "passphrase": vault.reader.passphrase}
    [small] = [one.key for one in store.list("data") if one.key.startswith("data/ö")]
    sealed, large = bytes(store.get(small).data), bytes(store.get("data/large.avi.c4gh").data)
    segment = 65_564
    for damaged in (sealed[:-segment], sealed[: 124 + segment] + sealed[124 + 2 * segment :], sealed[:-1] + b"?"):
        store.put(small, damaged)
        for unseal in (own, {}):
            with pytest.raises(IntegrityError, match="is not proved"):
                read_object(f"{url}#ö/line\nend%.edf", profile=profile, **unseal)
    # a segment less at the end: each of the others is right by itself, and only the whole is not
    store.put("data/large.avi.c4gh", large[: 124 + 140 * segment])
    content, given = read_object(f"{url}#large.avi", profile=profile, **own), bytearray()
    with pytest.raises(IntegrityError, match="bytes were written before this was known") as told:
        collections.deque((given.extend(chunk) for chunk in content.chunks), 0)
    assert told.value.exit_code == 7
    assert given == (source / "large.avi").read_bytes()[: len(given)]
    store.delete(small)
    with pytest.raises(IntegrityError, match="does not have it"):
        read_object(f"{url}#ö/line\nend%.edf", profile=profile, **own)


def test_reads_are_logged(vault: Vault, source: Path) -> None:
    vault.put(source)
    with personal_ledger() as ledger:
        before = ledger.audit.head()[0]
    joined(read_object(f"{vault.spec.url}#large.avi", profile=vault.spec.profile))
    joined(read_object(f"{vault.spec.url}/data/empty.c4gh", profile=vault.spec.profile))
    with personal_ledger() as ledger:
        keys = [entry.key for entry in ledger.audit.entries() if entry.seq > before]
    assert keys[0] == "data/large.avi.c4gh"
    assert keys[1].endswith("data/empty.c4gh") or keys[1] == "empty.c4gh"


def on_a_terminal(*words: str) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "bondstore", *words]
    done = subprocess.run(line, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, timeout=60, check=False)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:
        pass
    os.close(ours)
    return done.returncode, shown.decode()


def test_the_command(cli: Call, shell: Call, source: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("lantern over quiet water")
    (tmp_path / "passphrase").chmod(0o600)
    key, url = ("--passphrase", f"file:{tmp_path}/passphrase"), (tmp_path / "vault").as_uri()
    assert cli("keys", "new", "anna", *key).code == 0
    assert cli("put", str(source), url, "--seal-for", "anna", *key, "--yes").code == 0
    text = tmp_path / "text"
    text.write_text("one\ttwo\x1b[31m\nö\n")
    assert shell("cat", str(text)).out == text.read_text()
    assert shell("cat", str(text), "--offset", "4", "--length", "3").out == "two"
    records = cli("cat", f"{url}#large.avi", "--unseal", *key, "--json").records
    assert records[-1]["size"] == LARGE
    assert on_a_terminal("cat", str(text)) == (0, "one\ttwo\\x1b[31m\r\nö\r\n")
    code, shown = on_a_terminal("cat", f"{url}#large.avi")
    assert code == 2
    assert "is encrypted" in shown
    assert "--unseal" in shown
    code, shown = on_a_terminal("cat", str(source / "large.avi"))
    assert code == 2
    assert "is not text" in shown
    head = f"{sys.executable} -m bondstore cat {source}/large.avi | head -c 5 | wc -c; echo ${{PIPESTATUS[0]}}"
    piped = subprocess.run(["bash", "-c", head], capture_output=True, text=True, check=True)
    assert (piped.stdout.split(), piped.stderr) == (["5", "141"], "")
    assert cli("cat", f"{url}#large.avi", "--unseal", "--key", "nobody", *key).code == 3


def test_a_key_of_somebody_else(vault: Vault, source: Path, plain: Rig) -> None:
    vault.put(source)
    own = _key(plain) | {"key": "me"}
    with pytest.raises(ConfigurationError):
        read_object(f"{vault.spec.url}#large.avi", profile=vault.spec.profile, **own)
