"""Patterns that tell who somebody is, taken out of free text: each is replaced by a typed mark.

In this order:

``[URL]``
    A URL with a user in it, see `texturls`. Any other URL stays, and no phone number is looked for in it.
``[EMAIL]``
    ``local@domain.tld`` in any script, as it is written in mail, in web addresses (``%40``) or in HTML (``&#64;``);
    with "(at)", "[at]" and the like in place of the sign, and "(dot)" in that of a point, one of them or both; ``local
    at domain dot tld``; ``local @ domain.tld``; ``local at gmail.com`` and other well-known mail hosts;
    ``local@[192.0.2.1]``.
``[IBAN]``
    The country's length and the check digits hold; single spaces or hyphens may stand between.
``[CARD]``
    13 to 19 digits, in one piece or in groups of four (or 4-6-5, 4-6-4), whose Luhn sum holds; see `textnumbers`.
``[PHONE]``
    By the form of the number and what stands around it, see `textphones`.

Of what phones show (`screen`), also ``[IP]``, ``[COORDINATES]``, ``[SSN]`` and ``[CODE]``, see `textcodes`.

Full-width characters, and the digits of all scripts, are read as the ASCII that they stand for.

Where it is uncertain, a text is rather taken for one of these. Names, postal addresses and what a text says are not
looked for. Each text is looked at by itself, in time that grows with its length alone. What is redacted is looked at
again until nothing is found, so that redacting it once more changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from bondstore.deid.textcodes import addresses, apart, coordinates, one_time_codes, social_numbers
from bondstore.deid.textnumbers import cards, ibans, replaced
from bondstore.deid.textphones import phones
from bondstore.deid.texturls import urls

MARKS = ("EMAIL", "PHONE", "CARD", "URL", "IBAN")
SCREEN_MARKS = (*MARKS, "IP", "COORDINATES", "SSN", "CODE")
_OPEN, _SHUT = r"\s{0,2}[(\[{<]\s?", r"\s?[)\]}>]\s{0,2}"
_MAY_HOLD = re.compile(
    r"[\d@/&]|www\.|\bdot\b|\sat\s|[(\[{<]\s?(?:at|ät|arroba|aroba|chiocciola)\s?[)\]}>]", re.IGNORECASE
)
_POINT = rf"(?:\.|{_OPEN}(?:dot|punkt|punto|point|\.){_SHUT}|\sdot\s)"
_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_TOP = r"(?!\d)[^\W_]{2,24}"
_AT_SPELLED = rf"{_OPEN}(?:at|ät|@|arroba|aroba|chiocciola){_SHUT}"
_POINT_SPELLED = rf"(?:{_OPEN}(?:dot|punkt|punto|point|\.){_SHUT}|\sdot\s)"
_MAILERS = "gmail|googlemail|hotmail|outlook|yahoo|icloud|gmx|web|proton(?:mail)?|aol|live|msn|mail|yandex|qq|163"
_SPELLED = re.compile(
    rf"(?<![\w.+%-])[\w+%-](?:[\w.+%-]{{0,62}}[\w+%-])?"
    rf"(?:{_AT_SPELLED}{_LABEL}(?:{_POINT}{_LABEL}){{0,4}}{_POINT}{_TOP}"
    rf"|\sat\s{_LABEL}(?:\sdot\s{_LABEL}){{0,4}}\sdot\s{_TOP}"
    rf"|\sat\s(?:{_MAILERS})\.{_TOP}(?:\.{_TOP})?"
    # The sign itself, with a space behind it or a point that is spelled out; "by @anna.lind" is another thing.
    rf"|\s?@\s{_LABEL}(?:{_POINT}{_LABEL}){{0,4}}{_POINT}{_TOP}"
    rf"|@{_LABEL}(?:{_POINT}{_LABEL}){{0,3}}{_POINT_SPELLED}(?!\d)[^\W_]{{1,24}})\b",
    re.IGNORECASE,
)
_UNSEEN = re.compile("[\\u00ad\\u200b-\\u200f\\u2060-\\u2064\\u2400\\ufeff]")
"""What takes no place between letters, and the sign that stands for a NUL byte."""
_UNSEEN_APART = re.compile(rf"(?<!\d){_UNSEEN.pattern}|{_UNSEEN.pattern}(?!\d)")
"""The same, but not between two digits."""
_WIDE = re.compile("(?![0-9\\uff0c])[\\uff01-\\uff5e\\u3000\\d]")
"""What stands for one ASCII character; the full-width comma ends a sentence, and parts no digits of a number."""
_DIGITS = re.compile(r"\d(?:\D{0,3}?\d){5}")
_FOUR_DIGITS = re.compile(r"\d(?:\D{0,6}?\d){3}|:[0-9a-f]{0,4}:|code\b", re.IGNORECASE)
_AT = re.compile(r"@|%40|&(?:#64|commat);")  # also as address bars and HTML write the sign
_LITERAL = re.compile(r"\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9a-f:.]{2,45})\]", re.IGNORECASE)  # RFC 5321, 4.1.3
_IN_LOCAL = frozenset(".+-_'&%~")
_IN_DOMAIN = frozenset(".-_")
_PIXELS = re.compile(r"\dx", re.ASCII)
_LONGEST_QUOTED = 66
_LOOKS = 64
"""Far more than it takes; each look covers something, and a text made to need many must not cost without end."""


def redact_text(text: str, *, screen: bool = False) -> tuple[str, dict[str, int]]:
    """Replace what tells who somebody is by typed marks; return how many of each of `MARKS` there were too.

    With `screen` true, as text from phones wants it, of each of `SCREEN_MARKS`.
    """
    if _UNSEEN.search(text) is None:
        return _redacted(text, screen=screen)
    # Between two letters of an address they keep it from being found, and not from being read. Between two digits they
    # may part two numbers, or be inside of one: so first they stay there, and then they do not.
    seen, found = _redacted(_UNSEEN_APART.sub("", text), screen=screen)
    joined, more = _redacted(_UNSEEN.sub("", seen), screen=screen)
    if more:
        seen, found = joined, {mark: found.get(mark, 0) + more.get(mark, 0) for mark in found | more}
    return (seen, found) if found else (text, found)


def _redacted(text: str, *, screen: bool) -> tuple[str, dict[str, int]]:
    counts: dict[str, int] = {}
    if _MAY_HOLD.search(_narrowed(text)) is None:
        return text, counts
    # What stood beside a replaced piece may have kept another from being seen: look again, which seldom takes a third.
    for _ in range(_LOOKS):
        before = text
        text = _look(text, counts, screen=screen)
        if text == before:
            break
    return text, counts


def _look(text: str, counts: dict[str, int], *, screen: bool) -> str:
    numbers = screen and _FOUR_DIGITS.search(_narrowed(text)) is not None
    for mark, find in _FINDERS.items():
        if mark in _ON_SCREENS and not numbers:
            continue
        if mark == "CARD" and _DIGITS.search(text) is None:
            break
        text, count = replaced(text, mark, find(_narrowed(text)))
        if count:
            counts[mark] = counts.get(mark, 0) + count
    return text


def _narrowed(text: str) -> str:
    """Return a text of the same length, with ASCII for what stands for it."""
    return text if text.isascii() else _WIDE.sub(lambda match: _narrow(match[0]), text)


def _narrow(sign: str) -> str:
    if sign.isdecimal():
        return str(int(sign))
    return " " if sign == "\u3000" else chr(ord(sign) - 0xFEE0)  # as Unicode lays out the block of full-width forms


def _emails(text: str) -> Iterator[tuple[int, int]]:
    done = 0
    for at in _AT.finditer(text):
        if at.start() < done:
            continue
        end = _domain_end(text, at.end())
        start = _local_start(text, at.start(), done) if end else at.start()
        if start < at.start():
            yield start, end
            done = end


def _mail(text: str) -> Iterator[tuple[int, int]]:
    return apart([*_emails(text), *(match.span() for match in _SPELLED.finditer(text))])


_ON_SCREENS = frozenset(SCREEN_MARKS) - frozenset(MARKS)
_FINDERS: Mapping[str, Callable[[str], Iterable[tuple[int, int]]]] = MappingProxyType(
    {
        "URL": urls,
        "EMAIL": _mail,
        "IBAN": ibans,
        "IP": addresses,
        "COORDINATES": coordinates,
        "SSN": social_numbers,
        "CODE": one_time_codes,
        "CARD": cards,
        "PHONE": phones,
    }
)
"""In the order in which they look; from cards on only where there are six digits close to each other."""


def _local_start(text: str, at: int, least: int) -> int:
    """Return where the part before the sign begins; `at` if there is none."""
    if text[max(least, at - 1) : at] == '"':
        opening = text.rfind('"', max(least, at - _LONGEST_QUOTED), at - 1)
        return opening if 0 <= opening < at - 2 else at
    start = at
    while start > least and _belongs(text[start - 1], _IN_LOCAL):
        start -= 1
    while start < at and text[start] in _IN_LOCAL:
        start += 1
    return start


def _domain_end(text: str, start: int) -> int:
    """Return where the domain ends that begins at `start`; 0 if there is none."""
    literal = _LITERAL.match(text, start)
    if literal is not None:
        return literal.end()
    end = start
    while end < len(text) and _belongs(text[end], _IN_DOMAIN):
        end += 1
    labels: list[str] = []
    for label in text[start:end].split("."):
        if not label.strip("-_"):
            break
        labels.append(label)
    while len(labels) > 1 and not _is_top(labels[-1]):
        labels.pop()
    if len(labels) < 2 or _PIXELS.fullmatch(labels[0]):  # icon@2x.png
        return 0
    return start + len(".".join(labels))


def _is_top(label: str) -> bool:
    return len(label) > 1 and label[0].isalpha() and (label.lower().startswith("xn--") or not re.search(r"\d", label))


def _belongs(character: str, more: frozenset[str]) -> bool:
    """Whether a character is a letter, a digit, a mark on one, or one of `more`."""
    return character.isalnum() or character in more or unicodedata.category(character)[0] == "M"
