"""Argo real-time test 15: sensors that the grey list says are failing."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np

from bondstore.domains.ocean.profiles import Batch, Profile
from bondstore.domains.ocean.qc.argo import MANUAL, because, whole
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.domains.ocean.qc.tests import FileName, Verdict, test
from bondstore.errors import ConfigurationError

COLUMNS = ("PLATFORM_CODE", "PARAMETER_NAME", "START_DATE", "END_DATE", "QUALITY_CODE")
"""Of a grey list; others may stand beside them."""
DAY = 86_400.0
_FLAGS = {"1": Flag.GOOD, "2": Flag.PROBABLY_GOOD, "3": Flag.SUSPECT, "4": Flag.BAD}
_DATE = re.compile(r"([0-9]{8})(?:[0-9]{6})?")
_ADVICE = f"It is a CSV file with the columns {', '.join(COLUMNS)}, dates as YYYYMMDD, and codes from 1 to 4."


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the grey list: a sensor of a float, from when to when, and the flag for what it measured.

    Parameters
    ----------
    sensor : str
        Such as ``PSAL``.
    start, end : float
        Seconds since 1970-01-01 UTC; the end is past the last day, infinite where it is open.
    flag : Flag
        For its values.
    """

    sensor: str
    start: float
    end: float
    flag: Flag


@test("argo.grey_list", f"{MANUAL}, test 15", "PRES", "TEMP", "PSAL")
def grey_list(batch: Batch, on: str, *, required: bool, path: FileName | None = None) -> Verdict:
    """Give the profile the flag under which its sensor stands on the grey list.

    Parameters
    ----------
    batch : Batch
        The profiles. ``grey_list`` in `Profile.known` is what the list says of this float at this time: sensors and
        their flags, such as ``PSAL:4 TEMP:3``, or nothing where the list was looked at and the float is not on it. It
        counts before `path`.
    on : str
        The variable, all levels alike.
    required : bool
        Whether a profile for which no list was looked at is unevaluated (true) or passed over in silence (false).
    path : FileName, optional
        The grey list as the data centres give it out (``ar_greylist.txt``): a CSV file with the columns PLATFORM_CODE,
        PARAMETER_NAME, START_DATE, END_DATE (with that day; empty where it is open) and QUALITY_CODE.

    Returns
    -------
    Verdict
        The list's flag (2, 3 or 4), the worst of several; good where the sensor is not on it. Unevaluated where an
        entry cannot be read, where the file names no platform, and where a listed profile has no date.

    Raises
    ------
    ConfigurationError
        The list is not there, or cannot be read.

    Notes
    -----
    Source: Argo QC manual 3.9, section 2.1, test 15; Argo user's manual, on the grey list.
    """
    listed = None if path is None else _read(str(path), path.sha256)
    dates = per_profile(batch, batch.time, np.fmin).tolist()
    flags = [_flag(one, date, on, listed, required=required) for one, date in zip(batch.profiles, dates, strict=True)]
    found = np.array(flags, np.int8)
    return whole(batch, on, found, because(found == Flag.UNEVALUATED, "no grey list could be looked at for it"))


def _flag(
    profile: Profile, date: float, on: str, listed: Mapping[str, Sequence[Entry]] | None, *, required: bool
) -> Flag:
    written = profile.known.get("grey_list")
    if written is not None:
        return _written(written, on)
    if listed is None:
        return Flag.UNEVALUATED if required else Flag.SILENT
    if not profile.platform:
        return Flag.UNEVALUATED
    entries = [one for one in listed.get(profile.platform, ()) if one.sensor == on]
    if entries and not math.isfinite(date):
        return Flag.UNEVALUATED
    return max((one.flag for one in entries if one.start <= date < one.end), default=Flag.GOOD)


def _written(written: str, on: str) -> Flag:
    for entry in written.replace(",", " ").split():
        sensor, _, number = entry.partition(":")
        if sensor == on:
            return _FLAGS.get(number, Flag.UNEVALUATED)
    return Flag.GOOD


def _read(named: str, sha256: str) -> Mapping[str, Sequence[Entry]]:
    try:
        at = Path(named).stat()
    except OSError as error:
        raise ConfigurationError("The grey list is not there.", hint=f"Looked for {named}.") from error
    return _parsed(named, at.st_mtime_ns, at.st_size, sha256)


@lru_cache(maxsize=4)
def _parsed(path: str, _modified: int, _size: int, sha256: str) -> Mapping[str, Sequence[Entry]]:
    """Read a list once for all batches; again when the file has changed, and then it must be what the suite read."""
    try:
        held = Path(path).read_bytes()
        if sha256 and hashlib.sha256(held).hexdigest() != sha256:
            raise ConfigurationError(
                "The grey list is no longer what it was when the suite was read.", hint="Run it again."
            )
        return _entries(held.decode("utf-8-sig"))
    except (OSError, KeyError, ValueError, csv.Error) as error:
        raise ConfigurationError("The grey list cannot be read.", hint=_ADVICE) from error


def _entries(text: str) -> Mapping[str, Sequence[Entry]]:
    found: dict[str, list[Entry]] = {}
    rows = csv.DictReader(text.splitlines(), restval="")
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise ValueError("a column is missing")
    for row in rows:
        platform, sensor, start, end, code = (str(row[name] or "").strip() for name in COLUMNS)
        if not platform or not sensor:
            raise ValueError("a line names no platform or no sensor")
        until = _day(end) + DAY if end else math.inf
        found.setdefault(platform, []).append(Entry(sensor, _day(start), until, _FLAGS[code]))
    return found


def _day(text: str) -> float:
    written = _DATE.fullmatch(text)
    if written is None:
        raise ValueError("a date is none")
    return datetime.strptime(written[1], "%Y%m%d").replace(tzinfo=UTC).timestamp()
