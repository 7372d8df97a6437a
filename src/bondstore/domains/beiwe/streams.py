"""The data streams of Beiwe: their names, columns and types per platform, and how to know a header line.

Source: the Beiwe backend's reference headers and stream names. Imports nothing heavy, so that listing and layout
stay quick; types are the *names* of polars types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

HOUR_MS = 3_600_000
EARLIEST_MS = 1_406_851_200_000
"""Rows before this time (August 2014) are dropped, as on the server."""
AHEAD_MS = 90 * 24 * HOUR_MS
"""Rows this far ahead of the clock are dropped, as on the server."""
TIMESTAMP = "timestamp"
"""First column of every table: unix time in milliseconds, UTC."""
UTC_TIME = "UTC time"
"""Second column of every table: the same instant as a datetime."""
LOG_BANNER = "THIS LINE IS A LOG FILE HEADER"
"""First line of a raw Android app log, which has no header of its own."""

ANSWER_TEXT = "answer text"
"""Last column of survey answers, which no file has: the answer, or the option that it is the place of."""


@dataclass(frozen=True, slots=True)
class StreamColumn:
    """A column of a stream, named as the server writes it in a chunked header."""

    name: str
    type: str  # the name of a polars type: Int64, Float64 or String


@dataclass(frozen=True, slots=True)
class Variant:
    """The columns of a stream as one platform (``android``, ``ios`` or ``both``) writes them."""

    platform: str
    columns: tuple[StreamColumn, ...]  # those after TIMESTAMP and UTC_TIME, in the order of the chunked file
    raw: tuple[str, ...]  # names of a raw header, in its own order, without spaces around them

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stream's own columns."""
        return tuple(column.name for column in self.columns)

    @property
    def chunked(self) -> tuple[str, ...]:
        """Names of a chunked header."""
        return (TIMESTAMP, UTC_TIME, *self.names)


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of data that the Beiwe apps collect."""

    name: str  # in chunked keys and everywhere in Bondstore, such as accelerometer
    raw_name: str  # in raw keys, such as accel
    variants: tuple[Variant, ...] = ()  # the first is the default; media have none
    kind: str = "table"  # or survey, log, media
    platforms: tuple[str, ...] = ("android", "ios")
    raw_only: bool = False  # never chunked by the server
    ragged: bool = False  # rows of unequal length are normal
    spaced: bool = False  # its Android files may put a space after commas
    has_surveys: bool = False  # its objects lie in folders of surveys
    identifying: bool = False  # rows can point at a person by themselves: device identifiers, places, voices, free text

    def __hash__(self) -> int:
        return hash(self.name)  # by all of the columns it takes longer than matching a header, which is cached by it

    @property
    def columns(self) -> dict[str, tuple[StreamColumn, ...]]:
        """Own columns per platform."""
        return {
            platform: variant.columns
            for variant in self.variants
            for platform in (self.platforms if variant.platform == "both" else (variant.platform,))
        }

    @property
    def table(self) -> tuple[StreamColumn, ...]:
        """Own columns of the canonical table: the union over platforms, in the order of the files."""
        return _union(self)

    @property
    def is_table(self) -> bool:
        """Whether its objects hold rows."""
        return self.kind != "media"


@lru_cache(maxsize=64)
def _union(stream: Stream) -> tuple[StreamColumn, ...]:
    longest_first = sorted(stream.variants, key=lambda variant: -len(variant.columns))
    return tuple(dict.fromkeys(column for variant in longest_first for column in variant.columns))


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """What a header line says about the lines below it."""

    variant: Variant
    source: str  # the form of the rows: chunked or raw
    names: tuple[str, ...]  # in the file's order, cleaned
    quirks: tuple[str, ...] = ()  # kinds of findings that the line itself calls for


def _variant(platform: str, text: str, raw: str | None = None) -> Variant:
    """Build a variant from ``name:type`` words; a bare name is a String, ``:f`` Float64, ``:i`` Int64."""
    types = {"": "String", "f": "Float64", "i": "Int64"}
    pairs = [word.partition(":") for word in text.split(",")]
    columns = tuple(StreamColumn(name, types[letter]) for name, _, letter in pairs)
    names = raw.split(",") if raw is not None else [TIMESTAMP, *(column.name for column in columns)]
    return Variant(platform, columns, tuple(names))


def _both(text: str, raw: str | None = None) -> tuple[Variant, ...]:
    return (_variant("both", text, raw),)


_XYZ = "x:f,y:f,z:f"
_ACCURACY_XYZ = f"accuracy,{_XYZ}"
_QUESTION = "question type,question text,question answer options,answer"
_TIMING = f"question id,survey id,{_QUESTION}"
_IDENTIFIERS = (
    "patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,manufacturer,model,"
    "beiwe_version"
)
_MOTION = (
    "roll:f,pitch:f,yaw:f,rotation_rate_x:f,rotation_rate_y:f,rotation_rate_z:f,gravity_x:f,gravity_y:f,gravity_z:f,"
    "user_accel_x:f,user_accel_y:f,user_accel_z:f,magnetic_field_calibration_accuracy,"
    "magnetic_field_x:f,magnetic_field_y:f,magnetic_field_z:f"
)
_ANDROID, _IOS = ("android",), ("ios",)

_ALL = (
    Stream("accelerometer", "accel", _both(_ACCURACY_XYZ)),
    Stream("ambient_audio", "ambientAudio", kind="media", raw_only=True, identifying=True),
    Stream("app_log", "logFile", _both("event", LOG_BANNER), kind="log", platforms=_ANDROID),
    Stream("audio_recordings", "voiceRecording", kind="media", raw_only=True, has_surveys=True, identifying=True),
    Stream("bluetooth", "bluetoothLog", _both("hashed MAC,RSSI:i"), platforms=_ANDROID, spaced=True),
    Stream(
        "calls",
        "callLog",
        _both(
            "hashed phone number,call type,duration in seconds:i",
            "hashed phone number,call type,timestamp,duration in seconds",
        ),
        platforms=_ANDROID,
    ),
    Stream("devicemotion", "devicemotion", _both(_MOTION), platforms=_IOS),
    Stream("gps", "gps", _both("latitude:f,longitude:f,altitude:f,accuracy:f"), spaced=True, identifying=True),
    Stream("gyro", "gyro", (_variant("android", _ACCURACY_XYZ), _variant("ios", _XYZ))),
    Stream("identifiers", "identifiers", _both(_IDENTIFIERS, _IDENTIFIERS), identifying=True),
    Stream("image_survey", "image_survey", kind="media", raw_only=True, has_surveys=True, identifying=True),
    Stream("ios_log", "ios/log", _both("launchId,memory,battery,event,msg,d1,d2,d3,d4"), kind="log", platforms=_IOS),
    Stream("magnetometer", "magnetometer", _both(_XYZ), platforms=_IOS),
    Stream("power_state", "powerState", (_variant("android", "event"), _variant("ios", "event,level:f")), spaced=True),
    Stream("proximity", "proximity", _both("event"), platforms=_IOS),
    Stream("reachability", "reachability", _both("event"), platforms=_IOS),
    Stream(
        "survey_answers",
        "surveyAnswers",
        _both(f"survey id,question id,{_QUESTION},{ANSWER_TEXT}", f"question id,{_QUESTION}"),
        kind="survey",
        raw_only=True,
        has_surveys=True,
        identifying=True,
    ),
    Stream(
        "survey_timings",
        "surveyTimings",
        (
            _variant("android", _TIMING, f"timestamp,question id,{_QUESTION}"),
            _variant("ios", f"{_TIMING},event", f"timestamp,question id,{_QUESTION},event"),
        ),
        kind="survey",
        ragged=True,
        has_surveys=True,
        identifying=True,
    ),
    Stream(
        "texts",
        "textsLog",
        _both("hashed phone number,sent vs received,message length,time sent:i"),
        platforms=_ANDROID,
        ragged=True,
    ),
    Stream(
        "wifi",
        "wifiLog",
        _both("hashed MAC,frequency:i,RSSI:i", "hashed MAC,frequency,RSSI"),
        platforms=_ANDROID,
        spaced=True,
    ),
)

STREAMS: Mapping[str, Stream] = MappingProxyType({stream.name: stream for stream in _ALL})
"""Every stream by its chunked name, in alphabetical order."""

_BY_RAW: Mapping[str, Stream] = MappingProxyType({stream.raw_name: stream for stream in _ALL})


def by_raw_name(raw: str) -> Stream | None:
    """Return the stream that raw keys call `raw` (``accel`` is accelerometer), or None."""
    return _BY_RAW.get(raw)


@lru_cache(maxsize=1024)
def match_header(stream: Stream, line: bytes, source: str) -> HeaderMatch | None:
    """Find which header of `stream` a line is (LF or CR LF may be left on it); None when it is none of them.

    `source` is where the object lies, ``chunked`` or ``raw``. An old server wrote some chunked files in the raw form,
    so the other form is tried as well; `HeaderMatch.source` says which it is.
    """
    names, quirks = _clean_names(line)
    for form in dict.fromkeys((source, "chunked", "raw")):
        for variant in stream.variants:
            wanted = variant.chunked if form == "chunked" else variant.raw
            if names == wanted:
                return HeaderMatch(variant, form, names, quirks)
            if _modern(stream, names) == wanted:
                return HeaderMatch(variant, form, wanted, (*quirks, "old-header"))
    return None


def _clean_names(line: bytes) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a header line into names without spaces, and say what was odd about it."""
    quirks: list[str] = []
    text = line.rstrip(b"\r\n")
    plain = bytes(byte for byte in text if byte < 128)
    if plain != text:
        quirks.append("header-not-ascii")
    if plain.startswith(b","):
        quirks.append("header-starts-with-comma")
        plain = plain[1:]
    fields = plain.decode("ascii").split(",")
    names = tuple(field.strip() for field in fields)
    if names != tuple(fields):
        quirks.append("spaces-in-header")
    return names, tuple(quirks)


def _modern(stream: Stream, names: tuple[str, ...]) -> tuple[str, ...]:
    """Rename what old apps called otherwise: the time of a call was ``date``."""
    if stream.name == "calls":
        return tuple(TIMESTAMP if name == "date" else name for name in names)
    return names
