"""What the record of a panelist's images says, and what a person can decide about: boxes that the detector drew."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.domains.screenlake.layout import base_name
from bondstore.domains.screenlake.paths import results_folder, token_of
from bondstore.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from bondstore.runs.destination import Destination

FILE = "redactions.jsonl"
WITH_BOXES = ('"score"',)
"""What lines of images hold in which the detector found something."""
Corners = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the upright picture."""
_FRAMES = ("first_frame", "last_frame", "frame")
MARGIN = 0.2
"""A cover is so much larger than its box on each side; see `bondstore.deid.covers.Cover`."""
HIDDEN = 0.8
"""From this share of a box on that lies under a cover, what is left of it tells nobody who somebody is."""
_SHORT = 10
"""Digits of an id that are shown: enough to tell millions of boxes apart, and any start will do that only one has."""


@dataclass(frozen=True, slots=True)
class RecordedBox:
    """A box as the record has it."""

    box: Corners
    score: float
    frames: tuple[int, ...] = ()  # as in `bondstore.deid.pictures.Frames`


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One image of one zip, as the record has it."""

    panelist: str  # the panelist's folder
    image: str  # the image's file; empty where it was withheld
    base: str  # the name that the phone gave it
    outcome: str  # as in `part.Image`
    key: str  # the zip it came in
    source: str  # SHA-256 of the image as it came, in hex
    width: int  # in pixels; 0 where nobody knows
    height: int
    covered: tuple[RecordedBox, ...]  # faces
    unsure: tuple[RecordedBox, ...]  # boxes that were not covered
    how: str = ""  # digest of what looked for faces, and how


def record_files(dest: Destination, query: str) -> list[str]:
    """Return where the records of all panelists of a query are, by panelist."""
    folder = results_folder(query)
    return [f"{folder}{name}/{FILE}" for name in dest.folders(folder.rstrip("/"))]


def images_in(dest: Destination, path: str, *, holding: Sequence[str] = ()) -> Iterator[ImageRecord]:
    """Yield the images of one panelist, in the order of the record; with `holding`, only lines with one of these texts.

    Other lines are not even read as JSON: records have millions of lines, and few of them hold a box. A panelist who
    was not finished yet has no record.
    """
    panelist, wanted = path.split("/")[-2], [one.encode() for one in holding]
    try:
        lines = dest.open(path)
    except NotFoundError:
        return
    with lines:
        for number, line in enumerate(lines, 1):
            if wanted and not any(one in line for one in wanted):
                continue
            try:
                yield _image(panelist, json.loads(line.decode("utf-8", "surrogatepass")))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ConfigurationError(
                    f"Line {number} of {dest.shown}/{path} is not as it was written.",
                    hint="Remove the file and run the same `bondstore screenlake process` again: it is made anew.",
                ) from error


def _image(panelist: str, said: Mapping[str, Any]) -> ImageRecord:
    image = said["image"] or ""
    if "/" in image or image in {".", ".."}:  # the sheet opens the file: an edited record must not lead elsewhere
        raise ValueError("a path")
    return ImageRecord(
        panelist,
        image,
        base_name(said["member"]),
        str(said["outcome"]),
        str(said["zip"]),
        str(said["sha256_before"]),
        int(said["width"]),
        int(said["height"]),
        tuple(_scored(one) for one in said["boxes"]),
        tuple(_scored(one) for one in said["unsure"]),
        _how(said),
    )


def _how(said: Mapping[str, Any]) -> str:
    words = json.dumps([said.get("detector"), said.get("model"), said.get("settings")], sort_keys=True)
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _scored(said: Mapping[str, Any]) -> RecordedBox:
    return RecordedBox(
        (float(said["x"]), float(said["y"]), float(said["width"]), float(said["height"])),
        float(said["score"]),
        tuple(int(said[name]) for name in _FRAMES) if "frame" in said else (),
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A box in an image."""

    id: str  # in hex; the same as long as the image and the box are the same
    panelist: str  # the panelist's folder
    image: str  # the image's file in it
    source: str  # SHA-256 of the image as it came, in hex
    key: str  # a zip it came in
    box: Corners
    score: float  # how sure the detector was, from 0 to 1
    covered: bool
    frames: tuple[int, ...] = ()  # of an animation, as in `bondstore.deid.pictures.Frames`

    @property
    def place(self) -> str:
        """Box and frames as text: equal for those that are equal as far as they are recorded."""
        return place_text(self.box, self.frames[:2])

    @property
    def short(self) -> str:
        """The id as it is shown."""
        return self.id[:_SHORT]

    @property
    def order(self) -> tuple[bool, float, str]:
        """Worst first: what was not covered by falling score, then what was covered by rising score."""
        return self.covered, self.score if self.covered else -self.score, self.id

    def record(self) -> dict[str, object]:
        """Return it as a record to show."""
        return {
            "kind": "candidate",
            "id": self.short,
            "covered": self.covered,
            "score": self.score,
            "panelist": self.panelist,
            "image": self.image,
            "box": list(self.box),
        }


