"""Whether two names may be of one person: written the same, or so much alike that somebody must be asked."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bondstore.deid.folding import fold, nicknames, spellings
from bondstore.deid.nameindex import FEWEST_FUZZY, is_near, shorter
from bondstore.deid.people import Person, words_of

_WORDS = re.compile(r"[^\W_]+")
_LABEL = re.compile(r"^(?:mrn|ipp|nip|pid|id|no|nr)+(?=\d)")


def same_key(name: str) -> tuple[str, ...]:
    """Return what is equal for two names that differ in case, order, spaces and hyphens only; accents count.

    >>> same_key("MULLER, Hans") == same_key("hans_muller"), same_key("Müller") == same_key("Muller")
    (True, False)
    """
    return tuple(sorted(_WORDS.findall(unicodedata.normalize("NFC", name).casefold())))


def number_key(number: str) -> str:
    """Return what is equal for two ways to write a record number.

    >>> number_key("MRN 0012-345") == number_key("12345")
    True
    """
    return _LABEL.sub("", "".join(filter(str.isalnum, fold(number).text))).lstrip("0")


def contradict(one: Person, other: Person) -> bool:
    """Whether two people have different days of birth, or different record numbers and no day of birth in common."""
    if one.births and other.births:
        return not set(one.births) & set(other.births)
    left, right = set(map(number_key, one.numbers)), set(map(number_key, other.numbers))
    return bool(left and right and not left & right)


def are_alike(one: str, other: str) -> bool:
    """Whether each word of the shorter name may be one of the other's, and at least one of them is no initial.

    >>> are_alike("Müller, H.", "Hans Mueller"), are_alike("Muller, Hans", "Muller, Petra")
    (True, False)
    """
    short, long = sorted(map(_words, (one, other)), key=len)
    left = list(long)
    is_told = False
    for word in short:
        found = next((each for each in left if _is_word_alike(word, each)), None)
        if found is None:
            return False
        is_told = is_told or min(len(word), len(found)) > 1
        left.remove(found)
    return is_told


@lru_cache(4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.joined for word in words_of(name))


@lru_cache(1 << 16)
def _is_word_alike(one: str, other: str) -> bool:
    if min(len(one), len(other)) == 1:
        return fold(one).text[:1] == fold(other).text[:1]
    for left in spellings(one):
        for right in spellings(other):
            close = min(len(left), len(right)) >= FEWEST_FUZZY and is_near(left, right)
            if left == right or close or left in nicknames().get(right, ()) or right in nicknames().get(left, ()):
                return True
    return False


class Alike:
    """Finds who of many has a name like another one, without comparing all of them."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people: list[Person] = []
        self._by_word: dict[str, set[int]] = defaultdict(set)
        for number, person in enumerate(people):
            self.put(number, person)

    def put(self, number: int, person: Person) -> None:
        """Add somebody behind the last one, or what is known of them now."""
        self._people[number : number + 1] = [person]
        for name in person.names:
            for word in _keys(name):
                self._by_word[word].add(number)

    def of(self, person: Person) -> Iterator[int]:
        """Yield the numbers of those who may be a person, by name."""
        near = {number for name in person.names for word in _keys(name) for number in self._by_word.get(word, ())}
        for number in sorted(near):
            if any(are_alike(one, other) for one in person.names for other in self._people[number].names):
                yield number


def _keys(name: str) -> Iterator[str]:
    """Yield words that two names that are alike have in common: without a letter, of those that may have a mistake."""
    for word in words_of(name):
        for key in spellings(word.joined):
            yield key
            yield from nicknames().get(key, ())
            if len(key) >= FEWEST_FUZZY:
                yield from shorter(key)
