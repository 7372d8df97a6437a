"""From what a person types to decisions: ids and images must be known, boxes must fit, nothing may contradict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bondstore.domains.screenlake.candidates import candidates, place_of
from bondstore.domains.screenlake.decisions import Decision
from bondstore.domains.screenlake.redactions import looked_at, records
from bondstore.errors import NotFoundError, UsageError
from bondstore.runs.context import whoami

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from bondstore.domains.screenlake.candidates import Candidate, Settled
    from bondstore.domains.screenlake.decisions import Verdict
    from bondstore.domains.screenlake.redactions import Corners, Looked

LEAST = 4
"""Digits that an id must have."""
_SIDE = 100_000
"""No image has more pixels on a side; for those whose size nobody knows."""
_FEW = 32
"""So many images are looked for in a line before it is read."""
_DIGITS = frozenset("0123456789abcdef")
_VERDICTS: Mapping[str, Verdict] = {"--confirm": "confirm", "--cover": "add-box", "--clear": "clear"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person says.

    Parameters
    ----------
    confirm, cover, clear : tuple of str
        Ids of boxes: right as they are; a face that was not covered; covered, but no face.
    add_box : tuple of (str, box)
        Images, each with a box that must be covered.
    """

    confirm: tuple[str, ...] = ()
    cover: tuple[str, ...] = ()
    clear: tuple[str, ...] = ()
    add_box: tuple[tuple[str, Corners], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.confirm or self.cover or self.clear or self.add_box)

    @property
    def ids(self) -> dict[str, str]:
        """What is said of each id.

        Raises
        ------
        UsageError
            Something that is no id, or two things about one.
        """
        said: dict[str, str] = {}
        for verdict, some in zip(_VERDICTS, (self.confirm, self.cover, self.clear), strict=True):
            for one in some:
                word = one.strip().lower()
                if len(word) < LEAST or not set(word) <= _DIGITS:
                    raise UsageError(
                        f"{one!r} is no id of a box.",
                        hint=f"An id stands under every picture of the sheet; {LEAST} digits of it or more will do.",
                    )
                if said.setdefault(word, verdict) != verdict:
                    raise UsageError(f"{word} stands with {said[word]} and with {verdict}.", hint="Decide for one.")
        return said


@dataclass(frozen=True, slots=True)
class _Box:
    """One box that something is said about."""

    verdict: Verdict
    source: str
    box: Corners


def decide(root: Path, query: str, asked: Asked, settled: Settled) -> list[Decision]:
    """Return the decisions that follow from what a person says: one for each zip that an image came in.

    Parameters
    ----------
    root : Path
        The destination.
    query : str
        The query's id.
    asked : Asked
        What the person says.
    settled : Settled
        What was decided before.

    Raises
    ------
    UsageError
        A box does not fit, or something contradicts what is known.
    NotFoundError
        An id or an image is not known.
    """
    boxes = [*_of_ids(root, query, asked.ids, settled), *_of_images(root, query, asked.add_box)]
    _refuse_contradictions(boxes)
    keys = _zips(root, query, {one.source for one in boxes})
    who, at = whoami(), datetime.now(UTC).isoformat(timespec="seconds")
    return [
        Decision(one.verdict, one.source, key, one.box, who, at)
        for one in dict.fromkeys(boxes)
        for key in sorted(keys[one.source])
    ]


def _refuse_contradictions(boxes: Sequence[_Box]) -> None:
    said: dict[tuple[str, str], Verdict] = {}
    for one in boxes:
        if said.setdefault((one.source, place_of(one.box)), one.verdict) != one.verdict:
            raise UsageError("Two of the ids stand for the same box, with two verdicts.", hint="Decide for one.")


def _of_ids(root: Path, query: str, said: Mapping[str, str], settled: Settled) -> Iterator[_Box]:
    found = _find(candidates(root, query), said) if said else {}
    for word, verdict in said.items():
        yield _judged(word, verdict, _only(word, found.get(word, {})), settled)


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
            hint="Ids change when images are looked at anew; `bondstore screenlake review` writes the sheet again.",
        )
    if len(found) > 1:
        longer = _apart(*found)
        both = " or ".join(f"{one.id[:longer]} ({one.image})" for one in found.values())
        raise UsageError(f"Two boxes have ids that begin with {word}.", hint=f"Write {both}.")
    return next(iter(found.values()))


def _apart(one: str, other: str) -> int:
    return next(place for place in range(1, len(one) + 1) if one[:place] != other[:place])


def _judged(word: str, verdict: str, candidate: Candidate, settled: Settled) -> _Box:
    last = settled.last(candidate)
    wanted = _VERDICTS[verdict]
    # what was said last may be said again; a confirmation may be taken back; and covering is always possible
    if last is not None and last.verdict not in (wanted, "confirm") and wanted != "add-box":
        raise UsageError(
            f"{last.who} decided about the box {word} already ({last.verdict}, {last.at}).",
            hint="Where that was a mistake, take its line out of decisions.jsonl.",
        )
    uncovered_soon = last is not None and last.verdict == "clear"
    if wanted == "add-box" and candidate.covered and not uncovered_soon:
        raise UsageError(f"The box {word} is covered already.", hint=f"Where that is right: --confirm {word}")
    if wanted == "clear" and not candidate.covered:
        raise UsageError(
            f"The box {word} is not covered, so there is nothing to clear.",
            hint=f"Where that is right: --confirm {word}",
        )
    return _Box(wanted, candidate.source, candidate.box)


def _of_images(root: Path, query: str, asked: Sequence[tuple[str, Corners]]) -> Iterator[_Box]:
    found = _images(root, query, {name for name, _ in asked}) if asked else {}
    for name, box in asked:
        image = _one_image(name, found.get(name, {}))
        _check_fits(name, box, image)
        yield _Box("add-box", image.source, box)


def _images(root: Path, query: str, wanted: set[str]) -> dict[str, dict[str, Looked]]:
    """Return the images that have a name, by name and content; of those in the results and those withheld."""
    found: dict[str, dict[str, Looked]] = {}
    for record in records(root, query):
        for looked in looked_at(record):
            own = looked.image or looked.base
            for name in wanted & {own, f"{looked.panelist}/{own}", looked.source}:
                found.setdefault(name, {}).setdefault(looked.source, looked)
    return found


def _one_image(name: str, found: Mapping[str, Looked]) -> Looked:
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


def _check_fits(name: str, box: Corners, image: Looked) -> None:
    x, y, width, height = box
    wide, high = image.width or _SIDE, image.height or _SIDE
    whole = all(math.isfinite(side) for side in box)
    if not (whole and x >= 0 and y >= 0 and width > 0 and height > 0 and x + width <= wide and y + height <= high):
        size = f" of {image.width} x {image.height} pixels" if image.width else ""
        raise UsageError(
            f"The box does not lie within the image {name}{size}.",
            hint="X and Y are its left and top edge, W and H its width and height, all in pixels.",
        )


def _zips(root: Path, query: str, sources: set[str]) -> dict[str, set[str]]:
    """Return the zips that images came in: the decision must reach each of them."""
    found: dict[str, set[str]] = {source: set() for source in sources}
    few = sorted(sources) if len(sources) <= _FEW else ()
    for record in records(root, query) if sources else ():
        for looked in looked_at(record, holding=few):
            if looked.source in found:
                found[looked.source].add(looked.key)
    return found
