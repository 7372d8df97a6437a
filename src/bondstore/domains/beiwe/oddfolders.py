"""Objects in folders whose name is empty, ``.`` or ``..``, or holds control characters: named and set aside, not read.

Nobody's data safely: the name of such a folder could be written into no path, table or report without a lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.findings import ODD_FOLDER
from bondstore.domains.beiwe.layout import parse_key
from bondstore.ledger import Item
from bondstore.runs.batches import grouped
from bondstore.runs.pipeline import EachObject, Objects, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bondstore.domains.beiwe.listing import Listed
    from bondstore.ledger import Ledger
    from bondstore.runs.context import RunContext
    from bondstore.runs.pipeline import Shard
    from bondstore.runs.work import Work


@dataclass(frozen=True, slots=True)
class OddFolders(EachObject):
    """Puts what lies in odd folders into quarantine, as it came; the step that lists the study hands it its pages."""

    study: str

    def shards(self, ledger: Ledger, context: RunContext) -> Iterator[Shard]:
        """Yield those of the planned items."""
        planned = (item for page in ledger.items.planned(context.job, context.run) for item in page)
        odd = (item for item in planned if not parse_key(self.study, item.key).is_data)
        for batch in grouped(odd, self.weight, number=self.number, weight=self.bytes):
            yield Objects(context, self, tuple(batch))

    def handle(self, items: Sequence[Item], work: Work) -> None:
        """Fetch them, and keep their sealed bytes."""
        for item, fetched in work.fetch(items, sealed=True):
            work.receipt.findings.append(ODD_FOLDER.about(item.key))
            work.quarantine(item, fetched.info.etag, ODD_FOLDER.word, [bytes(fetched.data)])


def page_of_odd(listed: Sequence[Listed]) -> Page:
    """Return the page of objects in odd folders."""
    return Page([Item(one.object.key, one.version, one.size, "") for one in listed])
