"""What a Beiwe key says, how to build one (both ways, exactly), and where an object's content goes in a destination.

Key forms are those a Beiwe server writes (chunked, raw, iOS log, identifiers, duplicates, device keys, problem uploads,
the old marker named after the participant), each with ``.zst`` or ``.zstd`` appended where the server compressed it. A
key that is not exactly one of these forms is `Kind.UNKNOWN`: reported, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.streams import STREAMS, by_raw_name
from bondstore.runs.paths import is_odd_name, safe_relpath

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COMPRESSED = (".zst", ".zstd")
_SWELLING = 4  # how much larger compressed objects become, roughly


class Kind(StrEnum):
    """What sort of object a key names."""

    CHUNKED = "chunked"
    RAW = "raw"
    IDENTIFIERS = "identifiers"
    DEVICE_KEY = "device_key"
    PROBLEM_UPLOAD = "problem_upload"
    PARTICIPANT_MARKER = "participant_marker"
    ODD = "odd"
    UNKNOWN = "unknown"


_DATA = frozenset({Kind.CHUNKED, Kind.RAW, Kind.IDENTIFIERS})


@dataclass(frozen=True, slots=True)
class BeiweObject:
    """One key, understood; texts are empty where the key names none."""

    key: str  # as listed, relative to the store
    kind: Kind
    participant: str = ""
    stream: str = ""  # chunked name of the data stream, such as accelerometer
    raw_stream: str = ""  # the stream's folder in raw keys, such as accel; empty for chunked objects
    survey_id: str | None = None  # empty where the folder is there without a name; None where the form has none
    time_ms: int | None = None  # start of the hour (chunked) or creation of the file (raw), in ms since 1970 UTC
    extension: str = ""  # without the dot
    compression: str = ""  # with its dot
    duplicate: str = ""  # the ten characters after -duplicate-

    @property
    def source(self) -> str:
        """``"chunked"``, ``"raw"`` (identifiers too), or empty for what is not a participant's."""
        if self.kind is Kind.CHUNKED:
            return "chunked"
        if self.is_other:
            return "chunked" if self.key.startswith("CHUNKED_DATA/") else "raw"
        return "raw" if self.kind in _DATA else ""

    @property
    def is_other(self) -> bool:
        """Whether it is a participant's, though its stream or its extension is not known."""
        return self.kind is Kind.UNKNOWN and bool(self.participant)

    @property
    def is_media(self) -> bool:
        """Whether its bytes are a recording or a picture."""
        return self.extension not in ("csv", "json", "txt")

    @property
    def is_mixed(self) -> bool:
        """Whether it may hold rows of several surveys, as hours of survey timings did before March 2026."""
        return self.kind is Kind.CHUNKED and self.stream == "survey_timings" and not self.survey_id

    @property
    def is_data(self) -> bool:
        """Whether the object holds a participant's data: all others are never read."""
        return self.kind in _DATA


_END = r"\.(csv|json|mp4|wav|txt|jpg)(?:-duplicate-([A-Za-z0-9]{10}))?(\.zstd?)?"
_CHUNKED = re.compile(r"([^/]+)/([^/]+)/(?:([^/]*)/)?(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)" + _END, re.ASCII)
_RAW = re.compile(r"([^/]+)/(ios/log|[^/]+)/(?:([^/]*)/)?([0-9]{13})" + _END, re.ASCII)
_IDENTIFIERS = re.compile(r"([^/]+)/identifiers_([0-9]{10})" + _END, re.ASCII)


CHUNKED_ROOT = "CHUNKED_DATA"


_PROBLEM = "PROBLEM_UPLOADS"
_STUDY = re.compile(r"[A-Za-z0-9]{24}", re.ASCII)


ROOTS = (CHUNKED_ROOT, _PROBLEM.rstrip("/"))
"""Folders of the bucket that contain a folder for each study: neither is a study's name."""


def study_prefixes(study: str) -> tuple[str, str, str]:
    """Return the chunked, raw and problem prefixes of a study, each ending in ``/``."""
    return (f"{CHUNKED_ROOT}/{study}/", f"{study}/", f"{_PROBLEM}/{study}/")


