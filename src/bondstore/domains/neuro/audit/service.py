"""A second look at all that left: each file of a folder, a store or a vault, read once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import MAGIC
from bondstore.codecs.zstd import inflate, looks_like_zstd
from bondstore.config.secrets import SecretRef
from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.files import Searches, look_into
from bondstore.domains.neuro.audit.findings import AUDIT, UNSEEN, WORDS
from bondstore.domains.neuro.audit.sought import Sought
from bondstore.domains.neuro.job import CrosswalkRef, people_of
from bondstore.errors import BondstoreError, Exit, NothingThereError, UsageError, WrongKeyError
from bondstore.findings import Finding, Severity
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count
from bondstore.stores import open_store
from bondstore.stores.address import store_spec
from bondstore.vault.addresses import is_vault
from bondstore.vault.crosswalks import default_place
from bondstore.vault.keys import own_key, passphrase_of
from bondstore.vault.manifest import ENDING
from bondstore.vault.proofs import Reader, opened
from bondstore.vault.reading import Vault

if TYPE_CHECKING:
    import os

    from typing_extensions import Buffer

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.runs.progress import Progress
    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found: places and kinds, never texts."""

    people: int
    """How many people were looked for."""
    files: int
    size: int
    """Bytes that were searched."""
    findings: tuple[Finding, ...]
    """Files are named by their paths; parts of a path that name somebody are hidden, and the file has its number."""

    @property
    def left(self) -> int:
        """How many files have something that should not be there."""
        return self._files(lambda one: one.severity is Severity.ERROR and one.kind not in UNSEEN)

    @property
    def unseen(self) -> int:
        """How many files could not be looked into, as a whole or in part."""
        return self._files(lambda one: one.kind in UNSEEN)

    @property
    def doubtful(self) -> int:
        """How many files have a common word that may be a name."""
        return self._files(lambda one: one.kind == "name-to-review")

    @property
    def exit_code(self) -> Exit:
        """6 where anything is left or could not be looked at, 8 where a person has to look, else 0."""
        return Exit.REFUSED if self.left or self.unseen else Exit.WAITING if self.doubtful else Exit.DONE

    def _files(self, counts: Callable[[Finding], bool]) -> int:
        return len({one.key for one in self.findings if counts(one)})


@dataclass(frozen=True, slots=True)
class _File:
    key: str
    size: int
    etag: str
    chunks: Callable[[], Iterable[Buffer]]


def audit(
    dest: str | os.PathLike[str] | StoreSpec,
    *,
    names: str | os.PathLike[str] | None = None,
    people: Iterable[Person] = (),
    crosswalk: CrosswalkRef | None = None,
    profile: str | Profile | None = None,
    progress: Progress | None = None,
) -> Audited:
    """Look for people in everything that a folder, a store or a vault has. Nothing is changed.

    All bytes are searched, whatever a file says that it is; of recordings the fields of the header and the annotations,
    put together over records; of notes each line; of video the tags; and the names of files and folders. This shares
    no search with `deidentify`. Samples that happen to look like a short name are not reported: in bytes without
    meaning a name counts from four letters on.

    Parameters
    ----------
    dest : path, str or StoreSpec
        What to look at.
    names : path, optional
        A file of names, one person a line.
    people : iterable of Person
        More people.
    crosswalk : CrosswalkRef, optional
        A crosswalk whose people are looked for, too, and whose key decrypts what is encrypted; your own where neither
        names nor people are given.
    profile : str or Profile, optional
        Named settings to open it with.
    progress : Progress, optional
        Who watches.

    Returns
    -------
    Audited
        With ``findings`` and ``exit_code``.

    Raises
    ------
    UsageError
        There is nobody to look for.
    NothingThereError
        There are no files.
    """
    known = [*people_of(None if names is None else str(names)), *people]
    if crosswalk is None and not known:
        crosswalk = CrosswalkRef()
    if crosswalk is not None and (crosswalk.place is not None or default_place().exists()):
        known += (one.person for one in crosswalk.open().entries())
    if not known:
        raise UsageError("There is nobody to look for.", hint="Add --names FILE, a person a line, or --crosswalk FILE.")
    spec = store_spec(dest, profile)
    files = sorted(_files(spec, None if crosswalk is None else _reader(crosswalk)), key=lambda one: one.key)
    if not files:
        raise NothingThereError(f"There are no files in {spec.url}.", hint="Check the folder or the URL.")
    return _looked(files, Searches(Sought.of(known)), len(known), progress or Quiet())


def _reader(crosswalk: CrosswalkRef) -> Reader:
    name = own_key(crosswalk.key)
    passphrase = None if crosswalk.passphrase is None else SecretRef.parse(crosswalk.passphrase)
    return Reader(name, passphrase_of(name, passphrase))


def _files(spec: StoreSpec, reader: Reader | None) -> Iterator[_File]:
    """Yield all files: of a vault those that it has by their own names, and its objects that are not encrypted."""
    store = open_store(spec)
    vault = Vault(spec, reader) if is_vault(spec) else None
    for info in store.list():
        if vault is None or not info.key.endswith(ENDING):
            yield _File(info.key, info.size, info.etag, _Opened(store, info.key, reader))
    if vault is not None:
        for one in vault.files():
            if one.encrypted:
                yield _File(one.path, one.size, "", _InVault(vault, one.path, reader))


@dataclass(frozen=True, slots=True)
class _Opened:
    """Reads an object, decrypted where it is encrypted, and decompressed."""

    store: Store
    key: str
    reader: Reader | None

    def __call__(self) -> Iterator[Buffer]:
        chunks = iter(self.store.open_ranges(self.store.head(self.key)))
        first = next(chunks, b"")
        whole = chain([first], chunks)
        if looks_like_zstd(first):  # as the copy of a record is in a store
            return inflate(whole)
        if bytes(memoryview(first)[: len(MAGIC)]) != MAGIC:
            return whole
        if self.reader is None:
            raise WrongKeyError("The file is encrypted.")
        return opened(whole, self.reader)


@dataclass(frozen=True, slots=True)
class _InVault:
    """Reads a file of a vault."""

    vault: Vault
    path: str
    reader: Reader | None

    def __call__(self) -> Iterator[Buffer]:
        if self.reader is None:
            raise WrongKeyError("The file is encrypted.")
        return self.vault.stream(self.path)


def _looked(files: list[_File], searches: Searches, people: int, progress: Progress) -> Audited:
    findings: list[Finding] = []
    size = 0
    progress.begin(Count(len(files), sum(one.size for one in files)))
    try:
        for number, one in enumerate(files, 1):
            shown, found = searches.path(one.key)
            shown += f" (file {number})" if shown != one.key else ""
            note_personal(whoami(), [Read(shown, one.etag, one.size)])
            word = ""
            try:
                look = look_into(one.key, one.chunks(), searches)
            except WrongKeyError:
                word = "still-encrypted"
            except BondstoreError:
                word = "not-read"  # its message may have the name of the file
            else:
                found += look.found
                size += look.size
            findings += _findings(shown, found)
            findings += [AUDIT[word].about(shown)] if word else []
            progress.advance(Count(1, one.size))
    finally:
        progress.end()
    return Audited(people, len(files), size, tuple(findings))


def _findings(shown: str, found: Counter[tuple[str, str]]) -> Iterator[Finding]:
    for (place, kind), count in sorted(found.items()):
        if count > 0:
            yield AUDIT[WORDS[kind]].about(shown, where=place, count=count)
