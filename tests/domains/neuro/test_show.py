"""A look at a recording: identity is found in every kind of place, and never shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from demo.recordings import FORMATS, PLACES, Identity, recording

import bondstore
from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.scrub import Scrub
from bondstore.deid.names import NameFinder
from bondstore.deid.people import read_people
from bondstore.domains.neuro.drawing import LEFT, WIDTH, draw
from bondstore.domains.neuro.page import page_of
from bondstore.domains.neuro.show import Shown, show
from bondstore.errors import ConfigurationError, UsageError
from tests.deid.edf.recordings import Signal, annotations, header, record
from tests.homes import home

__all__ = ["home"]
WHO = Identity("Wilhelmina", "Vosskamp", date(1961, 7, 23), "MRN0456712")
WHERE = {"number": "physical minimum", "signal reserved": "reserved"}


@pytest.fixture(autouse=True)
def _at_home(home: object) -> None:
    """Settings are those of the test's own home."""


def shown(folder: Path, data: bytes, line: str = WHO.line, name: str = "file.edf") -> Shown:
    (folder / name).write_bytes(data)
    (folder / "names.txt").write_text(line)
    return show(folder / name, names=folder / "names.txt")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", FORMATS)
def test_identity_is_found_in_every_kind_of_place(kind: str, place: str, tmp_path: Path) -> None:
    found = shown(tmp_path, recording(kind, WHO, {place}).data)
    assert found.verdict == "identified"
    places = {where for where, _ in found.identity}
    assert places == {WHERE.get(place, place if place in PLACES[:8] else "annotation")}
    page = page_of(found)
    told = [one.text for one in found.annotations] + [found.masked(one.label) for one in found.recording.signals]
    for text in (page, *told):
        assert not any(word in text.casefold() for word in ("vosskamp", "wilhelmina", "0456712", "23-jul-1961"))


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_found_where_nothing_is(kind: str, tmp_path: Path) -> None:
    found = shown(tmp_path, recording(kind, WHO, ()).data)
    assert (found.verdict, found.identity, found.doubtful) == ("nothing-found", {}, 0)
    assert "No identity found" in page_of(found)


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_is_found_in_what_was_cleaned(kind: str, tmp_path: Path) -> None:
    """A subject code of ours in header and name is no record number."""
    rules = Rules("k3f9a2bq", NameFinder(read_people([WHO.line])))
    data = recording(kind, WHO, set(PLACES) - {"record border"}).data
    found = shown(tmp_path, b"".join(map(bytes, Scrub([data], rules))), name="k3f9a2bq_1.edf")
    assert (found.verdict, dict(found.identity), found.code) == ("nothing-found", {}, "k3f9a2bq")
    assert (found.fields[0].before, found.name) == (("subject code",), "k3f9a2bq_1.edf")


def test_header_fields_as_kinds(tmp_path: Path) -> None:
    found = shown(tmp_path, header() + record(0) + record(1), name="Hans Muller 1.edf")
    assert [(one.place, one.before, one.after) for one in found.fields] == [
        ("patient", ("name", "birth-date", "record-number"), ("subject code",)),
        ("recording", ("start date", "name", "record-number"), ("start date",)),
    ]
    assert found.identity["file name", "name"] == 1
    assert found.name == "[name] 1.edf"


def test_text_that_nobody_knows_is_told(tmp_path: Path) -> None:
    """A number alone in the patient field, and equipment in the recording field: neither stays."""
    found = shown(tmp_path, header(patient="??", recording="Startdate 02-MAR-2002 X X Nihon_7") + record(0) + record(1))
    assert ("recording", "other text") in found.identity
    assert any(place == "patient" for place, _ in found.identity)


def test_a_common_word_is_doubtful(tmp_path: Path) -> None:
    lists = [b"+0\x14\x14\0+0.5\x14may sleep\x14\0", b"+1\x14\x14\0+1.5\x14calm\x14\0"]
    data = header(patient="X X X X", recording="Startdate 02-MAR-2002 X X X")
    found = shown(tmp_path, data + b"".join(record(n, one) for n, one in enumerate(lists)), "May, Rose")
    assert (found.verdict, found.doubtful) == ("doubtful", 1)
    assert [one.text for one in found.annotations] == ["[name?] sleep", "calm"]
    assert "<mark>name?</mark> sleep" in page_of(found)


def test_a_line_is_drawn_where_values_are(tmp_path: Path) -> None:
    """Of 40,000 samples in 720 pixels the one peak is drawn, where it is; a flat line is in the middle."""
    signals = (Signal(samples=4000, numbers=("-100", "100", "-100", "100")), Signal("flat", 1), annotations())
    values = np.zeros((10, 4000), "<i2")
    values[5, 2000] = 77
    rows = b"".join(one.tobytes() + bytes(2) + (b"+%d\x14\x14\0" % n).ljust(60, b"\0") for n, one in enumerate(values))
    (tmp_path / "peak.edf").write_bytes(header(signals, records="10") + rows)
    drawing = draw(bondstore.neuro.open(tmp_path / "peak.edf"), 0, 10)
    peak, flat = drawing.lines
    assert (peak.highest, peak.lowest, flat.highest) == ("77", "0", flat.lowest)
    points = [tuple(map(float, one.split(","))) for one in peak.path[1:].split("L")]
    assert len(points) <= 2 * WIDTH + 2
    top = min(y for _, y in points)
    assert {x for x, y in points if y == top} == {LEFT + 0.55 * WIDTH}
    assert [text for _, text in drawing.ticks][:3] == ["0 s", "1 s", "2 s"]


def test_a_gap_is_a_gap(tmp_path: Path) -> None:
    lists = [b"+0\x14\x14\0", b"+5\x14\x14\0"]
    (tmp_path / "gap.edf").write_bytes(header(kind="EDF+D") + b"".join(record(n, one) for n, one in enumerate(lists)))
    drawing = draw(bondstore.neuro.open(tmp_path / "gap.edf"), 0, 10)
    assert [part.count("L") for part in drawing.lines[0].path.split("M")[1:]] == [7, 7]
    assert draw(bondstore.neuro.open(tmp_path / "gap.edf"), 2, 2).lines[0].path == ""


def test_a_hostile_header_does_not_fill_the_memory(tmp_path: Path) -> None:
    for lasts, drawn in (("1e-90", 0), ("1e999", 0), ("-1", 0), ("1", 1)):
        found = shown(tmp_path, header(duration=lasts) + record(0) + record(1))
        assert len(draw(found.recording, 0, 10).lines) == drawn
        assert "<svg" not in page_of(found) or drawn


@pytest.mark.parametrize(
    ("start", "seconds"), [(0, 0), (0, -1), (0, 3601), (-1, 5), (float("inf"), 5), (0, float("nan"))]
)
def test_times_that_cannot_be_drawn(start: float, seconds: float, tmp_path: Path) -> None:
    found = shown(tmp_path, header() + record(0) + record(1))
    with pytest.raises(UsageError, match="can be drawn"):
        page_of(found, start, seconds)


def test_a_list_of_names_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.edf").write_bytes(header() + record(0) + record(1))
    (tmp_path / "latin").write_bytes("Müller".encode("latin-1"))
    for name in ("none", "latin"):
        with pytest.raises(ConfigurationError, match="file of names"):
            show(tmp_path / "a.edf", names=tmp_path / name)
