"""Looking through a private store: which files may leave. Nothing passes that was not looked at."""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bondstore.deid.text import redact_text
from bondstore.errors import BondstoreError, DamagedError, IntegrityError, NotFoundError
from bondstore.findings import Severity
from bondstore.ledger import Read, note_personal
from bondstore.release.findings import KINDS, WHY
from bondstore.release.images import LARGEST as LARGEST_PLOT
from bondstore.release.images import TYPES, look_into
from bondstore.release.manifest import Entry, Plot, object_path
from bondstore.release.records import LARGEST as LARGEST_RECORD
from bondstore.release.records import SUFFIX, Inspector, Record, contradicts, is_plain_path
from bondstore.release.settings import Requirement, shortcoming
from bondstore.runs.batches import grouped
from bondstore.runs.process import whoami
from bondstore.runs.tally import Tally

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.stores import ObjectInfo, Store

LARGEST = 512 << 20
"""Bytes of one file: it is held in memory while it is hashed, looked into and copied."""
_BATCH_FILES = 64
_BATCH_BYTES = 32 << 20
_PRIVATE_MARKS = ("s3://", "s3a://", "az://", "abfs://", "abfss://", "file://", "x-amz-signature", "arn:aws")


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What may leave."""

    requirement: Requirement
    inspectors: Mapping[str, Inspector] = field(default_factory=dict)
    """By the end of a file's name, such as ``.nc``. Where there are any, what none can look into does not leave."""
    by_product: Callable[[str], bool] = field(default=lambda _: False)
    """Whether an object without a record is known by its key to be none that could leave: it is not told of."""
    barred: frozenset[str] = frozenset()  # SHA-256 of what was taken back


@dataclass(frozen=True, slots=True)
class Cleared:
    """A file that may leave, and the key in the private store of each of its objects by its public path."""

    entry: Entry
    keys: Mapping[str, str]


@dataclass(slots=True)
class Scan:
    """What was found: files that may leave, and why others may not; the keys of findings are private."""

    cleared: list[Cleared] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    held: Tally = field(default=Tally())
    """Files that do not leave: by a rule (skipped), as something is wrong (quarantined), unread (failed)."""
    reasons: Counter[str] = field(default_factory=Counter)
    """How many files do not leave, by why."""

    def note(self, word: str, key: str, why: str = "") -> Severity:
        """Note what a person should know."""
        message = f"The file does not meet the requirement and stays private: {why}." if why else ""
        self.findings.append(KINDS[word].about(key, message=message))
        return KINDS[word].severity

    def hold(self, word: str, key: str, size: int, why: str = "") -> None:
        """Note why a file does not leave."""
        wrong = self.note(word, key, why) is Severity.ERROR
        self.reasons[why or WHY[word]] += 1
        self.held = self.held.count("failed" if word == "unreadable" else "quarantined" if wrong else "skipped", size)


def scan(store: Store, options: ScanOptions) -> Scan:
    """Read every file that has a release record, and tell which may leave.

    Any failure of the store is raised: a release is never made from half a look.
    """
    infos = {info.key: info for page in store.pages() for info in page.objects()}
    found = Scan()
    files = []
    for key in sorted(infos):
        if any(part.startswith(".") for part in key.split("/")):
            continue
        if key.endswith(SUFFIX) and (key.removesuffix(SUFFIX) in infos or key + SUFFIX not in infos):
            if key.removesuffix(SUFFIX) not in infos:
                found.note("record-alone", key)
            continue
        files.append(key)
    work = _Scanner(store, options, infos, found)
    with_record = [key for key in files if key + SUFFIX in infos]
    for keys in grouped(with_record, lambda key: infos[key].size, number=_BATCH_FILES, weight=_BATCH_BYTES):
        work.look_at(keys)
    found.cleared = [work.without_shared_plots(one) for one in found.cleared]
    for key in files:
        if key + SUFFIX not in infos and key not in work.plots and not options.by_product(key):
            found.hold("not-recorded", key, infos[key].size)
    return found


def fetch(store: Store, keys: Sequence[str]) -> dict[str, bytes]:
    """Read objects and put the reads on record; what is gone is left out, any other failure is raised."""
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
    """Whether a key leads through a symbolic link of a folder: what it shows may lie anywhere."""
    path = store.address.folder
    if path is None:
        return False
    for part in key.split("/"):
        path /= part
        if path.is_symlink():
            return True
    return not os.path.lexists(path)


