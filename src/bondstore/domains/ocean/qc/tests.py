"""What a test is: a pure function over a batch, under a name, with the standard's number and typed thresholds."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.flags import Flags


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test says of a batch.

    Parameters
    ----------
    flags : ndarray of int8, shape (levels,)
        `Flag` numbers.
    reasons : mapping of int to str
        Why profiles (by their number in the batch) could not be evaluated; a sentence without values of the data.
    """

    flags: Flags
    reasons: Mapping[int, str] = field(default_factory=dict)


class FileName(str):
    """A threshold that names a file, such as a table of climatology; suites state it relative to their own folder.

    Parameters
    ----------
    path : str
        Absolute, once a suite has been read.
    sha256 : str
        In hex, of what the file held when the suite was read; empty where nobody looked.
    """

    __slots__ = ("sha256",)
    sha256: str

    def __new__(cls, path: str, sha256: str = "") -> Self:
        """Return the name, with what the file held."""
        made = super().__new__(cls, path)
        made.sha256 = sha256
        return made


Function = Callable[..., Verdict]


@dataclass(frozen=True, slots=True)
class Test:
    """A test that suites may name.

    Parameters
    ----------
    name : str
        Such as ``qartod.spike``.
    standard : str
        Where it is defined: ``QARTOD T/S 2.1 test 6``.
    function : callable
        ``function(batch, on, **thresholds) -> Verdict``; `on` is the variable to flag, such as ``TEMP``.
    targets : tuple of str
        The variables it can flag; ``POSITION`` flags latitude and longitude together.
    """

    name: str
    standard: str
    function: Function
    targets: tuple[str, ...]

    @property
    def thresholds(self) -> dict[str, tuple[Any, bool]]:
        """Each threshold's type, and whether a suite must state it."""
        hints = typing.get_type_hints(self.function)
        parameters = inspect.signature(self.function).parameters.values()
        return {
            one.name: (hints[one.name], one.default is inspect.Parameter.empty)
            for one in parameters
            if one.kind is inspect.Parameter.KEYWORD_ONLY
        }


REGISTRY: dict[str, Test] = {}
"""Every test, by its name; filled when the modules of tests are imported."""


def test(name: str, standard: str, *targets: str) -> Callable[[Function], Function]:
    """Register a function as a test.

    Parameters
    ----------
    name, standard, targets
        As in `Test`.
    """

    def register(function: Function) -> Function:
        if name in REGISTRY:
            raise ValueError(f"There are two tests named {name}.")
        REGISTRY[name] = Test(name, standard, function, targets)
        return function

    return register


def verdict(batch: Batch, flags: Flags, reasons: Mapping[int, str] | None = None) -> Verdict:
    """Return flags as a verdict, after checking their shape."""
    if flags.shape != (batch.levels,):
        raise ValueError("A test must flag every level of the batch once.")
    return Verdict(flags, reasons or {})
