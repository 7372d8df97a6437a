"""``bondstore screenlake`` without a verb: asks for everything, shows the plan, and does it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

from bondstore.cli import asking, lazy, output, report
from bondstore.cli.progress import reporter
from bondstore.cli.screenlake import _line, _people, _shared, _where, _wishes
from bondstore.cli.screenlake._wishes import Wishes
from bondstore.config import secrets
from bondstore.domains.screenlake import service
from bondstore.errors import BondstoreError, Interrupted, UsageError
from bondstore.runs.destination import FolderDestination
from bondstore.text import bytes_text, counted, counts_text, number_text

if TYPE_CHECKING:
    from bondstore.domains.screenlake.people import People
    from bondstore.domains.screenlake.process import ProcessJob
    from bondstore.runs.plan import Plan

EXAMPLES = ("bondstore screenlake",)
_GO, _STOP = "", "n"


def command() -> int:
    """Ask step by step, show the plan, and process."""
    if not lazy.at_terminal():
        raise UsageError("There is no terminal to ask on.", hint="Run: bondstore screenlake process --help")
    try:
        asking.say("Screenshots and phone logs, step by step.")
        asking.say(
            "Enter takes what stands in [brackets], ? explains a question, Ctrl-C leaves. Nothing is fetched before "
            "you have seen the plan and said yes."
        )
        try:
            wishes, job = _settled(_asked())
        except (KeyboardInterrupt, EOFError):
            output.note("")
            raise Interrupted("Left; nothing was started, and nothing is kept.") from None
        return _done(wishes, job)
    finally:
        secrets.forget()


def _asked() -> Wishes:
    """Ask everything once."""
    place = _where.ask_place()
    wishes = _with_panelists(Wishes(place, _wishes.ask_days()))
    redact, text = _wishes.ask_redact(), _wishes.ask_text()
    batch, jobs = _wishes.ask_width()
    return dataclasses.replace(wishes, redact=redact, text=text, batch=batch, jobs=jobs, dest=_wishes.ask_dest())


def _with_panelists(wishes: Wishes) -> Wishes:
    """List who is there, and ask whom to take; where nobody is, that is told with the plan."""
    try:
        found = _people.look(wishes.place, wishes.selection)
    except BondstoreError as error:
        asking.complain(error)
        return wishes
    panelists = _people.ask_panelists(found) if found.panelists else ()
    return dataclasses.replace(wishes, selection=dataclasses.replace(wishes.selection, panelists=panelists))


def _settled(wishes: Wishes) -> tuple[Wishes, ProcessJob]:
    """Show the plan until it is agreed to; anything can be changed.

    Raises
    ------
    Interrupted
        It is not agreed to.
    """
    while True:
        job = _planned(wishes)
        answer = _ask_next(go=job is not None)
        if answer == _STOP:
            raise Interrupted("Stopped; nothing was fetched.")
        if answer == _GO and job is not None:
            return wishes, job
        if answer in _CHANGES:
            wishes = _CHANGES[answer](wishes)


def _ask_next(*, go: bool) -> str:
    def read(answer: str) -> str:
        word = {"y": _GO, "yes": _GO, "no": _STOP}.get(answer.lower(), answer.lower())
        if word not in (_STOP, *_CHANGES) and not (go and word == _GO):
            raise UsageError(
                f"Type {'y, ' if go else ''}n, or the number of the line to change (1 to {len(_CHANGES)})."
            )
        return word

    return asking.ask(
        "Begin? y, n, or the number of a line to change" if go else "Number of a line to change, or n to leave",
        read,
        explain="Nothing has been fetched or written yet. A number asks that question again; n or Ctrl-C leaves.",
        default="y" if go else "",
    )


def _planned(wishes: Wishes) -> ProcessJob | None:
    """Show what was answered and what there is to do; None where nothing can be done like that."""
    place = FolderDestination(wishes.dest)
    asking.title("The plan")
    _show_answers(wishes)
    try:
        job = _prepared(wishes)
        plan = service.run(job, wishes.dest, progress=reporter(things="zips"), dry_run=True).plan
        people = _people.look(wishes.place, wishes.selection)
    except BondstoreError as error:
        asking.complain(error)
        return None
    output.note("")
    _show_plan(plan, people, wishes)
    if not (plan.todo + plan.skipped + plan.quarantined).objects:
        asking.say("No zip belongs to this selection: change the folder, the days or the panelists.", "  ! ")
        return None
    asking.say(f"Results: {place.root / job.query}")
    _show_line(wishes)
    return job


def _show_answers(wishes: Wishes) -> None:
    lines = (
        f"from       {wishes.place.spec.url}",
        f"days       {_shared.days(wishes.selection)}",
        f"panelists  {len(wishes.selection.panelists) or 'all'}",
        f"images     {_shared.FACES[wishes.redact]}",
        f"tables     {_shared.TEXT[wishes.text]}",
        f"at a time  batches of {wishes.batch}, {counted(wishes.jobs, 'process', 'processes')}",
        f"to         {wishes.dest}",
    )
    for number, line in enumerate(lines, 1):
        output.note(f"  {number}  {line}")


def _show_plan(plan: Plan, people: People, wishes: Wishes) -> None:
    chosen = [one for one in people.panelists if wishes.selection.wants_panelist(one.name)]
    parts = [f"{number_text(plan.todo.objects)} zips to fetch ({bytes_text(plan.todo.bytes)})"]
    if plan.skipped.objects:
        parts.append(f"{number_text(plan.skipped.objects)} done already")
    if plan.quarantined.objects:
        parts.append(f"{number_text(plan.quarantined.objects)} in quarantine since an earlier run")
    asking.say(f"{', '.join(parts)}; {counted(len(chosen), 'panelist')}.")
    if plan.left_out:
        told = counts_text(plan.left_out)
        asking.say(f"Left out, as they are no phone's zips: {told}.")


def _show_line(wishes: Wishes) -> None:
    access = wishes.place.access
    asking.say()
    asking.say("The same as one command:")
    if access.typed:
        output.note("# once; then it asks for the keys (in scripts, name them: env:NAME, file:/path)")
        output.note("\n".join(_line.profile_lines(access)))
        output.note("# from then on")
    output.note("\n".join(_line.equal_lines(wishes)))
    asking.say()


def _prepared(wishes: Wishes) -> ProcessJob:
    selection = wishes.selection
    return service.prepare(
        wishes.place.spec,
        since=selection.since,
        until=selection.until,
        by=selection.by,
        zone=selection.zone,
        panelists=selection.panelists,
        redact=wishes.redact,
        text=wishes.text,
        batch=wishes.batch,
    )


def _done(wishes: Wishes, job: ProcessJob) -> int:
    try:
        result = service.run(job, wishes.dest, jobs=wishes.jobs, progress=reporter(things="zips"))
        return report.show_result(result, FolderDestination(wishes.dest), json=False)
    finally:
        if wishes.place.access.typed:
            asking.say(
                f"The keys that you typed are forgotten now. For run retry or resume, make the profile {_line.NAME} "
                f"as shown above, and add --profile {_line.NAME}."
            )


def _change_place(wishes: Wishes) -> Wishes:
    return _with_panelists(dataclasses.replace(wishes, place=_where.ask_place()))


def _change_days(wishes: Wishes) -> Wishes:
    return dataclasses.replace(wishes, selection=_wishes.ask_days(wishes.selection))


def _change_width(wishes: Wishes) -> Wishes:
    batch, jobs = _wishes.ask_width()
    return dataclasses.replace(wishes, batch=batch, jobs=jobs)


_CHANGES: dict[str, Callable[[Wishes], Wishes]] = {
    "1": _change_place,
    "2": _change_days,
    "3": _with_panelists,
    "4": lambda wishes: dataclasses.replace(wishes, redact=_wishes.ask_redact()),
    "5": lambda wishes: dataclasses.replace(wishes, text=_wishes.ask_text()),
    "6": _change_width,
    "7": lambda wishes: dataclasses.replace(wishes, dest=_wishes.ask_dest()),
}
"""The questions behind the numbered lines of the plan."""
