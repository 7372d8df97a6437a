"""The sheet for review: small crops of images as they were written, worst first, to be decided by key or by command."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.paths import query_of
from bondstore.domains.screenlake.review.answers import file_name, read_answers
from bondstore.domains.screenlake.review.boxes import (
    HIDDEN,
    MARGIN,
    box_text,
    candidates,
    images_in,
    record_files,
    under_cover,
    worst,
)
from bondstore.domains.screenlake.review.decisions import (
    CHANGING,
    Verdicts,
    add_decisions,
    decide,
    decided,
    read_decisions,
)
from bondstore.domains.screenlake.review.pictures import CROP, frame_of, pictures_of
from bondstore.domains.screenlake.review.sample import MOST, SAMPLE, SHARES, Sample, draw, images_needed
from bondstore.errors import UsageError
from bondstore.pages import stream
from bondstore.runs.destinations import dest_profile_option
from bondstore.text import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.domains.screenlake.review.boxes import Candidate, Corners, ImageRecord
    from bondstore.domains.screenlake.review.decisions import Decided, Decision
    from bondstore.runs.destination import Destination

LIMIT = 100
_MANY = 100_000
"""Boxes that wait are counted up to here: memory does not grow with their number."""
_WITHHELD = 200
"""So many withheld images are named on a sheet."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review."""

    path: str  # the sheet
    query: str
    shown: list[Candidate]  # worst first
    left: int  # boxes that wait behind those; counted up to a limit
    waiting: int  # decided boxes that the results do not show yet
    asked: bool  # whether anything was said now
    decided: list[Decision]  # what of it is new: one for each box and zip
    sample: Sample

    @property
    def boxes(self) -> dict[str, int]:
        """Boxes that were decided about now, by verdict."""
        said = {(one.verdict, one.source, one.box, one.frames) for one in self.decided}
        return {verdict: sum(one[0] == verdict for one in said) for verdict in ("confirm", "add-box", "clear")}

    @property
    def zips(self) -> int:
        """Zips that the next run does anew because of what was decided now."""
        return len({one.key for one in self.decided if one.verdict in CHANGING})

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
        words = (("add-box", "to be covered"), ("clear", "to be left open"), ("confirm", "right as they are"))
        boxes = self.boxes
        said = ", ".join(
            f"{counted(boxes[verdict], 'box', 'boxes')} {what}" for verdict, what in words if boxes[verdict]
        )
        if said:
            yield f"Written down: {said}."
        elif self.asked and not self.decided:
            yield "Nothing new: all of it was written down before."
        if self.zips:
            yield f"The next run of the same `bondstore screenlake process` does {counted(self.zips, 'zip')} anew."
        elif self.waiting:
            yield (
                f"{counted(self.waiting, 'decided box waits', 'decided boxes wait')} for the next run of the same "
                "`bondstore screenlake process`."
            )
        if said := self.sample.told():
            yield said

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
            "sample": self.sample.record(),
        }


def review(
    dest: Destination,
    query: str | None = None,
    *,
    limit: int = LIMIT,
    confirm: Sequence[str] = (),
    cover: Sequence[str] = (),
    clear: Sequence[str] = (),
    add_box: Sequence[tuple[str, Corners]] = (),
    decisions: str | os.PathLike[str] | None = None,
    sample: int = SAMPLE,
) -> Reviewed:
    """Write down what a person decides, as in `Verdicts`, and write the sheet of what is left to look at.

    `decisions` is a file that a sheet saved, `sample` how many images are drawn to look for what nobody was unsure of.

    What is about nothing known, does not fit, or contradicts itself is refused; then nothing is written. Nothing else
    changes before the next run.
    """
    if limit < 1:
        raise UsageError("The sheet shows at least one box.", hint="Use --limit 1 or more.")
    if not 0 <= sample <= MOST:
        raise UsageError(f"A sample has 0 to {MOST:,} images.", hint="59 without a face say: under 5 % show one.")
    verdicts = Verdicts(tuple(confirm), tuple(cover), tuple(clear), tuple(add_box))
    if decisions is not None:
        answers = read_answers(decisions)
        if query is not None and query != answers.query:
            raise UsageError(
                f"The decisions are about the query {answers.query!r}, not about {query!r}.",
                hint="Leave --query-id out, or name the file of the other sheet.",
            )
        query, verdicts = answers.query, verdicts.and_(answers.verdicts)
    chosen = query_of(dest, query)
    new: list[Decision] = []
    if verdicts:
        before = read_decisions(dest, chosen)
        new = _new(decide(dest, chosen, verdicts, decided(before)), before)
        add_decisions(dest, chosen, new)
    known = decided(read_decisions(dest, chosen))
    counts = _Counts(known)
    shown = worst(counts.open(candidates(dest, chosen)), limit)
    path, left = f"{chosen}/review.html", max(0, counts.left - len(shown))
    drawn = draw(dest, chosen, sample, known)
    done = Reviewed(f"{dest.shown}/{path}", chosen, shown, left, counts.waiting, bool(verdicts), new, drawn)
    dest.put(path, _pieces(dest, done, counts.covers))
    return done


