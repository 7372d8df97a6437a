"""The variables of a netCDF file: what was measured, each profile's own time and place, and all flags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bondstore.domains.ocean.output.attributes import Fact, clean
from bondstore.domains.ocean.output.classic import Value, Variable
from bondstore.domains.ocean.output.extents import Nominal, wrapped
from bondstore.domains.ocean.output.variables import (
    AXES,
    LEVEL,
    MEANING,
    MEASURED,
    NAN,
    OF,
    PROFILE,
    WORDS,
    flag_attributes,
    source_name,
)
from bondstore.domains.ocean.profiles import Batch, Floats
from bondstore.domains.ocean.qc.evaluate import Result
from bondstore.domains.ocean.qc.files import FileName
from bondstore.domains.ocean.qc.flags import BETTER_FIRST, RANK, Flag, Flags
from bondstore.domains.ocean.qc.ragged import per_profile
from bondstore.domains.ocean.qc.seawater import depth
from bondstore.domains.ocean.qc.suite import Step

DAYS_TO_1970 = 7305.0
"""Days from 1950-01-01 to 1970-01-01."""


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


_MOST_REASONS = 20


def where_each_lies(batch: Batch) -> dict[str, str]:
    """Return the dimension of each variable: levels, or profiles where no level has a time or place of its own."""
    timed = LEVEL if any(one.timed for one in batch.profiles) else PROFILE
    placed = LEVEL if any(one.placed for one in batch.profiles) else PROFILE
    return {"TIME": timed, "LATITUDE": placed, "LONGITUDE": placed, "PRES": LEVEL, "TEMP": LEVEL, "PSAL": LEVEL}


def measured(batch: Batch, own: Nominal, lies: Mapping[str, str], linked: Mapping[str, str]) -> list[Variable]:
    """Return the measured variables, and each profile's own time and place where levels have theirs.

    `linked` are the names of each variable's flags, with spaces between.
    """
    whole = {"TIME": own.time, "LATITUDE": own.latitude, "LONGITUDE": own.longitude}
    of_profile = [
        Variable(
            f"PROFILE_{name}",
            (PROFILE,),
            _written(name, values),
            {**MEANING[name], "long_name": f"{name.lower()} that stands for the profile", "axis": AXES[name]},
        )
        for name, values in whole.items()
        if lies[name] == LEVEL
    ]
    coordinates = " ".join(["TIME", "LATITUDE", "LONGITUDE", "PRES", *(one.name for one in of_profile)])
    made: list[Variable] = []
    for name, what in MEANING.items():
        column = whole[name] if lies[name] == PROFILE else batch.column(name)
        if column is None:
            continue
        more: dict[str, Value] = {"ancillary_variables": linked[name]}
        if lies[name] == PROFILE:
            more["axis"] = AXES[name]
        if name in ("TEMP", "PSAL"):
            more["coordinates"] = coordinates
        made.append(Variable(name, (lies[name],), _written(name, column), {**what, **more}))
    return made + of_profile


def _written(name: str, values: Floats) -> Floats:
    if name == "TIME":
        return values / 86400.0 + DAYS_TO_1970
    return wrapped(values) if name == "LONGITUDE" else values


def depths(batch: Batch, result: Result) -> list[Variable]:
    """Return the depth of each level and its flag, which is that of the pressure it is computed from."""
    metres = depth(batch)
    flags = np.where(np.isnan(metres), np.int8(Flag.MISSING), result.rolled["PRES"])
    words = "quality flag of depth: that of the sea pressure"
    what: dict[str, Value] = {
        "standard_name": "aggregate_quality_flag",
        "long_name": words,
        **flag_attributes(result.suite.scale),
    }
    return [
        Variable("DEPTH", (LEVEL,), metres, _DEPTH),
        Variable("DEPTH_quality_control", (LEVEL,), result.suite.scale.write(flags), what),
    ]


_DEPTH: Mapping[str, Value] = {
    "standard_name": "depth",
    "long_name": "depth",
    "units": "m",
    "positive": "down",
    "reference_datum": "sea surface",
    "valid_min": -5.0,
    "valid_max": 12_000.0,
    "ancillary_variables": "DEPTH_quality_control",
    "comment": "Computed from sea pressure and latitude by TEOS-10 (gsw.z_from_p).",
    **NAN,
    **MEASURED,
}


def known(each: Sequence[Mapping[str, Fact]]) -> tuple[dict[str, Value], list[tuple[str, NDArray[np.generic]]]]:
    """Return what is the same for all profiles as attributes, and the rest as values per profile for variables."""
    names = list(dict.fromkeys(name for facts in each for name in facts))
    same: dict[str, Value] = {}
    differing: list[tuple[str, NDArray[np.generic]]] = []
    for name in names:
        values = [facts.get(name) for facts in each]
        if values[0] is not None and all(one == values[0] for one in values):
            same[name] = values[0]
        elif any(isinstance(one, str) for one in values):
            differing.append((name, letters(["" if one is None else str(one) for one in values])))
        else:
            differing.append((name, np.array([np.nan if one is None else one for one in values], np.float64)))
    return same, differing


def letters(texts: Sequence[str]) -> NDArray[np.generic]:
    """Return texts as one-byte strings of shape (texts, length of the longest), UTF-8, with zeros behind them."""
    coded = [text.encode() for text in texts]
    longest = max(1, *map(len, coded))
    return np.frombuffer(b"".join(one.ljust(longest, b"\0") for one in coded), "S1").reshape(len(texts), longest)


def per_test_name(step: Step) -> str:
    """Return the name of a test's flags in files: ``TEMP_qc_spike``."""
    return f"{step.on}_qc_{re.sub('[^A-Za-z0-9_]', '_', step.label)}"


