"""Reading objects: whole, many at once, and in ranges that continue from the byte reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from bondstore.errors import BondstoreError, ChangedError, ChecksumError, CredentialsError, TransientStoreError
from bondstore.stores.address import impossible, is_odd
from bondstore.stores.background import run_ahead
from bondstore.stores.connection import Patience, raisable
from bondstore.stores.failures import Failure
from bondstore.stores.info import Fetched, ObjectInfo, milliseconds, quoted

if TYPE_CHECKING:
    from obstore import ObjectMeta

    from bondstore.stores.address import Client, Role
    from bondstore.stores.checksums import Digest
    from bondstore.stores.connection import Connection

RANGE = 8 * 1024 * 1024
_PIECE = 1024 * 1024  # what is kept when a connection breaks, and what is read from a folder at a time
_REPLACED = 3  # how many replacements one read outlives
_TRIES = 2  # an object may come damaged by the line; what comes damaged again is so in the store


def to_info(key: str, meta: ObjectMeta) -> ObjectInfo:
    """Build an `ObjectInfo` from what obstore says about a key."""
    return ObjectInfo(key, meta["size"], quoted(meta["e_tag"]), meta["version"], milliseconds(meta["last_modified"]))


def reader(connection: Connection, key: str) -> Role:
    """Return the role of the client that reads a key; refuses one that no store of this kind can have."""
    if not is_odd(key) and "\0" not in key:
        return "read"
    if connection.kind.has_odd_keys and key.strip("/") and "\0" not in key:
        return "odd"
    raise impossible(key)


def ends_in_slash(connection: Connection, key: str) -> bool:
    """Whether what obstore listed as ``x`` is ``x/`` in truth; where nobody can say, it is not."""
    if not connection.kind.has_odd_keys or connection.kind.is_exact:
        return False
    with suppress(BondstoreError):
        connection.persist("odd", lambda client: client.head(f"{key}/"), key)
        return True
    return False


def fetch(connection: Connection, key: str) -> Fetched:
    """Read one object, with one request; a large one goes on from the byte reached where the line is cut.

    One whose bytes are not those of its checksum is read once more, and then refused with a `ChecksumError`.
    """
    role = reader(connection, key)
    for _ in range(_TRIES):
        fetched, digest = _fetch_whole(connection, role, key)
        if digest is None or _holds(connection, key, digest):
            return fetched
    error = _wrong_bytes(connection, key)
    error.data = fetched.data
    raise error


def _fetch_whole(connection: Connection, role: Role, key: str) -> tuple[Fetched, Digest | None]:
    for _ in range(_REPLACED):
        # Who asks for a key alone wants any whole version: one replaced while a line was cut is read from its start.
        with suppress(ChangedError):
            return connection.persist(role, partial(_fetch_once, connection, key), key)
    raise TransientStoreError(f"{connection.address.url}/{key} was replaced again and again while it was read.")


def _fetch_once(connection: Connection, key: str, client: Client) -> tuple[Fetched, Digest | None]:
    result = client.get(key)
    info = to_info(key, result.meta)
    digest = _digest(connection, info.etag)
    if info.size <= RANGE:
        data = result.bytes()
        if digest is not None:
            digest.update(data)
        return Fetched(info, data), digest
    pieces: list[Any] = []
    reached = 0
    try:
        for piece in result.stream(_PIECE):
            pieces.append(piece)
            reached += len(piece)
            if digest is not None:
                digest.update(piece)
    except raisable() as raised:
        failure = connection.understand(raised, key)
        if not failure.passing:
            raise failure.error from None
    rest = fetch_range(connection, key, reached, info.size, info.etag)  # nothing, unless the line was cut
    if digest is not None:
        digest.update(rest)
    return Fetched(info, b"".join([*pieces, rest])), digest


def _digest(connection: Connection, etag: str) -> Digest | None:
    return connection.etags.digest(etag) if connection.kind.has_md5(connection.address) else None


def _holds(connection: Connection, key: str, digest: Digest) -> bool:
    """Whether the bytes are the ETag's; the store is asked only where they are not, for it may mean no MD5."""
    if digest.fits:
        connection.etags.matched = True
        return True
    opaque = connection.kind.may_encrypt and connection.persist("odd", lambda client: client.is_opaque(key), key)
    connection.etags.opaque += opaque
    return bool(opaque)


def _wrong_bytes(connection: Connection, key: str) -> ChecksumError:
    return ChecksumError(
        f"The bytes of {connection.address.url}/{key} do not match the store's own checksum of it (its ETag).",
        hint="It is damaged in the store or on the way: ask the store's administrator, or try again later.",
    )


def fetch_range(connection: Connection, key: str, start: int, end: int, etag: str | None) -> bytes:
    """Read the bytes from `start` up to `end`, which may lie beyond the object's end.

    A broken connection is taken up at the byte reached, of the same version: the first answer's etag is demanded of
    all that follow.
    """
    role = reader(connection, key)
    pieces: list[Any] = []
    reached = start
    patience = Patience(connection.rule)
    while reached < end:
        try:
            options: Any = {"range": (reached, end)} | ({"if_match": etag} if etag else {})
            result = connection.client(role).get(key, options=options)
            end = min(end, result.range[1])
            etag = etag or result.meta["e_tag"]
            for piece in result.stream(_PIECE):
                pieces.append(piece)
                reached += len(piece)
                patience.progress()
            if reached < end:
                early = TransientStoreError(f"{connection.address.url}/{key} ended early.")
                patience.spend(Failure(early, passing=True))
        except raisable() as raised:
            patience.spend(connection.understand(raised, key))
    return b"".join(pieces)


def fetch_ranges(
    connection: Connection, info: ObjectInfo, chunk: int | None, start: int = 0, *, checked: bool = True
) -> Iterator[bytes]:
    """Read a large object range after range, one range ahead of the reader; see `Store.open_ranges`."""
    if chunk is None:  # for more than a piece the system hands out fresh pages each time, which cost more than reading
        chunk = RANGE if connection.kind.is_remote else _PIECE

    def ranges() -> Iterator[bytes]:
        digest = _digest(connection, info.etag) if checked and start == 0 else None
        for begin in range(start, info.size, chunk):
            end = min(begin + chunk, info.size)
            data = fetch_range(connection, info.key, begin, end, info.etag)
            if len(data) != end - begin:
                raise TransientStoreError(f"{connection.address.url}/{info.key} is shorter than it said.")
            if digest is not None:
                digest.update(data)
            yield data
        if digest is not None and not _holds(connection, info.key, digest):
            raise _wrong_bytes(connection, info.key)

    return run_ahead([ranges], depth=1)


def head(connection: Connection, key: str) -> ObjectInfo:
    """Ask for one object's metadata; see `Store.head`."""
    role = reader(connection, key)
    try:
        return to_info(key, connection.persist(role, lambda client: client.head(key), key))
    except CredentialsError:
        # The answer to HEAD has no body, so no reason: a GET of one byte has.
        connection.persist(role, lambda client: client.get(key, options={"range": (0, 1)}), key)
        raise
