"""Passphrases and private keys that are planted, and then looked for: in all that is said, written and handed on."""

from __future__ import annotations

import base64
import os
import random
import string
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pexpect
import psutil
import pytest

from bondstore.codecs.crypt4gh_keys import read_private
from bondstore.config.secrets import Secret
from tests.openssl_program import seal
from tests.servers.seaweedfs import SeaweedFS
from tests.studies import Ended
from tests.vault.rooms import DES

_rng = random.SystemRandom()


def drawn(beginning: str) -> str:
    return beginning + "".join(_rng.choices(string.ascii_letters + string.digits, k=30))


def forms_of(name: str, secret: bytes) -> dict[str, bytes]:
    """Return a secret as it may be written down."""
    return {
        f"{name}, plain": secret,
        f"{name}, quoted": quote(secret, safe="").encode(),
        f"{name}, base64": base64.b64encode(secret).rstrip(b"=")[:-1],
        f"{name}, hexadecimal": secret.hex().encode(),
        f"{name}, as Python shows bytes": repr(secret)[2:-1].encode(),
    }


@dataclass
class Watched:
    """A home, a recording, a vault; and what must be seen nowhere."""

    folder: Path
    scheme: str
    server: SeaweedFS
    bucket: str
    passphrase: str = field(default_factory=lambda: drawn("canary/one "))
    old: str = field(default_factory=lambda: drawn("canary+two "))
    marker: str = field(default_factory=lambda: drawn("canaryrecording"))
    forms: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("home", "tmp", "secrets", "source", "old"):
            (self.folder / name).mkdir()
        (self.folder / "secrets").chmod(0o700)
        for name, value in self.secrets.items():
            (self.folder / "secrets" / name).write_text(value)
            (self.folder / "secrets" / name).chmod(0o600)
            self.forms |= forms_of(name, value.encode())
        self.forms |= forms_of("recording", self.marker.encode())
        (self.folder / "source/small.edf").write_bytes(self.marker.encode() + os.urandom(100_000))
        (self.folder / "source/large.avi").write_bytes(self.marker.encode() + os.urandom(20_000_000))
        (self.folder / "old/P001.bin.enc").write_bytes(seal(os.urandom(5000), self.old, *DES))

    @property
    def secrets(self) -> dict[str, str]:
        return {"NEW": self.passphrase, "OLD": self.old}

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/vault"

    def reference(self, name: str) -> str:
        return f"env:LAB_{name}" if self.scheme == "env" else f"file:{self.folder}/secrets/{name}"

    def environment(self) -> dict[str, str]:
        home = self.folder / "home"
        given = {f"LAB_{name}": value for name, value in self.secrets.items()} if self.scheme == "env" else {}
        server = {
            "AWS_ACCESS_KEY_ID": self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": self.server.secret_key,
            "AWS_REGION": self.server.region,
            "AWS_ENDPOINT_URL": self.server.endpoint,
        }
        places = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
        return os.environ | given | server | places | {"HOME": str(home), "TMPDIR": str(self.folder / "tmp")}

    def found_in(self, content: bytes) -> list[str]:
        return [name for name, form in self.forms.items() if form in content]

    def run(self, *words: str, code: str = "") -> Ended:
        """Run a line, or one in a Python with a fault, to its end; watch its processes and search what it left."""
        start = [sys.executable, *(["-c", code] if code else ["-m", "bondstore"])]
        out, err = self.folder / "out.txt", self.folder / "err.txt"
        with out.open("wb") as said, err.open("wb") as noted:
            process = subprocess.Popen(
                [*start, *words],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=noted,
                env=self.environment(),
                cwd=self.folder / "home",
            )
            while process.poll() is None:
                self.look_at_processes(process.pid)
                time.sleep(0.02)
        self.look_at_files()
        return Ended(process.returncode, out.read_text(), err.read_text())

    def look_at_processes(self, root: int) -> None:
        """Search the arguments and the variables of a process and of all that it started."""
        environment = self.environment()
        allowed = {name for name, value in environment.items() if self.found_in(value.encode())}
        for one in family(root):
            try:
                words, variables = "\0".join(one.cmdline()), one.environ()
            except psutil.Error:  # it has ended
                continue
            assert not self.found_in(words.encode()), "a secret stands in the process list"
            held = {name for name, value in variables.items() if self.found_in(value.encode())}
            assert held <= allowed, "a secret was handed on in the environment"

    def look_at_files(self) -> None:
        """Search all files, but those of the secrets themselves and of the recording that is in the clear."""
        clear = {self.folder / name for name in ("secrets", "source", "back")}
        for path in self.folder.rglob("*"):
            if path.is_file() and clear.isdisjoint(path.parents):
                assert not self.found_in(path.read_bytes()), path
            assert not self.found_in(str(path).encode()), path
        for path in (self.folder / "back/.bondstore").rglob("*"):
            assert not path.is_file() or not self.found_in(path.read_bytes()), path

    def look_at_objects(self) -> int:
        """Search all objects of the bucket; return how many those are."""
        client = self.server.client()
        listed = client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        for one in listed:
            content = client.get_object(Bucket=self.bucket, Key=one["Key"])["Body"].read()
            assert not self.found_in(content + one["Key"].encode()), one["Key"]
        return len(listed)

    def learn_the_key(self) -> None:
        """Take the private key among what is looked for."""
        file = self.folder / "home/config/bondstore/keys/anna.sec"
        key = read_private(file.read_bytes(), "anna", lambda: Secret(self.passphrase))
        self.forms |= forms_of("private key", key.reveal())


