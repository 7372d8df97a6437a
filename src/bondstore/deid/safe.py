"""Where something small and secret is kept: encrypted, read and replaced as a whole, and only if nobody else did."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bondstore.codecs.crypt4gh import Header, PrivateKey, header, new_envelope
from bondstore.errors import (
    AlreadyExistsError,
    ChangedError,
    DamagedError,
    IntegrityError,
    NotFoundError,
    WrongKeyError,
)
from bondstore.modes import make_folder, open_private, refuse_led_away, refuse_writable, write_private
from bondstore.stores import Store


class Safe(Protocol):
    """A file, or an object of a store."""

    @property
    def place(self) -> str:
        """What messages call it."""
        ...

    def read(self) -> tuple[bytes, str] | None:
        """Return its content and its version; None where there is none yet."""
        ...

    def write(self, content: bytes, version: str | None) -> None:
        """Replace it, if it still has a version; make it, if there is to be none.

        Raises `ChangedError` or `AlreadyExistsError` where another one wrote meanwhile.
        """
        ...


@dataclass(frozen=True, slots=True)
class FileSafe:
    """A file that its owner alone can read. Who writes holds a lock on a file beside it."""

    path: Path

    @property
    def place(self) -> str:
        """Its path."""
        return str(self.path)

    def read(self) -> tuple[bytes, str] | None:
        """Return its content and its version."""
        refuse_led_away(self.path)
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return content, hashlib.sha256(content).hexdigest()

    def write(self, content: bytes, version: str | None) -> None:
        """Replace it."""
        make_folder(self.path.parent)
        refuse_writable(self.path.parent)
        with self._locked():
            there = self.read()
            if (None if there is None else there[1]) != version:
                raise ChangedError(f"{self.path} was changed meanwhile.")
            write_private(self.path, content)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with open_private(self.path.with_name(f".{self.path.name}.lock")) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # closing the file gives it back
            yield


@dataclass(frozen=True, slots=True)
class StoreSafe:
    """An object of a store, written under a condition."""

    store: Store
    key: str

    @property
    def place(self) -> str:
        """Its address."""
        return f"{self.store.url}/{self.key}"

    def read(self) -> tuple[bytes, str] | None:
        """Return its content and its etag."""
        try:
            found = self.store.get(self.key)
        except NotFoundError:
            return None
        return bytes(found.data), found.info.etag

    def write(self, content: bytes, version: str | None) -> None:
        """Replace it, or make it."""
        if version is None:
            self.store.put_if_absent(self.key, content)
        else:
            self.store.put_if_unchanged(self.key, content, version)


LOST_RACES = (ChangedError, AlreadyExistsError)
"""What a safe raises where another one wrote first: read it again."""


@dataclass(frozen=True, slots=True)
class SafeKeys:
    """Who opens a safe, and who may have written it. It shows no secret."""

    own: PrivateKey
    trusted: frozenset[bytes] = frozenset()
    """Public keys of others whose writing is believed."""


def sealed(content: bytes, recipients: list[bytes], own: PrivateKey) -> bytes:
    """Encrypt something small for some public keys (Crypt4GH), with its checksum: a lost or swapped segment shows."""
    envelope = new_envelope()
    plain = hashlib.sha256(content).hexdigest().encode() + b"\n" + content
    return header(envelope, recipients, own) + bytes(envelope.segments.seal(plain))


def opened(raw: bytes, keys: SafeKeys, place: str) -> bytes:
    """Decrypt what `sealed` encrypted.

    Raises
    ------
    WrongKeyError
        It is encrypted for other keys.
    IntegrityError
        It was written by somebody who is not trusted, or is not whole.
    """
    head = Header.parse(raw)
    if head is None:
        raise DamagedError(f"{place} is cut short.", kind="cut-short")
    try:
        envelope = head.open(keys.own)
    except WrongKeyError:
        raise WrongKeyError(
            f"Your key does not decrypt {place}: it is encrypted for other keys.",
            hint="Name the right key with --key, or ask who keeps the crosswalk to add yours.",
        ) from None
    if not any(head.comes_from(keys.own, writer) for writer in {keys.own.public, *keys.trusted}):
        raise IntegrityError(
            f"{place} was written with a key that you do not trust.",
            hint="Ask its owner. If the key is theirs: bondstore keys trust NAME FILE.pub",
        )
    try:
        checksum, _, content = bytes(envelope.segments.open(raw[head.size :])).partition(b"\n")
    except DamagedError:
        checksum, content = b"", b""
    if checksum.decode("latin-1") != hashlib.sha256(content).hexdigest():
        raise IntegrityError(f"{place} is damaged.", hint="Put a copy from your backup in its place.")
    return content
