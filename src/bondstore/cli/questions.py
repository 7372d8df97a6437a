"""Questions to a person at a terminal: asked again until the answer can be used; ``?`` explains."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from bondstore.cli import lazy, output
from bondstore.errors import BondstoreError, Interrupted, UsageError
from bondstore.text import bytes_text, number_text, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bondstore.runs.plan import Plan

T = TypeVar("T")
ALL = "all"
_MORE = "+"
_SHOWN = 15  # choices at a time
_SHORTEST = 4  # characters that a beginning of a name needs
_WIDEST = 96


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """One of several answers: what is shown, what is meant, and a word that may be typed besides its number."""

    label: str
    value: T
    word: str = ""


def confirm(question: str, *, yes: bool = False) -> None:
    """Return when the user agrees; with nobody to ask, refuse."""
    if yes:
        return
    if not _at_stderr():
        raise UsageError(
            "This needs a yes, and there is no terminal to ask on.",
            hint="Add --yes, or --dry-run to only see what would be done.",
        )
    if _reply(f"{question} [y/N] ") not in ("y", "yes"):
        raise Interrupted("Stopped; nothing was changed.")


def agreed(question: str, *, yes: bool) -> bool:
    """Ask about work that deletes nothing: an empty answer is a yes, and with nobody to ask it goes on."""
    return yes or not _at_stderr() or _reply(f"{question} [Y/n] ") in ("", "y", "yes")


def before_fetching(question: str, *, yes: bool, things: str = "objects") -> Callable[[Plan], bool]:
    """Return what asks before the first byte is fetched: number and bytes for ``{}``; an empty plan asks nothing."""

    def ask(plan: Plan) -> bool:
        if not plan.todo.objects:
            return True
        size = bytes_text(plan.todo.bytes)
        return agreed(question.replace("{}", f"{number_text(plan.todo.objects)} {things} ({size})", 1), yes=yes)

    return ask


def require_terminal(hint: str) -> None:
    """Refuse to ask where nobody can answer."""
    if not lazy.at_terminal():
        raise UsageError("There is no terminal to ask on.", hint=hint)


def say(text: str = "", indent: str = "") -> None:
    """Say something, in lines that fit the terminal; lines of their own stay so."""
    import textwrap

    for line in text.split("\n"):
        output.note(*(textwrap.wrap(line, _width(), initial_indent=indent, subsequent_indent=indent) or [""]))


def title(text: str) -> None:
    """Begin a question."""
    say()
    say(text)


def complain(error: BondstoreError) -> None:
    """Say why something cannot be."""
    from bondstore.config.secrets import redact

    say(printable(redact(" ".join(filter(None, (error.message, error.hint))))), "  ! ")


def prompt(text: str, read: Callable[[str], T], *, explain: str, default: str = "", hidden: bool = False) -> T:
    """Ask until `read` makes something of the answer; it raises a `BondstoreError` that says why it cannot."""
    shown = f"{printable(text)}{f' [{printable(default)}]' if default else ''}: "
    while True:
        answer = _hidden(shown) if hidden else _line(shown)
        if answer == "?":
            say(explain, "  ")
            continue
        try:
            return read(answer or default)
        except BondstoreError as error:
            complain(error)


def secret(text: str, *, explain: str) -> str:
    """Ask for something that is not shown while it is typed."""
    return prompt(f"{text} (not shown)", one_word, explain=explain, hidden=True)


def choose(choices: Sequence[Choice[T]], *, explain: str) -> T:
    """Let one of a few things be chosen, by number or word; an empty answer is the first."""
    _show([choice.label for choice in choices])

    def read(answer: str) -> T:
        for number, choice in enumerate(choices, 1):
            if answer == str(number) or (choice.word and answer.lower() == choice.word):
                return choice.value
        words = ", ".join(choice.word for choice in choices if choice.word)
        raise UsageError(f"Type a number from 1 to {len(choices)}{f', or one of: {words}' if words else ''}.")

    return prompt("Number", read, explain=explain, default="1")


def pick(
    text: str,
    names: Sequence[str],
    *,
    explain: str,
    other: Callable[[str], str],
    at_once: Callable[[str], bool] = lambda _: False,
    default: str = "",
) -> str:
    """Let one of many names be chosen: by number, by name, or by a part of it that only one has.

    What `at_once` says yes to is the answer as it was typed; `other` makes the answer of what no name has in it.
    """
    shown, start = names, 0
    while True:
        _show(shown[start : start + _SHOWN], start + 1)
        if (rest := len(shown) - start - _SHOWN) > 0:
            say(f"… and {number_text(rest)} more: {_MORE} shows them, a part of a name finds it", "     ")

        def read(answer: str, shown: Sequence[str] = shown) -> str | Sequence[str]:
            if at_once(answer):
                return answer
            if answer == _MORE:
                return shown
            if number := _number(answer, len(shown)):
                return shown[number - 1]
            same = [name for name in names if name.rstrip("/") == answer.rstrip("/")]
            near = same or [name for name in names if answer and answer.lower() in name.lower()]
            return near[0] if len(near) == 1 else near or other(answer)

        got = prompt(text, read, explain=explain, default=default)
        if isinstance(got, str):
            return got
        start = start + _SHOWN if got is shown and start + _SHOWN < len(shown) else 0
        shown = got


def pick_some(labels: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Let some of many names be chosen; none stands for all."""
    start = 0
    while True:
        _show(labels[start : start + _SHOWN], start + 1)
        if len(names) > _SHOWN:
            say(f"… {_MORE} shows the next ones", "     ")
        answer = prompt(
            "all, or numbers such as 1,3-5",
            lambda answer: answer if answer == _MORE else read_choice(answer, names),
            explain="Enter takes all. Else type numbers from the list, or names or beginnings of names, with commas "
            "between them.",
            default=ALL,
        )
        if not isinstance(answer, str):
            return answer
        start = start + _SHOWN if start + _SHOWN < len(names) else 0


