"""HTML put together from elements: every text is escaped on its way in, wherever it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

Value: TypeAlias = str | int | bool | None
_EMPTY = frozenset({"img", "link", "meta"})


class Markup(str):
    """HTML that is complete as it stands, and is not escaped again."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"
"""Markup, text that will be escaped, or many of them."""


def element(name: str, /, *content: Content, **attributes: Value) -> Markup:
    """Return one element.

    Parameters
    ----------
    name : str
        Of the element; ours, never from outside.
    content : str, Markup, iterable of them, or None
        What it holds; text is escaped.
    attributes : str, int, bool or None
        Their names are ours; a trailing ``_`` is cut off, and ``_`` is written as ``-``. False and None leave one out.
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _EMPTY:
        return Markup(f"<{name}{said}>")
    return Markup(f"<{name}{said}>{joined(content)}</{name}>")


def joined(content: Content) -> Markup:
    """Return contents behind each other."""
    if content is None:
        return Markup()
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(visible(content)))
    return Markup("".join(joined(one) for one in content))


def prose(text: str) -> Markup:
    """Return a sentence of ours in which words between backticks are commands."""
    parts = text.split("`")
    return joined(element("code", part) if place % 2 else part for place, part in enumerate(parts))


def visible(text: str) -> str:
    """Return a text with signs that show nothing, or turn the direction of others, written out as escapes."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _attribute(name: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(visible(str(value)))}"'
