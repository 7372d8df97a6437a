"""IAM's wildcards and variables: ``*`` for any text, ``?`` for one character, ``${key}`` for a value of the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Token = str | None
"""A literal piece, or None for ``*``; ``?`` is a piece of its own, `ONE`."""
ONE = "\0?"
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
        "".join(".*" if one is None else "." if one == ONE else re.escape(one) for one in _calm(pieces)), re.DOTALL
    )


def fits(pieces: tuple[Token, ...], text: str) -> bool:
    """Whether a text fits a pattern."""
    return matcher(pieces).fullmatch(text) is not None


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
