"""All tests and suites, as rows for people and programs."""

from __future__ import annotations

import inspect
from typing import Any

from bondstore.domains.ocean.qc.suite import all_tests, load_suite


def every_test() -> list[dict[str, Any]]:
    """Return every test that a suite may name: its standard, what it can flag, its thresholds and what it does."""
    return [
        {
            "kind": "test",
            "test": test.name,
            "standard": test.standard,
            "on": list(test.targets),
            "thresholds": list(test.thresholds),
            "says": (inspect.getdoc(test.function) or "").partition("\n")[0],
        }
        for _, test in sorted(all_tests().items())
    ]


def tests_of(suite: str) -> list[dict[str, Any]]:
    """Return the tests of a suite in their order, with its thresholds.

    Parameters
    ----------
    suite : str
        Its name, or the path of a TOML file.

    Raises
    ------
    NotFoundError, ConfigurationError
        As `load_suite`.
    """
    return [
        {
            "kind": "step",
            "test": step.test.name,
            "label": step.label,
            "on": step.on,
            "needs": list(step.needs),
            "standard": step.test.standard,
            "thresholds": dict(step.thresholds),
        }
        for step in load_suite(suite).steps
    ]
