"""Listing: flat and streamed, by folder, and many prefixes at a time."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from bondstore.errors import BondstoreError, NoPlaceError, NotFoundError, StoreError, TransientStoreError
from bondstore.stores.address import is_odd
from bondstore.stores.background import run_ahead, side_by_side
from bondstore.stores.connection import Patience, raisable
from bondstore.stores.info import Dirs, Listing, quoted
from bondstore.stores.transfer import head, to_info

if TYPE_CHECKING:
    from arro3.core import RecordBatch

    from bondstore.stores.address import Client, Role
    from bondstore.stores.connection import Connection

_PAGE = 5_000
_LIMIT = 30.0  # seconds for a listing by folder: boto3 then goes on page by page, and sees whether one comes again
_AT_ONCE = 16
_SHORTEST = 20  # no server's pages are shorter
_ROUND = 100  # servers end their pages at round numbers of keys: 1000 nearly all, a few at 100, 200, 500


def closed(prefix: str) -> str:
    """Return a prefix that ends at a ``/``, so that ``abc`` never stands for ``abcd``; the empty one stays empty."""
    return prefix if not prefix or prefix.endswith("/") else prefix + "/"


def stream_pages(
    connection: Connection, prefixes: Sequence[str], start_after: str | None, workers: int
) -> Generator[Listing, None, None]:
    """List everything under some prefixes, page by page, ahead of the reader, `workers` prefixes at a time."""
    sources = [partial(_pages, connection, closed(prefix), start_after) for prefix in prefixes]
    return run_ahead(sources, workers=max(1, min(workers, len(sources))), depth=4)


def _pages(connection: Connection, prefix: str, start_after: str | None) -> Iterator[Listing]:
    """List one prefix; where an answer breaks in the middle, go on behind the last key that was given."""
    from obstore.exceptions import InvalidPathError

    progress = _Progress(connection, start_after)
    patience = Patience(connection.rule)
    role: Role = _role(connection, prefix, "list")
    while True:
        try:
            for page in progress.new(_client_pages(connection, role, prefix, progress.offset)):
                yield _without_marks(connection, _without_itself(page, prefix), exact=role == "odd")
                patience.progress()
            if role == "list" and (
                _is_mute(connection, progress.count)
                or _is_cut(connection, prefix, "list", progress.count, progress.last)
            ):
                role = "odd"
                progress.start_again()
                continue
        except _FoldedError:
            role = "odd"
        except InvalidPathError:
            if not connection.kind.has_odd_keys:
                raise _odd(connection, prefix) from None
            role = "odd"
        except raisable() as raised:
            patience.spend(connection.understand(raised, prefix or None))
        else:
            return
        progress.start_again()


class _FoldedError(Exception):
    """A key was listed twice: ``x`` and ``x/`` are two objects, and obstore gives both the name ``x``."""


def _role(connection: Connection, prefix: str, usual: Role) -> Role:
    return "odd" if connection.kind.has_odd_keys and prefix and is_odd(prefix.removesuffix("/")) else usual


def _folds(connection: Connection) -> bool:
    """Whether obstore lists, and another client knows better where keys are odd."""
    return connection.kind.has_odd_keys and not connection.kind.is_exact


def _is_cut(connection: Connection, prefix: str, how: str, count: int, last: str | None) -> bool:
    """Whether a server that ended a listing has more, which it said without saying where.

    obstore takes an answer that is truncated and has no token for the last one, and gives no sign of it. So where a
    whole page may have been the last, it is asked once more for what lies behind; boto3 then tells what is right.

    A server ends its pages at one number of keys, mostly a round one. A listing that is shorter than another that was
    whole is no full page; so beside the round numbers only the longest so far are asked about, which of many are few.
    """
    if not _folds(connection) or connection.kind.ignores_offset or count < _SHORTEST:
        return False
    if count % _ROUND and count <= connection.whole.get(how, 0):
        return False
    behind = connection.client("list").list(prefix or None, offset=last, chunk_size=2)
    if any(one["path"] != last for one in next(iter(behind), ())):  # ``x/`` lies behind what was given as ``x``
        return True
    connection.whole[how] = max(count, connection.whole.get(how, 0))
    return False


def _is_mute(connection: Connection, count: int) -> bool:
    """Whether a listing without anything in it is to be asked for by the client that knows a page of the web from one.

    obstore takes such a page, of a wrong endpoint or a hotel's network, for an empty listing: at any time, and once is
    enough to lose a whole folder. Where the other client has no credentials of its own, the first answer holds.
    """
    if count or not _folds(connection):
        return False
    try:
        connection.client("odd")
    except BondstoreError:
        return False
    return True


def _client_pages(connection: Connection, role: Role, prefix: str, offset: str | None) -> Iterator[Listing]:
    client = connection.client(role)
    pages = map(to_listing, client.list(prefix or None, offset=offset, chunk_size=_PAGE, return_arrow=True))
    for page in _unfolded(pages) if role == "list" and _folds(connection) else pages:
        if offset is not None and connection.kind.ignores_offset:
            page = _pick(page, [n for n, key in enumerate(page.keys) if key > offset])  # noqa: PLW2901
        yield page


def _unfolded(pages: Iterator[Listing]) -> Iterator[Listing]:
    before: set[str] = set()
    for page in pages:
        keys = set(page.keys)
        if len(keys) < len(page) or not before.isdisjoint(keys):
            raise _FoldedError
        before = keys
        yield page


class _Progress:
    """How far a listing has come, so that it can be taken up again without a gap and without a repetition.

    AWS lists in the order of the keys' bytes and can start behind any key. Other servers have orders of their own (one
    puts ``/`` before all else) in which starting behind a key skips others: there the listing is played again from its
    start up to the last key given.
    """

    def __init__(self, connection: Connection, start_after: str | None) -> None:
        self.offset = start_after
        self.last = start_after
        self.count = 0
        self._ordered = connection.kind.is_ordered(connection.spec.profile)
        self._replay_to: str | None = None
        self._lost = TransientStoreError(f"The listing of {connection.address.url} changed while it was read.")
        self._given = False

    def start_again(self) -> None:
        """Prepare for another go."""
        if self._ordered:
            self.offset = self.last
        elif self._given:
            self._replay_to = self.last

    def new(self, pages: Iterator[Listing]) -> Iterator[Listing]:
        """Give what of these pages has not been given yet."""
        for page in pages:
            if self._replay_to is not None:
                found = [key for key in (self._replay_to, f"{self._replay_to}/") if key in page.keys]
                if not found:
                    continue
                rest = range(page.keys.index(found[0]) + 1, len(page))
                self._replay_to = None
                page = _pick(page, rest)  # noqa: PLW2901
            if len(page):
                self.last = page.keys[-1]
                self.count += len(page)
                self._given = True
                yield page
        if self._replay_to is not None:
            raise self._lost


def _pick(page: Listing, rows: Sequence[int], marks: Iterable[str] = ()) -> Listing:
    return Listing(
        [page.keys[n] for n in rows],
        [page.sizes[n] for n in rows],
        [page.etags[n] for n in rows],
        [page.modified_ms[n] for n in rows],
        page.barred,
        (*page.marks, *marks),
    )


def _without_itself(page: Listing, prefix: str) -> Listing:
    """Leave out the empty object named after the prefix, by which consoles mark a folder."""
    marks = {prefix, prefix.rstrip("/")} - page.barred
    if marks.isdisjoint(page.keys):
        return page
    return _pick(page, [n for n, key in enumerate(page.keys) if key not in marks], [prefix])


def _without_marks(connection: Connection, page: Listing, *, exact: bool) -> Listing:
    """Leave out the empty objects by which consoles mark folders: their keys end in ``/``, which obstore drops.

    So an empty object is asked for by the key that was listed: where there is none, it was such a mark.
    """
    if 0 not in page.sizes or not connection.kind.is_remote:
        return page
    empty = [key for key, size in zip(page.keys, page.sizes, strict=True) if not size]
    marks = {key for key in empty if key.endswith("/")} if exact else _marks(connection, empty)
    rows = [n for n, key in enumerate(page.keys) if key not in marks]
    return _pick(page, rows, map(closed, sorted(marks))) if marks else page


def _marks(connection: Connection, keys: Sequence[str]) -> set[str]:
    answers = side_by_side(partial(head, connection), keys, _AT_ONCE)
    pairs = zip(keys, answers, strict=True)
    return {key for key, one in pairs if isinstance(one, NotFoundError) and not isinstance(one, NoPlaceError)}


def to_listing(batch: RecordBatch | Listing) -> Listing:
    """Turn a client's Arrow batch into lists. Polars does that fastest, but takes longer to load than a short one."""
    if isinstance(batch, Listing):
        return batch
    if "polars" not in sys.modules and batch.num_rows < _PAGE:
        return _short_listing(batch)
    import polars as pl

    frame = pl.DataFrame(batch)
    etags = frame["e_tag"].fill_null("").to_list()
    modified = frame["last_modified"].dt.epoch("ms")
    return Listing(
        frame["path"].to_list(),
        frame["size"].cast(pl.Int64).to_list(),
        etags if not etags or etags[0].endswith('"') else [quoted(one) for one in etags],
        modified.to_list(),
    )


