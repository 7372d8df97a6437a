"""People whose names are looked for: as headers, folder names and lists of names have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from bondstore.deid.folding import fold, wordlist
from bondstore.deid.textdates import dates_in

TITLES = wordlist(
    "mr mrs ms miss mister madam mme mlle mmes madame mademoiselle monsieur herr frau fr sra sr srta senor "
    "senora signor signora sig mevr mevrouw dhr"
)
"""Before a name, and before nothing else."""
ROLES = wordlist(
    "dr dra doctor docteur doktor prof professor professeur pt pat patient patiente patientin paciente "
    "paziente m nurse tech technician technologist name nom vorname nachname prenom surname initials"
)
"""Before a name, and before other words too."""
PARTICLES = wordlist(
    "de du des la le les da das do dos di del della den der van von vom zu zum zur ten ter te al el bin bint "
    "ben ibn abu y e i of st ste san mac mc o d l af av"
)
_NOT_NAMES = (
    TITLES
    | ROLES
    | frozenset(
        [
            "jr",
            "sr",
            "junior",
            "senior",
            "ii",
            "iii",
            "iv",
            "phd",
            "md",
            "x",
            "unknown",
            "anonymous",
            "anonyme",
            "inconnu",
        ]
    )
)
_WORDS = re.compile(r"[^\W\d_]+(?:[-'’`´.]?[^\W\d_]+)*")
_PIECES = re.compile(r"[^\W\d_]+")
_CAMEL = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+|[^\W\d_a-zA-Z]+")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, by all that is known of them. It is shown without any of it."""

    names: tuple[str, ...]
    """Each as it is written somewhere: ``Hans_Muller``, ``MÜLLER, Hans``."""
    births: tuple[date, ...] = ()
    numbers: tuple[str, ...] = ()
    """Record numbers and the like."""

    def __repr__(self) -> str:
        return "Person(***)"

    def joined(self, other: Person) -> Person:
        """Return one person of all that is known of two."""
        return Person(
            tuple(dict.fromkeys(self.names + other.names)),
            tuple(dict.fromkeys(self.births + other.births)),
            tuple(dict.fromkeys(self.numbers + other.numbers)),
        )


@dataclass(frozen=True, slots=True)
class NameWord:
    """One word of a name."""

    whole: str
    """As it is written, with its hyphens and apostrophes."""
    particles: tuple[str, ...]
    """Those before it, folded: ``van``, ``der``."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Its pieces between hyphens, apostrophes and inner capitals."""
        pieces = _PIECES.findall(self.whole)
        camel = _CAMEL.findall(fold(self.whole).cased) if not self.whole.isupper() else []
        return tuple(dict.fromkeys((*pieces, *camel)))

    @property
    def joined(self) -> str:
        """It in one piece."""
        return "".join(_PIECES.findall(self.whole))


def words_of(name: str) -> Iterator[NameWord]:
    """Yield the words of a name without titles; particles come with the word behind them, or are all there is."""
    for field in name.replace("_", " ").replace("^", ",").split(","):
        particles: list[str] = []
        words = []
        for word in _WORDS.findall(field):
            plain = fold(word).text
            if plain in PARTICLES:
                particles.append(plain)
            elif plain not in _NOT_NAMES:
                words.append(NameWord(word, tuple(particles)))
                particles = []
        yield from words or (NameWord(one, ()) for one in particles)


def read_people(lines: Iterable[str]) -> Iterator[Person]:
    """Read a list of names: a person a line; what is known of them apart by semicolons or tabs, in any order.

    A field that is a date is the day of birth, one with three digits or more a record number, any other one a spelling
    of the name. Lines that begin with ``#`` are left out.

    >>> list(read_people(["Muller, Hans; Hans Mueller; 30.6.1969; MRN 0012345"]))[0].births
    (datetime.date(1969, 6, 30),)
    """
    for line in lines:
        fields = [one.strip() for one in re.split(r"[;\t]", line.strip().lstrip("\ufeff"))]
        if fields[0].startswith("#") or not any(fields):
            continue
        names, births, numbers = [], [], []
        for one in filter(None, fields):
            found = next((day for day in dates_in(one) if day.stop - day.start == len(one)), None)
            if found is not None:
                births += sorted(found.readings)
            elif sum(map(str.isdigit, one)) > 2:
                numbers.append(one)
            else:
                names.append(one)
        yield Person(tuple(names), tuple(births), tuple(numbers))
