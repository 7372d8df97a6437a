"""One old archive: how it opens, what of it is proved, and what is written."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.codecs import openssl
from bondstore.codecs.crypt4gh import PrivateKey, header, new_envelope
from bondstore.codecs.segments import seal_stream
from bondstore.config.secrets import SecretRef
from bondstore.errors import DamagedError
from bondstore.findings import Severity
from bondstore.ledger import Read
from bondstore.runs.work import at_the_source, from_source
from bondstore.text import counted, printable
from bondstore.vault.legacy.content import TAR, TAR_GZ, Source, gunzip, take_all
from bondstore.vault.legacy.findings import BY_DAMAGE, LEGACY, NO_ROOM, UNOPENED
from bondstore.vault.legacy.opening import HEAD, Opening, Proof, as_far_as_it_goes, find
from bondstore.vault.legacy.tars import Walk
from bondstore.vault.legacy.unpack import Row, Unpacking, listed
from bondstore.vault.manifest import ENDING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from typing_extensions import Buffer

    from bondstore.ledger import Item
    from bondstore.runs.work import Work
    from bondstore.stores import ObjectInfo
    from bondstore.vault.legacy.content import Ending, Prove
    from bondstore.vault.legacy.tars import Member

FOLDER, LIST = ".files", ".files.csv"
"""Ends of the names of an unpacked tar's folder, and of an archive's list of what came of it."""
ASK = SecretRef("prompt", "Passphrase of the archives")
_RULES = 1  # another number makes everything again
_END = 200  # bytes at an object's end, in base64 enough for two blocks


@dataclass(frozen=True, slots=True)
class Asked:
    """How old archives are to be opened.

    Parameters
    ----------
    passphrases : tuple of SecretRef
        References to the passphrases to try; asked for at the terminal when not given.
    rounds : int, optional
        Of ``-pbkdf2 -iter``, where another number than 10,000 was used.
    keep_tar : bool
        Write a tar as it is, and do not unpack it.
    accept_unknown : bool
        Also write what cannot be proved.
    recipients : tuple of str
        Public keys, as hexadecimal digits: what comes out is encrypted for them before it is written.
    """

    passphrases: tuple[SecretRef, ...] = (ASK,)
    rounds: int | None = None
    keep_tar: bool = False
    accept_unknown: bool = False
    recipients: tuple[str, ...] = ()

    def params(self) -> dict[str, Any]:
        """Return it as JSON, secrets by reference."""
        return {
            "passphrases": list(map(str, self.passphrases)),
            "rounds": self.rounds,
            "keep_tar": self.keep_tar,
            "accept_unknown": self.accept_unknown,
            "recipients": list(self.recipients),
        }

    @property
    def list_ending(self) -> str:
        """The end of the name of an archive's list."""
        return LIST + self.ending

    @property
    def ending(self) -> str:
        """What the names of all files end in."""
        return ENDING if self.recipients else ""

    def made_by(self, version: str) -> str:
        """Return the digest of what is made of an object's version."""
        rules = [_RULES, self.keep_tar, version, *sorted(self.recipients)]
        return hashlib.sha256(repr(rules).encode()).hexdigest()

    def encrypted(self, chunks: Iterable[bytes]) -> Iterator[Buffer]:
        """Encrypt content for the recipients, by a key that nobody keeps; without any it stays as it is."""
        if not self.recipients:
            yield from chunks
            return
        envelope = new_envelope()
        yield header(envelope, [bytes.fromhex(one) for one in self.recipients], PrivateKey.new())
        yield from seal_stream(chunks, envelope.segments)


