"""The Argo suite as a whole: its order, HISTORY_QCTEST, letters, and that no profile sees another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.output.argo_history import NUMBERS, masks, profile_quality
from bondstore.domains.ocean.qc.evaluate import Result, evaluate
from bondstore.domains.ocean.qc.suite import all_tests, load_suite
from tests.domains.ocean.qc.argo_cases import BAD, GOOD, SUSPECT, Cast, batch, before, cast, casts

ORDER = (1, 2, 3, 4, 5, 15, 19, 6, 7, 8, 9, 25, 12, 13, 14, 16, 18, 23, 24, 21, 22)
OF_A_KIND = (7, 21, 22, 23, 24)  # silent on what is not in those seas, near the surface, deep or of RBR
PRESSURE = [5.0, 50.0, 100.0, 150.0, 200.0, 300.0, 400.0, 500.0, 700.0, 900.0]
WARM = [18.0, 17.5, 16.0, 14.5, 13.0, 11.5, 10.0, 9.0, 7.0, 5.0]
SALT = [35.4, 35.4, 35.3, 35.2, 35.0, 34.9, 34.8, 34.7, 34.6, 34.5]


def sound(**changed: object) -> Cast:
    """A profile that passes everything."""
    made = {
        "temperature": WARM,
        "pressure": PRESSURE,
        "salinity": SALT,
        "download": 1.7e9,
        "known": {"cycle": "7", "grey_list": "", "deepest_pressure": "1000"},
        "earlier": before([one + 0.4 for one in WARM], PRESSURE, [one + 0.1 for one in SALT]),
    }
    return cast(**(made | changed))


def changed(row: list[float], at: int, value: float) -> list[float]:
    return [*row[:at], value, *row[at + 1 :]]


def judged(*made: Cast) -> tuple[object, Result]:
    whole = batch(*made)
    return whole, evaluate(whole, load_suite("argo"))


def test_the_suite_keeps_the_manuals_order() -> None:
    numbers = [NUMBERS[one.test.name] for one in load_suite("argo").steps]
    assert tuple(dict.fromkeys(numbers)) == ORDER


def test_every_argo_test_has_a_number() -> None:
    assert {name for name in all_tests() if name.startswith("argo.")} == set(NUMBERS)
    assert all(f"test {NUMBERS[name]}" in all_tests()[name].standard for name in NUMBERS)


def test_a_sound_profile_is_good() -> None:
    whole, result = judged(sound())
    assert result.reasons == {}
    assert result.grades.tolist() == [GOOD]
    assert {name: set(flags.tolist()) for name, flags in result.rolled.items()} == {
        name: {GOOD} for name in ("TIME", "POSITION", "PRES", "TEMP", "PSAL")
    }
    every = sum(1 << number for number in ORDER if number not in OF_A_KIND)
    told = masks(whole, result)[0]
    assert (told["tests_performed"], told["tests_failed"]) == (f"{every:X}", "0")


@pytest.mark.parametrize(
    ("made", "failed", "where"),
    [
        (sound(platform="x"), {1}, "TEMP"),
        (sound(time=1.8e9), {2}, "TIME"),
        (sound(latitude=95.0), {3}, "POSITION"),
        (sound(latitude=23.0, longitude=10.0), {4}, "POSITION"),
        (sound(latitude=-30.0, longitude=-120.0), {5}, "POSITION"),
        (sound(latitude=-30.0, longitude=-120.0), {5}, "TIME"),
        (sound(known={"grey_list": "PSAL:4", "deepest_pressure": "1000"}), {15}, "PSAL"),
        (sound(known={"grey_list": "", "deepest_pressure": "400"}), {19}, "PRES"),
        (sound(temperature=changed(WARM, 3, 41.0)), {6}, "TEMP"),
        (sound(pressure=changed(PRESSURE, 0, -6.0)), {6}, "PSAL"),
        (sound(pressure=changed(PRESSURE, 8, 250.0)), {8}, "TEMP"),
        (sound(temperature=changed(WARM, 3, 25.0)), {9}, "TEMP"),
        (sound(salinity=changed(SALT, 3, 33.0)), {9}, "PSAL"),
        (sound(temperature=[12.0] * 10), {13}, "TEMP"),
        (sound(salinity=[one - 1.0 for one in SALT]), {16}, "PSAL"),
        (sound(earlier=before(WARM, PRESSURE, SALT)), {18}, "TEMP"),
    ],
)
def test_each_fault_is_found_by_its_test(made: Cast, failed: set[int], where: str) -> None:
    whole, result = judged(made)
    mask = int(masks(whole, result)[0]["tests_failed"], 16)
    found = {number for number in ORDER if mask >> number & 1}
    assert failed <= found
    assert set(result.rolled[where].tolist()) & {SUSPECT, BAD}


def test_what_was_bad_in_temperature_is_bad_in_salinity_where_the_test_says_both() -> None:
    _, result = judged(sound(salinity=changed(SALT, 5, 34.4), temperature=changed(WARM, 5, 13.0)))
    assert result.flags["density_inversion", "TEMP"].tolist() == result.flags["density_inversion", "PSAL"].tolist()
    assert BAD in result.flags["density_inversion", "TEMP"]


def test_the_bit_of_test_18_is_a_power_of_two() -> None:
    whole, result = judged(sound(earlier=before(WARM, PRESSURE, SALT)))
    assert int(masks(whole, result)[0]["tests_failed"], 16) & 262144


@pytest.mark.parametrize(
    ("flags", "letter"),
    [
        ([1, 1, 2, 1], "A"),
        ([1, 1, 1, 4], "B"),
        ([1, 1, 4, 3], "C"),
        ([1, 4, 4, 4], "D"),
        ([1, 4, 4, 4, 4], "E"),
        ([4, 3], "F"),
        ([9, 9], " "),
        ([5, 5], " "),
        ([9, 1], "A"),
        ([5, 1], "C"),
        ([], " "),
    ],
)
def test_letters(flags: list[int], letter: str) -> None:
    made = batch(cast([1.0] * len(flags)), cast([1.0, 1.0]))
    result = Result(load_suite("argo"), {}, {}, {"TEMP": np.array([*flags, 4, 4], np.int8)}, np.zeros(2, np.int8))
    assert profile_quality(made, result, "TEMP") == [letter, "F"]
    assert profile_quality(made, result, "PSAL") == [" ", " "]


@given(st.lists(casts(), min_size=1, max_size=5), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_no_profile_sees_another(made: list[Cast], chance: object) -> None:
    suite = load_suite("argo")
    whole = batch(*made)
    result = evaluate(whole, suite)
    order = list(range(len(made)))
    chance.shuffle(order)
    mixed = batch(*(made[one] for one in order))
    turned = evaluate(mixed, suite)
    for name, flags in result.flags.items():
        for place, number in enumerate(order):
            rows = slice(int(whole.starts[number]), int(whole.starts[number] + whole.sizes[number]))
            there = slice(int(mixed.starts[place]), int(mixed.starts[place] + mixed.sizes[place]))
            alone = evaluate(whole.take([number]), suite).flags[name] if place == 0 else flags[rows]
            assert flags[rows].tolist() == turned.flags[name][there].tolist() == alone.tolist(), name


def test_an_empty_batch() -> None:
    result = evaluate(batch(), load_suite("argo"))
    assert result.grades.tolist() == []