def candidates(dest: Destination, query: str) -> Iterator[Candidate]:
    """Yield all boxes of a query's images; one whose image came in several zips comes as often."""
    for file in record_files(dest, query):
        for image in images_in(dest, file, holding=WITH_BOXES):
            if image.image:
                yield from _of_image(image)


def _of_image(image: ImageRecord) -> Iterator[Candidate]:
    for one in image.covered:
        yield _candidate(image, one, covered=True)
    for one in image.unsure:
        if not any(_hides(cover, one) for cover in image.covered):  # else nothing of it is to be seen
            yield _candidate(image, one, covered=False)


def _candidate(image: ImageRecord, one: RecordedBox, *, covered: bool) -> Candidate:
    own = box_id(image, one.box, one.frames[:2])
    return Candidate(own, image.panelist, image.image, image.source, image.key, one.box, one.score, covered, one.frames)


def box_id(image: ImageRecord, box: Sequence[float], frames: Sequence[int]) -> str:
    """Return the id of a box: of image and box alone, so that it still holds after the zips were done again."""
    said = f"{token_of(image.base, image.source)} {place_text(box, frames)}"
    return hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _hides(cover: RecordedBox, box: RecordedBox) -> bool:
    """Whether a cover lies over a box, in all frames that the box is in: one holds for the frames beside it too."""
    first, last = (*cover.frames[:2],) or (0, math.inf)
    start, end = (*box.frames[:2],) or (0, 0)
    return first - 1 <= start and end <= last + 1 and _share(box.box, _grown(cover.box)) >= HIDDEN


def under_cover(box: Corners, boxes: Sequence[Corners]) -> bool:
    """Whether a box lies under the cover of one of some others."""
    return any(_share(box, _grown(one)) >= HIDDEN for one in boxes)


def place_text(box: Sequence[float], frames: Sequence[int]) -> str:
    """Return a box, and the frames of an animation that it is in, as text."""
    return box_text(box) + (f"@{frames[0]}-{frames[1]}" if frames else "")


def box_text(box: Sequence[float]) -> str:
    """Return a box as text: equal for boxes that are equal as far as they are recorded."""
    return ",".join(f"{side:.3f}" for side in box)


def _grown(box: Corners) -> Corners:
    """Return what was really covered."""
    x, y, width, height = box
    wide, high = MARGIN * width, MARGIN * height
    return x - wide, y - high, width + 2 * wide, height + 2 * high


def _share(box: Corners, other: Corners) -> float:
    """Return which share of a box lies in another one."""
    wide = min(box[0] + box[2], other[0] + other[2]) - max(box[0], other[0])
    high = min(box[1] + box[3], other[1] + other[3]) - max(box[1], other[1])
    return max(0.0, wide) * max(0.0, high) / (box[2] * box[3]) if box[2] * box[3] > 0 else 1.0


def worst(some: Iterable[Candidate], limit: int) -> list[Candidate]:
    """Return the first so many by `Candidate.order`, each once, in memory that grows with the limit alone."""
    kept: list[_LeastBad] = []  # a heap with the least bad on top: the first to go when a worse one comes
    ids: set[str] = set()
    for one in some:
        if one.id in ids:
            continue
        entry = _LeastBad(one)
        if len(kept) < limit:
            heapq.heappush(kept, entry)
        elif kept[0] < entry:
            ids.discard(heapq.heapreplace(kept, entry).candidate.id)
        else:
            continue
        ids.add(one.id)
    return [entry.candidate for entry in sorted(kept, reverse=True)]


@dataclass(frozen=True, slots=True)
class _LeastBad:
    """Turns the order round."""

    candidate: Candidate

    def __lt__(self, other: _LeastBad) -> bool:
        return self.candidate.order > other.candidate.order
