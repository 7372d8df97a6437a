"""Crypt4GH 1.0, the GA4GH's format for encrypted files: its header, and ranges and edit lists of its content.

A header holds packets, each encrypted for one recipient. A packet carries the session key of the body, or an edit list
that says which of its bytes are the content. A file for a new recipient needs a new header only. Source: GA4GH,
"Crypt4GH: a secure method for sharing human genetic data", version 1.0. The reference library serves as the oracle of
the tests; why it is not what runs here is in decision 028.
"""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from bondstore.codecs.segments import NONCE, Segments
from bondstore.errors import DamagedError, WrongKeyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

MAGIC = b"crypt4gh" + struct.pack("<I", 1)
KEY_SIZE = 32
LONGEST = 1 << 20
"""Bytes of a header that are read at most: one of 9,000 recipients fits."""
_X25519 = struct.pack("<I", 0)
_DATA, _EDITS = 0, 1
_CHACHA20 = 0
_CIPHERS = 100


class PrivateKey:
    """A recipient's or a writer's private key. It is shown as ``***`` and never pickled."""

    __slots__ = ("_ciphers", "_key", "public")

    def __init__(self, raw: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(raw)
        self._ciphers: dict[bytes, ChaCha20Poly1305] = {}
        self.public: bytes = self._key.public_key().public_bytes_raw()

    @classmethod
    def new(cls) -> PrivateKey:
        """Draw a key."""
        return cls(os.urandom(KEY_SIZE))

    def reveal(self) -> bytes:
        """Return the key's 32 bytes, to be encrypted into a file."""
        return self._key.private_bytes_raw()

    def shared(self, other: bytes, *, reader: bytes, writer: bytes) -> ChaCha20Poly1305:
        """Return the cipher of a packet between a reader and a writer, one of whom this key belongs to.

        Raises ValueError where the other's key is one of the few that make everybody's secret the same.
        """
        name = other + reader + writer
        cipher = self._ciphers.get(name)
        if cipher is None:  # who encrypts many files for the same people needs it once for each of them
            if len(self._ciphers) >= _CIPHERS:  # who decrypts files of many writers, each with a key of its own
                self._ciphers.clear()
            secret = self._key.exchange(X25519PublicKey.from_public_bytes(other))
            cipher = ChaCha20Poly1305(hashlib.blake2b(secret + reader + writer).digest()[:KEY_SIZE])
            self._ciphers[name] = cipher
        return cipher

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A private key is never pickled. Send where it is kept, and read it where it is needed.")


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a header holds for one reader."""

    sessions: tuple[bytes, ...]
    edits: tuple[int, ...] | None
    """Bytes to leave out, to keep, to leave out, …; after the last number all is kept, if that left some out."""

    def __repr__(self) -> str:
        return f"Envelope(sessions=***, edits={self.edits})"

    @property
    def segments(self) -> Segments:
        """What opens the body."""
        return Segments(self.sessions)


@dataclass(frozen=True, slots=True)
class Header:
    """A file's header, taken apart but still encrypted."""

    packets: tuple[bytes, ...]
    size: int
    """Its length in bytes: the body begins there."""

    @classmethod
    def parse(cls, start: Buffer) -> Header | None:
        """Take apart the header that a file starts with; None where more of it is needed.

        Raises
        ------
        DamagedError
            The file is not a Crypt4GH file, or its header is larger than `LONGEST` or impossible.
        """
        view = bytes(start)
        if view[: len(MAGIC)] != MAGIC[: len(view)]:
            kind = "The file is not" if view[:8] != MAGIC[:8] else "The file is of another version than 1 of"
            raise DamagedError(f"{kind} Crypt4GH.", kind="not-crypt4gh")
        if len(view) < 16:
            return None
        (count,) = struct.unpack_from("<I", view, 12)
        packets, at = [], 16
        for _ in range(count):
            if at > LONGEST or (len(view) >= at + 4 and _length(view, at) > LONGEST):
                raise DamagedError("The header of the encrypted file is impossibly long.", kind="damaged-header")
            if len(view) < at + 4 or len(view) < at + _length(view, at):
                return None
            packets.append(view[at + 4 : at + _length(view, at)])
            at += _length(view, at)
        return cls(tuple(packets), at)

    def comes_from(self, key: PrivateKey, writer: bytes) -> bool:
        """Whether all packets that a key decrypts come from one public key."""
        return all(_open(one, key, writer) is not None for one in self.packets if _open(one, key, None) is not None)

    def open(self, key: PrivateKey, *, writer: bytes | None = None) -> Envelope:
        """Decrypt the packets that are for a key, and, with `writer`, that come from this public key.

        Raises
        ------
        WrongKeyError
            No packet is for this key, or none of those comes from the writer.
        DamagedError
            A packet that is for this key says what no writer can have meant.
        """
        opened = [plain for one in self.packets if (plain := _open(one, key, writer)) is not None]
        if not opened:
            raise WrongKeyError(
                "The private key does not decrypt this file: it was encrypted for other recipients.",
                hint="Use the key that the file was encrypted for, or ask its owner to add yours (bondstore rekey).",
            )
        sessions, edits = [], []
        for plain in opened:
            kind, rest = struct.unpack_from("<I", plain)[0] if len(plain) >= 4 else None, plain[4:]
            if kind == _DATA and len(rest) == 4 + KEY_SIZE and struct.unpack_from("<I", rest)[0] == _CHACHA20:
                sessions.append(rest[4:])
            elif kind == _EDITS:
                edits.append(_edit_list(rest))
            else:
                raise DamagedError("The header of the encrypted file has an unknown packet.", kind="damaged-header")
        if not sessions or len(edits) > 1:
            raise DamagedError("The header of the encrypted file contradicts itself.", kind="damaged-header")
        return Envelope(tuple(dict.fromkeys(sessions)), edits[0] if edits else None)


def header(
    envelope: Envelope, recipients: Iterable[bytes], writer: PrivateKey, draw: Callable[[int], bytes] = os.urandom
) -> bytes:
    """Return the header that lets some recipients, by their public keys, open a body.

    `draw` gives random bytes for the nonces. The same ones may be given again only for the very same header. Raises
    ValueError for a public key with which nothing can be kept secret.
    """
    return _framed(_packets(envelope, recipients, writer, draw))


def extended(old: Header, envelope: Envelope, recipients: Iterable[bytes], writer: PrivateKey) -> bytes:
    """Return a header with all packets of another one, for whoever these are, and with packets for some recipients."""
    return _framed([*old.packets, *_packets(envelope, recipients, writer, os.urandom)])


def _packets(
    envelope: Envelope, recipients: Iterable[bytes], writer: PrivateKey, draw: Callable[[int], bytes]
) -> list[bytes]:
    plain = [struct.pack("<II", _DATA, _CHACHA20) + one for one in envelope.sessions]
    if envelope.edits is not None:
        plain.append(struct.pack(f"<II{len(envelope.edits)}Q", _EDITS, len(envelope.edits), *envelope.edits))
    packets = []
    for recipient in dict.fromkeys(recipients):
        cipher = writer.shared(recipient, reader=recipient, writer=writer.public)
        for one in plain:
            nonce = draw(NONCE)
            packets.append(_X25519 + writer.public + nonce + cipher.encrypt(nonce, one, None))
    return packets


def _framed(packets: Sequence[bytes]) -> bytes:
    framed = b"".join(struct.pack("<I", len(one) + 4) + one for one in packets)
    return MAGIC + struct.pack("<I", len(packets)) + framed


def new_envelope() -> Envelope:
    """Return an envelope with a new session key."""
    return Envelope((os.urandom(KEY_SIZE),), None)


def read_header(chunks: Iterable[Buffer]) -> tuple[Header, Iterator[Buffer]]:
    """Take the header off a file that comes in chunks; return it, and the chunks of the body.

    Raises DamagedError where it is not a Crypt4GH file, or ends inside its header.
    """
    rest = iter(chunks)
    start, wanted = bytearray(), 16
    while True:
        chunk = next(rest, None)
        start += b"" if chunk is None else memoryview(chunk).cast("B")
        if chunk is None or len(start) >= wanted:
            if (found := Header.parse(start)) is not None:
                return found, _behind(memoryview(start)[found.size :], rest)
            wanted = 2 * len(start)  # parsed again at every small chunk, a long header would take for ever
        if chunk is None:
            break
    raise DamagedError("The encrypted file ends inside its header.", kind="cut-short")


def edited(chunks: Iterable[Buffer], edits: Sequence[int] | None) -> Iterator[Buffer]:
    """Apply an edit list to the plain bytes of a body. Raises DamagedError where it keeps more than there is."""
    if edits is None:
        yield from chunks
        return
    rest = iter(chunks)
    view = memoryview(b"")
    for length, keep in zip(edits, cycle((False, True)), strict=False):
        left = length
        while left:
            if not view:
                chunk = next(rest, None)
                if chunk is None:
                    if keep:
                        raise DamagedError("The encrypted file ends before its edit list does.", kind="cut-short")
                    return
                view = memoryview(chunk).cast("B")
            if keep:
                yield view[:left]
            taken = min(left, len(view))
            left -= taken
            view = view[taken:]
    if len(edits) % 2:
        if view:
            yield view
        yield from rest


def _behind(start: Buffer, rest: Iterator[Buffer]) -> Iterator[Buffer]:
    if memoryview(start).nbytes:
        yield start
    yield from rest


def _length(view: bytes, at: int) -> int:
    """Return a packet's length, its own four bytes included; one that cannot be a packet's is damage."""
    (length,) = struct.unpack_from("<I", view, at)
    if length < 4:
        raise DamagedError("The header of the encrypted file has an impossible packet.", kind="damaged-header")
    return int(length)


def _open(packet: bytes, key: PrivateKey, writer: bytes | None) -> bytes | None:
    """Decrypt a packet; None where it is not for this key."""
    sender, nonce, sealed = packet[4:36], packet[36:48], packet[48:]
    if packet[:4] != _X25519 or not sealed or (writer is not None and sender != writer):
        return None
    try:
        return key.shared(sender, reader=key.public, writer=sender).decrypt(nonce, sealed, None)
    except (InvalidTag, ValueError):  # for somebody else; or a sender's key with which nothing is secret
        return None


def _edit_list(rest: bytes) -> tuple[int, ...]:
    count = struct.unpack_from("<I", rest)[0] if len(rest) >= 4 else 0
    if not count or len(rest) != 4 + 8 * count:
        raise DamagedError("The edit list of the encrypted file is damaged.", kind="damaged-header")
    return struct.unpack_from(f"<{count}Q", rest, 4)
