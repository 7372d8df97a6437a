"""Wildcards: a text fits where a second way to match, place by place, says so; and no pattern takes long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.access import patterns
from bondstore.access.patterns import Token, common, over_colons, plain

texts = st.text("ab:\n", max_size=12)
wild = st.text("ab:*?", max_size=9)


def match(marks: list[tuple[str, str]], text: str) -> bool:
    """Match mark by mark; each is how often (one, or any number of times) and of which characters (empty: any)."""
    places = {0}
    for often, signs in marks:
        fitting = [not signs or (sign in signs) != signs.startswith("^") for sign in text]
        if often == "one":
            places = {one + 1 for one in places if one < len(text) and fitting[one]}
        else:
            for at, fits in enumerate(fitting):
                if at in places and fits:
                    places.add(at + 1)
    return len(text) in places


def marks_of(pattern: str, any_one: str = "") -> list[tuple[str, str]]:
    return [("any", any_one) if one == "*" else ("one", any_one if one == "?" else one) for one in pattern]


@settings(max_examples=1_000, deadline=None)
@given(wild, texts)
def test_a_text_fits_a_pattern(pattern: str, text: str) -> None:
    assert patterns.fits(plain(pattern), text) is match(marks_of(pattern), text)


parts = st.lists(st.text("ab*?", max_size=5), min_size=2, max_size=4)


@settings(max_examples=1_000, deadline=None)
@given(parts, st.text("ab:", max_size=14))
def test_a_star_that_ends_a_part_reaches_over_colons(several: list[str], text: str) -> None:
    marks = marks_of(several[-1])
    for one in reversed(several[:-1]):
        ending = [("any", "")] if one.endswith("*") else []
        marks = [*marks_of(one.removesuffix("*") if ending else one, "^:"), *ending, ("one", ":"), *marks]
    pieces: tuple[tuple[Token, ...], ...] = tuple(map(plain, several))
    assert (over_colons(pieces).fullmatch(text) is not None) is match(marks, text)


@settings(max_examples=1_000, deadline=None)
@given(st.text("ab*?", max_size=6), st.text("ab*?", max_size=6))
def test_what_two_patterns_have_in_common_fits_both(one: str, other: str) -> None:
    found = common(plain(one), plain(other))
    if found is None:
        short = [
            "",
            *"ab",
            *(a + b for a in "ab" for b in "ab"),
            *(a + b + c for a in "ab" for b in "ab" for c in "ab"),
        ]
        assert not any(match(marks_of(one), text) and match(marks_of(other), text) for text in short)
    else:
        for text in (found, found.replace("*", ""), found.replace("*", "ab")):
            assert match(marks_of(one), text.replace("?", "a"))
            assert match(marks_of(other), text.replace("?", "a"))


MANY = 40
HOSTILE = ["*a" * MANY + "*b", "*?a" * MANY + "b", "a*" * MANY + "b", "*" * 1_000 + "b", "*a?" * MANY + "*:b"]


@pytest.mark.parametrize("pattern", HOSTILE)
def test_no_number_of_stars_takes_long(pattern: str) -> None:
    """A matcher that tries all ways to share 1,000 characters among 40 stars would never end."""
    began = time.process_time()
    assert not patterns.fits(plain(pattern), "a" * 1_000)
    assert not over_colons((plain(pattern),) * 2).fullmatch("a" * 500 + ":" + "a" * 500)
    assert not over_colons((plain("*"),) * 5 + (plain(pattern),)).fullmatch(":" * 1_000)
    assert not over_colons((plain("*a*"),) * 5 + (plain(pattern),)).fullmatch("a:" * 500)
    assert time.process_time() - began < 20
