"""Questions to a person in a terminal: asked again until the answer can be used; ``?`` explains."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bondstore.cli import output
from bondstore.errors import BondstoreError, UsageError
from bondstore.text import number_text, printable

T = TypeVar("T")
SHOWN = 15
"""So many choices are shown at a time."""
_WIDEST = 96


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One of several answers.

    Parameters
    ----------
    label : str
        What is shown.
    value : object
        What is meant.
    word : str
        A word that may be typed for it, besides its number.
    """

    label: str
    value: T
    word: str = ""


def say(text: str = "", indent: str = "") -> None:
    """Say something, in lines that fit the terminal; lines of their own stay so."""
    for line in text.split("\n"):
        output.note("\n".join(textwrap.wrap(line, width(), initial_indent=indent, subsequent_indent=indent)))


def title(text: str) -> None:
    """Begin a question."""
    say()
    say(text)


def width() -> int:
    """Return how many places a line may take."""
    return max(20, min(shutil.get_terminal_size().columns, _WIDEST) - 1)


def ask(prompt: str, read: Callable[[str], T], *, explain: str, default: str = "", hidden: bool = False) -> T:
    """Ask until the answer can be used.

    Parameters
    ----------
    prompt : str
        What is asked, short.
    read : callable
        Makes something of the answer, or raises a `BondstoreError` that says why it cannot.
    explain : str
        What ``?`` tells.
    default : str
        What an empty answer stands for; shown.
    hidden : bool
        The answer is a secret: it is not shown while it is typed.

    Raises
    ------
    EOFError, KeyboardInterrupt
        The person leaves.
    """
    shown = f"{printable(prompt)}{f' [{printable(default)}]' if default else ''}: "
    while True:
        answer = _hidden(shown) if hidden else _line(shown)
        if answer == "?":
            say(explain, "  ")
            continue
        try:
            return read(answer or default)
        except BondstoreError as error:
            complain(error)


def complain(error: BondstoreError) -> None:
    """Say why something cannot be."""
    from bondstore.config.secrets import redact

    say(redact(" ".join(filter(None, (error.message, error.hint)))), "  ! ")


def choose(prompt: str, choices: Sequence[Choice[T]], *, explain: str, default: int = 1) -> T:
    """Let one of a few things be chosen, by number or word.

    Parameters
    ----------
    prompt : str
        What is asked.
    choices : sequence of Choice
        A few.
    explain : str
        What ``?`` tells.
    default : int
        The number that an empty answer stands for.
    """
    show([choice.label for choice in choices])

    def read(answer: str) -> T:
        for number, choice in enumerate(choices, 1):
            if answer == str(number) or (choice.word and answer.lower() == choice.word):
                return choice.value
        words = ", ".join(choice.word for choice in choices if choice.word)
        raise UsageError(f"Type a number from 1 to {len(choices)}{f', or one of: {words}' if words else ''}.")

    return ask(prompt, read, explain=explain, default=str(default))


@dataclass(frozen=True, slots=True)
class _Look:
    """What of a long list is looked at: the names that hold a text, from one on."""

    names: Sequence[str]
    start: int = 0


def pick(
    prompt: str,
    names: Sequence[str],
    *,
    chosen: Callable[[str], T],
    first: Callable[[str], T | None],
    last: Callable[[str], T],
    explain: str,
    default: str = "",
) -> T:
    """Let one of many names be chosen: by number, by name, or by a part of it that only one has.

    Parameters
    ----------
    prompt : str
        What is asked.
    names : sequence of str
        Any number; shown a page at a time.
    chosen : callable
        Makes the answer of a name.
    first : callable
        Looks at what was typed before all else; None where it has nothing to say.
    last : callable
        Makes the answer of what no name has in it, or raises a `BondstoreError`.
    explain : str
        What ``?`` tells.
    default : str
        What an empty answer stands for.
    """
    look = _Look(names)

    def read(answer: str) -> T | _Look:
        said = first(answer)
        if said is not None:
            return said
        if answer == "+":
            after = look.start + SHOWN
            return _Look(look.names, after if after < len(look.names) else 0)
        if answer == str(int(answer) if answer.isascii() and answer.isdigit() else 0) and int(answer) <= len(
            look.names
        ):
            return chosen(look.names[int(answer) - 1])
        same = [name for name in names if name.rstrip("/") == answer.rstrip("/")]
        near = same or [name for name in names if answer and answer.lower() in name.lower()]
        if len(near) == 1:
            return chosen(near[0])
        return _Look(near) if near else last(answer)

    while True:
        show(look.names[look.start : look.start + SHOWN], look.start + 1)
        rest = len(look.names) - look.start - SHOWN
        if rest > 0:
            say(f"… and {number_text(rest)} more: + shows them, a part of a name finds it", "     ")
        got = ask(prompt, read, explain=explain, default=default)
        if not isinstance(got, _Look):
            return got
        look = got


def show(labels: Sequence[str], first: int = 1) -> None:
    """Show a numbered list; labels that are too long are cut."""
    wide = len(str(first + len(labels) - 1))
    for number, label in enumerate(labels, first):
        line = f"  {number:>{wide}}  {printable(label)}"
        output.note(line if len(line) <= width() else line[: width() - 1] + "…")


def agreed(question: str, *, explain: str) -> bool:
    """Ask for a yes or no; an empty answer is a yes."""
    known = {"y": True, "yes": True, "n": False, "no": False}

    def read(answer: str) -> bool:
        if answer.lower() not in known:
            raise UsageError("Type y or n.")
        return known[answer.lower()]

    return ask(f"{question} (y/n)", read, explain=explain, default="y")


def number_in(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number between two."""

    def read(answer: str) -> int:
        if not (answer.isascii() and answer.isdigit() and low <= int(answer[:9]) <= high):
            raise UsageError(f"Type a whole number from {low} to {high:,}.")
        return int(answer)

    return read


def _line(prompt: str) -> str:
    _edit()
    return input(prompt).strip()


def _hidden(prompt: str) -> str:
    import getpass

    return getpass.getpass(prompt).strip()


def _edit() -> None:
    """Let lines be edited where the system can; nothing that is typed is kept for later."""
    try:
        import readline
    except ImportError:
        return
    if hasattr(readline, "set_auto_history"):
        readline.set_auto_history(False)
