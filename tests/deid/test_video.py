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

from bondstore.deid.video import VideoCopy, container_of, copy_video, made_at
from bondstore.errors import DamagedError, MissingExtraError, TransientStoreError

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


def made(path: Path, frames: int = 10, made_on: str = MADE) -> Path:
    """Write a video with a name in each place that its container has."""
    container, pictures, sounds = CONTAINERS[path.suffix[1:]]
    name = WORD.decode()
    with av.open(str(path), "w", format=container) as video:
        tags = {"title": name, "comment": name, "artist": name, "creation_time": made_on, "service_name": name}
        video.metadata.update(tags)
        film: Any = video.add_stream(pictures, rate=5)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        film.metadata.update({"title": name, "handler_name": name})
        sound: Any = video.add_stream(sounds, rate=8000, layout="mono") if sounds else None
        part = {"id": 1, "start": 0, "end": 900, "time_base": Fraction(1, 1000), "metadata": {"title": name}}
        video.set_chapters([part])  # type: ignore[list-item]
        if container == "matroska":
            video.add_attachment(f"{name}.txt", "text/plain", WORD)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 20 % 256, np.uint8))
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


def copied(content: bytes, target: Path) -> VideoCopy:
    with target.open("w+b") as file:
        return copy_video(io.BytesIO(content), file)


def shown(path: Path) -> list[str]:
    """Return checksums of the pictures as they are seen."""
    with av.open(str(path)) as video:
        return [hashlib.sha256(one.to_ndarray().tobytes()).hexdigest() for one in video.decode(video=0)]


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
    done = copied(source.read_bytes(), target)
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
            copied(content, tmp_path / "b.avi")
        assert (tmp_path / "b.avi").read_bytes() == b""


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_video_cut_anywhere_is_copied_or_refused_and_never_ends_the_program(ending: str, tmp_path: Path) -> None:
    whole = made(tmp_path / f"a.{ending}").read_bytes()
    for size in range(0, len(whole), max(len(whole) // 25, 1)):
        try:
            copied(whole[:size], tmp_path / "b")
        except DamagedError:
            continue
        assert WORD not in (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("ending", ["avi", "mkv", "wmv"])
def test_a_video_that_ends_before_its_container_says_is_told(ending: str, tmp_path: Path) -> None:
    whole = made(tmp_path / f"a.{ending}", frames=60).read_bytes()
    assert not copied(whole, tmp_path / "b").is_cut
    assert copied(whole[: len(whole) // 2], tmp_path / "b").is_cut


def test_a_film_of_which_less_is_there_than_an_mp4_lists(tmp_path: Path) -> None:
    """Its list stands before the film, as recorders that stream write it."""
    with av.open(str(tmp_path / "a.mp4"), "w", format="mp4", container_options={"movflags": "faststart"}) as video:
        film: Any = video.add_stream("mpeg4", rate=5)
        film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
        for number in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 4, np.uint8))
            frame.pts = number
            video.mux(film.encode(frame))
        video.mux(film.encode(None))
    whole = (tmp_path / "a.mp4").read_bytes()
    assert not copied(whole, tmp_path / "b").is_cut
    assert copied(whole[: len(whole) - (len(whole) - whole.index(b"mdat")) // 2], tmp_path / "b").is_cut


@pytest.mark.parametrize(("before", "codec"), [(b"WMV2", b"WMV3"), (b"WMV2", b"WVC1")])
def test_what_can_be_played_and_not_made_is_copied(before: bytes, codec: bytes, tmp_path: Path) -> None:
    content = made(tmp_path / "a.wmv").read_bytes().replace(before, codec)
    done = copied(content, tmp_path / "b.wmv")
    assert codec in (tmp_path / "b.wmv").read_bytes()
    assert done.content_in == done.content_out


def test_a_codec_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    content = made(tmp_path / "a.avi").read_bytes().replace(b"FMP4", b"ZZZZ")
    with pytest.raises(DamagedError):
        copied(content, tmp_path / "b.avi")


class Failing(io.BytesIO):
    """A source that cannot be read from some byte on, whoever asks, and whose error has a name."""

    def __init__(self, content: bytes, at: int, error: type[BaseException]) -> None:
        super().__init__(content)
        self.at, self.error = at, error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() + (size or 0) > self.at:
            raise self.error(WORD.decode())
        return super().read(size)


@pytest.mark.parametrize("error", [KeyboardInterrupt, TransientStoreError, MemoryError])
@pytest.mark.parametrize("ending", CONTAINERS)
def test_what_reading_raises_is_raised_and_printed_by_nobody(
    ending: str, error: type[BaseException], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """PyAV prints a second one, and goes on after it with what it has."""
    content = made(tmp_path / f"a.{ending}", frames=60).read_bytes()
    for part in (0.2, 0.5, 0.9):
        source = Failing(content, int(len(content) * part), error)
        with (tmp_path / "b").open("w+b") as target, pytest.raises(error, match=WORD.decode()):
            copy_video(source, target)
    with pytest.raises(error):
        made_at(Failing(content, 300, error))
    assert WORD.decode() not in "".join(capfd.readouterr())


def test_a_full_disk_is_no_damaged_video(tmp_path: Path) -> None:
    source = made(tmp_path / "a.avi").read_bytes()

    class Full(io.BytesIO):
        def write(self, _: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="space") as caught:
        copy_video(io.BytesIO(source), Full())
    assert caught.value.errno == errno.ENOSPC


def test_a_moment_that_no_calendar_has_is_none(tmp_path: Path) -> None:
    with made(tmp_path / "a.mkv", made_on="0001-01-01T00:00:00+05:00").open("rb") as file:
        assert made_at(file) is None


def test_without_the_library_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = made(tmp_path / "a.avi")
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtraError) as caught:
        copied(source.read_bytes(), tmp_path / "b.avi")
    assert caught.value.hint is not None
    assert "bondstore[video]" in caught.value.hint


@pytest.mark.parametrize("start", [b"", b"RIFF1234WAVE", b"PK\3\4", b"GG", b"#EXTM3U" * 40])
def test_what_is_no_video(start: bytes) -> None:
    assert container_of(start) is None
