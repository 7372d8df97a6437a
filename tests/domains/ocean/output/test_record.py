"""The record of a file, and the status that is made of records."""

import csv
import hashlib
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.ocean.output.record import record_of
from bondstore.domains.ocean.output.status import COLUMNS, status_csv, statuses
from bondstore.domains.ocean.profiles import Deployment
from bondstore.domains.ocean.qc.flags import Flag
from bondstore.release.records import Record
from tests.domains.ocean.output.making import about, batch, profile, result

PATH = "2024/05/MOANA_0001_1_240501_qc.nc"


def recorded(of, said=None, path=PATH, **more) -> Record:
    return record_of(path, b"the file", of, said or result(of), about(**more), ("2024/05/x.png",))


def test_it_is_read_back_as_it_was_written():
    of = batch(30, salinity=True)
    record = recorded(of, result(of, reasons={("spike", "TEMP"): {0: "why"}}))
    assert Record.from_json(record.to_json()) == record
    assert record.sha256 == hashlib.sha256(b"the file").hexdigest()
    assert (record.size, record.file, record.plots) == (8, PATH, ("2024/05/x.png",))
    assert (record.source.store, record.source.key) == ("s3://private/raw", "in/MOANA_0001_1_240501.csv")
    assert (record.settings["suite"], record.settings["tool"][:9]) == ("by-hand", "bondstore")
    assert (record.first, record.last) == ("2024-05-01T00:00:00Z", "2024-05-01T00:29:00Z")
    assert [(one.test, one.on, one.reason) for one in record.unevaluated] == [("spike", "TEMP", "why")]


def test_levels_are_counted_by_what_they_are():
    of = batch(5)
    said = result(of)
    said.rolled["TEMP"][:] = [1, 1, 2, 4, 9]
    said.flags["spike", "TEMP"][:] = [0, 1, 1, 5, 3]
    record = recorded(of, said)
    assert record.levels["TEMP"] == {"good": 2, "probably_good": 1, "bad": 1, "missing": 1}
    assert record.tests["spike/TEMP"] == {"not_applicable": 1, "good": 2, "not_evaluated": 1, "suspect": 1}


@pytest.mark.parametrize(
    ("grades", "expected"),
    [
        ([Flag.GOOD, Flag.GOOD], "good"),
        ([Flag.GOOD, Flag.PROBABLY_GOOD], "probably_good"),
        ([Flag.UNEVALUATED, Flag.GOOD], "not_evaluated"),
        ([Flag.UNEVALUATED, Flag.SUSPECT], "suspect"),
        ([Flag.BAD, Flag.SUSPECT], "bad"),
        ([Flag.MISSING, Flag.GOOD], "good"),
        ([Flag.MISSING, Flag.MISSING], "missing"),
    ],
)
def test_a_file_is_as_good_as_its_worst_profile(grades, expected):
    of = batch(3, 3)
    assert recorded(of, replace(result(of), grades=np.array(grades, np.int8))).grade == expected


@pytest.mark.parametrize("sizes", [(0,), (1,), (3, 0)])
def test_profiles_with_little_in_them_have_a_record(sizes):
    nothing = np.full(sum(sizes), np.nan)
    of = batch(*sizes, time=nothing, latitude=nothing, longitude=nothing)
    record = recorded(of)
    assert (record.first, record.last, record.bounds) == (None, None, None)
    assert Record.from_json(record.to_json()) == record


@given(st.text(max_size=50))
def test_any_text_from_outside_can_be_recorded(text):
    of = batch(2, profiles=[profile(name=text, platform=text, key=text)])
    record = recorded(of, result(of, reasons={("spike", "TEMP"): {0: text}}), key=text, source_version=text)
    assert Record.from_json(record.to_json()) == record


def deployed(number, supplied, path, start, grade=Flag.GOOD):
    of = batch(4, 2, profiles=[profile(number, deployment=Deployment("v", "mobile", supplied))] * 2)
    of = replace(of, time=start + np.arange(6.0))
    said = result(of)
    good = {name: np.full(6, Flag.GOOD, np.int8) for name in said.rolled}
    good["TEMP"] = np.array([1, 1, 2, 4, 9, 9], np.int8)
    return recorded(of, replace(said, rolled=good, grades=np.full(2, grade, np.int8)), path)


def some():
    return [
        deployed(2, 1e9, "a.nc", 1.6e9),
        deployed(1, 1.5e9, "b.nc", 1.6e9, Flag.SUSPECT),
        deployed(1, 1.5e9, "c.nc", 1.7e9),
        deployed(1, 1.5e9, "d.nc", 1.65e9, Flag.UNEVALUATED),
        deployed(1, 1e9, "e.nc", 1.4e9),
    ]


def test_one_row_for_each_deployment():
    rows = list(csv.DictReader(io.StringIO(status_csv(some()).decode())))
    assert [(row["platform"], row["supplied"][:4], row["profiles"], row["levels"]) for row in rows] == [
        ("0001", "2001", "2", "6"),
        ("0001", "2017", "6", "18"),
        ("0002", "2001", "2", "6"),
    ]
    middle = rows[1]
    assert middle["first"] == "2020-09-13T12:26:40Z"
    assert middle["last"] == "2023-11-14T22:13:25Z"
    assert (middle["worst"], middle["last_file"], middle["returned"]) == ("suspect", "c.nc", "")
    assert (middle["TEMP_good"], middle["PRES_good"], middle["PSAL_good"]) == ("0.7500", "1.0000", "")
    assert tuple(rows[0]) == COLUMNS


@given(st.permutations(range(5)))
def test_the_order_of_records_does_not_matter(order):
    records = some()
    assert status_csv([records[one] for one in order]) == status_csv(records)


def test_records_of_others_count_too():
    """A record without our settings is one profile; no record at all gives a header."""
    bare = replace(some()[0], settings={"suite": "x"}, first=None, last=None, levels={})
    (one,) = statuses([bare])
    assert (one.profiles, one.levels, one.supplied, one.first, one.good) == (1, 0, "", "", (None,) * 5)
    assert status_csv([]).count(b"\n") == 1
