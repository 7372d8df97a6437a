"""One panelist, finished: images under their names, one table for each kind, what was covered where, a report."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.gather import Gathered, gather
from bondstore.domains.screenlake.names import ImageNames
from bondstore.domains.screenlake.outdated import Made, sort_out
from bondstore.domains.screenlake.pages import panelist_report
from bondstore.domains.screenlake.part import PartCache, PartFile
from bondstore.domains.screenlake.paths import decisions_path, parts_folder
from bondstore.domains.screenlake.publish import publish, take_stock
from bondstore.domains.screenlake.review import decisions as deciding
from bondstore.runs.destination import PRIVATE
from bondstore.runs.recording import output_of
from bondstore.runs.tally import Tally
from bondstore.runs.work import Place, bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.screenlake.process import ProcessJob
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger
    from bondstore.runs.durable import OutputGroup

REVISION = 1
"""Counted up when the same parts would give other files."""
MARKER = "redactions.jsonl"
"""The file whose record tells what a panelist was finished from."""


def unfinished(job: ProcessJob, ledger: Ledger, place: Place) -> Iterator[FinishShard]:
    """Yield what must be done for every panelist who has something new, changed or missing."""
    folder = parts_folder(job.query)
    panelists = groupby(
        ledger.outputs.under(place.job, folder), lambda one: one.path.removeprefix(folder).split("/")[0]
    )
    work = job.work_digest()
    decided = deciding.digests(deciding.read_decisions(place.destination.root / decisions_path(job.query)))
    salt = f"{REVISION} {job.handling.params()}"
    for panelist, outputs in [(name, list(some)) for name, some in panelists]:
        made = sort_out(ledger, place, outputs, work=work, decided=decided, salt=salt)
        shard = FinishShard(place, job, panelist, made)
        if shard.needed(ledger):
            yield shard


@dataclass(frozen=True, slots=True)
class FinishShard:
    """The files of one panelist.

    Parameters
    ----------
    place : Place
        The run.
    job : ProcessJob
        What to do.
    panelist : str
        The panelist's folder.
    made : Made
        What the files are made of.
    """

    place: Place
    job: ProcessJob
    panelist: str
    made: Made

    @property
    def folder(self) -> str:
        """Where the files go; ends in ``/``."""
        return f"{self.job.query}/combined/panelists/{self.panelist}/"

    @property
    def staged(self) -> str:
        """Where images wait for their names; ends in ``/``."""
        return f"{PRIVATE}/staged/{self.job.query}/{self.panelist}/"

    @property
    def parts(self) -> str:
        """Where what came of each zip is kept; ends in ``/``."""
        return f"{parts_folder(self.job.query)}{self.panelist}/"

    def needed(self, ledger: Ledger) -> bool:
        """Whether the files are not what they should be."""
        marker = ledger.outputs.known(self.place.job, [self.folder + MARKER]).get(self.folder + MARKER)
        if marker is None or marker.made_by != self.made.digest:
            return True
        if any(not self.made.waits(one) for one in ledger.outputs.under(self.place.job, self.staged)):
            return True
        files = ledger.outputs.under(self.place.job, self.folder)
        # Images were looked after when the run was planned.
        return any(one.kind != "image" and not self.place.destination.holds(one) for one in files)

    def run(self) -> Tally:
        """Make everything anew from the parts; what stands already under its right name is left alone."""
        ledger, root = bench(self.place).ledger, self.place.destination.root
        with ledger.transaction():  # killed from here on, this panelist is not finished
            ledger.outputs.forget(self.place.job, [self.folder + MARKER])
        group = self.place.destination.group()
        try:
            database = group.reserve()
            with group.explaining(), ImageNames(database) as names, PartCache() as cache:
                take_stock(self, ledger, names)
                parts = [PartFile(root / path, cache) for path in self.made.parts]
                gathered = gather(self.job, parts, names, group, self.folder)
                gathered.summary.leave_out(len(self.made.outdated))
                publish(self, ledger, names)
                self._write(ledger, group, gathered)
            database.unlink()
        finally:
            group.discard()
        return Tally()

    def _write(self, ledger: Ledger, group: OutputGroup, gathered: Gathered) -> None:
        """Write the report, make the tables visible, remove files that are made no more, and record all that."""
        examples = [(name, self.place.destination.root / f"{self.folder}images/{name}") for name in gathered.examples]
        group.write(self.folder + "summary.json", [gathered.summary.json()])
        group.write(self.folder + "report.html", [panelist_report(gathered.summary, examples)])
        group.write(self.folder + MARKER, gathered.redactions)
        waiting = [output_of(one, kind="panelist") for one in group.waiting]
        with ledger.transaction():  # before they can be seen: whatever a kill leaves is known, and removed or replaced
            ledger.outputs.put(self.place.job, self.place.run, waiting)
        written = group.commit()
        made = {one.path for one in written}
        old = [one.path for one in ledger.outputs.under(self.place.job, self.folder) if one.kind != "image"]
        gone = [path for path in old if path not in made]
        for path in gone:
            Path(self.place.destination.root / path).unlink(missing_ok=True)
        with ledger.transaction():
            ledger.findings.put(self.place.job, self.place.run, self._findings(gathered))
            ledger.outputs.forget(self.place.job, gone)
            outputs = [
                output_of(
                    one,
                    rows=gathered.rows.get(one.path),
                    kind="panelist",
                    made_by=self.made.digest if one.path.endswith(MARKER) else "",
                )
                for one in written
            ]
            ledger.outputs.put(self.place.job, self.place.run, outputs)

    def _findings(self, gathered: Gathered) -> Iterator[Finding]:
        yield from map(KINDS["outdated"].about, self.made.outdated.values())
        for key, count in gathered.gone.items():
            yield KINDS["image-gone"].about(key, count=count)
