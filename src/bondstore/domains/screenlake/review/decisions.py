"""What people decided about images: from what a person types to lines beside the results, which are only added to."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from bondstore.domains.screenlake.paths import decisions_path
from bondstore.domains.screenlake.review.boxes import box_id, box_text, candidates, images_in, place_text, record_files
from bondstore.errors import ConfigurationError, NotFoundError, UsageError
from bondstore.runs.destination import whole_lines
from bondstore.runs.process import whoami

if TYPE_CHECKING:
    from bondstore.deid.pictures import Decisions
    from bondstore.domains.screenlake.review.boxes import Candidate, Corners, ImageRecord
    from bondstore.runs.destination import Destination

Verdict = Literal["confirm", "add-box", "clear", "looked", "missed"]
CHANGING = ("add-box", "clear")
"""Verdicts that change an image; the others are about what somebody saw."""
_OPTIONS: Mapping[str, Verdict] = {"--confirm": "confirm", "--cover": "add-box", "--clear": "clear"}
_LEAST = 4
"""Digits that an id must have."""
_SIDE = 100_000
"""No image has more pixels on a side; for those whose size nobody knows."""
_FEW = 32
"""So many images are looked for in a line before it is read."""
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word about one image."""

    verdict: Verdict
    """It is right as it is; something more must be covered; something covered is no face. Of an image of the sample: no
    face shows; one does."""
    source: str  # SHA-256 of the image as it came, in hex
    key: str  # of a zip it is in
    box: tuple[float, ...]  # x, y, width, height in pixels of the upright picture; empty for the whole image
    who: str  # the account
    at: str  # ISO 8601
    frames: tuple[int, ...] = ()  # first and last frame of an animation that it is about; empty for all
    how: str = ""  # what had looked for faces in an image of the sample, as in `ImageRecord`


def read_decisions(dest: Destination, query: str) -> list[Decision]:
    """Read all decisions, in their order."""
    path = decisions_path(query)
    try:
        content = dest.read(path)
    except NotFoundError:
        return []
    found = []
    for number, line in enumerate(whole_lines(content).decode("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_decision(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"Line {number} of {dest.shown}/{path} is no decision.",
                hint="Put the file back as `bondstore screenlake review` wrote it.",
            ) from error
    return found


def _decision(said: dict[str, Any]) -> Decision:
    box = tuple(float(value) for value in said["box"])
    if said["verdict"] not in get_args(Verdict) or len(box) not in (0, 4):
        raise ValueError(said["verdict"])
    verdict = cast("Verdict", said["verdict"])
    frames = tuple(int(value) for value in said.get("frames", ()))
    if len(frames) not in (0, 2):
        raise ValueError(frames)
    return Decision(
        verdict,
        str(said["source"]),
        str(said["key"]),
        box,
        str(said["who"]),
        str(said["at"]),
        frames,
        str(said.get("how", "")),
    )


def add_decisions(dest: Destination, query: str, decisions: Iterable[Decision]) -> None:
    """Add decisions at the end of the file."""
    dest.append(decisions_path(query), "".join(json.dumps(_line(one)) + "\n" for one in decisions).encode())


def _line(one: Decision) -> dict[str, Any]:
    return {name: value for name, value in asdict(one).items() if value or name not in ("frames", "how")}


def by_image(decisions: Sequence[Decision]) -> Mapping[str, Decisions]:
    """Return what must be covered, and what must not, by image."""
    from bondstore.deid.faces import Box
    from bondstore.deid.pictures import Decisions

    last: dict[tuple[str, tuple[float, ...], tuple[int, ...]], Verdict] = {}
    for one in decisions:
        # The last word on a box counts; to confirm one says that what was done with it before is right.
        if one.box and one.verdict != "confirm":
            last[one.source, one.box, one.frames] = one.verdict
            if one.verdict == "add-box":  # in all frames: what was said of some of them before is over
                for place in [place for place in last if place[:2] == (one.source, one.box) and place[2]]:
                    last[place] = "add-box"
    found: dict[str, Decisions] = {}
    for (source, (x, y, width, height), frames), verdict in last.items():
        box, known = Box(x, y, width, height, 1.0), found.get(source, Decisions())
        if verdict == "add-box":
            found[source] = replace(known, add=tuple(dict.fromkeys((*known.add, box))))
        elif frames:
            found[source] = replace(known, clear_in=(*known.clear_in, (box, frames[0], frames[1])))
        else:
            found[source] = replace(known, clear=(*known.clear, box))
    return found


def digests(decisions: Sequence[Decision]) -> Mapping[str, str]:
    """Return, by zip, the digest of the decisions that change what becomes of it; zips without any are left out."""
    said: dict[str, list[str]] = {}
    for one in decisions:
        if one.verdict in CHANGING:
            words = [one.verdict, one.source, one.box, *([one.frames] if one.frames else [])]
            said.setdefault(one.key, []).append(json.dumps(words))
    return {key: hashlib.sha256("\n".join(lines).encode()).hexdigest() for key, lines in said.items()}


@dataclass(slots=True)
class Decided:
    """What somebody decided already: the last word on each box, and images that were confirmed as a whole."""

    boxes: dict[tuple[str, str], Decision] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)
    seen: dict[tuple[str, str], Verdict] = field(default_factory=dict)
    """Of images of the sample whether a face showed, by source and by what had looked for faces."""

    def last(self, candidate: Candidate) -> Decision | None:
        """Return the last decision about a box."""
        own = self.boxes.get((candidate.source, candidate.place))
        return own or self.boxes.get((candidate.source, box_text(candidate.box)))

    def has(self, candidate: Candidate) -> bool:
        """Whether a box needs no more looking at."""
        return candidate.source in self.images or self.last(candidate) is not None


