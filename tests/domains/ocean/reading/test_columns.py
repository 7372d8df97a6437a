"""Plain tables by a column map."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.columns import parse_columns
from bondstore.errors import ConfigurationError, DamagedError

MAP = """
missing = ["-999"]
[columns]
profile = "cast"
platform = "ship"
time = ["day", "clock"]
latitude = "la"
longitude = "lo"
pressure = "p"
temperature = "t"
salinity = "s"
[units]
time = "%d/%m/%Y %H:%M"
"""
HEAD = b"cast,ship,day,clock,la,lo,p,t,s\n"


def test_profiles_by_their_column_in_the_order_of_first_rows() -> None:
    rows = (
        b'B,"Sea, Star",1/02/2020,10:00,-40,190,5,12.5,35\n'
        b"A,X,1/02/2020,11:00,-41,170,7,-999,34\n"
        b'B,"Sea, Star",1/02/2020,10:01,-40,190,6,12,-999\n'
    )
    batch, found = read_any("casts.csv", b"\xef\xbb\xbf" + HEAD + rows, parse_columns(MAP))
    assert [one.kind for one in found] == ["byte-order-mark"]
    assert batch.sizes.tolist() == [2, 1]
    assert [one.name for one in batch.profiles] == ["casts", "casts-2"]
    assert [one.known["platform"] for one in batch.profiles] == ["Sea, Star", "X"]
    assert [one.platform for one in batch.profiles] == ["", ""]
    assert [one.known["profile_id"] for one in batch.profiles] == ["B", "A"]
    assert batch.pressure.tolist() == [5, 6, 7]
    assert batch.time[1] == datetime(2020, 2, 1, 10, 1, tzinfo=UTC).timestamp()
    assert np.isnan(batch.temperature).tolist() == [False, False, True]
    assert batch.salinity is not None
    assert np.isnan(batch.salinity).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("unit", "value", "expected"), [("kelvin", "280.15", 7.0), ("degF", "212", 100.0), ("degree_Celsius", "7", 7.0)]
)
def test_units_of_temperature(unit: str, value: str, expected: float) -> None:
    batch, _ = read_any("x.csv", _one(t=value), parse_columns(MAP + f'temperature = "{unit}"\n'))
    assert batch.temperature[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unit", "expected"), [("dbar", 20.0), ("bar", 200.0), ("kPa", 2.0), ("metre-of-seawater", 20.15)]
)
def test_units_of_pressure(unit: str, expected: float) -> None:
    batch, found = read_any("x.csv", _one(p="20", la="-41"), parse_columns(MAP + f'pressure = "{unit}"\n'))
    assert batch.pressure[0] == pytest.approx(expected, abs=0.01)
    assert [one.kind for one in found] == (["depth-converted"] if unit.startswith("m") else [])


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        ("iso", "2020-02-01T10:00:00+02:00", datetime(2020, 2, 1, 8, tzinfo=UTC).timestamp()),
        ("iso", "2020-02-01 10:00", datetime(2020, 2, 1, 10, tzinfo=UTC).timestamp()),
        ("days since 1950-01-01", "7305.5", 43_200.0),
        ("seconds since 1970-01-01", "1.5", 1.5),
    ],
)
def test_times(how: str, text: str, expected: float) -> None:
    stated = MAP.replace('["day", "clock"]', '"day"').replace('"%d/%m/%Y %H:%M"', f'"{how}"')
    assert read_any("x.csv", _one(day=text), parse_columns(stated))[0].time.tolist() == [expected]


def test_what_is_odd_is_told() -> None:
    rows = b"A,X,soon,10:00,-40,190,five,1,1\nA,X\n\nA,X,1/02/2020,10:00,-40,190,1e999,1,1\n"
    batch, found = read_any("x.csv", HEAD + rows, parse_columns(MAP))
    assert batch.sizes.tolist() == [2]
    assert {one.kind: one.count for one in found} == {"rows-damaged": 1, "times-damaged": 1, "values-damaged": 2}
    assert read_any("x.csv", HEAD, parse_columns(MAP))[0].sizes.tolist() == [0]


@pytest.mark.parametrize("data", [b"", b"a,b\n1,2\n", HEAD.replace(b"la", b"lo"), HEAD + b'"A', HEAD + b"\xff\xfe,\n"])
def test_no_such_table(data: bytes) -> None:
    with pytest.raises(DamagedError):
        read_any("x.csv", data, parse_columns(MAP))


@pytest.mark.parametrize(
    "text",
    [
        "[columns",
        "",
        MAP.replace('pressure = "p"', ""),
        MAP + 'temperature = "rankine"\n',
        MAP + 'temprature = "kelvin"\n',
        MAP + "pressure = 5\n",
        MAP.replace('"%d/%m/%Y %H:%M"', '"sometimes"'),
        "colums = 1\n" + MAP,
        'separator = ";;"\n' + MAP,
        MAP.replace('latitude = "la"', 'latitude = ["la", "lo"]'),
    ],
)
def test_a_map_that_cannot_be_used(text: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_columns(text)


def _one(**changes: str) -> bytes:
    cells = {
        "cast": "A",
        "ship": "X",
        "day": "1/02/2020",
        "clock": "10:00",
        "la": "-40",
        "lo": "170",
        "p": "5",
        "t": "7",
    }
    return HEAD + ",".join(({**cells, "s": "35"} | changes).values()).encode() + b"\n"
