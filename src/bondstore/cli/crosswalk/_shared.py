"""What the commands of the crosswalk share: which one is meant, whose names are given, and how a subject is shown."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bondstore.cli import lazy, options, output
from bondstore.cli.from_model import Bundle
from bondstore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.deid.crosswalk import Assigned, Crosswalk, Entry
    from bondstore.deid.people import Person


@dataclass(frozen=True, slots=True)
class CrosswalkOptions(Bundle):
    """Which crosswalk is meant, and the key that opens it."""

    crosswalk: options.Crosswalk = None
    key: options.OwnKey = None
    passphrase: options.Passphrase = None
    profile: options.Profile = None

    def open(self, seal_for: list[str] | None = None) -> Crosswalk:
        """Open it."""
        from bondstore.vault.crosswalks import open_crosswalk

        return open_crosswalk(
            self.crosswalk, key=self.key, passphrase=self.passphrase, profile=self.profile, seal_for=seal_for or ()
        )


Names = Annotated[
    str | None,
    typer.Option(
        "--names",
        metavar="FILE",
        help="People, one a line: spellings of the name, day of birth, record number, with semicolons between; - for "
        "stdin. Else you are asked for one.",
    ),
]
Reveal = Annotated[bool, typer.Option("--reveal", help="Also show names, days of birth, record numbers, shifts.")]
_FIELDS = "Name; other spelling; day of birth; record number"


def people_of(names: str | None) -> list[Person]:
    """Return the people of a list, or the one that is typed: a name on a command line is seen by others."""
    from bondstore.deid.people import read_people

    found = list(read_people(_lines(names)))
    if not found:
        raise UsageError("There is no name.", hint=f"One person a line: {_FIELDS}")
    return found


def _lines(names: str | None) -> list[str]:
    if names is None:
        if not lazy.at_terminal():
            raise UsageError(
                "There is no terminal to ask for a name on.", hint="Add --names FILE, or --names - for stdin."
            )
        from bondstore.cli.questions import prompt

        explain = "All that is known of one person, with semicolons between; what is not known is left out."
        return [prompt(_FIELDS, str, explain=explain)]
    if names == "-":
        return sys.stdin.read().splitlines()
    try:
        return Path(names).read_text("utf-8").splitlines()
    except OSError as error:
        raise NotFoundError(f"The list {names} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise UsageError(f"The list {names} is not UTF-8 text.", hint="Save it again as UTF-8.") from None


def record_of(entry: Entry, *, reveal: bool) -> dict[str, Any]:
    """Return a subject as a record; who it is only where that is asked for."""
    shown: dict[str, Any] = {"kind": "subject", "code": entry.code, "added": entry.added}
    if not reveal:
        return shown | {"spellings": len(entry.person.names)}
    person = entry.person
    return shown | {"names": person.names, "births": person.births, "numbers": person.numbers, "shift": entry.shift}


def show_people(people: Sequence[Person], done: Assigned, otherwise: str, *, json: bool) -> set[str]:
    """Show what is known of people, told by their place in the list; return which states there were."""
    doubtful = {one.person: [each.code for each in one.candidates] for one in done.questions}
    records = []
    for place, person in enumerate(people, 1):
        code = done.entries[person].code if person in done.entries else None
        state = "doubtful" if person in doubtful else otherwise if code is None or code in done.new else "known"
        found = {"state": state, "code": code, "candidates": doubtful.get(person, [])}
        records.append({"kind": "person", "place": place, **found})
    output.display(records, [output.number("place"), "state", "code", "candidates"], json=json)
    return {str(one["state"]) for one in records}


def columns(*, reveal: bool) -> list[str | output.Column]:
    """Return the columns of a table of subjects."""
    start: list[str | output.Column] = ["code", output.time("added")]
    return [*start, "names", "births", "numbers", "shift"] if reveal else [*start, output.number("spellings")]
