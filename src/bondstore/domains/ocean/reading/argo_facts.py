"""What an Argo file says of its profiles beside their levels: who, when it was made, how deep, which tests ran."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath

import numpy as np

from bondstore.domains.ocean.profiles import Floats, Header, Integers, Profile
from bondstore.domains.ocean.reading.dataset import Reader
from bondstore.domains.ocean.reading.text import damaged

MEASURED = ("PRES", "TEMP", "PSAL")


_KNOWN = {
    "PLATFORM_TYPE": "platform_type",
    "DIRECTION": "direction",
    "DATA_MODE": "data_mode",
    "WMO_INST_TYPE": "wmo_instrument_type",
    "POSITIONING_SYSTEM": "positioning_system",
    "VERTICAL_SAMPLING_SCHEME": "vertical_sampling_scheme",
    "DATA_CENTRE": "data_centre",
    "PROFILE_PRES_QC": "source_profile_pres_qc",
    "PROFILE_TEMP_QC": "source_profile_temp_qc",
    "PROFILE_PSAL_QC": "source_profile_psal_qc",
}
"""What is kept of each profile; names of persons are not."""


_NO_CYCLE = 99_999


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
_MASK = re.compile(r"[0-9A-Fa-f]{1,16}")
_ACTIONS = {"QCP$": "source_tests_performed", "QCF$": "source_tests_failed"}


def profiles_of(reader: Reader, number: int) -> list[Profile]:
    """Return what is known of each profile of a file."""
    stem, texts = PurePosixPath(reader.key).stem, _Texts(reader, number)
    known = _known(reader, number, texts)
    return [
        Profile(
            key=reader.key,
            name=stem if place == 0 else f"{stem}-{place + 1}",
            header=Header(
                "argo",
                sensor_serial=texts.of("FLOAT_SERIAL_NO", place),
                sensor_firmware=texts.of("FIRMWARE_VERSION", place),
            ),
            platform=texts.of("PLATFORM_NUMBER", place),
            timed=False,
            placed=False,
            known=known[place],
        )
        for place in range(number)
    ]


class _Texts:
    """The texts that a file has of its profiles, by variable."""

    def __init__(self, reader: Reader, number: int) -> None:
        names = ("PLATFORM_NUMBER", "FLOAT_SERIAL_NO", "FIRMWARE_VERSION", *_KNOWN)
        self._texts = {name: reader.texts(name) for name in names if name in reader}
        self._number = number

    def of(self, name: str, place: int) -> str:
        """Return that of a profile; empty where there is none."""
        column = self._texts.get(name, [])
        # one sign for each profile is stored as a single row
        if len(column) == 1 and self._number != 1 and len(column[0]) == self._number:
            return column[0][place]
        return column[place] if place < len(column) else ""


def _known(reader: Reader, number: int, texts: _Texts) -> list[dict[str, str]]:
    """Return the facts that tests may ask for, of each profile."""
    cycles, written, deepest = _cycles(reader, number), made(reader), told(reader, number)
    history, parameters = _history(reader, number), _parameters(reader, number)
    each = []
    for place in range(number):
        known = {ours: texts.of(name, place) for name, ours in _KNOWN.items() if texts.of(name, place)}
        known |= history[place]
        if parameters[place]:
            known["parameters"] = parameters[place]
        if cycles[place] != _NO_CYCLE:
            known["cycle"] = str(cycles[place])
        if written is not None:
            known["created"] = f"{written:.0f}"
        if deepest[place] is not None:
            known["deepest_pressure"] = f"{deepest[place]:.10g}"
        each.append(known)
    return each


def _cycles(reader: Reader, number: int) -> Integers:
    if "CYCLE_NUMBER" not in reader:
        return np.full(number, _NO_CYCLE)
    found = reader.numbers("CYCLE_NUMBER")
    if found.shape != (number,):
        raise damaged("columns-missing", reader.key, "Its cycle numbers are not one for each profile.")
    return np.where(np.isnan(found) | (np.abs(found) > _NO_CYCLE), _NO_CYCLE, found).astype(np.int64)


def made(reader: Reader) -> float | None:
    """Return when a file was made, in seconds since 1970-01-01 UTC; None where it does not say.

    Cycles are added to a file after its creation, so that the later of DATE_CREATION and DATE_UPDATE counts.
    Source: Argo user's manual, section 2.2.3: dates are YYYYMMDDHHMISS.
    """
    found = [_date(text) for name in _DATES if name in reader for text in reader.texts(name)[:1]]
    return max((one for one in found if one is not None), default=None)


def told(reader: Reader, number: int) -> list[float | None]:
    """Return the pressure from which each profile was to begin, in dbar; None where the file does not say.

    Files of profiles need not hold it: by the format it stands in the float's file of metadata. Where a file has it, it
    is a variable of that name, or a row of one of the tables of configuration, with a value for each mission; then
    CONFIG_MISSION_NUMBER says which mission, counted from 1, a profile belongs to. Source: Argo
    user's manual, sections 2.2 and 2.4; Argo QC manual 3.9, test 19.
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


def _history(reader: Reader, number: int) -> list[dict[str, str]]:
    """Return which tests the file says were performed on each profile and failed: the masks of HISTORY_QCTEST.

    Where several steps of processing wrote one, all that differ, in their order. Source: Argo user's manual, section
    2.2.7 and reference table 11.
    """
    found: list[dict[str, str]] = [{} for _ in range(number)]
    if not {"HISTORY_ACTION", "HISTORY_QCTEST"} <= set(reader.file.variables):
        return found
    actions, masks = reader.texts("HISTORY_ACTION"), reader.texts("HISTORY_QCTEST")
    if len(actions) != len(masks) or not number or len(masks) % number:
        return found
    for place, (action, mask) in enumerate(zip(actions, masks, strict=True)):
        name, told = _ACTIONS.get(action), found[place % number]  # N_HISTORY by N_PROF: profiles vary fastest
        if name and _MASK.fullmatch(mask) and mask not in told.get(name, "").split():
            told[name] = f"{told.get(name, '')} {mask}".strip()
    return found


def _parameters(reader: Reader, number: int) -> list[str]:
    """Return what each profile has beside pressure, temperature and salinity, by name."""
    listed = reader.texts("STATION_PARAMETERS") if "STATION_PARAMETERS" in reader else []
    if not number or len(listed) % number:
        return [""] * number
    each = len(listed) // number
    found = [listed[place * each : place * each + each] for place in range(number)]
    return [" ".join(one for one in names if one and one not in MEASURED) for names in found]


def _date(text: str) -> float | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
