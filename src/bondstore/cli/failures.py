"""From an exception to a sentence, a hint and an exit code. No traceback unless asked for, and no secret even then."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import threading
import traceback
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import typer

from bondstore.config.secrets import redact
from bondstore.errors import BondstoreError, Exit, Interrupted, chain_of, used_up
from bondstore.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

ClickUsageError = typer.BadParameter.__base__  # typer carries its own copy of click, or imports it, by version
DEBUG_VARIABLE = "BONDSTORE_DEBUG"


class ReaderGone(Exception):  # noqa: N818 - it is no fault
    """Whoever read our output has gone, as ``head`` does; nothing is left to say."""


def take_debug(args: list[str]) -> tuple[list[str], bool]:
    """Take ``--debug`` out of a command line, wherever it stands before a ``--``; return the words, and if it is on."""
    end = args.index("--") if "--" in args else len(args)
    words = [word for word in args[:end] if word != "--debug"] + args[end:]
    return words, len(words) < len(args) or bool(os.environ.get(DEBUG_VARIABLE))


class _Redacted(logging.Formatter):
    """Blanks out secrets, in tracebacks too, and writes out what steers a terminal; a message has one line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Lay out the message alone."""
        return printable(redact(super().formatMessage(record)))

    def format(self, record: logging.LogRecord) -> str:
        """Lay out one record."""
        return printable(redact(super().format(record)), lines=True)


def show_details(*, wanted: bool) -> None:
    """Send what Bondstore logs to stderr: all of it when details are wanted, else warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Redacted("%(levelname)s %(name)s: %(message)s" if wanted else "%(message)s"))
    logger = logging.getLogger("bondstore")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG if wanted else logging.WARNING)


@contextmanager
def ending_where_a_thread_cannot_begin() -> Iterator[None]:
    """End the program where memory runs out in a thread before it began: who started it would wait for it for ever.

    Source: github.com/python/cpython/issues/140746. A run that ends so goes on as one that was killed. The hook itself
    is no Python: without memory not one of its frames could be had in that thread. It hands over to a thread that runs.
    """
    usual, told = sys.unraisablehook, SimpleQueue[Any]()

    def take() -> None:
        for failed in iter(told.get, None):
            begun = getattr(failed.object, "__self__", None)
            if issubclass(failed.exc_type, MemoryError) and isinstance(begun, threading.Thread):
                os._exit(report(MemoryError()))
            usual(failed)

    taker = threading.Thread(target=take, name="unraisable", daemon=True)
    taker.start()
    sys.unraisablehook = told.put
    try:
        yield
    finally:
        sys.unraisablehook = usual
        told.put(None)
        taker.join()


def report(error: BaseException, *, as_json: bool = False, debug: bool = False) -> int:
    """Tell the user about an error, and return the exit code; secrets are blanked out of tracebacks too."""
    error = used_up(error) or error
    message, hint, code = describe(error)
    if debug and code not in (Exit.INTERRUPTED, Exit.USAGE):
        details = "".join(traceback.format_exception(error))
        sys.stderr.write(printable(redact(details), lines=True))
    shown = printable(message)  # a key may hold anything, line ends and what steers a terminal among it
    sys.stderr.write(f"Error: {shown}\n" if code != Exit.INTERRUPTED else f"{shown}\n")
    if hint:
        sys.stderr.write(f"Hint: {printable(hint)}\n")
    sys.stderr.flush()
    if as_json:
        kind = type(error).__name__ if isinstance(error, BondstoreError) else _kind(code)
        record = {"kind": "error", "type": kind, "message": message, "hint": hint, "exit": int(code)}
        sys.stdout.write(json.dumps(record) + "\n")
        sys.stdout.flush()
    return int(code)


def describe(error: BaseException) -> tuple[str, str | None, Exit]:
    """Return the sentence, the hint and the exit code of an error."""
    error = used_up(error) or error
    if isinstance(error, BondstoreError):
        hint = redact(error.hint) if error.hint else None
        return redact(error.message), hint, error.exit_code
    if ClickUsageError is not None and isinstance(error, ClickUsageError):
        return _usage(error)
    if isinstance(error, (KeyboardInterrupt, typer.Abort)) or _is_interrupted(error):
        stopped = Interrupted("Interrupted; what was done is kept.", hint="Run the same command again.")
        return stopped.message, stopped.hint, Exit.INTERRUPTED
    # the text of an unknown error may hold a value from the data: its class is all that is safe to show
    return (
        f"Something unexpected went wrong ({type(error).__name__}).",
        "Run again with --debug for the details, and report them if they are not your settings.",
        Exit.UNEXPECTED,
    )


def _is_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C is behind an error: in the middle of an import it comes out as one of another kind."""
    if not isinstance(error, (ImportError, SystemError)):
        return False
    return any(isinstance(behind, KeyboardInterrupt) for behind in chain_of(error))


def _usage(error: BaseException) -> tuple[str, str | None, Exit]:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(context.get_help() + "\n\n" if context else "")
        return "A command is missing.", None, Exit.USAGE
    message = error.format_message() if hasattr(error, "format_message") else "The command line is not understood."
    # a word too many may be a secret that was meant for an option
    message = re.sub(r"unexpected extra argument\S* \(.*\)", "unexpected extra words", message, flags=re.DOTALL)
    message = " ".join(redact(message).split())
    return message, f"Run: {context.command_path} --help" if context else "Add --help.", Exit.USAGE


def _kind(code: Exit) -> str:
    return {Exit.USAGE: "UsageError", Exit.INTERRUPTED: "Interrupted"}.get(code, "UnexpectedError")
