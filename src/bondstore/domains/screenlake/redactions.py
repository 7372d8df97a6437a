"""What the record of a panelist's images says, line by line: which image, what was covered, what was not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bondstore.domains.screenlake.layout import base_name
from bondstore.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

FILE = "redactions.jsonl"
WITH_BOXES = ('"score"',)
"""What lines of images hold in which the detector found something."""
Corners = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the upright picture."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One image of one zip, as the record has it.

    Parameters
    ----------
    panelist : str
        The panelist's folder.
    image : str
        The image's file; empty where it was withheld.
    base : str
        The name that the phone gave it.
    outcome : str
        As in `part.Image`.
    key : str
        The zip it came in.
    source : str
        SHA-256 of the image as it came, in hex.
    width, height : int
        In pixels; 0 where nobody knows.
    covered, unsure : tuple of (box, score)
        Faces that were covered; boxes that were not.
    """

    panelist: str
    image: str
    base: str
    outcome: str
    key: str
    source: str
    width: int
    height: int
    covered: tuple[tuple[Corners, float], ...]
    unsure: tuple[tuple[Corners, float], ...]


def records(root: Path, query: str) -> list[Path]:
    """Return the records of all panelists of a query, by panelist."""
    return sorted((root / query / "combined" / "panelists").glob(f"*/{FILE}"))


def looked_at(path: Path, *, holding: Sequence[str] = ()) -> Iterator[Looked]:
    """Yield the images of one panelist, in the order of the record.

    Parameters
    ----------
    path : Path
        The record.
    holding : sequence of str
        Only lines that hold one of these somewhere: others are not even read as JSON.

    Raises
    ------
    ConfigurationError
        A line is not as it was written.
    """
    panelist, wanted = path.parent.name, [one.encode() for one in holding]
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if wanted and not any(one in line for one in wanted):
                continue
            try:
                yield _looked(panelist, json.loads(line.decode("utf-8", "surrogatepass")))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise ConfigurationError(
                    f"Line {number} of {path} is not as it was written.",
                    hint="Remove the file and run the same `bondstore screenlake process` again: it is made anew.",
                ) from error


def _looked(panelist: str, said: Mapping[str, Any]) -> Looked:
    image = said["image"] or ""
    if "/" in image or image in {".", ".."}:
        raise ValueError("a path")
    return Looked(
        panelist,
        image,
        base_name(said["member"]),
        str(said["outcome"]),
        str(said["zip"]),
        str(said["sha256_before"]),
        int(said["width"]),
        int(said["height"]),
        tuple(_box(one) for one in said["boxes"]),
        tuple(_box(one) for one in said["unsure"]),
    )


def _box(said: Mapping[str, Any]) -> tuple[Corners, float]:
    return (
        (float(said["x"]), float(said["y"]), float(said["width"]), float(said["height"])),
        float(said["score"]),
    )