def private_prefixes(opened: Iterable[str]) -> list[str]:
    """Return, of key prefixes that are opened, what is nobody's data: device keys, and what devices sealed.

    A name is taken for a study's where processed data are opened under it too, or where it has a study's 24 characters.
    """
    given = list(opened)
    found: list[str] = []
    for one in given:
        parts = one.split("/")
        for number, (part, following) in enumerate(zip(parts, [*parts[1:], ""], strict=True)):
            study = following if part == CHUNKED_ROOT else part if _STUDY.fullmatch(part) else ""
            if study:
                above = one[: sum(len(each) + 1 for each in parts[:number])]  # a study may lie below another prefix
                found.append(f"{above}{study}/keys/")
            elif part == _PROBLEM:
                found.append(one)
            else:
                continue
            break
    once = dict.fromkeys(found)
    return [one for one in once if any(one.startswith(begin) or begin.startswith(one) for begin in given)]


def parse_key(study: str, key: str) -> BeiweObject:
    """Say what a listed key names; never raises."""
    chunked, raw, problem = study_prefixes(study)
    if key.startswith(chunked):
        rest = key[len(chunked) :]
        return _odd(key, rest, _parse_chunked(key, rest))
    if key.startswith(raw):
        rest = key[len(raw) :]
        return _odd(key, rest, _parse_raw(key, rest))
    return BeiweObject(key, Kind.PROBLEM_UPLOAD if key.startswith(problem) else Kind.UNKNOWN)


_TIME = re.compile(r"(?:^|/)(\d{13})(?=[./]|$)", re.ASCII)


def parse_any(study: str, key: str) -> BeiweObject:
    """Say what a key names, and of one that is not understood, whose folder it is in."""
    obj = parse_key(study, key)
    prefix = next((one for one in study_prefixes(study)[:2] if key.startswith(one)), None)
    if obj.kind is not Kind.UNKNOWN or prefix is None:
        return obj
    person, _, below = key[len(prefix) :].partition("/")
    if person == "keys" or not below or below.endswith("/"):
        return obj
    folder = "ios/log" if below.startswith("ios/log/") else below.rpartition("/")[0].partition("/")[0]
    raw = by_raw_name(folder)
    time = _TIME.search(below)
    return replace(
        obj,
        participant=person,
        stream=raw.name if raw else folder,
        time_ms=int(time[1]) if time else None,
        compression=next((end for end in reversed(COMPRESSED) if key.endswith(end)), ""),
    )


def _odd(key: str, rest: str, obj: BeiweObject) -> BeiweObject:
    """Tell a key apart whose folder has an empty name, ``.``, ``..`` or a control character: nobody's data safely.

    A survey without a name is no such folder: servers write that.
    """
    if obj.kind is Kind.DEVICE_KEY or (
        obj.is_data and key.isprintable() and "\ufffd" not in key and "/." not in f"/{rest}"
    ):
        return obj
    parts = rest.split("/")
    folders = parts[:1] if obj.is_data and obj.survey_id == "" else parts[:-1]
    if not parts[-1] or not any(is_odd_name(part) for part in (*folders, *parts[-1:])):
        return obj  # what ends in / is the mark of a folder
    return _as_odd(key, parts, obj.stream)


def as_odd(study: str, obj: BeiweObject) -> BeiweObject:
    """Return an object as one in an odd folder, of the participant and stream that its key begins with."""
    prefix = next((one for one in study_prefixes(study) if obj.key.startswith(one)), "")
    return _as_odd(obj.key, obj.key.removeprefix(prefix).split("/"), obj.stream)


def _as_odd(key: str, parts: Sequence[str], stream: str) -> BeiweObject:
    if len(parts) > 2:
        raw = by_raw_name(parts[1])
        stream = parts[1] if parts[1] in STREAMS else raw.name if raw else stream
    return BeiweObject(key, Kind.ODD, participant=parts[0], stream=stream)


