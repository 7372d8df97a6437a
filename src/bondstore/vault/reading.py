"""Reading files of a vault in memory: whole and proved, or a range of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import Header
from bondstore.codecs.segments import SEGMENT, sealed_range
from bondstore.errors import DamagedError, NotFoundError, UsageError, WrongKeyError
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami
from bondstore.stores import open_store
from bondstore.text import counted
from bondstore.vault.findings import NOT_PROVED
from bondstore.vault.keys import fingerprint, recipients, unlocked
from bondstore.vault.manifest import Content, digest, header_size
from bondstore.vault.objects import LARGE, refuse_unseen
from bondstore.vault.packed import open_pack
from bondstore.vault.proofs import held, proofs_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from bondstore.codecs.crypt4gh import Envelope
    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store
    from bondstore.vault.manifest import Entry, Manifest
    from bondstore.vault.packs import PackedFile
    from bondstore.vault.proofs import Proofs, Reader


@dataclass(frozen=True, slots=True)
class VaultFile:
    """A file of a vault.

    Parameters
    ----------
    path : str
        Its name, relative to what was uploaded.
    size : int
        Its bytes, decrypted.
    encrypted : bool
        Whether it is encrypted in the vault.
    uploaded : str
        When its manifest was made, in ISO 8601.
    """

    path: str
    size: int
    encrypted: bool
    uploaded: str


class Vault:
    """The files of a vault, by the manifests that are proved when they are first asked for; see `open_vault`."""

    def __init__(self, spec: StoreSpec, reader: Reader | None) -> None:
        self._spec, self._reader = spec, reader

    def __repr__(self) -> str:
        return f"Vault({self._spec.url!r})"

    @cached_property
    def _store(self) -> Store:
        return open_store(self._spec)

    @cached_property
    def _proofs(self) -> Proofs:
        return proofs_of(self._spec, fresh=True)

    @cached_property
    def _by_path(self) -> dict[str, tuple[Entry, Manifest, PackedFile | None]]:
        """The object of each file, and where in a pack it is; of several versions the newest."""
        found: dict[str, tuple[Entry, Manifest, PackedFile | None]] = {}
        for entry, manifest in sorted(self._proofs.entries.values(), key=lambda one: one[0].put or one[1].number):
            try:
                packed = self._proofs.files(entry, manifest, self._reader) if entry.files and self._reader else ()
            except WrongKeyError:  # for others: it is named as a whole
                packed = ()
            for one in packed:
                found[one.path] = entry, manifest, one
            if not packed:
                found[entry.path] = entry, manifest, None
        return found

    def _packed(self, path: str) -> PackedFile | None:
        """Return where a file is in its pack; None of one that is an object by itself."""
        self._entry(path)
        return self._by_path[path][2]

    def _range(self, packed: PackedFile, start: int, end: int) -> Iterator[memoryview]:
        entry, manifest = self._entry(packed.path)
        assert self._reader is not None
        opened = open_pack(entry, manifest, self._reader, partial(self._fetched, entry))
        yield from opened.read(packed.offset + start, packed.offset + end)

    def files(self) -> Iterator[VaultFile]:
        """Yield the files, in the order of their names.

        Raises
        ------
        IntegrityError
            A manifest is missing, was changed, or an older state of the vault was put back.
        PolicyError
            A manifest was signed by somebody whom you do not trust.
        """
        for path in sorted(self._by_path):
            entry, manifest, packed = self._by_path[path]
            yield VaultFile(path, packed.size if packed else entry.plain_size, bool(entry.list), manifest.made)

    def size(self, path: str) -> int:
        """Return how many bytes `read` returns of a file. Raises NotFoundError where no manifest names it."""
        entry, _ = self._entry(path)
        if (packed := self._packed(path)) is not None:
            return packed.size
        return entry.size if self._reader is None else entry.plain_size

    def read(self, path: str) -> bytes:
        """Return a file, decrypted and proved against the manifest to its last byte.

        Raises
        ------
        NotFoundError
            No manifest names it, or it is gone.
        DamagedError
            It is not what the manifest says.
        WrongKeyError
            It was encrypted for others.
        """
        entry, _ = self._entry(path)
        if (packed := self._packed(path)) is not None:
            return b"".join(self._whole(packed))
        fetched = self._store.get(entry.object)
        note_personal(whoami(), [Read(entry.object, fetched.info.etag, len(fetched.data))])
        return b"".join(map(bytes, self._proofs.content_of(entry.object, [fetched.data], self._reader)))

    def stream(self, path: str) -> Iterator[Buffer]:
        """Yield a file in pieces, as `read` returns it; of a large one it is proved only once the last piece came.

        Raises
        ------
        NotFoundError, DamagedError, WrongKeyError
            As in `read`.
        """
        entry, _ = self._entry(path)
        packed = self._packed(path)
        if (entry.size if packed is None else packed.size) <= LARGE:
            yield self.read(path)
            return
        if packed is not None:
            yield from self._whole(packed)
            return
        info = self._store.head(entry.object)
        note_personal(whoami(), [Read(entry.object, info.etag, info.size)])
        yield from self._proofs.content_of(entry.object, self._store.open_ranges(info), self._reader)

    def read_range(self, path: str, start: int, end: int) -> bytes:
        """Return the bytes of a file from `start` up to `end`; what lies behind its end is left out.

        Only the segments of 64 KiB that hold them are fetched. Each is proved by itself, as written by who had the
        file's key; that it is the one that belongs at its place is not: only `read` proves the whole file.

        Raises
        ------
        UsageError
            The range begins below 0, or ends before it begins.
        NotFoundError, DamagedError, WrongKeyError
            As in `read`.
        """
        if not 0 <= start <= end:
            raise UsageError("A range begins at 0 or later, and does not end before it begins.")
        entry, manifest = self._entry(path)
        end = min(end, self.size(path))
        if start >= end:
            return b""
        if (packed := self._packed(path)) is not None:
            return b"".join(self._range(packed, start, end))
        if not entry.list or self._reader is None:
            return self._fetched(entry, start, end)
        header = header_size(len(manifest.recipients))
        first, last = sealed_range(start, end)
        envelope = self._envelope(entry, manifest, header)
        plain = envelope.segments.open(self._fetched(entry, header + first, min(header + last, entry.size)))
        skipped = start - start // SEGMENT * SEGMENT
        return bytes(plain[skipped : skipped + end - start])

    def _whole(self, packed: PackedFile) -> Iterator[Buffer]:
        content = Content(packed.size, packed.sha256)
        return held(self._range(packed, 0, packed.size), content, packed.path)

    def _envelope(self, entry: Entry, manifest: Manifest, header: int) -> Envelope:
        """Open a header: the one of the manifest, where that names it; otherwise one of who signed the manifest.

        Anybody else could have written what it opens.
        """
        start = self._fetched(entry, 0, header)
        found = Header.parse(start)
        assert self._reader is not None
        if found is None or found.size != header:
            raise UsageError(f"{entry.path} has another header than its manifest tells: read it as a whole.")
        if entry.header_sha256:  # who gave it another header kept what others wrote for those who stay
            if digest(start) != entry.header_sha256:
                raise DamagedError(
                    f"The header of {entry.object} is not what the manifest says of it.", kind=NOT_PROVED.word
                )
            return found.open(unlocked(self._reader.key, self._reader.passphrase).private)
        writer = next(
            one.public
            for one in recipients()
            if one.signing is not None and fingerprint(one.signing) == manifest.signer
        )
        private = unlocked(self._reader.key, self._reader.passphrase).private
        if not found.comes_from(private, writer):
            raise DamagedError(
                f"The header of {entry.object} is not from who signed its manifest.", kind=NOT_PROVED.word
            )
        return found.open(private, writer=writer)

    def _fetched(self, entry: Entry, start: int, end: int) -> bytes:
        data = self._store.get_range(entry.object, start, end - start)
        note_personal(whoami(), [Read(entry.object, "", len(data))])
        return data

    def _entry(self, path: str) -> tuple[Entry, Manifest]:
        if path not in self._by_path:
            self._refuse_unseen(path)
            raise NotFoundError(
                f"There is no file {path} in {self._spec.url}.",
                hint=f"bondstore ls {self._spec.url} --recursive names all files; in Python, Vault.files().",
            )
        return self._by_path[path][:2]

    def _refuse_unseen(self, path: str) -> None:
        """Refuse to say that a file is not there, where a pack that was not opened may have it."""
        refuse_unseen(self._spec, path, self._reader)
        unseen = sum(entry.files > 0 and packed is None for entry, _, packed in self._by_path.values())
        if unseen and self._reader is not None:
            raise WrongKeyError(
                f"No file {path} is in what the key {self._reader.key} decrypts of {self._spec.url}; "
                f"{counted(unseen, 'pack')} more may have one, encrypted for other recipients.",
                hint="Use the key of a recipient: --key NAME.",
            )
