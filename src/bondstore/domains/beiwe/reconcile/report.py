"""What raw holds and chunked lacks: every row of raw, in the form the server chunks it, held against its hour.

Chunked data of many servers is incomplete; raw lost nothing. A row is missing when the chunked objects of its hour do
not hold it; an hour whose chunked object is damaged or could not be fetched is *not comparable*, and its rows are not
counted as missing.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.findings import ODD_FOLDER, failed_finding
from bondstore.domains.beiwe.key import opener
from bondstore.domains.beiwe.reconcile.compare import Comparison, Gap
from bondstore.domains.beiwe.reconcile.hours import Series, list_series, series_of
from bondstore.domains.beiwe.reconcile.read import Tools, raw_batches
from bondstore.domains.beiwe.streams import AHEAD_MS
from bondstore.errors import BondstoreError
from bondstore.ledger import note_personal
from bondstore.runs.process import shared_store, whoami
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.domains.beiwe.reconcile.hours import SeriesListing
    from bondstore.domains.beiwe.reconcile.job import ReconcileJob
    from bondstore.domains.beiwe.reconcile.read import Outcome
    from bondstore.findings import Finding
    from bondstore.runs.progress import Progress
    from bondstore.stores import Store


class GapReport:
    """Compares a selection of a study. Nothing is written in the clear; reads go into the account's own record.

    `found` takes the findings as they come; whoever watches the progress hears no total.
    """

    def __init__(self, job: ReconcileJob, found: Callable[[Finding], None], progress: Progress | None = None) -> None:
        self._job, self._found, self._watch = job, found, progress or Quiet()
        self.tally = Tally()  # of raw objects, and of the chunked ones of the same hours
        self.left_out: dict[str, int] = {}  # objects that hold no tables, by reason

    def gaps(self) -> Iterator[Gap]:
        """Yield a gap for every participant and stream that raw has objects of, also where nothing is missing."""
        self._job.check_key()
        store = shared_store(self._job.store)  # it knows by now what its credentials open
        who = whoami()
        latest = int(time.time() * 1000) + AHEAD_MS
        tools = Tools(store, opener(self._job.key), lambda reads: note_personal(who, reads), latest)
        try:
            for series in series_of(store, self._job.study, self._job.selection):
                listing = list_series(store, series, self._job.selection)
                for reason, number in listing.others.items():
                    self.left_out[reason] = self.left_out.get(reason, 0) + number
                self._set_aside(store, listing.odd)
                if listing.raw:
                    yield self._compare(tools, series, listing)
        finally:
            self._watch.end()

    def _set_aside(self, store: Store, odd: Sequence[Listed]) -> None:
        for one in odd:
            if one.version:
                self.tally = self.tally.count("quarantined", one.size)
                self._found(ODD_FOLDER.about(one.object.key))
                continue
            try:  # behind it nothing can be seen: who reads it is told why
                store.get(one.object.key)
            except BondstoreError as error:
                self._found(failed_finding(error, one.object.key))
            self.tally = self.tally.count("failed", one.size)

    def _compare(self, tools: Tools, series: Series, listing: SeriesListing) -> Gap:
        work = Comparison(tools, series, listing)
        objects = ((one.object, one.size) for one in listing.raw)
        for batch in raw_batches(tools, series, self._job.selection, objects):
            self._settle([*work.take(batch), *batch.outcomes])
        return work.gap()

    def _settle(self, outcomes: Sequence[Outcome]) -> None:
        failed = [failed_finding(one.error, one.object.key) for one in outcomes if one.error is not None]
        for one in outcomes:
            self.tally = self.tally.count(_outcome_of(one), one.size)
            for finding in one.findings:
                self._found(finding)
        for finding in failed:
            self._found(finding)
        self._watch.listing(Count(self.tally.planned.objects, self.tally.planned.bytes))


def _outcome_of(one: Outcome) -> str:
    if one.error is not None:
        return "failed"
    return "quarantined" if one.reason else "done"
