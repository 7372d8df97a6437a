"""The synthetic hospital of six patients through `neuro deidentify`: 14 kinds of place in five formats."""

from __future__ import annotations

import shutil

import pytest
from demo.hospital import PATIENTS, make, names_of, write

from bondstore.domains.neuro.service import prepare
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Serial
from tests.domains.neuro.hospital import Hospital, content


@pytest.mark.slow
def test_nothing_planted_is_left_and_all_samples_are_equal(hospital: Hospital) -> None:
    shutil.rmtree(hospital.source)
    files = list(make())
    write(files, hospital.source)
    names = hospital.source.with_name("people.txt")
    names.write_text(names_of())
    before = content(hospital.source)
    job = prepare(hospital.source, hospital.dest, names=names, crosswalk=hospital.crosswalk)
    done = execute(job, open_destination(job.dest), Serial())
    kinds = [one.kind for one in files]
    assert done.tally.planned.objects == len(files)
    assert done.tally.failed.objects == 0
    assert done.tally.done.objects == len(kinds) - kinds.count("companion")
    assert content(hospital.source) == before
    found = content(hospital.dest)
    assert sum(name.endswith((".edf", ".bdf")) for name in found) == kinds.count("recording")
    left = {
        (name, word)
        for name, one in found.items()
        for who in PATIENTS
        for word in (who.surname, who.number)
        for encoding in ("utf-8", "latin-1", "utf-16-le", "cp850")
        if word.isascii() or encoding not in ("latin-1", "cp850")
        if word.encode(encoding).lower() in one.lower() or word.lower() in name.lower()
    }
    assert left == set()
