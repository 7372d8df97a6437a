"""The parts that the report of one panelist and the one over all have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.deid.kinds import PICTURES
from bondstore.domains.screenlake import words
from bondstore.domains.screenlake.markup import Markup, element, prose, visible
from bondstore.domains.screenlake.pages import (
    counted,
    inlined,
    name,
    notices,
    number,
    pairs,
    row,
    section,
    table,
    tiles,
)
from bondstore.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.domains.screenlake.summary import PanelistSummary

_COLOURS = {"redacted": "covered", "kept": "clear", "unlooked": "bare"}
_BADGES = {"error": "something is missing", "warning": "to know", "info": "handled"}


def top(summary: PanelistSummary) -> Iterator[Markup]:
    """Yield the numbers, and what must be known before the results are used."""
    yield tiles(words.headline(summary))
    yield notices(words.warnings(summary))


def images(summary: PanelistSummary) -> Markup:
    """Return what became of the images."""
    total = sum(summary.images.values())
    if not total:
        return section("Images", element("p", "No zip held an image.", class_="note"))
    held = words.withheld(summary)
    groups = (
        ("Written", words.WRITTEN),
        ("Withheld: not in the results", tuple(held)),
        ("Left out on purpose", words.ELSEWHERE),
    )
    bodies = []
    for title, outcomes in groups:
        rows = [_outcome(summary, one) for one in outcomes if summary.images.get(one)]
        if rows:
            head = element("tr", element("th", title, scope="rowgroup", colspan=2))
            bodies.append(element("tbody", head, rows))
    said = table(("What became of them", "images"), (), label="Images by what became of them")
    foot = element("tfoot", row("All images in the zips", total))
    whole = Markup(said.replace("<tbody></tbody>", "".join(bodies) + foot))
    notes = []
    if summary.images.get("kept"):
        notes.append(element("p", "“No face was found” is what the detector says. ", _missed(), class_="note"))
    if summary.unsure:
        notes.append(_unsure(summary))
    return section("Images", _bar(summary), whole, notes)


def _missed() -> str:
    return PICTURES["no-face"].advice


def _unsure(summary: PanelistSummary) -> Markup:
    return element(
        "p",
        f"In the written images, {counted(summary.unsure, 'box', 'boxes')} looked somewhat like a face, but not enough "
        "to be covered. To see them as small pictures, worst first: ",
        element("code", "bondstore screenlake review DEST"),
        class_="note",
    )


def _outcome(summary: PanelistSummary, word: str) -> Markup:
    colour = _COLOURS.get(word, "none" if word in words.ELSEWHERE else "held")
    said = (element("span", class_=f"swatch {colour}"), words.outcome(word, summary.handling))
    return row(said, summary.images[word])


def _bar(summary: PanelistSummary) -> Markup:
    """Draw the images that were asked for as one bar."""
    parts = [(_COLOURS[word], summary.images.get(word, 0)) for word in words.WRITTEN]
    parts.append(("held", sum(words.withheld(summary).values())))
    total = sum(count for _, count in parts)
    if not total:
        return Markup()
    drawn, left = [], 0.0
    for colour, count in parts:
        wide = 1000 * count / total
        if count:
            drawn.append(element("rect", x=f"{left:.2f}", width=f"{wide:.2f}", height=10, class_=colour))
        left += wide
    return element("svg", drawn, viewBox="0 0 1000 10", preserveAspectRatio="none", aria_hidden="true", class_="bar")


def tables(summary: PanelistSummary) -> Markup:
    """Return the tables in numbers."""
    if not summary.tables:
        return section("Tables", element("p", "No zip held a table.", class_="note"))
    rows = (
        row(prefix, one.rows, one.repeats, one.aside, one.sources, name=True)
        for prefix, one in sorted(summary.tables.items())
    )
    head = ("Table", "rows", "repeats left out", "rows set aside", "files it is made of")
    notes = []
    if summary.repaired:
        notes.append(
            f"{counted(summary.repaired, 'row')} held quotes that the app does not double, and were read by the app's "
            "own rule."
        )
    if any(one.aside for one in summary.tables.values()):
        notes.append("Rows set aside stand in the table's -aside.csv, each with its reason.")
    return section(
        "Tables", table(head, rows, label="Tables in numbers"), (element("p", one, class_="note") for one in notes)
    )


def findings(summary: PanelistSummary) -> Markup:
    """Return what was found, worst first, and what to do about it."""
    if not summary.findings:
        return section("Findings", element("p", "Nothing stood out.", class_="note"))
    order = list(Severity)
    some = sorted(summary.findings, key=lambda one: (-order.index(Severity(one[1])), one[0]))
    rows = (_finding(*one) for one in some)
    head = ("How bad", "What was found, and what to do", "zips", "times")
    return section("Findings", table(head, rows, label="Findings, worst first", right=2))


def _finding(word: str, severity: str, message: str, zips: int, count: int) -> Markup:
    """The registry's own sentence stands for all of a kind: a single finding's may name what only that one has."""
    kind = words.kind_of(word)
    return element(
        "tr",
        element("td", element("span", _BADGES.get(severity, severity), class_=f"badge {severity}")),
        element(
            "td",
            kind.sentence if kind else message,
            element("span", prose(visible(kind.advice)), class_="sub") if kind else None,
            element("span", name(word), class_="sub"),
        ),
        element("td", number(zips), class_="right"),
        element("td", number(count), class_="right"),
    )


def examples(some: Iterable[tuple[str, bytes]]) -> Markup:
    """Return a few covered images, small.

    Parameters
    ----------
    some : iterable of (str, bytes)
        Name and JPEG.
    """
    figures = [
        element("figure", inlined(jpeg, "A covered image, small"), element("figcaption", name(label)))
        for label, jpeg in some
    ]
    if not figures:
        return Markup()
    return section("Examples of covered images", element("div", figures, class_="examples"))


def settings(summary: PanelistSummary, more: Sequence[tuple[str, str]] = ()) -> Markup:
    """Return what was asked for."""
    return section("Settings", pairs([*words.settings(summary), *more]))


def footer(*files: str) -> Markup:
    """Return where to read on."""
    said: list[Markup | str] = ["More in "]
    for place, file in enumerate(files):
        said += [", " if place else "", element("code", file)]
    return element("footer", said, ". This page holds no value from the tables, and loads nothing from anywhere.")
