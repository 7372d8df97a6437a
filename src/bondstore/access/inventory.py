"""The keys of a bucket, page by page: from an S3 Inventory, another CSV, or a listing. And the prefixes of a CSV."""

from __future__ import annotations

import csv
import gzip
import itertools
import re
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol
from urllib.parse import unquote_plus

from bondstore.errors import ConfigurationError, NotFoundError, UsageError

PAGE = 5_000
LONGEST_KEY = 1_024
"""Bytes that S3 lets a key have."""
_LONGEST_LINE = 1 << 20
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class KeyPage:
    """Some keys, and what was wrong on the way to them."""

    keys: Sequence[str]
    size: int = 0
    """Bytes that were read for it, or that the objects have."""
    troubles: tuple[str, ...] = ()
    """Places at which keys may be missing, each as a sentence without its full stop."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The keys in a file."""

    bucket: str
    """Empty where the file does not say it."""
    pages: Iterator[KeyPage]
    close: Callable[[], None] = lambda: None
    """Ends the reading, whether or not all was read."""


class ListedPage(Protocol):
    """A page of a store's listing."""

    @property
    def keys(self) -> list[str]:
        """Its keys, relative to the store."""

    @property
    def sizes(self) -> list[int]:
        """The objects' bytes."""

    @property
    def marks(self) -> tuple[str, ...]:
        """Keys of empty objects that mark folders, left out of the others."""

    @property
    def barred(self) -> frozenset[str]:
        """Keys behind which nothing can be seen."""


def of_listing(pages: Iterable[ListedPage], below: str) -> Iterator[KeyPage]:
    """Return the pages of a listing with their keys as they are in the bucket, in which the store lies at a prefix."""
    for page in pages:
        keys = [*page.keys, *page.marks] if page.marks else page.keys
        keys = [below + key for key in keys] if below else keys
        troubles = tuple(f"what lies behind {below}{key} could not be seen" for key in sorted(page.barred))
        yield KeyPage(keys, sum(page.sizes), troubles)


def read_inventory(file: Path) -> Inventory:
    """Read the keys of a CSV: an S3 Inventory, or a file with a header that has ``key``; gzip too.

    An S3 Inventory has no header; its first columns are bucket and key, and its keys are URL-encoded.

    Raises
    ------
    NotFoundError, UsageError, ConfigurationError
        There is no such file, it is in another format, or it has no keys for another reason.
    """
    lines = _Lines(file)
    first = lines.peek(2)
    if first and first[0].lstrip().startswith("{"):
        lines.close()
        raise UsageError(
            f"{file} is JSON, not a CSV.",
            hint="Of an S3 Inventory, name the CSV in its folder data, not the manifest. "
            "Where there are several: cat data/*.csv.gz > inventory.csv.gz",
        )
    rows = [_split(line) or [] for line in first]
    names = [name.strip().lower() for name in rows[0]] if rows else []
    # An object may be called "key": then the line below has the same bucket.
    same = len(rows) == 2 and names[1:2] == ["key"] and rows[1][:1] == rows[0][:1]
    if "key" in names and not same:
        found = _with_header(lines, names)
    elif rows and len(rows[0]) < 2:
        lines.close()
        raise ConfigurationError(
            f"{file} has no column key.",
            hint="Name an S3 Inventory in CSV (bucket, key, … without a header), or a CSV with a header that has key.",
        )
    else:
        found = _without_header(lines)
    bucket = _Bucket()
    pages = _paged(lines, found, bucket)
    front = list(itertools.islice(pages, 1))
    return Inventory(bucket.name, itertools.chain(front, pages), lines.close)


def read_prefixes(file: Path) -> list[str]:
    """Read what is meant to be readable: a CSV with a header that has ``prefix``, one prefix a line.

    Raises
    ------
    NotFoundError, ConfigurationError
        There is no such file, or a line of it cannot be meant; the message has its number.
    """
    with closing(_Lines(file)) as lines:
        return _prefixes(lines, file)


def _prefixes(lines: _Lines, file: Path) -> list[str]:
    rows = csv.reader(lines, strict=True)
    prefixes: list[str] = []
    try:
        names = [name.strip().lower() for name in next(rows, [])]
        if "prefix" not in names:
            raise ConfigurationError(f"{file} has no column prefix.", hint="Write prefix into its first line.")
        for row in filter(None, rows):
            prefixes.append(row[names.index("prefix")])
            _check_prefix(prefixes[-1], f"{file}, line {lines.number}")
    except (csv.Error, IndexError):
        lines.note("is damaged")
    if troubles := lines.page(()).troubles:
        raise ConfigurationError(f"{file}: {troubles[0]}.", hint="Write one prefix a line.")
    if not prefixes:
        raise ConfigurationError(f"{file} has no prefix.", hint="Write one prefix a line, each with its closing slash.")
    return prefixes


def _check_prefix(prefix: str, where: str) -> None:
    if not prefix.endswith("/"):
        raise ConfigurationError(
            f"{where}: the prefix does not end in a slash, so others that begin alike would be meant too.",
            hint="Write each prefix with its closing slash, such as STUDY/PARTICIPANT/.",
        )


Row = tuple[str, str]
"""Bucket, which may be empty, and key."""


@dataclass(slots=True)
class _Bucket:
    name: str = ""