def rolled_names(result: Result) -> dict[str, str]:
    """Return the names of the roll-ups in files, each with the variable of the result that it is of."""
    return {f"{name}_quality_control": on for on in result.rolled for name in OF.get(on, (on,))}


def links(batch: Batch, result: Result) -> dict[str, str]:
    """Return for each variable of a file the names of its flags, with spaces between."""
    linked = {
        name: [
            f"{name}_quality_control",
            *(per_test_name(step) for step in result.suite.steps if step.on == on),
            *([source_name(name)] if on in batch.source else []),
        ]
        for on in result.rolled
        for name in OF.get(on, (on,))
    }
    return {name: " ".join(names) for name, names in linked.items()}


def flag_variables(batch: Batch, result: Result, lies: Mapping[str, str]) -> list[Variable]:
    """Return all flags as variables, in the numbers of the suite's scale.

    `lies` tells the dimension of each variable; where it is the profiles, each has the worst flag of its levels.
    """
    scale = result.suite.scale
    shared = flag_attributes(scale)
    made: list[Variable] = []

    def add(name: str, on: str, flags: Flags, what: dict[str, Value]) -> None:
        lying = lies[OF.get(on, (on,))[0]]
        made.append(Variable(name, (lying,), scale.write(_as(batch, flags, lying)), {**what, **shared}))

    for name, on in rolled_names(result).items():
        words = WORDS[name.removesuffix("_quality_control")]
        add(
            name,
            on,
            result.rolled[on],
            {
                "standard_name": "aggregate_quality_flag",
                "long_name": f"quality flag of {words}: worst of all tests"
                + (", and of the flag that the source brought" if on in batch.source else ""),
            },
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
        "long_name": f"quality flag of {WORDS[step.on]}: test {clean(step.label)}",
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
    worst = per_profile(batch, RANK[flags].astype(np.float64), np.fmax, empty=0.0).astype(np.int64)
    return np.array(BETTER_FIRST, np.int8)[worst]


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    if isinstance(value, FileName):  # where it lies on somebody's machine is nobody's business
        return clean(f"{PurePath(value).name} (sha256 {value.sha256})")
    if isinstance(value, str):
        return clean(value)
    return "none" if value is None else str(value)
