"""What came of one zip: its clean rows, and what is known of its images. A zip file itself, with an index.

The part is all that the tables and reports of a panelist are made of, so they can be made again at any time without
fetching or looking again, even when the store has dropped the zip since.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

INDEX = "index.json"
ASIDE = "aside.csv"
_SPOOL = 4 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same rows give the same bytes


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a zip.

    Parameters
    ----------
    member : str
        Its name in the zip.
    name : str
        The base name of that.
    source : str
        SHA-256 of its bytes as they came, in hex; empty where they could not be read.
    outcome : str
        ``kept`` (no face was found), ``redacted``, ``unlooked`` (nobody was to look), ``outside`` (of the days asked
        for), or the finding kind that says why it was withheld.
    output : str
        SHA-256 of its bytes as written, in hex; empty where nothing was.
    width, height : int
        Of the upright picture, in pixels.
    boxes, unsure : list of [x, y, width, height, score]
        What was covered; and what was not, as the detector was less sure.
    texts : list of [x, y, width, height, score]
        What was covered because of the text in it.
    looks : int
        How many times it was looked at.
    """

    member: str
    name: str
    source: str
    outcome: str
    output: str = ""
    width: int = 0
    height: int = 0
    boxes: list[list[float]] = field(default_factory=list)
    unsure: list[list[float]] = field(default_factory=list)
    texts: list[list[float]] = field(default_factory=list)
    looks: int = 0


@dataclass(frozen=True, slots=True)
class PartTable:
    """One table of a zip.

    Parameters
    ----------
    number : int
        Its place in the part.
    prefix : str
        Which table it is part of.
    member : str
        Its name in the zip.
    columns : list of str
        Its columns, as they came.
    rows : int
        How many rows.
    """

    number: int
    prefix: str
    member: str
    columns: list[str]
    rows: int


@dataclass(slots=True)
class Index:
    """All that is known of a zip but for its rows.

    Parameters
    ----------
    key, zip, panelist : str
        Which zip, its name, whose.
    first_ms : int or None
        When its first screenshot was captured, else its first row, in ms since 1970 UTC.
    images : list of Image
        In the order of the zip.
    tables : list of PartTable
        In the order of the zip.
    aside : int
        Rows set aside.
    repaired : int
        Rows read by the app's own rule.
    marks : dict
        What was taken out of texts, by kind.
    findings : list of [kind, severity, where, message, count]
        What was found.
    """

    key: str
    zip: str
    panelist: str
    first_ms: int | None = None
    images: list[Image] = field(default_factory=list)
    tables: list[PartTable] = field(default_factory=list)
    aside: int = 0
    repaired: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    findings: list[list[Any]] = field(default_factory=list)


class PartWriter:
    """Writes a part, table by table; `close` adds the index.

    Parameters
    ----------
    path : Path
        Where to.
    scratch : Path
        A folder for what cannot stay in memory while it waits.
    """

    def __init__(self, path: Path, scratch: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1)
        self.scratch = scratch
        self._aside: IO[bytes] = SpooledTemporaryFile(_SPOOL, dir=str(scratch))  # noqa: SIM115 - lives as long as the part
        self.aside = 0

    @contextmanager
    def table(self, number: int) -> Iterator[Callable[[Sequence[str], bytes], None]]:
        """Write one table; the caller gets what takes a row and its digest."""
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
            self._add(ASIDE, self._aside)
        with self._open(INDEX) as file:
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


class Shelf:
    """Keeps the part open that was read last: its directory may be long, and its tables are read one by one."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._file: zipfile.ZipFile | None = None

    def __enter__(self) -> Shelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._close()

    def take(self, path: Path) -> zipfile.ZipFile:
        """Return a part, open until the next one is taken."""
        if self._file is None or path != self._path:
            self._close()
            self._path, self._file = path, zipfile.ZipFile(path)
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True, slots=True)
class Part:
    """A part that stands.

    Parameters
    ----------
    path : Path
        Its file.
    shelf : Shelf
        Opens it.
    """

    path: Path
    shelf: Shelf

    def index(self) -> Index:
        """Read the index."""
        said = json.loads(self.shelf.take(self.path).read(INDEX))
        said["images"] = [Image(**one) for one in said["images"]]
        said["tables"] = [PartTable(**one) for one in said["tables"]]
        return Index(**said)

    def rows(self, number: int) -> Iterator[list[str]]:
        """Yield the rows of a table."""
        yield from self._csv(f"tables/{number}.csv")

    def digests(self, number: int) -> bytes:
        """Return the digests of a table's rows, one after the other."""
        return self.shelf.take(self.path).read(f"tables/{number}.digests")

    def aside(self) -> Iterator[list[str]]:
        """Yield the rows set aside: prefix, member, line, reason, the row as it came."""
        yield from self._csv(ASIDE)

    def _csv(self, name: str) -> Iterator[list[str]]:
        csv.field_size_limit(1 << 30)
        with self.shelf.take(self.path).open(name) as raw:
            yield from csv.reader(io.TextIOWrapper(raw, "utf-8", newline="", errors="surrogatepass"))