def family(root: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(root), *psutil.Process(root).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@pytest.fixture(params=["env", "file"])
def watched(request: pytest.FixtureRequest, seaweedfs: SeaweedFS, bucket: str, tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path, request.param, seaweedfs, bucket)
    yield made
    made.look_at_files()


def lines(watched: Watched) -> Mapping[str, tuple[str, ...]]:
    """The commands that take a secret, by name, in the order in which they are typed."""
    passphrase, folder = ("--passphrase", watched.reference("NEW")), watched.folder
    old = ("--passphrase", watched.reference("OLD"), "--accept-unknown", "--yes")
    return {
        "keys new": ("keys", "new", "anna", *passphrase),
        "put": ("put", f"{folder}/source", watched.url, "--seal-for", "anna", *passphrase, "--yes", "--jobs", "2"),
        "verify": ("verify", watched.url, "--deep", "--unseal", *passphrase),
        "get": ("get", watched.url, f"{folder}/back", "--unseal", *passphrase, "--yes", "--jobs", "2"),
        "restore": ("restore", watched.url, "--yes"),
        "unseal-legacy": ("unseal-legacy", f"{folder}/old", f"{folder}/opened", *old),
    }


def test_canaries_can_be_found(watched: Watched) -> None:
    for content in (
        watched.passphrase.encode(),
        b"x" + base64.b64encode(watched.old.encode()),
        quote(watched.passphrase, safe="").encode(),
        watched.old.encode().hex().encode(),
    ):
        assert watched.found_in(content)


def test_no_secret_in_what_commands_say_and_leave(watched: Watched) -> None:
    for name, words in lines(watched).items():
        ended = watched.run(*words, "--json", "--debug")
        assert ended.code == (5 if name == "unseal-legacy" else 0), (name, ended.err)
        if name == "keys new":
            watched.learn_the_key()
    assert watched.look_at_objects() >= 7
    for place in (watched.url, f"{watched.folder}/back", f"{watched.folder}/opened"):
        for verb in (("run", "show", "last"), ("audit", "show"), ("audit", "verify")):
            assert watched.run(*verb, "--dest", place, "--json").code == 0, (verb, place)


CRASHES = {
    "put, a file": ("put", "bondstore.vault.put", "PutObjects._send"),
    "put, its plan": ("put", "bondstore.vault.put", "PutJob.plan"),
    "put, the manifest": ("put", "bondstore.vault.put", "Manifests.make"),
    "get": ("get", "bondstore.vault.objects", "VaultObjects.handle"),
    "verify": ("verify", "bondstore.vault.proofs", "Proofs.content_of"),
    "unseal-legacy": ("unseal-legacy", "bondstore.vault.legacy.job", "Unseal.handle"),
}


def test_no_secret_in_a_crash(watched: Watched) -> None:
    """An error that nobody foresaw, in whose text the secrets are."""
    typed = lines(watched)
    assert watched.run(*typed["keys new"]).code == 0
    watched.learn_the_key()
    references = [watched.reference("NEW"), watched.reference("OLD")]
    for name, (command, module, target) in CRASHES.items():
        code = (
            "import sys\nfrom bondstore.config.secrets import SecretRef\nfrom bondstore.cli.main import run\n"
            f"import {module} as module\nfrom bondstore.vault.keys import unlocked\n"
            "def boom(*words, **more):\n"
            f"    new, old = [SecretRef.parse(one) for one in {references!r}]\n"
            "    key = unlocked('anna', new)\n"
            "    held = ' '.join([new.resolve().reveal(), old.resolve().reveal(), key.private.reveal().hex()])\n"
            "    raise RuntimeError(f'{held} {key!r} {key.private!r} {vars(key)}')\n"
            f"module.{target} = boom\nrun(sys.argv[1:])\n"
        )
        ended = watched.run(*typed[command], "--jobs", "1", "--json", "--debug", code=code)
        assert ended.code == 1, (name, ended)
        assert "RuntimeError" in ended.err, name
        assert "boom" in ended.err, name
        if name == "put, the manifest":
            assert watched.run(*typed["put"]).code == 0
    watched.look_at_objects()


def test_no_secret_in_what_a_killed_upload_leaves(watched: Watched) -> None:
    typed = lines(watched)
    assert watched.run(*typed["keys new"]).code == 0
    watched.learn_the_key()
    code = (
        "import os, signal, sys\nfrom bondstore.cli.main import run\nfrom bondstore.stores.journal import Journal\n"
        "add, count = Journal.add, []\n"
        "def dying(self, part):\n"
        "    add(self, part)\n"
        "    count.append(part)\n"
        "    if len(count) == 2:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Journal.add = dying\nrun(sys.argv[1:])\n"
    )
    assert watched.run(*typed["put"], "--jobs", "1", code=code).code == -9
    assert list(watched.folder.rglob("uploads/*.jsonl")), "no journal is left"
    watched.look_at_objects()
    assert watched.run(*typed["put"]).code == 0


ASKED = {
    "keys new": ["New passphrase for anna", "The same passphrase again"],
    "put": ["Passphrase for the key anna"],
    "get": ["Passphrase for the key anna"],
    "verify": ["Passphrase for the key anna"],
    "unseal-legacy": ["assphrase"],
}


@pytest.mark.parametrize("watched", ["file"], indirect=True)
def test_no_secret_that_is_typed_is_shown_or_left(watched: Watched) -> None:
    typed = lines(watched)
    for command, questions in ASKED.items():
        words = [word for word in typed[command] if not word.startswith(("--passphrase", "file:"))]
        line = ["-m", "bondstore", *words]
        child = pexpect.spawn(
            sys.executable,
            line,
            env={**watched.environment(), "TERM": "dumb"},
            timeout=60,
            encoding="utf-8",
            use_poll=True,
        )
        shown = ""
        for question in questions:
            child.expect(question)
            shown += child.before or ""
            watched.look_at_processes(child.pid)
            child.sendline(watched.old if command == "unseal-legacy" else watched.passphrase)
        while True:
            watched.look_at_processes(child.pid)
            if child.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=0.05) == 0:
                break
        shown += child.before or ""
        child.close()
        assert child.exitstatus == (5 if command == "unseal-legacy" else 0), (command, shown)
        assert not watched.found_in(shown.encode())
        watched.look_at_files()
        if command == "keys new":
            watched.learn_the_key()
