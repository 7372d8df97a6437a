"""What a file of a hospital recording is, by its name alone: what its bytes say is looked at when it is read."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath


class Kind(StrEnum):
    """What a file is; of those behind `NOTES` none can be cleaned."""

    RECORDING = "recording"
    VIDEO = "video"
    NOTES = "notes"
    """A text that the SNC or VTC file of a recorder was turned into: moments of recording and video."""
    NATUS = "natus-file"
    NIHON_KOHDEN = "nihon-kohden-file"
    PERSYST = "persyst-file"
    DOCUMENT = "document"
    UNKNOWN = "unknown-kind"

    @property
    def can_be_cleaned(self) -> bool:
        """Whether identity can be taken out of such a file."""
        return self in _CLEANED


_CLEANED = frozenset({Kind.RECORDING, Kind.VIDEO, Kind.NOTES})
_KINDS = {
    Kind.RECORDING: "edf bdf",
    Kind.VIDEO: "avi mp4 m4v mov mkv mpg mpeg m2t m2ts mts wmv asf",
    Kind.NATUS: "erd etc vt2 vtc snc stc ent epo",
    Kind.NIHON_KOHDEN: "eeg pnt log 21e cmt cn2 egf bft edg",
    Kind.PERSYST: "lay dat",
    Kind.DOCUMENT: "doc docx rtf odt pdf xls xlsx ods ppt pptx",
}
_BY_ENDING = {ending: kind for kind, endings in _KINDS.items() for ending in endings.split()}
_NOTES = re.compile(r"(?<![a-z])(snc|vtc)(?![a-z])", re.IGNORECASE)


def kind_of(key: str) -> Kind:
    """Tell what a file is; the case of its name does not matter."""
    path = PurePosixPath(key)
    ending = path.suffix[1:].lower()
    if ending in ("txt", "csv"):
        return Kind.NOTES if _NOTES.search(path.stem) else Kind.UNKNOWN
    return _BY_ENDING.get(ending, Kind.UNKNOWN)


def notes_of(key: str) -> str:
    """Return which notes a text holds: ``snc`` or ``vtc``, the last that its name has."""
    found: list[str] = _NOTES.findall(PurePosixPath(key).stem)
    return found[-1].lower()
