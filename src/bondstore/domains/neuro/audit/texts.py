"""Texts looked at word by word: fields, annotations, notes, and the names of files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from bondstore.deid.folding import common_words, wordlist
from bondstore.domains.neuro.audit.sought import BIRTH, NAME, NUMBER, Sought, fold

DOUBT = "doubt"
"""A common word that is somebody's name, without any company that makes it one: a person has to look."""
_WORD = re.compile(r"[^\W\d_]+")
_DIGITS = re.compile(r"\d(?:[\d .\-/]*\d)?")
_NEAR = 3
"""So many characters at most are between two words of a name."""
_TITLES = wordlist("mr mrs ms miss dr prof herr frau mme mlle monsieur madame sig sra senor senora")
_LONGEST = 40
_INSIDE = 5
_ONE_ERROR = 6


class TextSearch:
    """Finds people in texts."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._sizes = sorted({len(word) for word in sought.sure if len(word) >= _INSIDE})
        self._shorter = {short for word in sought.sure if len(word) >= _ONE_ERROR for short in _without_one(word)}
        self._of = lru_cache(1 << 15)(self._people)
        self.find = lru_cache(4096)(self._find)

    def _find(self, text: str) -> frozenset[str]:
        """Return the kinds of what a text holds."""
        return frozenset((*self._names(fold(text)), *self._days(text), *self._numbers(text)))

    def _names(self, text: str) -> Iterator[str]:
        words = list(_WORD.finditer(text))
        for at, word in enumerate(words):
            if self._of(word[0]):
                yield NAME
            elif people := self._sought.unsure.get(word[0], frozenset()):
                beside = [words[near] for near in (at - 1, at + 1) if 0 <= near < len(words)]
                close = [one for one in beside if max(one.start() - word.end(), word.start() - one.end()) <= _NEAR]
                if any(people & self._any(one[0]) for one in close) or self._is_titled(words, at):
                    yield NAME
                elif len(word[0]) > 2:
                    yield DOUBT

    def _is_titled(self, words: list[re.Match[str]], at: int) -> bool:
        return at > 0 and words[at - 1][0] in _TITLES and words[at].start() - words[at - 1].end() <= _NEAR

    def _any(self, word: str) -> frozenset[int]:
        return self._of(word) | self._sought.unsure.get(word, frozenset())

    def _people(self, word: str) -> frozenset[int]:
        """Return who a word names: as it is, as a part of a longer one, or with one letter wrong."""
        sure = self._sought.sure
        if word in sure or len(word) > _LONGEST:
            return sure.get(word, frozenset())
        for size in self._sizes:
            for at in range(len(word) - size + 1):
                if found := sure.get(word[at : at + size]):
                    return found
        if len(word) >= _ONE_ERROR - 1 and not _is_common(word):
            tries = {word, *_without_one(word)}
            if tries & (self._shorter | sure.keys()) and any(
                len(name) >= _ONE_ERROR and _one_apart(word, name) for name in sure
            ):
                return frozenset((-1,))
        return frozenset()

    def _days(self, text: str) -> Iterator[str]:
        low = text.lower()
        if any(map(str.isdigit, low)) and any(day in low for day in self._sought.births):
            yield BIRTH

    def _numbers(self, text: str) -> Iterator[str]:
        for found in _DIGITS.finditer(text):
            joined = "".join(filter(str.isdigit, found[0])).lstrip("0")
            parts = (part.lstrip("0") for part in re.findall(r"\d+", found[0]))
            if joined in self._sought.numbers or any(part in self._sought.numbers for part in parts):
                yield NUMBER


def _is_common(word: str) -> bool:
    return word in common_words() or word.rstrip("s") in common_words()


def _without_one(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _one_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or another, or two that changed places, make one word of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    if len(one) == len(other):
        apart = [at for at, (a, b) in enumerate(zip(one, other, strict=True)) if a != b]
        swapped = len(apart) == 2 and apart[1] == apart[0] + 1 and one[apart[0]] == other[apart[1]]
        return len(apart) == 1 or (swapped and one[apart[1]] == other[apart[0]])
    short, long = sorted((one, other), key=len)
    return short in set(_without_one(long))
