"""What a Beiwe key says, and how to build one: both ways, exactly.

Key forms are those a Beiwe server writes (chunked, raw, iOS log, identifiers, duplicates, device keys, problem uploads,
the old marker named after the participant), each with ``.zst`` or ``.zstd`` appended where the server compressed it. A
key that is not exactly one of these forms is `Kind.UNKNOWN`: reported, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from bondstore.domains.beiwe.streams import STREAMS, by_raw_name

CHUNKED_ROOT = "CHUNKED_DATA"
PROBLEM_ROOT = "PROBLEM_UPLOADS"
EXTENSIONS = ("csv", "json", "mp4", "wav", "txt", "jpg")
COMPRESSED = (".zst", ".zstd")
SWELLING = 4
"""How much larger compressed objects become, roughly."""


class Kind(StrEnum):
    """What sort of object a key names."""

    CHUNKED = "chunked"
    RAW = "raw"
    IDENTIFIERS = "identifiers"
    DEVICE_KEY = "device_key"
    PROBLEM_UPLOAD = "problem_upload"
    PARTICIPANT_MARKER = "participant_marker"
    UNKNOWN = "unknown"


DATA_KINDS = frozenset({Kind.CHUNKED, Kind.RAW, Kind.IDENTIFIERS})
"""The kinds that hold a participant's data and may be read."""


@dataclass(frozen=True, slots=True)
class BeiweObject:
    """One key, understood.

    Parameters
    ----------
    key : str
        The key as listed, relative to the store.
    kind : Kind
        What sort of object it is.
    participant : str
        Participant id; empty where the key names none.
    stream : str
        Chunked name of the data stream, such as ``accelerometer``; empty where there is none.
    raw_stream : str
        The stream's folder in raw keys, such as ``accel``; empty for chunked objects.
    survey_id : str or None
        The survey's id; an empty string where the folder is there without a name; None where the form has none.
    time_ms : int or None
        The time in the file name: the hour's start (chunked) or the file's creation (raw), in ms since 1970 UTC.
    extension : str
        Without the dot: ``csv``, ``mp4`` …
    compression : str
        ``""``, ``".zst"`` or ``".zstd"``.
    duplicate : str
        The ten characters after ``-duplicate-``, or empty.
    """

    key: str
    kind: Kind
    participant: str = ""
    stream: str = ""
    raw_stream: str = ""
    survey_id: str | None = None
    time_ms: int | None = None
    extension: str = ""
    compression: str = ""
    duplicate: str = ""

    @property
    def source(self) -> str:
        """``"chunked"``, ``"raw"`` (identifiers too), or empty for what is not data."""
        if self.kind is Kind.CHUNKED:
            return "chunked"
        return "raw" if self.kind in DATA_KINDS else ""

    @property
    def is_data(self) -> bool:
        """Whether the object holds a participant's data: all others are never read."""
        return self.kind in DATA_KINDS


_END = r"\.(csv|json|mp4|wav|txt|jpg)(?:-duplicate-([A-Za-z0-9]{10}))?(\.zstd?)?"
_CHUNKED = re.compile(r"([^/]+)/([^/]+)/(?:([^/]*)/)?(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)" + _END, re.ASCII)
_RAW = re.compile(r"([^/]+)/(ios/log|[^/]+)/(?:([^/]*)/)?([0-9]{13})" + _END, re.ASCII)
_IDENTIFIERS = re.compile(r"([^/]+)/identifiers_([0-9]{10})" + _END, re.ASCII)


def study_prefixes(study: str) -> tuple[str, str, str]:
    """Return the chunked, raw and problem prefixes of a study, each ending in ``/``."""
    return (f"{CHUNKED_ROOT}/{study}/", f"{study}/", f"{PROBLEM_ROOT}/{study}/")


def parse_key(study: str, key: str) -> BeiweObject:
    """Say what a key names.

    Parameters
    ----------
    study : str
        The study's id, the "study folder".
    key : str
        A key as listed.

    Returns
    -------
    BeiweObject
        With `Kind.UNKNOWN` for every key that is not exactly one of the known forms. Never raises.
    """
    chunked, raw, problem = study_prefixes(study)
    if key.startswith(chunked):
        return _parse_chunked(key, key[len(chunked) :])
    if key.startswith(raw):
        return _parse_raw(key, key[len(raw) :])
    if key.startswith(problem):
        return BeiweObject(key, Kind.PROBLEM_UPLOAD)
    return BeiweObject(key, Kind.UNKNOWN)


