"""The sheet for review: small crops of images as they were written, worst first, each with the commands to decide."""

from __future__ import annotations

import shlex
from base64 import b64encode
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.paths import content_of, images_folder, query_of
from bondstore.domains.screenlake.review.boxes import box_text, candidates, images_in, record_files, worst
from bondstore.domains.screenlake.review.decisions import Verdicts, add_decisions, decide, decided, read_decisions
from bondstore.errors import DamagedError, UsageError
from bondstore.pages import stream
from bondstore.runs.destinations import dest_profile_option
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from PIL.Image import Image

    from bondstore.domains.screenlake.review.boxes import Candidate, Corners, ImageRecord
    from bondstore.domains.screenlake.review.decisions import Decided, Decision
    from bondstore.runs.destination import Destination

LIMIT = 100
_MANY = 100_000
"""Boxes that wait are counted up to here: memory does not grow with their number."""
_WITHHELD = 200
"""So many withheld images are named on a sheet."""
CROP = 288
"""Pixels that a crop is wide and high."""
_CONTEXT = 3.0
"""A crop shows this many times the box, so that one sees where it lies."""
_LEAST = 120
"""Pixels of the image that it shows at least."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a review."""

    path: str  # the sheet
    query: str
    shown: list[Candidate]  # worst first
    left: int  # boxes that wait behind those; counted up to a limit
    waiting: int  # decided boxes that the results do not show yet
    decided: list[Decision]  # what was decided now: one for each box and zip

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
        words = (("add-box", "to be covered"), ("clear", "to be left open"), ("confirm", "right as they are"))
        boxes = self.boxes
        said = ", ".join(
            f"{counted(boxes[verdict], 'box', 'boxes')} {what}" for verdict, what in words if boxes[verdict]
        )
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
    dest: Destination,
    query: str | None = None,
    *,
    limit: int = LIMIT,
    confirm: Sequence[str] = (),
    cover: Sequence[str] = (),
    clear: Sequence[str] = (),
    add_box: Sequence[tuple[str, Corners]] = (),
) -> Reviewed:
    """Write down what a person decides, as in `Verdicts`, and write the sheet of what is left to look at.

    What is about nothing known, does not fit, or contradicts itself is refused; then nothing is written. Nothing else
    changes before the next run.
    """
    if limit < 1:
        raise UsageError("The sheet shows at least one box.", hint="Use --limit 1 or more.")
    chosen = query_of(dest, query)
    new: list[Decision] = []
    if verdicts := Verdicts(tuple(confirm), tuple(cover), tuple(clear), tuple(add_box)):
        before = read_decisions(dest, chosen)
        new = _new(decide(dest, chosen, verdicts, decided(before)), before)
        add_decisions(dest, chosen, new)
    known = decided(read_decisions(dest, chosen))
    counts = _Counts(known)
    shown = worst(counts.open(candidates(dest, chosen)), limit)
    path, left = f"{chosen}/review.html", max(0, counts.left - len(shown))
    dest.put(path, _pieces(dest, chosen, shown, left, counts.waiting))
    return Reviewed(f"{dest.shown}/{path}", chosen, shown, left, counts.waiting, new)


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
    last = {(one.source, one.key, one.box): one.verdict for one in before}
    return [one for one in decisions if last.get((one.source, one.key, one.box)) != one.verdict]


class _Counts:
    """Counts boxes while they pass: each once, though its image may have come in several zips."""

    def __init__(self, known: Decided) -> None:
        self._known = known
        self._open: set[str] = set()
        self._clear: set[tuple[str, str]] = set()
        self._add = {place for place, one in known.boxes.items() if one.verdict == "add-box"}

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
                if len(self._open) < _MANY:
                    self._open.add(one.id)
                yield one
            elif one.covered:
                # A box that was to be covered is covered now; one that was to be cleared still is.
                place = (one.source, box_text(one.box))
                self._add.discard(place)
                last = self._known.boxes.get(place)
                if last is not None and last.verdict == "clear":
                    self._clear.add(place)


def _command(dest: Destination, query: str) -> str:
    named = f"{shlex.quote(dest.shown)} --query-id {shlex.quote(query)}{dest_profile_option(dest)}"
    return f"bondstore screenlake review {named}"


def _pieces(dest: Destination, query: str, shown: Sequence[Candidate], left: int, waiting: int) -> Iterator[bytes]:
    crops = _crops_of(dest, query, shown)
    return stream(
        "bondstore.domains.screenlake/sheet.html",
        query=query,
        command=_command(dest, query),
        shown=shown,
        left=left,
        waiting=waiting,
        withheld=list(islice(_withheld(dest, query), _WITHHELD)),
        crops={key: jpeg and f"data:image/jpeg;base64,{b64encode(jpeg).decode()}" for key, jpeg in crops.items()},
        size=CROP,
    )


def _withheld(dest: Destination, query: str) -> Iterator[ImageRecord]:
    for file in record_files(dest, query):
        seen: set[str] = set()
        for image in images_in(dest, file, holding=("face-stays",)):
            if image.outcome == "face-stays" and image.source not in seen and len(seen) < _WITHHELD:
                seen.add(image.source)
                yield image


def _crops_of(dest: Destination, query: str, shown: Sequence[Candidate]) -> dict[str, bytes | None]:
    """Cut out all crops, opening each image once."""
    by_image: dict[tuple[str, str], list[Candidate]] = {}
    for one in shown:
        by_image.setdefault((one.panelist, one.image), []).append(one)
    found: dict[str, bytes | None] = {}
    for (panelist, image), some in by_image.items():
        data = content_of(dest, f"{images_folder(query, panelist)}{image}")
        found |= zip((one.id for one in some), crops(data, [one.box for one in some]), strict=True)
    return found


def crops(data: bytes | None, boxes: Sequence[Corners]) -> list[bytes | None]:
    """Return, for each box, its surroundings in an image with the box drawn round it; None where it cannot be read."""
    from PIL import Image

    from bondstore.deid.images import frames

    if data is None:
        return [None] * len(boxes)
    try:
        first, _ = next(frames(data))  # of an animation, as of a picture
        image = Image.fromarray(first.pixels)
    except (OSError, DamagedError):
        return [None] * len(boxes)
    return [_crop(image, box) for box in boxes]


def _crop(image: Image, box: Corners) -> bytes:
    """Cut out a square round a box; what lies outside the image is grey."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    x, y, width, height = box
    side = max(_CONTEXT * max(width, height), _LEAST)
    left, top = x + width / 2 - side / 2, y + height / 2 - side / 2
    scale = CROP / side
    piece = image.transform(
        (CROP, CROP),
        Pillow.Transform.AFFINE,
        (1 / scale, 0, left, 0, 1 / scale, top),
        Pillow.Resampling.BICUBIC,
        fillcolor=(127, 127, 127),
    )
    edges = ((x - left) * scale, (y - top) * scale, (x - left + width) * scale, (y - top + height) * scale)
    draw = ImageDraw.Draw(piece)
    for grown, colour in ((4, "black"), (3, "#ffd23f"), (2, "#ffd23f"), (1, "#ffd23f"), (0, "black")):  # on any ground
        draw.rectangle((edges[0] - grown, edges[1] - grown, edges[2] + grown, edges[3] + grown), outline=colour)
    out = BytesIO()
    piece.save(out, "JPEG", quality=80, subsampling=0)  # the thin frame keeps its colour
    return out.getvalue()
