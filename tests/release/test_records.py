"""The release record: what is written can be read, and anything off is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.errors import DamagedError, UsageError
from bondstore.release.records import Record, Source, Unevaluated, contradicts, is_plain_path
from bondstore.release.settings import Requirement
from tests.release.lab import content


def record(**changes: Any) -> Record:
    return Record.from_json(json.dumps(content("a/b.nc", b"x", **changes)).encode())


def test_what_a_record_says_is_there() -> None:
    made = record(not_evaluated=[{"test": "spike", "on": "PSAL", "reason": "no salinity"}], plots=["p/a.png"])
    assert made.file == "a/b.nc"
    assert made.size == 1
    assert made.source == Source("s3://hidden-store/raw", "raw/a/b.nc.csv", '"e1"', "")
    assert made.unevaluated == (Unevaluated("spike", "PSAL", "no salinity"),)
    assert made.bounds == (173.1, -41.5, 173.2, -41.4)
    assert made.levels["TEMP"]["good"] == 98


def test_it_is_written_as_it_was_read_and_once_only_in_one_way() -> None:
    made = record(plots=["p/a.png"])
    written = made.to_json()
    assert json.loads(written) == content("a/b.nc", b"x", plots=["p/a.png"])
    assert written.endswith(b"}\n")
    assert Record.from_json(written) == made
    assert Record.from_json(written).to_json() == written


def test_a_record_of_an_earlier_version_is_read_in_the_present_words() -> None:
    why = [{"test": "spike", "on": "PSAL", "reason": "no salinity"}]
    old = content("a/b.nc", b"x", grade="unevaluated", levels={"T": {"good": 1, "unevaluated": 2}})
    del old["not_evaluated"]
    old |= {"unevaluated": why, "tests": {"spike/T": {"silent": 3}}}
    made = Record.from_json(json.dumps(old).encode())
    assert (made.grade, made.levels, made.tests, made.unevaluated) == (
        "not_evaluated", {"T": {"good": 1, "not_evaluated": 2}}, {"spike/T": {"not_applicable": 3}},
        (Unevaluated("spike", "PSAL", "no salinity"),),
    )  # fmt: skip
    written = json.loads(made.to_json())
    assert written["not_evaluated"] == why
    assert "unevaluated" not in written


OFF: list[dict[str, Any]] = [
    {"kind": "x"}, {"version": 2}, {"version": True}, {"file": "../a"}, {"file": "/a"}, {"file": "a//b"}, {"file": ""},
    {"file": "a/./b"}, {"file": ".bondstore/x"}, {"file": "a\\b"}, {"file": "a\nb"}, {"file": "a\u202eb"}, {"file": 1},
    {"file": "a/" + "x" * 201}, {"sha256": "A" * 64}, {"sha256": "a" * 63}, {"size": -1}, {"size": 1.0}, {"size": True},
    {"grade": "fine"}, {"grade": None}, {"grade": ["good"]}, {"levels": []}, {"levels": {"TEMP": {"fine": 1}}},
    {"levels": {"TEMP": {"good": -1}}}, {"levels": {"TEMP": {"good": "1"}}}, {"levels": {"TEMP": {"good": True}}},
    {"plots": ["../secret.csv"]}, {"plots": "a.png"}, {"plots": [1]}, {"first": "yesterday"}, {"first": 1},
    {"first": "2024-13-01T00:00:00Z"}, {"last": "2024-02-30T00:00:00Z"}, {"last": "٢٠٢٤-01-01T00:00:00Z"},
    {"last": "2024-05-01T00:00:00"}, {"bounds": [1, 2, 3]}, {"bounds": [1, 2, 3, "4"]}, {"bounds": [0, 5, 0, 4]},
    {"bounds": [0, -91, 0, 4]}, {"bounds": [400, 0, 0, 4]}, {"settings": {"a": 1}}, {"settings": []}, {"title": None},
    {"title": "a\0b"}, {"title": "x" * 2001}, {"source": {}}, {"source": {"store": "", "key": "", "version": ""}},
    {"not_evaluated": [{"test": "a"}]}, {"not_evaluated": [1]}, {"more": 1},
]  # fmt: skip


@pytest.mark.parametrize("change", OFF, ids=lambda change: json.dumps(change)[:40])
def test_anything_off_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(DamagedError) as refused:
        record(**change)
    assert refused.value.kind == "record-damaged"
    for value in change.values():
        assert not isinstance(value, str) or len(value) < 3 or value not in str(refused.value)


@pytest.mark.parametrize("name", sorted(content("a", b"")))
def test_nothing_may_be_missing(name: str) -> None:
    less = content("a/b.nc", b"x")
    del less[name]
    with pytest.raises(DamagedError):
        Record.from_json(json.dumps(less).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b"\xff", b'{"kind":"a","kind":"a"}', b"[" * 100_000,
        json.dumps(content("a", b"", bounds=[float("nan"), 0, 0, 0])).encode(),
        json.dumps(content("a", b"", bounds=[float("inf"), 0, 0, 0])).encode(),
        json.dumps(content("a", b"")).replace('"grade": "good"', '"grade": "bad", "grade": "good"').encode(),
        json.dumps(content("a", b"", title="\ud800")).encode(),
        b" " * (4 << 20) + json.dumps(content("a", b"")).encode(),
    ],
    ids=lambda data: repr(data[:12]),
)  # fmt: skip
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(DamagedError):
        Record.from_json(data)


def test_nothing_is_written_that_cannot_be_read() -> None:
    with pytest.raises(DamagedError):
        Record("../a", "a" * 64, 1, Source("s", "k", "v"), {}, "good", {}).to_json()


@given(st.binary(max_size=300))
def test_any_bytes_are_a_record_or_damaged(data: bytes) -> None:
    with pytest.raises(DamagedError):
        Record.from_json(data)


@given(st.text(max_size=40))
def test_a_plain_path_never_leaves_its_folder(path: str) -> None:
    if is_plain_path(path):
        parts = path.split("/")
        assert not path.startswith("/")
        assert all(part and not part.startswith(".") for part in parts)
        assert path.isprintable()


@pytest.mark.parametrize(
    ("text", "grade", "levels", "met"),
    [
        ("good", "good", {"T": {"good": 1}}, True),
        ("good", "probably_good", {"T": {"good": 1, "probably_good": 1}}, True),
        ("good", "suspect", {"T": {"good": 9, "suspect": 1}}, False),
        ("good", "good", {"T": {"good": 9, "missing": 1}}, True),
        ("good", "good", {"T": {"good": 9}, "S": {"not_evaluated": 1}}, False),
        ("good", "not_evaluated", {"T": {"not_evaluated": 9}}, False),
        ("good", "missing", {"T": {"missing": 9}}, False),
        ("good", "good", {}, False),
        ("good", "good", {"T": {}}, False),
        ("suspect", "suspect", {"T": {"good": 9, "suspect": 1}}, True),
        ("suspect", "suspect", {"T": {"suspect": 1}, "S": {"not_evaluated": 1}}, False),
        ("suspect", "not_evaluated", {"T": {"not_evaluated": 1}}, False),
        ("suspect", "bad", {"T": {"good": 99, "bad": 1}}, False),
        ("good:0.9", "bad", {"T": {"good": 9, "bad": 1}}, True),
        ("good:0.9", "bad", {"T": {"good": 89, "bad": 11}}, False),
        ("good:0.9", "bad", {"T": {"good": 9, "bad": 1}, "S": {"bad": 10}}, False),
        ("good:0.9", "bad", {"T": {"good": 9, "bad": 1}, "S": {"not_evaluated": 10}}, False),
        ("good:0.9", "not_evaluated", {"T": {"good": 8, "not_evaluated": 2}}, False),
        ("good:0.9", "suspect", {"T": {"good": 9, "suspect": 1, "missing": 90}}, True),
        ("good:0.9", "good", {"T": {"good": 9}, "S": {"missing": 9}}, True),
        ("good:0.9", "missing", {"T": {"missing": 9}}, False),
        ("good:1", "good", {"T": {"good": 9}}, True),
        ("good:0.55", "bad", {"T": {"good": 55, "bad": 45}}, True),
        ("good:0.07", "bad", {"T": {"good": 7, "bad": 93}}, True),
        ("good:0.070000001", "bad", {"T": {"good": 7, "bad": 93}}, False),
        ("good:1.0", "suspect", {"T": {"good": 999, "suspect": 1}}, False),
    ],
)  # fmt: skip
def test_requirements(text: str, grade: str, levels: dict[str, dict[str, int]], met: bool) -> None:
    assert Requirement.parse(text).met_by(record(grade=grade, levels=levels)) is met


@pytest.mark.parametrize(
    "text", ["", "bad", "Good", "good:", "good:0", "good:0.0", "good:1.1", "good:-1", "good:nan", "good: 0.9",
             "missing", "not_evaluated", "good:٠.٩", "good:0.9\n"],
)  # fmt: skip
def test_unknown_requirements_are_refused(text: str) -> None:
    with pytest.raises(UsageError):
        Requirement.parse(text)


@pytest.mark.parametrize(
    ("grade", "levels", "wrong"),
    [
        ("good", {"T": {"good": 9, "bad": 1}}, True),
        ("good", {"T": {"good": 9}, "POSITION": {"suspect": 1}}, True),
        ("good", {"T": {"good": 9, "probably_good": 1}}, True),
        ("suspect", {"T": {"bad": 1}}, True),
        ("not_evaluated", {"T": {"suspect": 1}}, True),
        ("missing", {"T": {"bad": 1}}, True),
        ("good", {"T": {"not_applicable": 4}}, True),
        ("good", {}, True),
        ("bad", {"T": {"good": 9}}, False),
        ("good", {"T": {"good": 9, "bad": 0, "missing": 4}}, False),
        ("not_evaluated", {"T": {"good": 9, "not_evaluated": 1}}, False),
        ("missing", {"T": {"missing": 1}}, False),
    ],
)
def test_a_grade_better_than_its_levels_is_seen(grade: str, levels: dict[str, dict[str, int]], wrong: bool) -> None:
    assert contradicts(record(grade=grade, levels=levels)) is wrong
