"""How the end of a run is shown, by every command that runs something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from bondstore.cli import output
from bondstore.domains import domain_of
from bondstore.errors import Exit
from bondstore.runs.domain import load
from bondstore.text import counted, counts_text, number_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.findings import Finding
    from bondstore.ledger import Ledger, RunRecord
    from bondstore.ledger.findings import FindingGroup
    from bondstore.runs.destination import Destination
    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.runs.tally import Tally

NOTHING: Mapping[str, Any] = {}
OBJECTS = ("object", "objects")


@dataclass(frozen=True, slots=True)
class Ending:
    """What a domain adds to the end of a run: where else to look, and commands that a person may want next."""

    lines: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    place: str = ""
    """A sentence of where the results are, where that is not the destination that holds the record."""


_OUTCOMES = {
    "planned": "looked at",
    "done": "handled by this run",
    "skipped": "already in place",
    "quarantined": "could not be handled in full; kept as they are",
    "failed": "not handled this time; another run tries again",
}


def show_result(result: RunResult, destination: Destination, *, json: bool, about: Mapping[str, Any] = NOTHING) -> int:
    """Show how a run ended: tally, findings, quarantine and what to do next; with ``--json`` the tally comes last."""
    if result.state == "planned":
        if json and about:
            output.display_one(about, json=True)
        show_plan(result.plan, destination, json=json)
        return int(Exit.DONE)
    if result.state == "cancelled":
        if json:
            output.display_one(result.tally, json=True)
        output.note("Stopped; nothing was done.")
        return int(Exit.INTERRUPTED)
    with destination.ledger(create=False) as ledger:
        if json:
            output.display(map(finding_record, ledger.findings.of_run(result.run)), (), json=True)
            if about:
                output.display_one(about, json=True)
            if result.plan.left_out:
                output.display_one({"kind": "left-out", "objects": result.plan.left_out}, json=True)
            output.display_one(result.tally, json=True)
        else:
            _show_text(result, destination, ledger)
        return exit_code_of(result.run, result.tally, ledger)


def exit_code_of(run: str, tally: Tally, ledger: Ledger) -> int:
    """Return the exit code of a tally, or 7 where the run's job found what somebody must have changed."""
    record = ledger.runs.get(run)
    domain = domain_of(record.params)
    broken = domain.integrity if domain else frozenset()
    if not tally.complete and broken and any(kind in broken for kind, *_ in ledger.findings.counts(record.job)):
        return int(Exit.INTEGRITY)
    return exit_code(tally)


def show_ended(run: str, tally: Tally, destination: Destination, *, json: bool) -> int:
    """Show that a run had come to its end before, as nothing is left to go on with."""
    if json:
        output.display_one(tally, json=True)
    else:
        show_tally(tally.objects(), tally.sizes())
    output.note(f"The run {run} had come to its end; nothing was done.")
    with destination.ledger(create=False) as ledger:
        steps = _ending(ledger.runs.get(run), destination).steps
        _show_next(run, tally, destination, steps)
        return exit_code_of(run, tally, ledger)


def exit_code(tally: Tally) -> int:
    """Return 0 where everything is done, 8 where the rest only has to be waited for, else 5."""
    if tally.only_waits:
        return int(Exit.WAITING)
    return int(Exit.DONE if tally.complete else Exit.INCOMPLETE)


def show_plan(plan: Plan, destination: Destination, *, json: bool) -> None:
    """Show what a run would do; one record with ``--json``."""
    if json:
        output.display_one(plan_record(plan, destination), json=True)
        return
    counts = {"to do": plan.todo, "already in place": plan.skipped, "in quarantine": plan.quarantined}
    _show_counts((name, count.objects, count.bytes) for name, count in counts.items())
    _show_left_out(plan.left_out)
    output.note(f"Nothing was written. It would go to {destination.shown}")


def plan_record(plan: Plan, destination: Destination) -> dict[str, Any]:
    """Return a plan as the record that ends a ``--dry-run --json``."""
    return {
        "kind": "plan",
        "destination": destination.shown,
        "todo": plan.todo.objects,
        "skipped": plan.skipped.objects,
        "quarantined": plan.quarantined.objects,
        "bytes": plan.todo.bytes,
        "left_out": plan.left_out,
    }


def finding_record(finding: Finding) -> dict[str, Any]:
    """Return a finding as a record; its own kind stands under ``finding``."""
    return {
        "kind": "finding",
        "finding": finding.kind,
        "severity": finding.severity,
        "key": finding.key,
        "where": finding.where,
        "count": finding.count,
        "message": finding.message,
    }


def show_tally(objects: Mapping[str, int], sizes: Mapping[str, int]) -> None:
    """Show a tally as a small table; outcomes that nothing had are left out."""
    _show_counts(
        (name, number, sizes[name], _OUTCOMES[name])
        for name, number in objects.items()
        if number or name in ("planned", "done")
    )


def show_findings(ledger: Ledger, run: str) -> None:
    """Show what a run found, by kind, worst first, each with a few of the objects."""
    _show_groups("Findings", ledger.findings.groups(run))


def show_standing(ledger: Ledger, job: str) -> None:
    """Show what earlier runs of a job found, where nothing was looked at anew since."""
    _show_groups("Findings of earlier runs, which still stand", ledger.findings.groups_of_job(job))


