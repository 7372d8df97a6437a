"""What thresholds must be, by their names: spans from low to high, sizes that are none under zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_SPANS = ("sensor_span", "operator_span", "span", "latitude", "longitude", "latitudes", "longitudes")
_RISING = (
    ("low", "high"),
    ("lowest", "suspect_from"),
    ("lowest", "bad_from"),
    ("suspect_from", "bad_from"),
    ("unsure", "suspect"),
    ("suspect_count", "fail_count"),
)
"""Thresholds of one test of which the first is the smaller: what is over the second is over the first."""
_OF_SIZE = """
    low high deviations other_deviations window radius fastest resolution rate within increment range_max eps tolerance
    threshold limit jump layer slab greatest least mean longest_gap overflow factor shallow deep split moving release
    offset surface still max_age max_distance spreads ranges warn fail unsure dive dive_limits shallow_limits firmware
    zones windows bands near_value near_pressure others reversal discrete averaged below step
"""
_SIZES = frozenset(_OF_SIZE.split())
"""Distances, heights, widths and rates: below zero, all things would be over them, or none."""
_COUNTS = frozenset({"repeats", "smallest_cluster", "beside", "suspect_count", "fail_count"})


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
        if name in _SIZES and any(one < 0 for one in _numbers(value)):
            yield f"{name} of {test} is negative", "State a size: 0 or more."
        if name in _COUNTS and value < 1:
            yield f"{name} of {test} is under 1", "State how many: 1 or more."
    sensor, operator = stated.get("sensor_span"), stated.get("operator_span")
    if sensor is not None and operator is not None and (operator[0] < sensor[0] or operator[1] > sensor[1]):
        yield (
            f"operator_span of {test} is wider than its sensor_span",
            "The span that the operator expects lies within what the sensor can measure.",
        )
    reference = stated.get("reference")
    if reference is not None and abs(reference[0]) > 90:
        yield f"reference of {test} is no place on Earth", "Write the latitude first: reference = [-41.3, 173.3]"


def _numbers(value: Any) -> Iterator[float]:
    """Yield the numbers of a threshold; none of one that holds tables."""
    for one in value if isinstance(value, list | tuple) else (value,):
        if isinstance(one, int | float) and not isinstance(one, bool):
            yield one
