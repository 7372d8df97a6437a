"""The sheet for review: small crops of images as they were written, worst first, each with the commands to decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.markup import Markup, element
from bondstore.domains.screenlake.pages import (
    counted,
    inlined,
    name,
    notice,
    page,
    section,
)
from bondstore.domains.screenlake.thumbs import CROP, crops

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bondstore.domains.screenlake.candidates import Candidate
    from bondstore.domains.screenlake.redactions import Looked

_LONG = 24
"""Names of panelists that are longer are shown by their start."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a sheet shows.

    Parameters
    ----------
    query : str
        The query's id.
    command : str
        The words that every command on it begins with.
    shown : sequence of Candidate
        Worst first.
    left : int
        Boxes that wait behind those.
    waiting : int
        Decisions that the results do not show yet.
    withheld : sequence of Looked
        Images that were withheld because a face stays.
    """

    query: str
    command: str
    shown: Sequence[Candidate]
    left: int = 0
    waiting: int = 0
    withheld: Sequence[Looked] = ()


def pieces(sheet: Sheet, root: Path) -> Iterator[bytes]:
    """Yield the sheet as a page, in pieces.

    Parameters
    ----------
    sheet : Sheet
        What to show.
    root : Path
        The destination, where the images are.
    """
    yield from page(f"Review of {sheet.query}", _body(sheet, root))


def _body(sheet: Sheet, root: Path) -> Iterator[Markup]:
    yield element("p", "Screenlake review", class_="eyebrow")
    yield element("h1", "Query ", name(sheet.query))
    more = f" {counted(sheet.left, 'more waits', 'more wait')} behind them." if sheet.left else ""
    said = f"{counted(len(sheet.shown), 'box', 'boxes')} to look at, worst first.{more}"
    yield element("p", said if sheet.shown else "There is nothing left to look at.", class_="lead")
    yield element("div", _how(sheet), class_="notices")
    pictures = _pictures(sheet, root)
    for title, about, covered in (
        ("Not covered", "The detector was not sure enough. Is there a face in the frame?", False),
        ("Covered", "The detector was least sure of these. Does what lies around the box look like a face?", True),
    ):
        some = [one for one in sheet.shown if one.covered is covered]
        if some:
            yield element("h2", f"{title}: {counted(len(some), 'box', 'boxes')}")
            yield element("p", about, class_="note")
            yield Markup('<div class="crops">')
            for one in some:
                yield _card(one, pictures.get(one.id), sheet.command)
            yield Markup("</div>")
            yield _all_right(some, sheet.command)
    if sheet.withheld:
        yield _withheld(sheet)
    yield element(
        "footer",
        "Nothing changes before the next ",
        element("code", "bondstore screenlake process"),
        ". The decisions are kept in ",
        element("code", "decisions.jsonl"),
        ". This page loads nothing from anywhere.",
    )


def _how(sheet: Sheet) -> Iterator[Markup]:
    yield notice(
        "The pictures show the images as they were written",
        "What is covered is covered here too: judge it by what lies around it. The yellow frame is the box that the "
        "detector drew; a cover is somewhat larger. What is not covered here is to be seen by everybody who has the "
        "results.",
        tone="plain",
    )
    if sheet.waiting:
        yield notice(
            f"{counted(sheet.waiting, 'decided box', 'decided boxes')} not carried out yet",
            "Run the same ",
            element("code", "bondstore screenlake process"),
            " again: it does the zips anew that they are about. Decided boxes are not shown here.",
        )


def _pictures(sheet: Sheet, root: Path) -> dict[str, bytes | None]:
    """Cut out all crops, opening each image once."""
    by_image: dict[tuple[str, str], list[Candidate]] = {}
    for one in sheet.shown:
        by_image.setdefault((one.panelist, one.image), []).append(one)
    found: dict[str, bytes | None] = {}
    for (panelist, image), some in by_image.items():
        path = root / sheet.query / "combined" / "panelists" / panelist / "images" / image
        found |= zip((one.id for one in some), crops(path, [one.box for one in some]), strict=True)
    return found


def _card(one: Candidate, picture: bytes | None, command: str) -> Markup:
    about = (
        "Part of an image, with a box that is covered" if one.covered else "Part of an image, with the box in question"
    )
    shown = (
        element("div", "This image could not be opened. Look at it by hand.", class_="missing")
        if picture is None
        else inlined(picture, about, width=CROP, height=CROP)
    )
    wide, high = round(one.box[2]), round(one.box[3])
    head = element("div", name(one.short), element("span", f"score {one.score:.2f}", class_="score"), class_="head")
    of = element(
        "p",
        name(one.image),
        element("span", "panelist ", element("span", _cut(one.panelist), class_="name", title=one.panelist)),
        element("span", f"{wide} × {high} pixels"),
        class_="of",
    )
    return element("article", shown, element("div", head, of, _verdicts(one, command)), class_="crop", id=one.short)


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[: _LONG - 8] + "…"


def _verdicts(one: Candidate, command: str) -> Iterator[Markup]:
    if one.covered:
        yield _verdict("Right, it stays covered:", command, f"--confirm {one.short}")
        yield _verdict("No face, show it:", command, f"--clear {one.short}")
    else:
        yield _verdict("A face, cover it:", command, f"--cover {one.short}")
        yield _verdict("No face, leave it:", command, f"--confirm {one.short}")


def _verdict(about: str, command: str, verdict: str) -> Markup:
    return element("p", about, _line(command, verdict), class_="verdict")


def _line(command: str, verdict: str) -> Markup:
    """Return a line for the shell: the words that all lines begin with, and those that differ."""
    return element("code", element("span", command), " ", element("b", verdict), class_="command")


def _all_right(some: Sequence[Candidate], command: str) -> Markup:
    ids = ",".join(one.short for one in some)
    return element(
        "details",
        element("summary", "All of these are right as they are"),
        element("p", "Decide about the others first; then these are all that is left. Having looked at every one:"),
        _line(command, f"--confirm {ids}"),
    )


def _withheld(sheet: Sheet) -> Markup:
    rows = (
        element("tr", element("th", one.base, scope="row", class_="name"), element("td", name(one.panelist)))
        for one in sheet.withheld
    )
    head = element("thead", element("tr", element("th", "Image", scope="col"), element("th", "Panelist", scope="col")))
    table = element("div", element("table", head, element("tbody", rows)), class_="scroll")
    return section(
        f"Withheld, as a face stays: {counted(len(sheet.withheld), 'image')}",
        element(
            "p",
            "They were covered several times, and a face was still found. They are not in the results, so there is no "
            "picture here. Look at the original in the store, and say where the face is, in pixels:",
            class_="note",
        ),
        table,
        _line(sheet.command, "--add-box IMAGE@X,Y,W,H"),
    )
