"""What keys say, and building them: every form of the facts, both ways; all else is unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bondstore.domains.beiwe.layout import (
    BeiweObject,
    Kind,
    build_key,
    hour_name,
    parse_key,
    plain_name,
    study_prefixes,
    twin_keys,
)

STUDY = "5873fe38644ad7557b168e43"
HOUR_MS = 3_600_000

# Chunked name of every stream, and its folder among the raw files, as the backend names them.
RAW_NAMES = {
    "accelerometer": "accel",
    "audio_recordings": "voiceRecording",
    "ambient_audio": "ambientAudio",
    "app_log": "logFile",
    "bluetooth": "bluetoothLog",
    "calls": "callLog",
    "devicemotion": "devicemotion",
    "gps": "gps",
    "gyro": "gyro",
    "image_survey": "image_survey",
    "ios_log": "ios/log",
    "magnetometer": "magnetometer",
    "power_state": "powerState",
    "proximity": "proximity",
    "reachability": "reachability",
    "survey_answers": "surveyAnswers",
    "survey_timings": "surveyTimings",
    "texts": "textsLog",
    "wifi": "wifiLog",
}
WITH_SURVEYS = ("survey_answers", "survey_timings", "audio_recordings", "image_survey")

studies = st.text("0123456789abcdef", min_size=24, max_size=24) | st.sampled_from(["abc", "a.b", "s+(x)", "ü"])
people = st.text("123456789abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=8) | st.sampled_from(["p", "A_b-9"])
surveys = st.text("0123456789abcdef", min_size=24, max_size=24) | st.just("")
extensions = st.sampled_from(["csv", "json", "mp4", "wav", "txt", "jpg"])
compressions = st.sampled_from(["", ".zst", ".zstd"])
letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
duplicates = st.just("") | st.text(letters, min_size=10, max_size=10)
hours = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(minute=0, second=0, microsecond=0)
)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ending(extension: str, duplicate: str, compression: str) -> str:
    return f".{extension}" + (f"-duplicate-{duplicate}" if duplicate else "") + compression


@st.composite
def chunked(draw: Any) -> tuple[str, BeiweObject]:
    """A chunked key, put together by hand, and what it says."""
    study, person, hour = draw(studies), draw(people), draw(hours)
    stream = draw(st.sampled_from([*RAW_NAMES, "identifiers"]))
    survey = draw(st.none() | surveys) if stream in WITH_SURVEYS else None
    end = draw(extensions), draw(duplicates), draw(compressions)
    stamp = f"{hour.year:04d}-{hour.month:02d}-{hour.day:02d}T{hour.hour:02d}:00:00"
    folder = "" if survey is None else f"{survey}/"
    key = f"CHUNKED_DATA/{study}/{person}/{stream}/{folder}{stamp}{ending(*end)}"
    ms = (hour - EPOCH) // timedelta(milliseconds=1)
    return study, BeiweObject(key, Kind.CHUNKED, person, stream, "", survey, ms, end[0], end[2], end[1])


@st.composite
def raw(draw: Any) -> tuple[str, BeiweObject]:
    """A raw key."""
    study, person, ms = draw(studies), draw(people), draw(st.integers(0, 10**13 - 1))
    assume(person != "keys")
    stream = draw(st.sampled_from(list(RAW_NAMES)))
    survey = draw(st.none() | surveys) if stream in WITH_SURVEYS else None
    end = draw(extensions), draw(duplicates), draw(compressions)
    folder = RAW_NAMES[stream] + ("" if survey is None else f"/{survey}")
    key = f"{study}/{person}/{folder}/{str(ms).zfill(13)}{ending(*end)}"
    obj = BeiweObject(key, Kind.RAW, person, stream, RAW_NAMES[stream], survey, ms, end[0], end[2], end[1])
    return study, obj


@st.composite
def identifiers(draw: Any) -> tuple[str, BeiweObject]:
    """A raw identifiers key."""
    study, person, seconds = draw(studies), draw(people), draw(st.integers(0, 10**10 - 1))
    end = draw(extensions), draw(duplicates), draw(compressions)
    key = f"{study}/{person}/identifiers_{str(seconds).zfill(10)}{ending(*end)}"
    name = "identifiers"
    obj = BeiweObject(key, Kind.IDENTIFIERS, person, name, name, None, seconds * 1000, end[0], end[2], end[1])
    return study, obj


data_objects = chunked() | raw() | identifiers()


@given(data_objects)
def test_every_form_is_read_as_what_it_says(made: tuple[str, BeiweObject]) -> None:
    study, obj = made
    found = parse_key(study, obj.key)
    assert found == obj
    assert found.is_data
    assert found.source == ("chunked" if obj.key.startswith("CHUNKED_DATA/") else "raw")


@given(data_objects)
def test_every_form_is_built_as_it_was_listed(made: tuple[str, BeiweObject]) -> None:
    study, obj = made
    assert build_key(study, obj) == obj.key


@given(data_objects)
def test_another_study_is_never_meant(made: tuple[str, BeiweObject]) -> None:
    study, obj = made
    for other in (study[:-1], study + "d", "x" + study):
        assert not parse_key(other, obj.key).is_data


@pytest.mark.parametrize(
    ("key", "participant", "stream", "survey", "moment"),
    [
        (
            f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/2018-03-01T05:00:00.csv",
            "1ab2cd3e", "gps", None, "2018-03-01T05:00:00",
        ),
        (
            f"CHUNKED_DATA/{STUDY}/1ab2cd3e/survey_timings/5aa1b2c3d4e5f60718293a4b/2026-04-01T00:00:00.csv.zst",
            "1ab2cd3e", "survey_timings", "5aa1b2c3d4e5f60718293a4b", "2026-04-01T00:00:00",
        ),
        (f"{STUDY}/1ab2cd3e/accel/1519880400123.csv", "1ab2cd3e", "accelerometer", None, "2018-03-01T05:00:00.123"),
        (f"{STUDY}/1ab2cd3e/ios/log/1519880400123.csv", "1ab2cd3e", "ios_log", None, "2018-03-01T05:00:00.123"),
        (f"{STUDY}/1ab2cd3e/surveyTimings//1519880400000.csv", "1ab2cd3e", "survey_timings", "", "2018-03-01T05:00:00"),
        (f"{STUDY}/1ab2cd3e/voiceRecording/5aa1/1519880400000.mp4.zst", "1ab2cd3e", "audio_recordings", "5aa1",
         "2018-03-01T05:00:00"),
        (f"{STUDY}/1ab2cd3e/identifiers_1519880400.csv", "1ab2cd3e", "identifiers", None, "2018-03-01T05:00:00"),
        (f"{STUDY}/1ab2cd3e/gps/1519880400000.csv-duplicate-Ab3dEf6hI9", "1ab2cd3e", "gps", None,
         "2018-03-01T05:00:00"),
    ],
)  # fmt: skip
def test_examples(key: str, participant: str, stream: str, survey: str | None, moment: str) -> None:
    found = parse_key(STUDY, key)
    assert (found.participant, found.stream, found.survey_id) == (participant, stream, survey)
    assert found.time_ms is not None
    assert EPOCH + timedelta(milliseconds=found.time_ms) == datetime.fromisoformat(moment + "+00:00")


WORDS = "CHUNKED_DATA PROBLEM_UPLOADS keys / // 1ab2cd3e gps accel ios/log identifiers identifiers_1519880400 . \0 ü ٣"
NAMES = "1519880400123 2018-03-01T05:00:00 2018-02-30T05:00:00 .csv .zst -duplicate-Ab3dEf6hI9 _private \ud800"
fragments = st.sampled_from([*WORDS.split(" "), *NAMES.split(" "), STUDY, STUDY + "d", "\n"])
any_text = (
    st.text(max_size=60) | st.lists(fragments, max_size=10).map("".join) | st.lists(fragments, max_size=7).map("/".join)
)


@given(any_text, st.sampled_from([STUDY, "", "keys", "CHUNKED_DATA"]) | st.text(max_size=5))
def test_no_text_ever_raises_and_all_can_be_built_back(key: str, study: str) -> None:
    found = parse_key(study, key)
    assert found.key == key
    assert build_key(study, found) == key


@given(any_text)
def test_what_is_not_below_the_study_is_never_data(key: str) -> None:
    if parse_key(STUDY, key).is_data:
        assert key.startswith((f"{STUDY}/", f"CHUNKED_DATA/{STUDY}/"))


@given(st.text(max_size=30) | data_objects.map(lambda made: made[1].key))
@example("1ab2cd3e_private")
@example("gps/1519880400123.csv")
@example("identifiers_1519880400.csv")
def test_device_keys_are_never_data(rest: str) -> None:
    found = parse_key(STUDY, f"{STUDY}/keys/{rest}")
    assert found.kind is Kind.DEVICE_KEY
    assert (found.is_data, found.source) == (False, "")


@given(st.text(max_size=30))
@example("1ab2cd3e/gps/1519880400123.csvAb3dEf6hI9")
def test_problem_uploads_are_never_data(rest: str) -> None:
    found = parse_key(STUDY, f"PROBLEM_UPLOADS/{STUDY}/{rest}")
    assert found.kind is Kind.PROBLEM_UPLOAD
    assert not found.is_data


def test_the_old_marker_is_known_and_no_data() -> None:
    found = parse_key(STUDY, f"{STUDY}/1ab2cd3e")
    assert (found.kind, found.participant, found.is_data) == (Kind.PARTICIPANT_MARKER, "1ab2cd3e", False)


C, R = f"CHUNKED_DATA/{STUDY}/1ab2cd3e", f"{STUDY}/1ab2cd3e"


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        STUDY,
        f"{STUDY}/",
        f"{STUDY}d/1ab2cd3e/gps/1519880400123.csv",
        f"CHUNKED_DATA/{STUDY}d/1ab2cd3e/gps/2018-03-01T05:00:00.csv",
        f"PROBLEM_UPLOADS/{STUDY}d/x",
        f"x/{R}/gps/1519880400123.csv",
        f"CHUNKED_DATA/{STUDY}",
        f"CHUNKED_DATA/{STUDY}/",
        f"CHUNKED_DATA/{STUDY}/1ab2cd3e",
        f"CHUNKED_DATA/{STUDY}/2018-03-01T05:00:00.csv",
        f"{C}/gps/",
        f"{C}/gps/2018-02-30T05:00:00.csv",
        f"{C}/gps/2018-03-01T24:00:00.csv",
        f"{C}/gps/2018-03-01T05:00:60.csv",
        f"{C}/gps/0000-03-01T05:00:00.csv",
        f"{C}/gps/2018-03-01 05:00:00.csv",
        f"{C}/gps/2018-03-01T05:00:00+00:00.csv",
        f"{C}/gps/2018-03-01T05:00:00",
        f"{C}/gps/2018-03-01T05:00:00.",
        f"{C}/gps/2018-03-01T05:00:00.zst",
        f"{C}/gps/2018-03-01T05:00:00.exe",
        f"{C}/gps/2018-03-01T05:00:00.CSV",
        f"{C}/gps/2018-03-01T05:00:00.csv.gz",
        f"{C}/gps/2018-03-01T05:00:00.csv.zst.zst",
        f"{C}/gps/2018-03-01T05:00:00.csv-duplicate-",
        f"{C}/gps/2018-03-01T05:00:00.csv-duplicate-Ab3dEf6hI",
        f"{C}/gps/2018-03-01T05:00:00.csv-duplicate-Ab3dEf6hI9x",
        f"{C}/gps/2018-03-01T05:00:00.csv.zst-duplicate-Ab3dEf6hI9",
        f"{C}/gps/٢٠١٨-03-01T05:00:00.csv",
        f"{C}/gps/1519880400123.csv",
        f"{C}/accel/2018-03-01T05:00:00.csv",
        f"{C}/unheard_of/2018-03-01T05:00:00.csv",
        f"{C}/survey_timings/5aa1/more/2018-03-01T05:00:00.csv",
        f"{R}/",
        f"{R}/gps/151988040012.csv",
        f"{R}/gps/15198804001234.csv",
        f"{R}/gps/-151988040012.csv",
        f"{R}/gps/+151988040012.csv",
        f"{R}/gps/١٥١٩٨٨٠٤٠٠١٢٣.csv",
        f"{R}/gps/1519880400123",
        f"{R}/gps/1519880400123.csvAb3dEf6hI9",
        f"{R}/accelerometer/1519880400123.csv",
        f"{R}/Gps/1519880400123.csv",
        f"{R}/ios/1519880400123.csv",
        f"{R}/ios_log/1519880400123.csv",
        f"{R}/identifiers/1519880400123.csv",
        f"{R}/identifiers_1519880400123.csv",
        f"{R}/identifiers_151988040.csv",
        f"{R}/identifiers_1519880400",
        f"{STUDY}/identifiers_1519880400.csv/",
        f"{R}/surveyTimings/5aa1/more/1519880400123.csv",
        f"{R}/notes.txt",
    ],
)
def test_what_is_not_exactly_a_form_is_unknown(key: str) -> None:
    found = parse_key(STUDY, key)
    assert found == BeiweObject(key, Kind.UNKNOWN)
    assert build_key(STUDY, found) == key


def test_a_study_never_stands_for_one_that_starts_alike() -> None:
    assert study_prefixes("abc") == ("CHUNKED_DATA/abc/", "abc/", "PROBLEM_UPLOADS/abc/")
    for kept in ("CHUNKED_DATA/{}/p/gps/2018-03-01T05:00:00.csv", "{}/p/gps/1519880400123.csv", "{}/keys/p_private"):
        assert parse_key("abcd", kept.format("abcd")).kind is not Kind.UNKNOWN
        assert parse_key("abc", kept.format("abcd")).kind is Kind.UNKNOWN
        assert parse_key("abcd", kept.format("abc")).kind is Kind.UNKNOWN


@given(hours)
def test_the_name_of_an_hour(hour: datetime) -> None:
    ms = (hour - EPOCH) // timedelta(milliseconds=1)
    expected = f"{hour.year:04d}-{hour.month:02d}-{hour.day:02d}T{hour.hour:02d}:00:00"
    assert hour_name(ms) == expected
    assert hour_name(ms + 999) == expected


@given(data_objects)
def test_twins_are_each_others(made: tuple[str, BeiweObject]) -> None:
    study, obj = made
    plain = obj.key.removesuffix(".zstd").removesuffix(".zst")
    expected = (plain,) if obj.compression else (f"{plain}.zst", f"{plain}.zstd")
    assert twin_keys(obj.key) == expected
    for twin in expected:
        assert obj.key in twin_keys(twin)
        assert plain_name(parse_key(study, twin)) == plain.rsplit("/", 1)[-1]
