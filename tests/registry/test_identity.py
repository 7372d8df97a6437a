"""What tells participants apart, and what of them is shown unasked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.registry.identity import identity_of, normal, user_id
from bondstore.registry.masking import is_open, masked
from tests.registry.forms import COLUMNS, person


@pytest.mark.parametrize(
    ("one", "other"),
    [(" VN 1", "vn 1 "), ("VN\t\n1", "VN 1"), ("Stra\u00dfe", "STRASSE"), ("e\u0301", "\u00e9"), ("VN\u00a01", "VN 1"),
     ("\uff36\uff2e1", "VN1")],
)  # fmt: skip
def test_written_in_two_ways(one: str, other: str) -> None:
    assert normal(one) == normal(other)


@pytest.mark.parametrize(
    ("one", "other"), [("VN 1", "VN1"), ("007", "7"), ("VN 1", "VN 10"), ("\u00e9", "e"), ("1.0", "1")]
)
def test_two_that_are_not_the_same(one: str, other: str) -> None:
    assert normal(one) != normal(other)
    assert user_id((normal(one),)) != user_id((normal(other),))


@given(st.text())
def test_normal_of_normal(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@settings(max_examples=200)
@given(st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3).map(tuple), unique=True))
def test_numbers_are_distinct_and_exact_in_a_float(identities: list[tuple[str, ...]]) -> None:
    numbers = [user_id(one) for one in identities]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number == int(float(number)) < 2**53 for number in numbers)


def test_parts_do_not_run_together() -> None:
    assert user_id(("a", "bc")) != user_id(("ab", "c"))
    assert user_id(('a","b',)) != user_id(("a", "b"))


def test_a_missing_part() -> None:
    assert identity_of({"a": "x", "b": " "}, ("a", "b")) is None
    assert identity_of({"a": "x"}, ("a", "b")) is None
    assert identity_of({"a": 3}, ("a",)) is None
    assert identity_of({}, ()) is None
    assert identity_of({"a": " X "}, ("a",)) == ("x",)


def test_covered_is_whatever_is_not_known_to_be_harmless() -> None:
    assert [name for name in COLUMNS if is_open(name)] == [
        "Vessel name",
        "Vessel number",
        "Port",
        "Port state/territory",
    ]
    for name in (
        "Vessel owner",
        "Skipper of the boat",
        "Port contact",
        "E-mail",
        "Transport",
        "Notes",
        "State of health address",
        "Vessel agent",
        "Fishery licence holder",
        "State of health",
        "Vessel skipper's name",
        "Region manager",
        "Name",
        "ID number",
        "",
    ):
        assert not is_open(name), name
    for name in ("vessel_name", "Home port", "Gear type", "Sensor serial number"):
        assert is_open(name), name
    shown = masked(person(1, **{"ABN": ""}))
    assert (shown["ABN"], shown["Contact number"], shown["Port"]) == ("", "***", "Eden")
