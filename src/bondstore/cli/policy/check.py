"""``bondstore policy check``."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import options, output
from bondstore.text import counted, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.access.check import Defect

EXAMPLES = (
    "bondstore policy check policy.json",
    "bondstore policy check plan/ --json",
    "bondstore policy check inline-1.json inline-2.json --kind user",
)


def command(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE…", help="Policies in JSON; a folder stands for all policies of a plan."),
    ],
    *,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            metavar="managed|user|group|role|bucket",
            help="What they are: managed policies, inline policies of one identity, or the policy of a bucket.",
        ),
    ] = "managed",
    json: options.Json = False,
) -> int:
    """Say what is wrong with policies, and what to write instead.

    Looks at size, characters and names, statements that do nothing, prefixes that open more than they seem to,
    listings without a prefix, and actions that give their holder more than the policy says. Nothing is sent anywhere.
    Ends with 4 when anything is wrong.
    """
    from bondstore.access.check import check_all, read_policies
    from bondstore.domains import private_prefixes
    from bondstore.errors import Exit

    policies = read_policies(map(Path, files))
    found = check_all(policies, kind, private_prefixes)
    if json:
        output.display(found, (), json=True)
    else:
        _show(found)
    number = counted(len(policies), "policy", "policies")
    output.note(f"{number} checked: {counted(len(found), 'defect')}." if found else f"{number} checked: nothing wrong.")
    return int(Exit.CONFIGURATION if found else Exit.DONE)


def _show(found: Sequence[Defect]) -> None:
    """Show defects statement by statement, each statement with what to write in its place."""
    for number, one in enumerate(found):
        of = f"statement {one.statement}, " if one.statement else ""
        place = f"{one.file}, line {one.line}" if one.line else one.file
        sys.stdout.write(printable(f"{place}: {of}{one.kind}") + f"\n  {printable(one.message)}\n")
        following = found[number + 1] if number + 1 < len(found) else None
        if one.mended is None or (following and (following.file, following.mended) == (one.file, one.mended)):
            continue
        if not one.mended:
            sys.stdout.write("  Leave this statement out.\n")
            continue
        text = ",\n".join(jsonlib.dumps(each, indent=2, ensure_ascii=False) for each in one.mended)
        sys.stdout.write("  Write instead:\n" + printable(text, lines=True) + "\n")
