"""The page over all panelists of a query, made of their summaries, one by one."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING
from urllib.parse import quote

from bondstore.domains.screenlake import sections, words
from bondstore.domains.screenlake.markup import Markup, element
from bondstore.domains.screenlake.pages import (
    TABLE_END,
    counted,
    name,
    notice,
    notices,
    number,
    page,
    table_start,
)
from bondstore.domains.screenlake.redactions import FILE, WITH_BOXES, looked_at
from bondstore.domains.screenlake.summary import PanelistSummary, summary_of
from bondstore.domains.screenlake.thumbs import thumbnail
from bondstore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

EXAMPLES = 6
"""So many covered images are shown."""
EACH = 2
"""Of one panelist no more than these."""
_TRIES = 24
"""So many images are tried, should some not be readable."""
_HEAD = ("Panelist", "zips", "images written", "faces covered", "unsure boxes", "images withheld", "rows")


def pieces(query: str, folders: Sequence[Path], failed: int) -> Iterator[bytes]:
    """Yield the page in pieces.

    Parameters
    ----------
    query : str
        The query's id.
    folders : sequence of Path
        The panelists' folders, each with its ``summary.json``.
    failed : int
        Zips that could not be fetched.

    Raises
    ------
    ConfigurationError
        A summary cannot be read.
    """
    total = PanelistSummary("")
    for folder in folders:
        total.add_panelist(_summary(folder))
    yield from page(f"Screenlake {query}", _body(query, folders, total, failed))


def _body(query: str, folders: Sequence[Path], total: PanelistSummary, failed: int) -> Iterator[Markup]:
    yield element("p", "Screenlake report", class_="eyebrow")
    yield element("h1", "Query ", name(query))
    images = sum(total.images.values())
    said = f"{counted(total.zips, 'zip')} of {counted(len(folders), 'panelist')}, {counted(images, 'image')} in them."
    yield element("p", said, class_="lead")
    if failed:
        yield notices([_failed(failed)])
    if folders:
        yield from sections.top(total)
    yield from _panelists(folders)
    if folders:
        yield sections.images(total)
        yield sections.examples(islice(_examples(folders), EXAMPLES))
        yield sections.tables(total)
        yield sections.findings(total)
        yield sections.settings(total)
    yield sections.footer("combined/panelists/")


def _failed(failed: int) -> Markup:
    return notice(
        f"{counted(failed, 'zip')} could not be fetched",
        "What they hold is missing here. To try again: ",
        element("code", "bondstore run retry last --dest DEST"),
        tone="bad",
    )


def _panelists(folders: Sequence[Path]) -> Iterator[Markup]:
    """Yield the table of panelists row by row."""
    yield element("h2", "Panelists")
    if not folders:
        yield element(
            "p", "There is none: no zip belongs to what was asked for, or none could be fetched.", class_="note"
        )
        return
    yield Markup(f"{table_start(_HEAD, label='Panelists in numbers')}<tbody>")
    for folder in folders:
        yield _panelist(folder.name, _summary(folder))
    yield Markup(f"</tbody>{TABLE_END}")


def _panelist(folder: str, summary: PanelistSummary) -> Markup:
    link = element("a", summary.panelist, href=f"combined/panelists/{quote(folder)}/report.html")
    numbers = (
        summary.zips,
        words.written(summary),
        summary.boxes,
        summary.unsure,
        sum(words.withheld(summary).values()),
        sum(one.rows for one in summary.tables.values()),
    )
    cells = (element("td", number(one), class_="right") for one in numbers)
    return element("tr", element("th", link, scope="row", class_="name"), cells)


def _examples(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Yield covered images of the first panelists that have some."""
    tries = 0
    for folder in folders:
        if not _summary(folder).boxes:
            continue
        shown: set[str] = set()
        for looked in looked_at(folder / FILE, holding=WITH_BOXES):
            if len(shown) == EACH or tries == _TRIES:
                break
            if not looked.image or not looked.covered or looked.image in shown:
                continue
            tries += 1
            jpeg = thumbnail(folder / "images" / looked.image)
            if jpeg is not None:
                shown.add(looked.image)
                yield looked.image, jpeg
        if tries == _TRIES:
            return


def _summary(folder: Path) -> PanelistSummary:
    path = folder / "summary.json"
    try:
        return summary_of(path.read_bytes())
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read as it was written.",
            hint="Remove the file and run the same `bondstore screenlake process` again: it is made anew.",
        ) from error
