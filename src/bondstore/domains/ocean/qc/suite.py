"""A suite: which tests run on which variables, in which order, with which thresholds; TOML, checked in full."""

from __future__ import annotations

import hashlib
import json
import math
import re
import sys
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib import import_module, resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bondstore.domains.ocean.qc.files import FileName, located
from bondstore.domains.ocean.qc.flags import SCALES, Scale
from bondstore.domains.ocean.qc.tests import REGISTRY, Side, Test
from bondstore.errors import ConfigurationError, NotFoundError

VARIABLES = ("TIME", "POSITION", "PRES", "TEMP", "PSAL")
"""What tests can flag; ``POSITION`` stands for latitude and longitude together."""
_PACKAGE = "bondstore.domains.ocean.qc"
_OF_TEST = frozenset({"test", "label", "on", "needs"})
_OF_SUITE = frozenset({"name", "title", "scale", "skip_bad", "split_casts", "test"})
_LONGEST_LABEL = 64
_FAMILY = re.compile("[a-z]+")
"""What the names of tests and of their modules begin with, such as ``qartod``."""


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One test of a suite, on one variable.

    Parameters
    ----------
    test : Test
        What runs.
    label : str
        What its flags are called.
    on : str
        The variable it flags.
    needs : tuple of str
        It runs for profiles that carry all these variables, and is silent on others.
    thresholds : mapping
        As its function takes them.
    """

    test: Test
    label: str
    on: str
    needs: tuple[str, ...]
    thresholds: Mapping[str, Any]

    @property
    def compares(self) -> bool:
        """Whether it looks at the platform's profile before."""
        asked = self.test.compares
        return asked(self.thresholds) if callable(asked) else asked


@dataclass(frozen=True, slots=True, eq=False)
class Suite:
    """Tests in the order in which they run.

    Parameters
    ----------
    name, title : str
        For people.
    scale : Scale
        The numbers that files are written with.
    skip_bad : bool
        A level that a test called bad is not shown to the tests after it, nor one that the file itself calls bad.
    split_casts : bool
        Casts that stand end to end in one profile are tested each by itself.
    steps : tuple of Step
        The tests.
    """

    name: str
    title: str
    scale: Scale
    skip_bad: bool
    steps: tuple[Step, ...]
    split_casts: bool = False

    @property
    def compares(self) -> bool:
        """Whether a test looks at the platform's profile before."""
        return any(step.compares for step in self.steps)

    @property
    def alone(self) -> Suite:
        """The suite without the tests that do: what can be said of a profile by itself."""
        return replace(self, steps=tuple(step for step in self.steps if not step.compares))

    @property
    def comparing(self) -> Suite:
        """The suite of those tests alone."""
        return replace(self, steps=tuple(step for step in self.steps if step.compares))

    @property
    def digest(self) -> str:
        """sha256 in hex of all that decides which flags are set; of the files it names, what they hold."""
        return _digest(self)


@lru_cache(maxsize=64)
def _digest(suite: Suite) -> str:
    """Return a suite's digest, taken once: every file that is written names it."""
    steps = [[one.test.name, one.label, one.on, one.needs, _content(one.thresholds)] for one in suite.steps]
    split = ["split_casts"] if suite.split_casts else []
    stated = json.dumps([suite.scale.name, suite.skip_bad, steps, *split], sort_keys=True)
    return hashlib.sha256(stated.encode()).hexdigest()


def load_suite(which: str) -> Suite:
    """Load a suite that comes with Bondstore, or one of your own.

    Parameters
    ----------
    which : str
        A name such as ``moana``, or the path of a TOML file.

    Raises
    ------
    NotFoundError
        There is no such suite, no such file.
    ConfigurationError
        It names a test or parameter that does not exist, leaves one out, or gives it a value of another type.
    """
    if which in suite_names():
        return _shipped(which)
    try:
        text = Path(which).read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"The suite {which} is no text.", hint="Save it as UTF-8.") from error
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise NotFoundError(
            f"There is no suite of tests and no readable file named {which}.",
            hint=f"Name a TOML file, or one of: {', '.join(suite_names())}.",
        ) from error
    return parse_suite(text, Path(which).stem, Path(which).absolute().parent)


