"""A folder whose files have other names now: nothing is written there, nothing leaves it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bondstore.errors import IntegrityError, PolicyError
from bondstore.runs.renamed import NAME, Renamed, refuse_renamed, refuse_renamed_source, renamed
from bondstore.stores.address import store_spec

NOTE = Renamed("bondstore toys rename DEST --back", b"\0sealed")


@pytest.fixture
def corner(tmp_path: Path) -> Path:
    place = tmp_path / "a folder/.bondstore"
    place.mkdir(parents=True)
    (place / NAME).write_bytes(NOTE.to_json())
    return place


def test_the_note_is_read_as_it_was_written(corner: Path, tmp_path: Path) -> None:
    assert renamed(corner) == NOTE
    assert renamed(tmp_path) is None
    assert renamed(tmp_path / ("long" * 100)) is None


def test_the_hint_can_be_pasted(corner: Path) -> None:
    with pytest.raises(PolicyError) as told:
        refuse_renamed(corner, str(corner.parent))
    assert told.value.hint is not None
    assert told.value.hint.endswith(f"bondstore toys rename '{corner.parent}' --back")


def test_neither_the_folder_nor_one_inside_it_is_a_source(corner: Path, tmp_path: Path) -> None:
    (corner.parent / "inside/deep").mkdir(parents=True)
    for one in (corner.parent, corner.parent / "inside/deep"):
        with pytest.raises(PolicyError):
            refuse_renamed_source(store_spec(one))
    refuse_renamed_source(store_spec(tmp_path))
    refuse_renamed_source(store_spec("memory://somewhere"))


def test_a_corner_that_only_its_owner_may_open_keeps_nobody_from_reading(corner: Path) -> None:
    spec = store_spec(corner.parent)
    corner.chmod(0)
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        refuse_renamed_source(spec)
    finally:
        os.seteuid(was)
        corner.chmod(0o700)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"back": "x", "sealed": "no digits"}', b"\xff"])
def test_a_damaged_note_is_told(corner: Path, content: bytes) -> None:
    (corner / NAME).write_bytes(content)
    with pytest.raises(IntegrityError, match="damaged"):
        renamed(corner)
