"""Bank account and card numbers: told by their length and their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

SPACES = r" \u00a0\u2007\u2009\u202f"
"""Spaces within a line, for a class in a pattern."""
HYPHENS = r"\-\u2010-\u2013"
"""Hyphens and short dashes, for a class in a pattern."""
# ISO 13616: letters and digits of a number, by country, as in the public registry.
_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 "
    "EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 "
    "KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 "
    "PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 "
    "UA29 VA22 VG24 XK20 YE30"
)
_LENGTHS = {one[:2]: int(one[2:]) for one in _COUNTRIES.split()}
_IBAN_HEAD = re.compile(rf"(?<![^\W_])[A-Za-z]{{2}}[0-9]{{2}}(?=[{SPACES}{HYPHENS}]?[A-Za-z0-9])")
_SEPARATES = re.compile(rf"[{SPACES}{HYPHENS}]")
_IN_IBAN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_RUN = re.compile(rf"\d(?:[{SPACES}{HYPHENS}.]?\d)*+")
_GROUP = re.compile(r"\d+")
_FEWEST, _MOST = 13, 19
_TIME = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?:\d{3})?")


@dataclass(frozen=True, slots=True)
class DigitGroup:
    """Digits in one piece."""

    start: int
    end: int
    digits: str  # as ASCII, whatever script they are written in


def replaced(text: str, mark: str, spans: Iterable[tuple[int, int]]) -> tuple[str, int]:
    """Put a mark in place of each span, from left to right; return the text and how many there were."""
    parts: list[str] = []
    done = 0
    for start, end in spans:
        parts += (text[done:start], f"[{mark}]")
        done = end
    return "".join(parts) + text[done:], len(parts) // 2


def groups(text: str, start: int, end: int) -> list[DigitGroup]:
    """Return the groups of digits in a part of a text."""
    return [
        DigitGroup(match.start(), match.end(), "".join(str(int(digit)) for digit in match[0]))
        for match in _GROUP.finditer(text, start, end)
    ]


def ibans(text: str) -> Iterator[tuple[int, int]]:
    """Yield where bank account numbers start and end."""
    head = _IBAN_HEAD.search(text)
    while head is not None:
        end = _iban_end(text, head.start())
        if end:
            yield head.start(), end
        head = _IBAN_HEAD.search(text, end or head.start() + 1)


def _iban_end(text: str, start: int) -> int:
    """Return where the number ends that begins at `start`; 0 if it is none."""
    length = _LENGTHS.get(text[start : start + 2].upper())
    if length is None:
        return 0
    found: list[str] = []
    separated = False
    place = start
    while place < len(text) and len(found) < length:
        character = text[place]
        if character in _IN_IBAN:
            found.append(character)
            separated = False
        elif _SEPARATES.match(character) and not separated:
            separated = True
        else:
            return 0
        place += 1
    if len(found) < length or text[place : place + 1].isalnum():
        return 0
    # ISO 7064: country and check digits go to the end, letters count from 10 on, the rest of 97 must be 1.
    number = "".join(found[4:] + found[:4])
    return place if int("".join(str(int(character, 36)) for character in number)) % 97 == 1 else 0


def cards(text: str) -> Iterator[tuple[int, int]]:
    """Yield where card numbers start and end."""
    for run in _RUN.finditer(text):
        if run.end() - run.start() < _FEWEST:
            continue
        pieces = groups(text, run.start(), run.end())
        first = int(_joined(text, run.start() - 1) or text[run.start() - 1 : run.start()] == "+")
        last = len(pieces) - int(_joined(text, run.end()))
        while first < last:
            count = _card(pieces, first, last)
            if count:
                yield pieces[first].start, pieces[first + count - 1].end
            first += count or 1


def _joined(text: str, place: int) -> bool:
    """Whether a letter stands there, which makes the digits beside it part of a name."""
    return place >= 0 and text[place : place + 1].isalnum()


def _card(pieces: list[DigitGroup], first: int, last: int) -> int:
    """Return how many groups from `first` on make a card number; 0 if none."""
    digits = ""
    best = 0
    for place in range(first, min(last, first + 7)):
        digits += pieces[place].digits
        if len(digits) > _MOST:
            break
        sizes = [len(piece.digits) for piece in pieces[first : place + 1]]
        if len(digits) >= _FEWEST and _is_shape(sizes) and _is_card(digits):
            best = len(sizes)
    return best


def _is_shape(sizes: list[int]) -> bool:
    return len(sizes) == 1 or sizes in ([4, 6, 5], [4, 6, 4]) or (set(sizes[:-1]) == {4} and sizes[-1] <= 4)


def _is_card(digits: str) -> bool:
    if digits[0] in "01" or _TIME.fullmatch(digits):
        return False
    # Luhn's sum (ISO/IEC 7812-1): every second digit from the right counts twice.
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[::-2]))) % 10 == 0
