"""What was done to each recording: a record for each, and a table of all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import Group, Product

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.deid.edf.scrub import Scrubbed
    from bondstore.deid.video import VideoCopy
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Destination, Holder
    from bondstore.runs.work import Work

RECORD, REPORT = "record", "recordings.csv"
COLUMNS = ("path", "format", "signals", "records", "samples_sha256_in", "samples_sha256_out", "removed")
_AT_ONCE = 256


def record_path(path: str) -> str:
    """Return where the record of a recording, or of a video, is; the two may have one number."""
    name = f"{PurePosixPath(path).stem}{'_video' if kind_of(path) is Kind.VIDEO else ''}"
    return f"records/{name}.json"


def record_of(path: str, done: Scrubbed) -> bytes:
    """Return what was done to a recording: places and kinds of what was removed, never texts."""
    record = {
        "path": path,
        "format": done.after.kind,
        "signals": done.after.count,
        "records": done.records,
        "samples_sha256_in": done.samples_in,
        "samples_sha256_out": done.samples_out,
        "removed": {f"{place}: {kind}": count for (place, kind), count in sorted(done.removed.items())},
        "oddities": dict(sorted(done.oddities.items())),
    }
    return json.dumps(record, indent=1).encode() + b"\n"


def record_of_video(path: str, done: VideoCopy) -> bytes:
    """Return what was done to a video; the checksums are of its coded pictures and sounds."""
    record = {
        "path": path,
        "format": "video",
        "samples_sha256_in": done.content_in,
        "samples_sha256_out": done.content_out,
        "removed": {f"{place}: {kind}": count for (place, kind), count in sorted(done.removed.items())},
    }
    if done.covered is not None:
        record["faces"] = {"mode": "fill", **asdict(done.covered)}
    return json.dumps(record, indent=1).encode() + b"\n"


@dataclass(frozen=True, slots=True)
class Report(Product):
    """The table of all recordings, a row for each."""

    kinds = ("report",)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Group]:  # noqa: ARG002
        """Yield it, where there are recordings."""
        seen, paths = hashlib.sha256(), []
        for one in ledger.outputs.walk():  # also what came from other sources
            if one.kind == RECORD and holder.holds(one):
                paths.append(one.path)
                seen.update(one.path.encode() + one.sha256)
        if paths:
            yield Group(REPORT, (REPORT,), seen.hexdigest(), sources=tuple(paths))

    def make(self, group: Group, work: Work) -> None:
        """Read all records, and write a row for each."""
        text = io.StringIO()
        rows = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
        rows.writeheader()
        for record in sorted(_records(work.dest, group.sources), key=lambda one: (len(one["path"]), one["path"])):
            rows.writerow(record | {"removed": sum(record["removed"].values())})
        work.write(REPORT, [text.getvalue().encode()], kind="report", made_by=group.digest)


def _records(dest: Destination, paths: Sequence[str]) -> Iterator[dict[str, Any]]:
    for some in grouped(paths, lambda _: 0, number=_AT_ONCE, weight=1):
        for data in dest.read_many(some):
            if data is not None:  # somebody removed it just now: the next run sees that
                yield json.loads(data)
