"""Writing objects: whole, streamed in parts, and only under a condition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bondstore.errors import AlreadyExistsError, ChangedError, NoPlaceError, NotFoundError
from bondstore.stores import archive
from bondstore.stores.background import run_ahead
from bondstore.stores.connection import Patience, raisable
from bondstore.stores.failures import no_place
from bondstore.stores.info import quoted
from bondstore.stores.remote import PART
from bondstore.stores.transfer import fetch, head

if TYPE_CHECKING:
    from bondstore.stores.address import Client
    from bondstore.stores.connection import Connection

_PARTS_AT_ONCE = 4


def put(connection: Connection, key: str, data: Any, storage_class: str | None = None) -> str:
    """Write an object, in parts when it is larger than one; see `Store.put`."""
    attributes = archive.attributes(connection, storage_class)
    if memoryview(data).nbytes > PART:
        return _put_parts(connection, key, iter([data]), attributes)

    def act(client: Client) -> str:
        return quoted(client.put(key, data, use_multipart=False, **attributes)["e_tag"])

    return connection.persist("once", act, key)


def put_stream(connection: Connection, key: str, chunks: Iterable[Any], storage_class: str | None = None) -> str:
    """Write an object from chunks as they come; see `Store.put_stream`."""
    attributes = archive.attributes(connection, storage_class)
    # In a thread of their own: obstore asks for them on its runtime's thread, where a chunk's maker could not use a
    # store itself ("Cannot start a runtime from within a runtime").
    return _put_parts(connection, key, run_ahead([lambda: iter(chunks)], depth=1), attributes)


def _put_parts(connection: Connection, key: str, chunks: Iterator[Any], attributes: dict[str, Any]) -> str:
    def act(client: Client) -> str:
        done = client.put(key, chunks, chunk_size=PART, max_concurrency=_PARTS_AT_ONCE, **attributes)
        return quoted(done["e_tag"])

    return connection.attempt("write", act, key)


def put_if_absent(connection: Connection, key: str, data: Any) -> str:
    """Write an object that must not be there yet; see `Store.put_if_absent`."""
    return _put_on_condition(connection, key, data, "create")


def put_if_unchanged(connection: Connection, key: str, data: Any, etag: str) -> str:
    """Replace an object that must still be the version with this etag; see `Store.put_if_unchanged`."""
    lock = connection.kind.replacing(connection.address)
    if lock is None:
        return _put_on_condition(connection, key, data, {"e_tag": etag})
    with lock:
        _demand(connection, key, etag)
        return put(connection, key, data)


def copy(connection: Connection, source: str, target: str) -> None:
    """Copy an object within the store; see `Store.copy`."""
    connection.persist("once", lambda client: client.copy(source, target), source)


def delete(connection: Connection, key: str) -> None:
    """Remove an object; one that is gone already is fine."""
    try:
        connection.persist("once", lambda client: client.delete(key), key)
    except NotFoundError:
        if connection.kind.is_remote:  # deleting nothing in no bucket is no success
            connection.attempt("read", lambda client: next(iter(client.list(None, chunk_size=1)), None))


def move(connection: Connection, source: str, target: str) -> None:
    """Rename an object; see `Store.move`."""
    if connection.kind.renames:
        connection.attempt("once", lambda client: client.rename(source, target), source)
    elif source == target:  # removed after its own copy it would be lost
        head(connection, source)
    else:
        copy(connection, source, target)
        delete(connection, source)


def _put_on_condition(connection: Connection, key: str, data: Any, mode: Any) -> str:
    """Put under a condition, trying again where that is safe.

    When an answer was lost, the write may have gone through. The next try then fails on our own object, so what lies
    there is compared with what was to be written.
    """
    patience = Patience(connection.rule)
    unsure = False
    while True:
        try:
            done = connection.client("once").put(key, data, mode=mode, use_multipart=False)
            return quoted(done["e_tag"])
        except raisable() as raised:
            failure = connection.understand(raised, key)
            refused = isinstance(failure.error, AlreadyExistsError | ChangedError)
            if refused and unsure and (own := _own_etag(connection, key, data)) is not None:
                return own
            if isinstance(failure.error, NotFoundError) and not isinstance(failure.error, NoPlaceError):
                if mode != "create":
                    raise ChangedError(f"The object {connection.address.url}/{key} is gone.") from None
                if connection.kind.is_remote:  # a new object needs nothing but its bucket
                    raise no_place(connection.kind.holder, connection.address.url) from None
            unsure = unsure or (failure.passing and not failure.code)
            patience.spend(failure)


def _own_etag(connection: Connection, key: str, data: Any) -> str | None:
    there = fetch(connection, key)
    return there.info.etag if memoryview(there.data) == memoryview(data).cast("B") else None


def _demand(connection: Connection, key: str, etag: str) -> None:
    try:
        there = head(connection, key)
    except NotFoundError:
        raise ChangedError(f"The object {connection.address.url}/{key} is gone.") from None
    if there.etag != etag:
        raise ChangedError(f"The object {connection.address.url}/{key} is not the version it was.")