def _short_listing(batch: Any) -> Listing:  # arro3 types lists as arrays
    from arro3.core import DataType

    modified = batch["last_modified"].cast(DataType.timestamp("ms", tz="UTC")).cast(DataType.int64())
    return Listing(
        batch["path"].to_pylist(),
        batch["size"].to_pylist(),
        [quoted(one) for one in batch["e_tag"].to_pylist()],
        modified.to_pylist(),
    )


def list_dirs(connection: Connection, prefix: str) -> Dirs:
    """List what lies directly under a prefix; see `Store.dirs`."""
    from obstore.exceptions import InvalidPathError

    prefix = closed(prefix)

    def act(client: Client) -> Any:
        try:
            return _within_limit(client, prefix) if limited else client.list_with_delimiter(prefix or None)
        except InvalidPathError:
            return None

    role = _role(connection, prefix, "read")
    limited = role == "read" and _folds(connection)
    found = connection.persist(role, act, prefix or None)
    limited = False
    if role == "read" and found is not None:
        count = len(found["common_prefixes"]) + len(found["objects"])
        if _is_mute(connection, count) or _is_doubtful(connection, prefix, found):
            found = None
    exact = role == "odd" or found is None
    if found is None:
        if not connection.kind.has_odd_keys:
            raise _odd(connection, prefix)
        found = connection.persist("odd", act, prefix or None)
    prefixes = sorted(closed(one) for one in found["common_prefixes"])
    itself = {prefix, prefix.rstrip("/")}
    if connection.kind.is_remote:
        empty = [meta["path"] for meta in found["objects"] if not meta["size"] and meta["path"] not in itself]
        itself |= {key for key in empty if key.endswith("/")} if exact else _marks(connection, empty)
    infos = [to_info(meta["path"], meta) for meta in found["objects"] if meta["path"] not in itself]
    barred = {meta["path"] for meta in found["objects"] if meta.get("barred")}
    objects = [replace(one, barred=True) if one.key in barred else one for one in infos]
    return Dirs(prefixes, objects)


