"""The table of deployments: which sensor was on which vessel from when to when; joined by serial number and dates."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np

from bondstore.domains.ocean.findings import KINDS
from bondstore.domains.ocean.profiles import Batch, Deployment, Profile, with_platform
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.errors import ConfigurationError
from bondstore.findings import Finding
from bondstore.tables.spreadsheet import Spreadsheet, open_spreadsheet

DAY = 86_400.0
_SERIAL = ("mangopare serial number", "moana serial number", "sensor serial number", "serial number", "serial")
_SUPPLIED, _RETURNED = ("date supplied",), ("date returned",)
_VESSEL = ("vessel id", "vessel", "vessel name")
_CLASS, _METHOD = ("gear class",), ("fishing method", "deployment method", "gear")
PUBLISHABLE = (
    "programme",
    "public",
    "publication date",
    "wigos id",
    "deck unit serial number",
    "fishing method",
    "port",
)
_COLUMNS = tuple(dict.fromkeys((*_SERIAL, *_SUPPLIED, *_RETURNED, *_VESSEL, *_CLASS, *_METHOD, *PUBLISHABLE)))
"""All columns that are looked at. The list is closed: whoever adds a column of names publishes none by it."""
_FREE = (*_VESSEL, *_CLASS, *_METHOD, "programme", "port")
"""Columns in which people write what they like: a phone number is not kept there either."""
_PHONE = re.compile(r"\+?\d[\d\s()-]{8,}\d")
_UNREADABLE = "?"
_SHOWN = 5

GEARS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("bottom trawl", "bottom trawler", "bottom trawling", "trawling", "midwater trawl"), "mobile"),
        **dict.fromkeys(("bottom long line", "dredge", "trolling", "education", "research", "waka"), "mobile"),
        **dict.fromkeys(("instrument deployment", "mobile"), "mobile"),
        **dict.fromkeys(("danish seining", "diving", "long lining", "netting", "potting", "set netting"), "stationary"),
        **dict.fromkeys(("potting, long lining", "purse seine netting", "stationary"), "stationary"),
    }
)
"""Whether gear moves with the vessel, by fishing method, as the Moana project classes it."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """All deployments of a table."""

    by_serial: Mapping[str, tuple[Deployment, ...]]  # without leading zeros
    unused: tuple[int, ...] = ()  # the numbers of rows that have no serial number, or a date that is none

    def of(self, serial: str, first: float, last: float) -> tuple[Deployment, ...]:
        """Return the deployments of a sensor that hold a span of time: ``supplied <= t <= returned + 1 day``.

        Times are seconds since 1970-01-01 UTC; where one is NaN, none fits.
        """
        return tuple(
            one
            for one in self.by_serial.get(_plain(serial), ())
            if first <= last
            and (one.supplied is None or one.supplied <= first)
            and (one.returned is None or last <= one.returned + DAY)
        )

    def findings(self, key: str) -> list[Finding]:
        """Return what is wrong with the table itself; `key` is what to call it."""
        if not self.unused:
            return []
        rows = ", ".join(map(str, self.unused[:_SHOWN])) + (", …" if len(self.unused) > _SHOWN else "")
        return [KINDS["metadata-row-damaged"].about(key, where=f"rows {rows}", count=len(self.unused))]

    def join(self, batch: Batch) -> tuple[Batch, list[Finding]]:
        """Name each profile's deployment, found by the serial number and the span of its times.

        Where none or several fit, none is named and a finding tells it.
        """
        findings: list[Finding] = []
        profiles: list[Profile] = []
        first = per_profile(batch, batch.time, np.fmin).tolist()
        last = per_profile(batch, batch.time, np.fmax).tolist()
        for number, profile in enumerate(batch.profiles):
            free = profile.known.get("platform", "")
            serial = profile.platform or profile.header.sensor_serial or free
            found = self.of(serial, first[number], last[number]) if serial else ()
            if len(found) == 1:
                # what the table has as a serial number is one, and no vessel's name
                named = with_platform(profile) if serial == free else profile
                profiles.append(replace(named, deployment=found[0]))
                continue
            profiles.append(profile)
            kind = "deployment-ambiguous" if found else "deployment-missing"
            findings.append(KINDS[kind].about(profile.key, where=profile.name if len(batch) > 1 else ""))
        return replace(batch, profiles=profiles), findings


def parse_metadata(text: str, gears: Mapping[str, str] = GEARS) -> Deployments:
    """Read a table of deployments (CSV); contact names, addresses and numbers are not kept.

    Its columns are the serial number, the dates supplied and returned (dd/mm/yyyy or yyyy-mm-dd; an empty return is
    open), and vessel, gear class or fishing method. `gears` classes methods, in lower case; others stand as written.
    """
    by_serial: dict[str, list[Deployment]] = {}
    unused = []
    for number, row in _rows(text):
        read = None if row is None else _row(row, gears)
        if read is None:
            unused.append(number)
        else:
            by_serial.setdefault(read[0], []).append(read[1])
    return Deployments({serial: tuple(rows) for serial, rows in by_serial.items()}, tuple(unused))


def without_contacts(table: str | bytes) -> str:
    """Return a table of deployments with the columns that are looked at, and no others.

    As bytes it may be written as spreadsheets write CSVs: UTF-16, Windows-1252, semicolons, tabs. What is returned is
    UTF-8 with commas.
    """
    try:
        sheet = open_spreadsheet(table) if isinstance(table, bytes) else Spreadsheet(table)
    except UnicodeError:
        raise ConfigurationError(
            "It cannot be told in which encoding the table of deployments is written.", hint="Save it as: CSV UTF-8."
        ) from None
    written = io.StringIO()
    writer = csv.DictWriter(written, _COLUMNS, extrasaction="ignore", restval="", lineterminator="\n")
    writer.writeheader()
    for _, row in _rows(sheet.text, sheet.separator):
        safe = {name: cell for name, cell in (row or {}).items() if name in _COLUMNS and not _is_contact(name, cell)}
        # a row of which nothing is left still counts as one that cannot be used
        writer.writerow(safe if any(safe.values()) else {_SUPPLIED[0]: _UNREADABLE})
    return written.getvalue()


def _rows(text: str, separator: str = ",") -> Iterator[tuple[int, dict[str, str] | None]]:
    """Yield the rows that hold something, by their number in the table; None for one with too many cells."""
    try:
        lines = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
        names = [" ".join(cell.split()).casefold() for cell in next(lines, [])]
        if not all(any(one in names for one in wanted) for wanted in (_SERIAL, _SUPPLIED, _RETURNED)):
            raise ConfigurationError(
                "The table of deployments lacks a serial number, a date supplied or a date returned.",
                hint="Its columns are: Moana serial number, Date supplied, Date returned, Vessel name, Fishing method.",
            )
        for number, cells in enumerate(lines, start=2):
            if not any(cell.strip() for cell in cells):
                continue
            row = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name}
            yield number, row if len(cells) <= len(names) else None
    except csv.Error as error:
        raise ConfigurationError(
            "The table of deployments is no CSV.", hint="Save it as CSV, with commas, in UTF-8."
        ) from error


def _first(row: Mapping[str, str], names: Sequence[str]) -> str:
    return next((row[name] for name in names if row.get(name)), "")


def _plain(serial: str) -> str:
    return serial.strip().removesuffix(".0").lstrip("0") or "0"


def _row(row: Mapping[str, str], gears: Mapping[str, str]) -> tuple[str, Deployment] | None:
    """Return a row's serial number and deployment; None where it lacks one, or its dates are none."""
    serial, end = _first(row, _SERIAL), _first(row, _RETURNED)
    supplied, returned = _date(_first(row, _SUPPLIED)), _date(end)
    if not serial or supplied is None or (returned is None and end):
        return None
    if returned is not None and returned < supplied:
        return None
    safe = {name: cell for name, cell in row.items() if cell and not _is_contact(name, cell)}
    gear = _first(safe, _CLASS) or _first(safe, _METHOD)
    kept = {name: safe[name] for name in PUBLISHABLE if name in safe}
    named = gears.get(gear.casefold(), gear)
    return _plain(serial), Deployment(_first(safe, _VESSEL), named, supplied, returned, kept)


def _is_contact(name: str, cell: str) -> bool:
    return "@" in cell or (name in _FREE and _PHONE.search(cell) is not None)


def _date(text: str) -> float | None:
    """Read a day as its first instant in UTC; a time behind it is passed over."""
    day = re.split(r"[T ]", text, maxsplit=1)[0]
    for pattern in ("%d/%m/%Y", "%d/%m/%y", "%Y-%m-%d"):
        try:
            return datetime.strptime(day, pattern).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None
