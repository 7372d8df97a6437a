"""Faces in videos are covered picture by picture; all else about the video stays as it is."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from benchmarks.faces_films import MOVES, coded, decoded, film, results
from benchmarks.faces_sources import PEOPLE
from PIL import Image

from bondstore.deid.faces import Box, open_detector
from bondstore.deid.tracks import BACK, HELD, STAYS, Tracks
from bondstore.deid.video import VideoCopy, copy_video
from bondstore.deid.videofaces import TURNS
from bondstore.errors import DamagedError, MissingExtraError
from tests.deid.test_video import CONTAINERS, WORD

HEIGHT, WIDTH = 96, 128
FACE = Box(40.0, 30.0, 32.0, 36.0, 0.9)
INSIDE = (slice(30, 66), slice(40, 72))
"""The face, as rows and columns."""
OLD = {"mpg": "mpeg2video", "wmv": "msmpeg4", "avi": "mpeg4"}
"""Containers that do not say of each picture of H.264 when it is shown, and what they get."""


@dataclass
class Sees:
    """A detector that answers what it is told, one answer a look; the last one again and again."""

    answers: list[list[Box]]
    digest: str = ""
    weights: str = ""
    threshold: float = 0.3
    streams: int = 1
    looks: list[tuple[int, ...]] = field(default_factory=list)

    def find(self, pixels: np.ndarray) -> list[Box]:
        turns = TURNS[len(self.looks) // self.streams % len(TURNS)]
        self.looks.append(pixels.shape)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [turned(one, turns, pixels.shape) for one in answer]


def turned(box: Box, turns: int, shape: tuple[int, ...]) -> Box:
    """Return where a box is in a picture that was turned by quarters, and has that shape now."""
    upright = np.zeros(shape[:2] if turns % 2 == 0 else shape[1::-1], bool)
    upright[round(box.y) : round(box.y + box.height), round(box.x) : round(box.x + box.width)] = True
    rows, columns = (np.flatnonzero(np.rot90(upright, turns).any(axis=axis)) for axis in (1, 0))
    return Box(columns[0], rows[0], len(columns), len(rows), box.score)


@cache
def scene() -> np.ndarray:
    """A picture in which no two places are alike."""
    small = np.random.default_rng(5).integers(60, 230, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def written(
    path: Path,
    codec: str = "mpeg4",
    form: str = "yuv420p",
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    moments: Sequence[int] = range(10),
    sounds: str | None = None,
    streams: int = 1,
    options: dict[str, str] | None = None,
    rate: int | Fraction = 5,
    change: Callable[[Any], None] = lambda _: None,
) -> Path:
    """Write the scene as a video of so many pictures, five a second."""
    container = CONTAINERS[path.suffix[1:]][0]
    image = np.asarray(Image.fromarray(scene()).resize(size))
    with av.open(str(path), "w", format=container) as video:
        films: list[Any] = [video.add_stream(codec, rate=rate, options=options or {}) for _ in range(streams)]
        for one in films:
            one.width, one.height, one.pix_fmt = *size, form
            one.codec_context.bit_rate = 4_000_000
            change(one)
        sound: Any = video.add_stream(sounds, rate=8000, layout="mono") if sounds else None
        for number, at in enumerate(moments):
            for one in films:
                frame = av.VideoFrame.from_ndarray(image).reformat(format=form)
                frame.pts = at
                video.mux(one.encode(frame))
            if sound:
                heard = av.AudioFrame.from_ndarray(np.full((1, 1600), number, np.int16), format="s16", layout="mono")
                heard.sample_rate, heard.pts = 8000, number * 1600
                video.mux(sound.encode(heard))
        for one in (*films, *filter(None, [sound])):
            video.mux(one.encode(None))
    return path


def covered(source: Path, detector: Any = None) -> tuple[Path, VideoCopy]:
    target = source.with_name(f"covered{source.suffix}")
    with source.open("rb") as old, target.open("w+b") as new:
        return target, copy_video(old, new, detector or Sees([[FACE]]))


def shown(path: Path, stream: int = 0) -> list[np.ndarray]:
    with av.open(str(path)) as video:
        return [one.to_ndarray(format="rgb24") for one in video.decode(video=stream)]


def moments(path: Path) -> list[float]:
    """Return when each picture is shown, in seconds after the first."""
    with av.open(str(path)) as video:
        told = [float(one.pts * one.time_base) for one in video.decode(video=0)]
    return [one - told[0] for one in told]


def starts(path: Path) -> dict[str, float]:
    """Return when pictures and sound begin, in seconds."""
    with av.open(str(path)) as video:
        return {one.type: float((one.start_time or 0) * one.time_base) for one in video.streams}


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as video:
        return [bytes(one) for one in video.demux() if one.size and one.stream.type == kind]


def check(source: Path, target: Path, *, near: float = 5.0, stream: int = 0) -> None:
    """The face is flat in all pictures, and what is far from it is near the original."""
    before, after = shown(source, stream), shown(target, stream)
    assert len(before) == len(after) > 0
    for one, other in zip(before, after, strict=True):
        assert one.shape == other.shape
        assert other[INSIDE].max() <= 24
        assert other[INSIDE].std() <= 3
        far = np.abs(one.astype(int) - other)[:, 88:]
        assert far.mean() <= near, far.mean()


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_face_is_flat_in_all_pictures_and_all_else_is_as_it_was(ending: str, tmp_path: Path) -> None:
    _, codec, sounds = CONTAINERS[ending]
    rate = {"ts": 25, "mpg": 25}.get(ending, 5)
    source = written(tmp_path / f"a.{ending}", codec, sounds=sounds, rate=rate)
    target, done = covered(source)
    check(source, target)
    assert starts(target) == pytest.approx(starts(source), abs=2e-3)
    assert moments(target) == pytest.approx(moments(source), abs=2e-3)
    assert packets(target, "audio") == packets(source, "audio")
    assert done.covered is not None
    assert (done.covered.pictures, done.covered.with_covers, done.covered.lost) == (len(shown(source)),) * 2 + (0,)
    assert done.content_in != done.content_out
    assert b"Lavf6" not in target.read_bytes()
    with av.open(str(target)) as video:
        assert video.streams.video[0].codec_context.name == OLD.get(ending, "h264")
        assert video.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert video.streams.video[0].average_rate == av.open(str(source)).streams.video[0].average_rate


@pytest.mark.parametrize(
    ("codec", "form", "size"),
    [
        ("ffv1", "yuv422p10le", (WIDTH, HEIGHT)),
        ("ffv1", "yuv420p16le", (WIDTH, HEIGHT)),
        ("ffv1", "gray", (WIDTH, HEIGHT)),
        ("ffv1", "gray16le", (WIDTH, HEIGHT)),
        ("ffv1", "bgr0", (WIDTH, HEIGHT)),
        ("ffv1", "yuv410p", (WIDTH, HEIGHT)),
        ("ffv1", "yuva420p", (WIDTH, HEIGHT)),
        ("ffv1", "yuv444p", (WIDTH - 1, HEIGHT - 1)),
        ("ffv1", "yuv420p", (WIDTH - 1, HEIGHT)),
        ("mjpeg", "yuvj422p", (WIDTH, HEIGHT)),
        ("mjpeg", "yuvj420p", (WIDTH, HEIGHT - 1)),
        ("libvpx-vp9", "yuv420p", (WIDTH, HEIGHT)),
    ],
)
def test_pictures_of_any_form(codec: str, form: str, size: tuple[int, int], tmp_path: Path) -> None:
    source = written(tmp_path / "a.mkv", codec, form, size=size)
    target, _ = covered(source)
    check(source, target)
    assert shown(target)[0].shape[:2] == size[::-1]


@pytest.mark.parametrize("ending", ["avi", "wmv", "mpg"])
def test_odd_sizes_in_old_containers(ending: str, tmp_path: Path) -> None:
    size = (WIDTH - 1, HEIGHT - 1)
    source = written(tmp_path / f"a.{ending}", OLD[ending], size=size, rate=25)
    target, _ = covered(source)
    check(source, target)


@pytest.mark.parametrize(
    "rate", [Fraction(1_000_000, 33_333), Fraction(73, 10), Fraction(30_000, 1001), Fraction(1, 2)]
)
@pytest.mark.parametrize(
    ("ending", "codec", "form"),
    [
        ("avi", "huffyuv", "yuv422p"),
        ("wmv", "msmpeg4", "yuv420p"),
        ("mpg", "mpeg2video", "yuv420p"),
        ("mp4", "libx264", "yuv420p"),
        ("mkv", "libx264", "yuv420p"),
    ],
)
def test_any_rate(ending: str, codec: str, form: str, rate: Fraction, tmp_path: Path) -> None:
    """Encoders know rates in 16 bits, and MPEG-2 a few alone."""
    source = written(tmp_path / f"a.{ending}", codec, form, rate=rate, options={"strict": "experimental"})
    target, _ = covered(source)
    check(source, target)
    assert moments(target) == pytest.approx(
        moments(source), abs=1e-2
    )  # an MPEG program stream has few moments, and readers count on


@pytest.mark.parametrize(
    ("ending", "codec"), [("mp4", "libx264"), ("mkv", "libx264"), ("ts", "mpeg2video"), ("mkv", "libx265")]
)
def test_pictures_that_are_not_in_order_in_the_original(ending: str, codec: str, tmp_path: Path) -> None:
    source = written(tmp_path / f"a.{ending}", codec, moments=range(30), options={"bf": "3"}, rate=25)
    target, _ = covered(source)
    check(source, target)
    assert moments(target) == pytest.approx(moments(source), abs=1e-6)


def test_pictures_that_say_they_are_huge_are_refused(tmp_path: Path) -> None:
    """Height and width stand behind the mark of a JPEG's frame (ITU-T T.81, B.2.2), in each picture."""
    content = written(tmp_path / "a.mkv", "mjpeg", "yuvj420p").read_bytes()
    said = HEIGHT.to_bytes(2, "big") + WIDTH.to_bytes(2, "big")
    assert content.count(b"\x08" + said) == 10
    huge = (20_000).to_bytes(2, "big") * 2
    (tmp_path / "b.mkv").write_bytes(content.replace(b"\x08" + said, b"\x08" + huge))
    with pytest.raises(DamagedError):
        covered(tmp_path / "b.mkv")


