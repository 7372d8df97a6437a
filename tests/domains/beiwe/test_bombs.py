"""A small object that becomes an enormous one is set aside, in every form, and all else comes out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import zstandard
from demo.study import KEY, STUDY, Shape, make, seal

import bondstore
from bondstore.domains.beiwe.decode import FREE_GROWTH, MOST_GROWTH, MOST_ROWS, Opener
from bondstore.domains.beiwe.layout import parse_key
from bondstore.domains.beiwe.study import Study
from bondstore.errors import DamagedError
from tests.studies import tree

HEADER = b"timestamp,UTC time,accuracy,x,y,z\n"
ROW = b"1704067200123,2024-01-01T00:00:00.123,unknown,1.0,2.0,3.0\n"
BOMB = f"CHUNKED_DATA/{STUDY}/1ab2cd3e/accelerometer/2024-02-01T00:00:00.csv.zst"
SIZE = 16 << 20


def bomb(row: bytes, size: int = SIZE) -> bytes:
    return seal(zstandard.compress(HEADER + row * (size // len(row)), 19))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    for one in make(Shape(participants=1, hours=2, rows=5)):
        path = tmp_path / "bucket" / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.sealed)
    monkeypatch.setenv("LAB_STUDY_KEY", KEY)
    return bondstore.beiwe.open_study((tmp_path / "bucket").as_uri(), STUDY, key="env:LAB_STUDY_KEY")


@pytest.mark.parametrize("row", [ROW, b"1\n", b"\n", b"," * 99 + b"\n"])
@pytest.mark.parametrize("form", ["original", "forest", "csv", "parquet"])
def test_the_same_bound_in_every_form(study: Study, tmp_path: Path, form: str, row: bytes) -> None:
    assert study.export(tmp_path / "before", form=form).tally.complete
    path = tmp_path / "bucket" / BOMB
    path.write_bytes(bomb(row))
    result = study.export(tmp_path / "out", form=form)
    assert result.tally.objects()["quarantined"] == 1
    assert tree(tmp_path / "out") == tree(tmp_path / "before")
    (kept,) = [one for one in (tmp_path / "out/.bondstore/quarantine").rglob("*") if one.is_file()]
    assert kept.read_bytes() == path.read_bytes()
    with pytest.raises(DamagedError):
        study.read(BOMB)
    with pytest.raises(DamagedError):
        study.read_bytes(BOMB)


@pytest.mark.parametrize(
    "sealed", [bomb(ROW), bomb(ROW * 1000), seal(zstandard.compress(HEADER) + zstandard.compress(ROW * 30_000) * 40)]
)
def test_in_one_piece_and_as_a_stream(sealed: bytes) -> None:
    opener, obj = Opener(KEY.encode()), parse_key(STUDY, BOMB)
    assert len(sealed) * MOST_GROWTH < SIZE
    for act in (opener.open, opener.salvage, lambda obj, data: list(opener.open_stream(obj, [data]))):
        with pytest.raises(DamagedError) as caught:
            act(obj, sealed)
        assert caught.value.kind == "too-large"


def test_what_grows_little_is_opened() -> None:
    obj = parse_key(STUDY, BOMB)
    short = seal(zstandard.compress(HEADER + ROW * (FREE_GROWTH // len(ROW) - 1)))
    assert Opener(KEY.encode()).open(obj, short).plain.count(b"\n") == FREE_GROWTH // len(ROW)


def test_too_many_rows_though_they_are_not_compressed() -> None:
    obj, opener = parse_key(STUDY, BOMB), Opener(KEY.encode())
    sealed = seal(HEADER + b"1\n" * MOST_ROWS)
    with pytest.raises(DamagedError, match="rows"):
        opener.open(obj, sealed)
    with pytest.raises(DamagedError, match="rows"):
        list(opener.open_stream(obj, [sealed]))


def test_too_many_rows_of_what_can_be_salvaged() -> None:
    obj, opener = parse_key(STUDY, BOMB), Opener(KEY.encode())
    digits = np.random.default_rng(1).integers(48, 58, MOST_ROWS + 200_000, np.uint8)
    packed = zstandard.compress(HEADER + np.column_stack([digits, np.full_like(digits, 10)]).tobytes())
    for one in (packed, packed[:-9]):
        with pytest.raises(DamagedError, match="rows"):
            opener.salvage(obj, seal(one))


def test_media_may_be_silent_but_not_for_ever() -> None:
    obj, opener = parse_key(STUDY, f"{STUDY}/1ab2cd3e/voiceRecording/s/1704067200000.wav.zst"), Opener(KEY.encode())
    start = b"RIFF\x00\x00\x00\x04WAVEfmt "
    assert len(opener.open(obj, seal(zstandard.compress(start + bytes(50 << 20)))).plain) > 50 << 20
    with pytest.raises(DamagedError):
        list(opener.open_stream(obj, [seal(zstandard.compress(start + bytes(80 << 20)))]))
