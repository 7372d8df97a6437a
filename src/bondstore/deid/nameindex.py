"""Words by which people are found: names, what is made of them, nicknames; also with one mistake in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import permutations
from typing import NamedTuple

from bondstore.deid.folding import common_words, fold, is_word, nicknames, spellings
from bondstore.deid.people import PARTICLES, NameWord, Person, words_of

FEWEST_FUZZY = 5
"""Letters of a name in which a mistake is allowed."""
_FUZZY_JOINED = 8
_INSIDE = 6
_CODE_SIZES = (3, 4)
_MOST_WORDS = 5
_PREFIXES = ("mr", "mrs", "ms", "dr", "pt", "prof", "mme")


class Match(NamedTuple):
    """Who a word may stand for."""

    people: frozenset[int]
    kind: str
    """``name`` or ``nickname``."""
    is_sure: bool
    """Whether it is a name wherever it is written; otherwise beside another one only."""


class NameIndex:
    """All words of some people's names."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._exact: dict[str, Match] = {}
        self._inside: set[str] = set()
        self._near: dict[str, set[str]] = defaultdict(set)
        self._cached: dict[str, Match | None] = {}
        self.initials: dict[str, frozenset[int]] = {}
        self.particles: dict[int, set[str]] = defaultdict(set)
        for number, person in enumerate(people):
            for name in person.names:
                self._add_name(number, list(words_of(name))[:_MOST_WORDS])
        self.longest = max(map(len, self._exact), default=0)
        self.starts = frozenset(key[:size] for key in self._exact for size in range(1, len(key) + 1))
        """All beginnings of words that are found as they are written."""

    def exact(self, word: str) -> Match | None:
        """Return who a word stands for as it is written."""
        return self._exact.get(word)

    def find(self, word: str) -> Match | None:
        """Return who a word stands for, also with a mistake in it or with something in front of it or behind it."""
        if word in self._cached:
            return self._cached[word]
        if len(self._cached) > 1 << 16:  # as many as a very long recording has
            self._cached.clear()
        found = self._cached[word] = self.exact(word) or self._found(word)
        return found

    def _found(self, word: str) -> Match | None:
        if not 4 <= len(word) <= self.longest + 24:
            return None
        known = is_word(word)
        if word[-1] == "s" and not known and (owner := self.exact(word[:-1])) is not None and owner.is_sure:
            return owner
        near = {key for one in (word, *shorter(word)) for key in self._near.get(one, ())}
        keys = [key for key in near if is_near(word, key)]
        if not keys and len(word) > _INSIDE and not known:
            keys = list(self._parts_of(word))
        if not keys:
            return None
        matches = [self._exact[key] for key in keys]
        people = frozenset().union(*(one.people for one in matches))
        return Match(people, matches[0].kind, not known)

    def _parts_of(self, word: str) -> Iterator[str]:
        for start in range(len(word) - 4):
            for stop in range(start + 5, len(word) + 1):
                at_edge = start == 0 or stop == len(word)
                if (stop - start >= _INSIDE or at_edge) and word[start:stop] in self._inside:
                    yield word[start:stop]

    def _add_name(self, number: int, words: list[NameWord]) -> None:
        for word in words:
            self.particles[number].update(word.particles)
            self._add_word(number, word)
        joined = [spellings(word.joined) | {"".join(word.particles) + fold(word.joined).text} for word in words]
        for one, other in permutations(joined, 2):
            for left in one:
                for right in other:
                    self._add_pair(number, left, right)
        if len(words) > 2:
            self._add(number, "".join(fold(word.joined).text for word in words), fuzzy=True)
        self._add_initials(number, words)

    def _add_word(self, number: int, word: NameWord) -> None:
        for part in dict.fromkeys((word.joined, *word.parts)):
            for key in spellings(part):
                if len(key) > 1 and (key not in PARTICLES or part == word.joined):
                    self._add(number, key, fuzzy=len(key) >= FEWEST_FUZZY)
                    if len(key) >= 5 and self._exact[key].is_sure:
                        self._inside.add(key)
                for other in nicknames().get(key, ()):
                    self._add(number, other, kind="nickname", fuzzy=len(other) >= FEWEST_FUZZY)
        for key in spellings(word.joined):
            for at in range(len(word.particles)):
                self._add(number, "".join(word.particles[at:]) + key, fuzzy=True)
            for prefix in _PREFIXES if len(key) > 3 else ():
                self._add(number, prefix + key)

    def _add_pair(self, number: int, left: str, right: str) -> None:
        """Add what programs and people make of two words of a name: hansmuller, hmuller, hansm, hanmul."""
        self._add(number, left + right, fuzzy=len(left + right) >= _FUZZY_JOINED)
        for made in (left[0] + right, left + right[0]):
            if len(made) > 3:
                self._add(number, made)
        for size in _CODE_SIZES:
            if len(left) >= size and len(right) >= size:
                self._add(number, left[:size] + right[:size])

    def _add(self, number: int, key: str, *, kind: str = "name", fuzzy: bool = False) -> None:
        known = self._exact.get(key)
        people = frozenset((number,)) if known is None else known.people | {number}
        kind = kind if known is None or known.kind == kind else "name"
        self._exact[key] = Match(people, kind, len(key) > 2 and key not in common_words() and key not in PARTICLES)
        if fuzzy and known is None:
            for one in (key, *shorter(key)):
                self._near[one].add(key)

    def _add_initials(self, number: int, words: list[NameWord]) -> None:
        letters = [fold(word.joined).text[:1] for word in words]
        made = {"".join(pair) for pair in permutations(letters, 2)}
        made |= {"".join(letters), "".join(letters[1:] + letters[:1]), *letters}
        parts = [fold(part).text[:1] for word in words for part in word.parts]
        made.add("".join(parts))
        for one in filter(None, made):
            self.initials[one] = self.initials.get(one, frozenset()) | {number}


def shorter(word: str) -> Iterator[str]:
    """Yield a word with one letter left out, each in turn."""
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]


def is_near(one: str, other: str) -> bool:
    """Whether one word becomes the other by one letter more, less or another, or two that change places (Damerau).

    >>> is_near("muller", "mulelr"), is_near("muller", "miler")
    (True, False)
    """
    if abs(len(one) - len(other)) > 1:
        return False
    at = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    left, right = one[at:], other[at:]
    if len(one) == len(other):
        return left[1:] == right[1:] or (left[:2] == right[1::-1] and left[2:] == right[2:])
    return left[1:] == right or left == right[1:]
