"""Synthetic phone zips: screenshots and logs of made-up people, written as the phone app writes them, quirks included.

Everything follows from the seed, zip by zip: asking for more zips or more panelists changes none of the others. Every
zip comes with the truth about it: its images by digest and its rows as the app held them, before it wrote them.
"""

from __future__ import annotations

import hashlib
import io
import random
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from demo import phonerows, screens

TENANT, PANEL = "00042_quietlab", "0007"
VERSIONS = ("V_01", "V_02", "V_03")
"""App versions: each writes other columns, in another order."""

FIRST_DAY = datetime(2024, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Shape:
    """How much to make.

    Parameters
    ----------
    panelists, zips : int
        People, and zips of each.
    screenshots : int
        Images in a zip. The table of screenshots has a row for each, and `restricted` rows more.
    restricted : int
        Rows of a zip whose app may not be shown: they name no image (``null``), or one that is not in the zip.
    rows : int
        Rows of accessibility events in a zip; sessions and logs have a quarter of it, at least one.
    size : tuple of int
        Width and height of a screenshot; phones have (1080, 2340).
    quality : int
        Of the JPEGs.
    quotes : float
        Share of texts that hold quotes, which the app does not double.
    opted_out : int
        How many of the panelists (the last ones) send no images, under the other shape of key.
    double : float
        Share of zips whose name ends in ``.zip.zip``.
    traces : float
        Share of log rows with a stack trace: the app writes its line ends into the field as they are.
    seed : int
        Of everything.
    paste : callable, optional
        Puts faces into a picture and returns their boxes; none by default.
    """

    panelists: int = 3
    zips: int = 2
    screenshots: int = 4
    restricted: int = 1
    rows: int = 8
    size: tuple[int, int] = (216, 468)
    quality: int = 50
    quotes: float = 0.25
    opted_out: int = 0
    double: float = 0.2
    traces: float = 0.0
    seed: int = 7
    paste: screens.Paste | None = None


@dataclass(frozen=True, slots=True)
class Image:
    """One screenshot in a zip: its member name, its bytes' SHA-256 and the boxes of the faces pasted into it."""

    name: str
    digest: str
    faces: screens.Faces = ()


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV in a zip: its member name, what kind it is (``screenshot_data``, …), and what it holds."""

    name: str
    prefix: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def written(self) -> bytes:
        """The bytes as the app writes them: every value between quotes, and none of the quotes within doubled."""
        return b"".join(_line(cells) for cells in (self.columns, *self.rows))


@dataclass(frozen=True, slots=True)
class Phone:
    """One zip: its key in the bucket, its bytes, whose it is, and the truth about what it holds."""

    key: str
    data: bytes
    panelist: str
    images: tuple[Image, ...]
    tables: tuple[Table, ...]
    first_ms: int
    last_ms: int


@dataclass(slots=True)
class Truth:
    """What all zips of a panelist hold together."""

    images: dict[str, str] = field(default_factory=dict)
    """Digest of each image, by member name."""
    rows: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    """Rows by kind of table, in the order of the zips as made, each by column name."""


def make(shape: Shape) -> Iterator[Phone]:
    """Yield every zip: all of the first panelist, then all of the second …"""
    for person in range(shape.panelists):
        for turn in range(shape.zips):
            yield one(shape, person, turn)


def one(shape: Shape, person: int, turn: int) -> Phone:
    """Make one zip: `turn` of panelist number `person`, both from 0."""
    rng = random.Random(f"{shape.seed}/{person}/{turn}")
    start = FIRST_DAY + timedelta(days=turn, hours=8 + person % 12, minutes=rng.randint(0, 59))
    name = f"image_zip_{_uuid(rng)}_{shape.screenshots + shape.restricted}.zip"
    version = VERSIONS[(person + turn) % len(VERSIONS)]
    facts = phonerows.Facts(f"{10_000 + person:08d}", version, name, int(start.timestamp() * 1000), rng, shape.quotes)
    shots = phonerows.screenshots(facts, shape.screenshots, shape.restricted)
    tables = _tables(facts, shots, shape)
    shows = person < shape.panelists - shape.opted_out
    images, members = [], []
    for shot in shots if shows else ():
        if shot.shown:
            picture, faces = screens.draw(shot.cells["text"], shape.size, rng, shape.paste)
            data = screens.jpeg(picture, shape.quality)
            images.append(Image(shot.name, hashlib.sha256(data).hexdigest(), faces))
            members.append((shot.name, data))
    data = _zipped([*((t.name, t.written) for t in tables[:2]), *members, *((t.name, t.written) for t in tables[2:])])
    key = key_of(panelist(shape, person), version, name + (".zip" if rng.random() < shape.double else ""), shows=shows)
    times = [shot.time_ms for shot in shots] or [facts.start_ms]
    return Phone(key, data, panelist(shape, person), tuple(images), tuple(tables), min(times), max(times))


def panelist(shape: Shape, person: int) -> str:
    """Return the hash that stands for a panelist in keys."""
    return hashlib.sha256(f"person{person}.{shape.seed}@example.org".encode()).hexdigest()


def key_of(who: str, version: str, name: str, *, shows: bool = True) -> str:
    """Build a key: one shape for people who send images, another for those who opted out."""
    if shows:
        return f"academia/tenant/{TENANT}/panel/{PANEL}/{version}/panelist/{who}/{name}"
    return f"tenant/{TENANT}/panel/{PANEL}/{version}/{who}/{name}"


def truth(phones: Iterable[Phone]) -> dict[str, Truth]:
    """Add up what some zips hold, by panelist."""
    found: dict[str, Truth] = {}
    for phone in phones:
        whole = found.setdefault(phone.panelist, Truth())
        whole.images.update({image.name: image.digest for image in phone.images})
        for table in phone.tables:
            rows = whole.rows.setdefault(table.prefix, [])
            rows += [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return found


def _tables(facts: phonerows.Facts, shots: list[phonerows.Shot], shape: Shape) -> list[Table]:
    few = max(shape.rows // 4, 1)
    kinds = {
        "app_accessibility_data": ("_csv", phonerows.accessibility(facts, shape.rows)),
        "screenshot_data": ("_csv", [shot.cells for shot in shots]),
        "session_data": ("_csv", phonerows.sessions(facts, few)),
        "app_segment_data": ("_csv", phonerows.segments(facts, shots)),
        "log_data": ("", phonerows.logs(facts, few, shape.traces)),
    }
    made = []
    for prefix, (infix, rows) in kinds.items():
        columns = phonerows.columns(prefix, facts.version)
        cells = tuple(tuple(row[column] for column in columns) for row in rows)
        made.append(Table(f"{prefix}{infix}_{_uuid(facts.rng)}.csv", prefix, columns, cells))
    return made


def _line(cells: Iterable[str]) -> bytes:
    return (",".join(f'"{cell}"' for cell in cells) + "\n").encode()


class _Pipe(io.RawIOBase):
    """A stream that cannot seek, as the app's: sizes and checksums then follow each member instead of leading it."""

    def __init__(self, out: io.BytesIO) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        return self._out.write(data)


def _zipped(members: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(_Pipe(out), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, (2024, 1, 5, 8, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(bytes=rng.randbytes(16), version=4))