def decided(decisions: Iterable[Decision]) -> Decided:
    """Sort decisions by what they are about."""
    found = Decided()
    for one in decisions:
        if one.box:
            found.boxes[one.source, place_text(one.box, one.frames)] = one
        elif one.verdict == "confirm":
            found.images.add(one.source)
        elif one.verdict in ("looked", "missed"):
            found.seen[one.source, one.how] = one.verdict
    return found


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a person types: ids of boxes, and images with a box that must be covered."""

    confirm: tuple[str, ...] = ()  # right as they are
    cover: tuple[str, ...] = ()  # a face that was not covered
    clear: tuple[str, ...] = ()  # covered, but no face
    add_box: tuple[tuple[str, Corners], ...] = ()
    looked: tuple[tuple[str, str], ...] = ()
    """Images of the sample in which no face shows: SHA-256 as they came, and what had looked for faces, or empty."""
    missed: tuple[tuple[str, str], ...] = ()  # those in which one does

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    def and_(self, other: Verdicts) -> Verdicts:
        """Return both together."""
        return Verdicts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def by_id(self) -> dict[str, str]:
        """Return the option that stands with each id; refuse what is no id, and two options for one."""
        said: dict[str, str] = {}
        for option, some in zip(_OPTIONS, (self.confirm, self.cover, self.clear), strict=True):
            for one in some:
                word = one.strip().lower()
                if len(word) < _LEAST or not set(word) <= _DIGITS:
                    raise UsageError(
                        f"{one!r} is no id of a box.",
                        hint=f"An id stands under every picture of the sheet; {_LEAST} digits of it or more will do.",
                    )
                if said.setdefault(word, option) != option:
                    raise UsageError(f"{word} stands with {said[word]} and with {option}.", hint="Decide for one.")
        return said


@dataclass(frozen=True, slots=True)
class _Box:
    """One box that something is said about."""

    verdict: Verdict
    source: str
    box: Corners
    frames: tuple[int, ...] = ()


def decide(dest: Destination, query: str, verdicts: Verdicts, before: Decided) -> list[Decision]:
    """Return the decisions that follow from what a person says: one for each zip that an image came in.

    Ids and images must be known, boxes must fit, and nothing may contradict what was said or decided before.
    """
    boxes = [*_of_ids(dest, query, verdicts.by_id(), before), *_of_images(dest, query, verdicts.add_box)]
    _refuse_contradictions(boxes)
    keys = _zips(dest, query, {one.source for one in boxes})
    who, at = whoami(), datetime.now(UTC).isoformat(timespec="seconds")
    seen = [
        Decision(verdict, image.source, image.key, (), who, at, how=how or image.how)
        for verdict, image, how in _of_sample(dest, query, verdicts)
    ]
    return seen + [
        Decision(one.verdict, one.source, key, one.box, who, at, one.frames)
        for one in dict.fromkeys(boxes)
        for key in sorted(keys[one.source])
    ]


def _of_sample(dest: Destination, query: str, verdicts: Verdicts) -> Iterator[tuple[Verdict, ImageRecord, str]]:
    both = set(verdicts.looked) & set(verdicts.missed)
    if both:
        raise UsageError(f"The image {min(both)[0]} stands with two answers.", hint="Decide for one.")
    wanted = {source for source, _ in (*verdicts.looked, *verdicts.missed)}
    found = _images(dest, query, wanted) if wanted else {}
    for verdict, images in (("looked", verdicts.looked), ("missed", verdicts.missed)):
        for source, how in dict.fromkeys(images):
            yield cast("Verdict", verdict), _one_image(source, found.get(source, {})), how


def _refuse_contradictions(boxes: Sequence[_Box]) -> None:
    # Two ids may stand for one box: the same bytes under another name are another image with the same faces.
    said: dict[tuple[str, str], Verdict] = {}
    for one in boxes:
        if said.setdefault((one.source, place_text(one.box, one.frames)), one.verdict) != one.verdict:
            raise UsageError("Two of the ids stand for the same box, with two verdicts.", hint="Decide for one.")


def _of_ids(dest: Destination, query: str, said: Mapping[str, str], before: Decided) -> Iterator[_Box]:
    found = _find(candidates(dest, query), said) if said else {}
    done = _carried_out(dest, query, {word: said[word] for word in said if not found.get(word)}, before)
    for word, option in said.items():
        if word not in done:
            yield _checked(word, option, _only(word, found.get(word, {})), before)


def _carried_out(dest: Destination, query: str, said: Mapping[str, str], before: Decided) -> set[str]:
    """Return the ids that are gone because what is said was done: a sheet that is still open saves all of it again."""
    places: dict[str, list[Decision]] = {}
    for one in before.boxes.values() if said else ():
        places.setdefault(one.source, []).append(one)
    return {
        word
        for file in (record_files(dest, query) if places else ())
        for image in images_in(dest, file)
        for one in places.get(image.source, ())
        for word in said
        if box_id(image, one.box, one.frames).startswith(word) and one.verdict == _OPTIONS[said[word]]
    }


def _find(some: Iterable[Candidate], words: Iterable[str]) -> dict[str, dict[str, Candidate]]:
    """Return the candidates whose ids begin with a word, by word; two of each tell that a word is not enough."""
    wanted = set(words)
    lengths = sorted({len(word) for word in wanted})
    found: dict[str, dict[str, Candidate]] = {}
    for one in some:
        for length in lengths:
            if one.id[:length] in wanted:
                group = found.setdefault(one.id[:length], {})
                if len(group) < 2:
                    group[one.id] = one
    return found


def _only(word: str, found: Mapping[str, Candidate]) -> Candidate:
    if not found:
        raise NotFoundError(
            f"No box has the id {word}.",
            hint="Ids change when images are looked at anew, and what was carried out is gone from the sheet; "
            "`bondstore screenlake review` writes it again.",
        )
    if len(found) > 1:
        longer = _apart(*found)
        both = " or ".join(f"{one.id[:longer]} ({one.image})" for one in found.values())
        raise UsageError(f"Two boxes have ids that begin with {word}.", hint=f"Write {both}.")
    return next(iter(found.values()))


def _apart(one: str, other: str) -> int:
    return next(place for place in range(1, len(one) + 1) if one[:place] != other[:place])


def _checked(word: str, option: str, candidate: Candidate, before: Decided) -> _Box:
    last = before.last(candidate)
    wanted = _OPTIONS[option]
    # What was said last may be said again; a confirmation may be taken back; and covering is always possible, as it
    # shows nothing. All else would let the last of two people win without either of them knowing.
    if last is not None and last.verdict not in (wanted, "confirm") and wanted != "add-box":
        raise UsageError(
            f"{last.who} decided about the box {word} already ({last.verdict}, {last.at}).",
            hint="Where that was a mistake, take its line out of decisions.jsonl.",
        )
    # The record shows what the last run did; a box that is to be cleared by the next one may be covered after all.
    uncovered_soon = last is not None and last.verdict == "clear"
    done = last is not None and last.verdict == "add-box"  # by the same file or command, which was handed over twice
    if wanted == "add-box" and candidate.covered and not uncovered_soon and not done:
        raise UsageError(f"The box {word} is covered already.", hint=f"Where that is right: --confirm {word}")
    if wanted == "clear" and not candidate.covered:
        raise UsageError(
            f"The box {word} is not covered, so there is nothing to clear.",
            hint=f"Where that is right: --confirm {word}",
        )
    # A person saw some frames of an animation: nothing is left open in the others for it.
    return _Box(wanted, candidate.source, candidate.box, () if wanted == "add-box" else candidate.frames[:2])


def _of_images(dest: Destination, query: str, asked: Sequence[tuple[str, Corners]]) -> Iterator[_Box]:
    found = _images(dest, query, {name for name, _ in asked}) if asked else {}
    for name, box in asked:
        image = _one_image(name, found.get(name, {}))
        _check_fits(name, box, image)
        yield _Box("add-box", image.source, box)


def _images(dest: Destination, query: str, wanted: set[str]) -> dict[str, dict[str, ImageRecord]]:
    """Return the images that have a name, by name and content; of those in the results and those withheld."""
    found: dict[str, dict[str, ImageRecord]] = {}
    for file in record_files(dest, query):
        for image in images_in(dest, file):
            own = image.image or image.base
            for name in wanted & {own, f"{image.panelist}/{own}", image.source}:
                found.setdefault(name, {}).setdefault(image.source, image)
    return found


def _one_image(name: str, found: Mapping[str, ImageRecord]) -> ImageRecord:
    if not found:
        raise NotFoundError(
            f"No image is called {name}.", hint="Write its file name, or PANELIST/NAME, or its sha256_before."
        )
    if len(found) > 1:
        first, second, *_ = found.values()
        raise UsageError(
            f"More than one image is called {name}.",
            hint=f"Write PANELIST/NAME, or its sha256_before: {first.source} or {second.source}, among them.",
        )
    image = next(iter(found.values()))
    if not image.image and image.outcome != "face-stays":
        raise UsageError(
            f"The image {name} is not in the results ({image.outcome}), so a box in it changes nothing.",
            hint="Only images in the results, and those withheld because a face stays, take boxes.",
        )
    return image


def _check_fits(name: str, box: Corners, image: ImageRecord) -> None:
    x, y, width, height = box
    wide, high = image.width or _SIDE, image.height or _SIDE
    whole = all(math.isfinite(side) for side in box)
    if not (whole and x >= 0 and y >= 0 and width > 0 and height > 0 and x + width <= wide and y + height <= high):
        size = f" of {image.width} x {image.height} pixels" if image.width else ""
        raise UsageError(
            f"The box does not lie within the image {name}{size}.",
            hint="X and Y are its left and top edge, W and H its width and height, all in pixels.",
        )


def _zips(dest: Destination, query: str, sources: set[str]) -> dict[str, set[str]]:
    """Return the zips that images came in: the decision must reach each of them."""
    found: dict[str, set[str]] = {source: set() for source in sources}
    few = sorted(sources) if len(sources) <= _FEW else ()
    for file in record_files(dest, query) if sources else ():
        for image in images_in(dest, file, holding=few):
            if image.source in found:
                found[image.source].add(image.key)
    return found
