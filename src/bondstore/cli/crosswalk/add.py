"""``bondstore crosswalk add``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bondstore.cli import lazy, options, output
from bondstore.cli.crosswalk import _shared
from bondstore.cli.from_model import with_settings
from bondstore.errors import Exit, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.deid.crosswalk import Assigned, Question
    from bondstore.deid.people import Person

EXAMPLES = (
    "bondstore crosswalk add",
    "bondstore crosswalk add --names patients.txt --seal-for berta",
    "bondstore crosswalk add --names - --same-as k3f9a2bq",
)


@with_settings(order=("names", "code", "same_as", "other", "seal_for"))
def command(
    *,
    names: _shared.Names = None,
    code: Annotated[
        str | None, typer.Option("--code", metavar="CODE", help="A code that one person has already. Else drawn.")
    ] = None,
    same_as: Annotated[
        str | None, typer.Option("--same-as", metavar="CODE", help="The one person given is the subject of this code.")
    ] = None,
    other: Annotated[
        bool, typer.Option("--new", help="Those given are new, however much their names are like known ones.")
    ] = False,
    seal_for: Annotated[
        list[str] | None,
        typer.Option(
            "--seal-for", metavar="KEY", help="Whose key opens a new crosswalk besides yours; may be repeated."
        ),
    ] = None,
    crosswalk: _shared.CrosswalkOptions,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> int:
    """Give people a subject code; who has one keeps it.

    Codes are drawn at random, 8 letters and digits, and derived from nothing. Somebody whose name is like a known one
    (another spelling, an initial, the same record number) is never taken for the same or for another: you are asked,
    or, without a terminal, they get no code, are listed as doubtful, and the command ends with 8. People are told by
    their place in the list, not by name. The first call makes the crosswalk, readable with your key and those of
    --seal-for.
    """
    if same_as is not None and other:
        raise UsageError("--same-as and --new exclude each other.", hint="Leave one of them out.")
    from bondstore.deid.crosswalk import NEW

    people = _shared.people_of(names)
    if len(people) > 1 and (code or same_as):
        raise UsageError("--code and --same-as are for one person.", hint="Give one name.")
    decision = same_as or (NEW if other else None)
    opened = crosswalk.open(seal_for)
    if dry_run:
        return _show(people, opened.preview(people), json=json)
    codes = {} if code is None else {people[0]: code}
    done = opened.assign(people, {} if decision is None else dict.fromkeys(people, decision), codes)
    if done.questions and lazy.at_terminal():
        asked = {one.person: _answer(people.index(one.person) + 1, one) for one in done.questions}
        again = opened.assign(people, {one: answer for one, answer in asked.items() if answer}, codes)
        done = type(done)(again.entries, again.questions, done.new | again.new)
    return _show(people, done, json=json)


def _answer(number: int, question: Question) -> str | None:
    """Ask who somebody is; None leaves it open."""
    from bondstore.cli.questions import Choice, choose, title
    from bondstore.deid.crosswalk import NEW

    title(f"Person {number} ({_known(question.person)}) may be a subject that is known:")
    choices: list[Choice[str | None]] = [Choice("leave it open: no code now", None)]
    choices += [Choice(f"is {one.code} ({_known(one.person)})", one.code) for one in question.candidates]
    choices.append(Choice("is somebody new", NEW, "new"))
    explain = "Compare days of birth and record numbers. A wrong answer gives two people one code, or one two codes."
    return choose(choices, explain=explain)


def _known(person: Person) -> str:
    return "; ".join((*person.names, *map(str, person.births), *person.numbers))


def _show(people: Sequence[Person], done: Assigned, *, json: bool) -> int:
    _shared.show_people(people, done, "new", json=json)
    if not done.questions:
        return Exit.DONE
    output.note(
        "Doubtful people got no code: they may be subjects that are known. Look at the candidates with bondstore "
        "crosswalk find CODE --reveal, then add each by itself with --same-as CODE or --new."
    )
    return Exit.WAITING
