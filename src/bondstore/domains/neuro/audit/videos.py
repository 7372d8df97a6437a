"""What a video says besides its picture and sound: tags of AVI and of MP4, found by following the container.

Its bytes are searched for names as those of any other file. Sources: the RIFF file reference; ISO/IEC 14496-12.
"""

from __future__ import annotations

from collections import Counter

_HARMLESS = frozenset((b"ISFT", b"JUNK"))
_CREATED = b"IDIT"
_INSIDE = frozenset((b"moov", b"trak", b"mdia", b"minf", b"udta"))
_HELD = 1 << 20
TAGS = "tags"
_EBML, _ASF = b"\x1aE\xdf\xa3", b"0&\xb2u\x8ef\xcf\x11"


def is_video(start: bytes) -> bool:
    """Whether bytes are the beginning of a video."""
    riff = start[:4] in (b"RIFF", b"RIFX") and start[8:12] == b"AVI "
    # packets of a transport stream begin with a G, each behind a time on some recorders
    packets = any(start[at : at + 1] == start[at + size : at + size + 1] == b"G" for at, size in ((0, 188), (4, 192)))
    known = start[4:8] in (b"ftyp", b"wide", b"mdat", b"moov") or start[:4] in (_EBML, b"\0\0\1\xba")
    return riff or known or packets or start[:8] == _ASF


class VideoLook:
    """One video on its way: the boxes of its container are followed, and those without tags are passed over."""

    def __init__(self, found: Counter[tuple[str, str]]) -> None:
        self._found = found
        self._held = bytearray()
        self._skip = 0
        self._kind = ""

    def feed(self, chunk: memoryview) -> None:
        """Take more of the file."""
        if self._kind == "other":
            return
        passed = min(self._skip, len(chunk))
        self._skip -= passed
        self._held += chunk[passed:]
        if not self._kind and len(self._held) >= 12:
            self._kind = "avi" if self._held[:4] == b"RIFF" else "mp4" if self._held[4:8] == b"ftyp" else "other"
        while not self._skip and (self._chunk() if self._kind == "avi" else self._kind == "mp4" and self._box()):
            continue

    def _pass(self, size: int) -> bool:
        held = min(size, len(self._held))
        del self._held[:held]
        self._skip = size - held
        return True

    def _chunk(self) -> bool:
        """Follow one chunk of RIFF; lists are entered, but not the film."""
        if len(self._held) < 12:
            return False
        name, kind = bytes(self._held[:4]), bytes(self._held[8:12])
        size = int.from_bytes(self._held[4:8], "little")
        if name in (b"RIFF", b"LIST") and kind != b"movi":
            return self._pass(12)
        if (name[:1] == b"I" and name.isupper() and name not in _HARMLESS) or name in (_CREATED, b"strn"):
            self._found["tag", TAGS] += 1
        return self._pass(8 + size + size % 2)

    def _box(self) -> bool:
        """Follow one box of MP4; those that have others inside are entered."""
        if len(self._held) < 16:
            return False
        size, name, head = int.from_bytes(self._held[:4]), bytes(self._held[4:8]), 8
        if size == 1:
            size, head = int.from_bytes(self._held[8:16]), 16
        if name in _INSIDE:
            return self._pass(head)
        if (name in (b"meta", b"name", b"titl", b"auth", b"loci", b"chpl") or name[:1] == b"\xa9") and size > 64:
            self._found["tag", TAGS] += 1
        if name == b"mdat" and size == 0:
            self._kind = "other"  # it goes on to the end of the file
            return False
        return self._pass(max(size, 8))
