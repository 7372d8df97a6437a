"""Guided: the command line that does the same without asking."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bondstore.config.settings import differing

if TYPE_CHECKING:
    from bondstore.cli.screenlake._access import Access
    from bondstore.cli.screenlake._wishes import Wishes

WIDTH = 78
NAME = "screenlake"
"""What a profile may be called that stands for typed credentials."""


def equal_lines(wishes: Wishes) -> list[str]:
    """Return the command, in lines that a shell takes as one.

    Credentials are named, never told: by a profile, by variables, or for typed ones by a profile yet to be made.

    Parameters
    ----------
    wishes : Wishes
        All that was answered.
    """
    selection, access = wishes.selection, wishes.place.access
    options = [
        ("--since", str(selection.since or "")),
        ("--until", str(selection.until or "")),
        ("--by", selection.by),
        ("--tz", selection.zone),
        *(("--panelist", name) for name in selection.panelists),
        ("--redact", wishes.redact),
        ("--text", wishes.text),
        ("--batch", str(wishes.batch)),
        ("--jobs", str(wishes.jobs)),
    ]
    words = [f"{name}={shlex.quote(value)}" for name, value in access.variables]
    words += ["bondstore screenlake process", shlex.quote(_place(wishes)), shlex.quote(str(wishes.dest))]
    words += [f"{name} {shlex.quote(value)}" for name, value in options if value]
    if access.typed:
        words.append(f"--profile {NAME}")
    elif access.options:
        words.append(" ".join(map(shlex.quote, access.options)))
    return _folded(words)


def profile_lines(access: Access) -> list[str]:
    """Return the command that makes the profile for typed credentials: it asks for them whenever it is used."""
    words = [f"bondstore profile add {NAME}"]
    for setting, value in differing(access.profile).items():
        words.append(f"--{setting.replace('_', '-')} {shlex.quote(str(value))}")
    return _folded(words)


def _place(wishes: Wishes) -> str:
    """Where from; a folder as its plain path."""
    url = wishes.place.spec.url
    return unquote(urlsplit(url).path) if url.startswith("file:") else url


def _folded(words: list[str]) -> list[str]:
    lines: list[str] = []
    line = words[0]
    for word in words[1:]:
        if len(line) + 1 + len(word) + 2 > WIDTH:
            lines.append(line + " \\")
            line = "  " + word
        else:
            line += " " + word
    return [*lines, line]
