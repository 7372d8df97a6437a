"""Video is copied without what its container says; its coded pictures and sounds are the same bytes."""

from __future__ import annotations

import errno
import hashlib
import io
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from bondstore.deid.video import container_of, copy_video, made_at
from bondstore.errors import DamagedError, MissingExtraError

WORD = b"Wilhelmina"
MADE = "2019-03-04T10:20:30.000000Z"
CONTAINERS = {
    "avi": ("avi", "mpeg4", "pcm_s16le"),
    "mp4": ("mp4", "mpeg4", "aac"),
    "mov": ("mov", "mpeg4", "pcm_s16le"),
    "mkv": ("matroska", "mpeg4", "aac"),
    "ts": ("mpegts", "mpeg2video", None),
    "mpg": ("vob", "mpeg2video", None),
    "wmv": ("asf", "wmv2", None),
}


def made(path: Path) -> Path:
    """Write a video with a name in each place that its container has."""
    container, pictures, sounds = CONTAINERS[path.suffix[1:]]
    name = WORD.decode()
    with av.open(str(path), "w", format=container) as video:
        tags = {"title": name, "comment": name, "artist": name, "creation_time": MADE, "service_name": name}
        video.metadata.update(tags)
        film: Any = video.add_stream(pictures, rate=5)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        film.metadata.update({"title": name, "handler_name": name})
        sound: Any = video.add_stream(sounds, rate=8000, layout="mono") if sounds else None
        part = {"id": 1, "start": 0, "end": 900, "time_base": Fraction(1, 1000), "metadata": {"title": name}}
        video.set_chapters([part])  # type: ignore[list-item]
        if container == "matroska":
            video.add_attachment(f"{name}.txt", "text/plain", WORD)
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 20, np.uint8))
            frame.pts = number
            video.mux(film.encode(frame))
            if sound:
                heard = av.AudioFrame.from_ndarray(np.full((1, 1600), number, np.int16), format="s16", layout="mono")
                heard.sample_rate, heard.pts = 8000, number * 1600
                video.mux(sound.encode(heard))
        video.mux(film.encode(None))
        if sound:
            video.mux(sound.encode(None))
    return path


def shown(path: Path) -> list[str]:
    """Return checksums of the pictures as they are seen."""
    with av.open(str(path)) as video:
        return [hashlib.sha256(one.to_ndarray()).hexdigest() for one in video.decode(video=0)]


def told(path: Path) -> list[Any]:
    """Return all that a container says."""
    with av.open(str(path)) as video:
        streams = [dict(one.metadata) for one in video.streams]
        return [dict(video.metadata), video.chapters(), streams, [one.type for one in video.streams]]


@pytest.mark.parametrize("ending", CONTAINERS)
def test_of_a_name_in_each_place_nothing_is_left_and_each_picture_is_the_same(ending: str, tmp_path: Path) -> None:
    source, target = made(tmp_path / f"a.{ending}"), tmp_path / f"b.{ending}"
    wide = WORD.decode().encode("utf-16-le")
    before = source.read_bytes()
    assert WORD in before or wide in before or ending == "mpg"
    with source.open("rb") as file:
        done = copy_video(file, target)
    after = target.read_bytes()
    assert WORD not in after
    assert wide not in after
    assert b"Lavf6" not in after, "the version of the library"
    assert shown(target) == shown(source)
    assert len(shown(target)) == 10
    said = told(target)
    assert WORD.decode() not in str(said)
    assert said[1] == []
    assert said[3] == ["video", "audio"][: len(said[3])]
    assert done.content_in == done.content_out
    assert source.read_bytes() == before
    if ending == "mkv":
        assert done.removed["stream", "attachment"] == 1
    if ending in ("mkv", "mp4", "mov", "wmv"):
        assert done.removed["container", "chapter"] == 1


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv"])
def test_the_moment_that_a_container_says_it_began(ending: str, tmp_path: Path) -> None:
    with made(tmp_path / f"a.{ending}").open("rb") as file:
        assert made_at(file) == datetime(2019, 3, 4, 10, 20, 30)


def test_a_container_that_says_none(tmp_path: Path) -> None:
    with made(tmp_path / "a.ts").open("rb") as file:
        assert made_at(file) is None


def test_a_playlist_under_a_videos_name_opens_nothing(tmp_path: Path) -> None:
    """FFmpeg would open what it names."""
    (tmp_path / "secret.ts").write_bytes(made(tmp_path / "a.ts").read_bytes())
    listed = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{tmp_path}/secret.ts\n#EXT-X-ENDLIST\n"
    for content in (listed.encode(), f"ffconcat version 1.0\nfile {tmp_path}/secret.ts\n".encode()):
        with pytest.raises(DamagedError):
            copy_video(io.BytesIO(content), tmp_path / "b.avi")
        assert not (tmp_path / "b.avi").exists()


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_video_cut_anywhere_is_copied_or_refused_and_never_ends_the_program(ending: str, tmp_path: Path) -> None:
    whole = made(tmp_path / f"a.{ending}").read_bytes()
    for size in range(0, len(whole), max(len(whole) // 25, 1)):
        try:
            copy_video(io.BytesIO(whole[:size]), tmp_path / "b")
        except DamagedError:
            continue
        assert WORD not in (tmp_path / "b").read_bytes()


def test_a_full_disk_is_no_damaged_video(tmp_path: Path) -> None:
    with made(tmp_path / "a.avi").open("rb") as file, pytest.raises(OSError, match="space") as caught:
        copy_video(file, Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(tmp_path / "a.avi")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with source.open("rb") as file, pytest.raises(MissingExtraError) as caught:
        copy_video(file, tmp_path / "b.avi")
    assert caught.value.hint is not None
    assert "bondstore[video]" in caught.value.hint


@pytest.mark.parametrize("start", [b"", b"RIFF1234WAVE", b"PK\3\4", b"GG", b"#EXTM3U" * 40])
def test_what_is_no_video(start: bytes) -> None:
    assert container_of(start) is None