def test_moments_that_are_not_even_stay(tmp_path: Path) -> None:
    at = [0, 1, 2, 7, 8, 30, 31, 90]
    for ending in ("mp4", "mkv", "mov"):
        source = written(tmp_path / f"a.{ending}", moments=at)
        target, _ = covered(source)
        assert moments(target) == pytest.approx([one / 5 for one in at], abs=1e-3)
        assert moments(target) == moments(source)
        check(source, target)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_a_picture_that_is_turned_is_looked_at_upright_and_stays_turned(degrees: int, tmp_path: Path) -> None:
    source = written(tmp_path / "a.mp4", change=lambda one: one.set_display_rotation(degrees))
    upright = {
        90: Box(FACE.y, WIDTH - FACE.x - FACE.width, FACE.height, FACE.width, 0.9),
        180: Box(WIDTH - FACE.x - FACE.width, HEIGHT - FACE.y - FACE.height, FACE.width, FACE.height, 0.9),
        270: Box(HEIGHT - FACE.y - FACE.height, FACE.x, FACE.height, FACE.width, 0.9),
    }[degrees]
    detector = Sees([[upright]])
    target, _ = covered(source, detector)
    check(source, target)
    assert detector.looks[0][:2] == ((HEIGHT, WIDTH) if degrees == 180 else (WIDTH, HEIGHT))
    with av.open(str(source)) as old, av.open(str(target)) as new:
        turns = [next(one.decode(video=0)).rotation for one in (old, new)]
    assert turns[0] == turns[1] != 0


