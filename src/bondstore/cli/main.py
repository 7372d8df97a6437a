"""The entry point: builds the command line from its table, runs it, and ends with the right exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, NoReturn

import typer
import typer.main

from bondstore import __version__
from bondstore.cli import failures, lazy
from bondstore.cli.table import Noun, find_noun, nouns
from bondstore.errors import Interrupted

HELP = """Read, export, check and prove sensitive research data kept in object storage.

Data goes to stdout, progress and messages to stderr. Every command takes --json."""
EXAMPLES = (
    "bondstore profile add lab --url s3://BUCKET --access-key env:LAB_ID --secret-key env:LAB_SECRET",
    "bondstore doctor --profile lab",
    "bondstore beiwe export DEST --profile lab --study STUDY --key env:STUDY_KEY",
)
BROKEN_PIPE = 141  # 128 + SIGPIPE, what any program ends with whose reader has gone


class Root(lazy.LazyGroup):
    """The outermost group: turns what typer would swallow into what `failures` can report."""

    def load(self, name: str) -> Any:
        """Build the group of a noun, or load the command when it has no verbs."""
        noun = find_noun(name)
        assert noun is not None
        if noun.fault is not None:
            raise noun.fault
        if not noun.verbs:
            return lazy.command((name,), noun.help)
        examples = tuple(f"bondstore {name} {verb} --help" for verb in noun.verbs)
        if noun.guided:
            examples = (f"bondstore {name}", *examples)
        text = "\n\n".join(filter(None, (noun.help, noun.guided)))
        return lazy.group(
            name, text, noun.verbs, lambda verb: _verb(name, noun, verb), examples, guided=bool(noun.guided)
        )

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is called."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Interrupted(
                "Interrupted; what was done is kept.", hint="Run the same command again to go on from there."
            ) from None
        except BrokenPipeError:
            raise failures.ReaderGone from None


class _Lines(Mapping[str, str]):
    """The line of each noun. Other packages are looked through only where a noun is none of ours, or all are shown."""

    def __getitem__(self, name: str) -> str:
        noun = find_noun(name)
        if noun is None:
            raise KeyError(name)
        return noun.help

    def __iter__(self) -> Iterator[str]:
        return iter(nouns())

    def __len__(self) -> int:
        return len(nouns())


def _verb(name: str, noun: Noun, verb: str) -> Any:
    package = noun.package or f"bondstore.cli.{name}"
    if verb == lazy.GUIDED:
        return lazy.command((name, "guided"), noun.guided, package)
    return lazy.command((name, verb), noun.verbs[verb], package)


def build() -> Any:
    """Build the whole command line (a click group); nothing below the first level is loaded."""
    app = typer.Typer(add_completion=True, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(
        cls=Root,
        help=HELP,
        epilog=lazy.epilog(EXAMPLES),
        no_args_is_help=True,
        context_settings=lazy.HELP,
    )(_root)
    built: Any = typer.main.get_command(app)
    built.name = "bondstore"
    for one in built.params:
        if one.name in ("install_completion", "show_completion"):
            one.default = False  # as in `LazyGroup.get_help_option`
    built.lines = _Lines()
    return built


def run(argv: list[str] | None = None) -> NoReturn:
    """Run the command line and leave the process."""
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            # a name the terminal's encoding lacks is shown escaped, not fatal
            stream.reconfigure(errors="backslashreplace")
    try:
        code = main(args)
        sys.stdout.flush()
    except (BrokenPipeError, failures.ReaderGone):
        # stdout is pointed elsewhere, or the interpreter would complain when it flushes at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = BROKEN_PIPE
    _leave(code)


def _leave(code: int) -> NoReturn:
    """Leave with this exit code, even where a request in a thread cannot be called off."""
    background = sys.modules.get("bondstore.stores.background")  # without it there are no such threads
    # Where no more files may be open, a library's own clean-up at the end can abort the process: 134, not `code`.
    if (background is not None and not background.end_threads()) or not _may_open():
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _may_open(number: int = 8) -> bool:
    """Whether so many more files may be open."""
    opened = []
    try:
        for _ in range(number):
            opened.append(os.open(os.devnull, os.O_RDONLY))  # one by one: those before a failure are closed too
    except OSError:
        return False
    finally:
        for one in opened:
            os.close(one)
    return True


def main(args: list[str]) -> int:
    """Run the command line, report every failure, and return the exit code."""
    words, debug = failures.take_debug(args)
    failures.show_details(wanted=debug)
    try:
        with failures.ending_where_a_thread_cannot_begin():
            result = build().main(args=words, prog_name="bondstore", standalone_mode=False)
    except failures.ReaderGone:
        raise
    except SystemExit as leaving:  # completion scripts leave this way
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:
        if not isinstance(error, Exception | KeyboardInterrupt) and type(error).__name__ != "PanicException":
            raise  # a panic of a library in Rust is no `Exception`, and all the same an error as others
        return failures.report(error, as_json="--json" in words, debug=debug)
    return int(result) if isinstance(result, int) else 0


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"bondstore {__version__}\n")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error; at any place of the line.")
    ] = False,
) -> None:
    pass
