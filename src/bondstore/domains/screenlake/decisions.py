"""What people decided about images, kept beside the results: a line for each decision, never changed, only added to."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from bondstore.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from bondstore.deid.pictures import Decisions

Verdict = Literal["confirm", "add-box", "clear"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word about one image.

    Parameters
    ----------
    verdict : {"confirm", "add-box", "clear"}
        The image is right as it is; something more must be covered; something covered is no face.
    source : str
        SHA-256 of the image as it came, in hex.
    key : str
        The key of a zip it is in.
    box : list of [x, y, width, height]
        In pixels of the upright picture.
    who : str
        The account.
    at : str
        When, as ISO 8601.
    """

    verdict: Verdict
    source: str
    key: str
    box: tuple[float, ...]
    who: str
    at: str


def read_decisions(path: Path) -> list[Decision]:
    """Read all decisions, in their order.

    Raises
    ------
    ConfigurationError
        The file holds something else.
    """
    if not path.exists():
        return []
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            found.append(_decision(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                f"Line {number} of {path} is no decision.",
                hint="Put the file back as `bondstore screenlake review` wrote it.",
            ) from error
    return found


def _decision(said: dict[str, Any]) -> Decision:
    box = tuple(float(value) for value in said["box"])
    if said["verdict"] not in get_args(Verdict) or len(box) not in (0, 4):
        raise ValueError(said["verdict"])
    verdict = cast("Verdict", said["verdict"])
    return Decision(verdict, str(said["source"]), str(said["key"]), box, str(said["who"]), str(said["at"]))


def add_decisions(path: Path, decisions: Iterable[Decision]) -> None:
    """Add decisions at the end of the file."""
    lines = "".join(json.dumps(asdict(one)) + "\n" for one in decisions)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(lines)


def by_image(decisions: Sequence[Decision]) -> Mapping[str, Decisions]:
    """Return what must be covered, and what must not, by image."""
    from bondstore.deid.faces import Box
    from bondstore.deid.pictures import Decisions

    last: dict[tuple[str, tuple[float, ...]], Verdict] = {}
    for one in decisions:
        # The last word on a box counts; to confirm one says that what was done with it before is right.
        if one.box and one.verdict != "confirm":
            last[one.source, one.box] = one.verdict
    found: dict[str, Decisions] = {}
    for (source, (x, y, width, height)), verdict in last.items():
        box, known = Box(x, y, width, height, 1.0), found.get(source, Decisions())
        found[source] = (
            Decisions((*known.add, box), known.clear)
            if verdict == "add-box"
            else Decisions(known.add, (*known.clear, box))
        )
    return found


def digests(decisions: Sequence[Decision]) -> Mapping[str, str]:
    """Return, by zip, the digest of the decisions that change what becomes of it; zips without any are left out."""
    said: dict[str, list[str]] = {}
    for one in decisions:
        if one.verdict != "confirm":
            said.setdefault(one.key, []).append(json.dumps([one.verdict, one.source, one.box]))
    return {key: hashlib.sha256("\n".join(lines).encode()).hexdigest() for key, lines in said.items()}