def _parse_chunked(key: str, rest: str) -> BeiweObject:
    match = _CHUNKED.fullmatch(rest)
    if match is None:
        return BeiweObject(key, Kind.UNKNOWN)
    person, stream, survey, hour, extension, duplicate, compression = match.groups()
    ms = _hour_ms(hour)
    if ms is None or stream not in STREAMS:
        return BeiweObject(key, Kind.UNKNOWN)
    end = (extension, compression or "", duplicate or "")
    return BeiweObject(key, Kind.CHUNKED, person, stream, "", survey, ms, *end)


def _parse_raw(key: str, rest: str) -> BeiweObject:
    if rest.startswith("keys/"):
        return BeiweObject(key, Kind.DEVICE_KEY)
    if (match := _RAW.fullmatch(rest)) is not None:
        person, folder, survey, ms, extension, duplicate, compression = match.groups()
        stream = by_raw_name(folder)
        if stream is None or folder == "identifiers":
            return BeiweObject(key, Kind.UNKNOWN)
        end = (extension, compression or "", duplicate or "")
        return BeiweObject(key, Kind.RAW, person, stream.name, folder, survey, int(ms), *end)
    if (match := _IDENTIFIERS.fullmatch(rest)) is not None:
        person, seconds, extension, duplicate, compression = match.groups()
        end = (extension, compression or "", duplicate or "")
        ms_of_file = int(seconds) * 1000
        return BeiweObject(key, Kind.IDENTIFIERS, person, "identifiers", "identifiers", None, ms_of_file, *end)
    if rest and "/" not in rest:
        return BeiweObject(key, Kind.PARTICIPANT_MARKER, participant=rest)
    return BeiweObject(key, Kind.UNKNOWN)


def build_key(study: str, obj: BeiweObject) -> str:
    """Build the key that `parse_key` reads back as `obj`; what is no participant's data keeps its key as listed."""
    if not obj.is_data:
        return obj.key
    chunked, raw, _ = study_prefixes(study)
    duplicate = f"-duplicate-{obj.duplicate}" if obj.duplicate else ""
    end = f".{obj.extension}{duplicate}{obj.compression}"
    time_ms = obj.time_ms or 0
    if obj.kind is Kind.IDENTIFIERS:
        return f"{raw}{obj.participant}/identifiers_{time_ms // 1000:010d}{end}"
    survey = "" if obj.survey_id is None else f"{obj.survey_id}/"
    if obj.kind is Kind.CHUNKED:
        return f"{chunked}{obj.participant}/{obj.stream}/{survey}{hour_name(time_ms)}{end}"
    return f"{raw}{obj.participant}/{obj.raw_stream}/{survey}{time_ms:013d}{end}"


