"""What became of a panelist's zips, in numbers: kept beside the results, and what the reports are made of."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bondstore.domains.screenlake.kinds import KINDS
from bondstore.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bondstore.domains.screenlake.part import Index


@dataclass(slots=True)
class TableSummary:
    """One table of a panelist.

    Parameters
    ----------
    rows : int
        Rows in the file.
    repeats : int
        Rows left out, as an earlier zip holds them too.
    aside : int
        Rows set aside.
    sources : int
        Files it was made of.
    """

    rows: int = 0
    repeats: int = 0
    aside: int = 0
    sources: int = 0


@dataclass(slots=True)
class Summary:
    """What became of a panelist's zips.

    Parameters
    ----------
    panelist : str
        Whose.
    zips : int
        Zips.
    images : dict
        Images by outcome, as in `part.Image`; ``repeated`` ones are images that an earlier zip had too.
    boxes, unsure : int
        Faces covered; boxes that the detector was not sure of, and did not cover.
    tables : dict
        By prefix.
    missing_images : int
        Rows that name an image which came in no zip.
    repaired : int
        Rows that were read by the app's own rule for quotes.
    marks : dict
        What was taken out of texts, by kind.
    findings : list of [kind, severity, message, zips, count]
        Worst first.
    handling : dict
        What was asked for, as `Handling.params` returns it, and the detector's digest.
    """

    panelist: str
    zips: int = 0
    images: dict[str, int] = field(default_factory=dict)
    boxes: int = 0
    unsure: int = 0
    tables: dict[str, TableSummary] = field(default_factory=dict)
    missing_images: int = 0
    repaired: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    findings: list[list[Any]] = field(default_factory=list)
    handling: dict[str, Any] = field(default_factory=dict)

    def add(self, index: Index) -> None:
        """Add what is known of one zip, but for its images and tables."""
        self.zips += 1
        self.repaired += index.repaired
        self.marks = dict(sorted((Counter(self.marks) + Counter(index.marks)).items()))
        known = {one[0]: one for one in self.findings}
        for kind, group in _by_kind(index.findings).items():
            if kind in known:
                known[kind][3] += 1
                known[kind][4] += group[3]
            else:
                self.findings.append([kind, group[1], group[2], 1, group[3]])
        self.findings.sort(key=lambda one: (list(Severity).index(Severity(one[1])) * -1, one[0]))

    def leave_out(self, zips: int) -> None:
        """Say that zips are left out, as what came of them was handled otherwise."""
        if zips:
            kind = KINDS["outdated"]
            self.findings.insert(0, [kind.word, kind.severity.value, kind.sentence, zips, zips])

    def miss(self, gone: Mapping[str, int]) -> None:
        """Say that images are gone: how many, by zip."""
        if gone:
            kind = KINDS["image-gone"]
            self.findings.insert(0, [kind.word, kind.severity.value, kind.sentence, len(gone), sum(gone.values())])

    def count(self, outcome: str) -> None:
        """Count one image."""
        self.images[outcome] = self.images.get(outcome, 0) + 1

    def table(self, prefix: str) -> TableSummary:
        """Return the numbers of a table."""
        return self.tables.setdefault(prefix, TableSummary())

    def json(self) -> bytes:
        """Return it as JSON."""
        return (json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n").encode("utf-8", "backslashreplace")


def _by_kind(findings: list[list[Any]]) -> dict[str, list[Any]]:
    """Add up a zip's findings of each kind: kind, severity, message, count."""
    groups: dict[str, list[Any]] = {}
    for kind, severity, _, message, count in findings:
        if kind in groups:
            groups[kind][3] += count
        else:
            groups[kind] = [kind, severity, message, count]
    return groups


def summary_of(content: bytes) -> Summary:
    """Read what `Summary.json` wrote."""
    said = json.loads(content)
    said["tables"] = {name: TableSummary(**one) for name, one in said["tables"].items()}
    return Summary(**said)
