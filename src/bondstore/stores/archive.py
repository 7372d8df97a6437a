"""Storage classes: which can be read at once, how long the others take, and what they cost besides their bytes.

`CLASSES` is one table of data, from which the documentation and the words of the command line are made. What an object
is in now, only a HEAD tells: its class in a listing stays ``GLACIER`` while a restored copy can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bondstore.errors import UsageError
from bondstore.stores.transfer import head, reader
from bondstore.text import counted

if TYPE_CHECKING:
    from bondstore.stores.connection import Connection

_KB = 1024


class Speed(StrEnum):
    """How soon an archived object can be read once it was asked for; the sooner, the dearer."""

    BULK = "bulk"
    STANDARD = "standard"
    EXPEDITED = "expedited"


def speed_of(tier: str) -> Speed:
    """Return how soon archives are asked for; raises UsageError where there is no such way."""
    try:
        return Speed(tier)
    except ValueError:
        raise UsageError(f"--tier {tier} is unknown.", hint=f"Choose one of: {', '.join(Speed)}.") from None


@dataclass(frozen=True, slots=True)
class StorageClass:
    """A storage class of S3, or an access tier of Azure."""

    kind: str  # of store
    name: str
    waits: Mapping[Speed, tuple[int, int]] = field(default_factory=dict)  # minutes; empty: readable at once
    stay: int = 0  # days that are billed at least
    overhead: int = 0  # bytes that are billed on top of each object
    index: int = 0  # bytes that are billed on top of each object at the rate of STANDARD
    smallest: int = 0  # bytes that are billed for an object at least
    for_good: bool = False  # a restored object stays readable; otherwise a copy of it does, for some days
    written: bool = True  # a put can ask for it

    @property
    def is_archive(self) -> bool:
        """Whether its objects must be restored before they can be read."""
        return bool(self.waits)


def _hours(low: int, high: int) -> tuple[int, int]:
    return low * 60, high * 60


_FLEXIBLE = {Speed.BULK: _hours(5, 12), Speed.STANDARD: _hours(3, 5), Speed.EXPEDITED: (1, 5)}
_DEEP = {Speed.BULK: _hours(0, 48), Speed.STANDARD: _hours(0, 12)}

# docs.aws.amazon.com/AmazonS3/latest/userguide: storage-class-intro, restoring-objects-retrieval-options;
# learn.microsoft.com/azure/storage/blobs: access-tiers-overview, archive-rehydrate-overview
CLASSES = (
    StorageClass("s3", "STANDARD"),
    StorageClass("s3", "STANDARD_IA", stay=30, smallest=128 * _KB),
    StorageClass("s3", "ONEZONE_IA", stay=30, smallest=128 * _KB),
    StorageClass("s3", "INTELLIGENT_TIERING"),
    StorageClass("s3", "GLACIER_IR", stay=90, smallest=128 * _KB),
    StorageClass("s3", "GLACIER", _FLEXIBLE, stay=90, overhead=32 * _KB, index=8 * _KB),
    StorageClass("s3", "DEEP_ARCHIVE", _DEEP, stay=180, overhead=32 * _KB, index=8 * _KB),
    # where INTELLIGENT_TIERING moves objects that nobody reads, if its bucket is set up so
    StorageClass("s3", "ARCHIVE_ACCESS", _FLEXIBLE, for_good=True, written=False),
    StorageClass("s3", "DEEP_ARCHIVE_ACCESS", _DEEP, for_good=True, written=False),
    StorageClass("az", "Hot"),
    StorageClass("az", "Cool", stay=30),
    StorageClass("az", "Cold", stay=90),
    StorageClass(
        "az", "Archive", {Speed.STANDARD: _hours(0, 15), Speed.EXPEDITED: _hours(0, 1)}, stay=180, for_good=True
    ),
)
_BY_NAME = {(one.kind, one.name): one for one in CLASSES}


class Access(StrEnum):
    """Whether an object can be read, as a HEAD tells."""

    PLAIN = "plain"
    """It is in a class that can be read at once."""
    ARCHIVED = "archived"
    WAITING = "waiting"
    """It was asked for."""
    READY = "ready"
    """A restored copy can be read."""
    EXPIRED = "expired"
    """The restored copy is about to go: its time is over."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a HEAD says of an object: its access, its class by the server's name, and how long a copy can be read."""

    access: Access
    storage_class: str = ""
    until_ms: int | None = None


class Answer(StrEnum):
    """What a store answers who asks for an archived object."""

    ASKED = "asked"
    """S3 202, Azure 202."""
    READY = "ready"
    """S3 200: a restored copy is there, and stays for longer; Azure 200: the blob is in its new tier."""
    WAITING = "waiting"
    """409: it was asked for before."""
    REFUSED = "refused"
    """403: an object of this class cannot be restored."""
    FULL = "full"
    """503: no capacity for expedited restores at the moment."""


def wait_text(minutes: tuple[int, int]) -> str:
    """Return a waiting time in words: ``3 to 5 hours``, ``up to 12 hours``."""
    low, high = minutes
    size, unit = (60, "hour") if high >= 60 else (1, "minute")
    start = f"{low // size} to" if low else "up to"
    return f"{start} {counted(high // size, unit)}"


def find_class(kind: str, name: str) -> StorageClass | None:
    """Return what the table says of a class; None of one that is not in it."""
    return _BY_NAME.get((kind, name))


def standing(connection: Connection, key: str) -> Standing:
    """Ask, with one HEAD, whether an object can be read; see `Store.standing`."""
    if not connection.kind.has_classes:
        head(connection, key)
        return Standing(Access.PLAIN)
    reader(connection, key)  # refuses what no store of this kind can have; odd keys may be archived, too
    found: Standing = connection.persist("archive", lambda client: client.standing(key), key)
    return found


def ask(connection: Connection, key: str, speed: Speed, days: int | None) -> Answer:
    """Ask for an archived object; see `Store.ask_for`."""
    if not connection.kind.has_classes:
        raise UsageError(f"{connection.address.url} has no archived objects.")
    reader(connection, key)
    answer: Answer = connection.persist("archive", lambda client: client.ask(key, speed, days), key)
    return answer


def attributes(connection: Connection, storage_class: str | None) -> dict[str, Any]:
    """Return what a put sends for a storage class."""
    name = name_of_class(connection, storage_class)
    return {"attributes": {"Storage-Class": name}} if name else {}


def name_of_class(connection: Connection, storage_class: str | None) -> str:
    """Return the name by which a store knows a class, empty for none; refuses one that no store of this kind has.

    A server of one's own may have classes of its own.
    """
    if storage_class is None:
        return ""
    kind = connection.kind
    if not kind.has_classes:
        raise UsageError(f"{connection.address.url} has no storage classes.", hint="Leave the class out.")
    names = {one.name.lower(): one.name for one in CLASSES if one.kind == kind.name and one.written}
    name = names.get(storage_class.lower())
    if name is None and not connection.spec.profile.endpoint:
        raise UsageError(
            f"{storage_class!r} is not a storage class of {kind.name}:// stores.",
            hint=f"Choose one of: {', '.join(names.values())}.",
        )
    return name or storage_class
