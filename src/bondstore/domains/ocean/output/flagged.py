"""The flags of a result as variables of a netCDF file: one roll-up of each variable, one for each test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import numpy as np

from bondstore.domains.ocean.output.classic import Value, Variable
from bondstore.domains.ocean.output.columns import LEVEL
from bondstore.domains.ocean.output.facts import clean
from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.files import FileName
from bondstore.domains.ocean.qc.flags import Flag, Flags, Scale
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.domains.ocean.qc.suite import Step

_OF: Mapping[str, tuple[str, ...]] = {"POSITION": ("LATITUDE", "LONGITUDE")}
"""POSITION is no variable of a file: its flags stand for two."""
_QARTOD: Mapping[str, str] = {
    "qartod.attenuated_signal": "attenuated_signal_test_quality_flag",
    "qartod.climatology": "climatology_test_quality_flag",
    "qartod.flat_line": "flat_line_test_quality_flag",
    "qartod.gap": "gap_test_quality_flag",
    "qartod.gross_range": "gross_range_test_quality_flag",
    "qartod.location": "location_test_quality_flag",
    "qartod.multi_variate": "multi_variate_test_quality_flag",
    "qartod.neighbour": "neighbor_test_quality_flag",
    "qartod.rate_of_change": "rate_of_change_test_quality_flag",
    "qartod.rate_per_second": "rate_of_change_test_quality_flag",
    "qartod.spike": "spike_test_quality_flag",
    "qartod.syntax": "syntax_test_quality_flag",
}
"""CF's standard names of tests that it has one for."""
_WORDS: Mapping[str, str] = {
    "TIME": "time",
    "POSITION": "position",
    "LATITUDE": "latitude",
    "LONGITUDE": "longitude",
    "PRES": "sea pressure",
    "TEMP": "sea water temperature",
    "PSAL": "practical salinity",
}
_MOST_REASONS = 20
_ORDER = np.array([Flag.MISSING, Flag.SILENT, Flag.GOOD, Flag.PROBABLY_GOOD, Flag.UNEVALUATED, Flag.SUSPECT, Flag.BAD])
_RANK = np.zeros(max(Flag) + 1)
_RANK[_ORDER] = range(len(_ORDER))


def per_test_name(step: Step) -> str:
    """Return the name of a test's flags in files: ``TEMP_qc_spike``."""
    return f"{step.on}_qc_{re.sub('[^A-Za-z0-9_]', '_', step.label)}"


def rolled_names(result: Result) -> dict[str, str]:
    """Return the names of the roll-ups in files, each with the variable of the result that it is of."""
    return {f"{name}_quality_control": on for on in result.rolled for name in _OF.get(on, (on,))}


def links(result: Result) -> dict[str, str]:
    """Return for each variable of a file the names of its flags, with spaces between."""
    linked = {
        name: [f"{name}_quality_control", *(per_test_name(step) for step in result.suite.steps if step.on == on)]
        for on in result.rolled
        for name in _OF.get(on, (on,))
    }
    return {name: " ".join(names) for name, names in linked.items()}


def flag_variables(batch: Batch, result: Result, lies: Mapping[str, str]) -> list[Variable]:
    """Return all flags as variables, in the numbers of the suite's scale.

    Parameters
    ----------
    batch : Batch
        The profiles.
    result : Result
        What a suite says of them.
    lies : mapping of str to str
        The dimension of each variable. Where it is the profiles, each has the worst flag of its levels.
    """
    scale = result.suite.scale
    shared = _shared(scale)
    made: list[Variable] = []

    def add(name: str, on: str, flags: Flags, what: dict[str, Value]) -> None:
        lying = lies[_OF.get(on, (on,))[0]]
        made.append(Variable(name, (lying,), scale.write(_as(batch, flags, lying)), {**what, **shared}))

    for name, on in rolled_names(result).items():
        words = _WORDS[name.removesuffix("_quality_control")]
        add(
            name,
            on,
            result.rolled[on],
            {"standard_name": "aggregate_quality_flag", "long_name": f"quality flag of {words}: worst of all tests"},
        )
    for step in result.suite.steps:
        if step.on in result.rolled:
            add(per_test_name(step), step.on, result.flags[step.label, step.on], _of_test(batch, result, step))
    return made


@lru_cache(maxsize=1024)
def thresholds(step: Step) -> str:
    """Return a test's thresholds as ``name=value``, with semicolons between, in the order of their names."""
    return "; ".join(f"{name}={_plain(step.thresholds[name])}" for name in sorted(step.thresholds))


def _of_test(batch: Batch, result: Result, step: Step) -> dict[str, Value]:
    what: dict[str, Value] = {
        "standard_name": _QARTOD.get(step.test.name, "quality_flag"),
        "long_name": f"quality flag of {_WORDS[step.on]}: test {clean(step.label)}",
        "test": step.test.name,
        "references": step.test.standard,
    }
    if step.thresholds:
        what["thresholds"] = thresholds(step)
    reasons = result.reasons.get((step.label, step.on))
    if reasons:
        what["not_evaluated"] = _said(batch, reasons)
    return what


def _said(batch: Batch, reasons: Mapping[int, str]) -> str:
    if len(batch) == 1:
        return clean(reasons[0])
    told = [f"{clean(batch.profiles[number].name)}: {clean(why)}" for number, why in sorted(reasons.items())]
    rest = len(told) - _MOST_REASONS
    return "; ".join(told[:_MOST_REASONS]) + (f"; and {rest} more profiles" if rest > 0 else "")


def _as(batch: Batch, flags: Flags, lying: str) -> Flags:
    if lying == LEVEL:
        return flags
    worst = per_profile(batch, _RANK[flags], np.fmax, empty=0.0).astype(np.int64)
    return _ORDER[worst].astype(np.int8)


def _shared(scale: Scale) -> dict[str, Value]:
    return {
        "quality_control_convention": scale.convention,
        "flag_values": np.array(list(scale.meanings), np.int8),
        "flag_meanings": " ".join(scale.meanings.values()),
        "coverage_content_type": "qualityInformation",
    }


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, FileName):  # where it lies on somebody's machine is nobody's business
        return clean(f"{PurePath(value).name} (sha256 {value.sha256})")
    if isinstance(value, str):
        return clean(value)
    return "none" if value is None else str(value)
