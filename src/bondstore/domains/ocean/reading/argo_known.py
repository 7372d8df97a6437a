"""What an Argo profile file says beside its levels: when it was made, how deep the float was told to go."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np

from bondstore.domains.ocean.profiles import Floats
from bondstore.domains.ocean.reading.dataset import Reader

PROFILE_PRESSURE = "CONFIG_ProfilePressure_dbar"
"""The pressure from which a profile begins; the park pressure is another, and says nothing of it."""
_DATES = ("DATE_CREATION", "DATE_UPDATE")
_TABLES = (
    ("CONFIG_PARAMETER_NAME", "CONFIG_PARAMETER_VALUE"),
    ("LAUNCH_CONFIG_PARAMETER_NAME", "LAUNCH_CONFIG_PARAMETER_VALUE"),
)
"""Names and values of settings: of the float's missions, and, for what never changes, as it was launched."""
_MOST_MISSIONS = 1e6
_DATE = re.compile(r"[0-9]{14}")


def made(reader: Reader) -> float | None:
    """Return when a file was made, in seconds since 1970-01-01 UTC; None where it does not say.

    Cycles are added to a file after its creation, so that the later of DATE_CREATION and DATE_UPDATE counts.

    Parameters
    ----------
    reader : Reader
        The open file.

    Notes
    -----
    Source: Argo user's manual, section 2.2.3: dates are YYYYMMDDHHMISS.
    """
    found = [_date(text) for name in _DATES if name in reader for text in reader.texts(name)[:1]]
    return max((one for one in found if one is not None), default=None)


def told(reader: Reader, number: int) -> list[float | None]:
    """Return the pressure from which each profile was to begin, in dbar; None where the file does not say.

    Files of profiles need not hold it: by the format it stands in the float's file of metadata. Where a file has it, it
    is a variable of that name, or a row of one of the tables of configuration, with a value for each mission; then
    CONFIG_MISSION_NUMBER says which mission, counted from 1, a profile belongs to.

    Parameters
    ----------
    reader : Reader
        The open file.
    number : int
        How many profiles it holds.

    Notes
    -----
    Source: Argo user's manual, sections 2.2 and 2.4; Argo QC manual 3.9, test 19.
    """
    if PROFILE_PRESSURE in reader:
        found = _numbers(reader, PROFILE_PRESSURE).reshape(-1)
        if len(found) not in {1, number}:
            return [None] * number
        return [_usable(one) for one in np.resize(found, number)]
    for names, values in _TABLES:
        by_mission = _by_mission(reader, names, values)
        if by_mission:
            return [_of(by_mission, mission) for mission in _missions(reader, number)]
    return [None] * number


def _by_mission(reader: Reader, names: str, values: str) -> list[float | None]:
    """The pressure in each mission; a table of one row holds for all."""
    if names not in reader or values not in reader:
        return []
    listed, rows = reader.texts(names), np.atleast_2d(_numbers(reader, values))
    if PROFILE_PRESSURE not in listed or rows.ndim != 2 or rows.shape[1] != len(listed):
        return []
    return [_usable(one) for one in rows[:, listed.index(PROFILE_PRESSURE)]]


def _missions(reader: Reader, number: int) -> list[int]:
    """The mission of each profile; 0 where none is named."""
    if "CONFIG_MISSION_NUMBER" not in reader:
        return [0] * number
    found = _numbers(reader, "CONFIG_MISSION_NUMBER")
    if found.shape != (number,) or "N_PROF" not in reader.dimensions("CONFIG_MISSION_NUMBER"):
        return [0] * number
    return [int(one) if 0.0 < one < _MOST_MISSIONS else 0 for one in found.tolist()]


def _numbers(reader: Reader, name: str) -> Floats:
    """A variable's numbers; none where it holds text, as in older formats: no reason to refuse the profiles."""
    if getattr(reader.file.variables[name].dtype, "kind", "text") not in {"i", "u", "f"}:
        return np.zeros(0)
    return reader.numbers(name)


def _of(by_mission: list[float | None], mission: int) -> float | None:
    if len(by_mission) == 1:
        return by_mission[0]
    return by_mission[mission - 1] if 0 < mission <= len(by_mission) else None


def _usable(value: float) -> float | None:
    return float(value) if np.isfinite(value) and value > 0.0 else None


def _date(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
