"""The file that a sheet saves: what a person decided on it, to be handed over in one command."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.domains.screenlake.review.decisions import Verdicts
from bondstore.errors import NotFoundError, UsageError

_KIND, _VERSION = "screenlake-review", 1
_MOST = 16 << 20
_ID = re.compile(r"[0-9a-f]{32}")
_SOURCE = re.compile(r"[0-9a-f]{64}")
_HOW = re.compile(r"(?:[0-9a-f]{16})?")
_SHEET = "Save the decisions on the sheet again, and name that file."


@dataclass(frozen=True, slots=True)
class Answers:
    """What a file says, and about which query."""

    query: str
    verdicts: Verdicts


def file_name(query: str) -> str:
    """Return the name under which a sheet saves its file."""
    return f"decisions-{re.sub(r'[^A-Za-z0-9_-]+', '-', query)[:60]}.json"


def read_answers(path: str | os.PathLike[str]) -> Answers:
    """Read a file that a sheet saved; one that is not of its kind in every part is refused whole."""
    file = Path(path)
    try:
        if file.stat().st_size > _MOST:
            raise UsageError(f"{file} is too large to be a file that a review sheet saved.", hint=_SHEET)
        content = file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(
            f"There is no file {file}.", hint="Your browser says where it put what the sheet saved: often ~/Downloads."
        ) from None
    except OSError as error:
        raise UsageError(f"{file} could not be read: {error.strerror}.", hint=_SHEET) from None
    try:
        said = json.loads(content)
        answers = _answers(said["kind"], said["version"], str(said["query"]), said["decisions"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"{file} is not a file that a review sheet saved.", hint=_SHEET) from None
    if not answers.verdicts:
        raise UsageError(f"{file} holds no decisions.", hint="Decide on the sheet, save again, and name that file.")
    return answers


def _answers(kind: str, version: int, query: str, decisions: list[dict[str, Any]]) -> Answers:
    if (kind, version) != (_KIND, _VERSION):
        raise ValueError(kind)
    return Answers(query, _verdicts(decisions))


def _verdicts(said: list[dict[str, Any]]) -> Verdicts:
    by: dict[str, list[Any]] = {word: [] for word in ("confirm", "cover", "clear", "add-box", "looked", "missed")}
    for one in said:
        word = one["verdict"]
        if word in ("confirm", "cover", "clear"):
            by[word].append(_whole(_ID, one["id"]))
        elif word == "add-box":
            x, y, width, height = (float(side) for side in one["box"])
            by[word].append((_whole(_SOURCE, one["image"]), (x, y, width, height)))
        else:
            by[word].append((_whole(_SOURCE, one["image"]), _whole(_HOW, one.get("how", ""))))
    return Verdicts(*(tuple(some) for some in by.values()))


def _whole(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("no id")
    return text
