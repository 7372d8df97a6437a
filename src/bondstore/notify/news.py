"""What people are told about: one file that was tested or released, taken from its record or from a manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.errors import DamagedError, NotFoundError, UsageError
from bondstore.notify.subscriptions import ALL, check_topics
from bondstore.release.findings import KINDS
from bondstore.release.images import LARGEST as LARGEST_PLOT
from bondstore.release.images import type_of
from bondstore.release.inventory import manifest_of
from bondstore.release.pointer import NAME
from bondstore.release.records import LARGEST, SUFFIX, Counts, Record, contradicts, is_plain_path
from bondstore.release.scan import fetch, is_linked

if TYPE_CHECKING:
    from bondstore.findings import Finding
    from bondstore.release.manifest import Entry
    from bondstore.stores import Store

_BATCH = 64
_FAILING = ("bad", "suspect")
_MOST_FAILING = 20


@dataclass(frozen=True, slots=True)
class News:
    """One file that people are told about. All texts come from outside; what is not explained is as in its record."""

    file: str
    sha256: str  # the same file is the same news, wherever it was found
    grade: str
    levels: Counts
    title: str = ""
    platform: str = ""
    first: str | None = None
    last: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    failing: tuple[tuple[str, int], ...] = ()
    """Tests with suspect or bad levels and their number, most first; empty where only a manifest is at hand."""
    plots: tuple[str, ...] = ()  # keys of its plots, in the store it was found in

    @property
    def digest(self) -> str:
        """What makes it one: 32 hex digits."""
        return hashlib.sha256(f"{self.sha256}\0{self.file}".encode()).hexdigest()[:32]

    def platforms(self) -> set[str]:
        """Return the platforms in it, comparable."""
        return {part.strip().casefold() for part in self.platform.split(",")} - {""}


def of_record(record: Record) -> News:
    """Take news from a release record."""
    counted = {name: sum(counts.get(word, 0) for word in _FAILING) for name, counts in record.tests.items()}
    failing = sorted(((name, count) for name, count in counted.items() if count), key=lambda one: (-one[1], one[0]))
    return _news(record, tuple(failing[:_MOST_FAILING]), record.plots)


def of_entry(entry: Entry) -> News:
    """Take news from what a manifest says of a file."""
    return _news(entry, (), tuple(plot.path for plot in entry.plots))


def _news(one: Record | Entry, failing: tuple[tuple[str, int], ...], plots: tuple[str, ...]) -> News:
    facts = (one.title, one.platform, one.first, one.last, one.bounds)
    return News(one.file, one.sha256, one.grade, one.levels, *facts, failing, plots)


def matches(news: News, topics: Sequence[str], vessels: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether news belong to a subscriber's topics; `vessels` are the platforms on each vessel.

    Vessels stand in no release record: they would become public with it.
    """
    there = news.platforms()
    known = {name.casefold(): {one.casefold() for one in serials} for name, serials in vessels.items()}
    for topic in topics:
        kind, _, name = topic.partition(":")
        wanted = {name.casefold()} if kind == "platform" else known.get(name.casefold(), set())
        if topic == ALL or wanted & there:
            return True
    return False


def known_topics(topics: Sequence[str], vessels: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return topics in one order; `UsageError` where one is none, or is a vessel of which no platform is known."""
    checked = check_topics(topics)
    names = {f"vessel:{name}".casefold() for name in vessels}
    if any(one.startswith("vessel:") and one.casefold() not in names for one in checked):
        raise UsageError(
            "The settings know no such vessel, so nothing could ever be sent.",
            hint="Name its platforms under [vessels].",
        )
    return checked


def find_news(store: Store, keys: Sequence[str] = ()) -> tuple[list[News], list[Finding]]:
    """Read the news in a place, by time and name; returns what could not be read, too.

    The place is a destination of quality control, or a published one (told by its pointer). With `keys`, only these
    files or their records are read, and `NotFoundError` says that one is not there.
    """
    wanted = {key.removesuffix(SUFFIX) for key in keys}
    findings: list[Finding] = []
    try:
        store.head(NAME)
    except NotFoundError:
        found = [of_record(record) for record in _records(store, wanted, findings)]
    else:
        found = [of_entry(one) for one in manifest_of(store).entries if not wanted or wanted & {one.file, one.path}]
    if len(found) + len(findings) < len(wanted):
        raise NotFoundError(f"Not all of these keys are in {store.url}.", hint="Check them; a record is KEY.json.")
    return sorted(found, key=lambda one: (one.last or "", one.file)), findings


def read_plot(store: Store, key: str) -> bytes | None:
    """Return a plot's bytes if it is a sound picture; None where it is none or is not there."""
    if not is_plain_path(key) or is_linked(store, key):
        return None
    try:
        if store.head(key).size > LARGEST_PLOT:
            return None
    except NotFoundError:
        return None
    data = fetch(store, [key]).get(key)
    if data is None:
        return None
    try:
        type_of(data)
    except DamagedError:
        return None
    return data


def _records(store: Store, wanted: set[str], findings: list[Finding]) -> Iterable[Record]:
    if wanted:
        keys = sorted(key for key in wanted if is_plain_path(key))
    else:
        there = {info.key: info.size for page in store.pages() for info in page.objects()}
        keys = sorted(key for key in there if there.get(key + SUFFIX, LARGEST + 1) <= LARGEST and is_plain_path(key))
        findings += [
            KINDS["record-damaged"].about(key) for key in sorted(there) if there.get(key + SUFFIX, 0) > LARGEST
        ]
    for start in range(0, len(keys), _BATCH):
        batch = [key for key in keys[start : start + _BATCH] if not is_linked(store, key + SUFFIX)]
        data = fetch(store, [key + SUFFIX for key in batch])
        for key in batch:
            if key + SUFFIX not in data:
                continue  # named and not there: told by the caller; or gone since it was listed
            try:
                record = Record.from_json(data[key + SUFFIX])
            except DamagedError:
                findings.append(KINDS["record-damaged"].about(key))
                continue
            if record.file != key:
                findings.append(KINDS["record-of-another"].about(key))
            elif contradicts(record):
                findings.append(KINDS["record-contradicts"].about(key))
            else:
                yield record
