"""Every command: what it does, its options, its examples."""

from __future__ import annotations

from typing import Any

from docs.generator.text import cell, code, fence, markdown, page, table

from bondstore.cli.lazy import EXIT_CODES
from bondstore.cli.main import EXAMPLES, build
from bondstore.cli.table import commands, own_nouns


def make() -> str:
    """Return the page."""
    common = (
        "Data goes to stdout, progress and messages to stderr, so `bondstore … > file` holds data only. With "
        "`--json` every "
        "record is one line of JSON. `--help` works on every command, and `--debug` shows the traceback of an error. "
        "Shell completion: `bondstore --install-completion`."
    )
    parts = [common, fence(EXAMPLES, "sh"), EXIT_CODES + " See [exit codes](exit-codes.md)."]
    parts.append(
        table(("command", ""), ((f"[{' '.join(words)}](#{_anchor(words)})", _line(words)) for words in commands()))
    )
    parts += [_command(words) for words in commands()]
    return page("Commands", *parts)


def find(words: tuple[str, ...]) -> Any:
    """Return the command of these words, as click knows it."""
    found = build()
    for word in words:
        found = found.load(word)
    return found


def _line(words: tuple[str, ...]) -> str:
    noun = own_nouns()[words[0]]
    return noun.verbs[words[1]] if len(words) > 1 else noun.help


def _anchor(words: tuple[str, ...]) -> str:
    return "-".join(("bondstore", *words))


def _command(words: tuple[str, ...]) -> str:
    found = find(words)
    arguments = [one for one in found.params if not one.opts[0].startswith("-")]
    options = [one for one in found.params if one.opts[0].startswith("-")]
    usage = " ".join(["bondstore", *words, *map(_placeholder, arguments), "[OPTIONS]"])
    examples = [line.strip() for line in found.epilog.partition("Examples:\n")[2].partition("\n\n")[0].splitlines()]
    rows = [(code(_placeholder(one)), one.help or "") for one in arguments]
    rows += [(_names(one), _help(one)) for one in options]
    return "\n\n".join(
        [
            f"## bondstore {' '.join(words)}",
            fence([usage], "text"),
            "\n\n".join(markdown(" ".join(part.split())) for part in found.help.split("\n\n")),
            table(("option", ""), rows),
            fence(examples, "sh"),
        ]
    )


def _placeholder(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    return name if argument.required or name.startswith("[") else f"[{name}]"


def _names(option: Any) -> str:
    names = ", ".join(code(name) for name in [*option.opts, *option.secondary_opts])
    metavar = "" if option.is_flag else option.metavar or "TEXT"
    return f"{names} {code(metavar)}".strip()


def _help(option: Any) -> str:
    default = option.default
    said = "" if option.is_flag or default is None or callable(default) else f" Default: {code(str(default))}."
    return cell(option.help or "") + said.replace("`.`", "the current folder")