def box_of(text: str) -> tuple[str, Corners]:
    """Read what stands for a box in an image: ``IMAGE@X,Y,W,H``."""
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
    last = {(one.source, one.key, one.box, one.frames): one.verdict for one in before}
    return [one for one in decisions if last.get((one.source, one.key, one.box, one.frames)) != one.verdict]


class _Counts:
    """Counts boxes while they pass: each once, though its image may have come in several zips."""

    def __init__(self, known: Decided) -> None:
        self._known = known
        self._open: set[str] = set()
        self._clear: set[tuple[str, str]] = set()
        self._add = {place for place, one in known.boxes.items() if one.verdict == "add-box"}
        self.covers: dict[str, list[Corners]] = {}  # decided and maybe not carried out yet
        for (source, _), one in known.boxes.items():
            if one.verdict == "add-box":
                x, y, width, height = one.box
                self.covers.setdefault(source, []).append((x, y, width, height))

    @property
    def left(self) -> int:
        """Boxes that nobody decided about; no more than `_MANY` are counted."""
        return len(self._open)

    @property
    def waiting(self) -> int:
        """Boxes that are decided, but still as they were."""
        return len(self._add) + len(self._clear)

    def open(self, some: Iterable[Candidate]) -> Iterator[Candidate]:
        """Yield those that nobody decided about."""
        for one in some:
            if not self._known.has(one):
                if not one.covered and under_cover(one.box, self.covers.get(one.source, ())):
                    continue
                if len(self._open) < _MANY:
                    self._open.add(one.id)
                yield one
            elif one.covered:
                # A box that was to be covered is covered now; one that was to be cleared still is.
                self._add -= {(one.source, one.place), (one.source, box_text(one.box))}
                last = self._known.last(one)
                if last is not None and last.verdict == "clear":
                    self._clear.add((one.source, one.place))


def _command(dest: Destination, query: str) -> str:
    named = f"{shlex.quote(dest.shown)} --query-id {shlex.quote(query)}{dest_profile_option(dest)}"
    return f"bondstore screenlake review {named}"


def _pieces(dest: Destination, done: Reviewed, covers: Mapping[str, Sequence[Corners]]) -> Iterator[bytes]:
    pictures = pictures_of(dest, done.query, done.shown, done.sample.open, covers)
    return stream(
        "bondstore.domains.screenlake/sheet.html",
        query=done.query,
        places=hashlib.sha256(dest.shown.encode("utf-8", "surrogateescape")).hexdigest()[:16],
        file=file_name(done.query),
        command=_command(dest, done.query),
        shown=done.shown,
        left=done.left,
        waiting=done.waiting,
        withheld=list(islice(_withheld(dest, done.query), _WITHHELD)),
        sample=done.sample,
        needed=[(images_needed(share / 100), share) for share in SHARES],
        crops=pictures.crops,
        thumbs=pictures.thumbs,
        pictures=pictures.wholes,
        frame_of=frame_of,
        hidden=HIDDEN,
        margin=MARGIN,
        size=CROP,
    )


def _withheld(dest: Destination, query: str) -> Iterator[ImageRecord]:
    for file in record_files(dest, query):
        seen: set[str] = set()
        for image in images_in(dest, file, holding=("face-stays",)):
            if image.outcome == "face-stays" and image.source not in seen and len(seen) < _WITHHELD:
                seen.add(image.source)
                yield image
