"""Every ocean test: its standard, formula, thresholds, and the numbers that the suites state."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from docs.generator.text import code, entries, markdown, page, sections, table

from bondstore.domains.ocean.qc.flags import SCALES, Flag
from bondstore.domains.ocean.qc.suite import Step, Suite, all_tests, load_suite, suite_names
from bondstore.domains.ocean.qc.tests import Test

INTRODUCTION = """All tests that a suite may name. `bondstore ocean tests` lists them, `bondstore ocean tests SUITE`
shows a suite with its numbers. [Quality control explained](../explanation/quality-control.md) says what the flags mean
and how they roll up; [the how-to](../how-to/ocean.md) how to write a suite of your own.

Nothing has a number in the code: every threshold is stated by the suite. `x(n)` is the value at level n. A variable
is TIME, POSITION (latitude and longitude together), PRES (dbar), TEMP (degrees Celsius) or PSAL (practical
salinity). Whatever a test says here of a level, a level without a value is *missing*."""
FAMILIES: Mapping[str, tuple[str, str]] = {
    "moana": (
        "Moana sensors",
        "The tests of moana-qc, without the known defects of the chain in use.",
    ),
    "moana2024": (
        "Moana sensors, as the chain of 2024 flags",
        "For `--compat moana-2024` only: they reproduce defects, each named here.",
    ),
    "qartod": (
        "QARTOD",
        "IOOS (2020), Manual for Real-Time Quality Control of In-situ Temperature and Salinity Data, version 2.1.",
    ),
    "argo": ("Argo real time", "Argo Quality Control Manual for CTD and Trajectory Data, version 3.9."),
}
_CLASS = re.compile(r"`(bondstore\.[a-z0-9_.]+)\.([A-Z]\w+)`")
"""A class that a test's docstring refers to for its parameters."""
_GENERAL = ("batch", "on", "batch, on")


def make() -> str:
    """Return the page."""
    suites = [load_suite(name) for name in suite_names()]
    tests = all_tests()
    families = dict.fromkeys([*FAMILIES, *(name.partition(".")[0] for name in sorted(tests))])
    parts = [INTRODUCTION, "## Suites", _suites(suites), "## Scales", _scales()]
    for family in families:
        title, text = FAMILIES.get(family, (family, ""))
        mine = [test for name, test in sorted(tests.items()) if name.partition(".")[0] == family]
        parts += [f"## {title}", text, *("\n\n".join(_test(test, suites)) for test in mine)]
    return page("Ocean tests", *parts)


def _suites(suites: list[Suite]) -> str:
    rows = (
        (
            code(one.name),
            one.title,
            one.scale.name,
            str(len({step.test.name for step in one.steps})),
            "yes" if one.skip_bad else "no",
        )
        for one in suites
    )
    return table(("suite", "title", "scale of its files", "tests", "bad levels withheld from later tests"), rows)


def _scales() -> str:
    header = ("our flag", *SCALES)
    rows = (
        (flag.name.lower(), *(f"{one.numbers[flag]} {one.meanings[one.numbers[flag]]}" for one in SCALES.values()))
        for flag in Flag
    )
    return table(header, rows)


def _test(test: Test, suites: list[Suite]) -> Iterator[str]:
    said = sections(test.function)
    yield f"### {test.name}"
    yield f"{test.standard}. Flags {', '.join(test.targets)}."
    yield markdown(said.pop(""))
    own = [
        (head, text) for head, text in entries(said.get("Parameters", "")) if head.partition(" : ")[0] not in _GENERAL
    ]
    if own:
        yield "\n".join(_parameter(head, text) for head, text in own)
    for module, name in _CLASS.findall(said.get("Parameters", "")):
        theirs = sections(getattr(import_module(module), name))["Parameters"]
        yield f"`{name}`:"
        yield "\n".join(_parameter(head, text) for head, text in entries(theirs))
    returned = [text for _, text in entries(said.get("Returns", "")) if text]
    yield from returned
    stated = [(suite, step) for suite in suites for step in suite.steps if step.test.name == test.name]
    if stated:
        yield table(("suite", "on", "numbers"), (_row(suite, step) for suite, step in stated))
    else:
        yield "In no suite that comes with Bondstore: name it in one of your own."
    if "Notes" in said:
        yield markdown(inspect.cleandoc(said["Notes"]))


def _parameter(head: str, text: str) -> str:
    names, _, kind = head.partition(" : ")
    shown = ", ".join(map(code, names.split(", ")))
    return f"- {shown}" + (f" ({kind})" if kind else "") + (f": {text}" if text else "")


def _row(suite: Suite, step: Step) -> tuple[str, str, str]:
    needs = f" (where there is {', '.join(step.needs)})" if step.needs else ""
    label = "" if step.label == step.test.name.partition(".")[2] else f" as {code(step.label)}"
    stated = ", ".join(f"`{name} = {_value(value)}`" for name, value in step.thresholds.items())
    return code(suite.name) + label, step.on + needs, stated


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_value, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
