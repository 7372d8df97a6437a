"""How each deployment stands: one row for a sensor's time on a vessel, made of release records alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bondstore.domains.ocean.qc.suite import VARIABLES
from bondstore.release.records import Record
from bondstore.tables.textcsv import csv_line, encoded

_GRADES = ("missing", "good", "probably_good", "unevaluated", "suspect", "bad")
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


@dataclass(frozen=True, slots=True)
class Status:
    """One deployment.

    Parameters
    ----------
    platform : str
        Serial number of the sensor, or number of the float.
    supplied, returned : str
        ISO times, UTC; empty where unknown or open.
    profiles, levels : int
        How many.
    first, last : str
        Times of the first and last level that is not bad; empty where unknown.
    good : tuple of (float or None)
        For each of `VARIABLES`, the share of levels with a value that are good or probably good; None without values.
    worst : str
        The worst grade of its files.
    last_file : str
        Path of the file with the last levels.
    """

    platform: str
    supplied: str
    returned: str
    profiles: int
    levels: int
    first: str
    last: str
    good: tuple[float | None, ...]
    worst: str
    last_file: str


def statuses(records: Iterable[Record]) -> list[Status]:
    """Return one status for each deployment, by platform and then by when it was supplied.

    Parameters
    ----------
    records : iterable of Record
        In any order; it does not matter.
    """
    groups: dict[tuple[str, str, str], _Sum] = {}
    for one in records:
        of = (one.platform, one.settings.get("supplied", ""), one.settings.get("returned", ""))
        groups.setdefault(of, _Sum()).add(one)
    return [groups[of].status(*of) for of in sorted(groups)]


def status_csv(records: Iterable[Record]) -> bytes:
    """Return the statuses as CSV: UTF-8, every value between quotes, shares with four decimals.

    Parameters
    ----------
    records : iterable of Record
        In any order.
    """
    lines = [csv_line(COLUMNS)]
    for one in statuses(records):
        shares = ["" if share is None else f"{share:.4f}" for share in one.good]
        lines.append(
            csv_line(
                [
                    one.platform,
                    one.supplied,
                    one.returned,
                    str(one.profiles),
                    str(one.levels),
                    one.first,
                    one.last,
                    *shares,
                    one.worst,
                    one.last_file,
                ]
            )
        )
    return encoded("".join(lines))


class _Sum:
    """The records of one deployment, added up: bounded by what a row holds, however many there are."""

    def __init__(self) -> None:
        self._profiles = self._levels = 0
        self._first = self._last = ""
        self._good = dict.fromkeys(VARIABLES, 0)
        self._held = dict.fromkeys(VARIABLES, 0)
        self._worst = "missing"
        self._newest = ("", "")

    def add(self, record: Record) -> None:
        """Count one file."""
        said = record.settings.get("profiles", "")
        self._profiles += int(said) if said.isdecimal() and len(said) < 10 else 1
        self._levels += sum(record.levels.get("PRES", {}).values())
        for variable in VARIABLES:
            counts = record.levels.get(variable, {})
            self._good[variable] += counts.get("good", 0) + counts.get("probably_good", 0)
            self._held[variable] += sum(counts.values()) - counts.get("missing", 0)
        if record.first:
            self._first = min(self._first or record.first, record.first, key=_moment)
        if record.last:
            self._last = max(self._last, record.last, key=_moment)
        self._worst = max(self._worst, record.grade, key=_GRADES.index)
        self._newest = max(self._newest, (_moment(record.last or ""), record.file))

    def status(self, platform: str, supplied: str, returned: str) -> Status:
        """Return what was counted."""
        held = self._held
        return Status(
            platform,
            supplied,
            returned,
            self._profiles,
            self._levels,
            self._first,
            self._last,
            tuple(self._good[one] / held[one] if held[one] else None for one in VARIABLES),
            self._worst,
            self._newest[1],
        )


def _moment(time: str) -> str:
    """Return a time so that its order as a text is that of time: a fraction comes after none."""
    return time.removesuffix("Z")
