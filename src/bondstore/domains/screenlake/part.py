"""What came of one zip: its clean rows, and what is known of its images. A zip file itself, with an index.

The part is all that the tables and reports of a panelist are made of, so they can be made again at any time without
fetching or looking again, even when the store has dropped the zip since.
"""

from __future__ import annotations

import csv
import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, TYPE_CHECKING, Any, BinaryIO, Self

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.runs.destination import Destination

_INDEX = "index.json"
_ASIDE = "aside.csv"
_SPOOL = 4 << 20
_BLOCK = 1 << 18
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a zip; boxes are lists of x, y, width, height (pixels of the upright picture) and score.

    In an animation follow the first and last frame in which it was found, and the first one's number as written.
    """

    member: str
    name: str  # the last part of the member's name
    source: str  # SHA-256 of its bytes as they came, in hex; empty where they could not be read
    outcome: str
    """``kept`` (no face was found), ``redacted``, ``unlooked`` (nobody was to look), ``outside`` (of the days asked
    for), or the finding kind that says why it was withheld."""
    output: str = ""  # SHA-256 of its bytes as written, in hex; empty where nothing was
    width: int = 0
    height: int = 0
    boxes: list[list[float]] = field(default_factory=list)  # covered
    unsure: list[list[float]] = field(default_factory=list)  # not covered, as the detector was less sure
    texts: list[list[float]] = field(default_factory=list)  # covered because of the text in them
    looks: int = 0


@dataclass(frozen=True, slots=True)
class PartTable:
    """One table of a zip."""

    number: int  # its place in the part
    prefix: str
    member: str
    columns: list[str]
    rows: int


@dataclass(slots=True)
class Index:
    """All that is known of a zip but for its rows; images and tables are in the order of the zip."""

    key: str
    zip: str
    panelist: str
    first_ms: int | None = None
    """When its first screenshot was captured, else its first row, in ms since 1970 UTC."""
    images: list[Image] = field(default_factory=list)
    tables: list[PartTable] = field(default_factory=list)
    aside: int = 0
    repaired: int = 0  # rows read by the app's own rule
    marks: dict[str, int] = field(default_factory=dict)  # what was taken out of texts, by kind
    findings: list[list[Any]] = field(default_factory=list)  # kind, severity, where, message, count


class PartWriter:
    """Writes a part, table by table; `close` adds the index."""

    def __init__(self, path: Path, scratch: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self.scratch = scratch
        # lives as long as the part
        self._aside: IO[bytes] = SpooledTemporaryFile(_SPOOL, dir=str(scratch))  # noqa: SIM115
        self.aside = 0

    @contextmanager
    def table(self, number: int) -> Iterator[Callable[[Sequence[str], bytes], None]]:
        """Write one table; the caller gets what takes a row and its digest."""
        # A zip has one member open at a time, so the digests wait until the rows are written.
        with SpooledTemporaryFile(_SPOOL, dir=str(self.scratch)) as digests:
            with self._open(f"tables/{number}.csv") as file, io.TextIOWrapper(file, "utf-8", newline="") as text:
                writer = csv.writer(text, lineterminator="\r\n")

                def write(row: Sequence[str], digest: bytes) -> None:
                    writer.writerow(row)
                    digests.write(digest)

                yield write
            self._add(f"tables/{number}.digests", digests)

    def set_aside(self, prefix: str, member: str, line: int, reason: str, raw: str) -> None:
        """Keep a row that could not be read as one."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerow((prefix, member, line, reason, raw))
        self._aside.write(text.getvalue().encode("utf-8", "surrogatepass"))
        self.aside += 1

    def close(self, index: Index) -> None:
        """Write the index; nothing can be added afterwards."""
        index.aside = self.aside
        if self.aside:
            self._add(_ASIDE, self._aside)
        with self._open(_INDEX) as file:
            file.write(json.dumps(asdict(index), ensure_ascii=False, separators=(",", ":")).encode())
        self.abandon()

    def abandon(self) -> None:
        """Let go of the files."""
        self._aside.close()
        self._zip.close()

    def _open(self, name: str) -> IO[bytes]:
        info = zipfile.ZipInfo(name, _EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._zip.open(info, "w", force_zip64=True)

    def _add(self, name: str, content: IO[bytes]) -> None:
        content.seek(0)
        with self._open(name) as file:
            while chunk := content.read(1 << 16):
                file.write(chunk)


class PartCache:
    """Keeps the part open that was read last: its directory may be long, and its tables are read one by one."""

    def __init__(self, dest: Destination) -> None:
        self._dest = dest
        self._path = ""
        self._raw: BinaryIO | None = None
        self._file: zipfile.ZipFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def take(self, path: str) -> zipfile.ZipFile:
        """Return a part, open until the next one is taken."""
        if self._file is None or path != self._path:
            self._close()
            self._raw = self._dest.open(path)
            self._path, self._file = path, zipfile.ZipFile(self._raw)
        return self._file

    def _close(self) -> None:
        for file in (self._file, self._raw):
            if file is not None:
                file.close()
        self._file = self._raw = None


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part that was written, by its path in the destination."""

    path: str
    cache: PartCache

    def index(self) -> Index:
        """Read the index."""
        said = json.loads(self.cache.take(self.path).read(_INDEX))
        said["images"] = [Image(**one) for one in said["images"]]
        said["tables"] = [PartTable(**one) for one in said["tables"]]
        return Index(**said)

    def rows(self, number: int) -> Iterator[list[str]]:
        """Yield the rows of a table."""
        yield from self._csv(f"tables/{number}.csv")

    def digests(self, number: int) -> bytes:
        """Return the digests of a table's rows, one after the other."""
        return self.cache.take(self.path).read(f"tables/{number}.digests")

    def aside(self) -> Iterator[list[str]]:
        """Yield the rows set aside: prefix, member, line, reason, the row as it came."""
        yield from self._csv(_ASIDE)

    def _csv(self, name: str) -> Iterator[list[str]]:
        csv.field_size_limit(1 << 30)
        with self.cache.take(self.path).open(name) as raw:
            yield from csv.reader(io.TextIOWrapper(raw, "utf-8", newline="", errors="surrogatepass"))


class SealedSpool:
    """Keeps bytes that may not lie on a disk as they are: up to `most` of them in memory, more than that all in a file
    without a name, enciphered under a key that memory alone holds.
    """

    def __init__(self, most: int, folder: Path) -> None:
        self._most, self._folder = most, folder
        self._memory: io.BytesIO | None = io.BytesIO()
        self._file: IO[bytes] | None = None
        # The key serves this one stream and is gone with it, so a counter that begins at zero is never used twice.
        self._cipher = Cipher(AES(os.urandom(32)), CTR(bytes(16)))
        self._sealing = self._cipher.encryptor()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, data: bytes) -> None:
        """Add bytes; all of them before the first is read."""
        if self._memory is not None:
            self._memory.write(data)
            if self._memory.tell() <= self._most:
                return
            data, self._memory = self._memory.getvalue(), None
            self._file = TemporaryFile(dir=self._folder)  # noqa: SIM115 - lives as long as the spool
        assert self._file is not None
        self._file.write(self._sealing.update(data))

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes from the first on, any number of times."""
        if self._memory is not None:
            yield self._memory.getvalue()
            return
        assert self._file is not None
        self._file.seek(0)
        opening = self._cipher.decryptor()
        while block := self._file.read(_BLOCK):
            yield opening.update(block)
