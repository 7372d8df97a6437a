"""Guided: all that is answered, the questions that ask for it one by one, and the command line that says the same."""

from __future__ import annotations

import dataclasses
import os
import shlex
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bondstore.cli import questions
from bondstore.cli.progress import reporter
from bondstore.cli.questions import Choice
from bondstore.cli.screenlake._place import Access, ZipStore, ask_place
from bondstore.config.settings import differing
from bondstore.domains.screenlake import service
from bondstore.domains.screenlake.selection import By, Selection, selection_of
from bondstore.errors import BondstoreError, UsageError
from bondstore.runs.executors import usable_cores
from bondstore.text import bytes_text, counted, number_text, time_text
from bondstore.timebounds import zone_named

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.screenlake.people import Panelist, People

NAME = "screenlake"
"""What a profile may be called that stands for typed credentials."""
_PROCESSES = 4
_MOST_PROCESSES = 1_000
_SHORT = 12  # characters that are shown of a panelist
_WIDTH = 78
_LOCAL = Path("/etc/localtime")
_SAME_AS_UTC = {"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"}


@dataclass(frozen=True, slots=True)
class Answers:
    """All that was answered; results go to an absolute path."""

    place: ZipStore
    selection: Selection
    redact: str = "fill"
    text: str = "keep"
    batch: int = service.BATCH
    jobs: int = 1
    dest: Path = Path()


def ask_all() -> Answers:
    """Ask everything once."""
    answers = Answers(ask_place(), Selection())
    for ask in (ask_days, ask_panelists, ask_redact, ask_text, ask_width, ask_dest):
        answers = ask(answers)
    return answers


def ask_other_place(before: Answers) -> Answers:
    """Ask where the zips are, and who of those who are there."""
    return ask_panelists(dataclasses.replace(before, place=ask_place()))


def ask_days(before: Answers) -> Answers:
    """Ask for the first and the last day, and whose days they are."""
    questions.title("Which days count?")
    by: By = questions.choose(
        [
            Choice("the days on which a zip was uploaded to the store", "uploaded", "uploaded"),
            Choice("the days on which a screenshot or a row was made on the phone", "captured", "captured"),
        ],
        explain="Phones upload later than they capture, sometimes days later. 'Uploaded' looks at the store's own "
        "dates and reads only those zips. 'Captured' looks at the times inside, so it must read every zip uploaded "
        "since the first day, and leaves out what was made on other days.",
    )
    zone = questions.prompt(
        "Time zone of the days",
        lambda answer: zone_named(answer).key,
        explain="A day begins and ends at midnight somewhere. Write it as Europe/Berlin, America/New_York or UTC.",
        default=local_zone(),
    )
    now = datetime.now(zone_named(zone)).date()
    explain = "Itself included. Written as 2024-01-31."
    since = questions.prompt("First day", _day, explain=explain, default=str(year_before(now)))

    def last(answer: str) -> Selection:
        until = _day(answer)
        if until < since:
            raise UsageError(f"The last day lies before the first, {since}.")
        return selection_of(since, until, by, zone, before.selection.panelists)

    explain = "Itself included. Written as 2024-03-31."
    return dataclasses.replace(before, selection=questions.prompt("Last day", last, explain=explain, default=str(now)))


def ask_panelists(before: Answers) -> Answers:
    """List who is there, and ask whom to take; where nobody is, that is told with the plan."""
    try:
        people = people_of(before).panelists
    except BondstoreError as error:
        questions.complain(error)
        return before
    chosen: tuple[str, ...] = ()
    if people:
        questions.title(f"Which panelists? {number_text(len(people))} have zips there in these days.")
        chosen = questions.pick_some([_label(one) for one in people], [one.name for one in people])
    return dataclasses.replace(before, selection=dataclasses.replace(before.selection, panelists=chosen))


def people_of(answers: Answers) -> People:
    """List who is there in the days that are asked for, whoever is chosen."""
    return _listed(answers.place.spec, dataclasses.replace(answers.selection, panelists=()))


@lru_cache(maxsize=1)
def _listed(spec: StoreSpec, selection: Selection) -> People:
    """List once for the question and the plan."""
    watch = reporter(things="zips")
    try:
        return service.panelists(spec, selection=selection, progress=watch)
    finally:
        watch.end()


def _label(one: Panelist) -> str:
    name = one.name if len(one.name) <= _SHORT + 1 else one.name[:_SHORT] + "…"
    first, last = (time_text(moment)[:10] for moment in (one.first_ms, one.last_ms))
    days = first if first == last else f"{first} to {last}"
    return f"{name:<{_SHORT + 1}}  {one.zips:>6,} zips  {bytes_text(one.bytes):>8}  uploaded {days}"


def local_zone() -> str:
    """Return the name of this computer's time zone; ``UTC`` where it cannot be told."""
    name = os.environ.get("TZ", "").lstrip(":")
    if not name:
        name = str(_LOCAL.resolve()).partition("/zoneinfo/")[2]
    try:
        found = zone_named(name).key or "UTC"
    except UsageError:
        return "UTC"
    return "UTC" if found in _SAME_AS_UTC else found


