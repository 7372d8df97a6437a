"""Looking through a private store: which files may leave. Nothing passes that was not looked at."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bondstore.deid.text import redact_text
from bondstore.errors import BondstoreError, DamagedError, IntegrityError, NotFoundError
from bondstore.ledger import Read, note_personal
from bondstore.release.images import LARGEST as LARGEST_PLOT
from bondstore.release.images import TYPES, look_into
from bondstore.release.kinds import KINDS
from bondstore.release.manifest import Entry, Plot, object_path
from bondstore.release.paths import is_plain_path
from bondstore.release.records import LARGEST as LARGEST_RECORD
from bondstore.release.records import SUFFIX, Record
from bondstore.release.requirement import Requirement, contradicts
from bondstore.runs.context import whoami
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.stores import ObjectInfo, Store

Inspector: TypeAlias = "Callable[[bytes, Record], None]"
"""Reads a file's own flags, and raises when its record claims more than they do."""

LARGEST = 512 << 20
"""Bytes of one file: it is held in memory while it is hashed, looked into and copied."""
_BATCH_FILES = 64
_BATCH_BYTES = 32 << 20
_PRIVATE_MARKS = ("s3://", "s3a://", "az://", "abfs://", "abfss://", "file://", "x-amz-signature", "arn:aws")


@dataclass(frozen=True, slots=True)
class Item:
    """A file that may leave.

    Parameters
    ----------
    entry : Entry
        What the manifest says of it.
    keys : mapping of str to str
        Where each of its objects in the public store comes from: key in the private store by public path.
    """

    entry: Entry
    keys: Mapping[str, str]


@dataclass(slots=True)
class Looked:
    """What a look found.

    Attributes
    ----------
    items : list of Item
        Files that may leave.
    findings : list of Finding
        Why others may not; their keys are private.
    seen : int
        Files looked at, those without a record among them.
    """

    items: list[Item] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    seen: int = 0

    def add(self, word: str, key: str) -> None:
        """Note that something does not leave."""
        self.findings.append(KINDS[word].about(key))


@dataclass(frozen=True, slots=True)
class Wish:
    """What may leave.

    Parameters
    ----------
    requirement : Requirement
        What a file must be.
    inspectors : mapping of str to callable
        By the end of a file's name, such as ``.nc``: what reads a file's own flags and raises on disagreement. Where
        there are any, a file that none of them can look into does not leave.
    by_product : callable
        Tells by its key whether an object without a record is known: such ones are not told of.
    barred : frozenset of str
        SHA-256 of what was taken back.
    """

    requirement: Requirement
    inspectors: Mapping[str, Inspector] = field(default_factory=dict)
    by_product: Callable[[str], bool] = field(default=lambda _: False)
    barred: frozenset[str] = frozenset()


def look(store: Store, wish: Wish) -> Looked:
    """Read every file that has a release record, and tell which may leave.

    Parameters
    ----------
    store : Store
        The private store.
    wish : Wish
        What may leave.

    Returns
    -------
    Looked

    Raises
    ------
    BondstoreError
        When the store fails: a release is never made from half a look.
    """
    infos = {info.key: info for page in store.pages() for info in page.objects()}
    found = Looked()
    pairs = []
    for key in sorted(infos):
        if _is_hidden(key):
            continue
        if key.endswith(SUFFIX) and (key.removesuffix(SUFFIX) in infos or key + SUFFIX not in infos):
            if key.removesuffix(SUFFIX) not in infos:
                found.add("record-alone", key)
            continue
        pairs.append(key)
    named: set[str] = set()
    held: set[str] = set()
    without = [key for key in pairs if key + SUFFIX not in infos]
    with_record = [key for key in pairs if key + SUFFIX in infos]
    for keys in _batches(with_record, infos):
        all_plots, held_plots = _look_at(store, keys, infos, wish, found)
        named |= all_plots
        held |= held_plots
    found.items = [_without_shared(item, held, found) for item in found.items]
    for key in without:
        if key not in named and not wish.by_product(key):
            found.seen += 1
            found.add("not-recorded", key)
    found.seen += len(with_record)
    return found


def fetch(store: Store, keys: Sequence[str]) -> dict[str, bytes]:
    """Read objects and put the reads on record; what is gone is left out.

    Raises
    ------
    BondstoreError
        Any failure but that an object is gone.
    """
    got: dict[str, bytes] = {}
    reads = []
    for key, one in zip(keys, store.get_many(keys), strict=True):
        if isinstance(one, NotFoundError):
            continue
        if isinstance(one, BondstoreError):
            raise one
        got[key] = bytes(one.data)
        reads.append(Read(f"{store.url}/{key}", one.info.etag, len(got[key])))
    note_personal(whoami(), reads)
    return got


def is_linked(store: Store, key: str) -> bool:
    """Say whether a key leads through a symbolic link of a folder: what it shows may lie anywhere."""
    address = parse_address(store.url)
    if address.kind != "file":
        return False
    path = Path(address.place)
    for part in key.split("/"):
        path /= part
        if path.is_symlink():
            return True
    return not os.path.lexists(path)


def _is_hidden(key: str) -> bool:
    return any(part.startswith(".") for part in key.split("/"))


