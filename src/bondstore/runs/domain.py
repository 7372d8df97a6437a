"""What a kind of data tells the rest of the house of itself: names only, imported when they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from bondstore.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class HandlerSpec:
    """What handles an event: a module with `handle` and `look`, and what it needs when packaged."""

    module: str
    requirements: tuple[str, ...] = ()
    """Distributions beside those of every handler, as pip takes them."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """More distributions, by the word that asks for them."""


@dataclass(frozen=True, slots=True)
class Domain:
    """One kind of data. Texts of the form ``module:name`` say where something is.

    A folder below ``bondstore.domains`` has it as ``DOMAIN``; a package of its own names it under the entry point
    ``bondstore.domains``.
    """

    name: str
    help: str
    """Its line in ``bondstore --help``."""
    commands: Mapping[str, str]
    """Its verbs, each with its line in the help."""
    package: str
    """Where the module of each verb lies."""
    guided: str = ""
    """What its bare name does in a terminal, by the command in the module ``guided``; empty where it shows its help."""
    jobs: str = ""
    """A module with ``job_of(params, profile)`` and ``executor(jobs)``: how recorded runs are taken up again."""
    ending: str = ""
    """A module with ``THINGS``, what its objects are called, and ``ending(params, destination)``."""
    findings: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Registries of finding kinds, each with a title and a sentence for the documentation."""
    integrity: frozenset[str] = frozenset()
    """Kinds of findings with which a run ends with exit code 7, as what it read was changed by somebody."""
    checks: str = ""
    """A function ``(spec, study, key, participants)`` that returns fields of the doctor's `Case`."""
    scope: str = ""
    """A function ``(study, participants, also)`` that returns what a policy opens of it, as an `access.Scope`."""
    handlers: Mapping[str, HandlerSpec] = field(default_factory=dict)
    inspectors: str = ""
    """What reads the flags in released files, by the end of their names."""
    private: str = ""
    """A function that returns, of key prefixes that a policy opens, those at or below them that are nobody's data."""
    by_product: str = ""
    """A function that tells whether a path is of a file that needs no release record."""


def unknown_run(name: str = "") -> ConfigurationError:
    """Return the error for a recorded run that no domain here can build again."""
    return ConfigurationError(
        f"The run{f' {name}' if name else ''} is of a kind that this Bondstore does not know.",
        hint="Upgrade with: pip install -U bondstore",
    )


def load(place: str) -> Any:
    """Import what a text of the form ``module`` or ``module:name`` stands for."""
    module, _, name = place.partition(":")
    found = import_module(module)
    return getattr(found, name) if name else found