def test_patients_lie_so_looks_are_turned_one_after_the_other(tmp_path: Path) -> None:
    detector = Sees([[FACE]])
    covered(written(tmp_path / "a.mp4", moments=range(8)), detector)
    assert detector.looks == [(HEIGHT, WIDTH, 3), (WIDTH, HEIGHT, 3)] * 4


def test_a_lying_face_that_no_upright_look_finds_is_covered_in_all_pictures() -> None:
    """A hand is before it; 35 px."""
    one = film(2026, 12, [each.name for each in PEOPLE if each.installed], length=2.0)
    assert one.how.turn == "lying"
    out = io.BytesIO()
    copy_video(io.BytesIO(coded(one.pictures)), out, open_detector())
    told = [hit for hit in results(one, out.getvalue()) if hit is not None]
    assert told
    assert all(told)


def test_the_shape_of_pixels_and_the_colours_stay(tmp_path: Path) -> None:
    def change(one: Any) -> None:
        context = one.codec_context
        context.sample_aspect_ratio = Fraction(16, 11)
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 1, 1, 1, 1

    for ending in ("mp4", "mkv"):
        source = written(tmp_path / f"a.{ending}", "libx264", change=change)
        target, _ = covered(source)
        with av.open(str(target)) as video:
            stream = video.streams.video[0]
            assert stream.sample_aspect_ratio == Fraction(16, 11)
            context = stream.codec_context
            assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1,) * 4
        check(source, target)


