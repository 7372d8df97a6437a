"""``bondstore ocean show``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import options, output
from bondstore.cli.ocean._shared import Columns, ExclusionList, Metadata
from bondstore.errors import Exit
from bondstore.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console, RenderableType
    from rich.table import Table

    from bondstore.domains.ocean.show import ShownFile
    from bondstore.domains.ocean.views import ProfileView, TestView

EXAMPLES = (
    "bondstore ocean show MOANA_0012_1_240501031630.csv",
    "bondstore ocean show 2024/05/MOANA_0012_1_240501031630_qc.nc --store s3://fishsoop-data-qc --levels",
    "bondstore ocean show R1901234_001.nc --tests argo --json",
)
MOST = 10
"""Profiles that are shown on a terminal."""
WIDE = 160
"""Columns where nobody says how wide it is: a file, a pipe."""
_COLOURS = {"good": "green", "pass": "green", "suspect": "yellow", "bad": "red", "fail": "red"}
_ORDER = ("not_applicable", "good", "probably_good", "suspect", "bad", "not_evaluated", "no_qc", "missing")


def command(
    name: Annotated[str, typer.Argument(metavar="FILE|KEY", help="A file, a key of the store, or s3://BUCKET/KEY.")],
    *,
    store: options.Store = None,
    profile: options.Profile = None,
    tests: Annotated[
        str | None,
        typer.Option(
            metavar="SUITE|FILE",
            help="Test it with this suite or TOML. Else the flags that the file has; a raw file is tested by its kind.",
        ),
    ] = None,
    columns: Columns = None,
    metadata: Metadata = None,
    exclusion_list: ExclusionList = None,
    levels: Annotated[bool, typer.Option("--levels", help="Each level with its flags as well.")] = False,
    json: options.Json = False,
) -> int:
    """Show a profile: its header, the flags by test, which tests failed with which thresholds, and why.

    Reads raw CSVs, Argo and IMOS files, and the files that bondstore ocean qc writes. Nothing is written. Problems with
    the file are listed on stderr; ends with 5 when rows were lost. A read from a store is noted in your own record:
    bondstore audit show.
    """
    from bondstore.domains.ocean.show import show

    shown = show(
        name,
        store=store,
        profile=profile,
        tests=tests,
        columns=columns,
        metadata=metadata,
        exclusion_list=exclusion_list,
    )
    if json:
        output.display(_records(shown, levels=levels), (), json=True)
    else:
        _print(shown, levels=levels)
    for finding in shown.findings:
        where = f", {finding.where}" if finding.where else ""
        many = f" ({finding.count} times)" if finding.count > 1 else ""
        output.note(f"{finding.severity.value}: {finding.kind}{where}: {finding.message}{many}")
    bad = any(finding.severity == "error" for finding in shown.findings)
    return int(Exit.INCOMPLETE if bad else Exit.DONE)


def _records(shown: ShownFile, *, levels: bool) -> Iterator[dict[str, Any]]:
    for view in shown.views:
        yield view.record()
        if levels:
            yield from ({"kind": "level", "profile": view.name, **one} for one in view.levels)
    yield from (
        {
            "kind": "finding",
            "finding": one.kind,
            "severity": one.severity.value,
            "where": one.where,
            "count": one.count,
            "message": one.message,
        }
        for one in shown.findings
    )


def _print(shown: ShownFile, *, levels: bool) -> None:
    from rich.console import Console

    at_terminal = sys.stdout.isatty()
    console = Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=None if at_terminal else WIDE)
    for number, view in enumerate(shown.views[:MOST]):
        if number:
            console.print()
        _print_one(console, view, levels=levels)
    if len(shown.views) > MOST:
        output.note(f"And {len(shown.views) - MOST:,} more profiles: --json shows all.")


def _print_one(console: Console, view: ProfileView, *, levels: bool) -> None:
    from rich.text import Text

    tested = f"suite {view.suite}" if view.suite else "flags as they stand in the file"
    title = Text(printable(view.name), style="bold")
    title.append(f"  {view.grade}", style=_colour(view.grade)).append(f"  ({tested})", style="dim")
    console.print(title)
    console.print(_facts_table(view))
    console.print()
    if view.rolled or view.tests:
        console.print(_flags_table([*view.rolled, *view.tests]))
    for line in _whys(view):
        console.print(line)
    if levels and view.levels:
        console.print()
        console.print(_levels_table(view))


def _table(*headers: str, right: Sequence[str] = ()) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    return table


def _facts_table(view: ProfileView) -> RenderableType:
    from rich.text import Text

    table = _table("", "")
    table.show_header = False
    for name, value in {"object": view.key, "levels": f"{len(view.levels):,}", **view.facts}.items():
        table.add_row(Text(printable(name), style="dim"), Text(printable(value)))
    return table


def _flags_table(tests: Sequence[TestView]) -> RenderableType:
    from rich.text import Text

    words = list(dict.fromkeys(word for one in tests for word in one.counts))
    words.sort(key=lambda word: _ORDER.index(word) if word in _ORDER else len(_ORDER))
    shown = [word.replace("_", " ") for word in words]
    table = _table("variable", "test", *shown, "thresholds", right=shown)
    for one in tests:
        counts = [Text(f"{one.counts[word]:,}" if word in one.counts else "", style=_colour(word)) for word in words]
        test = Text(printable(one.label)) if one.label else Text("all tests", style="bold")
        table.add_row(one.on, test, *counts, Text(printable(one.thresholds), style="dim"))
    return table


def _whys(view: ProfileView) -> Iterator[RenderableType]:
    """Yield why tests failed or could not speak."""
    from rich.text import Text

    for one in view.tests:
        if one.failed:
            line = Text("\nfailed  ", style="red").append(f"{one.label} on {one.on}", style="bold")
            line.append(f" at level{'s' if len(one.failed) > 1 else ''} {_spans(one.failed)}")
            if one.thresholds:
                line.append(f", held against {printable(one.thresholds)}")
            source = ", ".join(part for part in (one.test, one.standard) if part)
            yield line.append(f" ({printable(source)})" if source else "", style="dim")
        if one.reason:
            line = Text("\nnot evaluated  ", style="yellow").append(f"{one.label} on {one.on}", style="bold")
            yield line.append(f": {printable(one.reason)}")


def _spans(levels: Sequence[int], most: int = 8) -> str:
    """Return numbers as spans: 3, 7-9, 12."""
    spans: list[list[int]] = []
    for one in levels:
        if spans and one == spans[-1][1] + 1:
            spans[-1][1] = one
        else:
            spans.append([one, one])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    return ", ".join(texts[:most]) + (f" and {len(texts) - most} more places" if len(texts) > most else "")


def _levels_table(view: ProfileView) -> RenderableType:
    from rich.text import Text

    flagged = list(view.levels[0]["flags"])
    salty = "salinity" in view.levels[0]
    values = ("latitude", "longitude", "pressure", "temperature", *(["salinity"] if salty else []))
    titles = ("lat", "lon", "dbar", "°C", *(["psu"] if salty else []))
    table = _table("level", "time", *titles, *flagged, "failed", right=("level", *titles))
    for one in view.levels:
        numbers = [_number(one[name], places) for name, places in zip(values, (4, 4, 1, 3, 3), strict=False)]
        flags = [Text(word.replace("_", " "), style=_colour(word)) for word in one["flags"].values()]
        table.add_row(str(one["level"]), one["time"] or "-", *numbers, *flags, ", ".join(one["failed"]))
    return table


def _number(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:.{places}f}"


def _colour(word: str) -> str:
    return next((colour for start, colour in _COLOURS.items() if word.startswith(start)), "")
