"""``bondstore ocean tests``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bondstore.cli import options, output

EXAMPLES = (
    "bondstore ocean tests",
    "bondstore ocean tests qartod",
    "bondstore ocean tests my-tests.toml --json",
)


def command(
    suite: Annotated[
        str | None,
        typer.Argument(metavar="[SUITE|FILE]", help="A suite, or your own TOML; else all tests."),
    ] = None,
    *,
    json: options.Json = False,
) -> int:
    """Show the tests of a suite with their thresholds, or all tests that a suite may name.

    A TOML file of your own is checked in full: an unknown test or parameter is an error, never skipped.
    """
    from bondstore.domains.ocean.qc.catalogue import every_test, tests_of

    if suite is None:
        output.display(every_test(), ("test", "standard", output.Column("on", show=", ".join), "says"), json=json)
    else:
        columns = ("label", "on", "standard", output.Column("thresholds", show=_thresholds))
        output.display(tests_of(suite), columns, json=json)
    return 0


def _thresholds(stated: Any) -> str:
    return "; ".join(f"{name}={_value(value)}" for name, value in stated.items())


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
