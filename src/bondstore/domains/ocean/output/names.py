"""Where the outputs of a profile file go: names that are safe whatever the key says, and AODN's names."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from bondstore.deid.text import redact_text
from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.errors import UsageError
from bondstore.runs.paths import safe_relpath

Style = Literal["plain", "aodn"]
UNDATED = "undated"
_LONGEST_STEM = 160
_ENDINGS = re.compile(r"\.(csv|nc|txt)$", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -2_208_988_800.0, 7_258_118_400.0
_AODN = "IMOS/SOOP/SOOP-FishSOOP"


def output_path(key: str, batch: Batch, style: Style = "plain", *, distinct: bool = False, version: int = 1) -> str:
    """Return the path of a netCDF file, below a destination.

    ``plain``: ``<YYYY>/<MM>/<stem>_qc.nc``. ``aodn``:
    ``IMOS/SOOP/SOOP-FishSOOP/DELAYED/<YYYY>/<MM>/IMOS_SOOP-FishSOOP_TP_<yyyymmddTHHMMSSZ>_FV01_<serial>.nc``.
    The date is that of the first level that has one, in UTC; ``undated`` stands for it where there is none, or none
    between 1900 and 2200. It depends on nothing but the object, so that a run at any width gives the same path.

    `distinct` adds eight hex digits of the key's sha256: for an object whose path belongs to another one already (the
    same stem in another folder; the same sensor at the same second). An AODN name has them anyway where the serial
    number is missing or could not be written as it is. `version` 1 is AODN's ``FV01``, quality controlled in full; 0 is
    ``FV00``, with ``REALTIME``: a test could not be evaluated, as where no deployment is known yet.

    Source: IMOS NetCDF File Naming Convention 1.5; AODN's FishSOOP file names.
    """
    if style not in ("plain", "aodn") or version not in (0, 1):
        raise UsageError(f"There are no file names of style {style!r}, version {version!r}.")
    moment = _moment(batch)
    month = UNDATED if moment is None else f"{moment:%Y/%m}"
    if style == "plain":
        mark = f"-{_mark(key)}" if distinct else ""
        return f"{month}/{safe_stem(key)}{mark}_qc.nc"
    time = UNDATED if moment is None else f"{moment:%Y%m%dT%H%M%SZ}"
    given = batch.profiles[0].platform if len(batch) else ""
    serial = re.sub(r"[^A-Za-z0-9-]", "-", redact_text(given)[0])[:64]
    if distinct or moment is None or not serial or serial != given:
        serial = f"{serial or 'unknown'}-{_mark(key)}"
    mode = "DELAYED" if version else "REALTIME"
    return f"{_AODN}/{mode}/{month}/IMOS_SOOP-FishSOOP_TP_{time}_FV0{version}_{serial}.nc"


def deployment_name(batch: Batch) -> str:
    """Return the name of the deployment of an object's profiles: the sensor, and the day it was supplied.

    Where no sensor is named, nothing says that two objects are of one deployment: each is by itself.
    """
    first = batch.profiles[0] if len(batch) else None
    given = first.platform if first else ""
    serial = safe_relpath(given or f"unknown-{_mark(first.key if first else '')}").replace("/", "-")
    supplied = first.deployment.supplied if first and first.deployment else None
    return serial if supplied is None else f"{serial}_{_EPOCH + timedelta(seconds=supplied):%Y%m%d}"


def unmarked(path: str, key: str) -> str:
    """Return the path that an object's file would have without the mark of `distinct`; the same one if it has none."""
    mark = f"-{_mark(key)}"
    for end in ("_qc.nc", ".nc"):
        if path.endswith(mark + end):
            return path.removesuffix(mark + end) + end
    return path


def safe_stem(key: str) -> str:
    """Return a key's last segment without its ending, safe and short enough for a name to be added to.

    An address or phone number in it is replaced, and the key's mark added. Two segments never give one stem, but for
    their endings.
    """
    last = key.rstrip("/").rpartition("/")[2]
    stem = _ENDINGS.sub("", last) or last
    known, found = redact_text(stem)
    safe = safe_relpath(f"{known}-{_mark(key)}" if found else stem)
    if safe.startswith(" "):
        safe = "%20" + safe[1:]
    coded = safe.encode()
    if len(coded) <= _LONGEST_STEM:
        return safe
    digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return coded[: _LONGEST_STEM - 34].decode("utf-8", "ignore") + "%-" + digest


def began(batch: Batch) -> Floats:
    """Return the time of each profile's first level that has one, in seconds since 1970; NaN for none.

    A time before 1900 or after 2200 is none: it is noise, and no name for a folder.
    """
    number = np.where(
        (batch.time >= _EARLIEST) & (batch.time < _LATEST), np.arange(batch.levels, dtype=np.float64), np.nan
    )
    at = per_profile(batch, number, np.fmin)
    times = np.full(len(batch), np.nan)
    some = ~np.isnan(at)
    times[some] = batch.time[at[some].astype(np.int64)]
    return times


def _moment(batch: Batch) -> datetime | None:
    times = began(batch)
    times = times[~np.isnan(times)]
    return _EPOCH + timedelta(seconds=float(np.floor(times[0]))) if times.size else None


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]
