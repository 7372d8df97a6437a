"""The synthetic hospital after `neuro deidentify`: the audit of all that left, which shares no search with it."""

from __future__ import annotations

import shutil
from collections import Counter

import pytest
from demo.hospital import Shape, make, names_of, write

import bondstore
from tests.domains.neuro.hospital import Hospital


def found_after_cleaning(hospital: Hospital, shape: Shape) -> Counter[tuple[str, str]]:
    shutil.rmtree(hospital.source)
    write(make(shape), hospital.source)
    names = hospital.source.with_name("people.txt")
    names.write_text(names_of(), "utf-8")
    bondstore.neuro.deidentify(hospital.source, hospital.dest, names=names, crosswalk=hospital.crosswalk)
    done = bondstore.neuro.audit(hospital.dest, names=names, crosswalk=hospital.crosswalk)
    found = Counter((one.kind, one.where) for one in done.findings)
    assert found.pop(("picture-and-sound", "picture and sound")) == 20  # nobody looked at the videos themselves
    assert done.exit_code == (6 if found else 0)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("tidy", [True, False], ids=["tidy", "with parted names"])
def test_of_what_left_nothing_is_told(hospital: Hospital, *, tidy: bool) -> None:
    """Where it is not tidy, a name is parted by the border of a record, in one recording of each format of three."""
    assert found_after_cleaning(hospital, Shape(tidy=tidy)) == {}
