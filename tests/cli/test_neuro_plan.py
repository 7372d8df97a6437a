"""``bondstore neuro plan``."""

from __future__ import annotations

import re
import subprocess
import sys

import bondstore
from tests.domains.neuro.conftest import empty_hospital, hospital
from tests.domains.neuro.hospital import Hospital, content, named_in
from tests.homes import home

__all__ = ["empty_hospital", "home", "hospital"]


def plan(hospital: Hospital, *more: str) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "bondstore", "neuro", "plan", str(hospital.source), *more]
    return subprocess.run(words, capture_output=True, timeout=60)


def test_patients_are_numbers_unless_names_are_asked_for(hospital: Hospital) -> None:
    before = content(hospital.source.parent)
    for more in ((), ("--json",), ("--debug",)):
        shown = plan(hospital, *more)
        assert shown.returncode == 0
        assert named_in({"out": shown.stdout, "err": shown.stderr}) == []
    assert b"2 patients, 7 files; 3 would not be copied." in shown.stderr
    assert re.search(rb"Of 1[0-9] files and folders, anybody on this machine may change 0 and read", shown.stderr)
    assert b"Muller~ Petra/deep/early.edf" in plan(hospital, "--show-names").stdout
    assert {name for name in content(hospital.source.parent) if name.startswith(("in/", "out"))} == {
        name for name in before if name.startswith("in/")
    }
    assert not hospital.crosswalk_file.exists()


def test_the_plan_is_what_is_written(hospital: Hospital) -> None:
    planned = bondstore.neuro.plan(hospital.source)
    assert [(one.number, one.code, len(one.files)) for one in planned] == [(1, "", 4), (2, "", 3)]
    paths = [file.path for file in planned[1].files if file.path]
    assert paths == ["CODE_edf/CODE_1.edf", "CODE_edf/CODE_2.edf", "CODE_edf/CODE_2_snc.txt"]
    assert [str(file.start) for file in planned[1].files[:2]] == ["2019-03-02 10:00:00", "2019-03-02 11:00:00"]
    assert [file.reason for file in planned[0].files if not file.path] == [
        "video-unreadable",
        "natus-file",
        "unknown-kind",
    ]
    assert "uller" not in repr(planned)
    bondstore.neuro.deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk)
    again = bondstore.neuro.plan(hospital.source, crosswalk=hospital.crosswalk)
    written = [name for name in content(hospital.dest) if "_edf/" in name]
    assert sorted(file.path for one in again for file in one.files if file.path) == sorted(written)