def _parse_chunked(key: str, rest: str) -> BeiweObject:
    match = _CHUNKED.fullmatch(rest)
    if match is None:
        return BeiweObject(key, Kind.UNKNOWN)
    participant, stream, survey_id, hour, extension, duplicate, compression = match.groups()
    time_ms = _hour_ms(hour)
    if time_ms is None or stream not in STREAMS:
        return BeiweObject(key, Kind.UNKNOWN)
    return BeiweObject(
        key,
        Kind.CHUNKED,
        participant,
        stream,
        "",
        survey_id,
        time_ms,
        extension,
        compression or "",
        duplicate or "",
    )


def _parse_raw(key: str, rest: str) -> BeiweObject:
    if rest.startswith("keys/"):
        return BeiweObject(key, Kind.DEVICE_KEY)
    match = _RAW.fullmatch(rest)
    if match is not None:
        participant, folder, survey_id, ms, extension, duplicate, compression = match.groups()
        stream = by_raw_name(folder)
        if stream is None or folder == "identifiers":
            return BeiweObject(key, Kind.UNKNOWN)
        return BeiweObject(
            key,
            Kind.RAW,
            participant,
            stream.name,
            folder,
            survey_id,
            int(ms),
            extension,
            compression or "",
            duplicate or "",
        )
    match = _IDENTIFIERS.fullmatch(rest)
    if match is not None:
        participant, seconds, extension, duplicate, compression = match.groups()
        ms_of_file = int(seconds) * 1000
        return BeiweObject(
            key,
            Kind.IDENTIFIERS,
            participant,
            "identifiers",
            "identifiers",
            None,
            ms_of_file,
            extension,
            compression or "",
            duplicate or "",
        )
    if rest and "/" not in rest:
        return BeiweObject(key, Kind.PARTICIPANT_MARKER, participant=rest)
    return BeiweObject(key, Kind.UNKNOWN)


def build_key(study: str, obj: BeiweObject) -> str:
    """Build the key that `parse_key` reads back as `obj`.

    Kinds that hold no participant's data, and unknown ones, keep their key as it was listed.
    """
    if not obj.is_data:
        return obj.key
    duplicate = f"-duplicate-{obj.duplicate}" if obj.duplicate else ""
    end = f".{obj.extension}{duplicate}{obj.compression}"
    time_ms = obj.time_ms or 0
    if obj.kind is Kind.IDENTIFIERS:
        return f"{study}/{obj.participant}/identifiers_{time_ms // 1000:010d}{end}"
    survey = "" if obj.survey_id is None else f"{obj.survey_id}/"
    if obj.kind is Kind.CHUNKED:
        return f"{CHUNKED_ROOT}/{study}/{obj.participant}/{obj.stream}/{survey}{hour_name(time_ms)}{end}"
    return f"{study}/{obj.participant}/{obj.raw_stream}/{survey}{time_ms:013d}{end}"


def hour_name(time_ms: int) -> str:
    """Return the file name (no extension) of a chunked hour: ``YYYY-MM-DDTHH:MM:SS`` in UTC."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment.year > 999 else moment.isoformat()[:19]


def twin_keys(key: str) -> tuple[str, ...]:
    """Return the keys the same object may have moved to: servers compress on read and delete the old key."""
    for ending in COMPRESSED:
        if key.endswith(ending):
            return (key.removesuffix(ending),)
    return tuple(key + ending for ending in COMPRESSED)


def plain_name(obj: BeiweObject) -> str:
    """Return the object's file name without its compression ending."""
    return obj.key.rsplit("/", 1)[-1].removesuffix(obj.compression)


def _hour_ms(hour: str) -> int | None:
    try:
        return int(datetime.fromisoformat(hour + "+00:00").timestamp()) * 1000
    except ValueError:
        return None


def weight(key: str, size: int) -> int:
    """Return about how many bytes an object holds, from its key and its size as stored."""
    return size * SWELLING if key.endswith(COMPRESSED) else size
