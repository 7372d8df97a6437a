"""Guided: what is wanted, and the questions that ask for it one by one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bondstore.cli import asking
from bondstore.cli.asking import Choice
from bondstore.cli.screenlake._where import Place
from bondstore.domains.screenlake.selection import By, Selection, selection_of, zone_named
from bondstore.domains.screenlake.service import BATCH
from bondstore.errors import UsageError
from bondstore.runs.executors import usable_cores
from bondstore.text import counted

PROCESSES = 4
FOLDER = "screenlake"
_LOCAL = Path("/etc/localtime")
_SAME_AS_UTC = {"Etc/UTC", "Etc/UCT", "Etc/Universal", "Etc/Zulu", "UCT", "Universal", "Zulu"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that was answered.

    Parameters
    ----------
    place : Place
        Where the zips are.
    selection : Selection
        Which of them.
    redact, text : str
        What is done to them.
    batch, jobs : int
        How many at a time.
    dest : Path
        Where the results go, absolute.
    """

    place: Place
    selection: Selection
    redact: str = "fill"
    text: str = "keep"
    batch: int = BATCH
    jobs: int = 1
    dest: Path = Path()


def ask_days(before: Selection | None = None) -> Selection:
    """Ask for the first and the last day, and whose days they are; panelists are left as they were."""
    asking.title("Which days count?")
    by: By = asking.choose(
        "Number",
        [
            Choice("the days on which a zip was uploaded to the store", "uploaded", "uploaded"),
            Choice("the days on which a screenshot or a row was made on the phone", "captured", "captured"),
        ],
        explain="Phones upload later than they capture, sometimes days later. 'Uploaded' looks at the store's own "
        "dates and reads only those zips. 'Captured' looks at the times inside, so it must read every zip uploaded "
        "since the first day, and leaves out what was made on other days.",
    )
    zone = asking.ask(
        "Time zone of the days",
        lambda answer: zone_named(answer).key,
        explain="A day begins and ends at midnight somewhere. Write it as Europe/Berlin, America/New_York or UTC.",
        default=local_zone(),
    )
    now = datetime.now(zone_named(zone)).date()
    since = asking.ask(
        "First day", _day, explain="Itself included. Written as 2024-01-31.", default=str(year_before(now))
    )

    def last(answer: str) -> Selection:
        until = _day(answer)
        if until < since:
            raise UsageError(f"The last day lies before the first, {since}.")
        return selection_of(since, until, by, zone, before.panelists if before else ())

    return asking.ask("Last day", last, explain="Itself included. Written as 2024-03-31.", default=str(now))


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


def ask_redact() -> str:
    """Ask what covers faces."""
    asking.title("What about faces in the images?")
    return asking.choose(
        "Number",
        [
            Choice("cover them with solid boxes", "fill", "fill"),
            Choice("blur them (can be undone in part)", "blur", "blur"),
            Choice("do not look for faces: images stay as they are", "none", "none"),
        ],
        explain="A solid box cannot be undone. No detector finds every face: afterwards, bondstore screenlake review "
        "shows what it was not sure of. In every case EXIF, GPS and thumbnails are gone.",
    )


def ask_text() -> str:
    """Ask what becomes of on-screen text."""
    asking.title("What about the text columns? They hold everything that was on the screen.")
    return asking.choose(
        "Number",
        [
            Choice("keep the text", "keep", "keep"),
            Choice("take out e-mail addresses, phone and card numbers and the like", "patterns", "patterns"),
            Choice("empty the columns", "drop", "drop"),
        ],
        explain="Covering faces in images does nothing to the text in the tables. 'Patterns' replaces what looks like "
        "an e-mail address, a phone number, a card number, an address of a web page with a user in it or an IBAN by a "
        "mark such as [EMAIL], and counts them; names of people stay.",
    )


def ask_width() -> tuple[int, int]:
    """Ask for zips in a batch and processes."""
    cores = usable_cores()
    asking.title(f"How many at a time? This computer has {counted(cores, 'core')} to use.")
    batch = asking.ask(
        "Zips in a batch",
        asking.number_in(1, 10_000),
        explain="So many zips are taken up together by one process. 25 suits most; it changes nothing in the results.",
        default=str(BATCH),
    )
    jobs = asking.ask(
        "Processes",
        asking.number_in(1, cores),
        explain="Each looks for faces on a core of its own. The results are the same with any number.",
        default=str(min(PROCESSES, cores)),
    )
    return batch, jobs


def ask_dest() -> Path:
    """Ask for the folder of the results."""
    asking.title("Where shall the results go?")

    def read(answer: str) -> Path:
        path = Path(answer).expanduser().absolute()
        if not answer.isprintable():
            raise UsageError("That holds signs that cannot be.")
        nearest = next(one for one in (path, *path.parents) if one.exists())
        if not nearest.is_dir():
            raise UsageError(f"{nearest} is a file.", hint="Name a folder; it is made if it is not there.")
        return path

    return asking.ask(
        "Folder",
        read,
        explain="Made if it is not there; nothing in it is deleted. The same folder again takes up where an earlier "
        "run ended. The results are sensitive: choose a disk where such data may lie.",
        default=FOLDER,
    )
