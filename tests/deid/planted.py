"""Texts with identities in them, drawn by a seed: what stands where is known, and is to be found."""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from bondstore.deid.folding import common_words, fold, is_word, wordlist
from bondstore.deid.people import Person, read_people

HERE = Path(__file__).parent
LINES = (HERE / "clinical_lines.txt").read_text("utf-8").splitlines()
_ABBREVIATIONS = wordlist(
    "eg ie am pm po iv im sc bd od qd nb zb ua dh ob cf md ms ba eo ec va uu su so bs sg pr np dc ac ra rn na "
    "oa us uk hv ct ecg eeg tds aed"
)
"""Letters that mean something else, with dots as well."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_FRENCH = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août",
           "septembre", "octobre", "novembre", "décembre")  # fmt: skip
_GERMAN = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August",
           "September", "Oktober", "November", "Dezember")  # fmt: skip
_TEMPLATES = (
    "{line} {secret}", "{secret}: {line}", "{secret} - {line}", "{line}, {secret}", "called {secret} twice",
    "({secret})", "avec {secret} dans la chambre", "{secret}\n{line}", "gesehen von {secret} um 14:30",
    "{secret}", "{line}/{secret}", "T3-{secret}", "re: {secret}?", "#{secret}#", "?{secret}",
)  # fmt: skip


class Planted(NamedTuple):
    """A text, and where in it is what identifies somebody."""

    text: str
    start: int
    stop: int
    form: str


def people() -> list[Person]:
    """Return the invented people, with days of birth and record numbers drawn for them."""
    draw = random.Random(13)
    found = []
    for person in read_people((HERE / "invented_people.txt").read_text("utf-8").splitlines()):
        born = date(1930, 1, 1) + timedelta(days=draw.randrange(30_000))
        number = f"MRN{draw.randrange(10**6, 10**8):08}"
        found.append(Person(person.names, (born,), (number,)))
    return found


def identities(count: int, seed: int) -> Iterator[Planted]:
    """Yield texts, each with one identity."""
    draw, known = random.Random(seed), people()
    forms = list(_FORMS.items())
    for number in range(count):
        name, form = forms[number % len(forms)]
        secret = ""
        while not secret:
            secret = form(draw, draw.choice(known))
        # Digits behind a letter and a hyphen are part of another word, such as T3-100.
        before, after = draw.choice(_TEMPLATES[:-5] if name == "telephone" else _TEMPLATES).split("{secret}")
        line = draw.choice(LINES)
        before, after = before.replace("{line}", line), after.replace("{line}", line)
        yield Planted(before + secret + after, len(before), len(before + secret), name)


def _parts(person: Person) -> tuple[str, str]:
    surname, given = person.names[0].split(", ")
    return surname, given


def _is_alone_enough(word: str) -> bool:
    """Whether a word is a name by itself: no common word, and longer than two letters."""
    plain = "".join(filter(str.isalpha, fold(word).text))
    return len(plain) > 2 and plain not in common_words()


def _alone(draw: random.Random, person: Person) -> str:
    word = draw.choice(_parts(person))
    return word if _is_alone_enough(word) else ""


def _misspelled(draw: random.Random, person: Person) -> str:
    word = draw.choice(_parts(person))
    at = [place for place in range(len(word)) if word[place].isalpha()]
    if len(fold(word).text) < 6 or not word.isalpha():
        return ""
    place, letter = draw.choice(at[:-1]), draw.choice(_LETTERS)
    new = draw.choice(
        (
            word[:place] + word[place + 1 :],
            word[:place] + letter + word[place:],
            word[:place] + letter + word[place + 1 :],
            word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        )
    )
    new = new.capitalize()
    return "" if is_word(fold(new).text) else new


def _initials(draw: random.Random, person: Person) -> str:
    surname, given = _parts(person)
    one, other = fold(given).cased[0], fold(surname.split()[-1]).cased[0].upper()
    made = draw.choice((f"{one}.{other}.", f"{one}. {other}.", f"Mrs {one}{other}", f"{other}.{one}."))
    taken = {(one + other).lower(), (other + one).lower()} & _ABBREVIATIONS
    return "" if taken else made


def _both(made: Callable[[str, str], str]) -> Callable[[random.Random, Person], str]:
    return lambda _, person: made(*_parts(person))


def _initial(made: Callable[[str, str], str]) -> Callable[[random.Random, Person], str]:
    def drawn(_: random.Random, person: Person) -> str:
        surname, given = _parts(person)
        whole = made(surname, fold(given).cased[0])
        plain = "".join(filter(str.isalpha, fold(whole).text))
        return whole if len(plain) > 3 and plain not in common_words() else ""

    return drawn


def _birth(draw: random.Random, person: Person) -> str:
    day = person.births[0]
    d, m, y = day.day, day.month, day.year
    english = day.strftime("%B")
    short, french = english[:3], _FRENCH[m - 1]
    numbers = (
        f"{d}.{m}.{y}",
        f"{d:02}/{m:02}/{y}",
        f"{m:02}/{d:02}/{y}",
        day.isoformat(),
        f"{d:02}.{m:02}.{y % 100:02}",
    )
    compact = (f"{y}{m:02}{d:02}", f"{d:02}{m:02}{y}", f"{d:02}{short}{y % 100:02}", f"{d}-{short.upper()}-{y}")
    words = (
        f"{d} {french} {y}",
        f"{d}. {_GERMAN[m - 1]} {y}",
        f"{english} {d}, {y}",
        f"{d} {short} {y}",
        f"{d} de {french} {y}",
    )
    return draw.choice((*numbers, *compact, *words))


def _record(draw: random.Random, person: Person) -> str:
    digits = person.numbers[0].removeprefix("MRN")
    return draw.choice(
        (
            digits,
            person.numbers[0],
            f"MRN {digits}",
            f"{digits[:2]}-{digits[2:5]}-{digits[5:]}",
            f"{digits[:4]} {digits[4:]}",
            f"mrn:{digits.lstrip('0')}",
        )
    )


def _digraphs(word: str) -> str:
    for letter, two in (("ü", "ue"), ("ö", "oe"), ("ä", "ae"), ("ß", "ss"), ("ø", "oe"), ("Ø", "Oe"), ("Å", "Aa")):
        word = word.replace(letter, two)
    return word


def _telephone(draw: random.Random, _: Person) -> str:
    form = draw.choice(("+49 30 {}{}", "tel. {}{}", "({}) 555-{}", "{}-555-{}"))
    return form.format(draw.randrange(212, 989), draw.randrange(1000, 9999))


_FORMS: dict[str, Callable[[random.Random, Person], str]] = {
    "alone": _alone,
    "alone, upper case": lambda draw, person: _alone(draw, person).upper(),
    "alone, lower case": lambda draw, person: _alone(draw, person).lower(),
    "misspelled": _misspelled,
    "misspelled, upper case": lambda draw, person: _misspelled(draw, person).upper(),
    "given surname": _both(lambda surname, given: f"{given} {surname}"),
    "SURNAME, given": _both(lambda surname, given: f"{surname.upper()}, {given}"),
    "surname_given": _both(lambda surname, given: f"{surname}_{given}".lower().replace(" ", "_")),
    "surname^given": _both(lambda surname, given: f"{surname}^{given}"),
    "GIVEN SURNAME": _both(lambda surname, given: f"{given} {surname}".upper()),
    "GivenSurname": _both(lambda surname, given: f"{given}{surname}".replace(" ", "")),
    "surnamegiven": _both(lambda surname, given: f"{surname}{given}".replace(" ", "").lower()),
    "Mrs surname": _both(lambda surname, _: f"Mrs {surname}"),
    "M. SURNAME": _both(lambda surname, _: f"Herr {surname.upper()}"),
    "no accents": _both(lambda surname, given: fold(f"{given} {surname}").cased),
    "two letters for an accent": _both(lambda surname, given: _digraphs(f"{given} {surname}")),
    "accents apart": _both(lambda surname, given: unicodedata.normalize("NFD", f"{given} {surname}")),
    "jsmith": _initial(lambda surname, letter: (letter + surname).replace(" ", "").lower()),
    "smithj": _initial(lambda surname, letter: (surname + letter).replace(" ", "").lower()),
    "J. Smith": _both(lambda surname, given: f"{given[0]}. {surname}" if len(surname) > 1 else ""),
    "Smith, J.": _both(lambda surname, given: f"{surname}, {given[0]}." if len(surname) > 1 else ""),
    "initials": _initials,
    "letter by letter": _both(
        lambda surname, _: " ".join(filter(str.isalpha, fold(surname).cased.upper())) if len(surname) > 3 else ""
    ),
    "date of birth": _birth,
    "born on a day": lambda draw, person: f"DOB {_birth(draw, person)}",
    "record number": _record,
    "telephone": _telephone,
}
