"""Video without what its container says: pictures and sound are copied as they are, and nothing besides.

Tags, chapters, subtitles, attached pictures, files and streams of data stay behind. Pictures and sound themselves are
not looked at: faces and voices identify. FFmpeg's libraries read and write the containers, by PyAV. Which container it
is, is told here by its first bytes: FFmpeg would take a playlist for a video, and open what that names.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from bondstore.errors import DamagedError, IntegrityError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

INSTALL = "Install it with: pip install 'bondstore[video]'"
_MARKS = (
    (8, b"AVI ", ("avi", "avi")),
    (0, b"\x1aE\xdf\xa3", ("matroska", "matroska")),
    (0, bytes.fromhex("3026b2758e66cf11"), ("asf", "asf")),
    (0, b"\0\0\1\xba", ("mpeg", "vob")),
)
_MP4 = frozenset((b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_KEPT = ("video", "audio")
_OF_THE_DISK = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))


@dataclass(frozen=True)
class VideoCopy:
    """What was done to a video."""

    removed: Mapping[tuple[str, str], int]
    """How often something was left out, by place (``container``, ``stream``) and kind."""
    content_in: str
    content_out: str
    """SHA-256 of the coded pictures and sounds, stream by stream, as they came and as they can be read again."""


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
        It is no video, or cannot be read.
    MissingExtraError
        PyAV is not installed.
    """
    with _reading(_library()), _opened(source) as video:
        said = str(video.metadata.get("creation_time", ""))
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        return None
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def copy_video(source: BinaryIO, target: Path) -> VideoCopy:
    """Copy pictures and sound of a video into a new file.

    Parameters
    ----------
    source : file open for reading
        The video; it must be seekable.
    target : Path
        A file that is written anew.

    Raises
    ------
    DamagedError
        It is no video, cannot be read, or has neither pictures nor sound.
    IntegrityError
        Other pictures or sounds were written than were read. What was written must be thrown away.
    MissingExtraError
        PyAV is not installed.
    """
    av = _library()
    names = _names(source)
    coming = _Sums()
    with _reading(av), _opened(source) as video:
        removed = _left_out(video)
        kept = [one for one in video.streams if _is_kept(one)]
        if not kept:
            raise _unreadable()
        options = {"fflags": "+bitexact"}  # no program's name and no date in the new file
        with av.open(str(target), "w", format=names[1], container_options=options) as copy:
            streams = {one.index: copy.add_stream_from_template(one) for one in kept}
            for packet in video.demux(kept):
                if packet.size:
                    coming.add(packet)
                    packet.stream = streams[packet.stream_index]
                    copy.mux(packet)
    leaving = _Sums()
    with target.open("rb") as file, _reading(av), _opened(file) as copy:
        for packet in copy.demux():
            if packet.size:
                leaving.add(packet)
    if coming.text != leaving.text:
        raise IntegrityError("The video changed on its way.", hint="Report this as a defect.")
    return VideoCopy(removed, coming.text, leaving.text)


class _Sums:
    """Checksums of what is coded, by the place of its stream among those that are kept."""

    def __init__(self) -> None:
        self._sums: dict[int, Any] = {}

    def add(self, packet: Any) -> None:
        """Take a packet; how a container parts its content into packets is of no matter."""
        self._sums.setdefault(packet.stream_index, hashlib.sha256()).update(packet)

    @property
    def text(self) -> str:
        """One checksum of all streams in their order."""
        whole = hashlib.sha256()
        for _, one in sorted(self._sums.items()):
            whole.update(one.digest())
        return whole.hexdigest()


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtraError("Video is read by PyAV, which is not installed.", hint=INSTALL) from None
    return av


@contextmanager
def _opened(source: BinaryIO) -> Iterator[Any]:
    av, names = _library(), _names(source)
    with av.open(source, format=names[0], metadata_errors="replace", io_open=_refused) as video:
        yield video


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


@contextmanager
def _reading(av: Any) -> Iterator[None]:
    """Turn the library's errors into our own, but for those of the disk that is written to."""
    try:
        yield
    except av.error.FFmpegError as error:
        if error.errno in _OF_THE_DISK:
            raise OSError(error.errno, os.strerror(error.errno)) from None
        raise _unreadable() from None  # its text may have what the file says


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
