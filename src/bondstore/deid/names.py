"""Who somebody is, found in short texts such as annotations: names, and what else is known of them or looks like it.

Names are found without regard to accents and case, over word breaks, with one mistake in words of five letters and
more (`nameindex`), as nicknames, as initials with dots, and spelled letter by letter. A name that is a common word
(May, Rose, Will), of two letters, or a common word that is near a name, counts beside another name or a title only;
where it has no such company it is doubtful: a person looks at it. Dates of birth, record numbers, phones, social
security numbers and mail addresses are found where they are known, where a word says what follows, or by their form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial

from bondstore.deid.finder import Found
from bondstore.deid.folding import fold
from bondstore.deid.nameindex import NameIndex
from bondstore.deid.namelook import CLOSE, TextLook
from bondstore.deid.people import Person
from bondstore.deid.textcodes import social_numbers
from bondstore.deid.textdates import dates_in
from bondstore.deid.textphones import phones
from bondstore.deid.textrecords import RecordNumbers

_NAMES = frozenset(("name", "nickname", "initials"))
_BORN = re.compile(
    r"(?<![a-z])(?:d\.?\s?o\.?\s?b|born|birth\s?da(?:te|y)|date of birth|nee?|ne\(e\)|naissance|ddn|geb(?:oren)?"
    r"|geburtsdatum|gebdat|nacid[oa]|nacimiento|nat[oa]|nascita|f\.?n)(?:\s(?:on|le|am|il|el))?[\s.:=/\-]{0,4}$"
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in a text."""

    found: tuple[Found, ...]
    doubtful: tuple[Found, ...]
    """Common words that may be names: for a person to look at."""


class NameFinder:
    """Finds people, and what is known of them, in texts.

    >>> finder = NameFinder([Person(("Hans_Muller",))])
    >>> [one.kind for one in finder.find("seen by Dr. Müler, H.")]
    ['name']

    Parameters
    ----------
    people : iterable of Person
        Whom to look for.
    all_dates : bool, default False
        Whether every date counts, as is wanted where dates are shifted.
    """

    def __init__(self, people: Iterable[Person], *, all_dates: bool = False) -> None:
        self._people = known = tuple(people)
        self._index = NameIndex(known)
        self._births = frozenset(day for one in known for day in one.births)
        self._numbers = RecordNumbers(number for one in known for number in one.numbers)
        self._all_dates = all_dates
        self.look = lru_cache(4096)(self._look)

    def __reduce__(self) -> tuple[object, ...]:
        return partial(NameFinder, self._people, all_dates=self._all_dates), ()  # the copy makes an index of its own

    def find(self, text: str) -> tuple[Found, ...]:
        """Return what is to be blanked in a text: places in it, in order, none in another one."""
        return self.look(text).found

    def doubtful(self, text: str) -> tuple[Found, ...]:
        """Return what may be a name, and is not blanked: a person looks at it."""
        return self.look(text).doubtful

    def _look(self, text: str) -> Looked:
        folded = fold(text)
        look = TextLook(folded, self._index)
        sure, doubtful = look.names()
        found = [Found(*folded.span(start, stop), kind) for start, stop, kind in sure]
        found += self._dates(text)
        if any(map(str.isdigit, text)):
            found += (Found(*span, "record-number") for span in self._numbers.find(text))
            found += (Found(*span, "social-number") for span in social_numbers(text))
            found += (Found(*span, "phone") for span in phones(text))
        if "@" in text:
            found += (Found(*match.span(), "email") for match in _EMAIL.finditer(text))
        apart = tuple(_apart(found, text))
        doubts = (Found(*folded.span(start, stop), kind) for start, stop, kind in doubtful)
        return Looked(apart, tuple(one for one in doubts if not any(_overlap(one, other) for other in apart)))

    def _dates(self, text: str) -> Iterator[Found]:
        for day in dates_in(text):
            before = fold(text[max(0, day.start - 32) : day.start]).text
            if day.readings & self._births or _BORN.search(before):
                yield Found(day.start, day.stop, "birth-date")
            elif self._all_dates and day.is_plain:
                yield Found(day.start, day.stop, "date")


_EMAIL = re.compile(r"[\w.+%'-]{1,64}@[\w-]+(?:\.[\w-]+)+")


def _apart(found: list[Found], text: str) -> Iterator[Found]:
    """Yield places in order, none in another one; names side by side are one."""
    held: Found | None = None
    for one in sorted(found, key=lambda each: (each.start, -each.stop)):
        if held is not None and _are_one(held, one, text):
            kind = held.kind if held.kind == one.kind or "name" not in (held.kind, one.kind) else "name"
            held = Found(held.start, max(held.stop, one.stop), kind)
            continue
        if held is not None:
            yield held
        held = one
    if held is not None:
        yield held


def _are_one(held: Found, one: Found, text: str) -> bool:
    if one.start < held.stop:
        return True
    both = held.kind in _NAMES and one.kind in _NAMES
    return both and CLOSE.fullmatch(text, held.stop, one.start) is not None and "\0" not in text[held.stop : one.start]


def _overlap(one: Found, other: Found) -> bool:
    return one.start < other.stop and other.start < one.stop
