"""The report over all: when it is to be made, and from what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.pages import overall_report
from bondstore.domains.screenlake.paths import parts_folder
from bondstore.domains.screenlake.review.boxes import FILE
from bondstore.ledger import State
from bondstore.runs.recording import output_of
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.screenlake.process import ProcessJob
    from bondstore.ledger import Ledger, Output

REVISION = 1
"""Counted up when the same results would give another page."""
_PAGE = 400


def report_shards(job: ProcessJob, ledger: Ledger, place: Place) -> Iterator[ReportShard]:
    """Yield what makes the report over all, unless it stands and is made of the present summaries.

    Parameters
    ----------
    job : ProcessJob
        The job.
    ledger : Ledger
        The destination's ledger.
    place : Place
        The run.
    """
    failed = sum(1 for _ in ledger.items.in_state(place.job, State.FAILED))
    said = hashlib.sha256(f"{REVISION} {failed}".encode())
    for output in _made_of(job, ledger, place):
        said.update(f"\n{output.path} {output.sha256.hex()}".encode("utf-8", "surrogatepass"))
    shard = ReportShard(place, job, failed, said.hexdigest())
    stands = ledger.outputs.known(place.job, [shard.path]).get(shard.path)
    if stands is None or stands.made_by != shard.digest or not place.destination.holds(stands):
        yield shard


def _panelists(job: ProcessJob, ledger: Ledger, place: Place) -> Iterator[str]:
    """Yield the folders of all panelists. Zips are fewer than images by far: their parts say who there is."""
    folder, last = parts_folder(job.query), None
    for part in ledger.outputs.under(place.job, folder):
        panelist = part.path.removeprefix(folder).partition("/")[0]
        if panelist != last:
            last = panelist
            yield f"{job.query}/combined/panelists/{panelist}/"


def _made_of(job: ProcessJob, ledger: Ledger, place: Place) -> Iterator[Output]:
    """Yield the record of what the report is made of: summaries, and what its examples are taken from."""
    folders = _panelists(job, ledger, place)
    while some := list(islice(folders, _PAGE)):
        known = ledger.outputs.known(place.job, [f"{one}{file}" for one in some for file in ("summary.json", FILE)])
        yield from (known[path] for path in sorted(known))


@dataclass(frozen=True, slots=True)
class ReportShard:
    """The report over all.

    Parameters
    ----------
    place : Place
        The run.
    job : ProcessJob
        What was done.
    failed : int
        Zips that could not be fetched.
    digest : str
        Of all that the page is made of.
    """

    place: Place
    job: ProcessJob
    failed: int
    digest: str

    @property
    def path(self) -> str:
        """Where the page goes."""
        return f"{self.job.query}/report.html"

    def run(self) -> Tally:
        """Write the page, and record what it was made of."""
        ledger, destination = bench(self.place).ledger, self.place.destination
        folders = [
            destination.root / output.path.rpartition("/")[0]
            for output in _made_of(self.job, ledger, self.place)
            if output.path.endswith("/summary.json")
        ]
        group = destination.group()
        try:
            group.write(self.path, overall_report(self.job.query, folders, self.failed))
            written = group.commit()
        finally:
            group.discard()
        with ledger.transaction():
            outputs = [output_of(one, kind="report", made_by=self.digest) for one in written]
            ledger.outputs.put(self.place.job, self.place.run, outputs)
        return Tally()
