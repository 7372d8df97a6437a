"""What a publisher asks for: what every file must be, and what the landing page says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bondstore.config.model import read_settings
from bondstore.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.release.records import Inspector, Record

_LONGEST = 4000
_SHARE = re.compile(r"good:(1(?:\.0{1,9})?|0?\.\d{1,9})", re.ASCII)
_GOOD = ("good", "probably_good")
_WORST_FIRST = ("bad", "suspect", "not_evaluated", "not_applicable")
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class About:
    """What a publisher says of a release; all of it becomes public.

    Parameters
    ----------
    title : str
        Of the landing page.
    description : str
        A few sentences.
    licence : str
        Its name, such as ``CC-BY-4.0``.
    licence_url : str
        Where it can be read.
    citation : str
        How to cite the data.
    institution : str
        Who publishes.
    contact_url : str
        A page of those who answer questions; no e-mail address.
    """

    title: str = "Released data"
    description: str = ""
    licence: str = ""
    licence_url: str = ""
    citation: str = ""
    institution: str = ""
    contact_url: str = ""

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            if not isinstance(value, str) or len(value) > _LONGEST or "\0" in value:
                raise UsageError(f"{name} is no text of up to {_LONGEST:,} characters.")
            if name.endswith("_url") and value and urlsplit(value).scheme not in ("http", "https"):
                raise UsageError(f"{name} is no web address.", hint="Write https://…")
            object.__setattr__(self, name, value.strip())  # only while it is made

    @classmethod
    def load(cls, path: Path) -> About:
        """Read it from a TOML file with these names at its top; raises `NotFoundError`, `ConfigurationError`."""
        return read_settings(cls, path, option="--about")

    def record(self) -> dict[str, str]:
        """Return what is said, without what is not."""
        return {name: value for name, value in dataclasses.asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a file must be to be released.

    There is no word that lets a file pass which was not evaluated, or has no values: a test that could not run is no
    test passed, and whoever wants such a file public gives it a suite of tests that can speak of it.
    """

    text: str
    grades: tuple[str, ...]  # grades that a whole file may have; empty where levels are counted instead
    share: float = 0.0  # 0 to 1: of every variable's levels that have a value, how many must be good or probably good

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read ``good``, ``good:SHARE`` or ``suspect``; raises `UsageError`.

        ``good``: every level is good or probably good. ``good:0.9``: of the levels of every variable at least this
        share is; what is suspect, bad or unevaluated counts against it, and a variable that is bad or unevaluated as a
        whole never passes. ``suspect``: nothing is bad, nothing is unevaluated.
        """
        if text == "good":
            return cls(text, _GOOD)
        if text == "suspect":
            return cls(text, (*_GOOD, "suspect"))
        found = _SHARE.fullmatch(text)
        if found and 0 < float(found.group(1)) <= 1:
            return cls(text, (), float(found.group(1)))
        raise UsageError("This requirement is unknown.", hint="Write good, good:0.9 (a share of levels) or suspect.")

    def met_by(self, record: Record) -> bool:
        """Whether a record meets it. A record without a single level with a value never does."""
        counted = [
            {word: number for word, number in counts.items() if word != "missing" and number}
            for counts in record.levels.values()
        ]
        counted = [counts for counts in counted if counts]
        if not counted or record.grade == "missing":
            return False
        if self.grades:
            allowed = set(self.grades)
            return record.grade in allowed and all(set(counts) <= allowed for counts in counted)
        share = Fraction(repr(self.share))  # as it was written: 0.55 of 100 are 55, not a hair more
        return all(sum(counts.get(word, 0) for word in _GOOD) >= share * sum(counts.values()) for counts in counted)


def shortcoming(record: Record, requirement: Requirement) -> str:
    """Return why a record does not meet a requirement: of every variable that falls short, the worst, and which test.

    Such as ``POSITION not evaluated: no deployment says whether …; TEMP suspect (spike)``.
    """
    told = []
    for variable, counts in sorted(record.levels.items()):
        held = {word: number for word, number in counts.items() if word != "missing" and number}
        good = sum(held.get(word, 0) for word in _GOOD)
        if not held or (requirement.share and good >= Fraction(repr(requirement.share)) * sum(held.values())):
            continue
        short = [word for word in _WORST_FIRST if word in held and word not in requirement.grades]
        if short:
            told.append(_told(record, variable, short[0]))
    if not told and record.grade not in requirement.grades:
        return "no level has a value" if record.grade == "missing" else f"its grade is {record.grade.replace('_', ' ')}"
    return "; ".join(told)[:_LONGEST_REASON]


def _told(record: Record, variable: str, word: str) -> str:
    said = f"{variable} {word.replace('_', ' ')}"
    if word == "not_evaluated":
        reasons = sorted({one.reason for one in record.unevaluated if one.on == variable})
        return f"{said}: {reasons[0]}" if reasons else f"{said}: no test of the suite speaks of it"
    tests = (name.rpartition("/") for name, counts in sorted(record.tests.items()) if counts.get(word))
    labels = [label for label, _, on in tests if on == variable]
    return f"{said} ({', '.join(labels)})" if labels else said


@dataclass(frozen=True, slots=True)
class Order:
    """What a publisher asks for."""

    requirement: str = "good"  # what every file must meet; see `Requirement`
    about: About = field(default_factory=About)
    inspectors: Mapping[str, Inspector] = field(default_factory=dict)
    """By the end of a file's name: reads its own flags, and raises `IntegrityError` when its record claims more."""
    overview: str | None = None  # key of a map of everything, in the private store
    stac: bool = False
    again: bool = False  # release even what was taken back
    by_product: Callable[[str], bool] = field(default=lambda _: False)
    """Whether an object without a record is known by its key to be none that could leave; others are told of."""
