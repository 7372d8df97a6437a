"""IAM's wildcards and variables: ``*`` for any text, ``?`` for one character, ``${key}`` for a value of the request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Token = str | None
"""A literal piece, or None for ``*``; ``?`` is a piece of its own, `ONE`."""
ONE, ANY = "\0?", "\0*"
"""Wildcards that a text cannot hold: any one character, and a value that nobody knows."""
WILD = (None, ONE, ANY)
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
    """Return what `fullmatch` tells by whether a text fits, in a time that no number of stars multiplies."""
    return re.compile(_starred(_between(_written(pieces, "."), ".*"), ".*"), re.DOTALL)


def fits(pieces: tuple[Token, ...], text: str) -> bool:
    """Whether a text fits a pattern."""
    return matcher(pieces).fullmatch(text) is not None


@lru_cache(maxsize=1_000)
def over_colons(parts: tuple[tuple[Token, ...], ...]) -> re.Pattern[str]:
    """Return what `fullmatch` tells by whether an ARN fits where a ``*`` that ends a part reaches over colons."""
    written: list[str] = []
    for pieces in parts[:-1]:
        signs = _written(pieces, "[^:]")
        written += [*signs[:-1], ".*", ":"] if pieces and pieces[-1] is None else [*signs, ":"]
    *runs, last = (_between(one, "[^:]*") for one in _between([*written, *_written(parts[-1], ".")], ".*"))
    whole = [[_starred(one, "[^:]*", ends=False)] for one in runs]
    return re.compile(_starred([*whole, [_starred(last, "[^:]*")]], ".*"), re.DOTALL)


def _written(pieces: tuple[Token, ...], any_one: str) -> list[str]:
    """Return the pieces as regular expressions."""
    signs = {None: f"{any_one}*", ONE: any_one, ANY: ".*"}
    return [signs[one] if one in signs else re.escape(one or "") for one in pieces]


def _between(written: list[str], star: str) -> list[list[str]]:
    """Return what is before, between and after the stars."""
    found: list[list[str]] = [[]]
    for one in written:
        if one == star:
            found.append([])
        else:
            found[-1].append(one)
    return found


def _starred(runs: list[list[str]], star: str, *, ends: bool = True) -> str:
    """Join with stars what is between them: each takes as little as it can, and no more is tried when the rest fails.

    The first place where a run fits leaves most to the others. The last one has no choice where the text ends with it.
    """
    first, *others = ("".join(one) for one in runs)
    last = [f"{star}{others.pop()}"] if ends and others else []
    return "".join([first, *(f"(?>{star}?{one})" for one in others if one), *last])


def literal(pieces: tuple[Token, ...]) -> str | None:
    """Return the text that a pattern stands for alone; None where it has a wildcard."""
    return None if any(one in WILD for one in pieces) else "".join(one or "" for one in pieces)


def prefix(pieces: tuple[Token, ...]) -> str | None:
    """Return the text that all that fits begins with, where nothing else is asked; else None."""
    return literal(pieces[:-1]) if pieces and pieces[-1] is None else None


def common(one: tuple[Token, ...], other: tuple[Token, ...]) -> str | None:
    """Return a text that fits both patterns, in which ``*`` is for what is free in both; None where there is none.

    The stars of the first pattern are given as little of the text as can be.
    """
    first, second = _signs(one), _signs(other)
    ways, seen = [(0, 0, "")], set[tuple[int, int]]()
    while ways:
        here, there, text = ways.pop()
        if (here, there) in seen:
            continue
        seen.add((here, there))
        a, b = first[here], second[there]
        if a == b == "":
            return text
        if a is None and b is None:
            ways += [(here + 1, there, f"{text}*"), (here, there + 1, f"{text}*")]
        elif a is None:
            ways += [*([(here, there + 1, text + b[-1])] if b else []), (here + 1, there, text)]
        elif b is None:
            ways += [(here, there + 1, text), *([(here + 1, there, text + a[-1])] if a else [])]
        elif a and b and (a == b or ONE in (a, b)):
            ways.append((here + 1, there + 1, text + (b if a == ONE else a)[-1]))
    return None


def _signs(pieces: tuple[Token, ...]) -> list[Token]:
    """Return a pattern sign by sign, and an empty one as its end."""
    signs: list[Token] = []
    for one in pieces:
        signs += [one] if one in (None, ONE) else [None] if one == ANY else one or ""
    return [*signs, ""]
