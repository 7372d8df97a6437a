"""The name finder: what it finds, what it leaves alone, and what it leaves to a person."""

from __future__ import annotations

import pickle
import unicodedata
from collections import Counter
from datetime import date

import pytest

from bondstore.deid.names import NameFinder
from bondstore.deid.people import Person, read_people
from tests.deid.planted import LINES, identities, people

INVENTED = NameFinder(people())
FEW = NameFinder(
    read_people(
        (
            "Muller, Hans; Hans Mueller; 30.6.1969; MRN 0012345",
            "May, Rose",
            "Smith, William",
            "Ng, Li",
            "van der Berg, Jan",
            "O'Brien, Siobhán",
            "Lefèvre, Élodie",
            "Carson, Amy",
            "O, Min-ji",
        )
    )
)


def seen(text: str, finder: NameFinder = FEW) -> list[tuple[str, str]]:
    return [(text[start:stop], kind) for start, stop, kind in finder.find(text)]


def left_of(text: str, start: int, stop: int) -> str:
    """What is still to be read of a part of a text, once what was found is blanked."""
    found = INVENTED.find(text)
    rest = (text[at] for at in range(start, stop) if not any(a <= at < b for a, b, _ in found))
    return without_labels("".join(filter(str.isalnum, rest)))


def without_labels(rest: str) -> str:
    """Leave out, once each, what says nothing of anybody."""
    rest = rest.lower()
    for word in ("mrs", "herr", "dob", "mrn", "tel", "van", "der", "von"):
        rest = rest.replace(word, "", 1)
    return rest


@pytest.mark.parametrize("seed", range(3))
def test_of_a_thousand_planted_identities_nothing_is_left(seed: int) -> None:
    left = [(one.form, one.text, rest) for one in identities(1000, seed) if (rest := left_of(*one[:3]))]
    assert not left, (Counter(form for form, _, _ in left), left[:20])


def test_at_most_one_clinical_line_in_a_hundred_loses_anything() -> None:
    assert len(LINES) >= 500
    lost = [(line, found) for line in LINES if (found := INVENTED.find(line))]
    assert len(lost) <= len(LINES) // 100, lost


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Müller awake", ["Müller"]),
        ("MUELLER awake", ["MUELLER"]),
        ("seen by Dr. Müler, H.", ["Müler, H"]),
        ("M?ller, M\u00c3\u00bcller", ["M?ller, M\u00c3\u00bcller"]),
        ("hmuller/mullerhans/hanmul", ["hmuller/mullerhans/hanmul"]),
        ("Smtih, smiths, eegsmith", ["Smtih, smiths, eegsmith"]),
        ("Bill Smith awake", ["Bill Smith"]),
        ("Li Ng asleep, Mr Ng too", ["Li Ng", "Ng"]),
        ("o brien and OBRIEN", ["o brien", "OBRIEN"]),
        ("vanderberg", ["vanderberg"]),
        ("Élodie L. / LEFEVRE_elodie", ["Élodie L", "LEFEVRE_elodie"]),
        ("S m i t h", ["S m i t h"]),
        ("Min-ji O", ["Min-ji O"]),
        ("Smi-\nth", ["Smi-\nth"]),
        ("Amy, car son", ["Amy, car son"]),
        ("car son", []),
    ],
)
def test_names_are_found_however_they_are_written(text: str, found: list[str]) -> None:
    assert [one for one, _ in seen(text)] == found


@pytest.mark.parametrize(
    ("text", "doubtful"),
    [
        ("May move", ["May"]),
        ("PATIENT MAY MOVE", ["MAY"]),
        ("will open eyes", ["will"]),
        ("rose to 10 uV", ["rose"]),
        ("pt may be asleep", ["may"]),
        ("spike T3", []),
    ],
)
def test_a_common_word_is_left_to_a_person(text: str, doubtful: list[str]) -> None:
    assert seen(text) == []
    assert [text[start:stop] for start, stop, _ in FEW.doubtful(text)] == doubtful


@pytest.mark.parametrize("text", ["Rose May", "Mrs May", "J. May?R. May", "Pt May", "May, Rose", "Smith, May"])
def test_a_common_word_beside_a_name_or_a_title_is_a_name(text: str) -> None:
    assert "May" in "".join(one for one, _ in seen(text))
    assert FEW.doubtful(text) == () or "?" in text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("J.B. said so", "initials"),
        ("Mrs S", "initials"),
        ("pt WS seizing", "initials"),
        ("Billy asleep", "nickname"),
        ("30-JUN-69", "birth-date"),
        ("06/30/1969", "birth-date"),
        ("née le 1er février 1972", "birth-date"),
        ("geb. 3.4.99", "birth-date"),
        ("0012345", "record-number"),
        ("MRN: 998", "record-number"),
        ("N° de dossier 55-1234", "record-number"),
        ("tel 212 555 0199", "phone"),
        ("a.b@example.org", "email"),
        ("SSN 078-05-1120", "social-number"),
    ],
)
def test_each_kind_is_told(text: str, kind: str) -> None:
    assert [found for _, found in seen(text)] == [kind]


@pytest.mark.parametrize("text", ["pt EO", "e.g. HV", "p.o. 5 mg", "12.5 mg x 3", "3/4/5", "MRI at 10", "1500 mg"])
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert seen(text) == []


def test_other_dates_are_found_where_all_are_wanted() -> None:
    person = Person(("Muller",), (date(1969, 6, 30),))
    assert seen("seen 3.4.2019 and 30.6.69", NameFinder([person])) == [("30.6.69", "birth-date")]
    found = seen("seen 3.4.2019 and 30.6.69", NameFinder([person], all_dates=True))
    assert found == [("3.4.2019", "date"), ("30.6.69", "birth-date")]


def test_places_are_those_of_the_text_as_it_is() -> None:
    text = unicodedata.normalize("NFD", "é ß ﬁ Élodie Lefèvre, né")
    ((start, stop, kind),) = FEW.find(text)
    assert (unicodedata.normalize("NFC", text[start:stop]), kind) == ("Élodie Lefèvre", "name")


def test_nobody_to_look_for_finds_only_what_tells_itself() -> None:
    assert seen("Hans Muller, DOB 1.2.1970", NameFinder([])) == [("1.2.1970", "birth-date")]


def test_a_worker_gets_a_finder_that_finds_the_same() -> None:
    text = "Mueller, 30.6.69, seen 1.2.2020"
    finder = NameFinder([Person(("Hans Muller",), (date(1969, 6, 30),))], all_dates=True)
    assert pickle.loads(pickle.dumps(finder)).find(text) == finder.find(text)


def test_a_list_of_names_is_read() -> None:
    lines = ["# wards", "", "Muller, Hans; Hans_Mueller\t30.6.1969; MRN 0012345", "\ufeffMay, Rose"]
    first, second = read_people(lines)
    assert first == Person(("Muller, Hans", "Hans_Mueller"), (date(1969, 6, 30),), ("MRN 0012345",))
    assert second.names == ("May, Rose",)
    assert "Muller" not in repr(first)


@pytest.mark.parametrize("text", ["a" * 50_000, "J." * 20_000, "1 " * 30_000, "Hans-" * 10_000, "van " * 10_000])
@pytest.mark.timeout(30)
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    FEW.find(text)
