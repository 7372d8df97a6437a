"""MNE, edfio and pyedflib open after `neuro deidentify` what they opened before, with equal samples.

What a program refuses for its own reasons stands in a table here; a refusal that is not in it fails the test.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from demo.hospital import make, names_of, write
from demo.recordings import FORMATS

from tests.deid.edf.programs import DATA, PROGRAMS, SHIPPED, Opened, opened_by
from tests.domains.neuro.hospital import Hospital, content

REFUSED = (
    ("pyedflib", "file is discontinuous"),  # EDF+D
    ("pyedflib", r"not EDF\(\+\) or BDF\(\+\) compliant"),  # a byte outside ASCII, or text in a field that has none
    ("edfio", "can't decode byte 0xc3 .* unexpected end"),  # a letter of two bytes, parted by the end of a record
    ("MNE", "could not convert string to float"),  # a name where a number should be
)


def chain(hospital: Hospital, *more: str) -> dict[str, Path]:
    """Plan, deidentify and audit; return where each file went."""
    planned = hospital.written()
    before = content(hospital.source)
    done = hospital.deidentify(*more)
    assert done.returncode == (5 if len(planned) < len(before) else 0), done.stderr
    assert content(hospital.source) == before
    written = hospital.written()
    assert written.keys() == planned.keys()
    audited = hospital.audit(*more)
    assert audited.returncode == 0, audited.stdout
    assert b"Something is left in 0; 0 could not be looked into; 0 to review." in audited.stderr
    return written


def same(before: Opened, after: Opened) -> bool:
    """Whether samples are equal, and annotations are but for bytes that are an X now."""
    assert after.has_samples_of(before)
    for (at, length, text), (at_now, length_now, now) in zip(before.texts, after.texts, strict=True):
        assert (at_now, length_now) == (at, length)
        pairs = zip(text.encode(), now.encode(), strict=True)
        assert all(new in (old, ord("X")) for old, new in pairs), (text, now)
    return True


FOLDERS = ("Okonkwo", "Muller~ Hans", "Lindqvist", "Barros", "Legacy", "Petrov", "Haddad")


def test_the_test_set_of_pyedflib(empty_hospital: Hospital) -> None:
    """All its files, and all three programs."""
    assert len(SHIPPED) >= 7
    for name, folder in zip(SHIPPED, FOLDERS, strict=True):
        (empty_hospital.source / folder).mkdir(parents=True)
        shutil.copy(DATA / name, empty_hospital.source / folder / name)
    written = chain(empty_hospital)
    assert sorted(key.rpartition("/")[2] for key in written) == SHIPPED
    for key, after in written.items():
        for program in PROGRAMS:
            first, second = (opened_by(program, path) for path in (empty_hospital.source / key, after))
            assert isinstance(first, Opened), (program, key, first)
            assert isinstance(second, Opened), (program, key, second)
            assert same(first, second)
    left = [word for one in content(empty_hospital.dest).values() for word in (b"Muller", b"abcxyz99") if word in one]
    assert left == []


def test_the_synthetic_hospital(empty_hospital: Hospital) -> None:
    """Six patients with recordings of all formats, every second one with a name in all 14 kinds of place."""
    hospital = empty_hospital
    files = [one for one in make() if one.kind == "recording"]
    write(files, hospital.source)
    names = hospital.source.with_name("people.txt")
    names.write_text(names_of(), "utf-8")
    written = chain(hospital, "--names", str(names))
    assert written.keys() == {one.key for one in files}
    opened: set[tuple[str, str]] = set()
    for key, after in written.items():
        before = hospital.source / key
        for program in PROGRAMS:
            first, second = (opened_by(program, path) for path in (before, after))
            if isinstance(first, Opened):
                assert isinstance(second, Opened), (program, key, second)
                assert same(first, second)
                opened.add((program, kind_of(before)))
            else:
                assert any(program == one and re.search(reason, first) for one, reason in REFUSED), (program, first)
    assert opened == {(program, kind) for program in PROGRAMS for kind in FORMATS} - {("pyedflib", "EDF+D")}


def kind_of(path: Path) -> str:
    head = path.read_bytes()[:236]
    plain = "BDF" if head[:1] == b"\xff" else "EDF"
    found = re.match(rb"[EB]DF\+[CD]", head[192:])
    return found[0].decode() if found else plain
