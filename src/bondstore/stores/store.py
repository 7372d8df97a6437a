"""`Store`: a place with objects, whatever stands behind it; `open_store` opens one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bondstore.errors import (
    BondstoreError,
    CredentialsError,
    ReadOnlyError,
    StoreError,
    TransientStoreError,
    UnreachableError,
    UsageError,
)
from bondstore.stores import archive, listing, parts, transfer, writing
from bondstore.stores.address import Address, impossible, is_odd
from bondstore.stores.background import in_turn, side_by_side
from bondstore.stores.connection import Connection
from bondstore.stores.retry import RetryRule

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.stores.archive import Answer, Speed, Standing
    from bondstore.stores.info import Dirs, Fetched, Listing, ObjectInfo
    from bondstore.stores.parts import Upload
    from bondstore.stores.uploads import Unfinished

    # inside the class, `list` is the method
    _Keys = list[str]
    _Many = list[Fetched | BondstoreError]
    _Written = list[str | BondstoreError]
    _Done = list[BondstoreError | None]


def open_store(
    url: str | StoreSpec,
    profile: Profile | None = None,
    *,
    read_only: bool | None = None,
    rule: RetryRule | None = None,
) -> Store:
    """Open a store. No connection is made before the first use.

    Parameters
    ----------
    url : str or StoreSpec
        ``s3://bucket/prefix``, ``az://container/prefix``, ``file:///folder``, ``memory://name``; or an address with
        its profile, as a run hands it to its workers.
    profile : Profile, optional
        The settings to open it with; with a `StoreSpec`, in place of its own.
    read_only : bool, optional
        Refuse writes. The profile's word when not given; a profile that is read-only cannot be overruled.
    rule : RetryRule, optional
        Time-outs and patience; the profile's when not given.

    Raises
    ------
    UsageError
        When the address is none.

    Examples
    --------
    >>> store = open_store("memory://example")
    >>> _ = store.put("a/b", b"hello")
    >>> bytes(store.get("a/b").data)
    b'hello'
    """
    from bondstore.config.profiles import Profile, StoreSpec

    spec = StoreSpec(url, profile or Profile()) if isinstance(url, str) else url
    if profile is not None:
        spec = replace(spec, profile=profile)
    return Store(spec, read_only=spec.profile.read_only or bool(read_only), rule=rule)


class Store:
    """A place with objects: a bucket or container (or a prefix in one), a folder, or memory.

    All keys are relative to it. It is thread-safe, opens its connections when first used, and can be pickled: the copy
    opens its own. (`memory://` stores live in one process only.) Processes must be spawned, not forked: the client
    library's threads do not survive a fork.

    Methods raise `NotFoundError` for an object, a bucket or a folder that is not there; `CredentialsError`,
    `ConfigurationError` or `UnreachableError` when the store cannot be used at all; `TransientStoreError` when it
    failed at this object for as long as the patience lasts; `UsageError` for a key that no store can have;
    `ReadOnlyError` when it is opened read-only. Those for many objects give a failure in the place of a result.
    """

    def __init__(self, spec: StoreSpec, *, read_only: bool = False, rule: RetryRule | None = None) -> None:
        self.spec = spec
        self.read_only = read_only
        self.rule = rule or RetryRule.of(spec.profile)
        self.others: tuple[str, ...] = ()  # keys that may well open, should one be refused
        self._opened: tuple[str, ...] = ()
        self._connection = Connection(spec, self.rule)

    @property
    def address(self) -> Address:
        """The store's address, taken apart."""
        return self._connection.address

    @property
    def url(self) -> str:
        """The store's address, written in one way only."""
        return self.address.url

    def __repr__(self) -> str:
        return f"Store({self.url!r}{', read_only=True' if self.read_only else ''})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self.spec, self.read_only, self.rule))

    # Listing

    def check(self) -> None:
        """Ask the store for its first objects: raises what is wrong with address, credentials, region or bucket."""
        pages = self.pages()
        next(pages, None)
        pages.close()

    def pages(self, prefix: str = "", *, start_after: str | None = None) -> Generator[Listing, None, None]:
        """List all objects under a prefix (taken as ending at a ``/``), page by page, ahead of the reader.

        `start_after` leaves out what the store orders up to a key; as orders differ, only a key that this very store
        listed makes sense. A listing that ends without an error is complete.
        """
        return listing.stream_pages(self._connection, [prefix], start_after, 1)

    def pages_under(self, prefixes: Sequence[str], concurrency: int = 8) -> Generator[Listing, None, None]:
        """List several prefixes at a time, which do not contain one another; pages come as they are ready."""
        return listing.stream_pages(self._connection, prefixes, None, concurrency)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """List all objects under a prefix one by one. `pages` is faster for many."""
        for page in self.pages(prefix):
            yield from page.objects()

    def dirs(self, prefix: str = "") -> Dirs:
        """List the folders and objects directly under a prefix."""
        return listing.list_dirs(self._connection, prefix)

    # Reading

    def head(self, key: str) -> ObjectInfo:
        """Return an object's metadata."""
        return transfer.head(self._connection, key)

    def get(self, key: str) -> Fetched:
        """Read an object."""
        found = transfer.fetch(self._connection, key)
        self._opened = (key,)
        return found

    def ends_in_slash(self, key: str) -> bool:
        """Say of an object that was listed and is not there whether its key is the same with a ``/`` behind it."""
        return transfer.ends_in_slash(self._connection, key)

    def get_many(self, keys: Sequence[str], concurrency: int = 16) -> _Many:
        """Read many objects at a time. All of them are held in memory: ask for batches.

        Credentials that open some of them are good: one that they do not open is an error of that object alone.
        """
        return list(self.get_each(keys, concurrency))

    def get_each(self, keys: Sequence[str], concurrency: int = 16) -> Iterator[Fetched | BondstoreError]:
        """Read many objects at a time as `get_many` does; give each in its turn, while those behind it are read."""
        answers = in_turn(self.get, keys, concurrency)
        for answer in answers:
            if isinstance(answer, CredentialsError):
                rest = list(answers)  # one of them may open
                is_alone = self._opens_any()
                for one in (answer, *rest):
                    yield _of_one(one) if is_alone and isinstance(one, CredentialsError) else one
                return
            yield answer

    def alone(self, error: BondstoreError) -> BondstoreError:
        """Return a refusal as an error of its object alone, where the same credentials still open another one."""
        return _of_one(error) if isinstance(error, CredentialsError) and self._opens_any() else error

    def _opens_any(self) -> bool:
        # One byte is asked for: HEAD may be granted where the key that an object is encrypted with is not.
        for key in (*self._opened, *self.others):
            try:
                transfer.fetch_range(self._connection, key, 0, 1, None)
            except (
                TransientStoreError,
                UnreachableError,
            ):  # each of the others would take as long
                return False
            except BondstoreError:
                continue
            self._opened = (key,)
            return True
        return False

    def get_range(self, key: str, start: int, length: int, etag: str | None = None) -> bytes:
        """Read part of an object, resumed where a connection breaks; what lies beyond its end is left out.

        Raises `ChangedError` when the object is not the version with this etag.
        """
        if start < 0 or length < 0:
            raise UsageError("A range starts at 0 or later and has no negative length.")
        return transfer.fetch_range(self._connection, key, start, start + length, etag)

    def open_ranges(
        self, info: ObjectInfo, chunk: int | None = None, start: int = 0, *, checked: bool = True
    ) -> Iterator[bytes]:
        """Read a large object from a byte on in ranges of `chunk` bytes, or of what suits, one ahead of the reader.

        Raises `ChangedError` when it is not the version of `info` any more: never a mixture of two; and, at the end of
        a whole object that is `checked`, `ChecksumError` when its bytes are not those of its etag.
        """
        return transfer.fetch_ranges(self._connection, info, chunk, start, checked=checked)

    # Archived objects

    def standing(self, key: str) -> Standing:
        """Ask, with one HEAD, whether an object can be read, or is archived, and its storage class."""
        return archive.standing(self._connection, key)

    def ask_for(self, key: str, speed: Speed, days: int | None) -> Answer:
        """Ask for an archived object, to be read for so many days; None where the class brings it back for good."""
        return archive.ask(self._writable(), key, speed, days)

    # Writing

    def class_named(self, storage_class: str) -> str:
        """Return a storage class by its proper name; refuses one that the store does not have. It asks nobody."""
        return archive.name_of_class(self._connection, storage_class)

    def put(self, key: str, data: Any, *, storage_class: str | None = None) -> str:
        """Write an object, replacing one that is there, and return its etag. Over 8 MiB it is sent in parts.

        `storage_class` is one of `bondstore.stores.archive`; the store's own default when not given.
        """
        return writing.put(self._writable(key), _checked(key), data, storage_class)

    def put_stream(self, key: str, chunks: Iterable[Any], *, storage_class: str | None = None) -> str:
        """Write an object from chunks of any size, in parts; nothing shows before all is there, or if chunks raise."""
        return writing.put_stream(self._writable(key), _checked(key), chunks, storage_class)

    @property
    def resumes(self) -> bool:
        """Whether `open_upload` is possible, with this kind of store and these credentials."""
        return self._connection.kind.resumes(self.spec.profile)

    def open_upload(self, key: str, journal: Path, *, storage_class: str | None = None) -> Upload:
        """Begin the upload of a large object in parts, or go on with that of a journal: only what is missing is sent.

        The journal is a file for this object alone (`UsageError` for another one's, or one in use). `storage_class` is
        the class at S3 or the access tier at Azure.
        """
        return parts.open_upload(self._writable(key), _checked(key), journal, storage_class)

    def unfinished(self, prefix: str = "", journals: Iterable[Path] = ()) -> Iterator[Unfinished]:
        """List uploads in parts that are neither complete nor aborted; those of `journals` are ours."""
        return parts.list_unfinished(self._connection, prefix, journals)

    def put_many(
        self, items: Sequence[tuple[str, Any]], concurrency: int = 16, *, classes: Mapping[str, str] | None = None
    ) -> _Written:
        """Write many (key, content) pairs at a time: etags in their order, a failure in the place of an etag.

        `classes` are storage classes by key, of those that are not to have the store's own default.
        """
        self._writable()
        named = classes or {}
        return side_by_side(
            lambda item: self.put(item[0], item[1], storage_class=named.get(item[0])), items, concurrency
        )

    def put_if_absent(self, key: str, data: Any) -> str:
        """Write an object unless there is one (`AlreadyExistsError`). Of many that try at once exactly one succeeds.

        When an answer was lost on the way, an object with these very bytes counts as ours: let them name their writer.
        """
        return writing.put_if_absent(self._writable(key), _checked(key), data)

    def put_if_unchanged(self, key: str, data: Any, etag: str) -> str:
        """Replace an object unless it is another version than the etag's, or gone (`ChangedError`)."""
        return writing.put_if_unchanged(self._writable(key), _checked(key), data, etag)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store; the bytes do not pass through here."""
        writing.copy(self._writable(target), _checked(source), _checked(target))

    def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        writing.delete(self._writable(key), _checked(key))

    def delete_many(self, keys: Sequence[str], concurrency: int = 16) -> _Done:
        """Remove many objects at a time: in the order of the keys, None for each that is gone, or its failure."""
        self._writable()
        return side_by_side(self.delete, keys, concurrency)

    def move(self, source: str, target: str) -> None:
        """Rename an object, replacing one at the target: in one step in a folder, elsewhere by copy and removal."""
        writing.move(self._writable(source, target), _checked(source), _checked(target))

    def move_many(self, pairs: Sequence[tuple[str, str]], concurrency: int = 16) -> _Done:
        """Rename many (source, target) pairs at a time: in their order, None for each that is done, or its failure."""
        self._writable()
        return side_by_side(lambda pair: self.move(*pair), pairs, concurrency)

    def clear_unfinished(self, is_ours: Callable[[str], bool]) -> _Keys:
        """Remove what killed writers left of objects whose keys `is_ours` knows; return the keys."""
        return self._writable().kind.clear_unfinished(self.address, is_ours)

    def _writable(self, *keys: str) -> Connection:
        if self.read_only:
            raise ReadOnlyError(f"{self.url} is opened read-only.", hint="Use a profile that allows writing.")
        if not self.spec.follow_links:
            for key in keys:
                self._connection.kind.check_way(self.address, _checked(key))
        return self._connection


def _checked(key: str) -> str:
    """Refuse keys that leave the store, or that some stores fold onto another one: ``/a`` and ``a/`` are not ``a``."""
    if is_odd(key) or "\0" in key:
        raise impossible(key)
    return key


def _of_one(error: CredentialsError) -> StoreError:
    return StoreError(error.message, hint=error.hint)


def _reopen(spec: StoreSpec, read_only: bool, rule: RetryRule) -> Store:
    return Store(spec, read_only=read_only, rule=rule)