@pytest.mark.parametrize(("ending", "codec"), [("mpg", "mpeg2video"), ("ts", "mpeg2video"), ("mkv", "libx264")])
def test_fields_stay_fields(ending: str, codec: str, tmp_path: Path) -> None:
    def change(one: Any) -> None:
        one.codec_context.flags |= 1 << 18 | 1 << 29

    source = written(tmp_path / f"a.{ending}", codec, rate=25, change=change)
    target, _ = covered(source)
    check(source, target)
    with av.open(str(source)) as old, av.open(str(target)) as new:
        are = [[frame.interlaced_frame for frame in one.decode(video=0)] for one in (old, new)]
    assert all(are[0])
    assert are[0] == are[1]


def test_all_streams_of_pictures_are_covered_and_an_attached_one_is_left_out(tmp_path: Path) -> None:
    source = written(tmp_path / "a.mkv", streams=2, sounds="aac")
    target, done = covered(source, Sees([[FACE]], streams=2))
    for stream in (0, 1):
        check(source, target, stream=stream)
    assert done.covered is not None
    assert done.covered.pictures == 20
    assert packets(target, "audio") == packets(source, "audio")


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    source = written(tmp_path / "a.mp4", sounds="aac")
    first = covered(source)[0].read_bytes()
    code = (
        "import sys; from pathlib import Path; from tests.deid.test_video_faces import covered; "
        "covered(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", code, str(source)], check=True)
    assert (tmp_path / "covered.mp4").read_bytes() == first


def test_what_cannot_be_decoded_is_told_and_the_rest_is_covered(tmp_path: Path) -> None:
    source = written(tmp_path / "a.mkv", "mjpeg", "yuvj420p", moments=range(20))
    content = bytearray(source.read_bytes())
    pieces = packets(source, "video")
    for number in (4, 11):
        at = content.index(pieces[number])
        content[at : at + len(pieces[number])] = bytes(len(pieces[number]))
    source.write_bytes(content)
    target, done = covered(source)
    assert done.covered is not None
    assert (done.covered.pictures, done.covered.lost) == (18, 2)
    for one in shown(target):
        assert one[INSIDE].max() <= 24


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_damaged_pictures_are_covered_too(codec: str, tmp_path: Path) -> None:
    """Decoders make something of what is damaged; it is looked at like all else."""
    whole = bytearray(written(tmp_path / "a.mkv", codec, moments=range(30)).read_bytes())
    damage = np.random.default_rng(3)
    for at in damage.integers(len(whole) // 4, len(whole), 12):
        whole[at] ^= 0x55
    source = tmp_path / "b.mkv"
    source.write_bytes(whole)
    target, done = covered(source)
    assert done.covered is not None
    assert done.covered.pictures == len(shown(target)) > 0
    for one in shown(target):
        assert one[INSIDE].max() <= 24


def test_a_video_of_which_nothing_can_be_decoded_is_refused(tmp_path: Path) -> None:
    source = written(tmp_path / "a.mkv", "mjpeg", "yuvj420p")
    content = bytearray(source.read_bytes())
    for piece in packets(source, "video"):
        at = content.index(piece)
        content[at + 2 : at + len(piece)] = bytes(len(piece) - 2)
    source.write_bytes(content)
    with pytest.raises(DamagedError) as caught:
        covered(source)
    assert caught.value.kind == "video-unreadable"


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, MissingExtraError])
def test_what_the_detector_raises_is_raised(error: type[BaseException], tmp_path: Path) -> None:
    class Fails(Sees):
        def find(self, pixels: np.ndarray) -> list[Box]:
            raise error("x")

    with pytest.raises(error):
        covered(written(tmp_path / "a.mp4"), Fails([[]]))


