"""Many files at once: the same as one by one, whatever stands beside them; and nothing but DamagedError comes out."""

from __future__ import annotations

import csv
import io
import pickle
from datetime import UTC, datetime

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.reading import Answer, read_any, read_many
from bondstore.errors import DamagedError
from tests.ocean_files import argo_nc, moana_csv, moana_fleet, ragged_nc

COLUMNS = ("time", "latitude", "longitude", "pressure", "temperature")


def same(one: Answer, other: Answer) -> bool:
    if isinstance(one, DamagedError) or isinstance(other, DamagedError):
        return str(one) == str(other)
    return (
        repr(one[0].profiles) == repr(other[0].profiles)  # of equal arrays, numpy tells no truth
        and one[1] == other[1]
        and np.array_equal(one[0].sizes, other[0].sizes)
        and all(np.array_equal(getattr(one[0], name), getattr(other[0], name), equal_nan=True) for name in COLUMNS)
    )


def alone(key: str, data: bytes) -> Answer:
    try:
        return read_any(key, data)
    except DamagedError as error:
        return error


def by_hand(data: bytes) -> list[list[float]]:
    """Read the levels with the standard library."""
    lines = data.decode().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("DateTime"))
    rows = []
    for cells in csv.reader(io.StringIO("\n".join(lines[at + 1 :]))):
        if len(cells) == 5:
            moment = datetime.strptime(cells[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC).timestamp()
            rows.append([moment, *map(float, cells[1:])])
    return rows


def levels(batch: Batch) -> list[list[float]]:
    return np.column_stack([getattr(batch, name) for name in COLUMNS]).tolist()


def test_a_fleet_agrees_with_the_standard_library() -> None:
    fleet = moana_fleet(30, levels=50, seed=3)
    answers = read_many(list(fleet.items()))
    for (key, data), answer in zip(fleet.items(), answers, strict=True):
        assert not isinstance(answer, DamagedError)
        batch, found = answer
        assert found == []
        assert batch.profiles[0].key == key
        assert levels(batch) == by_hand(data)


NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(-9999, 9999, places=6).map(str),
    st.text("0123456789+-.eE_", min_size=1, max_size=22),
    st.sampled_from(["-0.0", "1.", ".5", "+.5", "inf", "nan", "1e400", "1e-400", "123456789012345678", "9" * 30]),
)


@given(st.lists(NUMBERS, min_size=1, max_size=20))
def test_numbers_are_to_the_last_bit_what_polars_reads(texts: list[str]) -> None:
    batch, found = read_any("a.csv", moana_csv(temperature=texts))
    wanted = polars.Series(texts).cast(polars.Float64, strict=False).fill_null(np.nan).to_numpy().copy()
    wanted[~np.isfinite(wanted)] = np.nan
    assert batch.temperature.tobytes() == np.where(np.isnan(wanted), np.nan, wanted).tobytes()
    damaged = [one for text, one in zip(texts, wanted.tolist(), strict=True) if one != one and text != "-"]
    assert sum(one.count for one in found if one.kind == "values-damaged") == len(damaged)


def test_every_file_is_read_as_if_it_were_alone() -> None:
    odd = [
        ("empty.csv", b""),
        ("argo.nc", argo_nc()),
        ("cut.csv", moana_csv(truncated=True, cut=3)),
        ("no.csv", b"hello"),
        ("none.csv", moana_csv(pressure=[], temperature=[], times=[])),
        ("ragged.nc", ragged_nc()),
        ("bad.csv", moana_csv(temperature=["x", None, 3.0]).replace(b"20240501T030010,", b"")),
        ("bad.nc", argo_nc()[:700]),
        ("wide.csv", moana_csv().replace(b"Temperature C", b"Temperature C,More")),
    ]
    pairs = [*moana_fleet(5, levels=7).items(), *odd, *moana_fleet(5, levels=3, seed=9).items()]
    for order in (pairs, pairs[::-1], pairs[3:] + pairs[:3]):
        for (key, data), answer in zip(order, read_many(order), strict=True):
            assert same(answer, alone(key, data)), key


def test_nothing_at_all() -> None:
    assert read_many([]) == []


def test_answers_travel_between_processes() -> None:
    for answer in read_many([*moana_fleet(2, levels=4).items(), ("x", b"")]):
        assert same(answer, pickle.loads(pickle.dumps(answer)))


BASE = [
    moana_csv(pressure=[1.0, 2.0, 3.0], quirks=("mixed-ends", "blank-line")),
    moana_csv(pressure=[1.0, 2.0], dialect=2, bom="utf-8"),
    moana_csv(pressure=[1.0], bom="utf-16-le"),
]
SIGNS = b"\0\r\n,-+.E \"'#\xff\xc3T0129eND"


@st.composite
def hurt(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(BASE)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        what = draw(st.sampled_from(["put", "cut", "swap", "drop"]))
        some = bytes(draw(st.lists(st.sampled_from(list(SIGNS)), min_size=1, max_size=5)))
        if what == "put":
            data[at:at] = some
        elif what == "swap":
            data[at : at + len(some)] = some
        elif what == "drop":
            del data[at : at + draw(st.integers(1, 40))]
        else:
            data = data[:at]
    return bytes(data)


@settings(max_examples=300, deadline=None)
@given(st.lists(hurt(), min_size=1, max_size=5))
def test_damaged_bytes_give_answers_or_damaged_errors(files: list[bytes]) -> None:
    pairs = [(f"MOANA_0012_1_{number}.csv", data) for number, data in enumerate(files)]
    for (key, data), answer in zip(pairs, read_many(pairs), strict=True):
        assert same(answer, alone(key, data))
        if not isinstance(answer, DamagedError):
            batch = answer[0]
            assert {len(getattr(batch, name)) for name in COLUMNS} == {int(batch.sizes.sum())}
            assert not any(np.isinf(getattr(batch, name)).any() for name in COLUMNS)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    with pytest.raises(DamagedError):
        read_any("x.csv", data)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="+-.0123456789eE nafixINF_", max_size=9), min_size=1, max_size=6))
def test_numbers_are_those_of_python_where_they_are_decimal(texts: list[str]) -> None:
    """Compared with float(), which also takes 1_0, nan and inf: these count as damaged."""
    batch, found = read_any("MOANA_0012_1_1.csv", moana_csv(temperature=list(texts), pressure=[1.0] * len(texts)))
    bad = 0
    for text, value in zip(texts, batch.temperature.tolist(), strict=True):
        plain = text.strip()
        try:
            expected = float("nan" if "_" in plain else plain)
        except ValueError:
            expected = float("nan")
        if expected != expected or expected in (float("inf"), float("-inf")):
            bad += plain not in ("", "-")
            assert value != value
        else:
            assert value == expected
    assert sum(one.count for one in found if one.kind == "values-damaged") == bad
