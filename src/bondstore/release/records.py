"""The release record: what is vouched for about one file, as JSON beside it (`<file>.json`)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

from bondstore.errors import DamagedError

KIND = "bondstore.release-record"
VERSION = 1
SUFFIX = ".json"
GRADES = ("good", "probably_good", "suspect", "bad", "not_evaluated", "missing")
"""What a file as a whole may be."""
WORDS = (*GRADES, "not_applicable")
"""What levels are counted under."""
LARGEST = 4 << 20
"""Bytes; a larger record is refused unread."""

Counts = Mapping[str, Mapping[str, int]]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_LONGEST_TEXT = 2000
_MOST = 1 << 53  # JSON's numbers are exact up to here
_LONGEST_PATH = 900  # bytes: object stores allow 1,024, and the destination's own prefix comes before it
_LONGEST_PART = 200
_ORDER = ("good", "probably_good", "not_evaluated", "suspect", "bad")
"""Best to worst, as flags roll up; what is missing has no part in it."""

_EARLIER = {"unevaluated": "not_evaluated", "silent": "not_applicable"}
"""Words that records of earlier versions have, and those of today."""


@dataclass(frozen=True, slots=True)
class Source:
    """What a file was made from."""

    store: str  # its store's address; stays private, and is never published
    key: str
    version: str  # etag or version id
    sha256: str = ""  # 64 lower-case hex digits; empty where it was not taken


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """A test that could not run on a variable, and why; the reason never holds a value."""

    test: str
    on: str
    reason: str


@dataclass(frozen=True, slots=True)
class Record:
    """What is vouched for about one file."""

    file: str  # its path in the store that it lies in, with this record as ``<file>.json`` beside it
    sha256: str
    size: int
    source: Source
    settings: Mapping[str, str]  # what decided: ``suite``, ``digest``, ``tool`` …
    grade: str  # one of `GRADES`: the worst of what its levels hold
    levels: Counts  # by variable, how many levels are under which of `WORDS`
    tests: Counts = field(default_factory=dict)  # the same by ``label/VARIABLE``
    unevaluated: tuple[Unevaluated, ...] = ()
    title: str = ""
    platform: str = ""
    first: str | None = None  # first and last time in the file, ``YYYY-MM-DDTHH:MM:SSZ``, UTC
    last: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    """West, south, east, north in degrees; west over east where it crosses the date line."""
    plots: tuple[str, ...] = ()  # paths of its plots, in the same store

    def to_json(self) -> bytes:
        """Return the record as JSON: sorted keys, UTF-8, one final newline; the same record gives the same bytes.

        Nothing is written that `from_json` would refuse: that raises `DamagedError` here.
        """
        content = {
            "kind": KIND,
            "version": VERSION,
            "file": self.file,
            "sha256": self.sha256,
            "size": self.size,
            "source": {
                "store": self.source.store,
                "key": self.source.key,
                "version": self.source.version,
                "sha256": self.source.sha256,
            },
            "settings": dict(self.settings),
            "grade": self.grade,
            "levels": {name: dict(counts) for name, counts in self.levels.items()},
            "tests": {name: dict(counts) for name, counts in self.tests.items()},
            "not_evaluated": [{"test": u.test, "on": u.on, "reason": u.reason} for u in self.unevaluated],
            "title": self.title,
            "platform": self.platform,
            "first": self.first,
            "last": self.last,
            "bounds": None if self.bounds is None else [float(one) for one in self.bounds],
            "plots": list(self.plots),
        }
        _record(content)
        # a line for each name: readable, and without an indent inside them json is written ten times as fast
        lines = (f" {json.dumps(name)}: {_written(content[name])}" for name in sorted(content))
        return ("{\n" + ",\n".join(lines) + "\n}\n").encode()

    @staticmethod
    def from_json(data: bytes) -> Record:
        """Read a record, strictly; `DamagedError` names the part that is off, never its value.

        Off is: no JSON, a name twice, one unknown or missing, a wrong kind of value, a path that leaves its folder.
        """
        if len(data) > LARGEST:
            raise _off("it is too large")
        try:
            content = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            if isinstance(error, _OffError):
                raise _off(str(error)) from None
            raise _off("it is no JSON in UTF-8") from None
        return _record(content)


def present_word(word: Any) -> Any:
    """Return what a grade, or what levels are counted under, is called today; anything else comes back as it is."""
    return _EARLIER.get(word, word) if isinstance(word, str) else word


Inspector: TypeAlias = Callable[[bytes, Record], None]
"""Reads a file's own flags, and raises `IntegrityError` when its record claims more than they do."""


def contradicts(record: Record) -> bool:
    """Whether a record's grade is better than the levels it counts: such a record is forged or broken."""
    held = {word for counts in record.levels.values() for word, number in counts.items() if number}
    worst = max((_ORDER.index(word) for word in held if word in _ORDER), default=None)
    if record.grade == "missing":
        return worst is not None
    if worst is None:  # no test applied, or no value: nobody called it anything
        return record.grade != "not_evaluated"
    return _ORDER.index(record.grade) < worst