def test_without_a_detector_nothing_is_encoded_again(tmp_path: Path) -> None:
    source = written(tmp_path / "a.mp4")
    with source.open("rb") as old, (tmp_path / "b.mp4").open("w+b") as new:
        done = copy_video(old, new)
    assert done.covered is None
    assert packets(tmp_path / "b.mp4", "video") == packets(source, "video")


def test_what_the_original_has_inside_of_its_pictures_does_not_stay(tmp_path: Path) -> None:
    """An encoder of the recorder writes texts beside coded pictures; they are gone as those are."""
    source = written(tmp_path / "a.avi", "mpeg4")
    content = source.read_bytes()
    start = content.index(b"\0\0\1\xb2")  # user data (ISO/IEC 14496-2, 6.2.2)
    source.write_bytes(content[: start + 4] + WORD + content[start + 4 + len(WORD) :])
    assert WORD in source.read_bytes()
    target, _ = covered(source)
    assert WORD not in target.read_bytes()


def taken(boxes_at: dict[int, list[Box]], count: int, step: float = 0.04) -> list[list[Box]]:
    """Give pictures of the scene to the tracks, a face in those that are named; return what is covered in each."""
    luma = scene()[:, :, 0]
    tracks: Tracks[int] = Tracks(0.3, luma.nbytes)
    done = [
        each
        for number in range(count)
        for each in tracks.add(number, luma, number * step, lambda number=number: boxes_at.get(number, []))  # type: ignore[misc]
    ]
    done += tracks.rest()
    assert [number for number, _ in done] == list(range(count))
    return [boxes for _, boxes in done]


def test_a_face_is_covered_before_the_detector_saw_it_and_for_some_time_after() -> None:
    told = taken({50: [FACE]}, 200)
    with_covers = [number for number, boxes in enumerate(told) if boxes]
    first, last = 50 - round(BACK / 0.04), 50 + round(STAYS / 0.04)
    assert with_covers == list(range(with_covers[0], with_covers[-1] + 1))
    assert abs(with_covers[0] - first) <= 1
    assert abs(with_covers[-1] - last) <= 1
    assert all(box.x == pytest.approx(FACE.x, abs=1) for boxes in told for box in boxes)


def test_a_weak_candidate_keeps_a_face_and_makes_none() -> None:
    weak = Box(FACE.x, FACE.y, FACE.width, FACE.height, 0.16)
    assert not any(taken({number: [weak] for number in range(200)}, 200))
    assert all(taken({number: [weak if number else FACE] for number in range(200)}, 200))


def test_pictures_that_are_held_are_bounded() -> None:
    luma = scene()[:, :, 0]
    tracks: Tracks[int] = Tracks(0.3, HELD // 4)
    held = 0
    for number in range(30):
        held += 1 - len(list(tracks.add(number, luma, 0.0, list)))
        assert held <= 4


def test_a_face_that_moves_is_followed_between_looks() -> None:
    """Eight pixels from picture to picture, which is a quarter of the face."""
    wide = np.asarray(Image.fromarray(scene()).resize((400, HEIGHT)))[:, :, 0]
    tracks: Tracks[int] = Tracks(0.3, 1)
    for number in range(5):
        luma = np.roll(wide, 8 * number, axis=1)
        for at, boxes in tracks.add(number, luma, number * 0.04, lambda: [FACE]):
            assert boxes[0].x == pytest.approx(FACE.x + 8 * at, abs=4)


@pytest.mark.parametrize("move", MOVES)
def test_real_faces_that_move_are_covered_in_all_pictures(move: str) -> None:
    """One film of two seconds of each move, as `python -m benchmarks.faces_films` draws them."""
    one = film(7, list(MOVES).index(move), ["astronaut", "hopper"], length=2.0)
    out = io.BytesIO()
    copy_video(io.BytesIO(coded(one.pictures)), out, open_detector())
    told = [hit for hit in results(one, out.getvalue()) if hit is not None]
    assert told
    assert all(told)
    assert len(list(decoded(out.getvalue()))) == len(one.pictures)
