"""The synthetic hospital: what is said to be planted is there, and other programs open its files."""

from __future__ import annotations

import warnings
from collections import Counter
from pathlib import Path

import edfio
import mne
import numpy as np
import pyedflib
import pytest
from demo.recordings import FORMATS, PLACES, TIDY, recording

from bondstore.domains.neuro.kinds import Kind, kind_of
from demo import hospital

AOIFE = hospital.PATIENTS[3]
FILES = list(hospital.make())


def test_the_same_call_makes_the_same_bytes() -> None:
    assert list(hospital.make()) == FILES
    assert list(hospital.make(hospital.Shape(seed=14))) != FILES


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_has_a_name_in_each_of_14_kinds_of_place(kind: str) -> None:
    for who in hospital.PATIENTS:
        made = recording(kind, who)
        assert Counter(one.place for one in made.planted) == Counter(PLACES)
        assert len(PLACES) == 14
        for one in made.planted:
            assert one.text.encode() in made.data or one.place == "record border"
        assert who.surname.encode() not in recording(kind, who, ()).data
        assert who.surname.encode() not in recording(kind, who, ("record border",)).data


@pytest.mark.parametrize("kind", FORMATS)
def test_other_programs_open_the_tidy_ones_and_read_equal_samples(kind: str, tmp_path: Path) -> None:
    made = recording(kind, AOIFE, TIDY)
    path = tmp_path / f"one.{kind[:3].lower()}"
    path.write_bytes(made.data)
    own = edfio.read_bdf(path) if kind.startswith("BDF") else edfio.read_edf(path)
    assert len(own.signals) == 3
    wanted = own.signals[1].digital
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = mne.io.read_raw_bdf if kind.startswith("BDF") else mne.io.read_raw_edf
        raw = read(path, preload=True, verbose="error")
    assert raw.info["sfreq"] == 32
    if kind != "EDF+D":
        with pyedflib.EdfReader(str(path)) as reader:
            assert np.array_equal(reader.readSignal(1, digital=True), wanted)
    texts = {one.text for one in made.planted if "annotation" in one.place}
    if "+" in kind:
        assert all(any(text in one.text for one in own.annotations) for text in texts)


def test_the_tree_has_what_goes_wrong_by_renaming() -> None:
    kinds = Counter(kind_of(one.key) for one in FILES)
    assert kinds[Kind.RECORDING] == 6 * 5 + 2 * hospital.CLASHES
    assert kinds[Kind.NOTES] == 12
    assert {Kind.NATUS, Kind.NIHON_KOHDEN, Kind.PERSYST, Kind.DOCUMENT} <= set(kinds)
    assert len({one.key.casefold() for one in FILES}) == len(FILES)
    days = {Path(one.key).parent for one in FILES if one.kind == "video" and Path(one.key).parent.name[-3:-1] == "_1"}
    assert len(days) == hospital.DAYS
    assert len({one.data for one in FILES if one.kind == "recording"}) == kinds[Kind.RECORDING]


def test_names_are_in_paths_notes_and_companions() -> None:
    for one in FILES:
        assert one.who.surname in one.key
        if one.kind in ("notes", "companion"):
            assert any(
                planted.text.encode(encoding) in one.data
                for planted in one.planted
                for encoding in ("utf-8", "utf-16-le")
            )


def test_the_video_is_one() -> None:
    """Its chunks are followed as the format has them."""
    one = next(one for one in FILES if one.kind == "video")
    assert [(name, kind) for name, kind, _ in _chunks(one.data)] == [(b"RIFF", b"AVI ")]
    inside = _chunks(one.data[12:])
    assert [(name, kind) for name, kind, _ in inside[:3]] == [
        (b"LIST", b"hdrl"),
        (b"LIST", b"INFO"),
        (b"LIST", b"movi"),
    ]
    assert [name for name, _, _ in _chunks(inside[2][2])] == [b"00db"] * 5
    tags = {name: content.rstrip(b"\0") for name, _, content in _chunks(inside[1][2])}
    assert one.planted[0].text.encode().endswith(tags[b"INAM"])


def _chunks(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Return name, kind and content of each chunk, side by side."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        assert at + 8 + size <= len(data)
        found.append((data[at : at + 4], data[at + 8 : at + 12], data[at + 12 : at + 8 + size]))
        at += 8 + size + size % 2
    return found


def test_it_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    hospital.write(FILES, tmp_path)
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == len(FILES)
    assert len(hospital.names_of().splitlines()) == 6
