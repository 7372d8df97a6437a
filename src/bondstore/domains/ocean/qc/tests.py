"""What a test is: a pure function over a batch, under a name, with the standard's number and typed thresholds."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import wraps
from typing import Any

from bondstore.domains.ocean.profiles import Batch
from bondstore.domains.ocean.qc.flags import Flags

SHARED = "shared"
"""The parameter through which a test takes thresholds that are one value object."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test says of a batch: a flag for each level, and by number why profiles could not be evaluated.

    Reasons are sentences without values of the data.
    """

    flags: Flags
    reasons: Mapping[int, str] = field(default_factory=dict)


Function = Callable[..., Verdict]
Compares = bool | Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Test:
    """A test that suites may name."""

    name: str  # such as qartod.spike
    standard: str  # where it is defined: QARTOD T/S 2.1, test 6
    function: Function  # function(batch, on, **thresholds); `on` is the variable to flag, such as TEMP
    targets: tuple[str, ...]  # the variables it can flag; POSITION flags latitude and longitude together
    shared: type | None = None
    compares: Compares = False  # with the platform's profile before, `Profile.earlier`; by its thresholds, or always

    @property
    def thresholds(self) -> dict[str, tuple[Any, bool]]:
        """Each threshold's type, and whether a suite must state it."""
        hints = typing.get_type_hints(self.function)
        found: dict[str, tuple[Any, bool]] = {}
        for one in inspect.signature(self.function).parameters.values():
            if one.name == SHARED and self.shared is not None:
                theirs = typing.get_type_hints(self.shared)
                found |= {each.name: (theirs[each.name], each.default is MISSING) for each in fields(self.shared)}
            elif one.kind is inspect.Parameter.KEYWORD_ONLY:
                found[one.name] = (hints[one.name], one.default is inspect.Parameter.empty)
        return found


Side = typing.NewType("Side", float)
"""A limit that may be infinite: that side is left open."""
REGISTRY: dict[str, Test] = {}
"""Every test, by its name; filled when the modules of tests are imported."""


def test(
    name: str,
    standard: str,
    *targets: str,
    shared: type | None = None,  # noqa: PT028 - none itself
    compares: Compares = False,  # noqa: PT028 - none itself
) -> Callable[[Function], Function]:
    """Register a function as a test; one that `compares` looks at the platform's profile before.

    The fields of `shared`, a dataclass, are thresholds of the test too; the function takes them together, as an object
    of that name.
    """

    def register(function: Function) -> Function:
        if name in REGISTRY:
            raise ValueError(f"There are two tests named {name}.")
        taken = function if shared is None else _gathered(function, shared)
        REGISTRY[name] = Test(name, standard, taken, targets, shared, compares)
        return taken

    return register


def _gathered(function: Function, shared: type) -> Function:
    names = {one.name for one in fields(shared)}

    @wraps(function)
    def with_shared(batch: Batch, on: str, **thresholds: Any) -> Verdict:
        own = {name: value for name, value in thresholds.items() if name not in names}
        together = {name: value for name, value in thresholds.items() if name in names}
        return function(batch, on, **own, **{SHARED: shared(**together)})

    return with_shared
