"""What thresholds must be, by their names: spans from low to high, sizes that are none under zero."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from time import time
from typing import Any

from bondstore.domains.ocean.qc.common import seconds

_SPANS = ("sensor_span", "operator_span", "span", "latitude", "longitude", "latitudes", "longitudes")
_RISING = (
    ("low", "high"),
    ("lowest", "suspect_from"),
    ("lowest", "bad_from"),
    ("suspect_from", "bad_from"),
    ("unsure", "suspect"),
    ("suspect_count", "fail_count"),
    ("bad", "suspect"),
    ("earliest", "now"),
)
"""Thresholds of one test of which the first is the smaller: what is over the second is over the first."""
_OF_SIZE = """
    low high deviations other_deviations window radius fastest resolution rate within increment range_max eps tolerance
    threshold limit jump layer slab greatest least mean longest_gap overflow factor shallow deep split moving release
    offset surface still max_age max_distance spreads ranges warn fail unsure dive dive_limits shallow_limits firmware
    zones windows bands near_value near_pressure others reversal discrete averaged below step trim gradients reversals
    density_gradients density_reversals distances density_distances distances_alone distances_equator extent
    density_extent equator rising edge scale configured digits
"""
_SIZES = frozenset(_OF_SIZE.split())
"""Distances, heights, widths and rates: below zero, all things would be over them, or none."""
_LIMITS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("latitude", "latitudes"), (-90.0, 90.0)),
    **dict.fromkeys(("longitude", "longitudes"), (-180.0, 360.0)),
    "equator": (0.0, 90.0),
    "month": (1.0, 12.0),
    "quarter": (1.0, 4.0),
    "week": (1.0, 53.0),
    "day_of_year": (1.0, 366.0),
}
"""What there is of places and of times of the year: beyond it, a test would never find anything."""
_COUNTS = frozenset({"repeats", "smallest_cluster", "beside", "suspect_count", "fail_count"})
_ASCENDING = ("zones", "bands", "edges", "digits")
_ALIKE = (
    ("zones", 0, ("windows", "distances", "density_distances", "distances_alone", "distances_equator")),
    ("bands", 1, ("gradients", "reversals", "density_gradients", "density_reversals")),
    ("edges", -1, ("spreads", "ranges")),
)
"""Tables of one test: how many numbers more than the first the others have."""
_DAYS_1950 = 7305.0
"""Days from 1950-01-01, from which Argo's dates count, to 1970-01-01."""


def objections(test: str, stated: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what thresholds of a test contradict themselves or can mean nothing, each with what to write instead."""
    for name in _SPANS:
        span = stated.get(name)
        if span is not None and span[0] > span[1]:
            yield f"{name} of {test} ends before it begins", f"Write the smaller number first: {name} = [low, high]"
    for low, high in _RISING:
        if stated.get(low) is not None and stated.get(high) is not None and stated[low] > stated[high]:
            yield f"{low} of {test} is above its {high}", f"Make {low} the smaller of the two."
    for name, value in stated.items():
        yield from _of_numbers(test, name, value)
    yield from _of_tables(test, stated)
    if _is_to_come(stated.get("earliest")):
        yield f"earliest of {test} is yet to come", "State a day that is past: every date would be before it."
    sensor, operator = stated.get("sensor_span"), stated.get("operator_span")
    if sensor is not None and operator is not None and (operator[0] < sensor[0] or operator[1] > sensor[1]):
        yield (
            f"operator_span of {test} is wider than its sensor_span",
            "The span that the operator expects lies within what the sensor can measure.",
        )
    reference = stated.get("reference")
    if reference is not None and (abs(reference[0]) > 90 or not -180 <= reference[1] <= 360):
        yield f"reference of {test} is no place on Earth", "Write the latitude first: reference = [-41.3, 173.3]"


def _of_numbers(test: str, name: str, value: Any) -> Iterator[tuple[str, str]]:
    if name in _SIZES and any(one < 0 for one in _numbers(value)):
        yield f"{name} of {test} is negative", "State a size: 0 or more."
    yield from _beyond(test, name, value)
    for window in value if isinstance(value, list) else ():
        if isinstance(window, Mapping):
            for key, ends in window.items():
                yield from _beyond(test, key, ends)
    if name in _COUNTS and value < 1:
        yield f"{name} of {test} is under 1", "State how many: 1 or more."


def _beyond(test: str, name: str, value: Any) -> Iterator[tuple[str, str]]:
    low, high = _LIMITS.get(name, (-math.inf, math.inf))
    if any(not low <= one <= high for one in _numbers(value)):
        yield f"{name} of {test} is outside {low:g} to {high:g}", f"State numbers from {low:g} to {high:g}."


def _of_tables(test: str, stated: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with tables whose numbers belong together."""
    for name in _ASCENDING:
        table = stated.get(name) or ()
        if any(high <= low for low, high in pairwise(table)):
            yield f"{name} of {test} are not ascending", "State them from the smallest to the largest."
    for first, more, others in _ALIKE:
        for name in others:
            if stated.get(first) is not None and stated.get(name) is not None:
                wanted = len(stated[first]) + more
                if len(stated[name]) != wanted:
                    yield f"{name} of {test} has not the numbers that its {first} ask for", f"State {wanted} of them."


def _is_to_come(earliest: Any) -> bool:
    """Whether a day (an ISO date, or days since 1950) lies after today."""
    if earliest is None:
        return False
    return (seconds(earliest) if isinstance(earliest, str) else (earliest - _DAYS_1950) * 86400.0) > time()


def _numbers(value: Any) -> Iterator[float]:
    """Yield the numbers of a threshold; none of one that holds tables."""
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, int | float) and not isinstance(one, bool):
            yield one
