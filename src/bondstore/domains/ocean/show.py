"""A look at one file of profiles: what it says, which flags its levels have, which tests failed, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bondstore.config.resolve import resolve_store, store_url
from bondstore.config.settings import load_profile
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.flags import SCALES, Flag
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.dataset import StoredFlags
from bondstore.domains.ocean.reading.netcdf import flags_in, is_netcdf
from bondstore.domains.ocean.showfacts import facts_text, moment_text, plain_text
from bondstore.errors import NotFoundError
from bondstore.stores import open_store

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from bondstore.config.profiles import Profile as Settings
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.domains.ocean.qc.suite import Suite
    from bondstore.findings import Finding

USUAL = {"moana-1": "moana", "moana-2": "moana", "argo": "argo"}
"""The suite that is meant where none is named, by dialect; of others, it is QARTOD's."""
_FAILED = (3, 4)
"""Suspect and bad, in our numbers and on all scales."""
_FEW = 5


@dataclass(frozen=True, slots=True)
class TestView:
    """What one test, or the roll-up of all, says of a profile.

    Parameters
    ----------
    label, on : str
        What its flags are called, and of which variable; the label is empty for the roll-up.
    counts : mapping of str to int
        Levels by flag.
    failed : tuple of int
        The levels that are suspect or bad, from 1.
    thresholds, test, standard : str
        What it was held against; empty for the roll-up.
    reason : str
        Why it could not be evaluated.
    """

    label: str
    on: str
    counts: Mapping[str, int]
    failed: tuple[int, ...] = ()
    thresholds: str = ""
    test: str = ""
    standard: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProfileView:
    """A profile to look at.

    Parameters
    ----------
    name, key, suite, grade : str
        The profile, its object, the tests (empty where the flags are the file's own), the worst of its flags.
    facts : mapping of str to str
        What the header says, for people.
    rolled, tests : tuple of TestView
        The roll-up of each variable, and each test.
    levels : tuple of mapping
        Each level with its values, flags by variable and the tests that are not content with it.
    """

    name: str
    key: str
    suite: str
    grade: str
    facts: Mapping[str, str]
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
            "tests": [_test_record(one) for one in self.tests],
        }


@dataclass(frozen=True, slots=True)
class Shown:
    """All profiles of a file, and what was found while it was read."""

    views: tuple[ProfileView, ...]
    findings: tuple[Finding, ...] = field(default_factory=tuple)


def show(
    name: str,
    *,
    store: str | None = None,
    profile: str | Settings | None = None,
    tests: str | None = None,
    columns: str | os.PathLike[str] | None = None,
) -> Shown:
    """Read one file of this computer or of a store, and tell what tests say of it.

    Parameters
    ----------
    name : str
        A path, or a key of the store, or the whole address of an object (``s3://BUCKET/KEY``). A file that is there
        wins over a key, unless a store is named.
    store, profile : str, optional
        Where the object lies, and how the store is opened.
    tests : str, optional
        A suite's name or the path of a TOML. When not given: the flags that a netCDF file has of its own; else the
        suite of its kind (Moana, Argo, QARTOD).
    columns : path, optional
        A TOML that maps the columns of a plain CSV.

    Raises
    ------
    NotFoundError
        There is no such file, object or suite.
    DamagedError
        It cannot be read.
    ConfigurationError
        The suite or the column map cannot be used.
    """
    from bondstore.domains.ocean.qc.suite import load_suite

    suite = load_suite(tests) if tests else None
    chosen = _columns(columns)
    key, data = _fetched(name, store, profile)
    batch, findings = read_any(key, data, chosen)
    stored = flags_in(data, key) if suite is None and is_netcdf(data) else None
    if stored is not None and (stored.tests or stored.rolled):
        return Shown(tuple(_of_file(batch, number, stored) for number in range(len(batch))), tuple(findings))
    if suite is None:
        dialect = batch.profiles[0].header.dialect if len(batch) else ""
        suite = load_suite(USUAL.get(dialect, "qartod"))
    return Shown(tuple(views(batch, suite)), tuple(findings))


def views(batch: Batch, suite: Suite) -> list[ProfileView]:
    """Test a batch, and return each of its profiles as a view.

    Parameters
    ----------
    batch : Batch
        The profiles.
    suite : Suite
        The tests.
    """
    from bondstore.domains.ocean.qc.evaluate import evaluate

    result = evaluate(batch, suite)
    return [_of_result(batch, number, result) for number in range(len(batch))]


