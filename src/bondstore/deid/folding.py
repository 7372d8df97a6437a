"""Texts without accents and case, so that names are the same however they are written; and which character is where."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

_LETTERS = {
    "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h", "ŋ": "n", "ß": "ss",
    "Ø": "O", "Ł": "L", "Æ": "Ae", "Œ": "Oe", "Đ": "D", "Ð": "D", "Þ": "Th", "Ħ": "H", "Ŋ": "N", "ẞ": "Ss",
}  # fmt: skip
_DIGRAPHS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa"})
_SINGLE = str.maketrans({"þ": "t", "ß": "s", "æ": "a", "œ": "o"})
_REDUCED = re.compile("([aou])e")
_ENDINGS = ("s", "es", "ed", "d", "ing", "ly", "er", "e", "en", "n", "t")


class Folded(NamedTuple):
    """A text without accents."""

    cased: str
    """With upper and lower case."""
    text: str
    """In lower case; of the same length."""
    places: tuple[int, ...] | None
    """For each character, and the end, the place in the text as it was; None where they are the same."""

    def span(self, start: int, stop: int) -> tuple[int, int]:
        """Return a part's place in the text as it was, with the accents that follow its last letter."""
        return (start, stop) if self.places is None else (self.places[start], self.places[stop])


def fold(text: str) -> Folded:
    """Take accents and case away; what is not seen, such as a soft hyphen, takes no place.

    >>> fold("Zoë Łuk").text
    'zoe luk'
    """
    if text.isascii():
        return Folded(text, text.lower(), None)
    cased: list[str] = []
    places: list[int] = []
    for at, character in enumerate(text):
        plain = _plain(character)
        cased.append(plain)
        places += [at] * len(plain)
    joined = "".join(cased)
    return Folded(joined, "".join(map(_low, joined)), (*places, len(text)))


@lru_cache(4096)
def _plain(character: str) -> str:
    """A character without accents; nothing for one that is not seen."""
    if character.isascii():
        return character
    if character.isdecimal():
        return str(int(character))
    if not character.isalpha() and unicodedata.category(character)[0] not in "MC":
        return "?" if character.isalnum() else character  # such as one half: it is no letter
    parts = unicodedata.normalize("NFKD", character)
    return "".join(_LETTERS.get(one, one) for one in parts if unicodedata.category(one) not in ("Mn", "Cf"))


@lru_cache(4096)
def _low(character: str) -> str:
    low = character.lower()
    return low if len(low) == 1 else character


def spellings(word: str) -> set[str]:
    """Return how a word of a name may be written without accents: Müller is Muller and Mueller, and the other way."""
    plain, low = fold(word).text, unicodedata.normalize("NFC", word).lower()
    return {plain, *(fold(low.translate(table)).text for table in (_DIGRAPHS, _SINGLE)), _REDUCED.sub(r"\1", plain)}


def wordlist(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


@cache
def common_words() -> frozenset[str]:
    """Return the words that are not names by themselves."""
    return frozenset(word for line in _lines("words.txt") for word in line)


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Return what the bearers of a given name are called."""
    return {name: tuple(others) for name, *others in _lines("nicknames.txt")}


@lru_cache(1 << 16)
def is_word(word: str) -> bool:
    """Whether a word, or what it is a form of, is common."""
    words = common_words()
    return word in words or any(
        word.endswith(end) and len(word) - len(end) > 2 and word[: -len(end)] in words for end in _ENDINGS
    )


def _lines(name: str) -> list[list[str]]:
    content = files("bondstore.deid").joinpath(name).read_text("utf-8")
    return [line.split() for line in content.splitlines() if line and not line.startswith("#")]
