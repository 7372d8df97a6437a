"""What became of a panelist's zips, in numbers: kept beside the results, added up, and what reports are made of."""

from __future__ import annotations

import copy
import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.domains.screenlake.findings import KINDS
from bondstore.findings import Severity, present_word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bondstore.domains.screenlake.part import Index

WORST_FIRST = {severity.value: -place for place, severity in enumerate(Severity)}


@dataclass(slots=True)
class TableSummary:
    """One table of a panelist; repeats are rows that were left out, as an earlier zip holds them too."""

    rows: int = 0
    repeats: int = 0
    aside: int = 0
    sources: int = 0  # files it was made of


@dataclass(slots=True)
class PanelistSummary:
    """What became of a panelist's zips."""

    panelist: str
    zips: int = 0
    images: dict[str, int] = field(default_factory=dict)
    """By outcome, as in `part.Image`; ``repeated`` ones are images that an earlier zip had too."""
    boxes: int = 0
    """Faces covered."""
    unsure: int = 0
    """Boxes that the detector was not sure of, and did not cover."""
    tables: dict[str, TableSummary] = field(default_factory=dict)
    missing_images: int = 0
    """Rows that name an image which came in no zip."""
    repaired: int = 0
    """Rows that were read by the app's own rule for quotes."""
    marks: dict[str, int] = field(default_factory=dict)
    """What was taken out of texts, by kind."""
    findings: list[list[Any]] = field(default_factory=list)
    """Kind, severity, message, zips, count; worst first."""
    handling: dict[str, Any] = field(default_factory=dict)
    """What was asked for, as `Handling.params` returns it, and the detector's digest."""

    def add(self, index: Index) -> None:
        """Add what is known of one zip, but for its images and tables."""
        self.zips += 1
        self.repaired += index.repaired
        self._add_marks(index.marks)
        groups: dict[str, list[Any]] = {}
        for kind, severity, _, message, count in index.findings:
            groups.setdefault(kind, [kind, severity, message, 1, 0])[4] += count
        self._add_findings(groups.values())
        self.findings.sort(key=lambda one: (WORST_FIRST[one[1]], one[0]))

    def add_panelist(self, other: PanelistSummary) -> None:
        """Add another panelist's summary; what was asked for is taken from the first one."""
        self.handling = self.handling or other.handling
        self.zips += other.zips
        self.boxes += other.boxes
        self.unsure += other.unsure
        self.repaired += other.repaired
        self.images = dict(Counter(self.images) + Counter(other.images))
        self._add_marks(other.marks)
        for prefix, table in other.tables.items():
            into = self.table(prefix)
            into.rows += table.rows
            into.repeats += table.repeats
            into.aside += table.aside
            into.sources += table.sources
        self._add_findings(other.findings)

    def _add_marks(self, marks: Mapping[str, int]) -> None:
        self.marks = dict(sorted((Counter(self.marks) + Counter(marks)).items()))

    def _add_findings(self, some: Iterable[list[Any]]) -> None:
        known = {one[0]: one for one in self.findings}
        for found in some:
            if found[0] in known:
                known[found[0]][3] += found[3]
                known[found[0]][4] += found[4]
            else:
                self.findings.append(copy.copy(found))

    def leave_out(self, zips: int) -> None:
        """Say that zips are left out, as what came of them was handled otherwise."""
        if zips:
            self._put_first("stale", zips, zips)

    def miss(self, gone: Mapping[str, int]) -> None:
        """Say that images are gone: how many, by zip."""
        if gone:
            self._put_first("image-gone", len(gone), sum(gone.values()))

    def _put_first(self, word: str, zips: int, count: int) -> None:
        kind = KINDS[word]
        self.findings.insert(0, [kind.word, kind.severity.value, kind.sentence, zips, count])

    def count(self, outcome: str) -> None:
        """Count one image."""
        self.images[outcome] = self.images.get(outcome, 0) + 1

    def table(self, prefix: str) -> TableSummary:
        """Return the numbers of a table."""
        return self.tables.setdefault(prefix, TableSummary())

    def json(self) -> bytes:
        """Return it as JSON."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")


def summary_of(content: bytes) -> PanelistSummary:
    """Read what `PanelistSummary.json` wrote."""
    said = json.loads(content)
    said["tables"] = {name: TableSummary(**one) for name, one in said["tables"].items()}
    said["findings"] = [[present_word(kind), *more] for kind, *more in said["findings"]]
    return PanelistSummary(**said)
