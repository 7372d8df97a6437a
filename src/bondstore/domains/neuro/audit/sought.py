"""What is looked for: words of names, days of birth and record numbers, in the forms that texts and bytes have them."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import permutations
from typing import NamedTuple

from bondstore.deid.folding import common_words, wordlist
from bondstore.deid.people import Person

NAME, BIRTH, NUMBER = "name", "birth-date", "record-number"
_FEWEST_DIGITS = 5
_FEWEST_RAW = 4
_PARTS = re.compile(r"[^\W\d_]+(?:[-'’`´][^\W\d_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+")
_IGNORED = wordlist(
    "x mr mrs ms miss dr prof herr frau mme mlle jr sr phd md de du des la le les da dos do di del della den der van "
    "von vom zu zum zur ten ter te al el bin bint ben ibn abu of st mac mc patient unknown anonymous eeg edf"
)
_SPECIAL = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h"})
_TWO = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_ENCODINGS = {"utf-8": (1, 0), "latin-1": (1, 0), "cp850": (1, 0), "utf-16-le": (2, 0), "utf-16-be": (2, 1)}
"""With the bytes of a letter, and which of them holds one of ASCII."""
_MONTHS = (
    "january february march april may june july august september october november december",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "januar februar märz april mai juni juli august september oktober november dezember",
)


class Pattern(NamedTuple):
    """Bytes that are looked for, in lower case."""

    content: bytes
    kind: str
    letters: int
    """So many letters or digits it stands for."""
    step: int
    """Bytes of a letter."""
    first: int
    """Which of them holds a letter of ASCII."""


@dataclass(frozen=True)
class Sought:
    """All that is looked for."""

    sure: Mapping[str, frozenset[int]]
    """Words that are names wherever they are, folded, with the people who have them."""
    unsure: Mapping[str, frozenset[int]]
    """Short words and common ones: names beside another word of the same name."""
    numbers: frozenset[str]
    births: frozenset[str]
    """Days of birth, as they may be written, in lower case."""
    patterns: tuple[Pattern, ...]

    @classmethod
    def of(cls, people: Iterable[Person]) -> Sought:
        """Work out what to look for."""
        words: defaultdict[str, set[int]] = defaultdict(set)
        numbers, births, patterns = set[str](), set[str](), set[Pattern]()
        for number, person in enumerate(people):
            for name in person.names:
                for word, forms in _words(name):
                    for form in forms:
                        words[form].add(number)
                    patterns.update(_name_patterns(word, forms))
                patterns.update(_pairs(name))
            numbers.update(filter(None, map(digits_of, person.numbers)))
            births.update(text for day in person.births for text in _written(day))
        patterns.update(_plain(text, NUMBER) for text in numbers)
        patterns.update(_plain(text, BIRTH) for text in births)
        sure = {word: frozenset(who) for word, who in words.items() if _is_sure(word)}
        unsure = {word: frozenset(who) for word, who in words.items() if not _is_sure(word)}
        return cls(sure, unsure, frozenset(numbers), frozenset(births), tuple(sorted(patterns)))


def fold(text: str) -> str:
    """Return a text without accents and case.

    >>> fold("Łukasz MÜLLER")
    'lukasz muller'
    """
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold().translate(_SPECIAL))
    return "".join(one for one in apart if not unicodedata.combining(one) and unicodedata.category(one) != "Cf")


def digits_of(text: str) -> str:
    """Return the digits of a record number without leading zeros; nothing where they are too few to be one."""
    digits = "".join(filter(str.isdecimal, text)).lstrip("0")
    return digits if len(digits) >= _FEWEST_DIGITS else ""


def _is_sure(word: str) -> bool:
    return len(word) > 2 and word not in common_words()


def _words(name: str) -> Iterator[tuple[str, set[str]]]:
    """Yield each word of a name, whole and in its parts, and how it is written without accents."""
    for whole in _PARTS.findall(unicodedata.normalize("NFC", name.replace("_", " "))):
        parts = _LETTERS.findall(whole)
        for word in dict.fromkeys(("".join(parts), *parts)):
            low = word.casefold()
            forms = {fold(word), fold(low.translate(_TWO)), re.sub("([aou])e", r"\1", fold(word))}
            if fold(word) not in _IGNORED:
                yield word, {form for form in forms if len(form) > 1}


def _name_patterns(word: str, forms: set[str]) -> Iterator[Pattern]:
    """Yield a word in all encodings, in lower and upper case, with its accents and without them."""
    for form in (word, unicodedata.normalize("NFD", word), *forms):
        if len(fold(form)) >= _FEWEST_RAW and _is_sure(fold(form)):
            for text in (form.lower(), form.upper(), form.capitalize()):
                yield from _encoded(text, NAME)


def _pairs(name: str) -> Iterator[Pattern]:
    """Yield two words of a name side by side, where one of them is none by itself."""
    words = [word for word, _ in _words(name)][:4]
    for one, other in permutations(words, 2):
        if not any(_is_sure(fold(word)) and len(fold(word)) >= _FEWEST_RAW for word in (one, other)):
            for between in (" ", "_", ", ", ",", "^", "~ ", "."):
                yield from _encoded(fold(one + between + other), NAME)


def _encoded(text: str, kind: str) -> Iterator[Pattern]:
    letters = sum(map(str.isalnum, text))
    for encoding, form in _ENCODINGS.items():
        try:
            yield Pattern(text.encode(encoding).lower(), kind, letters, *form)
        except UnicodeEncodeError:
            continue


def _plain(text: str, kind: str) -> Pattern:
    return Pattern(text.encode().lower(), kind, len(text), 1, 0)


def _written(day: date) -> Iterator[str]:
    """Yield the usual ways to write a day, in lower case."""
    d, m, y = day.day, day.month, day.year
    for sign in ".-/ ":
        yield f"{d:02}{sign}{m:02}{sign}{y}"
        yield f"{d}{sign}{m}{sign}{y}"
        yield f"{m:02}{sign}{d:02}{sign}{y}"
        yield f"{m}{sign}{d}{sign}{y}"
        yield f"{y}{sign}{m:02}{sign}{d:02}"
    for months in _MONTHS:
        name = months.split()[m - 1]
        for month in (name, name[:3]):
            for sign in " -":
                yield f"{d:02}{sign}{month}{sign}{y}"
                yield f"{d}{sign}{month}{sign}{y}"
            yield f"{d}. {month} {y}"
            yield f"{d} de {month} {y}"
            yield f"{month} {d}, {y}"
    yield f"{y}{m:02}{d:02}"
    yield f"{d:02}{m:02}{y}"
