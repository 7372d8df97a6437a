"""Exit codes, and the errors that lead to them."""

from __future__ import annotations

import inspect

from docs.generator.text import code, first_sentence, page, table

from bondstore import errors
from bondstore.errors import BondstoreError, Exit

MEANING = {
    Exit.DONE: "All is done.",
    Exit.UNEXPECTED: "Something unexpected went wrong; the message says what.",
    Exit.USAGE: "The words of the call are off: an unknown option, a value out of range.",
    Exit.NOT_FOUND: "No such bucket, object, run or profile; or a study, participant, stream, panelist or source "
    "that matches nothing.",
    Exit.CONFIGURATION: "Credentials or settings are missing or wrong, the study's key included. `bondstore "
    "doctor` helps.",
    Exit.INCOMPLETE: "Finished, but some objects are in quarantine or failed, or rows were lost. Everything else "
    "is there.",
    Exit.REFUSED: "Refused by a rule that you or the profile set.",
    Exit.INTEGRITY: "A hash or the audit chain does not hold.",
    Exit.WAITING: "Not yet: a restore or a review is still going on. Run the same command again later.",
    Exit.INTERRUPTED: "Stopped by you, or you said no. What was done is kept; the message says how to go on.",
}
SCRIPT = """```sh
bondstore beiwe export /data/export --yes
case $? in
  0) echo "all done" ;;
  5) echo "done, but look at the findings"; bondstore run show last --dest /data/export ;;
  *) echo "stopped"; exit 1 ;;
esac
```"""


def make() -> str:
    """Return the page."""
    rows = ((str(int(one)), MEANING[one]) for one in Exit)
    return page(
        "Exit codes",
        "Every command ends with one of these. When the reader of a pipe leaves early, it is 141.",
        table(("code", "meaning"), rows),
        "In a script:",
        SCRIPT,
        "## Errors in Python",
        "Every error is a `bondstore.BondstoreError` with `message`, `hint` and `exit_code`. The others are in "
        "`bondstore.errors`. Many are also Python's own errors, so `except FileNotFoundError` works too.",
        table(("error", "code", "also", "meaning"), map(_row, _errors())),
    )


def _errors() -> list[type[BondstoreError]]:
    found = [one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, BondstoreError)]
    return sorted(found, key=lambda one: (one.exit_code, len(one.__mro__), one.__name__))


def _row(error: type[BondstoreError]) -> tuple[str, str, str, str]:
    also = [base.__name__ for base in error.__bases__ if base.__module__ == "builtins" and base is not Exception]
    return code(error.__name__), str(int(error.exit_code)), ", ".join(map(code, also)), first_sentence(error)
