"""Each test says what it asks, with which thresholds, and where it is defined."""

from __future__ import annotations

import inspect
import re

import pytest

from bondstore.domains.ocean.qc.suite import all_tests

SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
STANDARDS = {"qartod": "QARTOD T/S 2.1, test ", "argo": "Argo QC manual 3.9, test ", "moana": "moana-qc, "}


def sections(text: str) -> dict[str, str]:
    """A numpydoc text by its sections; what stands before the first is under no name."""
    parts = SECTION.split(text)
    return {"": parts[0], "Notes": "", "Returns": "", **dict(zip(parts[1::2], parts[2::2], strict=True))}


@pytest.mark.parametrize("name", sorted(all_tests()))
def test_a_test_is_described(name: str) -> None:
    test = all_tests()[name]
    said = sections(inspect.getdoc(test.function) or "")
    first = said[""].splitlines()[0]
    assert first.endswith((".", ":")) or ": " in first
    named = {
        word
        for line in said["Parameters"].splitlines()
        if line and not line.startswith(" ")
        for word in line.partition(" : ")[0].split(", ")
    }
    assert set(test.thresholds) | {"batch", "on"} == named
    family = name.partition(".")[0]
    if family == "moana2024":  # each is the description of another, with what the chain does otherwise
        assert re.search(r"(?s)existing chain.*`?moana\.|chain_rows", said[""])
        return
    source = said["Notes"].partition("Source: ")[2]
    assert re.search(r"manual|Manual|moana-qc|Bondstore's list", source), "no source"
    if family in STANDARDS:
        assert test.standard.startswith(STANDARDS[family])
    if family in {"qartod", "argo"}:
        number = test.standard.rpartition(" ")[2]
        assert re.search(rf"test {number}\b", source)
        assert said["Returns"].strip().startswith("Verdict\n")