def _columns(path: str | os.PathLike[str] | None) -> Any:
    if path is None:
        return None
    from bondstore.domains.ocean.reading.columns import parse_columns

    try:
        return parse_columns(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise NotFoundError(f"There is no readable column map {path}.", hint="Name a TOML file.") from None


def _fetched(name: str, store: str | None, profile: str | Settings | None) -> tuple[str, bytes]:
    """Return the object's key and bytes; a read from a store is noted in the account's own record."""
    path = Path(name)
    if store is None and path.is_file():
        return path.name, path.read_bytes()
    if store is None and "://" in name:
        store, _, name = name.rpartition("/")
    store = store_url(store) if store else None
    settings = load_profile(profile, url=store) if profile is None or isinstance(profile, str) else profile
    if store is None and settings.url is None:
        raise NotFoundError(
            f"There is no file {name}, and no store is named that could hold it.",
            hint="Name a file, or a key with --store URL or --profile NAME.",
        )
    spec = resolve_store(store, settings)
    answer = open_store(spec).get(name)
    from bondstore.ledger import Read, note_personal
    from bondstore.runs.context import whoami

    note_personal(whoami(), [Read(name, answer.info.etag, len(answer.data))])
    return name, bytes(answer.data)


def _of_result(batch: Batch, number: int, result: Result) -> ProfileView:
    rows = _rows(batch, number)
    rolled = {on: flags[rows] for on, flags in result.rolled.items()}
    tests = {place: flags[rows] for place, flags in result.flags.items()}
    told = {(step.label, step.on): step for step in result.suite.steps}
    seen = []
    for place, flags in tests.items():
        step = told[place]
        if place[1] not in rolled and number not in result.reasons.get(place, {}):
            continue  # nobody measured it, and the test says nothing of that
        seen.append(
            TestView(
                *place,
                _counts(flags, _OURS),
                _where(flags),
                "; ".join(f"{name}={plain_text(value)}" for name, value in step.thresholds.items()),
                step.test.name,
                step.test.standard,
                result.reasons.get(place, {}).get(number, ""),
            )
        )
    whole = tuple(TestView("", on, _counts(flags, _OURS), _where(flags)) for on, flags in rolled.items())
    grade = _OURS[int(result.grades[number])]
    return _view(batch, number, (result.suite.name, grade), (whole, tuple(seen)), _Named(rolled, tests, _OURS))


def _of_file(batch: Batch, number: int, stored: StoredFlags) -> ProfileView:
    rows = _rows(batch, number)
    words = {one: str(one) for one in range(-128, 128)} | _words(stored.meanings)
    rolled = {on: flags[rows] for on, flags in stored.rolled.items()}
    tests = {place: flags[rows] for place, flags in stored.tests.items()}
    seen = tuple(
        TestView(
            *place,
            _counts(flags, words),
            _where(flags),
            told.get("thresholds", ""),
            told.get("test", ""),
            told.get("references", ""),
            told.get("not_evaluated", ""),
        )
        for place, flags in tests.items()
        for told in [stored.attributes.get(place, {})]
    )
    whole = tuple(TestView("", on, _counts(flags, words), _where(flags)) for on, flags in rolled.items())
    all_flags = np.concatenate([*rolled.values(), *([] if rolled else tests.values()), np.zeros(0, np.int8)])
    rank = {9: 0, 1: 1, 2: 2, 0: 3, 3: 4, 4: 5}
    worst = max(np.unique(all_flags).tolist(), key=lambda one: rank.get(one, 3), default=9)
    return _view(batch, number, ("", words[worst]), (whole, seen), _Named(rolled, tests, words))


def _words(meanings: Mapping[int, str]) -> dict[int, str]:
    """Return the words for a file's numbers: ours where its scale is known, else its own; Argo's where it says none."""
    for scale, words in _OF_SCALE.items():
        if meanings == SCALES[scale].meanings:
            return dict(words)
    return dict(meanings or _ARGO)


_ARGO: Mapping[int, str] = {
    0: "no_qc",
    1: "good",
    2: "probably_good",
    3: "suspect",
    4: "bad",
    5: "changed",
    8: "estimated",
    9: "missing",
}
_OF_SCALE: Mapping[str, Mapping[int, str]] = {
    "argo": _ARGO,
    "imos": _ARGO,
    "qartod": {1: "good", 2: "not_evaluated", 3: "suspect", 4: "bad", 9: "missing"},
}


@dataclass(frozen=True, slots=True)
class _Named:
    """Flags of a profile and the words for them."""

    rolled: Mapping[str, NDArray[np.int8]]
    tests: Mapping[tuple[str, str], NDArray[np.int8]]
    words: Mapping[int, str]


_OURS: Mapping[int, str] = {int(flag): flag.name.lower() for flag in Flag}


def _view(
    batch: Batch,
    number: int,
    judged: tuple[str, str],
    said: tuple[tuple[TestView, ...], tuple[TestView, ...]],
    named: _Named,
) -> ProfileView:
    """Return a view: `judged` are suite and grade, `said` the roll-ups and the tests."""
    profile, rows = batch.profiles[number], _rows(batch, number)
    levels = tuple(_level(batch, rows.start, at, named) for at in range(rows.stop - rows.start))
    return ProfileView(profile.name, profile.key, *judged, facts_text(batch, profile, rows), *said, levels)


def _rows(batch: Batch, number: int) -> slice:
    start = int(batch.starts[number])
    return slice(start, start + int(batch.sizes[number]))


def _counts(flags: NDArray[np.int8], words: Mapping[int, str]) -> dict[str, int]:
    numbers, many = np.unique(flags, return_counts=True)
    return {words[int(one)]: int(count) for one, count in zip(numbers, many, strict=True)}


def _where(flags: NDArray[np.int8]) -> tuple[int, ...]:
    return tuple((np.flatnonzero(np.isin(flags, _FAILED)) + 1).tolist())


def _level(batch: Batch, start: int, at: int, named: _Named) -> dict[str, Any]:
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
        f"{label}/{on}": named.words[int(flags[at])]
        for (label, on), flags in named.tests.items()
        if int(flags[at]) in _FAILED
    }
    return {
        "level": at + 1,
        **values,
        "flags": {on: named.words[int(flags[at])] for on, flags in named.rolled.items()},
        "failed": failed,
    }


def _value(value: Any) -> float | None:
    return None if math.isnan(value) else float(value)


def _test_record(one: TestView) -> dict[str, Any]:
    return {
        "label": one.label,
        "on": one.on,
        "test": one.test,
        "standard": one.standard,
        "thresholds": one.thresholds,
        "counts": dict(one.counts),
        "failed": list(one.failed),
        "reason": one.reason,
    }
