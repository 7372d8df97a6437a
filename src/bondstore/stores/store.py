"""`Store`: a place with objects, whatever stands behind it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bondstore.errors import BondstoreError, ReadOnlyError, UsageError
from bondstore.stores import listing, transfer, writing
from bondstore.stores.background import side_by_side
from bondstore.stores.connection import Connection
from bondstore.stores.odd_keys import impossible, is_odd
from bondstore.stores.retry import RetryRule

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.stores.info import Dirs, Fetched, Listing, ObjectInfo

    # inside the class, `list` is the method
    _Many = list[Fetched | BondstoreError]
    _Written = list[str | BondstoreError]
    _Done = list[BondstoreError | None]


class Store:
    """A place with objects: a bucket or container (or a prefix in one), a folder, or memory.

    All keys are relative to it. It is thread-safe, opens its connections when first used, and can be pickled: the copy
    opens its own. (`memory://` stores live in one process only.) Processes must be spawned, not forked: the client
    library's threads do not survive a fork.

    Parameters
    ----------
    spec : StoreSpec
        Address and profile.
    read_only : bool
        Refuse every write.
    rule : RetryRule, optional
        Time-outs and patience; the profile's when not given.
    """

    def __init__(self, spec: StoreSpec, *, read_only: bool = False, rule: RetryRule | None = None) -> None:
        self.spec = spec
        self.read_only = read_only
        self.rule = rule or RetryRule.of(spec.profile)
        self._connection = Connection(spec, self.rule)

    @property
    def url(self) -> str:
        """The store's address, written in one way only."""
        return self._connection.address.url

    def __repr__(self) -> str:
        return f"Store({self.url!r}{', read_only=True' if self.read_only else ''})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_reopen, (self.spec, self.read_only, self.rule))

    # Listing

    def check(self) -> None:
        """Ask the store for its first objects: raises what is wrong with address, credentials, region or bucket.

        Raises
        ------
        UnreachableError, CredentialsError, ConfigurationError, NotFoundError
            Each with a hint.
        """
        pages = self.pages()
        next(pages, None)
        pages.close()

    def pages(self, prefix: str = "", *, start_after: str | None = None) -> Generator[Listing, None, None]:
        """List all objects under a prefix, page by page, ahead of the reader.

        Parameters
        ----------
        prefix : str
            Taken as ending at a ``/``.
        start_after : str, optional
            Leave out the keys that the store orders up to this one. Orders differ between servers: only a key that
            this very store listed makes sense.

        Yields
        ------
        Listing
            Up to 5,000 objects, in the store's own order.

        Raises
        ------
        BondstoreError
            As `check` does; a listing that ends without an error is complete.
        """
        return listing.stream_pages(self._connection, [prefix], start_after, 1)

    def pages_under(self, prefixes: Sequence[str], concurrency: int = 8) -> Generator[Listing, None, None]:
        """List several prefixes at a time; pages come as they are ready, a bounded number ahead of the reader.

        Parameters
        ----------
        prefixes : sequence of str
            Each taken as ending at a ``/``; they should not contain one another.
        concurrency : int
            How many at a time.
        """
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
        """Return an object's metadata.

        Raises
        ------
        NotFoundError
            When there is no such object.
        BondstoreError
            Other failures, mapped.
        """
        return transfer.head(self._connection, key)

    def get(self, key: str) -> Fetched:
        """Read an object.

        Raises
        ------
        NotFoundError
            When there is no such object, or no such bucket.
        CredentialsError, ConfigurationError, UnreachableError
            When the store cannot be used at all.
        TransientStoreError
            When it failed at this object for as long as the patience lasts.
        """
        return transfer.fetch(self._connection, key)

    def get_many(self, keys: Sequence[str], concurrency: int = 16) -> _Many:
        """Read many objects at a time. All of them are held in memory: ask for batches.

        Parameters
        ----------
        keys : sequence of str
            Their keys.
        concurrency : int
            How many at a time.

        Returns
        -------
        list of Fetched or BondstoreError
            In the order of `keys`. A failure stands where the object would: it is not raised.
        """
        return side_by_side(self.get, keys, concurrency)

    def get_range(self, key: str, start: int, length: int, etag: str | None = None) -> bytes:
        """Read part of an object, resumed where a connection breaks.

        Parameters
        ----------
        key : str
            The object.
        start, length : int
            In bytes; what lies beyond the object's end is left out.
        etag : str, optional
            The version it must be.

        Raises
        ------
        ChangedError
            When it is another version.
        BondstoreError
            As `get`.
        """
        if start < 0 or length < 0:
            raise UsageError("A range starts at 0 or later and has no negative length.")
        return transfer.fetch_range(self._connection, key, start, start + length, etag)

    def open_ranges(self, info: ObjectInfo, chunk: int = transfer.RANGE, start: int = 0) -> Iterator[bytes]:
        """Read a large object range after range, one ahead of the reader.

        Parameters
        ----------
        info : ObjectInfo
            The version to read, as listed or as `head` gave it.
        chunk : int
            Bytes in a range; all but the last have exactly so many.
        start : int
            Byte to start at.

        Raises
        ------
        ChangedError
            When the object was replaced meanwhile: never a mixture of two versions.
        BondstoreError
            As `get`.
        """
        return transfer.fetch_ranges(self._connection, info, chunk, start)

    # Writing

    def put(self, key: str, data: Any) -> str:
        """Write an object, replacing one that is there.

        Parameters
        ----------
        key : str
            Its key.
        data : buffer
            Its content. Over 8 MiB it is sent in parts.

        Returns
        -------
        str
            The new etag.

        Raises
        ------
        ReadOnlyError
            When the store is read-only.
        BondstoreError
            Other failures, mapped.
        """
        return writing.put(self._writable(), _checked(key), data)

    def put_stream(self, key: str, chunks: Iterable[Any]) -> str:
        """Write an object from chunks of any size, in parts: nothing shows before all is there, or when chunks raise.

        Parameters
        ----------
        key : str
            Its key.
        chunks : iterable of buffer
            Its content, in order.

        Returns
        -------
        str
            The new etag.
        """
        return writing.put_stream(self._writable(), _checked(key), chunks)

    def put_many(self, items: Sequence[tuple[str, Any]], concurrency: int = 16) -> _Written:
        """Write many (key, content) pairs at a time: etags in their order, a failure in the place of an etag."""
        self._writable()
        return side_by_side(lambda item: self.put(*item), items, concurrency)

    def put_if_absent(self, key: str, data: Any) -> str:
        """Write an object unless there is one. Of many that try at once exactly one succeeds.

        When an answer was lost on the way, an object with these very bytes counts as ours: let them name their writer.

        Returns
        -------
        str
            The new etag.

        Raises
        ------
        AlreadyExistsError
            When there is one.
        """
        return writing.put_if_absent(self._writable(), _checked(key), data)

    def put_if_unchanged(self, key: str, data: Any, etag: str) -> str:
        """Replace an object unless it has changed.

        Parameters
        ----------
        key : str
            Its key.
        data : buffer
            The new content.
        etag : str
            The version it must be.

        Returns
        -------
        str
            The new etag.

        Raises
        ------
        ChangedError
            When it is another version, or gone.
        """
        return writing.put_if_unchanged(self._writable(), _checked(key), data, etag)

    def copy(self, source: str, target: str) -> None:
        """Copy an object within the store; the bytes do not pass through here."""
        writing.copy(self._writable(), _checked(source), _checked(target))

    def delete(self, key: str) -> None:
        """Remove an object; one that is gone already is fine."""
        writing.delete(self._writable(), _checked(key))

    def delete_many(self, keys: Sequence[str], concurrency: int = 16) -> _Done:
        """Remove many objects at a time: in the order of the keys, None for each that is gone, or its failure."""
        self._writable()
        return side_by_side(self.delete, keys, concurrency)

    def move(self, source: str, target: str) -> None:
        """Rename an object, replacing one at the target: in one step in a folder, elsewhere by copy and removal."""
        writing.move(self._writable(), _checked(source), _checked(target))

    def move_many(self, pairs: Sequence[tuple[str, str]], concurrency: int = 16) -> _Done:
        """Rename many (source, target) pairs at a time: in their order, None for each that is done, or its failure."""
        self._writable()
        return side_by_side(lambda pair: self.move(*pair), pairs, concurrency)

    def _writable(self) -> Connection:
        if self.read_only:
            raise ReadOnlyError(f"{self.url} is opened read-only.", hint="Use a profile that allows writing.")
        return self._connection


def _checked(key: str) -> str:
    """Refuse keys that leave the store, or that some stores fold onto another one: ``/a`` and ``a/`` are not ``a``."""
    if is_odd(key) or "\0" in key:
        raise impossible(key)
    return key


def _reopen(spec: StoreSpec, read_only: bool, rule: RetryRule) -> Store:
    return Store(spec, read_only=read_only, rule=rule)
