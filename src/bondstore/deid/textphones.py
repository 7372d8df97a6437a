"""Phone numbers: told by their form and by what stands around them.

Digits in one line with up to three of ``space - . / ( )`` between them are looked at together. Left alone are digits
that touch a letter, that follow ``#``, or ``-`` or ``_`` behind a letter, that are part of a date, a time, an IP
address or a decimal number, and those inside a URL. A phone number is then

- ``+`` and a country code in use, 8 to 15 digits in all (``+1``: 11), or the same after ``00`` or ``011``;
- a national number after ``0``: 9 to 12 digits, the second not 0; with ``/`` or ``-`` behind the area code, or in
  groups of 2-3-3, also 8;
- an area code in brackets, 8 to 12 digits in all;
- any 6 to 15 digits behind a word such as *phone*, *Tel.* or *WhatsApp*, or its sign;
- without any of these, a form that is in use somewhere (`_FORMS`), such as 3-3-4, 3-3-3, 2-2-2-2 or 4-4, with first
  digits that go with it; or 10 digits in one piece that start with 2 to 9, 11 that start with 1 or 89, 12 that start
  with 91. Not so beside a currency or a per cent sign, nor in a row of more numbers.

Never: times in seconds or milliseconds, dates, prices, and, but behind such a word, 7 digits or 8 in one piece.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from bondstore.deid.textnumbers import HYPHENS, SPACES, groups
from bondstore.deid.texturls import URL_PATTERN, may_hold_url

_BETWEEN = rf"[{SPACES}{HYPHENS}./()]"
# Possessive (``*+``), so that time grows with the length alone.
_RUN = rf"(?P<run>\+?\(?\+?\d(?:{_BETWEEN}{{0,3}}\d)*+)"
_TOKENS = re.compile(_RUN)
_TOKENS_AND_URLS = re.compile(rf"{URL_PATTERN}|{_RUN}", re.IGNORECASE)
_DAY, _MONTH = "(?:0?[1-9]|[12]\\d|3[01])", "(?:0?[1-9]|1[0-2])"
_LONG_DATE = rf"(?:19|20)\d\d([-./]){_MONTH}\1{_DAY}|{_DAY}([-./]){_DAY}\2(?:19|20)\d\d"
_DATE = re.compile(rf"(?<!\d)(?:{_LONG_DATE})(?!\d)")
_DATE_OR_ADDRESS = re.compile(
    rf"(?<!\d)(?:{_LONG_DATE}|{_DAY}([-./]){_DAY}\3\d\d(?![-./]?\d)|\d{{1,3}}(?:\.\d{{1,3}}){{3}}(?!\.?\d))(?!\d)"
)
_KEYWORD = re.compile(
    r"(?:(?<![^\W\d_])(?:tel|tél|tlf|telefon[oe]?|téléphone|telephone|phone|call|mobile?|mob|cell|cellulare|celular|handy"
    r"|fax|whats\s?app|sms|hotline|portable|gsm|móvil)|[☎📞📱🤙])(?:[ .:]*(?:number|nr|no|n°|us|me|at|on|is|:|=))?"
    r"[\W_]{0,4}$",
    re.IGNORECASE,
)
_AMOUNT_BEFORE = re.compile(r"(?:[$€£¥₹₽₩₺₫฿]|\b(?:USD|EUR|GBP|CHF|Rs\.?))\s?$", re.IGNORECASE)
_AMOUNT_BEHIND = re.compile(r"\s?(?:[$€£¥₹₽₩₺₫฿%]|(?:USD|EUR|GBP|CHF|JPY|INR|kr|zł|Kč|Ft|Rs)\b)", re.IGNORECASE)
_PART_BEFORE = re.compile(r"(?<!\d)\d{1,3}[,:]$")
_PART_BEHIND = re.compile(r"[.,:]\d{1,3}(?!\d)")
_NAME_BEFORE = re.compile(rf"(?:[^\W_]|#|[^\W\d_][_{HYPHENS}])$")
_NAME_BEHIND = re.compile(rf"(?!x\d)(?:\w|[_{HYPHENS}][^\W\d_])", re.IGNORECASE)
_LINK = re.compile(rf"[_{HYPHENS}]")
_AREA_END = re.compile(rf"[/{HYPHENS}]")
_APART = re.compile(rf"[/{SPACES}]")
_JOINT = re.compile(rf"[.{HYPHENS}]")
_EXTENSION = re.compile(r"\s?(?:x|ext\.?)\s?\d{1,5}(?!\w)", re.IGNORECASE)
_CODE = re.compile(
    r"7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|2[1-689]\d|3[578]\d|42\d|5[09]\d|6[789]\d|8[0578]\d|9[679]\d"
)
_FORMS = {
    (3, 3, 4): "[2-9]",
    (1, 3, 3, 4): "1[2-9]",
    (3, 3, 3): "[5-9]",
    (3, 2, 2, 2): "[5-9]",
    (3, 3, 2, 2): "[59]",
    (1, 3, 3, 2, 2): "[78]9",
    (3, 2, 3): "[49]",
    (2, 4, 4): "[1-9](?!.(?:19|20)..(?:19|20))",
    (2, 5, 4): "[1-9][1-9]9",
    (2, 3, 4): "[2-9]",
    (2, 3, 2, 2): "[1-9]",
    (3, 7): "[2-9]",
    (2, 2, 2, 2): "[2-9]",
    (4, 4): "(?!(?:19|20)..(?:19|20))[2-9]",
    (5, 5): "[6-9]",
    (3, 4, 4): "1[3-9]",
    (4, 3, 3): "1[38]00",
    (10,): "[2-9]",
    (11,): r"1[2-9]|89",
    (12,): "91[6-9]",
}
_STARTS = {form: re.compile(start) for form, start in _FORMS.items()}
_MOST_GROUPS, _MOST_DIGITS, _SHORTEST = 8, 18, 6
_PLAIN = re.compile(rf"[{SPACES}{HYPHENS}.]|[{SPACES}][{HYPHENS}][{SPACES}]")


def phones(text: str) -> Iterator[tuple[int, int]]:
    """Yield where phone numbers start and end."""
    tokens = _TOKENS_AND_URLS if may_hold_url(text) else _TOKENS
    for token in tokens.finditer(text):
        if token["run"] is None or token.end() - token.start() < _SHORTEST:
            continue
        yield from _DigitRun(text, token.start(), token.end()).phones()


class _DigitRun:
    """Groups of digits in a row, and what stands around them."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text = text
        self._start = start
        self._end = end
        self._groups = groups(text, start, end)
        self._between = [text[left.end : right.start] for left, right in pairwise(self._groups)]
        before = text[max(0, start - 24) : start]
        self._plus = "+" in text[start : self._groups[0].start]
        self._keyword = _KEYWORD.search(before) is not None
        self._amount = bool(_AMOUNT_BEFORE.search(before) or _AMOUNT_BEHIND.match(text, end))
        self._blocked = self._no_phones(before)

    def phones(self) -> list[tuple[int, int]]:
        """Return where phone numbers start and end."""
        found: list[tuple[int, int]] = []
        place = free_from = 0
        while place < len(self._groups):
            count = self._count(place, free=place == free_from)
            if count:
                found.append(self._span(place, place + count))
                free_from = place + count
            place += count or 1
        return found

    def _no_phones(self, before: str) -> list[bool]:
        """Tell which groups are part of something else: a name, a date, a time, a decimal number."""
        blocked = [False] * len(self._groups)
        opened = self._text[self._start] == "("
        if not self._keyword and not opened and _NAME_BEFORE.search(before):
            blocked[0] = True
        if _NAME_BEHIND.match(self._text, self._end):
            blocked[-1] = True
        for place, between in enumerate(self._between):
            blocked[place + 1] |= blocked[place] and bool(_LINK.fullmatch(between))
        for place in range(len(self._between) - 1, -1, -1):
            blocked[place] |= blocked[place + 1] and bool(_LINK.fullmatch(self._between[place]))
        blocked[0] |= bool(_PART_BEFORE.search(before))
        blocked[-1] |= bool(_PART_BEHIND.match(self._text, self._end))
        pattern = _DATE if self._plus else _DATE_OR_ADDRESS
        dates = [match.span() for match in pattern.finditer(self._text, self._start, self._end)]
        at = 0
        for place, group in enumerate(self._groups):
            while at < len(dates) and dates[at][1] <= group.start:
                at += 1
            blocked[place] |= at < len(dates) and dates[at][0] <= group.start
        return blocked

    def _count(self, first: int, *, free: bool) -> int:
        """Return how many groups from `first` on make a phone number, the most there can be; 0 if none."""
        digits = ""
        best = 0
        begins = first == 0 or free or not _JOINT.fullmatch(self._between[first - 1])
        for last in range(first, min(len(self._groups), first + _MOST_GROUPS)):
            digits += self._groups[last].digits
            if self._blocked[last] or len(digits) > _MOST_DIGITS:
                break
            sizes = tuple(len(group.digits) for group in self._groups[first : last + 1])
            if (begins and self._is_phone(first, digits, sizes)) or (
                not self._amount and self._is_usual(first, digits, sizes, free)
            ):
                best = len(sizes)
        return best

    def _is_phone(self, first: int, digits: str, sizes: tuple[int, ...]) -> bool:
        """Whether a sign, a prefix, brackets or a word tells that this is a phone number."""
        if first == 0 and self._plus:
            return _is_international(digits)
        if first == 0 and self._keyword and 6 <= len(digits) <= 15:
            return True
        if digits.startswith("00") and sizes[0] > 1:
            return _is_international(digits[2:])
        if digits.startswith("011") and sizes[0] == 3 and _is_international(digits[3:]):
            return True
        if self._has_area(first, len(digits), sizes):
            return True
        trunk = digits[0] == "0" and digits[1:2] != "0" and sizes[0] > 1
        return trunk and self._is_national(first, len(digits), sizes)

    def _has_area(self, first: int, count: int, sizes: tuple[int, ...]) -> bool:
        """Whether an area code stands in brackets, maybe behind the prefix for long distance."""
        if self._in_brackets(first):
            return 2 <= sizes[0] <= 5 and 8 <= count <= 12
        prefix = sizes[0] == 1 and self._groups[first].digits in "0178"
        return prefix and len(sizes) > 1 and self._in_brackets(first + 1) and 10 <= count <= 12

    def _is_national(self, first: int, count: int, sizes: tuple[int, ...]) -> bool:
        if len(sizes) == 1:
            return 9 <= count <= 12
        if sizes[0] > 6 or max(sizes) > 9 or sizes.count(1) > 1 or count > 12:
            return False
        if count == 8 and sizes != (2, 3, 3):
            return sizes[0] <= 5 and _AREA_END.search(self._between[first]) is not None
        return count >= 8

    def _is_usual(self, first: int, digits: str, sizes: tuple[int, ...], free: bool) -> bool:
        """Whether these groups have a form that is in use, and stand by themselves."""
        start = _STARTS.get(sizes)
        if start is None or not start.match(digits):
            return False
        end = first + len(sizes)
        inside = self._between[first : end - 1]
        if not all(map(_PLAIN.fullmatch, inside)) or (sizes == (3, 3, 3) and "." in inside):
            return False
        beside = [] if free else self._between[first - 1 : first]
        beside += self._between[end - 1 : end]
        if inside:
            return not any(between in inside for between in beside)
        return all(_APART.search(between) for between in beside)

    def _in_brackets(self, place: int) -> bool:
        group = self._groups[place]
        return self._text[group.start - 1 : group.start] == "(" and self._text[group.end : group.end + 1] == ")"

    def _span(self, first: int, end: int) -> tuple[int, int]:
        """Return where groups start and end in the text, with their sign, brackets and extension."""
        start = self._start if first == 0 else self._groups[first].start - self._in_brackets(first)
        stop = self._groups[end - 1].end
        if self._text[start] == "(" and ")" not in self._text[start:stop]:
            start += 1
        if end == len(self._groups):
            extension = _EXTENSION.match(self._text, stop)
            stop = extension.end() if extension else stop
        return start, stop


def _is_international(digits: str) -> bool:
    if digits[:1] == "1":
        return len(digits) == 11 and digits[1] > "1"
    code = _CODE.match(digits)
    return code is not None and 9 - (len(code[0]) == 3) <= len(digits) <= 15