def read_choice(answer: str, names: Sequence[str]) -> tuple[str, ...]:
    """Read ``all`` (none is returned), or numbers, spans of numbers, names and beginnings of names with commas."""
    if answer.lower() in (ALL, "*"):
        return ()
    meant: list[str] = []
    for part in filter(None, map(str.strip, answer.replace(" ", ",").split(","))):
        meant += _span(part, names) or [_beginning(part, names)]
    if not meant:
        raise UsageError("Type all, or numbers such as 1,3-5.")
    return tuple(dict.fromkeys(meant))


def number_in(low: int, high: int) -> Callable[[str], int]:
    """Return what reads a whole number between two."""

    def read(answer: str) -> int:
        if not (answer.isascii() and answer.isdigit() and low <= int(answer[:9]) <= high):
            raise UsageError(f"Type a whole number from {low} to {high:,}.")
        return int(answer)

    return read


def one_word(answer: str) -> str:
    """Take an answer as it is, if it is one word."""
    if not answer:
        raise UsageError("Nothing was typed.", hint="? explains.")
    if not answer.isprintable() or any(sign.isspace() for sign in answer):
        raise UsageError("That holds blanks or signs that cannot be.", hint="Paste it again, alone.")
    return answer


def _span(part: str, names: Sequence[str]) -> Sequence[str]:
    """The names of ``3`` or ``3-5``; none where it is no such thing, or beyond the list."""
    low, dash, high = part.partition("-")
    if not all(one.isascii() and one.isdigit() and len(one) <= 9 for one in ([low, high] if dash else [low])):
        return ()
    first, last = int(low), int(high or low)
    return names[first - 1 : last] if 1 <= first <= last <= len(names) else ()


def _beginning(part: str, names: Sequence[str]) -> str:
    if part in names:
        return part
    near = [name for name in names if len(part) >= _SHORTEST and name.startswith(part)]
    if len(near) != 1:
        why = "fits several of them" if near else "is none of them"
        raise UsageError(
            f"{part!r} {why}.", hint=f"Numbers go from 1 to {len(names)}; names need {_SHORTEST} signs or more."
        )
    return near[0]


def _number(answer: str, most: int) -> int:
    """The number of a line of the list; 0 where it is none."""
    plain = answer.isascii() and answer.isdigit() and answer[0] != "0" and len(answer) <= 9
    return int(answer) if plain and int(answer) <= most else 0


def _show(labels: Sequence[str], first: int = 1) -> None:
    """Show a numbered list; labels that are too long are cut."""
    wide = len(str(first + len(labels) - 1))
    for number, label in enumerate(labels, first):
        line = f"  {number:>{wide}}  {printable(label)}"
        output.note(line if len(line) <= _width() else line[: _width() - 1] + "…")


def _width() -> int:
    import shutil

    return max(20, min(shutil.get_terminal_size().columns, _WIDEST) - 1)


def _at_stderr() -> bool:
    return bool(sys.stdin and sys.stdin.isatty() and sys.stderr.isatty())


def _reply(question: str) -> str:
    from bondstore.cli.progress import make_room

    make_room()
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower()


def _line(shown: str) -> str:
    try:
        import readline  # lets lines be edited, where the system has it
    except ImportError:
        pass
    else:
        if hasattr(readline, "set_auto_history"):
            readline.set_auto_history(False)  # nothing that is typed is kept for later
    return input(shown).strip()


def _hidden(shown: str) -> str:
    import getpass

    return getpass.getpass(shown).strip()
