import pickle
import subprocess
import sys

import pytest

from bondstore.domains.beiwe.streams import STREAMS, by_raw_name, match_header

RAW_NAMES = {
    "accel": "accelerometer",
    "voiceRecording": "audio_recordings",
    "ambientAudio": "ambient_audio",
    "logFile": "app_log",
    "bluetoothLog": "bluetooth",
    "callLog": "calls",
    "devicemotion": "devicemotion",
    "gps": "gps",
    "gyro": "gyro",
    "identifiers": "identifiers",
    "ios/log": "ios_log",
    "magnetometer": "magnetometer",
    "powerState": "power_state",
    "proximity": "proximity",
    "reachability": "reachability",
    "surveyAnswers": "survey_answers",
    "surveyTimings": "survey_timings",
    "textsLog": "texts",
    "wifiLog": "wifi",
    "image_survey": "image_survey",
}


def test_every_stream_has_its_raw_name():
    assert {raw: by_raw_name(raw).name for raw in RAW_NAMES} == RAW_NAMES
    assert set(STREAMS) == set(RAW_NAMES.values())
    assert by_raw_name("accelerometer") is None


@pytest.mark.parametrize(
    ("stream", "source", "line", "platform", "form", "quirks"),
    [
        ("gps", "chunked", b"timestamp,UTC time,latitude,longitude,altitude,accuracy", "both", "chunked", ()),
        (
            "gps",
            "chunked",
            b"timestamp,UTC time, latitude, longitude, altitude, accuracy\r\n",
            "both",
            "chunked",
            ("spaces-in-header",),
        ),
        (
            "gps",
            "raw",
            b"timestamp, latitude, longitude, altitude, accuracy",
            "both",
            "raw",
            ("spaces-in-header",),
        ),
        ("gps", "chunked", b"timestamp,latitude,longitude,altitude,accuracy", "both", "raw", ()),
        ("gyro", "chunked", b"timestamp,UTC time,accuracy,x,y,z", "android", "chunked", ()),
        ("gyro", "chunked", b"timestamp,UTC time,x,y,z", "ios", "chunked", ()),
        ("power_state", "raw", b"timestamp,event,level", "ios", "raw", ()),
        ("calls", "raw", b"hashed phone number,call type,date,duration in seconds", "both", "raw", ("old-header",)),
        ("wifi", "raw", b"hashed MAC, frequency, RSSI", "both", "raw", ("spaces-in-header",)),
        ("app_log", "raw", b"THIS LINE IS A LOG FILE HEADER\n", "both", "raw", ()),
        ("gyro", "raw", b",timestamp,x,y,z", "ios", "raw", ("header-starts-with-comma",)),
        ("gyro", "raw", b"\xef\xbb\xbftimestamp,x,y,z", "ios", "raw", ("header-not-ascii",)),
        (
            "survey_timings",
            "chunked",
            b"timestamp,UTC time,question id,survey id,question type,question text,"
            b"question answer options,answer,event",
            "ios",
            "chunked",
            (),
        ),
    ],
)
def test_headers_are_known(stream, source, line, platform, form, quirks):
    match = match_header(STREAMS[stream], line, source)
    assert match is not None
    assert (match.variant.platform, match.source, match.quirks) == (platform, form, quirks)


@pytest.mark.parametrize("line", [b"", b"timestamp,UTC time,x,y", b"\x8f\x01garbage", b"timestamp,UTC time,x,y,z,w"])
def test_other_lines_are_no_header(line):
    assert match_header(STREAMS["magnetometer"], line, "chunked") is None


def test_the_table_joins_both_platforms():
    assert [column.name for column in STREAMS["gyro"].table] == ["accuracy", "x", "y", "z"]
    assert [column.name for column in STREAMS["power_state"].table] == ["event", "level"]
    assert [column.name for column in STREAMS["survey_timings"].table][-2:] == ["answer", "event"]
    assert len(STREAMS["devicemotion"].table) == 16
    assert set(STREAMS["accelerometer"].columns) == {"android", "ios"}
    assert set(STREAMS["calls"].columns) == {"android"}


def test_streams_travel_to_workers():
    assert pickle.loads(pickle.dumps(STREAMS["gyro"])) == STREAMS["gyro"]


def test_importing_streams_is_light():
    code = (
        "import sys, bondstore.domains.beiwe.streams; print({'polars','numpy','pyarrow','pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
