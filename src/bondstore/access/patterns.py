"""IAM's wildcards and variables: ``*`` for any text, ``?`` for one character, ``${key}`` for a value of the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Token = str | None
"""A literal piece, or None for ``*``; ``?`` is a piece of its own, `ONE`."""
ONE, ANY = "\0?", "\0*"
"""Wildcards that a text cannot hold: any one character, and a value that nobody knows."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = {"*": "*", "?": "?", "$": "$"}


class UnknownValueError(Exception):
    """A variable stands for something that nobody said."""


class NoValueError(Exception):
    """A variable stands for something that the request has not."""


def expand(text: str, value_of: Callable[[str], str]) -> tuple[Token, ...]:
    """Split a pattern into its pieces, with each variable replaced by its value, whose signs have no meaning.

    Raises
    ------
    UnknownValueError, NoValueError
        As `value_of` raises them.
    """
    pieces: list[Token] = []
    at = 0
    for found in _VARIABLE.finditer(text):
        pieces += _split(text[at : found.start()])
        name, comma, default = found.group(1).partition(",")
        try:
            pieces.append(_LITERAL.get(name) or value_of(name.strip()))
        except NoValueError:
            if not comma:
                raise
            pieces.append(default.strip().removeprefix("'").removesuffix("'"))
        at = found.end()
    return (*pieces, *_split(text[at:]))


def widely(text: str, value_of: Callable[[str], str]) -> tuple[tuple[Token, ...] | None, bool]:
    """Split a pattern in which an unknown value is any text; None: nothing fits it. Tell too whether it is exact."""
    exact = True

    def or_any(key: str) -> str:
        nonlocal exact
        try:
            return value_of(key)
        except UnknownValueError:
            exact = False
            return ANY

    try:
        return expand(text, or_any), exact
    except NoValueError:
        return None, True


def may_break(text: str, value_of: Callable[[str], str]) -> bool:
    """Whether a variable may have no value, which may make the whole statement invalid ("Policy variables")."""
    for found in _VARIABLE.finditer(text) if "${" in text else ():
        name, comma, _ = found.group(1).partition(",")
        if not comma and name not in _LITERAL:
            try:
                value_of(name.strip())
            except (UnknownValueError, NoValueError):
                return True
    return False


def plain(text: str) -> tuple[Token, ...]:
    """Split a pattern in which nothing is a variable."""
    return tuple(_split(text))


def has_variables(text: str) -> bool:
    """Whether any part of a pattern is a variable."""
    return _VARIABLE.search(text) is not None


def _split(text: str) -> list[Token]:
    return [None if one == "*" else ONE if one == "?" else one for one in re.split(r"([*?])", text) if one]


@lru_cache(maxsize=100_000)
def matcher(pieces: tuple[Token, ...]) -> re.Pattern[str]:
    """Return what `fullmatch` tells by whether a text fits."""
    return re.compile(
        "".join(".*" if one in (None, ANY) else "." if one == ONE else re.escape(one or "") for one in _calm(pieces)),
        re.DOTALL,
    )


def fits(pieces: tuple[Token, ...], text: str) -> bool:
    """Whether a text fits a pattern."""
    return matcher(pieces).fullmatch(text) is not None


@lru_cache(maxsize=1_000)
def over_colons(parts: tuple[tuple[Token, ...], ...]) -> re.Pattern[str]:
    """Return what `fullmatch` tells by whether an ARN fits where a ``*`` that ends a part reaches over colons."""
    written = []
    for number, pieces in enumerate(parts):
        free = number == len(parts) - 1
        any_one = "." if free else "[^:]"
        signs = {None: f"{any_one}*", ONE: any_one, ANY: ".*"}
        told = [signs[one] if one in signs else re.escape(one or "") for one in _calm(pieces)]
        written.append("".join([*told[:-1], ".*"] if pieces and pieces[-1] is None else told))
    return re.compile(":".join(written), re.DOTALL)


def literal(pieces: tuple[Token, ...]) -> str | None:
    """Return the text that a pattern stands for alone; None where it has a wildcard."""
    return "".join(one for one in pieces if one is not None) if None not in pieces and ONE not in pieces else None


def prefix(pieces: tuple[Token, ...]) -> str | None:
    """Return the text that all that fits begins with, where nothing else is asked; else None."""
    return literal(pieces[:-1]) if pieces and pieces[-1] is None else None


def _calm(pieces: tuple[Token, ...]) -> list[Token]:
    """Return a pattern without stars side by side: a regular expression would try all ways to share a text."""
    return [
        one for number, one in enumerate(pieces) if one is not None or number == 0 or pieces[number - 1] is not None
    ]