def _batches(keys: Sequence[str], infos: Mapping[str, ObjectInfo]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for key in keys:
        more = infos[key].size
        if batch and (len(batch) >= _BATCH_FILES or size + more > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += more
    if batch:
        yield batch


def _look_at(
    store: Store, keys: list[str], infos: Mapping[str, ObjectInfo], wish: Wish, found: Looked
) -> tuple[set[str], set[str]]:
    """Look at some files; returns the plots that their records name, and those of files that do not leave."""
    records = _records(store, keys, infos, found)
    good: dict[str, Record] = {}
    for key, record in records.items():
        word = _by_record(store, key, record, infos, wish)
        if word:
            found.add(word, key)
        else:
            good[key] = record
    files = fetch(store, list(good))
    passed: set[str] = set()
    for key, record in good.items():
        word = _by_bytes(files.get(key), record, wish)
        if word:
            found.add(word, key)
            continue
        passed.add(key)
        plots, sources = _plots(store, record, infos, wish, found)
        entry = Entry.of(record, tuple(plots))
        found.items.append(Item(entry, {entry.path: key, **sources}))
    named = {plot for record in records.values() for plot in record.plots}
    return named, {plot for key, record in records.items() if key not in passed for plot in record.plots}


def _without_shared(item: Item, held: set[str], found: Looked) -> Item:
    """Leave out plots that belong to files that do not leave, too: they show what those hold."""
    shared = {path for path, key in item.keys.items() if key in held}
    if not shared:
        return item
    for path in sorted(shared):
        found.add("plot-shared", item.keys[path])
    plots = tuple(plot for plot in item.entry.plots if plot.path not in shared)
    keys = {path: key for path, key in item.keys.items() if path not in shared}
    return Item(replace(item.entry, plots=plots), keys)


def _records(store: Store, keys: list[str], infos: Mapping[str, ObjectInfo], found: Looked) -> dict[str, Record]:
    fit = []
    for key in keys:
        if not is_plain_path(key) or is_linked(store, key) or is_linked(store, key + SUFFIX):
            found.add("odd-path", key)
        elif infos[key + SUFFIX].size > LARGEST_RECORD:
            found.add("record-damaged", key)
        else:
            fit.append(key)
    data = fetch(store, [key + SUFFIX for key in fit])
    records = {}
    for key in fit:
        if key + SUFFIX not in data:
            found.add("unreadable", key)
            continue
        try:
            records[key] = Record.from_json(data[key + SUFFIX])
        except DamagedError:
            found.add("record-damaged", key)
    return records


def _by_record(  # noqa: PLR0911 - one line a reason
    store: Store, key: str, record: Record, infos: Mapping[str, ObjectInfo], wish: Wish
) -> str:
    """Return why a record bars its file, or nothing."""
    if record.file != key:
        return "record-of-another"
    if contradicts(record):
        return "record-contradicts"
    if not wish.requirement.met_by(record):
        return "below-requirement"
    if record.sha256 in wish.barred:
        return "taken-back"
    texts = _published(record)
    if _names_private_place(texts, (record.source.store, store.url)):
        return "names-private-place"
    if any(_names_person(text) for text in texts):
        return "names-person"
    if infos[key].size > LARGEST:
        return "too-large"
    if infos[key].size != record.size:
        return "hash-differs"
    return ""


def _published(record: Record) -> tuple[str, ...]:
    """Return every text of a record that becomes public."""
    own = (record.file, record.title, record.platform, record.source.key, record.source.version)
    plots = (plot.rpartition("/")[2] for plot in record.plots)
    return (*own, *plots, *record.settings, *record.settings.values(), *record.levels)


def _names_private_place(texts: Iterable[str], places: Iterable[str]) -> bool:
    """Say whether a text holds a store's address."""
    marks = [mark.lower() for mark in (*_PRIVATE_MARKS, *places) if mark]
    return any(mark in text.lower() for text in texts for mark in marks)


def _names_person(text: str) -> bool:
    """Say whether a text holds a mail address."""
    return ("@" in text or "＠" in text) and "EMAIL" in redact_text(text)[1]


def _by_bytes(data: bytes | None, record: Record, wish: Wish) -> str:
    """Return why its bytes bar a file, or nothing."""
    if data is None:
        return "unreadable"
    if len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
        return "hash-differs"
    fitting = [inspect for suffix, inspect in wish.inspectors.items() if record.file.endswith(suffix)]
    if wish.inspectors and not fitting:
        return "not-inspected"
    for inspect in fitting:
        try:
            inspect(data, record)
        except IntegrityError:
            return "claims-more"
        except Exception:
            # whatever an inspector stumbles over: a file that could not be looked into does not leave
            logging.getLogger(__name__).debug("A file could not be looked into.", exc_info=True)
            return "not-inspected"
    return ""


def _plots(
    store: Store, record: Record, infos: Mapping[str, ObjectInfo], wish: Wish, found: Looked
) -> tuple[list[Plot], dict[str, str]]:
    plots: list[Plot] = []
    sources: dict[str, str] = {}
    for key in dict.fromkeys(record.plots):
        made = look_at_plot(store, key, infos.get(key), wish.barred)
        if made is None:
            found.add("plot-refused", key)
            continue
        plots.append(made)
        sources[made.path] = key
    return plots, sources


def look_at_plot(store: Store, key: str, info: ObjectInfo | None, barred: frozenset[str]) -> Plot | None:
    """Read a plot and say what it is; None when it may not leave.

    Parameters
    ----------
    store : Store
        The private store.
    key : str
        Where it lies there.
    info : ObjectInfo or None
        As it was listed.
    barred : frozenset of str
        SHA-256 of what was taken back.
    """
    fits = info is not None and info.size <= LARGEST_PLOT and is_plain_path(key) and not is_linked(store, key)
    data = fetch(store, [key]).get(key) if fits else None
    if data is None:
        return None
    try:
        kind, said = look_into(data)
    except DamagedError:
        return None
    if _names_private_place(said, (store.url,)) or any(_names_person(text) for text in said):
        return None
    digest = hashlib.sha256(data).hexdigest()
    if digest in barred or not key.lower().endswith(TYPES[kind]):
        return None
    return Plot(object_path(digest, key), digest, len(data), kind)
