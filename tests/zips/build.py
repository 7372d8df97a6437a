"""Zips made by hand, record by record, for what no honest program writes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

from bondstore.errors import DamagedError
from bondstore.zips import OpenedZip

LINK, DEVICE = 0o120777, 0o020666


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@dataclass
class Made:
    """A member and what its two headers say of it; what is not given is the truth."""

    name: bytes
    data: bytes = b""
    method: int = 8
    packed_data: bytes | None = None
    flags: int = 0
    mode: int = 0
    extra: bytes = b""
    local: dict[str, Any] = field(default_factory=dict)
    central: dict[str, Any] = field(default_factory=dict)

    def record(self) -> bytes:
        """Local header, data and, where the flags say so, the descriptor."""
        said = self._said(self.local)
        crc, packed, size = (0, 0, 0) if self.flags & 8 else (said["crc"], said["packed"], said["size"])
        head = struct.pack(
            "<4s5H3L2H",
            *(b"PK\3\4", 20, said["flags"], said["method"], 0, 33, crc, packed, size),
            *(len(said["name"]), len(self.extra)),
        )
        tail = struct.pack("<4s3L", b"PK\7\x08", said["crc"], said["packed"], said["size"]) if self.flags & 8 else b""
        return head + said["name"] + self.extra + self.packed() + tail

    def entry(self, start: int) -> bytes:
        """Entry of the directory."""
        said = self._said({"start": start} | self.central)
        return (
            struct.pack(
                "<4s6H3L5H2L",
                *(b"PK\1\2", 0x0314, 20, said["flags"], said["method"], 0, 33),
                *(said["crc"], said["packed"], said["size"]),
                *(len(said["name"]), 0, 0, 0, 0, self.mode << 16, said["start"]),
            )
            + said["name"]
        )

    def packed(self) -> bytes:
        if self.packed_data is not None:
            return self.packed_data
        return deflated(self.data) if self.method == 8 else self.data

    def _said(self, other: dict[str, Any]) -> dict[str, Any]:
        truth = {
            "name": self.name,
            "flags": self.flags,
            "method": self.method,
            "crc": zlib.crc32(self.data),
            "packed": len(self.packed()),
            "size": len(self.data),
        }
        return truth | other


def end(count: int, size: int, start: int, note: bytes = b"") -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(note)) + note


def build(*members: Made, count: int | None = None, note: bytes = b"", front: bytes = b"") -> bytes:
    """Put a zip together."""
    body, directory = b"", b""
    for made in members:
        directory += made.entry(len(body))
        body += made.record()
    number = len(members) if count is None else count
    return front + body + directory + end(number, len(directory), len(body), note)


def outcome(opened: OpenedZip) -> tuple[dict[str, bytes], dict[str, str]]:
    """Read all: what is whole by name, and the kind of error of what is not."""
    whole, broken = {}, {}
    for content in opened.contents():
        try:
            whole[content.member.name] = b"".join(content.chunks)
        except DamagedError as error:
            broken[content.member.name] = error.kind
    return whole, broken


def kinds(opened: OpenedZip) -> list[tuple[str, str]]:
    """Kinds and places of the findings."""
    return [(one.kind, one.where) for one in opened.findings]
