"""A policy as IAM reads it: its statements, and the line on which each begins."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from bondstore.errors import ConfigurationError

LATEST = "2012-10-17"
"""The version of the policy language in which ``${…}`` is a variable."""
DEEP = 32
"""How deep a policy may be nested: IAM's own need six levels."""

Path = tuple[str | int, ...]
"""Where in a document something stands: ``("Statement", 0, "Action")``."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One line of a condition block: an operator, a key, and the values of which one is enough."""

    operator: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. A list that starts with ``Not`` in the document has its flag here."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_action: bool = False
    not_resource: bool = False
    principals: Mapping[str, tuple[str, ...]] | None = None
    """By kind, such as ``AWS``; ``{"*": ("*",)}`` for everybody; None in a policy of an identity."""
    not_principal: bool = False
    conditions: tuple[Condition, ...] = ()
    variables: bool = True
    """Whether ``${…}`` stands for something, by the version of the document."""
    name: str = ""
    """Its ``Sid``, or its number."""
    line: int = 0
    document: str = ""
    """The file or the policy it is from, as a person knows it."""


@dataclass(frozen=True, slots=True)
class Document:
    """A policy and where each of its parts stands."""

    name: str
    content: Any
    lines: Mapping[Path, int]
    statements: tuple[Statement, ...]

    @property
    def size(self) -> int:
        """Characters without white space: what IAM counts."""
        return size_of(self.content)


def parse(text: str | bytes, name: str) -> Document:
    """Read a policy; of what is no policy, say in which line and why.

    Raises
    ------
    ConfigurationError
        It is no JSON, or a statement lacks what each must have.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
    except UnicodeDecodeError:
        raise _wrong(name, 1, "it is no text in UTF-8") from None
    content, lines = _Reader(decoded, name).read()
    return Document(name, content, lines, tuple(_statements(content, lines, name)))


def parsed(content: Mapping[str, Any], name: str) -> Document:
    """Read a policy that is decoded already."""
    return parse(json.dumps(content, ensure_ascii=False), name)


def text_of(content: Any) -> str:
    """Write a policy for people to read."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def size_of(content: Any) -> int:
    """Return the characters of a policy without white space, as IAM counts them.

    White space inside a text counts: IAM leaves out only what stands between its parts.
    """
    return len(json.dumps(content, separators=(",", ":"), ensure_ascii=False))


def listed(value: Any) -> tuple[str, ...]:
    """Return one text, or several, as several."""
    return (value,) if isinstance(value, str) else tuple(value)


def _statements(content: Any, lines: Mapping[Path, int], name: str) -> Iterator[Statement]:
    if not isinstance(content, dict) or "Statement" not in content:
        raise _wrong(name, 1, 'it has no "Statement"')
    version = content.get("Version", "2008-10-17")
    if version not in (LATEST, "2008-10-17"):
        raise _wrong(name, lines.get(("Version",), 1), f'its "Version" is neither "{LATEST}" nor "2008-10-17"')
    given = content["Statement"]
    several = given if isinstance(given, list) else [given]
    for number, one in enumerate(several):
        where: Path = ("Statement", number) if isinstance(given, list) else ("Statement",)
        yield _statement(one, lines, where, name, number, variables=version == LATEST)


def _statement(
    one: Any, lines: Mapping[Path, int], where: Path, name: str, number: int, *, variables: bool
) -> Statement:
    line = lines.get(where, 1)
    if not isinstance(one, dict):
        raise _wrong(name, line, "a statement is no object")
    for odd in one.keys() - _KEYS:
        raise _wrong(name, lines.get((*where, odd), line), f"a statement has no {json.dumps(odd)}")
    if one.get("Effect") not in ("Allow", "Deny"):
        raise _wrong(name, lines.get((*where, "Effect"), line), 'its "Effect" is neither "Allow" nor "Deny"')
    found: dict[str, tuple[tuple[str, ...], bool]] = {}
    for key in ("Action", "Resource"):
        both = [one_of for one_of in (key, f"Not{key}") if one_of in one]
        if len(both) == 2:
            raise _wrong(name, line, f'a statement has both "{key}" and "Not{key}"')
        if not both and key == "Action":
            raise _wrong(name, line, 'a statement has neither "Action" nor "NotAction"')
        values = _texts(one[both[0]], name, lines.get((*where, both[0]), line), both[0]) if both else ()
        found[key] = values, bool(both) and both[0] != key
    principals, inverted = _principals(one, name, line)
    return Statement(
        effect=one["Effect"],
        actions=found["Action"][0],
        not_action=found["Action"][1],
        resources=found["Resource"][0],
        not_resource=found["Resource"][1],
        principals=principals,
        not_principal=inverted,
        conditions=tuple(_conditions(one.get("Condition", {}), name, lines.get((*where, "Condition"), line))),
        variables=variables,
        name=str(one.get("Sid") or number + 1),
        line=line,
        document=name,
    )


