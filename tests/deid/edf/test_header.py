"""A header is read as it is found in hospitals."""

from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.edf.findings import EDF
from bondstore.deid.edf.header import PATIENT, RECORDING, Header, read_header
from bondstore.errors import DamagedError
from tests.deid.edf.recordings import Signal, annotations, header


def test_a_header_as_the_specification_wants_it_has_no_oddity() -> None:
    found = Header(header())
    assert (found.kind, found.count, found.samples, found.record) == ("EDF+C", 2, (8, 30), 76)
    assert (found.records, found.duration, found.start) == (2, 1, datetime(2002, 3, 2, 10, 20, 30))
    assert found.annotations == (slice(16, 76),)
    assert found.text(PATIENT).rstrip() == "abcxyz99 M 30-JUN-1969 Hans_Muller"
    assert list(found.oddities()) == []


def test_samples_of_bdf_have_three_bytes() -> None:
    signals = (Signal(), annotations(20, "BDF Annotations"), Signal("Status", 4), annotations(10, "BDF Annotations"))
    found = Header(header(signals, kind="BDF+D"))
    assert (found.kind, found.record) == ("BDF+D", 3 * 42)
    assert found.annotations == (slice(24, 84), slice(96, 126))
    assert Header(header(kind="BDF")).kind == "BDF"
    assert Header(header(kind="EDF")).kind == "EDF"


@pytest.mark.parametrize("label", ["edf annotations", " EDF Annotations", b"EDF Annotations\0"])
def test_a_label_of_annotations_that_is_nearly_right_counts(label: str | bytes) -> None:
    assert Header(header((Signal(label, 30),))).annotations == (slice(0, 60),)


@pytest.mark.parametrize("stated", ["512", "1024", "", "many", "-1", "99999999"])
def test_the_length_comes_from_the_number_of_signals(stated: str) -> None:
    content = header(length=stated) + b"records"
    found, rest = read_header([content])
    assert (len(found.raw), b"".join(rest)) == (768, b"records")
    assert list(found.oddities()) == ["edf-header-length"]


@given(st.lists(st.integers(0, 900), max_size=5))
def test_a_header_in_chunks_of_any_size_is_the_same(cuts: list[int]) -> None:
    content = header() + bytes(range(100))
    edges = [0, *sorted(cuts), len(content)]
    found, rest = read_header([content[a:b] for a, b in pairwise(edges)])
    assert found.raw + b"".join(map(bytes, rest)) == content


@pytest.mark.parametrize("count", ["0", "-1", "1e9", "", "two", "9999", "3"])
def test_a_hostile_number_of_signals_is_a_named_error(count: str) -> None:
    with pytest.raises(DamagedError) as caught:
        read_header([header(count=count)])
    assert caught.value.kind == "edf-header-damaged"


@pytest.mark.parametrize("samples", ["-1", "", "many", "1.5", "0"])
def test_hostile_numbers_of_samples_are_a_named_error(samples: str) -> None:
    with pytest.raises(DamagedError) as caught:
        read_header([header((Signal(samples=samples),))])
    assert caught.value.kind == "edf-header-damaged"


def test_a_huge_number_of_samples_uses_no_memory() -> None:
    found, _ = read_header([header((Signal(samples="99999999"),) * 40)])
    assert found.record == 40 * 2 * 99_999_999


@pytest.mark.parametrize("size", [0, 1, 255, 256, 700])
def test_a_truncated_header_is_a_named_error(size: int) -> None:
    with pytest.raises(DamagedError) as caught:
        read_header([header()[:size]])
    assert caught.value.kind == ("not-edf" if size < 256 else "edf-header-damaged")
    assert caught.value.kind in EDF


def test_another_kind_of_file_is_a_named_error() -> None:
    with pytest.raises(DamagedError) as caught:
        read_header([b"RIFF" + bytes(1000)])
    assert caught.value.kind == "not-edf"


