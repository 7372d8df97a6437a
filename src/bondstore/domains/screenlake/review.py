"""Review: what the detector was unsure of, as a sheet to look at, and what people decide about it."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.domains.screenlake import sheet as sheets
from bondstore.domains.screenlake.candidates import Candidate, candidates, place_of, settled, worst
from bondstore.domains.screenlake.decisions import Decision, add_decisions, read_decisions
from bondstore.domains.screenlake.pages import counted
from bondstore.domains.screenlake.paths import decisions_path, query_of
from bondstore.domains.screenlake.redactions import looked_at, records
from bondstore.domains.screenlake.verdicts import Asked, decide
from bondstore.errors import UsageError
from bondstore.runs.destination import FolderDestination
from bondstore.runs.durable import OutputGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bondstore.domains.screenlake.candidates import Settled
    from bondstore.domains.screenlake.redactions import Corners, Looked

LIMIT = 100
MANY = 100_000
"""Boxes that wait are counted up to here: memory does not grow with their number."""
WITHHELD = 200
"""So many withheld images are named on a sheet."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review.

    Parameters
    ----------
    path : Path
        The sheet.
    query : str
        The query's id.
    shown : list of Candidate
        What the sheet shows, worst first.
    left : int
        Boxes that wait behind those; counted up to `MANY`.
    waiting : int
        Decided boxes that the results do not show yet.
    decided : list of Decision
        What was decided now: one for each box and zip.
    """

    path: Path
    query: str
    shown: list[Candidate]
    left: int
    waiting: int
    decided: list[Decision]

    @property
    def boxes(self) -> dict[str, int]:
        """Boxes that were decided about now, by verdict."""
        said = {(one.verdict, one.source, one.box) for one in self.decided}
        return {verdict: sum(one[0] == verdict for one in said) for verdict in ("confirm", "add-box", "clear")}

    @property
    def zips(self) -> int:
        """Zips that the next run does anew because of what was decided now."""
        return len({one.key for one in self.decided if one.verdict != "confirm"})

    @property
    def not_covered(self) -> int:
        """Boxes on the sheet that were not covered."""
        return sum(not one.covered for one in self.shown)

    @property
    def covered(self) -> int:
        """Boxes on the sheet that were covered."""
        return sum(one.covered for one in self.shown)

    def told(self) -> Iterator[str]:
        """Yield what was decided now, and what the next run will do, in sentences."""
        boxes = self.boxes
        parts = [
            f"{counted(boxes['add-box'], 'box', 'boxes')} to be covered" if boxes["add-box"] else "",
            f"{counted(boxes['clear'], 'box', 'boxes')} to be left open" if boxes["clear"] else "",
            f"{counted(boxes['confirm'], 'box', 'boxes')} right as they are" if boxes["confirm"] else "",
        ]
        said = ", ".join(part for part in parts if part)
        if said:
            yield f"Written down: {said}."
        if self.zips:
            yield f"The next run of the same `bondstore screenlake process` does {counted(self.zips, 'zip')} anew."
        elif self.waiting:
            yield (
                f"{counted(self.waiting, 'decided box waits', 'decided boxes wait')} for the next run of the same "
                "`bondstore screenlake process`."
            )

    def record(self) -> dict[str, object]:
        """Return it as a record to show."""
        return {
            "kind": "sheet",
            "path": self.path,
            "query": self.query,
            "not_covered": self.not_covered,
            "covered": self.covered,
            "left": self.left,
            "waiting": self.waiting,
            "decided": self.boxes,
            "zips_anew": self.zips,
        }


def review(
    dest: str | os.PathLike[str],
    query: str | None = None,
    *,
    limit: int = LIMIT,
    confirm: Sequence[str] = (),
    cover: Sequence[str] = (),
    clear: Sequence[str] = (),
    add_box: Sequence[tuple[str, Corners]] = (),
) -> Reviewed:
    """Write down what a person decides, and write the sheet of what is left to look at.

    Parameters
    ----------
    dest : path
        The folder of the results.
    query : str, optional
        The query's id, where there are several.
    limit : int
        Most boxes that the sheet shows.
    confirm, cover, clear : sequence of str
        Ids of boxes: right as they are; a face that was not covered; covered, but no face.
    add_box : sequence of (image, (x, y, width, height))
        Images with a box that must be covered too, in pixels.

    Returns
    -------
    Reviewed
        The sheet, and what will come of the decisions. Nothing else changes before the next run.

    Raises
    ------
    NotFoundError, UsageError
        What is said is about nothing known, does not fit, or contradicts itself. Then nothing is written.
    """
    if limit < 1:
        raise UsageError("The sheet shows at least one box.", hint="Use --limit 1 or more.")
    destination = FolderDestination(Path(dest).expanduser().absolute())
    chosen = query_of(destination, query)
    file = destination.root / decisions_path(chosen)
    decided: list[Decision] = []
    asked = Asked(tuple(confirm), tuple(cover), tuple(clear), tuple(add_box))
    if asked:
        before = read_decisions(file)
        decided = _new(decide(destination.root, chosen, asked, settled(before)), before)
        add_decisions(file, decided)
    known = settled(read_decisions(file))
    counts = _Counts(known)
    shown = worst(counts.open(candidates(destination.root, chosen)), limit)
    sheet = sheets.Sheet(
        chosen,
        f"bondstore screenlake review {shlex.quote(str(destination.root))} --query-id {shlex.quote(chosen)}",
        shown,
        max(0, counts.left - len(shown)),
        counts.waiting,
        list(islice(_withheld(destination.root, chosen), WITHHELD)),
    )
    path = _write(destination, chosen, sheet)
    return Reviewed(path, chosen, shown, sheet.left, sheet.waiting, decided)


def box_of(text: str) -> tuple[str, Corners]:
    """Read what stands for a box in an image: ``IMAGE@X,Y,W,H``.

    Parameters
    ----------
    text : str
        As a person types it.

    Raises
    ------
    UsageError
        It is something else.
    """
    image, _, numbers = text.rpartition("@")
    try:
        x, y, width, height = (float(one) for one in numbers.split(","))
    except ValueError:
        image = ""
    if not image:
        raise UsageError(
            "A box is written as IMAGE@X,Y,W,H, such as img_1.jpg@120,400,80,96.",
            hint="X and Y are its left and top edge, W and H its width and height, all in pixels.",
        )
    return image, (x, y, width, height)


def _new(decisions: Iterable[Decision], before: Sequence[Decision]) -> list[Decision]:
    """Leave out what somebody said before, unless something else was said since."""
    last = {(one.source, one.key, one.box): one.verdict for one in before}
    return [one for one in decisions if last.get((one.source, one.key, one.box)) != one.verdict]


class _Counts:
    """Counts boxes while they pass: each once, though its image may have come in several zips."""

    def __init__(self, known: Settled) -> None:
        self._known = known
        self._open: set[str] = set()
        self._clear: set[tuple[str, str]] = set()
        self._add = {place for place, one in known.boxes.items() if one.verdict == "add-box"}

    @property
    def left(self) -> int:
        """Boxes that nobody decided about; no more than `MANY` are counted."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """Boxes that are decided, but still as they were."""
        return len(self._add) + len(self._clear)

    def open(self, some: Iterable[Candidate]) -> Iterator[Candidate]:
        """Yield those that nobody decided about."""
        for one in some:
            if not self._known.has(one):
                if len(self._open) < MANY:
                    self._open.add(one.id)
                yield one
            elif one.covered:
                self._settled((one.source, place_of(one.box)))

    def _settled(self, place: tuple[str, str]) -> None:
        self._add.discard(place)
        last = self._known.boxes.get(place)
        if last is not None and last.verdict == "clear":
            self._clear.add(place)


def _withheld(root: Path, query: str) -> Iterator[Looked]:
    for record in records(root, query):
        seen: set[str] = set()
        for looked in looked_at(record, holding=("face-stays",)):
            if looked.outcome == "face-stays" and looked.source not in seen and len(seen) < WITHHELD:
                seen.add(looked.source)
                yield looked


def _write(destination: FolderDestination, query: str, sheet: sheets.Sheet) -> Path:
    """Write the sheet; a run that starts meanwhile does not touch it."""
    group = OutputGroup(destination.root, destination.root / query / f".review-{os.urandom(4).hex()}")
    path = f"{query}/review.html"
    try:
        group.write(path, sheets.pieces(sheet, destination.root))
        group.commit()
    finally:
        group.discard()
    return destination.root / path
