"""The tests that a suite may name, and those of a suite, as records for people and programs."""

from __future__ import annotations

import inspect
from typing import Any

from bondstore.domains.ocean.qc.evaluate import check_suite
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


def tests_of(suite_name: str) -> list[dict[str, Any]]:
    """Return the tests of a suite, named as for `load_suite`, in their order, with its thresholds.

    Refuses all that a run refuses: tests are shown their thresholds, over no profiles.
    """
    suite = load_suite(suite_name)
    check_suite(suite)
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
        for step in suite.steps
    ]