def hour_name(time_ms: int) -> str:
    """Return the file name (no extension) of a chunked hour: ``YYYY-MM-DDTHH:MM:SS`` in UTC."""
    moment = datetime.fromtimestamp(time_ms // 1000, UTC)
    # strftime does not pad years before 1000; isoformat does, and takes longer
    return f"{moment:%Y-%m-%dT%H:%M:%S}" if moment.year > 999 else moment.isoformat()[:19]


def _hour_ms(hour: str) -> int | None:
    try:
        return int(datetime.fromisoformat(hour + "+00:00").timestamp()) * 1000
    except ValueError:
        return None


def twin_keys(key: str) -> tuple[str, ...]:
    """Return the keys the same object may have moved to: servers compress on read and delete the old key."""
    for ending in COMPRESSED:
        if key.endswith(ending):
            return (key.removesuffix(ending),)
    return tuple(key + ending for ending in COMPRESSED)


def plain_name(obj: BeiweObject) -> str:
    """Return the object's file name without its compression ending."""
    return obj.key.rsplit("/", 1)[-1].removesuffix(obj.compression)


def _extension_last(name: str, obj: BeiweObject) -> str:
    """Move the extension of ``x.mp4-duplicate-…``, which no player opens, to the end."""
    start, _, end = name.rpartition(f".{obj.extension}-duplicate-")
    return f"{start}-duplicate-{end}.{obj.extension}"


def weight(key: str, size: int) -> int:
    """Return about how many bytes an object holds, from its key and its size as stored."""
    return size * _SWELLING if key.endswith(COMPRESSED) else size


def original_path(obj: BeiweObject) -> str:
    """Return the path of an object in the ``original`` form: as in the bucket, without the compression ending.

    ``chunked/<pid>/<stream>/[<survey>/]<file>.csv`` or ``raw/<pid>/<raw stream>/[<survey>/]<file>``.
    """
    if obj.is_other:
        below = obj.key.split("/", 2 if obj.source == "chunked" else 1)[-1]
        return safe_relpath(f"{obj.source}/{below.removesuffix(obj.compression)}")
    folder = obj.stream if obj.kind is Kind.CHUNKED else obj.raw_stream
    name = plain_name(obj)
    if obj.duplicate and obj.is_media:
        name = _extension_last(name, obj)
    return safe_relpath("/".join([obj.source, obj.participant, folder, *_survey(obj), name]))


UNKNOWN_SURVEY = "unknown_survey_id"
"""The folder of what names no survey, as in the server's own downloads."""
DUPLICATES, BESIDE = ".duplicates/", ".beside/"
"""Folders that forest does not look into: copies of what it reads, and files it would stumble over."""
_BY_SURVEY = frozenset({"audio_recordings", "survey_answers", "survey_timings"})
_STEM = re.compile(r"(\d{4}-\d\d-\d\d \d\d_\d\d_\d\d\+00_00(?:_\d{3})?)[_.-]", re.ASCII)


def forest_stem(time_ms: int) -> str:
    """Return what the names of all files of an hour (or of a raw file's time) begin with, in the layout of forest.

    Raw files carry milliseconds, so theirs follow the 25 characters that forest looks at: two files of one second stay
    two.
    """
    name = f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H_%M_%S}+00_00"
    return f"{name}_{time_ms % 1000:03d}" if time_ms % 1000 else name


def stem_of(path: str) -> str:
    """Return the stem of a file that `forest_path` or `hidden_path` named."""
    match = _STEM.match(path.rsplit("/", 1)[-1])
    return match[1] if match else ""


def forest_path(obj: BeiweObject, *, apart: bool = False) -> str:
    """Return the path of an object in the layout that forest reads; `apart` tells a duplicate from its plain twin.

    ``<pid>/<stream>/[<survey>/]YYYY-MM-DD HH_MM_SS+00_00.csv``. A folder among the files of a stream stops forest's
    poplar, and so does a file that is no table among tables: such objects go to a hidden folder.
    """
    end = f"_{obj.duplicate}" if apart else ""
    return _forest(obj, f"{forest_stem(obj.time_ms or 0)}{end}.{obj.extension}")


def hidden_path(obj: BeiweObject) -> str:
    """Return where a duplicate goes whose content forest reads already under another name."""
    name = f"{forest_stem(obj.time_ms or 0)}.{obj.extension}-duplicate-{obj.duplicate}"
    return DUPLICATES + _forest(obj, _extension_last(name, obj) if obj.is_media else name).removeprefix(BESIDE)


def _forest(obj: BeiweObject, name: str) -> str:
    folders = [obj.participant, obj.stream]
    if obj.stream in _BY_SURVEY:
        survey = obj.survey_id or ""
        folders.append(UNKNOWN_SURVEY if is_odd_name(survey) or "/" in survey else survey)
    elif obj.survey_id is not None or (obj.extension != "csv" and STREAMS[obj.stream].is_table):
        return BESIDE + safe_relpath("/".join([*folders, *_survey(obj), name]))
    return safe_relpath("/".join([*folders, name]))


def table_path(participant: str, stream: str, extension: str) -> str:
    """Return the path of a participant's table of one stream."""
    return safe_relpath(f"tables/{participant}/{stream}.{extension}")


def _survey(obj: BeiweObject) -> list[str]:
    return [] if obj.survey_id is None else [obj.survey_id]
