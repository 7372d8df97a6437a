"""Cat: the bytes of one object, or a range of them, in memory; decrypted and proved where that can be."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import MAGIC
from bondstore.config.secrets import SecretRef
from bondstore.errors import ChecksumError, DamagedError, IntegrityError, NoPlaceError, NotFoundError, UsageError
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami
from bondstore.stores import open_store
from bondstore.stores.transfer import RANGE
from bondstore.vault.addresses import object_at, vault_at
from bondstore.vault.findings import MISSING
from bondstore.vault.keys import own_key, passphrase_of, unlocked
from bondstore.vault.proofs import Reader, opened
from bondstore.vault.reading import Vault

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from typing_extensions import Buffer

    from bondstore.config.profiles import Profile


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one object, as they come."""

    chunks: Iterator[Buffer]
    is_encrypted: bool
    """Whether these bytes are encrypted."""
    is_unproved: bool
    """Whether they were decrypted, and no manifest says what they should be."""


@dataclass(frozen=True, slots=True)
class Span:
    """From which byte on, and how many; None: up to the end."""

    offset: int = 0
    length: int | None = None

    def __post_init__(self) -> None:
        if self.offset < 0 or (self.length is not None and self.length < 0):
            raise UsageError("A range starts at 0 or later and has no negative length.")

    @property
    def is_whole(self) -> bool:
        """Whether it is everything."""
        return not self.offset and self.length is None

    def end(self, size: int) -> int:
        """Return where it ends in so many bytes."""
        return size if self.length is None else min(size, self.offset + self.length)


def read_object(
    url: str,
    *,
    span: Span | None = None,
    unseal: bool = False,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | Profile | None = None,
) -> Content:
    """Open the bytes of an object, or with ``URL#path`` of a file of a vault.

    Parameters
    ----------
    url : str
        The object, or the file.
    span : Span, optional
        Which of its bytes; all when not given.
    unseal : bool
        Decrypt it.
    key, passphrase
        As in `get_job`: whose key decrypts.
    profile : str or Profile, optional
        Settings to open the store with.

    Raises
    ------
    NotFoundError
        There is no such object.
    IntegrityError
        While chunks are taken: they are not what the manifest, or the store's own checksum, says. What comes in
        pieces may have been given out by then, each of them decrypted and checked by itself.
    """
    span, reader = span or Span(), None
    if unseal:
        name = own_key(key)
        reader = Reader(name, passphrase_of(name, passphrase))
        unlocked(reader.key, reader.passphrase)
    vault = vault_at(url, profile) if "#" in url else None
    if vault is not None:
        chunks = _proved(_of_vault(Vault(vault[0], reader), vault[1], span), url)
        return _content(chunks, is_open=reader is not None)
    if reader is None:
        return _content(_proved(_of_store(url, profile, span), url), is_open=False)
    sealed = _of_store(url, profile, Span())
    first = next(sealed, b"")
    if not _is_encrypted(first):
        raise UsageError(f"{url} is not encrypted with Crypt4GH.", hint="Leave --unseal out.")
    return Content(_proved(_cut(opened(chain([first], sealed), reader), span), url), False, True)


def _content(chunks: Iterator[Buffer], *, is_open: bool) -> Content:
    """Return content whose first piece was looked at: what is wrong with a small object shows at once."""
    first = next(chunks, b"")
    return Content(chain([first], chunks), not is_open and _is_encrypted(first), False)


def _is_encrypted(first: Buffer) -> bool:
    return bytes(memoryview(first).cast("B")[: len(MAGIC)]) == MAGIC


def _of_vault(vault: Vault, path: str, span: Span) -> Iterator[Buffer]:
    end = span.end(vault.size(path))
    try:
        if span.is_whole:
            yield from vault.stream(path)
        else:
            for start in range(span.offset, end, RANGE):
                yield vault.read_range(path, start, min(start + RANGE, end))
    except NoPlaceError:
        raise
    except NotFoundError:
        raise DamagedError(MISSING.sentence) from None


def _of_store(url: str, profile: str | Profile | None, span: Span) -> Iterator[Buffer]:
    spec, key = object_at(url, profile)
    if not key:
        raise UsageError(f"{url} is not an object.", hint=f"See what is there: bondstore ls {url}")
    store = open_store(spec)
    info = store.head(key)
    end = span.end(info.size)
    note_personal(whoami(), [Read(key, info.etag, max(0, end - span.offset))])
    if span.is_whole and info.size <= RANGE:
        yield store.get(key).data
        return
    pieces = store.open_ranges(info, min(RANGE, max(1, end - span.offset)), span.offset, checked=span.is_whole)
    yield from _cut(pieces, Span(0, end - span.offset if end > span.offset else 0))


def _cut(chunks: Iterable[Buffer], span: Span) -> Iterator[Buffer]:
    """Yield a part of what comes in pieces; read on to its end where that is wanted, and no further."""
    at = 0
    for chunk in chunks:
        view = memoryview(chunk).cast("B")
        start, end = max(0, span.offset - at), None if span.length is None else span.offset + span.length - at
        if end is not None and end <= 0:
            return
        yield view[start:end]
        at += len(view)


def _proved(chunks: Iterator[Buffer], url: str) -> Iterator[Buffer]:
    """Pass chunks on; what is wrong with them is a matter of integrity, and says how much went out before."""
    given = 0
    try:
        for chunk in chunks:
            yield chunk
            given += memoryview(chunk).nbytes
    except (DamagedError, ChecksumError) as error:
        hint = f"{given:,} bytes were written before this was known. Do not use them." if given else error.hint
        raise IntegrityError(f"{url} is not proved. {error.message}", hint=hint) from None