@cache
def _shipped(name: str) -> Suite:
    return parse_suite((resources.files(_PACKAGE) / "suites" / f"{name}.toml").read_text("utf-8"), name)


@cache
def suite_names() -> tuple[str, ...]:
    """Return the names of the suites that come with Bondstore."""
    folder = resources.files(_PACKAGE) / "suites"
    return tuple(sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml")))


@cache
def all_tests() -> Mapping[str, Test]:
    """Return every test there is, by its name; loads their modules."""
    _load("")
    return MappingProxyType(REGISTRY)


def _test(name: str) -> Test | None:
    """Return a test; only the modules of its family are loaded: all take longer to load than a file to be tested."""
    if name not in REGISTRY:
        family = _FAMILY.match(name)
        _load(family.group() if family else "")
    return REGISTRY.get(name)


@cache
def _load(family: str) -> None:
    """Import the modules of a family of tests, which put them into the registry."""
    for module in sorted(one.name for one in resources.files(_PACKAGE).iterdir() if one.name.endswith(".py")):
        if module.startswith(family) and module != "__init__.py":
            import_module(f"{_PACKAGE}.{module.removesuffix('.py')}")


def parse_suite(text: str, name: str, folder: Path | None = None) -> Suite:
    """Read a suite from TOML; names of files in it start from `folder`, or without one are whole paths."""
    try:
        stated = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The suite {name} is no TOML: {error}.", hint="Mend the line it names.") from error
    unknown = sorted(stated.keys() - _OF_SUITE)
    if unknown:
        raise _wrong(name, f"it has the unknown setting {unknown[0]}", f"Settings are: {', '.join(sorted(_OF_SUITE))}.")
    for word in ("name", "title"):
        if not isinstance(stated.get(word, ""), str):
            raise _wrong(name, f"its {word} is no text", f'Write: {word} = "…"')
    scale = stated.get("scale", "qartod")
    if not isinstance(scale, str) or scale not in SCALES:
        raise _wrong(name, "its scale is unknown", f"Scales are: {', '.join(SCALES)}.")
    tables = stated.get("test", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(one, dict) for one in tables):
        raise _wrong(name, "it has no tests", "Add them as [[test]] tables.")
    for word in ("skip_bad", "split_casts"):
        if not isinstance(stated.get(word, False), bool):
            raise _wrong(name, f"{word} is neither true nor false", f"Write: {word} = true")
    steps = [step for table in tables for step in _steps(name, table, folder)]
    _refuse_repeats(name, steps)
    return Suite(
        str(stated.get("name", name)),
        str(stated.get("title", name)),
        SCALES[scale],
        stated.get("skip_bad", False),
        tuple(steps),
        stated.get("split_casts", False),
    )


def _steps(suite: str, table: Mapping[str, Any], folder: Path | None) -> list[Step]:
    test = _test(str(table.get("test")))
    if test is None:
        raise _wrong(suite, f"there is no test named {table.get('test')!r}", "See: bondstore ocean tests")
    targets, needs = _words(suite, test, table, "on"), _words(suite, test, table, "needs")
    for target in targets:
        if target not in test.targets:
            raise _wrong(suite, f"{test.name} cannot flag {target}", f"It can flag: {', '.join(test.targets)}.")
    if not targets and len(test.targets) > 1:
        raise _wrong(suite, f"{test.name} does not say what it is to flag", f"Add: on = {test.targets[0]!r}")
    for need in needs:
        if need not in VARIABLES or need == "POSITION":
            raise _wrong(
                suite, f"{test.name} needs {need}, which is no variable", "Variables are: TIME, PRES, TEMP, PSAL."
            )
    thresholds = _thresholds(suite, test, {name: value for name, value in table.items() if name not in _OF_TEST})
    thresholds = {
        name: located(value, folder) if isinstance(value, FileName) else value for name, value in thresholds.items()
    }
    label = table.get("label", test.name.partition(".")[2])
    plain = isinstance(label, str) and label.isascii() and label.replace("_", "a").isalnum()
    if not plain or len(label) > _LONGEST_LABEL:
        raise _wrong(
            suite, f"the label of {test.name} is no plain name", f"Use up to {_LONGEST_LABEL} letters, digits and '_'."
        )
    return [Step(test, label, target, tuple(needs), MappingProxyType(thresholds)) for target in targets or test.targets]


def _words(suite: str, test: Test, table: Mapping[str, Any], name: str) -> list[str]:
    stated = table.get(name, [])
    words = [stated] if isinstance(stated, str) else stated
    if not isinstance(words, list) or not all(isinstance(one, str) for one in words):
        raise _wrong(suite, f"{name} of {test.name} is no name and no list of names", f'Write: {name} = "TEMP"')
    return words


def _thresholds(suite: str, test: Test, stated: Mapping[str, Any]) -> dict[str, Any]:
    known = test.thresholds
    for name in stated:
        if name not in known:
            choice = f"It takes: {', '.join(known)}." if known else "It takes none."
            raise _wrong(suite, f"{test.name} has no parameter {name}", choice)
    for name, (_, required) in known.items():
        if required and name not in stated:
            raise _wrong(suite, f"{test.name} is not given {name}", "State it; no test guesses its thresholds.")
    taken = {}
    for name, value in stated.items():
        try:
            taken[name] = _fitted(value, known[name][0])
        except TypeError:
            raise _wrong(suite, f"{name} of {test.name} has a value of another type", "See its description.") from None
        except ValueError:  # nothing is ever over it or under it: the test would call all things good
            hint = "Give a number: nan and inf are not thresholds."
            raise _wrong(suite, f"{name} of {test.name} is not a finite number", hint) from None
    return taken


def _content(thresholds: Mapping[str, Any]) -> dict[str, Any]:
    return {name: [one.sha256] if isinstance(one, FileName) else one for name, one in thresholds.items()}


def _fitted(value: Any, kind: Any) -> Any:
    """Return a value of TOML as a threshold's type; TypeError where it is of another, ValueError for nan and inf."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _fitted(value, next(one for one in inner if one is not type(None)))
    if origin is not None:
        return _mapping(value, inner) if issubclass(origin, Mapping) else _series(value, origin, inner)
    if kind in (float, Side) and type(value) is int and abs(value) < sys.float_info.max:
        return float(value)
    if kind is Side and type(value) is float and not math.isnan(value):
        return value
    if kind is FileName and type(value) is str:
        return FileName(value)
    if not all(map(math.isfinite, _floats(value))):
        raise ValueError
    if kind is not Any and type(value) is not kind:  # a bool is no number here
        raise TypeError
    return value


def _floats(value: Any) -> Iterator[float]:
    """Yield the numbers of a value that are floats, those in tables too."""
    if isinstance(value, float):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _floats(one)


def _mapping(value: Any, inner: tuple[Any, ...]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return {str(name): _fitted(one, inner[1]) for name, one in value.items()}


def _series(value: Any, origin: type, inner: tuple[Any, ...]) -> Any:
    if not isinstance(value, list):
        raise TypeError
    if origin is not tuple:
        return [_fitted(one, inner[0]) for one in value]
    if Ellipsis in inner:
        return tuple(_fitted(one, inner[0]) for one in value)
    if len(value) != len(inner):
        raise TypeError
    return tuple(_fitted(one, into) for one, into in zip(value, inner, strict=True))


def _refuse_repeats(suite: str, steps: Sequence[Step]) -> None:
    seen = set()
    for step in steps:
        if (step.label, step.on) in seen:
            raise _wrong(
                suite, f"two tests on {step.on} are called {step.label}", "Give one of them a label of its own."
            )
        seen.add((step.label, step.on))


def _wrong(suite: str, what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(f"The suite {suite} cannot be used: {what}.", hint=hint)