class Archive:
    """One archive while it is opened."""

    def __init__(self, asked: Asked, item: Item, info: ObjectInfo, work: Work) -> None:
        self._asked, self._item, self._info, self._work = asked, item, info, work
        self._base = item.output.removesuffix(asked.list_ending)
        self._opening = Opening((), None)

    def unseal(self) -> None:
        """Find out how it opens, and write what it holds; or say why not."""
        self._note_read(min(self._info.size, HEAD + _END))
        head = self._range(0, HEAD)
        if not openssl.looks_sealed(head):
            self._refuse("not-openssl")
            return
        opening = find(head, self._range(max(0, self._info.size - _END), _END), self._passphrases(), self._asked.rounds)
        if opening is None:
            self._refuse(UNOPENED)
            return
        self._opening = opening
        if opening.kind is None:
            self._unproved("content-unknown")
        elif opening.kind.name in (TAR, TAR_GZ) and not self._asked.keep_tar:
            self._unpack(zipped=opening.kind.name == TAR_GZ)
        else:
            self._write(opening.kind.prove)

    def _passphrases(self) -> tuple[bytes, ...]:
        """Return what may have been typed: old terminals sent a passphrase in Latin-1."""
        found: dict[bytes, None] = {}
        for one in self._asked.passphrases:
            text = one.resolve().reveal()
            found[text.encode()] = None
            with suppress(UnicodeEncodeError):
                found[text.encode("latin-1")] = None
        return tuple(found)

    def _write(self, prove: Prove) -> None:
        """Write the content as one file."""
        try:
            row, extra = self._file(prove)
        except DamagedError as error:
            self._work.drop()
            self._unproved(BY_DAMAGE[error.kind], error.message)
        else:
            self._end([row], extra)

    def _file(self, prove: Prove, *, loosely: bool = False) -> tuple[Row, int]:
        """Write the content while it is proved; return its line in the list, and how many bytes follow its end."""
        proof, digest, size = Proof(prove), hashlib.sha256(), 0
        plain = self._plain()

        def passing() -> Iterator[bytes]:
            nonlocal size
            for piece in proof.through(as_far_as_it_goes(plain) if loosely else plain):
                digest.update(piece)
                size += len(piece)
                yield piece

        self._put(self._base, passing(), None)
        name = self._base.rpartition("/")[2]
        return Row(name, "file", size, 0, digest.hexdigest(), printable(self._item.key)), proof.ending.extra

    def _unproved(self, word: str, message: str = "") -> None:
        """Say that content is not proved, and write it all the same where that was asked for."""
        if self._asked.accept_unknown:
            row, _ = self._file(take_all, loosely=True)
            message = f"{message or LEGACY[word].sentence} It was written as it is."
            self._refuse(word, message, keep=[row])
        else:
            self._refuse(word, message)

    def _unpack(self, *, zipped: bool) -> None:
        """Write the members of a tar."""
        unpacking = Unpacking(f"{self._base}{FOLDER}", self._put, self._free)
        try:
            if self._work.dest.at_once:  # nothing in a store is taken back: it is proved first, then written
                self._walk(_pass_over, zipped=zipped)
            ending = self._walk(unpacking.take, zipped=zipped)
        except DamagedError as error:
            word = BY_DAMAGE[error.kind]
            if not self._asked.accept_unknown:
                self._work.drop()
                self._refuse(word, error.message)
                return
            if not unpacking.rows:
                with suppress(DamagedError):
                    self._walk(unpacking.take, zipped=zipped)
            self._work.receipt.findings += unpacking.findings(self._item.key)
            self._refuse(word, f"{error.message} Written as they are: {unpacking.told()}.", keep=unpacking.rows)
        else:
            self._work.receipt.findings += unpacking.findings(self._item.key)
            self._end(unpacking.rows, ending.extra)

    def _walk(self, take: Callable[[Member], None], *, zipped: bool) -> Ending:
        """Go through the tar to its end, and that of the gzip stream it is in; say where it stops."""
        outer = Source(self._plain())
        inner = Source(gunzip(outer)) if zipped else outer
        walk = Walk(inner)
        try:
            for member in walk:
                take(member)
            while inner.some():  # to the checksum of gzip
                pass
        except DamagedError as error:
            if error.kind == NO_ROOM:
                raise
            last = f"The last whole member is {printable(walk.last)}." if walk.last else "No member is whole."
            raise DamagedError(f"{error.message} {last}", kind=error.kind) from error
        return outer.finish()

    def _end(self, rows: Sequence[Row], extra: int) -> None:
        """Note that the content is whole."""
        if extra:
            told = f"The content is whole, and {counted(extra, 'byte')} follow that are not its cipher's padding."
            self._work.receipt.findings.append(
                LEGACY["bytes-after-end"].about(self._item.key, count=extra, message=told)
            )
        self._list(rows)
        found = (one for one in self._work.receipt.findings if one.severity is Severity.ERROR)
        if (bad := next(found, None)) is not None:
            self._work.quarantine(self._item, self._info.etag, bad.kind)
        else:
            self._work.receipt.done(self._item, self._info.etag)

    def _refuse(self, word: str, message: str = "", *, keep: Sequence[Row] = ()) -> None:
        """Note why the archive is not open, or not proved; what of it was written is listed."""
        if keep:
            self._list(keep)
        self._work.receipt.findings.append(LEGACY[word].about(self._item.key, message=message))
        self._work.quarantine(self._item, self._info.etag, word)

    def _list(self, rows: Sequence[Row]) -> None:
        content = list(self._asked.encrypted([listed(rows)]))
        self._work.write(self._item.output, content, last=True, kind="list", **self._facts)

    def _put(self, path: str, chunks: Iterable[bytes], mtime_ns: int | None) -> None:
        written: Iterable[Buffer] = self._asked.encrypted(chunks)
        if isinstance(chunks, list):  # small: many of them are put side by side
            written = list(written)
        self._work.write(f"{path}{self._asked.ending}", written, mtime_ns=mtime_ns, kind="file", **self._facts)

    @property
    def _facts(self) -> dict[str, str]:
        return {"made_by": self._asked.made_by(self._info.etag), "source": self._item.key}

    def _free(self) -> int | None:
        """Return how many bytes there is room for; None in a store."""
        return None if self._work.dest.at_once else shutil.disk_usage(self._work.dest.corner).free

    def _plain(self) -> Iterator[bytes]:
        """Open the archive from its beginning."""
        self._note_read(self._info.size)
        with at_the_source():
            chunks = self._work.store.open_ranges(self._info)
        return self._opening.open(from_source(chunks))

    def _range(self, start: int, length: int) -> bytes:
        with at_the_source():
            return self._work.store.get_range(self._item.key, start, length, self._info.etag)

    def _note_read(self, size: int) -> None:
        self._work.receipt.reads.append(Read(self._item.key, self._info.etag, size))


def _pass_over(member: Member) -> None:
    """Leave a member's content to the walk."""
