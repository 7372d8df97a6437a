"""Video without what its container says: pictures and sound are copied as they are, and nothing besides.

Tags, chapters, subtitles, attached pictures, files and streams of data stay behind. Sound is not looked at, and
pictures only where faces are to be covered: faces and voices identify. FFmpeg's libraries read and write the
containers, by PyAV. Which container it is, is told here by its first bytes: FFmpeg would take a playlist for a video,
and open what that names.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from bondstore.deid.videofaces import CoveredPictures, CoveredStream
from bondstore.errors import BondstoreError, DamagedError, IntegrityError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typing_extensions import Buffer

    from bondstore.deid.faces.detector import Detector

INSTALL = "Install it with: pip install 'bondstore[video]'"
_MARKS = (
    (8, b"AVI ", ("avi", "avi")),
    (0, b"\x1aE\xdf\xa3", ("matroska", "matroska")),
    (0, bytes.fromhex("3026b2758e66cf11"), ("asf", "asf")),
    (0, b"\0\0\1\xba", ("mpeg", "vob")),
)
_MP4 = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_KEPT = ("video", "audio")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_HEAD = 64 << 10
_UNKNOWN = (1 << 32) - 1
"""What a recorder states that was switched off."""
_SLACK = 1.0
"""Seconds by which containers are wrong about their end, though nothing is missing."""


@dataclass(frozen=True)
class VideoCopy:
    """What was done to a video."""

    removed: Mapping[tuple[str, str], int]
    """How often something was left out, by place (``container``, ``stream``) and kind."""
    content_in: str
    content_out: str
    """SHA-256 of the coded pictures and sounds, stream by stream, as they came and as they can be read again."""
    is_cut: bool
    """Whether pictures and sound end before the container says."""
    covered: CoveredPictures | None = None
    """What was covered, where faces were to be."""


def container_of(start: bytes) -> tuple[str, str] | None:
    """Return FFmpeg's names of a container, to read and to write, by its first 200 bytes; None where it is none."""
    if start[4:8] in _MP4:
        return "mov", "mp4" if start[4:8] == b"ftyp" and start[8:10] != b"qt" else "mov"
    for at, mark, names in _MARKS:
        if start[at : at + len(mark)] == mark:
            return names
    # a transport stream: packets of 188 bytes that begin with a G, with four bytes before each on some recorders
    is_stream = any(start[at : at + 1] == start[at + size : at + size + 1] == b"G" for at, size in ((0, 188), (4, 192)))
    return ("mpegts", "mpegts") if is_stream else None


def can_be_read() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def made_at(source: BinaryIO) -> datetime | None:
    """Return the moment that a video's container says it began, in UTC or in the time of its recorder; None for none.

    Raises
    ------
    DamagedError
        It cannot be read.
    MissingExtraError
        PyAV is not installed.
    """
    with _opened(source) as video:
        said = str(video.metadata.get("creation_time", ""))
    try:
        moment = datetime.fromisoformat(said)
        return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        return None


def copy_video(source: BinaryIO, target: BinaryIO, faces: Detector | None = None) -> VideoCopy:
    """Copy pictures and sound of a video into a new file.

    Parameters
    ----------
    source : file open for reading
        The video; it must be seekable.
    target : file open for reading and writing
        An empty file; it must be seekable.
    faces : Detector, optional
        What finds faces: then they are covered, and the pictures encoded again.

    Raises
    ------
    DamagedError
        It cannot be read, or has neither pictures nor sound.
    IntegrityError
        Other pictures or sounds were written than were read. What was written must be thrown away.
    MissingExtraError
        PyAV is not installed.

    What reading the source or writing the target raises is raised as it is.
    """
    coming, leaving, names = _Sums(), _Sums(), _names(source)
    with _opened(source) as video:
        removed = _left_out(video)
        kept = [one for one in video.streams if _is_kept(one)]
        if not kept:
            raise _unreadable()
        with _made(target, names[1]) as copy:
            streams = {one.index: _way(one, copy, faces) for one in kept}
            for packet in video.demux(kept):
                if packet.size:
                    coming.add(packet)
                    copy.mux(list(streams[packet.stream_index].take(packet)))
            for one in streams.values():
                copy.mux(list(one.rest()))
        is_cut = _is_short(source, names[0]) or coming.end < _stated_end(video, names[0]) - _SLACK
    with _opened(target) as copy:
        for packet in copy.demux():
            if packet.size:
                leaving.add(packet)
    done = _all_covered([one.done for one in streams.values() if isinstance(one, CoveredStream)])
    if coming.sounds != leaving.sounds or (coming.text if done is None else done.pictures) != (
        leaving.text if done is None else leaving.pictures
    ):
        raise IntegrityError("The video changed on its way.", hint="Report this as a defect.")
    return VideoCopy(removed, coming.text, leaving.text, is_cut, done)


def _all_covered(streams: Sequence[CoveredPictures]) -> CoveredPictures | None:
    whole = None
    for one in streams:
        whole = one if whole is None else whole.plus(one.pictures, one.with_covers, one.covers, one.lost)
    return whole


class _CopiedStream:
    """One stream on its way, as it is."""

    def __init__(self, source: Any, copy: Any) -> None:
        # opaque: the library need not know how to encode what is only copied
        self._stream = copy.add_stream_from_template(source, opaque=True)

    def take(self, packet: Any) -> Iterator[Any]:
        """Yield a packet as it is to be written."""
        packet.stream = self._stream
        yield packet

    def rest(self) -> Iterator[Any]:
        """Yield nothing: all was written."""
        yield from ()


