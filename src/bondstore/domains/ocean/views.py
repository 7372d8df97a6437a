"""A profile as people look at it: what its header says, the flags of its levels, which tests failed, and why."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.profiles import Batch, Position, Profile
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.flags import SCALES, SOURCE_WORDS, Flag, flag_word, of_source
from bondstore.domains.ocean.reading.dataset import StoredFlags
from bondstore.text import iso_text

_FAILED = (3, 4)
"""Suspect and bad, in our numbers and on all scales."""


@dataclass(frozen=True, slots=True)
class TestView:
    """What one test, or the roll-up of all, says of a profile."""

    label: str  # empty for the roll-up
    on: str
    counts: Mapping[str, int]  # levels by flag
    failed: tuple[int, ...] = ()  # the levels that are suspect or bad, from 1
    thresholds: str = ""
    test: str = ""
    standard: str = ""
    reason: str = ""  # why it could not be evaluated

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it."""
        return {
            "label": self.label,
            "on": self.on,
            "test": self.test,
            "standard": self.standard,
            "thresholds": self.thresholds,
            "counts": dict(self.counts),
            "failed": list(self.failed),
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile to look at."""

    name: str
    key: str
    suite: str  # empty where the flags are the file's own
    grade: str
    facts: Mapping[str, str]  # what the header says, for people
    rolled: tuple[TestView, ...]
    tests: tuple[TestView, ...]
    levels: tuple[Mapping[str, Any], ...] = ()

    def record(self) -> dict[str, Any]:
        """Return it as JSON can hold it, without the levels."""
        return {
            "kind": "profile",
            "name": self.name,
            "key": self.key,
            "suite": self.suite,
            "grade": self.grade,
            "levels": len(self.levels),
            **{name: value for name, value in self.facts.items() if name not in ("name", "key")},
            "rolled": {one.on: dict(one.counts) for one in self.rolled},
            "tests": [one.record() for one in self.tests],
        }


_OF_SCALE: Mapping[str, Mapping[int, str]] = {
    "argo": SOURCE_WORDS,
    "imos": SOURCE_WORDS,
    "qartod": {1: "good", 2: "not_evaluated", 3: "suspect", 4: "bad", 9: "missing"},
}


_OURS: Mapping[int, str] = {int(flag): flag_word(flag) for flag in Flag}
_STORED = {"thresholds": "thresholds", "test": "test", "standard": "references", "reason": "not_evaluated"}
"""What a file says of a test, by what we call it."""


@dataclass(frozen=True, slots=True)
class _Flagged:
    """The flags of a profile, and the words for their numbers."""

    rolled: Mapping[str, NDArray[np.int8]]
    tests: Mapping[tuple[str, str], NDArray[np.int8]]
    words: Mapping[int, str]

    def test(self, label: str, on: str, **said: str) -> TestView:
        """Return what is to be seen of a test, or with an empty label of a roll-up."""
        flags = self.tests[label, on] if label else self.rolled[on]
        numbers, many = np.unique(flags, return_counts=True)
        counts = {self.words[int(one)]: int(count) for one, count in zip(numbers, many, strict=True)}
        return TestView(label, on, counts, tuple((np.flatnonzero(np.isin(flags, _FAILED)) + 1).tolist()), **said)

    def view(self, batch: Batch, number: int, judged: tuple[str, str], tests: Iterable[TestView]) -> ProfileView:
        """Return the view of a profile, of which suite and grade are `judged`."""
        profile, rows = batch.profiles[number], batch.rows(number)
        levels = tuple(_level(batch, rows.start, at, self) for at in range(rows.stop - rows.start))
        rolled = tuple(self.test("", on) for on in self.rolled)
        facts = facts_text(batch, profile, rows)
        return ProfileView(profile.name, profile.key, *judged, facts, rolled, tuple(tests), levels)


def view_of_result(batch: Batch, number: int, result: Result) -> ProfileView:
    """Return a profile with the flags that a suite gave it."""
    rows = batch.rows(number)
    flagged = _Flagged(
        {on: flags[rows] for on, flags in result.rolled.items()},
        {place: flags[rows] for place, flags in result.flags.items()},
        _OURS,
    )
    steps = {(step.label, step.on): step for step in result.suite.steps}
    seen = []
    for place in flagged.tests:
        step, reason = steps[place], result.reasons.get(place, {}).get(number, "")
        if place[1] not in flagged.rolled and number not in result.reasons.get(place, {}):
            continue  # nobody measured it, and the test says nothing of that
        thresholds = "; ".join(f"{name}={plain_text(value)}" for name, value in step.thresholds.items())
        named = {"test": step.test.name, "standard": step.test.standard}
        seen.append(flagged.test(*place, thresholds=thresholds, reason=reason, **named))
    source = {("source", on): of_source(batch.source[on])[rows] for on in result.rolled if on in batch.source}
    theirs = _Flagged(flagged.rolled, source, _OURS)
    seen += [theirs.test(*place, standard="the file's own flags") for place in source]
    return flagged.view(batch, number, (result.suite.name, _OURS[int(result.grades[number])]), seen)


def view_of_file(batch: Batch, number: int, stored: StoredFlags) -> ProfileView:
    """Return a profile with the flags that stand in its file."""
    rows = batch.rows(number)
    flagged = _Flagged(
        {on: flags[rows] for on, flags in stored.rolled.items()},
        {place: flags[rows] for place, flags in stored.tests.items()},
        {one: str(one) for one in range(-128, 128)} | _words(stored.meanings),
    )
    seen = []
    for place in flagged.tests:
        said = stored.attributes.get(place, {})
        named = {ours: said.get(theirs, "") for ours, theirs in _STORED.items()}
        seen.append(flagged.test(*place, **named))
    decisive = [*flagged.rolled.values()] or [*flagged.tests.values()]
    numbers = {one for flags in decisive for one in flags.tolist()}
    rank = {9: 0, 1: 1, 2: 2, 0: 3, 3: 4, 4: 5}
    worst = max(sorted(numbers), key=lambda one: rank.get(one, 3), default=9)
    return flagged.view(batch, number, ("", flagged.words[worst]), seen)


def _words(meanings: Mapping[int, str]) -> dict[int, str]:
    """Return the words for a file's numbers: ours where its scale is known, else its own; Argo's where it says none."""
    # IMOS's own files write the words with capitals, and name the numbers that they do not use.
    said = {number: word.casefold() for number, word in meanings.items() if word.casefold() != "not_used"}
    for scale, words in _OF_SCALE.items():
        if said == SCALES[scale].meanings:
            return dict(words)
    return dict(meanings or SOURCE_WORDS)


def _level(batch: Batch, start: int, at: int, flagged: _Flagged) -> dict[str, Any]:
    row = start + at
    values = {
        "time": moment_text(float(batch.time[row])),
        "latitude": _value(batch.latitude[row]),
        "longitude": _value(batch.longitude[row]),
        "pressure": _value(batch.pressure[row]),
        "temperature": _value(batch.temperature[row]),
    }
    if batch.salinity is not None:
        values["salinity"] = _value(batch.salinity[row])
    failed = {
        f"{label}/{on}": flagged.words[int(flags[at])]
        for (label, on), flags in flagged.tests.items()
        if int(flags[at]) in _FAILED
    }
    return {
        "level": at + 1,
        **values,
        "flags": {on: flagged.words[int(flags[at])] for on, flags in flagged.rolled.items()},
        "failed": failed,
    }


def _value(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def facts_text(batch: Batch, profile: Profile, rows: slice) -> dict[str, str]:
    """Return what the header says, in words; what it does not say is left out."""
    header = profile.header
    found = {
        "dialect": header.dialect,
        "platform": profile.platform,
        "sensor": _joined(
            header.sensor_serial, ("firmware", header.sensor_firmware), ("battery %", header.sensor_battery)
        ),
        "reset codes": ", ".join(header.reset_codes),
        "deck unit": _joined(
            header.deck_unit_serial, ("firmware", header.deck_unit_firmware), ("battery %", header.deck_unit_battery)
        ),
        "downloaded": moment_text(header.download_time) or "",
        "upload position": place_text(header.upload_position),
        "download position": place_text(header.download_position),
        "deepest ever": _with_unit(header.max_lifetime_depth, "dbar"),
        "depth rating": _with_unit(header.depth_rating, "m"),
        "baseline": _with_unit(header.baseline, "dbar"),
        **dict(header.other),
        **dict(profile.known),
    }
    if (created := found.get("created", "")).isdigit():
        found["created"] = moment_text(float(created)) or created
    if profile.deployment is not None:
        found["vessel"], found["gear"] = profile.deployment.vessel, profile.deployment.gear
    found |= {
        "time": " to ".join(dict.fromkeys(moment_text(one) or "none" for one in _ends(batch.time[rows]))),
        "position": " to ".join(dict.fromkeys(_places(batch, rows))),
        "pressure": _range(batch.pressure[rows], "dbar"),
        "temperature": _range(batch.temperature[rows], "°C"),
        "salinity": "" if batch.salinity is None else _range(batch.salinity[rows], ""),
    }
    return {name: value for name, value in found.items() if value}


def _joined(first: str, *more: tuple[str, object]) -> str:
    parts = [first, *(f"{name} {plain_text(value)}" for name, value in more if value not in ("", None))]
    return ", ".join(part for part in parts if part)


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:g} {unit}"


def _ends(values: NDArray[np.float64]) -> list[float]:
    """Return the lowest and the highest value; nothing where there is none."""
    there = values[~np.isnan(values)]
    return [float(there.min()), float(there.max())] if len(there) else []


def _places(batch: Batch, rows: slice) -> list[str]:
    there = np.flatnonzero(~np.isnan(batch.latitude[rows]) & ~np.isnan(batch.longitude[rows])) + rows.start
    ends = [there[0], there[-1]] if len(there) else []
    return [place_text(Position(float(batch.latitude[one]), float(batch.longitude[one]))) for one in ends]


def _range(values: NDArray[np.float64], unit: str) -> str:
    return " to ".join(f"{one:g}" for one in _ends(values)) + (f" {unit}" if unit and len(_ends(values)) else "")


def moment_text(value: float | None) -> str | None:
    """Return seconds since 1970 as a time in UTC; None where there is none."""
    if value is None or math.isnan(value):
        return None
    try:
        return iso_text(value)
    except (ValueError, OverflowError, OSError):
        return None


def plain_text(value: Any) -> str:
    """Return a threshold as a suite has it, without needless zeros."""
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain_text, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {plain_text(one)}" for name, one in value.items()) + "}"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def place_text(place: Position | None) -> str:
    """Return a position as people write it; empty where there is none."""
    if place is None or math.isnan(place.latitude) or math.isnan(place.longitude):
        return ""
    north, east = place.latitude, place.longitude
    return f"{abs(north):.4f}°{'N' if north >= 0 else 'S'} {abs(east):.4f}°{'E' if east >= 0 else 'W'}"
