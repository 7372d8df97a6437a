"""How each deployment stands: one row for a sensor's time on a vessel, made of release records alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bondstore.domains.ocean.qc.flags import BETTER_FIRST, flag_word
from bondstore.domains.ocean.qc.suite import VARIABLES
from bondstore.release.records import Record
from bondstore.tables.textcsv import csv_line, encoded

_GRADES = [flag_word(flag) for flag in BETTER_FIRST]
COLUMNS = (
    "platform",
    "supplied",
    "returned",
    "profiles",
    "levels",
    "first",
    "last",
    *(f"{variable}_good" for variable in VARIABLES),
    "worst",
    "last_file",
)
"""The columns of the status."""


@dataclass(slots=True)
class DeploymentStatus:
    """The records of one deployment, added up: bounded by what a row holds, however many there are."""

    platform: str
    supplied: str  # ISO times, UTC; empty where unknown or open
    returned: str
    profiles: int = 0
    levels: int = 0
    first: str = ""  # of the levels that are not bad
    last: str = ""
    worst: str = "missing"
    last_file: str = ""  # with the last levels
    _newest: tuple[str, str] = ("", "")
    _good: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VARIABLES, 0))
    _held: dict[str, int] = field(default_factory=lambda: dict.fromkeys(VARIABLES, 0))

    def add(self, record: Record) -> None:
        """Count one file."""
        stated = record.settings.get("profiles", "")
        self.profiles += int(stated) if stated.isdecimal() and len(stated) < 10 else 1
        self.levels += sum(record.levels.get("PRES", {}).values())
        for variable in VARIABLES:
            counts = record.levels.get(variable, {})
            self._good[variable] += counts.get("good", 0) + counts.get("probably_good", 0)
            self._held[variable] += sum(counts.values()) - counts.get("missing", 0)
        if record.first:
            self.first = min(self.first or record.first, record.first, key=_moment)
        if record.last:
            self.last = max(self.last, record.last, key=_moment)
        self.worst = max(self.worst, record.grade, key=_GRADES.index)
        self._newest = max(self._newest, (_moment(record.last or ""), record.file))
        self.last_file = self._newest[1]

    @property
    def good(self) -> tuple[float | None, ...]:
        """For each of `VARIABLES`, the share of levels that are good or probably good; None without values."""
        return tuple(self._good[one] / held if (held := self._held[one]) else None for one in VARIABLES)

    def row(self) -> list[str]:
        """Return the values of `COLUMNS`, shares with four decimals."""
        shares = ["" if share is None else f"{share:.4f}" for share in self.good]
        named = [self.platform, self.supplied, self.returned, str(self.profiles), str(self.levels)]
        return [*named, self.first, self.last, *shares, self.worst, self.last_file]


def statuses(records: Iterable[Record]) -> list[DeploymentStatus]:
    """Return one status for each deployment, by platform and then by when it was supplied."""
    groups: dict[tuple[str, str, str], DeploymentStatus] = {}
    for one in records:
        of = (one.platform, one.settings.get("supplied", ""), one.settings.get("returned", ""))
        groups.setdefault(of, DeploymentStatus(*of)).add(one)
    return [groups[of] for of in sorted(groups)]


def status_csv(records: Iterable[Record]) -> bytes:
    """Return the statuses as CSV: UTF-8, every value between quotes."""
    return encoded("".join([csv_line(COLUMNS), *(csv_line(one.row()) for one in statuses(records))]))


def _moment(time: str) -> str:
    """Return a time so that its order as a text is that of time: a fraction comes after none."""
    return time.removesuffix("Z")
