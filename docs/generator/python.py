"""The Python interface: all public modules of `bondstore`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from docs.generator.text import code, entries, fence, markdown, page, sections

import bondstore
from bondstore import beiwe, screenlake

INTRODUCTION = """The command line and Python call the same services. See [how to use it](../how-to/python.md).

```python
import bondstore

study = bondstore.beiwe.open_study("s3://lab-bucket", "5873fe38644ad7557b168e43", key="env:STUDY_KEY")
frame = study.table("1ab2cd3e", "gps", since="2024-01-01")
```"""
MODULES = {
    "ocean": ("Ocean profiles", "../how-to/ocean.md"),
    "neuro": ("Hospital recordings", "../how-to/neuro.md"),
    "releases": ("Releases", "../how-to/release.md"),
    "vaults": ("Vaults", "../how-to/vault.md"),
    "archives": ("What was archived", "../how-to/archive.md"),
    "participants": ("Participants", "../how-to/participants.md"),
    "policies": ("Access policies", "../how-to/policies.md"),
}
"""Modules whose functions and classes are listed as they stand in ``__all__``, with heading and how-to."""
_WORDS = {"Parameters": "Takes", "Returns": "Returns", "Yields": "Yields", "Raises": "Raises"}


def make() -> str:
    """Return the page."""
    methods = [_callable(f"Study.{name}", method) for name, method in _methods(beiwe.Study)]
    return page(
        "Python",
        INTRODUCTION,
        _callable("open_study", beiwe.open_study),
        "## Study",
        markdown(sections(beiwe.Study)[""])
        + " Its fields: `store`, `id` (the study's id) and `key` (where its key is kept).",
        *methods,
        "## DamageWarning",
        markdown(sections(beiwe.DamageWarning)[""]),
        "## Screenshots and phone logs",
        "`bondstore.screenlake`; see [how to use it](../how-to/screenlake.md).",
        _callable("screenlake.process", screenlake.process),
        _callable("screenlake.panelists", screenlake.panelists),
        *(part for name in MODULES for part in _module(name)),
    )


def _module(name: str) -> Iterator[str]:
    """Yield a module's part: what it is, its example, functions, then classes."""
    module = getattr(bondstore, name)
    title, how_to = MODULES[name]
    said = sections(module)
    yield f"## {title}"
    yield f"`bondstore.{name}`; see [how to use it]({how_to})."
    yield fence(_example(said["Examples"]), "python")
    members = [(one, getattr(module, one)) for one in module.__all__]
    yield from (_callable(f"{name}.{one}", member) for one, member in members if inspect.isfunction(member))
    yield from (_class(f"{name}.{one}", member) for one, member in members if inspect.isclass(member))
    constants = [one for one, member in members if not inspect.isfunction(member) and not inspect.isclass(member)]
    if constants:
        yield "Also " + ", ".join(code(f"{name}.{one}") for one in constants) + "."


def _example(text: str) -> list[str]:
    lines = (line.removeprefix(">>> ").removeprefix("... ") for line in text.splitlines())
    return ["import bondstore", *(line.partition("  # doctest")[0] for line in lines)]


def _class(name: str, cls: type) -> str:
    said = sections(cls)
    parts = [f"### {name}", markdown(said[""])]
    if issubclass(cls, Enum):
        parts.append(", ".join(f"`{one.name}` {one.value}" for one in cls))
    elif listed := entries(said.get("Parameters", "")):
        parts.append("\n".join(_entry("Parameters", head, what) for head, what in listed))
    return "\n\n".join(parts)


def _methods(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    for part in reversed(cls.__mro__[:-1]):
        for name, member in vars(part).items():
            if inspect.isfunction(member) and not name.startswith("_"):
                yield name, member


def _callable(name: str, function: Callable[..., Any]) -> str:
    level = "###" if "." in name else "##"
    said = sections(function)
    parts = [f"{level} {name}", fence(_signature(name, function), "text"), markdown(said.pop(""))]
    for title, text in said.items():
        if title in _WORDS and (listed := entries(text)):
            parts.append(f"{_WORDS[title]}:\n\n" + "\n".join(_entry(title, head, what) for head, what in listed))
    return "\n\n".join(parts)


def _entry(title: str, head: str, what: str) -> str:
    names, _, kind = head.partition(" : ")
    shown = ", ".join(map(code, names.split(", "))) if title in ("Parameters", "Raises") else code(head)
    return f"- {shown}" + (f" ({kind})" if kind and title == "Parameters" else "") + (f": {what}" if what else "")


def _signature(name: str, function: Callable[..., Any]) -> list[str]:
    parameters = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
    words: list[str] = []
    starred = False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        words.append(one.name + ("" if one.default is one.empty else f"={_default(one.default)}"))
    call = f"{name.replace('Study.', 'study.')}({', '.join(words)})"
    if len(call) <= 110:
        return [call]
    return [f"{name.replace('Study.', 'study.')}(", *(f"    {word}," for word in words), ")"]


def _default(value: object) -> str:
    return "..." if callable(value) else repr(value)
