"""Groups that know their commands' names and lines, and load a command only when it is called or completed."""

from __future__ import annotations

import difflib
import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer
import typer.core
import typer.main

from bondstore.errors import UsageError

if TYPE_CHECKING:
    from typing import TypeAlias

    # typer carries its own copy of click, or imports click itself, depending on its version
    Context: TypeAlias = Any
    Command: TypeAlias = Any

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EXIT_CODES = """\
Exit codes: 0 all done, 1 unexpected, 2 usage, 3 not found, 4 credentials or configuration, 5 finished with quarantined
or failed items, 6 refused by policy, 7 integrity, 8 waiting, 130 interrupted."""
GUIDED = "(guided)"
"""The name under which a group finds the command that it runs when it is called bare; nobody can type it as a verb."""


RENAMED = (("--form", "--format"), ("--key", "--prefix"), ("--key", "--key-column"))
"""Options by their earlier and their present names, for the commands that have the present one only."""


_PLACE = re.compile(r"\b(?:CSV|DEST|DIR|EVENT|FILE|FOLDER|PATH|SRC|STORE|TOML|URL)\b")
"""What the help calls a value that names a place."""


class LazyCommand(typer.core.TyperCommand):
    """A command that says what an option is called now."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Take the words; an option's earlier name is answered with its present one."""
        try:
            if not ctx.resilient_parsing:
                self._check_places(ctx, list(args))
            return super().parse_args(ctx, args)
        except typer.BadParameter.__base__ as error:  # type: ignore[misc]  # click's UsageError, whosever copy it is
            earlier = getattr(error, "option_name", None)
            known = {name for one in self.params for name in one.opts}
            for name, now in RENAMED:
                if name == earlier and now in known:
                    raise UsageError(f"{name} is called {now} now.", hint=f"Run: {ctx.command_path} --help") from None
            raise

    def _check_places(self, ctx: Context, args: list[str]) -> None:
        """Refuse a place that is empty, as an unset variable of a script leaves it, and one that ends with us."""
        values, _, _ = self.make_parser(ctx).parse_args(args)  # as typed: a path made of nothing is that of this folder
        for one in self.params:
            if not _PLACE.search(one.metavar or ""):
                continue
            given = values.get(one.name or "")
            for text in given if isinstance(given, (list, tuple)) else [given]:
                if isinstance(text, str):
                    _check_place(text, one.opts[0] if one.param_type_name == "option" else one.metavar)


def _check_place(text: str, name: str | None) -> None:
    if not text.strip():
        raise UsageError(
            f"{name} is given, and is empty.", hint="Name a place; in a script, look whether a variable is not set."
        )
    scheme, separator, _ = text.strip().lower().partition("://")
    if not separator:
        return
    from bondstore.config.profiles import is_store_url
    from bondstore.stores.address import kind_of

    if is_store_url(text.strip()) and not kind_of(scheme).is_lasting:
        raise UsageError(f"What {name} names is gone when the program ends.", hint="Name a folder or a bucket.")


class LazyGroup(typer.core.TyperGroup):
    """A group over a static table of names and help lines."""

    lines: Mapping[str, str]
    load: Callable[[str], Command]
    guided = False

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Take the words; none at all, in a terminal, mean the guided command where there is one."""
        bare = not args and self.guided and not ctx.resilient_parsing and at_terminal()
        return super().parse_args(ctx, [GUIDED] if bare else args)

    def get_help_option(self, ctx: Context) -> Any:
        """Return ``--help``, off when it is not given: None would make typer load pydantic, which takes 0.1 s."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option

    def list_commands(self, ctx: Context) -> list[str]:  # noqa: ARG002
        """Return the names, in the table's order."""
        return list(self.lines)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:  # noqa: ARG002
        """Load one command."""
        return self.load(cmd_name) if cmd_name in self.lines else None

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Find the command that is called; for a wrong name, say which one is near."""
        name = args[0]
        if name == GUIDED and self.guided and len(args) == 1:
            return name, self.load(name), []
        if name not in self.lines and not name.startswith("-") and not ctx.resilient_parsing:
            near = difflib.get_close_matches(name, self.lines, n=1)
            meant = f"Did you mean: {ctx.command_path} {near[0]}" if near else f"Run: {ctx.command_path} --help"
            raise UsageError("There is no such command.", hint=meant)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Context, formatter: Any) -> None:  # noqa: ARG002
        """Write the commands' lines without loading any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.lines.items()))


def at_terminal() -> bool:
    """Tell whether there is somebody to ask: input and both outputs are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def group(
    name: str,
    help_text: str,
    lines: Mapping[str, str],
    load: Callable[[str], Command],
    examples: tuple[str, ...],
    *,
    guided: bool = False,
) -> Any:
    """Build a group; `load` gives the command of a name."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.callback(cls=LazyGroup, help=help_text, epilog=epilog(examples), no_args_is_help=True, context_settings=HELP)(
        _nothing
    )
    built = typer.main.get_command(app)
    built.name = name
    built.lines, built.load, built.guided = lines, load, guided  # type: ignore[attr-defined]
    return built


def command(words: tuple[str, ...], line: str, package: str = "bondstore.cli") -> Any:
    """Build a command from its module, which has the name of its last word (``_`` for ``-``)."""
    module = importlib.import_module(f"{package}.{words[-1].replace('-', '_')}")
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(words[-1], cls=LazyCommand, short_help=line, epilog=epilog(module.EXAMPLES), context_settings=HELP)(
        module.command
    )
    return typer.main.get_command(app)


def epilog(examples: tuple[str, ...]) -> str:
    r"""Lay out examples and exit codes; ``\b`` keeps the lines as they are."""
    lines = "\n".join(f"  {example}" for example in examples)
    return f"\b\nExamples:\n{lines}\n\n" + textwrap.dedent(EXIT_CODES)


def _nothing() -> None:
    pass
