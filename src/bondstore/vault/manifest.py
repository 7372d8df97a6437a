"""Manifests: what an upload put where, signed, each naming the one before it.

A manifest is JSON Lines: a head, then one line for each object. It is public: what it says of an encrypted object is
its size and checksum as it lies in the store. The checksums of the content itself are in lists beside it, which are
encrypted for the same recipients, as anybody who has the same file could tell by them that it is there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bondstore.codecs.segments import NONCE, TAG, sealed_size
from bondstore.errors import IntegrityError

FORMAT = "bondstore-manifest/1"
FOLDER, LISTS = "manifests", "manifests/lists"
PAYLOAD = "data"
ENDING = ".c4gh"
_HEADER, _PACKET = 16, 4 + 4 + 32 + NONCE + 40 + TAG


def manifest_path(number: int) -> str:
    """Return where a manifest is kept."""
    return f"{FOLDER}/{number:06d}.jsonl"


def signature_path(path: str) -> str:
    """Return where a manifest's signature is kept: 64 bytes, as openssl takes them."""
    return f"{path}.sig"


def list_path(name: str) -> str:
    """Return where a list of content checksums is kept."""
    return f"{LISTS}/{name}{ENDING}"


def object_path(path: str, *, encrypted: bool) -> str:
    """Return the object that a file becomes."""
    return f"{PAYLOAD}/{path}{ENDING if encrypted else ''}"


def header_size(recipients: int) -> int:
    """Return the length of a header that has one session key for each of so many recipients."""
    return _HEADER + _PACKET * recipients


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of an upload."""

    path: str
    """The file's name, relative to what was uploaded."""
    object: str
    """Its object, relative to the vault."""
    size: int
    sha256: str
    """Of the object as it lies in the store, as `size` is; empty where it got another header since, of which only the
    parts are known."""
    plain_size: int
    list: str = ""
    """The list that has the content's checksum; empty where the object is the content."""
    files: int = 0
    """How many files are in a pack; its list says which. 0 for a file by itself."""
    header_sha256: str = ""
    body_sha256: str = ""
    """Of the object's header and of all behind it, where it got another header since it was put."""
    put: int = 0
    """The manifest that put it, where this one says only which header it got."""

    @property
    def header_size(self) -> int:
        """Bytes of the object before its body."""
        return self.size - sealed_size(self.plain_size) if self.list else 0

    def record(self) -> dict[str, Any]:
        """Return its line, without what it says nothing of: a number of files, the parts of an object."""
        return {name: value for name, value in _record(self).items() if value or name not in _LATER}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one upload put."""

    number: int
    previous: str
    """SHA-256 of the manifest before it; empty in the first one."""
    made: str
    tool: str
    signer: str
    """Fingerprint of the key that signed it."""
    recipients: Sequence[str] = ()
    """Fingerprints of those who can decrypt its objects; none where they are not encrypted."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of each list that its objects name."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Public keys of the recipients, as hexadecimal digits, by their fingerprints."""
    entries: Sequence[Entry] = ()

    def to_bytes(self) -> bytes:
        """Return the manifest's file."""
        head = {"format": FORMAT} | {name: getattr(self, name) for name in _HEAD}
        lines = [head, *(one.record() for one in self.entries)]
        return "".join(f"{json.dumps(one, ensure_ascii=False, separators=(',', ':'))}\n" for one in lines).encode()

    @classmethod
    def parse(cls, content: bytes, shown: str) -> Manifest:
        """Read a manifest's file. Raises IntegrityError where it is none."""
        try:
            lines = iter(content.splitlines())  # of bytes: in a text names with U+2028 or U+0085 would be cut there
            head = _object(next(lines, b"").decode())
            known = head.pop("format") == FORMAT
            lists: dict[str, str] = {}  # each name once in memory, however many objects have it
            rows = (_object(line.decode()) for line in lines)
            entries = tuple(Entry(**row | {"list": lists.setdefault(row["list"], row["list"])}) for row in rows)
            found = cls(**head, entries=entries)
        except (ValueError, TypeError, KeyError, UnicodeDecodeError):
            known = False
        if not known:
            raise IntegrityError(
                f"{shown} is not a manifest that this Bondstore can read.", hint="Upgrade: pip install -U bondstore"
            )
        return found


_HEAD = ("number", "previous", "made", "tool", "signer", "recipients", "lists", "keys")

_LATER = ("files", "header_sha256", "body_sha256", "put")


@dataclass(frozen=True, slots=True)
class Content:
    """What a list says of the content of one object."""

    size: int
    sha256: str
    header: str = ""
    body: str = ""
    """SHA-256 of the object's header as it was put, and of all behind it; older lists do not have them."""


def write_list(contents: Mapping[str, Content]) -> bytes:
    """Return a list of contents, by the SHA-256 of their objects."""
    rows = ({"object": name} | _record(one) for name, one in contents.items())
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def read_list(plain: bytes) -> dict[str, Content]:
    """Read a list of contents."""
    rows = [_object(line) for line in plain.decode().split("\n")[:-1]]
    return {row.pop("object"): Content(**row) for row in rows if "object" in row}


def digest(content: bytes) -> str:
    """Return a SHA-256 as manifests write it."""
    return hashlib.sha256(content).hexdigest()


def _record(one: Entry | Content) -> dict[str, Any]:
    """Return what a line says: `asdict`, which copies each value with care, takes five times as long."""
    return {name: getattr(one, name) for name in one.__slots__}


def _object(line: str) -> dict[str, Any]:
    found = json.loads(line)
    if not isinstance(found, dict):
        raise TypeError(line)
    return found