def is_plain_path(path: str) -> bool:
    """Whether a path may be named where something is released; anything odd is refused, not repaired.

    It is relative, with ``/`` between its parts. No part is empty, starts with a dot (``..`` and private corners such
    as ``.bondstore`` among them), or holds a backslash, a control character or one that turns the direction of text.
    """
    if not path or not path.isprintable() or "\\" in path:
        return False
    try:
        parts = [part.encode() for part in path.split("/")]
    except UnicodeEncodeError:
        return False
    if sum(map(len, parts)) + len(parts) - 1 > _LONGEST_PATH:
        return False
    return all(
        part and not part.startswith((b".", b" ")) and not part.endswith(b" ") and len(part) <= _LONGEST_PART
        for part in parts
    )


class _OffError(ValueError):
    """Something in the JSON that the reader need not take."""


def _off(why: str) -> DamagedError:
    return DamagedError(f"The release record is damaged: {why}.", kind="record-damaged", hint="Make the file anew.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise _OffError("a name stands in it twice")
    return content


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _no_number(_: str) -> NoReturn:
    raise _OffError("a number is none")


_NAMES = (*(name for name in Record.__slots__ if name != "unevaluated"), "not_evaluated", "kind", "version")


def _record(content: object) -> Record:
    """Check everything and put the record together."""
    table = _table(_present(content), "it", _NAMES)
    if table["kind"] != KIND or table["version"] != VERSION or isinstance(table["version"], bool):
        raise _off("it is of another kind or version")
    source = _table(table["source"], "source", Source.__slots__)
    size = table["size"]
    if not _is_count(size):
        raise _off("size is no size")
    grade = present_word(table["grade"])
    if grade not in GRADES:
        raise _off("grade is no grade")
    return Record(
        file=_path(table["file"], "file"),
        sha256=_hash(table["sha256"], "sha256"),
        size=size,
        source=Source(
            _text(source["store"], "source.store"),
            _text(source["key"], "source.key"),
            _text(source["version"], "source.version"),
            source["sha256"] if source["sha256"] == "" else _hash(source["sha256"], "source.sha256"),
        ),
        settings={
            _text(name, "settings"): _text(value, "settings")
            for name, value in _mapping(table["settings"], "settings").items()
        },
        grade=grade,
        levels=_counts(table["levels"], "levels"),
        tests=_counts(table["tests"], "tests"),
        unevaluated=tuple(
            Unevaluated(
                *(
                    _text(_table(one, "not_evaluated", Unevaluated.__slots__)[name], "not_evaluated")
                    for name in Unevaluated.__slots__
                )
            )
            for one in _list(table["not_evaluated"], "not_evaluated")
        ),
        title=_text(table["title"], "title"),
        platform=_text(table["platform"], "platform"),
        first=_time(table["first"], "first"),
        last=_time(table["last"], "last"),
        bounds=_bounds(table["bounds"]),
        plots=tuple(_path(one, "plots") for one in _list(table["plots"], "plots")),
    )


def _present(content: object) -> object:
    """Return a record of an earlier version with the name that the tests that could not run have today."""
    if isinstance(content, dict) and "unevaluated" in content and "not_evaluated" not in content:
        return {"not_evaluated" if name == "unevaluated" else name: value for name, value in content.items()}
    return content


def _table(value: object, where: str, names: tuple[str, ...]) -> dict[str, Any]:
    table = _mapping(value, where)
    if set(table) != set(names):
        raise _off(f"{where} lacks a name or has one too many")
    return table


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _off(f"{where} is no table")
    return value


def _list(value: object, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _off(f"{where} is no list")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise _off(f"{where} is no text of up to {_LONGEST_TEXT} signs")
    if _CONTROL.search(value):
        raise _off(f"{where} holds control signs")
    return value


def _hash(value: object, where: str) -> str:
    if not isinstance(value, str) or not _SHA256.fullmatch(value):
        raise _off(f"{where} is no SHA-256")
    return value


def _path(value: object, where: str) -> str:
    if not isinstance(value, str) or not is_plain_path(value):
        raise _off(f"{where} is no plain relative path")
    return value


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MOST


def _counts(value: object, where: str) -> Counts:
    counted: dict[str, dict[str, int]] = {}
    for name, counts in _mapping(value, where).items():
        table = {present_word(word): number for word, number in _mapping(counts, where).items()}
        if not all(word in WORDS and _is_count(number) for word, number in table.items()):
            raise _off(f"{where} holds what is no count of levels")
        counted[_text(name, where)] = dict(table)
    return counted


def _time(value: object, where: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise _off(f"{where} is no time in UTC")
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        raise _off(f"{where} is no time there ever is") from None
    return value


def _bounds(value: object) -> tuple[float, float, float, float] | None:
    if value is None:
        return None
    given = _list(value if not isinstance(value, tuple) else list(value), "bounds")
    numbers = [one for one in given if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(given) != 4 or len(numbers) != 4 or not all(math.isfinite(one) for one in numbers):
        raise _off("bounds are not four numbers")
    west, south, east, north = (float(one) for one in numbers)
    if not (-180 <= west <= 360 and -180 <= east <= 360 and -90 <= south <= north <= 90):
        raise _off("bounds lie outside the globe")
    return (west, south, east, north)
