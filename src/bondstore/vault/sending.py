"""Large files on their way into a vault: encrypted and sent part by part, so that a killed upload goes on.

A part that was sent must come out the same when the upload goes on, as nobody can add to it unseen; and no nonce may
serve for other bytes. So the session key is derived from the uploader's private key and a salt, and the nonces of a
part from a seed of its own. Salt and seed are drawn at random, and are noted in the journal with each part that
arrived; a part that did not arrive gets a new seed. They are no secret, and the journal goes when the upload is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from bondstore.codecs.crypt4gh import Envelope, header
from bondstore.codecs.segments import NONCE, SEALED_SEGMENT, SEGMENT, regrouped
from bondstore.errors import ChangedError
from bondstore.ledger import Output
from bondstore.stores.parts import part_size
from bondstore.vault.manifest import Content, digest, header_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Buffer

    from bondstore.ledger import Item
    from bondstore.runs.context import RunContext
    from bondstore.stores import Store
    from bondstore.stores.parts import Upload
    from bondstore.vault.keys import OwnKey

_SESSION = b"bondstore: session key of an upload"
_SALT = 16


@dataclass(frozen=True, slots=True)
class Sending:
    """A large file, and what it becomes."""

    store: Store
    """The vault."""
    path: str
    journal: Path
    own: OwnKey
    recipients: Sequence[bytes]
    """For whom it is encrypted; without any it is sent as it is."""
    size: int
    storage_class: str = ""

    def send(self, chunks: Iterable[Buffer], **facts: Any) -> tuple[Output, Content]:
        """Send it, or the rest of it. Facts are columns of `Output`.

        Raises
        ------
        ChangedError
            The file is not the one whose first parts were sent: those are removed, and the next run starts over.
        """
        with self.store.open_upload(self.path, self.journal, storage_class=self.storage_class or None) as upload:
            try:
                return self._sent(upload, chunks, facts)
            except ChangedError:
                upload.abort()
                raise

    def _sent(self, upload: Upload, chunks: Iterable[Buffer], facts: Mapping[str, Any]) -> tuple[Output, Content]:
        plain, sealed, body, sizes = hashlib.sha256(), hashlib.sha256(), hashlib.sha256(), [0, 0]
        behind, head = header_size(len(self.recipients)), ""
        for number, (piece, part, note) in enumerate(self._parts(upload, chunks), 1):
            plain.update(piece)
            sealed.update(part)
            head = head or digest(bytes(part[:behind]))
            body.update(part[behind:] if number == 1 else part)
            sizes = [sizes[0] + memoryview(piece).nbytes, sizes[1] + len(part)]
            upload.send(number, part, note)
        done = upload.finish(keep_journal=True)  # until it is recorded: killed before, nothing is sent again
        output = Output(self.path, sealed.digest(), sizes[1], 0, etag=done.etag, **facts)
        content = Content(sizes[0], plain.hexdigest())
        return output, replace(content, header=head, body=body.hexdigest()) if self.recipients else content

    def _parts(self, upload: Upload, chunks: Iterable[Buffer]) -> Iterator[tuple[Buffer, memoryview, str]]:
        """Yield each part as it is and as it is sent, with the note that lets it be made again."""
        if not self.recipients:
            for piece in regrouped(chunks, part_size(self.size)):
                yield piece, memoryview(piece).cast("B"), ""
            return
        noted = {number: _Note.parse(one.note) for number, one in upload.proved.items()}
        salt = next(iter(noted.values())).salt if noted else os.urandom(_SALT)
        envelope = Envelope((self.own.derive(salt, _SESSION),), None)
        sealed_part = part_size(self.size + self.size // SEGMENT * (SEALED_SEGMENT - SEGMENT), SEALED_SEGMENT)
        for number, piece in enumerate(regrouped(chunks, sealed_part // SEALED_SEGMENT * SEGMENT), 1):
            note = noted.get(number) or _Note(salt, os.urandom(_SALT))
            part = envelope.segments.seal(piece, note.nonces(-(-memoryview(piece).nbytes // SEGMENT)))
            if number == 1:
                part = bytearray(header(envelope, self.recipients, self.own.private, note.draw())) + part
            yield piece, memoryview(part), note.text


@dataclass(frozen=True, slots=True)
class _Note:
    """What a part is made again with."""

    salt: bytes
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> _Note:
        salt, _, seed = text.partition(" ")
        return cls(bytes.fromhex(salt), bytes.fromhex(seed))

    @property
    def text(self) -> str:
        return f"{self.salt.hex()} {self.seed.hex()}"

    def nonces(self, count: int) -> bytes:
        return hashlib.shake_256(b"segments" + self.seed).digest(count * NONCE)

    def draw(self) -> Callable[[int], bytes]:
        """Return what gives the nonces of the header, one after the other."""
        packets = count()
        return lambda size: hashlib.shake_256(b"header %d " % next(packets) + self.seed).digest(size)


def journal_name(context: RunContext, item: Item) -> str:
    """Return the name of the journal of a file's upload: another one for another version of it, or another job."""
    about = repr([context.job, item.key, item.version, item.output])
    return f"{_of_source(context)}-{digest(about.encode())[:24]}.jsonl"


def _of_source(context: RunContext) -> str:
    return digest(context.source.url.encode())[:16]


def abort_others(store: Store, folder: Path, context: RunContext, wanted: Iterable[Item]) -> None:
    """Remove what was sent of this source's files that changed, or are gone, since: of all but the wanted ones."""
    names = {journal_name(context, item) for item in wanted}
    abort_all(store, (one for one in folder.glob(f"{_of_source(context)}-*.jsonl") if one.name not in names))


def abort_all(store: Store, journals: Iterable[Path]) -> None:
    """Remove what was sent, by its journals, and these."""
    for journal in sorted(journals):
        if key := _key_of(journal):
            with store.open_upload(key, journal) as upload:
                upload.abort()
        else:
            journal.unlink()


def _key_of(journal: Path) -> str:
    """Return whose journal it is; nothing where not even its first line was written in full."""
    with journal.open() as file:
        try:
            return str(json.loads(file.readline())["key"])
        except (ValueError, KeyError, TypeError):
            return ""
