"""A folder of sealed archives, a destination, and the passphrases between them."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bondstore.config.secrets import SecretRef
from bondstore.findings import Finding
from bondstore.runs import engine
from bondstore.runs.destination import PRIVATE
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult
from bondstore.runs.executors import Executor, Serial
from bondstore.stores.address import dest_spec
from bondstore.vault.legacy.job import prepare
from bondstore.vault.legacy.unseal import LIST, Asked
from tests.openssl_program import seal

PASSPHRASE = "what the lab typed in 2016"
DES = ("-des-cbc", "-md", "md5")
AES = ("-aes-256-cbc", "-pbkdf2")


@dataclass(frozen=True)
class Room:
    """Where archives lie, and where they are opened to."""

    source: Path
    dest: Path
    executor: Executor = field(default_factory=Serial)

    def seal(self, name: str, plain: bytes, *options: str, passphrase: str = PASSPHRASE) -> Path:
        """Put an archive there that openssl sealed: as the lab did, where no options are given."""
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(seal(plain, passphrase, *(options or DES)))
        return path

    def run(
        self, source: str | Path | None = None, dest: str | Path | None = None, *, retry: bool = False, **asked: Any
    ) -> RunResult:
        """Open what is there."""
        asked["passphrases"] = asked.get("passphrases") or refs(PASSPHRASE)
        how = Asked(**asked)
        job = prepare(source or self.source, dest or self.dest, how)
        return engine.execute(job, open_destination(job.dest), self.executor, retry=retry)

    def files(self) -> dict[str, str]:
        """Return the digests of what is to be seen in the destination, by path; the lists apart."""
        return {name: content for name, content in tree(self.dest).items() if not name.endswith(LIST)}

    def listed(self, name: str) -> list[dict[str, str]]:
        """Return an archive's list."""
        with (self.dest / f"{name}{LIST}").open(newline="") as file:
            return list(csv.DictReader(file))

    def findings(self, run: str) -> list[Finding]:
        """Return what a run found."""
        with open_destination(dest_spec(self.dest)).ledger(create=False) as ledger:
            return list(ledger.findings.of_run(run))

    def kinds(self, result: RunResult) -> dict[str, str]:
        """Return what a run found, by key."""
        return {one.key: one.kind for one in self.findings(result.run)}


def tree(folder: Path) -> dict[str, str]:
    """Return the digests of all files below a folder by their paths, but those of the private corner."""
    found = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = Path(base) / name
            where = path.relative_to(folder)
            if where.parts[0] != PRIVATE:
                found[where.as_posix()] = digest(path.read_bytes())
    return found


def refs(*passphrases: str) -> tuple[SecretRef, ...]:
    """Keep passphrases in variables, and return where they are."""
    for number, one in enumerate(passphrases):
        os.environ[f"BONDSTORE_TEST_{number}"] = one
    return tuple(SecretRef("env", f"BONDSTORE_TEST_{number}") for number in range(len(passphrases)))


def digest(content: bytes) -> str:
    """Return size and hash of content, which is told more shortly where it differs."""
    return f"{len(content)} {hashlib.sha256(content).hexdigest()[:12]}"


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digests of files."""
    return {name: digest(content) for name, content in files.items()}


def below(folder: str, files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the digests of files as they are named below a folder."""
    return {f"{folder}/{name}": digest(content) for name, content in files.items()}