def _show_groups(title: str, groups: Sequence[FindingGroup]) -> None:
    if groups:
        _print("", title)
    for group in groups:
        _print(
            f"  {group.severity.value:<7}  {group.kind}: {counted(group.objects, 'object')}",
            f"           {group.message}",
        )
        _print(*(f"             {key}" for key in group.examples))
        if group.objects > len(group.examples):
            _print(f"             … and {number_text(group.objects - len(group.examples))} more")


def show_quarantine(destination: Destination, number: int, things: tuple[str, str] = OBJECTS) -> None:
    """Say where the quarantined objects are: copied beside the outputs, or in the store alone."""
    from bondstore.runs.destination import QUARANTINE

    if next(destination.walk(QUARANTINE), None) is not None:
        _print(f"Quarantine {destination.shown}/{QUARANTINE} (the objects as they were fetched, still sealed)")
    elif number == 1:
        _print(f"1 {things[0]} is named in the findings; it stays in the store as it is.")
    else:
        _print(f"{number_text(number)} {things[1]} are named in the findings; they stay in the store as they are.")


def left_by_others(ledger: Ledger, job: str, run: str) -> dict[str, int]:
    """Return how many objects other runs of the same job left in quarantine or failed, by run."""
    return {other: number for other, number in ledger.items.unsettled_by_run(job).items() if other != run}


def show_others(others: Mapping[str, int], destination: Destination, met: int | None = None) -> None:
    """Say which other runs left objects in quarantine or failed, and how many of these a run did not meet again.

    `met` is how many it met and left as they were.
    """
    if others:
        _print("")
    for run, number in others.items():
        line = words("run show", run, destination)
        _print(f"{counted(number, 'object')} in quarantine or failed since another run: {line}")
    apart = 0 if met is None else max(0, sum(others.values()) - met)
    if apart == 1:
        _print("1 of these is not counted above: the run did not find it in the store, or was not asked for it.")
    elif apart:
        of_these = f"{number_text(apart)} of these are not counted above"
        _print(f"{of_these}: the run did not find them in the store, or was not asked for them.")


def words(verb: str, run: str, destination: Destination) -> str:
    """Return the command that does something with a run, fit to be pasted into a shell."""
    from bondstore.runs.destinations import dest_options

    return " ".join(word for word in ("bondstore", verb, run, dest_options(destination)) if word)


def _show_text(result: RunResult, destination: Destination, ledger: Ledger) -> None:
    tally = result.tally
    _print(f"Run {result.run}: {_verdict(tally)}")
    show_tally(tally.objects(), tally.sizes())
    _show_left_out(result.plan.left_out)
    show_findings(ledger, result.run)
    if result.plan.quarantined.objects:
        others = left_by_others(ledger, ledger.runs.get(result.run).job, result.run)
        show_others(others, destination, result.plan.quarantined.objects)
    record = ledger.runs.get(result.run)
    ending = _ending(record, destination)
    _print("", ending.place or f"Written to {destination.shown}", *ending.lines)
    if tally.quarantined.objects:
        show_quarantine(destination, tally.quarantined.objects, things_of(record))
    _show_next(result.run, tally, destination, ending.steps)


def things_of(record: RunRecord) -> tuple[str, str]:
    """Return what a run's objects are called, one and many."""
    domain = domain_of(record.params)
    return load(domain.ending).THINGS if domain is not None and domain.ending else OBJECTS


def _ending(record: RunRecord, destination: Destination) -> Ending:
    domain = domain_of(record.params)
    if domain is None or not domain.ending:
        return Ending()
    ending: Ending = load(domain.ending).ending(record.params, destination)
    return ending


def _show_next(run: str, tally: Tally, destination: Destination, steps: Iterable[str] = ()) -> None:
    lines = [*next_steps(run, tally, destination), *steps]
    output.note("Next:", *(f"  {line}" for line in lines))


def next_steps(run: str, tally: Tally, destination: Destination) -> Iterator[str]:
    """Yield the commands that a person may want after a run."""
    if not tally.complete:
        yield words("run show", run, destination)
        yield words("run retry", run, destination)
    yield words("audit verify", "", destination)


def _verdict(tally: Tally) -> str:
    if not tally.planned.objects:
        return "nothing there is to be done; no object belongs to the selection."
    if tally.complete:
        return "all is done." if tally.done.objects else "nothing was left to do."
    parts = [f"{counted(count.objects, 'object')} {what}" for what, count in _bad(tally).items() if count.objects]
    parts += [f"{counted(tally.left, 'file')} left as before"] if tally.left else []
    return f"finished, with {' and '.join(parts)}."


def _bad(tally: Tally) -> dict[str, Any]:
    return {"in quarantine": tally.quarantined, "that failed": tally.failed}


def _show_counts(rows: Iterable[tuple[Any, ...]]) -> None:
    names = ("outcome", "objects", "bytes", "meaning")
    output.display(
        (dict(zip(names, row, strict=False)) for row in rows),
        (
            output.Column("outcome", ""),
            output.number("objects"),
            output.size("bytes"),
            output.Column("meaning", ""),
        ),
    )


def _show_left_out(left_out: Mapping[str, int]) -> None:
    if left_out:
        parts = counts_text(dict(sorted(left_out.items())))
        _print(f"Left out: {parts}")


def _print(*lines: str) -> None:
    for line in lines:
        typer.echo(printable(line))