def year_before(day: date) -> date:
    """Return the same day a year earlier; 28 February for 29 February."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)


def _day(answer: str) -> date:
    try:
        if len(answer) == len("2024-01-31"):
            return date.fromisoformat(answer)
    except ValueError:
        pass
    raise UsageError("Days are written as 2024-01-31.")


def ask_redact(before: Answers) -> Answers:
    """Ask what covers faces."""
    questions.title("What about faces in the images?")
    redact = questions.choose(
        [
            Choice("cover them with solid boxes", "fill", "fill"),
            Choice("blur them (can be undone in part)", "blur", "blur"),
            Choice("do not look for faces: images stay as they are", "none", "none"),
        ],
        explain="A solid box cannot be undone. No detector finds every face: afterwards, bondstore screenlake review "
        "shows what it was not sure of. In every case EXIF, GPS and thumbnails are gone.",
    )
    return dataclasses.replace(before, redact=redact)


def ask_text(before: Answers) -> Answers:
    """Ask what becomes of on-screen text."""
    questions.title("What about the text columns? They hold everything that was on the screen.")
    text = questions.choose(
        [
            Choice("keep the text", "keep", "keep"),
            Choice("take out e-mail addresses, phone and card numbers and the like", "patterns", "patterns"),
            Choice("empty the columns", "drop", "drop"),
        ],
        explain="Covering faces in images does nothing to the text in the tables. 'Patterns' replaces what looks like "
        "an e-mail address, a number of a phone, a card, an account or an insurance, a place, an IP address, a "
        "one-time code or an address of a web page with a user in it by a mark such as [EMAIL], and counts them; names "
        "of people stay.",
    )
    return dataclasses.replace(before, text=text)


def ask_width(before: Answers) -> Answers:
    """Ask for zips in a batch and processes."""
    cores = usable_cores()
    questions.title(f"How many at a time? This computer has {counted(cores, 'core')} to use.")
    batch = questions.prompt(
        "Zips in a batch",
        questions.number_in(1, 10_000),
        explain="So many zips are taken up together by one process. 25 suits most; it changes nothing in the results.",
        default=str(service.BATCH),
    )
    jobs = questions.prompt(
        "Processes",
        questions.number_in(1, _MOST_PROCESSES),
        explain=f"Each looks for faces on a core of its own and takes up to half a gigabyte of memory: {cores} suits "
        "this computer, fewer leave room for other work, more are no faster. The results are the same with any number.",
        default=str(min(_PROCESSES, cores)),
    )
    if jobs > cores:
        questions.say(
            f"{counted(jobs, 'process', 'processes')} share {counted(cores, 'core')}: {cores} would be as fast, with "
            "less memory."
        )
    return dataclasses.replace(before, batch=batch, jobs=jobs)


def ask_dest(before: Answers) -> Answers:
    """Ask for the folder of the results."""
    questions.title("Where shall the results go?")

    def read(answer: str) -> Path:
        path = Path(answer).expanduser().absolute()
        if not answer.isprintable():
            raise UsageError("That holds signs that cannot be.")
        nearest = next(one for one in (path, *path.parents) if one.exists())
        if not nearest.is_dir():
            raise UsageError(f"{nearest} is a file.", hint="Name a folder; it is made if it is not there.")
        return path

    dest = questions.prompt(
        "Folder",
        read,
        explain="Made if it is not there; nothing in it is deleted. The same folder again takes up where an earlier "
        "run ended. The results are sensitive: choose a disk where such data may lie.",
        default="screenlake",
    )
    return dataclasses.replace(before, dest=dest)


def equal_lines(answers: Answers) -> list[str]:
    """Return the command that does the same, in lines that a shell takes as one; credentials are named, never told."""
    selection, access, url = answers.selection, answers.place.access, answers.place.spec.url
    options = [
        ("--since", str(selection.since or "")),
        ("--until", str(selection.until or "")),
        ("--by", selection.by),
        ("--tz", selection.zone),
        *(("--panelist", name) for name in selection.panelists),
        ("--redact", answers.redact),
        ("--text", answers.text),
        ("--batch", str(answers.batch)),
        ("--jobs", str(answers.jobs)),
    ]
    words = [f"{name}={shlex.quote(value)}" for name, value in access.variables]
    source = unquote(urlsplit(url).path) if url.startswith("file:") else url
    words += ["bondstore screenlake process", shlex.quote(source), shlex.quote(str(answers.dest))]
    words += [f"{name} {shlex.quote(value)}" for name, value in options if value]
    if access.typed:
        words.append(f"--profile {NAME}")
    elif access.options:
        words.append(" ".join(map(shlex.quote, access.options)))
    return _folded(words)


def profile_lines(access: Access) -> list[str]:
    """Return the command that makes the profile for typed credentials: it asks for them whenever it is used."""
    words = [f"bondstore profile add {NAME}"]
    for setting, value in differing(access.profile).items():
        words.append(f"--{setting.replace('_', '-')} {shlex.quote(str(value))}")
    return _folded(words)


def _folded(words: list[str]) -> list[str]:
    lines: list[str] = []
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) + 2 > _WIDTH:
            lines.append(line + " \\")
            line = "  " + word
        else:
            line += " " + word
    return [*lines, line]