def _paged(lines: _Lines, rows: Iterator[Row], bucket: _Bucket) -> Iterator[KeyPage]:
    keys: list[str] = []
    for place, key in rows:
        if place != bucket.name:
            if bucket.name:
                lines.note("is of another bucket")
                continue
            bucket.name = place
        if not key or (len(key) > LONGEST_KEY // 4 and len(key.encode()) > LONGEST_KEY):
            lines.note("has no key that an object can have")
            continue
        keys.append(key)
        if len(keys) >= PAGE:
            yield lines.page(keys)
            keys = []
    yield lines.page(keys)


def _without_header(lines: _Lines) -> Iterator[Row]:
    """Yield the rows of an S3 Inventory. A record is a line: a quote without its end spoils one line and no other."""
    width = 0
    for line in lines:
        row = _split(line)
        if row == []:
            continue
        width = width or len(row or ())
        key = _decoded(row[1]) if row and len(row) == width else None
        if row is None or key is None:
            lines.note("is damaged")
        else:
            yield row[0], key


def _with_header(lines: _Lines, names: list[str]) -> Iterator[Row]:
    """Yield the rows of a CSV with a header; a key may hold a line's end in quotes."""
    at, place = names.index("key"), names.index("bucket") if "bucket" in names else None
    reader = csv.reader(lines, strict=True)
    next(reader)
    while True:
        before = lines.number
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            lines.note("is damaged", before + 1)
            continue
        if len(row) == len(names):
            yield row[place] if place is not None else "", row[at]
        elif row:
            lines.note("is damaged", before + 1)


def _split(line: str) -> list[str] | None:
    """Return the fields of a line; None where it is damaged."""
    quotes = line.count('"')
    if not quotes:
        return line.rstrip("\r\n").split(",") if line.strip() else []
    plain = line.rstrip("\r\n")
    if plain[:1] == plain[-1:] == '"' and quotes == 2 * plain.count('","') + 2:
        return plain[1:-1].split('","')  # as S3 writes it: all in quotes, none inside
    try:
        return next(csv.reader((line,), strict=True), [])
    except csv.Error:
        return None


def _decoded(text: str) -> str | None:
    """Return a key that S3 has URL-encoded, in which a space is a plus; None where it is damaged."""
    if "%" not in text:
        return text.replace("+", " ")
    try:
        return None if _BAD_ESCAPE.search(text) else unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return None


class _Lines:
    """The lines of a file, which may be packed with gzip; what is wrong with them is noted."""

    def __init__(self, file: Path) -> None:
        self.number = 0  # of the line that was given last
        self._troubles: list[str] = []
        self._size = 0
        self._peeked: list[tuple[int, str]] = []
        self._fresh = self._numbered(_opened(file))

    def __iter__(self) -> Iterator[str]:
        while self._peeked:
            self.number, line = self._peeked.pop(0)
            yield line
        for self.number, line in self._fresh:  # noqa: B020 - the number is for whoever reads the line
            yield line

    def close(self) -> None:
        """Read no more."""
        self._fresh.close()

    def peek(self, count: int) -> list[str]:
        """Return the next lines, which come again."""
        self._peeked += itertools.islice(self._fresh, count)
        return [line for _, line in self._peeked]

    def note(self, why: str, first: int = 0) -> None:
        """Note what is wrong with the line that was given last, or with all from another one on."""
        several = first and first < self.number
        where = f"lines {first} to {self.number}" if several else f"line {self.number}"
        self._troubles.append(f"{where} {why.replace('is ', 'are ', 1) if several else why}")

    def page(self, keys: Sequence[str]) -> KeyPage:
        """Return a page with what came up since the last one."""
        troubles, self._troubles = tuple(self._troubles), []
        size, self._size = self._size, 0
        return KeyPage(keys, size, troubles)

    def _numbered(self, stream: IO[bytes] | gzip.GzipFile) -> Generator[tuple[int, str], None, None]:
        number, whole = 0, True
        with stream:
            while raw := self._read(stream, number):
                self._size += len(raw)
                starts, whole = whole, len(raw) < _LONGEST_LINE or raw.endswith(b"\n")
                number += starts
                if not starts:
                    continue
                if not whole:
                    self._troubles.append(f"line {number} is too long")
                    continue
                try:
                    yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    self._troubles.append(f"line {number} is damaged")

    def _read(self, stream: IO[bytes] | gzip.GzipFile, number: int) -> bytes:
        try:
            return stream.readline(_LONGEST_LINE)
        except (EOFError, zlib.error, OSError):
            self._troubles.append(f"what follows line {number} could not be read")
            return b""


def _opened(file: Path) -> IO[bytes] | gzip.GzipFile:
    try:
        with file.open("rb") as opened:
            start = opened.read(4)
        if start == b"PAR1" or start[:3] == b"ORC":
            raise UsageError(f"{file} is not a CSV.", hint="Ask S3 for the inventory in the format CSV.")
        return gzip.open(file) if start[:2] == b"\x1f\x8b" else file.open("rb")
    except FileNotFoundError:
        raise NotFoundError(f"There is no file {file}.", hint="Name a CSV, or a store's URL.") from None
    except OSError as error:
        raise ConfigurationError(f"{file} could not be read: {error.strerror}.") from None
