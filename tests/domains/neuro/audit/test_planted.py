"""A thousand planted identities are found, in each kind of place of each format; in clean files nobody is."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pytest
from demo.recordings import FORMATS, PLACES, Identity, recording

from bondstore.deid.people import Person, read_people
from bondstore.domains.neuro.audit.files import FileLook, Searches, look_into
from bondstore.domains.neuro.audit.sought import Sought
from demo import hospital
from tests.deid.planted import LINES, people

CLEAN = b"k3f9a2bq X X X".ljust(80)
CODED = "k3f9a2bq_edf/k3f9a2bq_1.edf"


def identities() -> list[Identity]:
    """Return the invented people with a name that fits into eight bytes, and is found by itself."""
    found = []
    for person in people():
        surname, given = person.names[0].split(", ")
        usable = [one for one in (surname, given) if 3 <= len(one.encode()) <= 8]
        if usable and not {surname, given} & COMMON and len(surname) > 2 and len(given) > 2:
            found.append(Identity(given, surname, person.births[0], person.numbers[0]))
    return found


COMMON = {
    word for person in people() for word in person.names[0].split(", ") if not set(Sought.of([Person((word,))]).sure)
}


def looked(data: bytes, searches: Searches, key: str = CODED) -> FileLook:
    cut = [data[at : at + 777] for at in range(0, len(data), 777)]
    return look_into(key, cut, searches)


def with_clean_patient(data: bytes, place: str) -> bytes:
    return data if place == "patient" else data[:8] + CLEAN + data[88:]


def test_of_a_thousand_planted_identities_each_is_found() -> None:
    who = identities()
    assert len(who) > 100
    searches = Searches(Sought.of(read_people(one.line for one in who)))
    cells = [(kind, place) for kind in FORMATS for place in PLACES]
    missed, count = [], 0
    for number in range(1000):
        kind, place = cells[number % len(cells)]
        one = who[number % len(who)]
        made = recording(kind, one, (place,), records=6, rate=16, seed=number)
        found = looked(with_clean_patient(made.data, place), searches).found
        count += len(made.planted)
        if not any(kind == "name" and number for (_, kind), number in found.items()):
            missed.append((one.line, kind, place, made.planted))
    assert count == 1000
    assert missed == []


def test_each_is_found_where_it_was_planted() -> None:
    where = {"number": "physical minimum", "second annotation signal": "annotation", "record border": "annotation"}
    where |= {"surplus record": "annotation", "cut record": "annotation"}
    searches = Searches(Sought.of(read_people(hospital.names_of().splitlines())))
    for one in hospital.PATIENTS:
        for kind in FORMATS:
            for place in PLACES:
                made = recording(kind, one, (place,))
                found = +looked(with_clean_patient(made.data, place), searches).found
                named = {spot for spot, what in found if what == "name"}
                assert named == {where.get(place, place)}, (one.surname, kind, place)


def test_in_clean_recordings_nobody_is_found() -> None:
    """1,000 recordings of waves, half of them with noise of all bytes, against more than 100 people."""
    searches = Searches(Sought.of(read_people(one.line for one in identities())))
    told = Counter[tuple[str, str]]()
    nobody = Identity("X", "X", date(1985, 1, 1), "")
    draw = np.random.default_rng(5)
    for number in range(200):
        for kind in FORMATS:
            data = bytearray(with_clean_patient(recording(kind, nobody, (), records=6, seed=number).data, ""))
            if number % 2:
                size = 3 * 32 * (3 if kind.startswith("BDF") else 2)
                head = 256 * 6
                data[head : head + size] = draw.integers(0, 256, size, dtype=np.uint8).tobytes()
            told += looked(bytes(data), searches).found
    assert not +told


def test_of_500_clinical_lines_without_names_at_most_one_in_a_hundred_is_reported() -> None:
    searches = Searches(Sought.of(read_people(one.line for one in identities())))
    lines = LINES[:500]
    wrong = [line for line in lines if {"name", "birth-date", "record-number"} & searches.texts.find(line)]
    assert len(lines) == 500
    assert len(wrong) <= 5, wrong


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "cp850", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text", ["Brüning", "BRÜNING", "brüning", "Bruning", "Lefèvre", "LEFÈVRE", "Petkovic", "Łukasz"]
)
def test_names_in_bytes_of_any_encoding_at_any_place_are_found(text: str, encoding: str) -> None:
    try:
        secret = text.encode(encoding)
    except UnicodeEncodeError:
        return
    searches = Searches(Sought.of(read_people(hospital.names_of().splitlines())))
    noise = np.random.default_rng(3).integers(0, 256, 600_000, dtype=np.uint8).tobytes()
    border = 256 << 10
    for at in (0, 1, 2, 3, 1001, border - 5, border - 3, border + 250, len(noise) - len(secret)):
        data = noise[:at] + secret + noise[at + len(secret) :]
        assert looked(data, searches, "a/file.erd").found["file", "name"], at
    assert not looked(noise, searches, "a/file.erd").found["file", "name"]


def test_days_of_birth_and_record_numbers_are_found_as_they_are_written() -> None:
    who = hospital.PATIENTS[0]
    searches = Searches(Sought.of([Person((), (who.birth,), (who.number,))]))
    for text in ("30.06.1969", "30/6/1969", "1969-06-30", "06/30/1969", "30-JUN-1969", "30 juin 1969", "19690630"):
        assert searches.texts.find(f"born {text}") == {"birth-date"}, text
    for text in ("MRN0047118", "47118", "mrn 004 7118", "00-47-118"):
        assert searches.texts.find(text) == {"record-number"}, text
    assert searches.texts.find("147118 and 31.06.1969") == frozenset()


def test_a_common_word_is_a_name_beside_another_one_and_else_to_be_reviewed() -> None:
    searches = Searches(Sought.of([Person(("May, Rose",))]))
    assert searches.texts.find("Rose May asleep") == {"name"}
    assert searches.texts.find("Mrs May asleep") == {"name"}
    assert searches.texts.find("may be artefact") == {"doubt"}
