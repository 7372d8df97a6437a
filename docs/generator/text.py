"""Pieces of Markdown, and docstrings turned into it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from typing import Any

NOTE = "<!-- Made by docs/build.py from the code. Do not edit: run `make docs`. -->"
_RULE = re.compile(r"^(.+)\n-{3,}$", re.MULTILINE)
_ROLE = re.compile(r"(?<!`)`([^`]+)`(?!`)")


def page(title: str, *parts: str) -> str:
    """Put a page together."""
    return "\n\n".join([NOTE, f"# {title}", *(part.strip("\n") for part in parts if part.strip())]) + "\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell(part) for part in line) + " |" for line in lines)


def cell(text: str) -> str:
    """Make a text fit into a cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Show a word as code."""
    return f"`{text}`" if text else ""


def fence(lines: Iterable[str], kind: str) -> str:
    """Show lines as a block of code."""
    return "\n".join([f"```{kind}", *lines, "```"])


def first_sentence(thing: Any) -> str:
    """Return the first sentence of a docstring."""
    text = " ".join((inspect.getdoc(thing) or "").split("\n\n", 1)[0].split())
    return markdown(re.split(r"(?<=[.:])\s(?=[A-Z])", text, maxsplit=1)[0])


def markdown(text: str) -> str:
    """Turn the marks of a docstring into those of Markdown."""
    return _ROLE.sub(r"`\1`", text.replace("``", "`"))


def sections(thing: Any) -> dict[str, str]:
    """Take a numpydoc docstring apart: its text under ``""``, its sections under their names."""
    parts = _RULE.split(inspect.getdoc(thing) or "")
    return {"": parts[0].strip()} | {parts[n]: parts[n + 1].strip("\n") for n in range(1, len(parts), 2)}


def entries(section: str) -> list[tuple[str, str]]:
    """Take a numpydoc section apart: each entry's own line, and what is said of it."""
    found: list[tuple[str, list[str]]] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line.strip())
    return [(head, markdown(" ".join(text).strip())) for head, text in found]
