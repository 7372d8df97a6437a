"""``bondstore screenlake`` without a verb: asks for everything, shows the plan, and does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.cli import output, questions, report
from bondstore.cli.progress import reporter
from bondstore.cli.screenlake import _answers, _shared
from bondstore.config import secrets
from bondstore.domains.screenlake import service
from bondstore.errors import BondstoreError, Interrupted, UsageError
from bondstore.runs.folder_destination import FolderDestination
from bondstore.text import bytes_text, counted, counts_text, number_text

if TYPE_CHECKING:
    from bondstore.cli.screenlake._answers import Answers
    from bondstore.domains.screenlake.job import ProcessJob
    from bondstore.domains.screenlake.people import People
    from bondstore.runs.plan import Plan

EXAMPLES = ("bondstore screenlake",)
_GO, _STOP = "", "n"
_CHANGES = {
    "1": _answers.ask_other_place,
    "2": _answers.ask_days,
    "3": _answers.ask_panelists,
    "4": _answers.ask_redact,
    "5": _answers.ask_text,
    "6": _answers.ask_width,
    "7": _answers.ask_dest,
}
"""The questions behind the numbered lines of the plan."""


def command() -> int:
    """Ask step by step, show the plan, and process."""
    questions.require_terminal("Run: bondstore screenlake process --help")
    try:
        questions.say("Screenshots and phone logs, step by step.")
        questions.say(
            "Enter takes what stands in [brackets], ? explains a question, Ctrl-C leaves. Nothing is fetched before "
            "you have seen the plan and said yes."
        )
        try:
            answers, job = _settled(_answers.ask_all())
        except (KeyboardInterrupt, EOFError):
            output.note("")
            raise Interrupted("Left; nothing was started, and nothing is kept.") from None
        return _done(answers, job)
    finally:
        secrets.forget()


def _settled(answers: Answers) -> tuple[Answers, ProcessJob]:
    """Show the plan until it is agreed to; anything can be changed."""
    while True:
        job = _planned(answers)
        word = _ask_next(go=job is not None)
        if word == _STOP:
            raise Interrupted("Stopped; nothing was done.")
        if word == _GO and job is not None:
            return answers, job
        if word in _CHANGES:
            answers = _CHANGES[word](answers)


def _ask_next(*, go: bool) -> str:
    def read(answer: str) -> str:
        word = {"y": _GO, "yes": _GO, "no": _STOP}.get(answer.lower(), answer.lower())
        if word not in (_STOP, *_CHANGES) and not (go and word == _GO):
            raise UsageError(
                f"Type {'y, ' if go else ''}n, or the number of the line to change (1 to {len(_CHANGES)})."
            )
        return word

    return questions.prompt(
        "Begin? y, n, or the number of a line to change" if go else "Number of a line to change, or n to leave",
        read,
        explain="Nothing has been fetched or written yet. A number asks that question again; n or Ctrl-C leaves.",
        default="y" if go else "",
    )


def _planned(answers: Answers) -> ProcessJob | None:
    """Show what was answered and what there is to do; None where nothing can be done like that."""
    place = FolderDestination(answers.dest)
    questions.title("The plan")
    _show_answers(answers)
    try:
        job = _prepared(answers)
        plan = service.run(job, progress=reporter(things="zips"), dry_run=True).plan
        people = _answers.people_of(answers)
    except BondstoreError as error:
        questions.complain(error)
        return None
    output.note("")
    _show_plan(plan, people, answers)
    if not (plan.todo + plan.skipped + plan.quarantined).objects:
        questions.say("No zip belongs to this selection: change the folder, the days or the panelists.", "  ! ")
        return None
    questions.say(f"Results: {place.root / job.query}")
    for line in _shared.space(plan, place):
        questions.say(line)
    _show_line(answers)
    return job


def _show_answers(answers: Answers) -> None:
    lines = (
        f"from       {answers.place.spec.url}",
        f"days       {_shared.days(answers.selection)}",
        f"panelists  {len(answers.selection.panelists) or 'all'}",
        f"images     {_shared.FACES[answers.redact]}",
        f"tables     {_shared.TEXT[answers.text]}",
        f"at a time  batches of {answers.batch}, {counted(answers.jobs, 'process', 'processes')}",
        f"to         {answers.dest}",
    )
    for number, line in enumerate(lines, 1):
        output.note(f"  {number}  {line}")


def _show_plan(plan: Plan, people: People, answers: Answers) -> None:
    chosen = [one for one in people.panelists if answers.selection.wants_panelist(one.name)]
    parts = [f"{number_text(plan.todo.objects)} zips to fetch ({bytes_text(plan.todo.bytes)})"]
    if plan.skipped.objects:
        parts.append(f"{number_text(plan.skipped.objects)} done already")
    if plan.quarantined.objects:
        parts.append(f"{number_text(plan.quarantined.objects)} in quarantine since an earlier run")
    questions.say(f"{', '.join(parts)}; {counted(len(chosen), 'panelist')}.")
    if plan.left_out:
        questions.say(f"Left out, as they are no phone's zips: {counts_text(plan.left_out)}.")


def _show_line(answers: Answers) -> None:
    access = answers.place.access
    questions.say()
    questions.say("The same as one command:")
    if access.typed:
        output.note("# once; then it asks for the keys (in scripts, name them: env:NAME, file:/path)")
        output.note(*_answers.profile_lines(access))
        output.note("# from then on")
    output.note(*_answers.equal_lines(answers))
    questions.say()


def _prepared(answers: Answers) -> ProcessJob:
    selection = answers.selection
    return service.prepare(
        answers.place.spec,
        answers.dest,
        since=selection.since,
        until=selection.until,
        by=selection.by,
        zone=selection.zone,
        panelists=selection.panelists,
        redact=answers.redact,
        text=answers.text,
        batch=answers.batch,
        dest_profile=answers.place.spec.profile,
    )


def _done(answers: Answers, job: ProcessJob) -> int:
    try:
        progress = reporter(things="zips", inside="images", guess=service.guess_of(job, answers.jobs))
        result = service.run(job, jobs=answers.jobs, progress=progress)
        return report.show_result(result, FolderDestination(answers.dest), json=False)
    finally:
        if answers.place.access.typed:
            name = _answers.NAME
            questions.say(
                f"The keys that you typed are forgotten now. For run retry or resume, make the profile {name} "
                f"as shown above, and add --profile {name}."
            )