@pytest.mark.parametrize(
    ("stated", "recording", "day"),
    [
        ("02.03.85", "", date(1985, 3, 2)),
        ("02.03.84", "", date(2084, 3, 2)),
        ("02.03.99", "", date(1999, 3, 2)),
        ("2.3.2002", "", date(2002, 3, 2)),
        ("02/03/02", "", date(2002, 3, 2)),
        ("02-03-02", "", date(2002, 3, 2)),
        ("2002-3-2", "", date(2002, 3, 2)),
        ("02.03.yy", "Startdate 02-MAR-2087 X X X", date(2087, 3, 2)),
        ("John Doe", "Startdate 02-mar-2002 X X X", date(2002, 3, 2)),
        ("02.03.02", "Startdate X X X X", date(2002, 3, 2)),
        ("30.02.02", "Startdate X X X X", None),
        ("John Doe", "Startdate 31-FEB-2002 X X X", None),
        ("", "", None),
    ],
)
def test_a_text_where_a_date_should_be(stated: str, recording: str, day: date | None) -> None:
    found = Header(header(start=(stated, "10.20.30"), recording=recording))
    assert found.day == day
    assert list(found.oddities()) == (["edf-start-unclear"] if day is None else [])


@pytest.mark.parametrize("clock", ["25.00.00", "Smith", "", "10.20"])
def test_a_text_where_a_time_should_be(clock: str) -> None:
    found = Header(header(start=("02.03.02", clock)))
    assert (found.day, found.clock, found.start) == (date(2002, 3, 2), None, None)
    assert list(found.oddities()) == ["edf-start-unclear"]


@pytest.mark.parametrize("year", [1970, 1984, 1985, 2084, 2085])
def test_the_recording_field_says_which_century_two_digits_are_of(year: int) -> None:
    found = Header(header(recording=f"Startdate 02-MAR-{year} X X X", start=(f"02.03.{year % 100:02}", "10.20.30")))
    assert found.day == date(year, 3, 2)
    assert list(found.oddities()) == []


def test_two_dates_that_differ_are_named_and_the_start_date_field_counts() -> None:
    found = Header(header(recording="Startdate 03-MAR-2002 X X X"))
    assert found.day == date(2002, 3, 2)
    assert list(found.oddities()) == ["edf-dates-differ"]


def test_a_latin_1_byte_in_the_patient_field() -> None:
    found = Header(header(patient=b"X M X Hans_M\xfcller"))
    assert found.text(PATIENT).rstrip() == "X M X Hans_Müller"
    assert list(found.oddities()) == ["edf-text-not-ascii"]
    assert Header(header(recording="Startdate X X Müller X")).text(RECORDING).rstrip() == "Startdate X X Müller X"


def test_record_count_minus_1_and_a_blank_one_and_duration_0() -> None:
    assert list(Header(header(records="-1")).oddities()) == ["edf-records-unstated"]
    assert list(Header(header(records="")).oddities()) == ["edf-records-unstated"]
    assert list(Header(header(duration="0")).oddities()) == ["edf-duration-zero"]
    assert list(Header(header(duration="")).oddities()) == ["edf-number-unclear"]
    blank = Signal(numbers=("", "3200", "-32768", "32767"))
    assert list(Header(header((blank,))).oddities()) == ["edf-number-unclear"]
    comma = Signal(numbers=("-3,2", "3.2E3", "-32768", "32767"))
    assert list(Header(header((comma,))).oddities()) == []


@given(st.binary(min_size=248, max_size=248), st.binary(max_size=2000))
def test_no_header_crashes(main: bytes, rest: bytes) -> None:
    for content in (b"0       " + main + rest, b"\xffBIOSEMI" + main[:-4] + b"2   " + rest):
        assert set(oddities(content)) <= EDF.keys()


def oddities(content: bytes) -> list[str]:
    try:
        return list(read_header([content])[0].oddities())
    except DamagedError as error:
        return [error.kind]
