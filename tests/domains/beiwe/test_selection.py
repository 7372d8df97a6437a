"""Which objects are meant: people, streams, sources, and the edges of the window."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bondstore.domains.beiwe.layout import BeiweObject, parse_key
from bondstore.domains.beiwe.selection import StudySelection, from_params, select
from bondstore.errors import Exit, UsageError
from tests.domains.beiwe.objects import HOUR, PID, STUDY, chunked, identifiers, raw

HOUR_MS = 3_600_000
RAW_ONLY = {
    "survey_answers": "surveyAnswers",
    "audio_recordings": "voiceRecording",
    "ambient_audio": "ambientAudio",
    "image_survey": "image_survey",
}


def test_an_empty_selection_is_all_that_is_chunked_and_what_never_is() -> None:
    chosen = select()
    assert chosen.wants(chunked("gps"))
    assert chosen.wants(chunked("identifiers"))
    assert not chosen.wants(raw("gps"))
    assert not chosen.wants(identifiers())
    for raw_name in RAW_ONLY.values():
        assert chosen.wants(raw(raw_name))


@pytest.mark.parametrize("stream", RAW_ONLY)
def test_streams_that_are_never_chunked_come_along_with_chunked(stream: str) -> None:
    obj = raw(RAW_ONLY[stream], survey="5aa1")
    assert select(streams=[stream]).wants(obj)
    assert select(source="both").wants(obj)
    assert select(source="raw").wants(obj)
    assert not select(streams=["gps"]).wants(obj)
    assert not select(until_ms=HOUR).wants(obj)


@pytest.mark.parametrize(
    ("source", "kept"),
    [("chunked", ["chunked"]), ("raw", ["raw", "identifiers"]), ("both", ["chunked", "raw", "identifiers"])],
)
def test_sources(source: str, kept: list[str]) -> None:
    objects = {"chunked": chunked("gps"), "raw": raw("gps"), "identifiers": identifiers()}
    chosen = select(source=source)
    assert [name for name, obj in objects.items() if chosen.wants(obj)] == kept


@pytest.mark.parametrize(
    "key",
    [
        f"{STUDY}/keys/{PID}_private",
        f"{STUDY}/{PID}",
        f"PROBLEM_UPLOADS/{STUDY}/{PID}/gps/1519862400000.csvAb3dEf6hI9",
        f"{STUDY}/{PID}/notes.txt",
        f"CHUNKED_DATA/{STUDY}/{PID}/gps/when.csv",
    ],
)
def test_what_is_no_data_is_never_wanted(key: str) -> None:
    obj = parse_key(STUDY, key)
    assert not select(source="both").wants(obj)
    assert not select([PID], source="both").wants(obj)


def test_people_and_streams() -> None:
    obj = chunked("gps")
    assert select([PID, "other"], ["gps", "gyro"]).wants(obj)
    assert not select(["other"]).wants(obj)
    assert not select([PID[:-1]]).wants(obj)
    assert not select(streams=["gyro"]).wants(obj)
    assert select(streams=["identifiers"], source="raw").wants(identifiers())


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (HOUR, None, True),
        (HOUR + HOUR_MS - 1, None, True),
        (HOUR + HOUR_MS, None, False),
        (None, HOUR, False),
        (None, HOUR + 1, True),
        (HOUR + 5, HOUR + 6, True),
        (HOUR - 1, HOUR, False),
        (HOUR - HOUR_MS, HOUR + 1, True),
        (0, None, True),
        (None, 1, False),
    ],
)
def test_a_chunked_hour_belongs_to_the_window_it_overlaps(since: int | None, until: int | None, wanted: bool) -> None:
    assert select(since_ms=since, until_ms=until).wants(chunked("gps", HOUR)) is wanted


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        (HOUR, None, True),
        (HOUR + 1, None, False),
        (None, HOUR, False),
        (None, HOUR + 1, True),
        (HOUR, HOUR + 1, True),
        (HOUR - 1, HOUR, False),
    ],
)
def test_a_raw_file_belongs_to_the_window_its_name_lies_in(since: int | None, until: int | None, wanted: bool) -> None:
    chosen = select(source="raw", since_ms=since, until_ms=until)
    assert chosen.wants(raw("gps", HOUR)) is wanted
    assert chosen.wants(identifiers(HOUR // 1000)) is wanted


def test_a_raw_file_may_start_a_margin_earlier_but_never_later() -> None:
    chosen = select(source="raw", since_ms=HOUR, until_ms=HOUR + 10)
    assert chosen.wants(raw("gps", HOUR - 500), raw_margin_ms=500)
    assert not chosen.wants(raw("gps", HOUR - 501), raw_margin_ms=500)
    assert not chosen.wants(raw("gps", HOUR + 10), raw_margin_ms=500)
    both = select(source="both", since_ms=HOUR + HOUR_MS)
    assert not both.wants(chunked("gps", HOUR), raw_margin_ms=500)


times = st.integers(0, 10**13 - 1)


@given(
    times.map(lambda ms: ms // HOUR_MS * HOUR_MS).filter(lambda ms: ms < 10**13 - HOUR_MS),
    st.integers(0, HOUR_MS - 1),
    times,
    times,
)
def test_no_row_inside_the_window_is_left_out(hour: int, offset: int, one: int, other: int) -> None:
    since, until = sorted((one, other + 1))
    row = hour + offset
    chosen = StudySelection(source="both", since_ms=since, until_ms=until)
    if since <= row < until:
        assert chosen.wants(chunked("gps", hour))
        assert chosen.wants(made(row))
    if not any(since <= edge < until for edge in (hour, hour + HOUR_MS - 1)) and not hour <= since < hour + HOUR_MS:
        assert not chosen.wants(chunked("gps", hour))


def made(time_ms: int) -> BeiweObject:
    return parse_key(STUDY, f"{STUDY}/{PID}/gps/{time_ms:013d}.csv")


def test_streams_go_by_both_of_their_names() -> None:
    names = ["accel", "accelerometer", "ios/log", "voiceRecording", "gps", "gps"]
    assert select(streams=names).streams == ("accelerometer", "ios_log", "audio_recordings", "gps")
    assert select(["p", "q", "p"]).participants == ("p", "q")


@pytest.mark.parametrize(
    ("word", "nearest"),
    [
        ("acelerometer", "accelerometer"),
        ("gpss", "gps"),
        ("survey_answer", "survey_answers"),
        ("powerstate", "power_state"),
        ("Accelerometer", "accelerometer"),
        ("GPS", "gps"),
        ("WiFi", "wifi"),
    ],
)
def test_for_a_misspelt_stream_the_nearest_is_named(word: str, nearest: str) -> None:
    with pytest.raises(UsageError) as refused:
        select(streams=["gyro", word])
    assert refused.value.exit_code is Exit.USAGE
    assert word in refused.value.message
    assert refused.value.hint == f"Did you mean {nearest}? Objects of other streams: bondstore beiwe ls --unknown"


def test_where_nothing_is_near_all_are_named() -> None:
    with pytest.raises(UsageError) as refused:
        select(streams=["zzzzzz"])
    assert refused.value.hint is not None
    for name in ("accelerometer", "ios_log", "wifi"):
        assert name in refused.value.hint


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(UsageError, match="everything") as refused:
        select(source="everything")
    assert refused.value.hint == "Choose chunked, raw or both."


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5), (1, 0)])
def test_a_window_that_ends_before_it_starts_is_refused(since: int, until: int) -> None:
    with pytest.raises(UsageError, match="window"):
        select(since_ms=since, until_ms=until)


selections = st.builds(
    StudySelection,
    st.lists(st.text("abc123", min_size=1, max_size=8), unique=True, max_size=4).map(tuple),
    st.lists(st.sampled_from(["gps", "ios_log", "survey_answers"]), unique=True).map(tuple),
    st.sampled_from(["chunked", "raw", "both"]),
    st.none() | st.integers(0, 1 << 43),
    st.none() | st.integers(0, 1 << 43),
)


@given(selections)
def test_the_ledger_gives_back_the_selection_it_was_given(chosen: Any) -> None:
    assert from_params(json.loads(json.dumps(chosen.params()))) == chosen
