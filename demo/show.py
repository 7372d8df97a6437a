"""How the demo shows what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}


class Stage:
    """The terminal.

    Parameters
    ----------
    console : Console, optional
        Where to write; stdout when not given.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._out = console or Console(highlight=False, soft_wrap=True)
        self._number = 0

    def title(self, text: str, line: str) -> None:
        """Say what this is."""
        self._out.print(f"\n[bold]{escape(text)}[/bold]\n[dim]{escape(line)}[/dim]")

    def step(self, text: str) -> None:
        """Begin a numbered step."""
        self._number += 1
        self._out.print(f"\n[bold cyan]{self._number}[/bold cyan]  [bold]{escape(text)}[/bold]")

    def say(self, text: str = "") -> None:
        """Say a sentence, or leave a line."""
        self._out.print(f"   {escape(text)}" if text else "")

    def good(self, text: str) -> None:
        """Say that something holds."""
        self._out.print(f"   [green]✓[/green] {escape(text)}")

    def bad(self, text: str) -> None:
        """Say that something does not hold."""
        self._out.print(f"   [red]✗[/red] {escape(text)}")

    def command(self, line: str, why: str = "") -> None:
        """Show a command, unbroken, so that it can be copied."""
        if why:
            self._out.print(f"   [dim]{escape(why)}[/dim]")
        self._out.print(f"     [green]{escape(line)}[/green]")

    def heading(self, text: str) -> None:
        """Begin a part of the summary."""
        self._out.print(f"\n[bold]{escape(text)}[/bold]")

    def tree(self, root: Path, name: str) -> None:
        """Show a folder in short."""
        top = Tree(f"[bold]{escape(name)}[/bold]", guide_style="dim")
        _branch(top, root, _DEPTH)
        self._out.print(top)

    def tally(self, runs: Mapping[str, Mapping[str, Any]]) -> None:
        """Show tallies side by side, a line per run."""
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("objects")
        outcomes = ("planned", "done", "skipped", "quarantined", "failed")
        for name in outcomes:
            table.add_column(name, justify="right")
        for name, tally in runs.items():
            table.add_row(name, *(f"{tally[outcome]:,}" for outcome in outcomes))
        self._out.print(table)

    def findings(self, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Show findings by kind, worst first, with how many objects each run found it in."""
        kinds: dict[str, tuple[str, str]] = {}
        for one in (one for records in runs.values() for one in records):
            kinds.setdefault(one["finding"], (one["severity"], one["message"]))
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("finding", no_wrap=True)
        for name in runs:
            table.add_column(name, justify="right")
        table.add_column("what it means")
        order = list(_COLOURS)
        for kind, (severity, message) in sorted(kinds.items(), key=lambda item: (order.index(item[1][0]), item[0])):
            counts = (len({one["key"] for one in records if one["finding"] == kind}) for records in runs.values())
            colour = _COLOURS[severity]
            table.add_row(f"[{colour}]{kind}[/{colour}]", *(f"{n}" if n else "" for n in counts), escape(message))
        self._out.print(table, soft_wrap=False)


_DEPTH = 3
_NAMED = 3


def _branch(tree: Tree, folder: Path, depth: int) -> None:
    """Add a folder's content: all of it at the top, below that the first entry and how many more there are."""
    entries = sorted(folder.iterdir(), key=lambda path: (path.name.startswith("."), path.name))
    shown = entries if depth == _DEPTH else entries[:1]
    for path in shown:
        if not path.is_dir():
            tree.add(f"{escape(path.name)}  [dim]{path.stat().st_size:,} bytes[/dim]")
        elif depth == 0 or path.name.startswith("."):
            tree.add(f"{escape(path.name)}/  [dim]{_content(path)}[/dim]")
        else:
            _branch(tree.add(f"{escape(path.name)}/"), path, depth - 1)
    rest = entries[len(shown) :]
    if rest:
        names = ", ".join(path.name for path in rest[:_NAMED] if path.is_dir() or path.suffix == ".parquet")
        more = len(rest) - (_NAMED if names else 0)
        parts = [names] * bool(names) + [f"{more} more"] * (more > 0)
        tree.add(f"[dim]… {escape(' and '.join(parts))}[/dim]")


def _content(folder: Path) -> str:
    names = {".bondstore": "ledger, audit record, quarantine"}
    return names.get(folder.name) or plural(count(folder), "file")


def count(folder: Path) -> int:
    """Count the files below a folder."""
    return sum(1 for path in folder.rglob("*") if path.is_file())


def plural(number: int, what: str) -> str:
    """Write a number of things."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
