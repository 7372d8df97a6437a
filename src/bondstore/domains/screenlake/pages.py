"""The frame of every page, and the pieces that pages share: they stand alone, and load and run nothing."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Literal

from bondstore.domains.screenlake.markup import Content, Markup, element

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Tone = Literal["", "plain", "warn", "bad"]


@dataclass(frozen=True, slots=True)
class Tile:
    """One number that stands out.

    Parameters
    ----------
    label : str
        What is counted.
    number : int
        How many.
    more : str
        A few words on it.
    tone : {"", "warn", "bad"}
        Whether a person must care.
    """

    label: str
    number: int
    more: str = ""
    tone: Tone = ""


def page(title: str, body: Iterable[Markup]) -> Iterator[bytes]:
    """Yield a page in pieces, as UTF-8.

    Parameters
    ----------
    title : str
        Of the window; may come from outside.
    body : iterable of Markup
        What stands on it, one piece after the other.
    """
    style = _style()
    allowed = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{allowed}'; img-src data:; base-uri 'none'; form-action 'none'"
    head = (
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="robots", content="noindex"),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        Markup(f"<style>{style}</style>"),
    )
    yield f'<!doctype html>\n<html lang="en">\n{element("head", head)}\n<body>\n<main>\n'.encode()
    for piece in body:
        yield f"{piece}\n".encode()
    yield b"</main>\n</body>\n</html>\n"


@cache
def _style() -> str:
    return files("bondstore.domains.screenlake").joinpath("page.css").read_text("utf-8").strip()


def section(title: str, *content: Content) -> Markup:
    """Return a part of a page with its heading."""
    return element("section", element("h2", title), content)


def notice(title: str, *content: Content, tone: Tone = "warn") -> Markup:
    """Return what a person must not miss."""
    return element("div", element("h3", title), element("p", content), class_=f"notice {tone}")


def notices(some: Iterable[Markup]) -> Markup:
    """Return notices below each other; nothing where there are none."""
    found = list(some)
    return element("div", found, class_="notices") if found else Markup()


def tiles(some: Iterable[Tile]) -> Markup:
    """Return numbers side by side."""
    return element("dl", (_tile(one) for one in some), class_="tiles")


def _tile(tile: Tile) -> Markup:
    more = element("dd", tile.more, class_="more") if tile.more else None
    return element(
        "div",
        element("dt", tile.label),
        element("dd", number(tile.number), class_="number"),
        more,
        class_=f"tile {tile.tone}".strip(),
    )


def table(head: Sequence[str], rows: Iterable[Markup], *, label: str, right: int = 1) -> Markup:
    """Return a table that scrolls by itself where the window is narrow.

    Parameters
    ----------
    head : sequence of str
        The headings.
    rows : iterable of Markup
        The rows, as `row` makes them.
    label : str
        What it shows, for those who cannot see it.
    right : int
        Columns from this one on hold numbers.
    """
    return Markup(f"{table_start(head, label=label, right=right)}{element('tbody', rows)}{TABLE_END}")


def table_start(head: Sequence[str], *, label: str, right: int = 1) -> Markup:
    """Return how a table begins whose rows follow piece by piece; `TABLE_END` closes it."""
    cells = (element("th", one, scope="col", class_="right" if n >= right else None) for n, one in enumerate(head))
    heading = element("thead", element("tr", cells))
    frame = element("div", role="region", aria_label=label, tabindex=0, class_="scroll").removesuffix("</div>")
    return Markup(f"{frame}<table>{heading}")


TABLE_END = Markup("</table></div>")


def row(first: Content, *numbers: int, name: bool = False) -> Markup:
    """Return a row: what it is about, then numbers.

    Parameters
    ----------
    first : Content
        What it is about.
    numbers : int
        The numbers.
    name : bool
        Whether the first cell is a name from outside.
    """
    cells = (element("td", number(one), class_="right") for one in numbers)
    return element("tr", element("th", first, scope="row", class_="name" if name else None), cells)


def name(text: str) -> Markup:
    """Return a name from outside."""
    return element("span", text, class_="name")


def pairs(some: Iterable[tuple[str, Content]]) -> Markup:
    """Return words with their meaning."""
    return element("dl", ((element("dt", word), element("dd", said)) for word, said in some), class_="settings")


def inlined(jpeg: bytes, about: str, **size: int) -> Markup:
    """Return a JPEG as part of the page."""
    return element("img", src=f"data:image/jpeg;base64,{b64encode(jpeg).decode()}", alt=about, **size)


def number(value: int) -> str:
    """Return a number with its thousands set apart."""
    return f"{value:,}"


def counted(value: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 zip``, ``2 zips``."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"