def _way(stream: Any, copy: Any, faces: Detector | None) -> _CopiedStream | CoveredStream:
    if faces is None or stream.type != "video":
        return _CopiedStream(stream, copy)
    return CoveredStream(stream, copy, faces)


class _Sums:
    """Checksums of what is coded, by the place of its stream among those that are kept; and where it ends."""

    def __init__(self) -> None:
        self._sums: dict[int, Any] = {}
        self._sounds: set[int] = set()
        self.end = 0.0
        """Seconds."""
        self.pictures = 0

    def add(self, packet: Any) -> None:
        """Take a packet; how a container parts its content into packets is of no matter."""
        self._sums.setdefault(packet.stream_index, hashlib.sha256()).update(packet)
        if packet.stream.type == "audio":
            self._sounds.add(packet.stream_index)
        else:
            self.pictures += 1
        if (at := packet.dts if packet.pts is None else packet.pts) is not None:
            self.end = max(self.end, float((at + (packet.duration or 0)) * packet.time_base))

    @property
    def text(self) -> str:
        """One checksum of all streams in their order."""
        return self._joined(set(self._sums))

    @property
    def sounds(self) -> str:
        """The same of sounds alone."""
        return self._joined(self._sounds)

    def _joined(self, streams: set[int]) -> str:
        whole = hashlib.sha256()
        for one in sorted(streams):
            whole.update(self._sums[one].digest())
        return whole.hexdigest()


class _Passing:
    """A file as the library sees it. The library prints what is raised to it, and may go on: so the first is kept."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.raised: BaseException | None = None
        self.tell = file.tell

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere, which writes what is held; -1 once something was raised."""
        at = self._kept(partial(self._file.seek, offset), whence)
        return -1 if at is None else at

    def read(self, size: int) -> bytes:
        """Read; nothing more once something was raised."""
        return self._kept(self._file.read, size) or b""

    def write(self, data: Buffer) -> int:
        """Write; nothing more once something was raised."""
        self._kept(self._file.write, data)
        return memoryview(data).nbytes

    def _kept(self, act: Callable[[Any], Any], value: object) -> Any:
        if self.raised is None:
            try:
                return act(value)
            except BaseException as caught:  # noqa: BLE001 - it is raised once the library is left
                self.raised = caught
        return None


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("Video is read by PyAV, which is not installed.", hint=INSTALL) from None
    return av


@contextmanager
def _opened(source: BinaryIO) -> Iterator[Any]:
    """Open a video to read it."""
    av, names, file = _library(), _names(source), _Passing(source)
    with (
        _understood(av, file),
        av.open(file, format=names[0], metadata_errors="replace", io_open=_refused) as video,
    ):
        yield video


@contextmanager
def _made(target: BinaryIO, container: str) -> Iterator[Any]:
    """Open a video to write it: with no program's version, and with no date."""
    av, file = _library(), _Passing(target)
    with (
        _understood(av, file),
        av.open(file, "w", format=container, container_options={"fflags": "+bitexact"}) as video,
    ):
        yield video
    target.flush()


@contextmanager
def _understood(av: Any, file: _Passing) -> Iterator[None]:
    """Raise what a file raised; else turn the library's errors into our own. Their text may have what the file says."""
    try:
        yield
    except BaseException as error:
        if file.raised is not None:
            raise file.raised from None
        if isinstance(error, (av.error.FFmpegError, ValueError)) and not isinstance(error, BondstoreError):
            raise _unreadable() from None
        raise
    if file.raised is not None:
        raise file.raised from None


def _names(source: BinaryIO) -> tuple[str, str]:
    source.seek(0)
    names = container_of(source.read(200))
    source.seek(0)
    if names is None:
        raise _unreadable()
    return names


def _refused(*_: object) -> NoReturn:
    """Refuse what a video would have opened besides itself."""
    raise _unreadable()


def _is_short(source: BinaryIO, container: str) -> bool:
    """Whether a file has fewer bytes than it says. Sources: the RIFF file reference; the ASF specification, 3.2."""
    source.seek(0)
    start, size = source.read(_HEAD), source.seek(0, io.SEEK_END)
    if container == "avi":
        stated = int.from_bytes(start[4:8], "little")
        return size < stated + 8 and stated != _UNKNOWN
    if container == "asf" and (at := start.find(_ASF_FILE)) >= 0:
        return size < int.from_bytes(start[at + 40 : at + 48], "little")
    return False


def _stated_end(video: Any, container: str) -> float:
    """Return where a container says that it ends, in seconds; 0 where it says nothing, and the library would guess."""
    states = container in ("mov", "matroska")
    return float((video.start_time or 0) + (video.duration or 0)) / 1e6 if states else 0.0


def _left_out(video: Any) -> Counter[tuple[str, str]]:
    """Count what is not copied."""
    removed = Counter({("container", "tag"): len(video.metadata), ("container", "chapter"): len(video.chapters())})
    for one in video.streams:
        removed["stream", "tag"] += len(one.metadata)
        if not _is_kept(one):
            removed["stream", "picture" if one.type == "video" else str(one.type)] += 1
    return +removed


def _is_kept(stream: Any) -> bool:
    return stream.type in _KEPT and "attached_pic" not in str(stream.disposition.name)


def _unreadable() -> DamagedError:
    return DamagedError("The video cannot be read.", kind="video-unreadable")
