"""A header without identity is one of EDF+, of the same length."""

from datetime import date
from functools import partial

import pytest

from bondstore.deid.edf.cleanheader import clean_header
from bondstore.deid.edf.header import DATE, MAIN, PATIENT, RECORDING, TIME, Field, Header
from bondstore.deid.edf.rules import Rules, floored, shifted
from bondstore.errors import UsageError
from tests.deid.edf.recordings import Signal, Tokens, annotations, header

RULES = Rules("k3m9x2qa", Tokens())


def cleaned(raw: bytes, rules: Rules = RULES) -> Header:
    content, _, _ = clean_header(Header(raw), rules)
    assert len(content) == len(raw)
    assert content[:MAIN].isascii() or raw.startswith(b"\xff")
    return Header(content)


def text(found: Header, field: Field) -> str:
    return found.text(field).rstrip()


def test_technician_administration_code_and_free_subfields_do_not_survive() -> None:
    raw = header(
        patient="abcxyz99 M 30-JUN-1969 Hans_Muller ward 7", recording="Startdate 02-MAR-2002 EMG561 Dr._X Spotty free"
    )
    found = cleaned(raw)
    assert text(found, PATIENT) == "k3m9x2qa X X X"
    assert text(found, RECORDING) == "Startdate 02-MAR-2002 X X X"
    assert found.raw[MAIN:] == raw[MAIN:]
    _, removed, words = clean_header(Header(raw), RULES)
    assert removed == {("patient", "identification"): 1, ("recording", "identification"): 1}
    assert words == []


def test_a_clean_header_stays_as_it_is() -> None:
    once = cleaned(header())
    again, removed, _ = clean_header(once, RULES)
    assert (again, removed) == (once.raw, {})


@pytest.mark.parametrize("code", ["k" * 73, "", "two words", "Müller", "a\nb"])
def test_a_code_longer_than_its_field_is_refused(code: str) -> None:
    with pytest.raises(UsageError):
        Rules(code, Tokens())


def test_the_longest_code_keeps_the_80_bytes_of_the_field() -> None:
    found = cleaned(header(), Rules("k" * 72, Tokens()))
    assert text(found, PATIENT) == "k" * 72 + " X X X"
    assert text(found, DATE) == "02.03.02"


@pytest.mark.parametrize(
    ("days", "short", "long", "words"),
    [
        (-1, "01.03.02", "01-MAR-2002", []),
        (-365 * 10, "04.03.92", "04-MAR-1992", []),
        (-365 * 17, "06.03.85", "06-MAR-1985", []),
        (-365 * 18, "01.01.85", "01-JAN-1985", ["edf-date-floored"]),
        (-365 * 90, "01.01.85", "01-JAN-1985", ["edf-date-floored"]),
        (365 * 83, "09.02.yy", "09-FEB-2085", []),
    ],
)
def test_two_digit_years_and_the_1985_floor_after_shifting(days: int, short: str, long: str, words: list[str]) -> None:
    raw, _, told = clean_header(Header(header()), Rules("k", Tokens(), partial(shifted, days=days)))
    found = Header(raw)
    assert (text(found, DATE), text(found, RECORDING)) == (short, f"Startdate {long} X X X")
    assert told == words
    assert found.day is not None, "both dates agree, and can be read again"
    assert "edf-dates-differ" not in found.oddities()


def test_the_floor_keeps_the_time_of_the_day() -> None:
    found = cleaned(header(), Rules("k", Tokens(), floored))
    assert (found.day, text(found, TIME)) == (date(1985, 1, 1), "10.20.30")


def test_text_where_a_date_or_a_time_should_be_does_not_survive() -> None:
    found = cleaned(header(start=("Hans Mul", "Spotty"), recording="Startdate Hans"))
    assert (text(found, DATE), text(found, TIME)) == ("01.01.85", "00.00.00")
    assert text(found, RECORDING) == "Startdate X X X X"


def test_two_dates_agree_afterwards() -> None:
    found = cleaned(header(recording="Startdate 03-MAR-2002 X X X"))
    assert text(found, RECORDING) == "Startdate 02-MAR-2002 X X X"


def test_labels_transducers_prefilters_and_reserved_fields_are_searched() -> None:
    signal = Signal(
        "EEG Hans", 8, "AgCl of Müller", "Spotty", ("Hans", "3200", "-32768", "32767"), "HP:0.1Hz Spotty", "abcxyz99"
    )
    found, removed, _ = clean_header(Header(header((signal, annotations()))), RULES)
    expected = Signal(
        "EEG XXXX", 8, "AgCl of XXXXXXX", "XXXXXX", ("XXXX", "3200", "-32768", "32767"), "HP:0.1Hz XXXXXX", "XXXXXXXX"
    )
    assert found[MAIN:] == header((expected, annotations()))[MAIN:]
    fields = ("label", "transducer", "dimension", "physical minimum", "prefilter", "reserved")
    assert all(removed[name, "name"] == 1 for name in fields)


def test_a_latin_1_byte_in_a_header_is_kept_or_blanked() -> None:
    signals = (Signal(dimension=b"\xb5V", transducer=b"M\xfcller"), Signal(transducer=b"M\x81ller \xb5"))
    found = cleaned(header(signals)).raw
    blank = (Signal(dimension=b"\xb5V", transducer="XXXXXX"), Signal(transducer=b"XXXXXX \xb5"))
    assert found[MAIN:] == header(blank)[MAIN:]


def test_a_text_of_two_encodings_is_searched_in_both() -> None:
    signals = (Signal(transducer="Müller".encode() + b" \xb5V M\xfcller"),)
    assert b"XXXXXXX \xb5V XXXXXX " in cleaned(header(signals)).raw


def test_the_label_of_annotations_is_never_blanked() -> None:
    assert cleaned(header(), Rules("k", Tokens(["EDF", "annotations"]))).annotations == (slice(16, 76),)


def test_the_reserved_field_and_the_version_hold_nothing_else() -> None:
    raw = bytearray(header(reserved="EDF+D Hans", count="+2", length="Hans", records="Hans", duration="Spotty"))
    raw[:8] = b"0 Spotty"
    found, removed, _ = clean_header(Header(bytes(raw)), RULES)
    assert removed["reserved", "identification"] == 1
    assert (
        found[:MAIN]
        == header(
            kind="EDF+D",
            patient="k3m9x2qa X X X",
            recording="Startdate 02-MAR-2002 X X X",
            records="-1",
            duration="XXXXXX",
        )[:MAIN]
    )
