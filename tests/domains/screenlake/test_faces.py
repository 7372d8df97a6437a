"""Faces on screenshots, from the zip to the file: covered, told where, and withheld where that cannot be done."""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from demo.phones import Shape
from PIL import Image

from bondstore.deid.faces import Box
from bondstore.deid.faces.weights import CENTERFACE_SHA256
from bondstore.domains.screenlake import question
from bondstore.domains.screenlake.handling import Handling
from bondstore.ledger import State
from bondstore.runs.folder_destination import FolderDestination
from tests.phonelab import PhoneLab

SIZE = (360, 780)


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    from skimage import data

    return Image.fromarray(data.astronaut())


@pytest.fixture
def faces(lab: PhoneLab, astronaut: Image.Image) -> PhoneLab:
    """Two zips of screenshots, a face on each."""

    def paste(picture: Image.Image, rng: random.Random) -> tuple[tuple[float, float, float, float]]:
        wide = rng.randint(150, 300)
        small = astronaut.resize((wide, wide), Image.Resampling.LANCZOS)
        x, y = rng.randint(0, SIZE[0] - wide), rng.randint(0, SIZE[1] - wide)
        picture.paste(small, (x, y))
        scale = wide / astronaut.width
        left, top, right, bottom = (180 * scale, 60 * scale, 270 * scale, 190 * scale)
        return ((x + left, y + top, right - left, bottom - top),)

    lab.fill(Shape(panelists=1, zips=2, screenshots=2, size=SIZE, paste=paste))
    return lab


def test_every_face_is_one_solid_box_and_the_rest_is_as_it_was(faces: PhoneLab) -> None:
    result = faces.run(Handling(effort="fast"))
    assert result.tally.complete
    panelist = next(iter(faces.results().values()))
    truth = {image.name: image.faces for phone in faces.phones.values() for image in phone.images}
    lines = {line["image"]: line for line in panelist.redactions}
    assert lines.keys() == truth.keys() == panelist.images.keys()
    for name, data in panelist.images.items():
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L"))
        for x, y, width, height in truth[name]:
            inner = pixels[
                int(y + height * 0.25) : int(y + height * 0.75), int(x + width * 0.25) : int(x + width * 0.75)
            ]
            assert inner.max() < 30, "the middle of the face is black"
        line = lines[name]
        assert line["outcome"] == "redacted"
        assert line["looks"] >= 2, "what was written was looked at again"
        assert line["boxes"]
        assert all(0 < box["score"] <= 1 for box in line["boxes"])
        assert line["model"] == CENTERFACE_SHA256
        assert len(line["detector"]) == len(line["sha256_before"]) == len(line["sha256_after"]) == 64
        assert (line["width"], line["height"]) == SIZE


class Ghost:
    """A detector that finds something new at every look."""

    digest = "ghost"
    weights = "of a ghost"
    threshold = 0.5

    def __init__(self) -> None:
        self.looks = 0

    def find(self, pixels: Any) -> list[Box]:
        self.looks += 1
        height, width = pixels.shape[:2]
        return [Box(0, 0, 40, 40, 0.9) if self.looks % 2 else Box(width - 42, height - 42, 40, 40, 0.9)]


def test_an_image_in_which_a_face_stays_is_withheld_named_and_gone(
    faces: PhoneLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    faces.run()
    panelist = next(iter(faces.results().values()))
    assert len(panelist.images) == 4

    ghost = Ghost()
    monkeypatch.setattr(question, "open_detector", lambda *_: ghost)
    monkeypatch.setattr("bondstore.deid.pictures.ROUNDS", 1)
    result = faces.run(Handling())
    withheld = [line for line in panelist.redactions if line["outcome"] == "face-stays"]
    assert withheld
    assert result.tally.quarantined.objects == len({line["zip"] for line in withheld})
    assert len(panelist.images) == 4 - len(withheld), "what an earlier run let out is gone"
    assert all(line["image"] is None for line in withheld)
    rows = panelist.rows("screenshot_data")
    assert [row["image"] for row in rows].count("(withheld: face-stays)") == len(withheld)
    with FolderDestination(faces.dest).ledger(create=False) as ledger:
        states = {item.state for item in ledger.items.in_state("screenlake.process:q", State.QUARANTINED)}
        assert states == {State.QUARANTINED}
        assert {one.kind for one in ledger.findings.walk()} >= {"face-stays"}


def test_an_image_that_cannot_be_looked_at_is_not_copied(faces: PhoneLab, monkeypatch: pytest.MonkeyPatch) -> None:
    from bondstore.errors import BondstoreError

    class Blind(Ghost):
        def find(self, pixels: Any) -> list[Box]:
            raise BondstoreError("The detector failed.")

    monkeypatch.setattr(question, "open_detector", lambda *_: Blind())
    result = faces.run(Handling())
    panelist = next(iter(faces.results().values()))
    assert panelist.images == {}
    assert {line["outcome"] for line in panelist.redactions} == {"could-not-look"}
    assert result.tally.quarantined.objects == 2
    assert panelist.rows("screenshot_data"), "rows come out all the same"


def test_no_image_lies_uncovered_on_the_disk_at_any_time(faces: PhoneLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file that is ever written below the destination, seen when it is written."""
    from bondstore.runs.durable import OutputGroup

    seen: list[bytes] = []
    write = OutputGroup.write

    def spy(self: OutputGroup, path: str, chunks: Any, mtime_ns: int | None = None) -> Any:
        held = [bytes(chunk) for chunk in chunks]
        seen.append(b"".join(held))
        return write(self, path, held, mtime_ns)

    monkeypatch.setattr(OutputGroup, "write", spy)
    faces.run(Handling(effort="fast"))
    originals = {image.digest for phone in faces.phones.values() for image in phone.images}
    assert len([data for data in seen if data[:2] == b"\xff\xd8"]) == 4
    assert not originals & {hashlib.sha256(data).hexdigest() for data in seen}
    assert not originals & {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in Path(faces.dest).rglob("*") if path.is_file()
    }