_KEYS = frozenset(
    ("Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
)


def _principals(one: Mapping[str, Any], name: str, line: int) -> tuple[Mapping[str, tuple[str, ...]] | None, bool]:
    both = [key for key in ("Principal", "NotPrincipal") if key in one]
    if len(both) == 2:
        raise _wrong(name, line, 'a statement has both "Principal" and "NotPrincipal"')
    if not both:
        return None, False
    given = one[both[0]]
    if given == "*":
        return {"*": ("*",)}, both[0] == "NotPrincipal"
    if not isinstance(given, dict):
        raise _wrong(name, line, f'its "{both[0]}" is neither "*" nor an object')
    return {kind: _texts(values, name, line, both[0]) for kind, values in given.items()}, both[0] == "NotPrincipal"


def _conditions(given: Any, name: str, line: int) -> Iterator[Condition]:
    if not isinstance(given, dict) or not all(isinstance(one, dict) for one in given.values()):
        raise _wrong(name, line, 'its "Condition" is no object of objects')
    for operator, pairs in given.items():
        for key, values in pairs.items():
            several = values if isinstance(values, list) else [values]
            if not all(isinstance(one, (str, int, float)) for one in several):
                raise _wrong(name, line, f"the values of {json.dumps(key)} are no texts")
            yield Condition(operator, key, tuple(one if isinstance(one, str) else json.dumps(one) for one in several))


def _texts(value: Any, name: str, line: int, key: str) -> tuple[str, ...]:
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(one, str) and one for one in several):
        raise _wrong(name, line, f'its "{key}" is neither a text nor a list of texts')
    return tuple(several)


def _wrong(name: str, line: int, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name}, line {line}: this is no policy that AWS takes: {why}.",
        hint="Mend it, or write a new one with: bondstore policy make",
    )


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


class _Reader:
    """Reads JSON and remembers lines, which the standard library's reader does not; it refuses a key written twice."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._at = 0
        self._breaks = [one.start() for one in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}

    def read(self) -> tuple[Any, dict[Path, int]]:
        content = self._value(())
        self._skip()
        if self._at != len(self._text):
            raise self._error("something follows its end")
        return content, self._lines

    def _line(self) -> int:
        from bisect import bisect_left

        return bisect_left(self._breaks, self._at) + 1

    def _error(self, why: str) -> ConfigurationError:
        return _wrong(self._name, self._line(), why)

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _peek(self) -> str:
        self._skip()
        return self._text[self._at : self._at + 1]

    def _take(self, sign: str) -> bool:
        if self._peek() != sign:
            return False
        self._at += 1
        return True

    def _value(self, where: Path) -> Any:
        sign = self._peek()
        self._lines[where] = self._line()
        if len(where) > DEEP:
            raise self._error("it is nested too deep")
        if sign == "{":
            return self._object(where)
        if sign == "[":
            return self._array(where)
        if sign == '"':
            return self._string()
        for word, value in _WORDS.items():
            if self._text.startswith(word, self._at):
                self._at += len(word)
                return value
        number = _NUMBER.match(self._text, self._at)
        if number is None:
            raise self._error("it is no JSON")
        self._at = number.end()
        return json.loads(number.group())

    def _string(self) -> str:
        try:
            value, self._at = scanstring(self._text, self._at + 1, True)
        except ValueError:
            raise self._error("a text has no end, or holds what no text may") from None
        return str(value)

    def _object(self, where: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self._at += 1
        if self._take("}"):
            return found
        while True:
            if self._peek() != '"':
                raise self._error("a name in quotes is missing")
            name = self._string()
            if name in found:
                raise self._error(f"{json.dumps(name)} stands twice in one object")
            if not self._take(":"):
                raise self._error("a colon is missing")
            found[name] = self._value((*where, name))
            if self._take("}"):
                return found
            if not self._take(","):
                raise self._error("a comma or a closing brace is missing")

    def _array(self, where: Path) -> list[Any]:
        found: list[Any] = []
        self._at += 1
        if self._take("]"):
            return found
        while True:
            found.append(self._value((*where, len(found))))
            if self._take("]"):
                return found
            if not self._take(","):
                raise self._error("a comma or a closing bracket is missing")
