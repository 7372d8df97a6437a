"""From the parts of a panelist to one table of each kind and the record of what was covered where.

Parts are read more than once, one at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.summary import Summary
from bondstore.domains.screenlake.tables import TableWriter
from bondstore.tables.consolidate import Table

if TYPE_CHECKING:
    from bondstore.domains.screenlake.names import Names
    from bondstore.domains.screenlake.part import Image, Index, Part, PartTable
    from bondstore.domains.screenlake.process import ProcessJob
    from bondstore.runs.durable import OutputGroup

EXAMPLES = 6
"""So many covered images are shown in a report."""
OUTSIDE = "(outside the days asked for)"
GONE = "image-gone"


@dataclass(slots=True)
class Gathered:
    """What was made of a panelist's parts, still under temporary names.

    Parameters
    ----------
    summary : Summary
        In numbers.
    redactions : iterator of bytes
        The lines of the record of what was covered.
    rows : dict
        Rows by file.
    examples : list of str
        A few covered images, by name.
    gone : dict
        How many images of a zip are gone, by its key.
    """

    summary: Summary
    redactions: Iterator[bytes]
    rows: dict[str, int] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    gone: dict[str, int] = field(default_factory=dict)


def gather(job: ProcessJob, parts: Sequence[Part], names: Names, group: OutputGroup, folder: str) -> Gathered:
    """Name the images of a panelist and write the tables.

    Zips are taken in the order of the first moment that they tell, so that tables begin with what was captured first.

    Parameters
    ----------
    job : ProcessJob
        What was asked for.
    parts : sequence of Part
        All of the panelist's.
    names : Names
        Knows where images lie; will know all their names.
    group : OutputGroup
        Takes the files.
    folder : str
        Of the panelist, ends in ``/``.
    """
    ordered = _in_order(parts, names)
    gathered = Gathered(Summary(folder.rstrip("/").rpartition("/")[2]), _lines(job, ordered, names))
    gathered.summary.handling = {
        **job.handling.params(),
        "detector": job.detector_digest(),
        "selection": job.selection.params(),
    }
    tables: dict[str, list[Table]] = {}
    for number, part in enumerate(ordered):
        index = part.index()
        gathered.summary.panelist = index.panelist
        gathered.summary.add(index)
        for image in index.images:
            _name((number, part.path.name, index.key), image, names, gathered)
        for table in index.tables:
            tables.setdefault(table.prefix, []).append(_table(number, part, index, table))
    writer = TableWriter(names, group, f"{folder}metadata/", gathered, parquet=job.handling.parquet)
    for prefix, some in sorted(tables.items()):
        writer.write(prefix, some)
    writer.write_aside(ordered)
    gathered.summary.miss(gathered.gone)
    return gathered


def _in_order(parts: Sequence[Part], names: Names) -> list[Part]:
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


def _name(zip_of: tuple[int, str, str], image: Image, names: Names, gathered: Gathered) -> None:
    number, part, key = zip_of
    if image.output and not names.is_there(image.name, image.source):
        names.without(number, image.name, f"(withheld: {GONE})")
        gathered.summary.count(GONE)
        gathered.gone[key] = gathered.gone.get(key, 0) + 1
        return
    if not image.output:
        names.without(number, image.name, OUTSIDE if image.outcome == "outside" else f"(withheld: {image.outcome})")
        gathered.summary.count(image.outcome)
        return
    name, repeated = names.add(number, image.name, image.source, image.output, part)
    gathered.summary.count("repeated" if repeated else image.outcome)
    if not repeated:
        gathered.summary.boxes += len(image.boxes)
        gathered.summary.unsure += len(image.unsure)
        if image.boxes and len(gathered.examples) < EXAMPLES:
            gathered.examples.append(name)


def _table(number: int, part: Part, index: Index, table: PartTable) -> Table:
    return Table(
        f"{index.zip}/{table.member}",
        str(number),
        tuple(table.columns),
        partial(part.rows, table.number),
        partial(part.digests, table.number),
    )


def _lines(job: ProcessJob, ordered: Sequence[Part], names: Names) -> Iterator[bytes]:
    """Yield what became of every image of every zip, as JSON Lines."""
    settings = {name: value for name, value in job.handling.params().items() if name in ("redact", "effort", "ocr")}
    detector, model = job.detector_digest() or None, job.model_digest() or None
    for part in ordered:
        index = part.index()
        for image in index.images:
            name = names.name_of(image.name, image.source) if image.output else None
            line = {
                "image": name,
                "outcome": GONE if image.output and name is None else image.outcome,
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
    return dict(zip(("x", "y", "width", "height", "score"), box, strict=True))
