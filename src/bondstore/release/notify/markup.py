"""HTML and SVG put together from elements; whatever text comes in is escaped."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TypeAlias

_EMPTY = frozenset({"img", "link", "meta"})
_KEPT = frozenset({"viewBox"})


class Markup(str):
    """Finished HTML: it is not escaped again."""

    __slots__ = ()


Content: TypeAlias = "str | Iterable[Content] | None"


def element(name: str, /, *content: Content, **attributes: str | bool | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    name : str
        Its name; ours, never from outside.
    content : str, Markup, iterable of them, or None
        Text is escaped; signs that show nothing or turn the direction of others are written out.
    attributes : str, bool or None
        A trailing ``_`` is cut off, another one becomes ``-``; None and False leave the attribute out.
    """
    said = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(shown(value))}"'
        for key, value in attributes.items()
        if isinstance(value, str) or value is True
    )
    return Markup(f"<{name}{said}>" if name in _EMPTY else f"<{name}{said}>{joined(content)}</{name}>")


def joined(content: Content) -> Markup:
    """Return contents one behind the other."""
    if isinstance(content, Markup):
        return content
    if isinstance(content, str):
        return Markup(escape(shown(content)))
    return Markup("".join(joined(one) for one in content or ()))


def shown(text: str) -> str:
    """Return a text without signs that cannot be seen: those are written out."""
    return "".join(one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode() for one in text)


def _name(key: str) -> str:
    return key if key in _KEPT else key.rstrip("_").replace("_", "-")