@dataclass(slots=True)
class _Scanner:
    """A scan at work."""

    store: Store
    options: ScanOptions
    infos: Mapping[str, ObjectInfo]
    found: Scan
    plots: set[str] = field(default_factory=set)  # keys of all plots that records name
    held_plots: set[str] = field(default_factory=set)  # those of files that do not leave

    def look_at(self, keys: Sequence[str]) -> None:
        """Look at some files: first at what their records say, then at the bytes of those that may still leave."""
        records = self._records(keys)
        good: dict[str, Record] = {}
        for key, record in records.items():
            self.plots.update(record.plots)
            if word := self._by_record(key, record):
                self._hold(word, key, record)
            else:
                good[key] = record
        data = fetch(self.store, list(good))
        for key, record in good.items():
            if word := _by_bytes(data.get(key), record, self.options.inspectors):
                self._hold(word, key, record)
                continue
            plots, sources = self._plots_of(record)
            entry = Entry.of(record, tuple(plots))
            self.found.cleared.append(Cleared(entry, {entry.path: key, **sources}))

    def without_shared_plots(self, one: Cleared) -> Cleared:
        """Leave out plots that belong to files that do not leave, too: they show what those hold."""
        shared = {path for path, key in one.keys.items() if key in self.held_plots}
        for path in sorted(shared):
            self.found.note("plot-shared", one.keys[path])
        if not shared:
            return one
        plots = tuple(plot for plot in one.entry.plots if plot.path not in shared)
        keys = {path: key for path, key in one.keys.items() if path not in shared}
        return Cleared(replace(one.entry, plots=plots), keys)

    def _hold(self, word: str, key: str, record: Record | None = None) -> None:
        why = shortcoming(record, self.options.requirement) if record and word == "below-requirement" else ""
        self.found.hold(word, key, self.infos[key].size, why)
        self.held_plots.update(record.plots if record else ())

    def _records(self, keys: Sequence[str]) -> dict[str, Record]:
        fit = []
        for key in keys:
            if not is_plain_path(key) or is_linked(self.store, key) or is_linked(self.store, key + SUFFIX):
                self._hold("odd-path", key)
            elif self.infos[key + SUFFIX].size > LARGEST_RECORD:
                self._hold("record-damaged", key)
            else:
                fit.append(key)
        data = fetch(self.store, [key + SUFFIX for key in fit])
        records = {}
        for key in fit:
            if key + SUFFIX not in data:
                self._hold("unreadable", key)
                continue
            try:
                records[key] = Record.from_json(data[key + SUFFIX])
            except DamagedError:
                self._hold("record-damaged", key)
        return records

    def _by_record(self, key: str, record: Record) -> str:
        """Return why a record bars its file, or nothing; the first reason counts."""
        texts = _published(record)
        size = self.infos[key].size
        reasons: dict[str, Callable[[], bool]] = {
            "record-of-another": lambda: record.file != key,
            "record-contradicts": lambda: contradicts(record),
            "below-requirement": lambda: not self.options.requirement.met_by(record),
            "recalled": lambda: record.sha256 in self.options.barred,
            "names-private-place": lambda: _names_place(texts, (record.source.store, self.store.url)),
            "names-person": lambda: any(map(_names_person, texts)),
            "too-large": lambda: size > LARGEST,
            "hash-differs": lambda: size != record.size,
        }
        return next((word for word, holds in reasons.items() if holds()), "")

    def _plots_of(self, record: Record) -> tuple[list[Plot], dict[str, str]]:
        plots: list[Plot] = []
        sources: dict[str, str] = {}
        for key in dict.fromkeys(record.plots):
            plot = scan_plot(self.store, key, self.infos.get(key), self.options.barred)
            if plot is None:
                self.found.note("plot-refused", key)
                continue
            plots.append(plot)
            sources[plot.path] = key
        return plots, sources


def scan_plot(store: Store, key: str, info: ObjectInfo | None, barred: frozenset[str]) -> Plot | None:
    """Read a plot as it was listed and say what it is; None when it may not leave."""
    fits = info is not None and info.size <= LARGEST_PLOT and is_plain_path(key) and not is_linked(store, key)
    data = fetch(store, [key]).get(key) if fits else None
    if data is None:
        return None
    try:
        kind, texts = look_into(data)
    except DamagedError:
        return None
    if _names_place(texts, (store.url,)) or any(map(_names_person, texts)):
        return None
    digest = hashlib.sha256(data).hexdigest()
    if digest in barred or not key.lower().endswith(TYPES[kind]):
        return None
    return Plot(object_path(digest, key), digest, len(data), kind)


def _published(record: Record) -> tuple[str, ...]:
    """Return every text of a record that becomes public."""
    own = (record.file, record.title, record.platform, record.source.key, record.source.version)
    plots = (plot.rpartition("/")[2] for plot in record.plots)
    return (*own, *plots, *record.settings, *record.settings.values(), *record.levels)


def _names_place(texts: Iterable[str], places: Iterable[str]) -> bool:
    """Whether a text holds a store's address."""
    marks = [mark.lower() for mark in (*_PRIVATE_MARKS, *places) if mark]
    return any(mark in text.lower() for text in texts for mark in marks)


def _names_person(text: str) -> bool:
    """Whether a text holds a mail address."""
    return ("@" in text or "＠" in text) and "EMAIL" in redact_text(text)[1]


def _by_bytes(data: bytes | None, record: Record, inspectors: Mapping[str, Inspector]) -> str:
    """Return why its bytes bar a file, or nothing."""
    if data is None:
        return "unreadable"
    if len(data) != record.size or hashlib.sha256(data).hexdigest() != record.sha256:
        return "hash-differs"
    fitting = [inspect for suffix, inspect in inspectors.items() if record.file.endswith(suffix)]
    if inspectors and not fitting:
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