def _within_limit(client: Client, prefix: str) -> Any:
    """List by folder; None where it takes so long that the server may be sending the same page again and again."""
    import asyncio

    async def ask() -> Any:
        return await asyncio.wait_for(client.list_with_delimiter_async(prefix or None), _LIMIT)

    # In a thread of its own: the caller may be inside a loop of events, as in a notebook.
    try:
        [found] = side_by_side(lambda _: asyncio.run(ask()), [prefix], 1)
    except TimeoutError:
        return None
    return found


def _is_doubtful(connection: Connection, prefix: str, found: Any) -> bool:
    """Whether a listing by folder may be cut, or gives ``x`` and ``x/`` one name."""
    if not _folds(connection):
        return False
    paths = [meta["path"] for meta in found["objects"]]
    last = max([*paths, *(f"{closed(one)}\U0010ffff" for one in found["common_prefixes"])], default=None)
    count = len(paths) + len(found["common_prefixes"])
    return len(set(paths)) < len(paths) or connection.persist(
        "list", lambda _: _is_cut(connection, prefix, "dirs", count, last), prefix or None
    )


def _odd(connection: Connection, prefix: str) -> StoreError:
    return StoreError(
        f"{connection.address.url} has keys with empty, '.' or '..' parts or control characters under {prefix!r}.",
        hint="Such keys cannot be listed in this kind of store: rename them, or name narrower prefixes.",
    )
