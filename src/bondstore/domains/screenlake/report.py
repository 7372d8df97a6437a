"""The report over all, made of the panelists' summaries."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.pages import overall_report
from bondstore.domains.screenlake.paths import panelist_folder, panelists_of
from bondstore.domains.screenlake.review.boxes import FILE
from bondstore.ledger import State
from bondstore.runs.pipeline import Group, Product

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.ledger import Ledger, Output
    from bondstore.runs.context import RunContext
    from bondstore.runs.destination import Holder
    from bondstore.runs.work import Work

REVISION = 2
"""Counted up when the same results would give another page."""
_PAGE = 400


@dataclass(frozen=True, slots=True)
class Summaries(Group):
    """What the report is made of."""

    failed: int = 0
    """Zips that could not be fetched."""


@dataclass(frozen=True, slots=True)
class StudyReport(Product):
    """The page over all panelists of a query."""

    query: str
    kinds = ("report",)
    few = True

    def groups(self, ledger: Ledger, context: RunContext, holder: Holder) -> Iterator[Summaries]:  # noqa: ARG002
        """Yield it."""
        failed = sum(1 for _ in ledger.items.in_state(context.job, State.FAILED))
        said, folders = hashlib.sha256(f"{REVISION} {failed}".encode()), []
        for output in self._made_of(ledger, context.job):
            said.update(f"\n{output.path} {output.sha256.hex()}".encode("utf-8", "surrogatepass"))
            folder, _, file = output.path.rpartition("/")
            if file == "summary.json":
                folders.append(folder)
        path = f"{self.query}/report.html"
        yield Summaries(path, (path,), said.hexdigest(), sources=tuple(folders), failed=failed)

    def _made_of(self, ledger: Ledger, job: str) -> Iterator[Output]:
        """Yield the record of what the report is made of: summaries, and what its examples are taken from."""
        folders = (panelist_folder(self.query, name) for name in panelists_of(ledger, job, self.query))
        while some := list(islice(folders, _PAGE)):
            known = ledger.outputs.known(job, [f"{one}{file}" for one in some for file in ("summary.json", FILE)])
            yield from (known[path] for path in sorted(known))

    def make(self, group: Group, work: Work) -> None:
        """Write the page."""
        assert isinstance(group, Summaries)
        page = overall_report(self.query, work.dest, group.sources, group.failed)
        work.write(group.paths[0], page, kind="report", made_by=group.digest)
