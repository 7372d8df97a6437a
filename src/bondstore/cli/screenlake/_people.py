"""Guided: whose zips, chosen from who is there."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import TYPE_CHECKING

from bondstore.cli import asking
from bondstore.cli.progress import reporter
from bondstore.domains.screenlake import service
from bondstore.errors import UsageError
from bondstore.text import bytes_text, number_text, time_text

if TYPE_CHECKING:
    from bondstore.cli.screenlake._where import Place
    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.screenlake.people import Panelist, People
    from bondstore.domains.screenlake.selection import Selection

ALL = "all"
_SHORT = 12
_SHORTEST = 4


def look(place: Place, selection: Selection) -> People:
    """List who is there in the days that are asked for, whoever is chosen.

    Raises
    ------
    BondstoreError
        The store cannot be listed.
    """
    return _listed(place.spec, dataclasses.replace(selection, panelists=()))


@lru_cache(maxsize=1)
def _listed(spec: StoreSpec, selection: Selection) -> People:
    """List once for the question and the plan."""
    watch = reporter(things="zips")
    try:
        return service.panelists(spec, selection=selection, progress=watch)
    finally:
        watch.end()


def ask_panelists(found: People) -> tuple[str, ...]:
    """Ask for all or some of the panelists; none stands for all."""
    people = found.panelists
    number = len(people)
    asking.title(f"Which panelists? {number_text(number)} have zips there in these days.")
    start = 0
    while True:
        asking.show([_label(one) for one in people[start : start + asking.SHOWN]], start + 1)
        if number > asking.SHOWN:
            asking.say("… + shows the next ones", "     ")
        answer = asking.ask(
            "all, or numbers such as 1,3-5",
            lambda answer: answer if answer == "+" else read_choice(answer, [one.name for one in people]),
            explain="Enter takes all. Else type numbers from the list, or names or beginnings of names, with commas "
            "between them.",
            default=ALL,
        )
        if not isinstance(answer, str):
            return answer
        start = start + asking.SHOWN if start + asking.SHOWN < number else 0


def _label(one: Panelist) -> str:
    name = one.name if len(one.name) <= _SHORT + 1 else one.name[:_SHORT] + "…"
    first, last = (time_text(moment)[:10] for moment in (one.first_ms, one.last_ms))
    days = first if first == last else f"{first} to {last}"
    return f"{name:<{_SHORT + 1}}  {one.zips:>6,} zips  {bytes_text(one.bytes):>8}  uploaded {days}"


def read_choice(answer: str, names: list[str]) -> tuple[str, ...]:
    """Read which of some names are meant.

    Parameters
    ----------
    answer : str
        ``all``, or numbers, spans of numbers, names and beginnings of names with commas between.
    names : list of str
        All there are, in the order of their numbers.

    Returns
    -------
    tuple of str
        Those that are meant, each once; none for all.

    Raises
    ------
    UsageError
        Something in it is none of them.
    """
    if answer.lower() in (ALL, "*"):
        return ()
    meant: list[str] = []
    for part in filter(None, (part.strip() for part in answer.replace(" ", ",").split(","))):
        meant += _span(part, names) or [_named(part, names)]
    if not meant:
        raise UsageError("Type all, or numbers such as 1,3-5.")
    return tuple(dict.fromkeys(meant))


def _span(part: str, names: list[str]) -> list[str]:
    """The names of ``3`` or ``3-5``; none where it is no such thing, or beyond the list."""
    low, dash, high = part.partition("-")
    if not all(one.isascii() and one.isdigit() and len(one) <= 9 for one in ([low, high] if dash else [low])):
        return []
    first, last = int(low), int(high or low)
    return names[first - 1 : last] if 1 <= first <= last <= len(names) else []


def _named(part: str, names: list[str]) -> str:
    if part in names:
        return part
    near = [name for name in names if len(part) >= _SHORTEST and name.startswith(part)]
    if len(near) != 1:
        why = "fits several of them" if near else "is none of them"
        raise UsageError(
            f"{part!r} {why}.", hint=f"Numbers go from 1 to {len(names)}; names need {_SHORTEST} signs or more."
        )
    return near[0]
