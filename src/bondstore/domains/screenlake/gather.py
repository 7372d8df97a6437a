"""From the parts of a panelist to one table of each kind and the record of what was covered where.

Parts are read more than once, one at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.layout import base_name
from bondstore.domains.screenlake.paths import segment
from bondstore.domains.screenlake.summary import PanelistSummary
from bondstore.tables.consolidate import Added, SourceTable, consolidate
from bondstore.tables.textcsv import csv_line, encoded

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.domains.screenlake.names import ImageNames
    from bondstore.domains.screenlake.part import Image, Index, PartFile, PartTable
    from bondstore.domains.screenlake.question import Digests, Question
    from bondstore.runs.work import Work

_EXAMPLES = 6
"""So many covered images are shown in a report."""
_OUTSIDE = "(outside the days asked for)"
_GONE = "image-gone"
_FILE, _IMAGE = "file", "image"
_NO_IMAGE = "(no image named)"
_NOT_FOUND = "(not in any zip)"
_BOX = ("x", "y", "width", "height", "score", "first_frame", "last_frame", "frame")
_ASIDE_COLUMNS = ("_source", "line", "reason", "row")


@dataclass(slots=True)
class Gathered:
    """What was made of a panelist's parts besides the tables."""

    summary: PanelistSummary
    redactions: Iterator[bytes]  # the lines of the record of what was covered
    examples: list[tuple[str, str]] = field(default_factory=list)  # a few covered images, and where they lie now
    gone: dict[str, int] = field(default_factory=dict)  # how many images of a zip are gone, by its key


def gather(
    question: Question, digests: Digests, parts: Sequence[PartFile], names: ImageNames, *, work: Work, folder: str
) -> Gathered:
    """Name the images of a panelist and write the tables.

    Zips are taken in the order of the first moment that they tell, so that tables begin with what was captured first.
    """
    ordered = _in_order(parts, names)
    summary = PanelistSummary(folder.rstrip("/").rpartition("/")[2])
    gathered = Gathered(summary, _lines(question, digests, ordered, names))
    gathered.summary.handling = question.told(digests)
    tables: dict[str, list[SourceTable]] = {}
    for number, part in enumerate(ordered):
        index = part.index()
        gathered.summary.panelist = index.panelist
        gathered.summary.add(index)
        for image in index.images:
            _name((number, part.path.rpartition("/")[2], index.key), image, names, gathered)
        for table in index.tables:
            tables.setdefault(table.prefix, []).append(_table(number, part, index, table))
    # Only now, as a row may name an image of any zip.
    writer = _TableWriter(names, work, f"{folder}metadata/", gathered, parquet=question.handling.parquet)
    for prefix, some in sorted(tables.items()):
        writer.write(prefix, some)
    writer.write_aside(ordered)
    gathered.summary.miss(gathered.gone)
    return gathered


def _in_order(parts: Sequence[PartFile], names: ImageNames) -> list[PartFile]:
    """Sort parts, and tell `names` how they have the images."""
    keyed = []
    for part in parts:
        index = part.index()
        for image in index.images:
            if image.output:
                names.made(image.name, image.source, image.output)
        keyed.append((index.first_ms is None, index.first_ms or 0, index.key, part))
    keyed.sort(key=lambda one: one[:3])
    return [part for *_, part in keyed]


def _name(zip_of: tuple[int, str, str], image: Image, names: ImageNames, gathered: Gathered) -> None:
    number, part, key = zip_of
    place = names.place(image.name, image.source) if image.output else None
    if image.output and place is None:
        names.without(number, image.name, f"(withheld: {_GONE})")
        gathered.summary.count(_GONE)
        gathered.gone[key] = gathered.gone.get(key, 0) + 1
        return
    if not image.output:
        names.without(number, image.name, _OUTSIDE if image.outcome == "outside" else f"(withheld: {image.outcome})")
        gathered.summary.count(image.outcome)
        return
    name, repeated = names.add(number, image.name, image.source, image.output, part)
    gathered.summary.count("repeated" if repeated else image.outcome)
    if not repeated:
        gathered.summary.boxes += len(image.boxes)
        gathered.summary.unsure += len(image.unsure)
        if image.boxes and len(gathered.examples) < _EXAMPLES:
            gathered.examples.append((name, place or ""))


