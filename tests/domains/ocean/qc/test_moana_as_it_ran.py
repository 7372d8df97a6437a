"""Suite moana-2024 sets the flags that the chain sets under the pandas that it pins, run there for these values."""

from __future__ import annotations

import csv

import numpy as np

from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from tests.domains.ocean.qc.moana_made import NAN, cast, run
from tests.real_ocean import real

GOOD, SUSPECT = 1, 3


def test_of_21_equal_temperatures_twenty_are_stuck() -> None:
    # run with pandas 1.5.3: 21 x 12.6 degrees give twenty times 3, then 1
    assert run("moana2024.stuck_value", "TEMP", cast(temp=[12.6] * 21)) == [SUSPECT] * 20 + [GOOD]


def test_a_jump_of_twenty_degrees_in_one_dbar_is_flagged() -> None:
    # run with pandas 1.5.3: SD 6.285, limit 14.57
    one = cast(temp=[10.0] * 8 + [30.0], pres=[float(place) for place in range(9)])
    assert run("moana2024.rate_of_change", "PRES", one) == [GOOD] * 8 + [SUSPECT]


def test_at_the_same_pressure_any_change_is_flagged() -> None:
    # run with pandas 1.5.3: 20 / 0 is infinite, 0 / 0 is not over the limit
    one = cast(temp=[10.0, 10.0, 10.0, 30.0], pres=[1.0, 2.0, 2.0, 2.0])
    assert run("moana2024.rate_of_change", "PRES", one) == [GOOD, GOOD, GOOD, SUSPECT]


def test_rows_that_the_chain_drops_are_no_part_of_a_run() -> None:
    one = cast(temp=[12.6] * 10 + [NAN] + [12.6] * 11)
    assert run("moana2024.stuck_value", "TEMP", one) == [SUSPECT] * 10 + [9] + [SUSPECT] * 10 + [GOOD]


def test_the_real_file_has_the_160_stuck_temperatures_of_the_chain() -> None:
    path = real("MOANA_0038_*.csv")[0]
    batch, _ = read_any(path.name, path.read_bytes())
    result = evaluate(batch, load_suite("moana-2024"))
    temp = [
        float(row[4]) for row in csv.reader(path.read_text().splitlines()) if len(row) == 5 and row[0][:4] == "2021"
    ]
    expected = np.full(len(temp), GOOD)
    for place in range(20, len(temp)):  # the rule as documented, its last level left out
        if all(abs(one - temp[place]) < 0.05 for one in temp[place - 20 : place]):
            expected[place - 20 : place] = SUSPECT
    assert result.flags["stuck_value", "TEMP"].tolist() == expected.tolist()
    assert expected.tolist().count(SUSPECT) == 160
    assert (result.flags["rate_of_change", "PRES"] == GOOD).all()
    assert (result.flags["stuck_value", "PRES"] == GOOD).all()
