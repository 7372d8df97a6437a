"""A search through a file finds a name once, wherever the blocks that it is searched in end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.bytescan import BLOCK, ByteScan, ByteSearch
from bondstore.domains.neuro.audit.sought import Sought

FIRST = BLOCK + 256
"""Bytes that are searched together at first; later ones have 256 of them again."""


@pytest.mark.parametrize("name", ["Voss", "Okonkwo"])
@pytest.mark.parametrize("block", [0, 1])
def test_a_name_at_the_border_of_two_blocks_is_found_once(name: str, block: int) -> None:
    search = ByteSearch(Sought.of([Person((f"{name}, Ada",))]).patterns)
    border = FIRST + block * BLOCK
    for shift in (-300, -256, -255, -40, -24, -19, -18, -17, -8, -6, -5, -4, -3, -1, 0, 1, 20):
        content = bytearray(b"nobody was here " * (3 * BLOCK // 16))
        at = border + shift
        content[at - 1 : at + len(name) + 1] = f" {name} ".encode()
        scan = ByteScan(search)
        hits = [*scan.feed(content), *scan.end()]
        assert [(one.at, one.size) for one in hits] == [(at, len(name))], shift


def test_a_short_name_that_is_a_part_of_a_word_at_a_border_is_none() -> None:
    search = ByteSearch(Sought.of([Person(("Voss, Ada",))]).patterns)
    for shift in range(-6, 2):
        content = bytearray(b"nobody was here " * (3 * BLOCK // 16))
        at = FIRST + shift
        content[at - 1 : at + 8] = b" vosskamp"
        scan = ByteScan(search)
        assert [*scan.feed(content), *scan.end()] == [], shift


@given(
    seed=st.integers(0, 2**32),
    largest=st.sampled_from([50, 3000, 32767]),
    places=st.lists(st.integers(0, 3 * BLOCK), max_size=8),
    encoding=st.sampled_from(["ascii", "utf-16-le", "utf-16-be"]),
    rest=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_among_samples_it_finds_what_a_plain_search_finds(
    seed: int, largest: int, places: list[int], encoding: str, rest: int
) -> None:
    samples = np.random.default_rng(seed).integers(-largest, largest, 3 * BLOCK // 2, np.int16).tobytes()
    content = bytearray(samples[: len(samples) - rest])
    name = "Okonkwo".encode(encoding)
    for at in places:
        content[at : at + len(name)] = name[: max(0, len(content) - at)]
    scan = ByteScan(ByteSearch(Sought.of([Person(("Okonkwo, Ada",))]).patterns))
    hits = {hit.at for hit in [*scan.feed(content), *scan.end()] if hit.size == len(name)}
    lower, expected, at = bytes(content).lower(), set(), -1
    while (at := lower.find(name.lower(), at + 1)) >= 0:
        expected.add(at)
    assert expected <= hits
    assert hits - expected <= {at + one for at in expected for one in (-1, 1)}  # a zero before letters: the other order
