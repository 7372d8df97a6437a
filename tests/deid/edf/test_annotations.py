"""Annotations are read wherever they are, and cleaned where they are."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.deid.edf.annotations import Annotations, Piece, clean_annotations, read_annotations, with_texts
from bondstore.deid.edf.rules import Rules
from tests.deid.edf.recordings import Tokens

SCRUB, DROP = Rules("k", Tokens()), Rules("k", Tokens(), annotations="drop")


def cleaned(signal: bytes, rules: Rules = SCRUB) -> tuple[bytes, Counter[tuple[str, str]], Counter[str]]:
    content, removed, words = bytearray(signal), Counter[tuple[str, str]](), Counter[str]()
    clean_annotations(memoryview(content), rules, removed, words)
    assert len(content) == len(signal)
    assert list(with_texts(np.frombuffer(signal, np.uint8)[None])) or content == signal
    return bytes(content), +removed, +words


def test_the_example_of_the_specification() -> None:
    signal = (
        b"+180\x14Lights off\x14Close door\x14\0+180\x14Lights off\x14\0+180\x14Close door\x14\0"
        b"+1800.2\x1525.5\x14Apnea\x14\0\0\0"
    )
    assert list(read_annotations(signal)) == [
        Annotations("+180", "", (Piece(5, 10), Piece(16, 10))),
        Annotations("+180", "", (Piece(33, 10),)),
        Annotations("+180", "", (Piece(50, 10),)),
        Annotations("+1800.2", "25.5", (Piece(75, 5),)),
    ]


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (b"+0.25\x14\x14\0+1.5\x15.5\x14Hans\x14\0", b"+0.25\x14\x14\0+1.5\x15.5\x14XXXX\x14\0"),
        (
            b"+0\x14\x14\0+1.5\x150.5\x14Hans ok\x14pt Spotty\x14\0",
            b"+0\x14\x14\0+1.5\x150.5\x14XXXX ok\x14pt XXXXXX\x14\0",
        ),
        (b"+0\x14\x14Hans\x14\0\0", b"+0\x14\x14XXXX\x14\0\0"),
        ("+0\x14Müller\x14\0".encode(), b"+0\x14XXXXXXX\x14\0"),
        (b"+0\x14M\xfcller\x14\0", b"+0\x14XXXXXX\x14\0"),
        (b"+0\x14\x14\0+3\x14Hans", b"+0\x14\x14\0+3\x14XXXX"),
        (b"Hans\x14\x14\0", b"XXXX\x14\x14\0"),
        (b"\0\0\0+7\x14Hans\x14\0", b"\0\0\0+7\x14XXXX\x14\0"),
    ],
)
def test_a_text_is_blanked_in_place(signal: bytes, expected: bytes) -> None:
    assert cleaned(signal)[0] == expected


def test_bytes_that_are_no_annotation_and_lists_without_an_end_are_named() -> None:
    assert cleaned(b"+0\x14\x14\0Hans\0")[1:] == ({("annotation", "name"): 1}, {"edf-annotation-damaged": 1})
    assert cleaned(b"+0\x14\x14\0+1\x14Ha\0")[1:] == ({}, {"edf-annotation-cut": 1})
    assert cleaned(b"+0\x14\x14\0+1\x14flat\x14\0")[1:] == ({}, {})


def test_both_parts_of_a_word_that_a_records_end_cuts_are_blanked() -> None:
    """In the next record the text goes on behind the record's own list, or at its very beginning."""
    first, removed, words = cleaned(b"+0\x14\x14\0+1\x14saw Spo")
    assert first == b"+0\x14\x14\0+1\x14saw XXX"
    assert (removed.total(), words) == (1, {"edf-annotation-cut": 1})
    for start in (b"", b"+1\x14\x14\0"):
        second = bytearray(start + b"tty at Fp1\x14\0+3\x14flat\x14\0")
        counted = Counter[tuple[str, str]](), Counter[str]()
        assert not clean_annotations(memoryview(second), SCRUB, *counted, continues=True)
        assert second == start + b"XXX at Fp1\x14\0+3\x14flat\x14\0"


def test_a_text_that_ends_where_the_record_does_not_loses_nothing() -> None:
    for signal in (b"+0\x14\x14\0+1\x14left arm\0", b"+0\x14\x14\0+1\x14left arm\x14", b"left arm\0\0"):
        assert cleaned(signal)[0] == signal


def test_marks_between_texts_are_never_blanked() -> None:
    signal = b"5\x14Hans\x14Spotty\x14\0"
    assert cleaned(signal, Rules("k", Tokens(["Hans\x14Spotty"])))[0] == b"5\x14XXXX\x14XXXXXX\x14\0"


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (b"+0.25\x14\x14\0+1\x14Hans\x14\0\0", b"+0.25\x14\x14"),
        (b"+0\x14\x14seizure\x14\0+1\x14flat\x14\0", b"+0\x14\x14"),
        (b"+1\x14flat\x14\0", b""),
        (b"flat", b""),
    ],
)
def test_drop_leaves_the_start_of_the_record_alone(signal: bytes, expected: bytes) -> None:
    content, removed, _ = cleaned(signal, DROP)
    assert content == expected.ljust(len(signal), b"\0")
    assert set(removed) == {("annotation", "dropped")}


@pytest.mark.parametrize(
    ("signal", "has"),
    [
        (b"+0\x14\x14\0\0\0\0", False),
        (b"-0.5\x14\x14\0\0", False),
        (b"+1.25\x14\x14", False),
        (b"\0" * 8, False),
        (b"+0\x1412345\x14\0", True),
        (b"+0\x14\x141\x14\0\0", True),
        (b"+196-06-30\x14\x14\0", True),
        (b"+19.06.30\x14\x14\0", True),
        (b"1969\x14\x14\0\0", True),
        (b"+0\x14\x14\0\0\0+1", True),
        (b"+0\x151\x14\x14\0\0", True),
        (b"+0", True),
    ],
)
def test_records_with_nothing_but_their_time_are_told_apart(signal: bytes, has: bool) -> None:
    assert list(with_texts(np.frombuffer(signal, np.uint8)[None])) == [0] * has


@given(st.lists(st.sampled_from([b"+0", b"-1.5", b"\x14", b"\x15", b"\0", b"7", b"Hans", b"\xc3\xbc"]), max_size=12))
def test_nothing_is_overlooked_by_the_quick_look(parts: list[bytes]) -> None:
    signal = b"".join(parts)
    if signal and not list(with_texts(np.frombuffer(signal, np.uint8)[None])):
        assert all(one.onset and one.ends and not one.texts for one in read_annotations(signal))
    for rules in (SCRUB, DROP):
        assert b"Hans" not in cleaned(signal or b"\0", rules)[0]
