"""Ask before something is changed; without a terminal nothing ever waits for an answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from bondstore.errors import Interrupted, UsageError
from bondstore.text import bytes_text, number_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.runs.plan import Plan


def confirm(question: str, *, yes: bool = False) -> None:
    """Return when the user agrees.

    Parameters
    ----------
    question : str
        What is about to happen, with counts and destination; asked on stderr.
    yes : bool
        The answer was given on the command line.

    Raises
    ------
    UsageError
        When there is nobody to ask.
    Interrupted
        When the answer is not yes.
    """
    if yes:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "This needs a yes, and there is no terminal to ask on.",
            hint="Add --yes, or --dry-run to only see what would be done.",
        )
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if answer.strip().lower() not in ("y", "yes"):
        raise Interrupted("Stopped; nothing was changed.")


def agreed(question: str, *, yes: bool) -> bool:
    """Ask about work that deletes nothing: where there is nobody to ask, it goes on.

    Parameters
    ----------
    question : str
        What is about to happen, with counts and destination; asked on stderr.
    yes : bool
        The answer was given on the command line.

    Returns
    -------
    bool
        Whether to go on. An empty answer is a yes.
    """
    if yes or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return True
    sys.stderr.write(f"{question} [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def before_fetching(question: str, *, yes: bool, things: str = "objects") -> Callable[[Plan], bool]:
    """Return what asks on a terminal before the first byte is fetched; a run with nothing to do asks nothing.

    Parameters
    ----------
    question : str
        With ``{}`` for number and bytes.
    yes : bool
        The answer was given on the command line.
    things : str
        What is fetched.
    """

    def ask(plan: Plan) -> bool:
        if not plan.todo.objects:
            return True
        size = bytes_text(plan.todo.bytes)
        return agreed(question.replace("{}", f"{number_text(plan.todo.objects)} {things} ({size})", 1), yes=yes)

    return ask
