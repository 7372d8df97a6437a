"""One panelist, finished: images under their names, one table for each kind, what was covered where, a report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.findings import KINDS
from bondstore.domains.screenlake.gather import gather
from bondstore.domains.screenlake.names import ImageNames
from bondstore.domains.screenlake.pages import panelist_report
from bondstore.domains.screenlake.part import PartCache, PartFile
from bondstore.domains.screenlake.paths import content_of, panelist_folder, panelists_of, parts_folder, staged_folder
from bondstore.domains.screenlake.publish import MARKER, Naming, sort_out, take_stock, tell_stock
from bondstore.domains.screenlake.review import decisions as deciding
from bondstore.runs.pipeline import Group, Product

if TYPE_CHECKING:
    from bondstore.domains.screenlake.gather import Gathered
    from bondstore.domains.screenlake.question import Digests, Question
    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.work import Work

REVISION = 2
"""Counted up when the same parts would give other files."""


@dataclass(frozen=True, slots=True)
class PanelistParts(Group):
    """What a panelist's files are made of: its parts."""

    outdated: Mapping[str, str] = field(default_factory=dict)
    """As in `Made`."""
    unnamed: bool = False
    """Whether images wait that are to have a name, or to go."""
    stock: bytes = b""
    """From `take_stock`."""


@dataclass(frozen=True, slots=True)
class Panelists(Product):
    """The files of each panelist, and the names of the images."""

    question: Question
    digests: Digests
    kinds = ("panelist",)

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[PanelistParts]:
        """Yield all panelists of whose zips something came."""
        query = self.question.query
        decided = deciding.digests(deciding.read_decisions(context.dest, query))
        salt = f"{REVISION} {self.question.handling.params()}"
        for name in list(panelists_of(ledger, context.job, query)):
            parts = list(ledger.outputs.under(context.job, parts_folder(query, name)))
            made = sort_out(ledger, context.job, holder, parts, work=self.digests.work, decided=decided, salt=salt)
            folder = panelist_folder(query, name)
            files = [one.path for one in ledger.outputs.under(context.job, folder) if one.kind != "image"]
            waiting = ledger.outputs.under(context.job, staged_folder(query, name))
            unnamed = any(one.source not in made.outdated for one in waiting)
            paths = tuple(dict.fromkeys((folder + MARKER, *files)))
            yield PanelistParts(name, paths, made.digest, sources=made.parts, outdated=made.outdated, unnamed=unnamed)

    def is_stale(self, group: Group, known: Mapping[str, Output], holder: Holder) -> bool:
        """Whether the files are not what they should be. Images were looked after when the run was planned."""
        assert isinstance(group, PanelistParts)
        marker = known.get(group.paths[0])
        stands = marker is not None and marker.made_by == group.digest and not group.unnamed
        return not stands or not all(holder.holds(one) for one in known.values())

    def ready(self, group: Group, ledger: Ledger, context: RunContext, holder: Holder) -> PanelistParts:
        """Look where the images are."""
        assert isinstance(group, PanelistParts)
        return replace(group, stock=take_stock(ledger, context.job, holder, self.question.query, group.name))

    def make(self, group: Group, work: Work) -> None:
        """Make everything anew from the parts; what stands already under its right name is left alone."""
        assert isinstance(group, PanelistParts)
        query, folder = self.question.query, panelist_folder(self.question.query, group.name)
        database = work.writer.reserve()
        with work.writer.explaining(), ImageNames(database) as names, PartCache(work.dest) as cache:
            tell_stock(group.stock, names)
            parts = [PartFile(path, cache) for path in group.sources]
            gathered = gather(self.question, self.digests, parts, names, work=work, folder=folder)
            gathered.summary.leave_out(len(group.outdated))
            work.receipt.first = Naming.of(query, group.name, names, group.outdated)
            self._write(group, gathered, work, folder)
        database.unlink()

    def _write(self, group: PanelistParts, gathered: Gathered, work: Work, folder: str) -> None:
        """Write the report, and last the record that tells what all is made of."""
        examples = [(name, content_of(work.dest, path)) for name, path in gathered.examples]
        work.write(folder + "summary.json", [gathered.summary.json()], kind="panelist")
        work.write(folder + "report.html", [panelist_report(gathered.summary, examples)], kind="panelist")
        work.write(folder + MARKER, gathered.redactions, kind="panelist", made_by=group.digest)
        work.receipt.findings += self._findings(group, gathered)

    def _findings(self, group: PanelistParts, gathered: Gathered) -> Iterator[Finding]:
        yield from map(KINDS["stale"].about, group.outdated.values())
        for key, count in gathered.gone.items():
            yield KINDS["image-gone"].about(key, count=count)