def _table(number: int, part: PartFile, index: Index, table: PartTable) -> SourceTable:
    return SourceTable(
        f"{index.zip}/{table.member}",
        str(number),
        tuple(table.columns),
        partial(part.rows, table.number),
        partial(part.digests, table.number),
    )


class _TableWriter:
    """Writes one CSV of each kind: rows joined to their images, rows that could not be read as one kept aside."""

    def __init__(self, names: ImageNames, work: Work, folder: str, gathered: Gathered, *, parquet: bool) -> None:
        self._names, self._work, self._folder, self._gathered, self._parquet = names, work, folder, gathered, parquet

    def write(self, prefix: str, tables: Sequence[SourceTable]) -> None:
        """Write one kind of table; rows that name an image get its file's name, or why there is none."""
        path = f"{self._folder}{segment(prefix)}-consolidated"
        temporary = self._work.writer.reserve()
        added: dict[str, Added] = {_IMAGE: self._image} if any(_FILE in table.columns for table in tables) else {}
        with self._work.writer.explaining(), temporary.open("w+b") as out:
            done = consolidate(tables, out, added=added, scratch=temporary.parent)
        if self._parquet:
            self._write_parquet(f"{path}.parquet", temporary)
        self._work.adopt(f"{path}.csv", temporary, kind="panelist", rows=done.rows)
        summary = self._gathered.summary.table(prefix)
        summary.rows, summary.repeats, summary.sources = done.rows, done.repeats, len(tables)

    def _image(self, table: SourceTable, row: Mapping[str, str]) -> str:
        base = base_name(row.get(_FILE, ""))
        if base in ("", "null"):
            return _NO_IMAGE
        found = self._names.find(int(table.unit), base)
        if found is None:
            self._gathered.summary.missing_images += 1
            return _NOT_FOUND
        return found[0] or found[1]

    def _write_parquet(self, path: str, source: Path) -> None:
        from bondstore.tables.textparquet import csv_to_parquet

        temporary = self._work.writer.reserve()
        with self._work.writer.explaining(), source.open("rb") as rows_of:
            rows = csv_to_parquet(rows_of, temporary)
        self._work.adopt(path, temporary, kind="panelist", rows=rows)

    def write_aside(self, parts: Sequence[PartFile]) -> None:
        """Write what could not be read as a row, for each kind of table that has such."""
        files: dict[str, Path] = {}
        for part in parts:
            for prefix, some in groupby(_aside(part), key=itemgetter(0)):
                fresh = prefix not in files
                if fresh:
                    files[prefix] = self._work.writer.reserve()
                # One at a time is open: nobody knows how many there are.
                with self._work.writer.explaining(), files[prefix].open("ab") as out:
                    if fresh:
                        out.write(encoded(csv_line(_ASIDE_COLUMNS)))
                    for _, values in some:
                        out.write(encoded(csv_line(values)))
                        self._gathered.summary.table(prefix).aside += 1
        for prefix, temporary in sorted(files.items()):
            self._work.adopt(f"{self._folder}{segment(prefix)}-aside.csv", temporary, kind="panelist")


def _aside(part: PartFile) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what a part set aside: which table it belongs to, and its row in that table's file."""
    index = part.index()
    if not index.aside:
        return
    for prefix, member, line, reason, raw in part.aside():
        yield prefix, (f"{index.zip}/{member}", line, reason, raw)


def _lines(question: Question, digests: Digests, ordered: Sequence[PartFile], names: ImageNames) -> Iterator[bytes]:
    """Yield what became of every image of every zip, as JSON Lines."""
    how = question.handling.params()
    settings = {name: value for name, value in how.items() if name in ("redact", "effort", "ocr")}
    detector, model = digests.detector or None, digests.model or None
    for part in ordered:
        index = part.index()
        for image in index.images:
            name = names.name_of(image.name, image.source) if image.output else None
            line = {
                "image": name,
                "outcome": _GONE if image.output and name is None else image.outcome,
                "zip": index.key,
                "member": image.member,
                "sha256_before": image.source,
                "sha256_after": image.output or None,
                "width": image.width,
                "height": image.height,
                "boxes": [_box(box) for box in image.boxes],
                "texts": [_box(box) for box in image.texts],
                "unsure": [_box(box) for box in image.unsure],
                "looks": image.looks,
                "model": model,
                "detector": detector,
                "settings": settings,
            }
            yield (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "backslashreplace")


def _box(box: Sequence[float]) -> dict[str, float]:
    return dict(zip(_BOX, box, strict=False))  # the frames are those of an animation
