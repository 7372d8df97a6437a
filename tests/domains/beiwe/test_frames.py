import io
import random

import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.domains.beiwe.findings import KINDS, where_rows
from bondstore.domains.beiwe.reading import frames, parse_fast
from bondstore.domains.beiwe.reading.frames import read_frames, schema
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import UsageError
from tests.domains.beiwe.objects import ACCEL, HOUR, IDENTIFIERS, chunked, identifiers, raw, text

A = STREAMS["accelerometer"]


def kinds_of(parsed):
    return [(one.kind, one.where, one.count) for one in parsed.findings]


def accel(*rows):
    return text(ACCEL, *rows)


GOOD = (
    "1519862400123,2018-03-01T00:00:00.123,unknown,0.1,-0.25,1",
    "1519862401004,2018-03-01T00:00:01.004,unknown,1e-3,2.5,-9.81",
)


def test_a_healthy_object_is_what_pandas_reads():
    plain = accel(*GOOD)
    frame = read_frames(A, [(chunked("accelerometer"), plain)]).frame
    oracle = pd.read_csv(io.BytesIO(plain))
    assert frame.columns == list(oracle.columns)
    assert frame["timestamp"].to_list() == oracle["timestamp"].tolist()
    assert frame["UTC time"].dt.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_list() == oracle["UTC time"].tolist()
    for name in "xyz":
        assert frame[name].to_list() == oracle[name].astype(float).tolist()
    assert frame.schema == pl.Schema(schema(A))


@st.composite
def healthy(draw):
    """A stream and healthy objects of it, built without the package's own text functions."""
    name = draw(
        st.sampled_from(["accelerometer", "gps", "gyro", "power_state", "wifi", "bluetooth", "devicemotion", "calls"])
    )
    stream = STREAMS[name]
    word = st.text("abcdefXYZ0123456789_-. :\"'\\/", max_size=12)
    values = {
        "Float64": st.floats(-1e6, 1e6).map(repr),
        "Int64": st.integers(-(10**9), 10**9).map(str),
        "String": word.filter(lambda one: one == one.strip()),
    }
    items = []
    for hour in range(draw(st.integers(1, 4))):
        variant = draw(st.sampled_from(stream.variants))
        start = HOUR + hour * 3_600_000
        offsets = sorted(draw(st.sets(st.integers(0, 3_599_999), min_size=1, max_size=6)))
        lines = [",".join(["timestamp", "UTC time", *variant.names])]
        for offset in offsets:
            at = pd.Timestamp(start + offset, unit="ms").strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
            lines.append(
                ",".join([str(start + offset), at, *[draw(values[column.type]) for column in variant.columns]])
            )
        end = draw(st.sampled_from(["", "\n"]))
        items.append((chunked(name, start), ("\n".join(lines) + end).encode()))
    return stream, items


@settings(max_examples=60, deadline=None)
@given(healthy())
def test_fast_path_equals_careful_path(case):
    stream, items = case
    fast = read_frames(stream, items, source=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "_may_be_healthy", lambda *_: False)
        careful = read_frames(stream, items, source=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parse_fast, "_SMALL", 0)
        arrows = read_frames(stream, items, source=True)
    assert fast.frame.equals(careful.frame)
    assert fast.frame.equals(arrows.frame)
    assert fast.findings == careful.findings == arrows.findings == ()
    assert fast.rows == careful.rows == tuple(data.strip().count(b"\n") for _, data in items)


def test_healthy_objects_take_the_fast_path(monkeypatch):
    monkeypatch.setattr(frames, "_read_carefully", lambda *_: pytest.fail("the careful path was taken"))
    parsed = read_frames(A, [(chunked("accelerometer"), accel(*GOOD))] * 3, source=True)
    assert parsed.rows == (2, 2, 2)
    assert parsed.frame["source"].to_list() == [0, 0, 1, 1, 2, 2]


def test_a_damaged_object_among_healthy_ones_keeps_its_place():
    rows = [f"{HOUR + n},2018-03-01T00:00:00.{n:03d},unknown,{n}.5,0.0,0.0" for n in range(400)]
    damaged = bytearray(accel(*rows))
    damaged[5000:5017] = bytes(random.Random(3).randbytes(17))
    good = accel(*rows)
    items = [(chunked("accelerometer"), one) for one in (good, bytes(damaged), good)]
    parsed = read_frames(A, items, source=True)
    assert parsed.damaged == {items[1][0].key}
    (found,) = parsed.findings
    assert found.kind == "rows-lost"
    lost = found.count
    assert 1 <= lost <= 3
    assert parsed.rows == (400, 400 - lost + bytes(damaged).count(b"\n") - 400, 400)
    kept = parsed.frame.filter(pl.col("source") == 1)["timestamp"].to_list()
    assert set(kept) <= {HOUR + n for n in range(400)}
    assert parsed.frame["source"].is_sorted()


def test_a_flipped_ciphertext_byte_loses_named_rows_only():
    plain = bytearray(accel(*GOOD))
    at = plain.index(b"1519862401004") + 3
    plain[at : at + 17] = b"\x91\x02\xff" * 5 + b"\x00\x9c"
    parsed = read_frames(A, [(chunked("accelerometer"), bytes(plain))])
    assert kinds_of(parsed) == [("rows-lost", "row 2", 1)]
    assert parsed.frame["timestamp"].to_list() == [1519862400123]


@pytest.mark.parametrize(
    ("stream", "lines", "expected", "values"),
    [
        pytest.param(
            "accelerometer",
            [
                ACCEL,
                "1475136000012,2016-09-29T08:00:00.12,unknown,1,2,3",
                "1475136000712,2016-09-29T08:00:00.712,unknown,1,2,3",
            ],
            [("unpadded-milliseconds", "row 1", 1)],
            {"timestamp": [1475136000012, 1475136000712], "x": [1.0, 1.0]},
            id="unpadded-milliseconds",
        ),
        pytest.param(
            "identifiers",
            [
                f"timestamp,UTC time,{IDENTIFIERS}",
                "1519862400000,2018-03-01T00:00:00.000,abcd1234,m,p,d,iOS,10.1,pr,br,hw,Apple,iPhone8,1,2.4",
            ],
            [("comma-in-model", "row 1", 1)],
            {"model": ["iPhone8,1"], "beiwe_version": ["2.4"], "manufacturer": ["Apple"]},
            id="comma-in-model",
        ),
        pytest.param(
            "gps",
            [
                "timestamp,UTC time,latitude,longitude,altitude,accuracy",
                "1519862400000,2018-03-01T00:00:00.000,2018-03-01T00:00:00.000,1.5,2.5,3.5,4.5",
            ],
            [("repeated-utc-time", "row 1", 1)],
            {"latitude": [1.5], "accuracy": [4.5]},
            id="repeated-utc-time",
        ),
        pytest.param(
            "gyro",  # with the repeat the row has as many fields as an Android row
            [
                "timestamp,UTC time,accuracy,x,y,z",
                "1519862400000,2018-03-01T00:00:00.000,2018-03-01T00:00:00.000,1.5,2.5,3.5",
            ],
            [("ragged-rows", "row 1", 1), ("repeated-utc-time", "row 1", 1)],
            {"accuracy": [None], "x": [1.5], "z": [3.5]},
            id="repeated-utc-time-that-fits",
        ),
        pytest.param(
            "gyro",  # the participant changed the phone within the hour
            ["timestamp,UTC time,accuracy,x,y,z", "1519862400000,2018-03-01T00:00:00.000,1.5,2.5,3.5"],
            [("ragged-rows", "row 1", 1)],
            {"accuracy": [None], "x": [1.5], "z": [3.5]},
            id="platforms-mixed",
        ),
        pytest.param(
            "gps",
            [
                "timestamp,UTC time, latitude, longitude, altitude, accuracy",
                "1519862400000,2018-03-01T00:00:00.000, 1.5, 2.5, 3.5, 4.5",
            ],
            [("spaces-in-header", "", 1)],
            {"latitude": [1.5], "accuracy": [4.5]},
            id="spaces",
        ),
        pytest.param("accelerometer", [ACCEL], [("header-only", "", 1)], {"x": []}, id="header-only"),
        pytest.param("accelerometer", [ACCEL, ""], [("header-only", "", 1)], {"x": []}, id="header-only-with-line-end"),
        pytest.param("accelerometer", [""], [("empty-text", "", 1)], {"x": []}, id="empty-text"),
        pytest.param(
            "accelerometer",
            ["," + ACCEL, GOOD[0]],
            [("header-starts-with-comma", "", 1)],
            {"timestamp": [1519862400123]},
            id="header-starts-with-comma",
        ),
        pytest.param(
            "accelerometer",
            ["\ufeff" + ACCEL, GOOD[0]],
            [("header-not-ascii", "", 1)],
            {"timestamp": [1519862400123]},
            id="header-not-ascii",
        ),
        pytest.param(
            "accelerometer",
            ["hello", *GOOD],
            [("wrong-header", "", 1)],
            {"x": [0.1, 0.001]},
            id="wrong-header",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, GOOD[0], GOOD[1][:40]],
            [("rows-lost", "row 2", 1)],
            {"x": [0.1]},
            id="truncated",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, "1519862400123,2018-03-01T00:00:09.123,unknown,1,2,3"],
            [("utc-time-disagrees", "row 1", 1)],
            {"timestamp": [1519862400123]},
            id="utc-time-disagrees",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, GOOD[0], "1519866000000,2018-03-01T01:00:00.000,unknown,1,2,3"],
            [("out-of-hour-rows", "row 2", 1)],
            {"x": [0.1, 1.0]},
            id="out-of-hour",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, "0000000000012,1970-01-01T00:00:00.012,unknown,1,2,3"],
            [("timestamp-out-of-range", "row 1", 1)],
            {"timestamp": [12]},
            id="timestamp-out-of-range",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, GOOD[0], GOOD[0], GOOD[1]],
            [("duplicate-rows", "row 2", 1)],
            {"x": [0.1, 0.1, 0.001]},
            id="duplicate-rows",
        ),
        pytest.param(
            "accelerometer",
            [ACCEL, "1519862400123,2018-03-01T00:00:00.123,unknown,far,2,3"],
            [("not-a-number", "row 1", 1)],
            {"x": [None], "y": [2.0]},
            id="not-a-number",
        ),
        pytest.param(
            "texts",
            [
                "timestamp,UTC time,hashed phone number,sent vs received,message length,time sent",
                "1519862400000,2018-03-01T00:00:00.000,h4sh,sent SMS,12,1519862399000",
                "1519862400001,2018-03-01T00:00:00.001,h4sh,sent MMS,MMS",
                "1519862400002,2018-03-01T00:00:00.002,SMS Sent Logger had an error: x",
            ],
            [("mms-without-time", "row 2", 1), ("sms-logger-error", "row 3", 1)],
            {"message length": ["12", "MMS", None], "time sent": [1519862399000, None, None]},
            id="texts",
        ),
        pytest.param(
            "survey_timings",
            [
                "timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer",
                "1519862400000,2018-03-01T00:00:00.000,Survey first rendered and displayed to user,s1",
                "1519862400001,2018-03-01T00:00:00.001,q1,s1,Slider Question,How?,min = 0; max = 9,NO_ANSWER_SELECTED",
                "1519862400002,2018-03-01T00:00:00.002,User hit submit,s1",
            ],
            [("ragged-rows", "rows 1, 3", 2)],
            {
                "question id": ["Survey first rendered and displayed to user", "q1", "User hit submit"],
                "survey id": ["s1", "s1", "s1"],
                "answer": [None, "NO_ANSWER_SELECTED", None],
                "event": [None, None, None],
            },
            id="survey-timings",
        ),
        pytest.param(
            "app_log",
            [
                "timestamp,UTC time,event",
                "1519862400000,2018-03-01T00:00:00.000,one, two, three",
                "1519862400000,2018-03-01T00:00:00.000,1519862400777,from a newer app",
            ],
            [("app-log-comma", "row 2", 1)],
            {"event": ["one, two, three", "from a newer app"], "timestamp": [1519862400000, 1519862400777]},
            id="app-log",
        ),
    ],
)
def test_quirks_are_named_and_mended(stream, lines, expected, values):
    hour = int(next((line for line in lines[1:] if line[:5] != "00000"), str(HOUR))[:13] or HOUR)
    parsed = read_frames(STREAMS[stream], [(chunked(stream, hour // 3_600_000 * 3_600_000), text(*lines))])
    assert kinds_of(parsed) == expected
    assert {name: parsed.frame[name].to_list() for name in values} == values
    assert parsed.frame.schema == pl.Schema(schema(STREAMS[stream]))
    assert all(one.kind in KINDS for one in parsed.findings)


@pytest.mark.parametrize("number", ["+1.5", "1_5", "1e+1", " 1.5", "-inf", "nan", "1.", "", "one", "0x10", "1e400"])
@pytest.mark.parametrize("small", [0, 8192])
def test_odd_numbers_read_alike_on_all_paths(monkeypatch, number, small):
    plain = accel(*GOOD).replace(b",0.1,", f",{number},".encode())
    monkeypatch.setattr(parse_fast, "_SMALL", small)
    quick = read_frames(A, [(chunked("accelerometer"), plain)])
    monkeypatch.setattr(frames, "_may_be_healthy", lambda *_: False)
    careful = read_frames(A, [(chunked("accelerometer"), plain)])
    assert quick.frame.equals(careful.frame)
    assert quick.findings == careful.findings
    wrong = number in {"one", "1_5", "0x10"}
    assert [one.kind for one in quick.findings] == ["not-a-number"] * wrong


@pytest.mark.parametrize("word", [b"un\x01nown", b"un\xffnown", b"un\rnown"])
def test_damage_inside_a_text_field_is_seen(word):
    plain = accel(*GOOD).replace(b"unknown", word, 1)
    parsed = read_frames(A, [(chunked("accelerometer"), plain)])
    assert kinds_of(parsed) == [("rows-lost", "row 1", 1)]


def test_spaces_after_commas_go_in_texts_too():
    plain = text("timestamp,UTC time,event", "1519862400000,2018-03-01T00:00:00.000, Screen turned off")
    parsed = read_frames(STREAMS["power_state"], [(chunked("power_state"), plain)])
    assert parsed.frame["event"].to_list() == ["Screen turned off"]


def test_crlf_line_ends():
    plain = accel(*GOOD).replace(b"\n", b"\r\n")
    parsed = read_frames(A, [(chunked("accelerometer"), plain)])
    assert parsed.findings == ()
    assert parsed.frame["z"].to_list() == [1.0, -9.81]


def test_raw_and_chunked_give_the_same_frame():
    lines = [
        "timestamp, latitude, longitude, altitude, accuracy",
        "1519862400123,1.5,2.5,3.5,4.5",
        "1519862401004,1,2,3,4",
    ]
    cooked = [
        "timestamp,UTC time,latitude,longitude,altitude,accuracy",
        "1519862400123,2018-03-01T00:00:00.123,1.5,2.5,3.5,4.5",
        "1519862401004,2018-03-01T00:00:01.004,1,2,3,4",
    ]
    from_raw = read_frames(STREAMS["gps"], [(raw("gps"), text(*lines))])
    from_chunked = read_frames(STREAMS["gps"], [(chunked("gps"), text(*cooked))])
    assert from_raw.findings == ()
    assert from_raw.frame.equals(from_chunked.frame)


def test_an_hour_of_a_clock_that_stands_still_is_not_read_row_by_row(monkeypatch):
    """Its rows are sound: those out of their hour, out of range or written twice are named, and cost no more."""
    monkeypatch.setattr(frames, "repair_rows", None)
    lines = [ACCEL, *GOOD[:2], *GOOD[:1], "1519866000000,2018-03-01T01:00:00.000,unknown,1,2,3"]
    lines += ["0000000000012,1970-01-01T00:00:00.012,unknown,4,5,6", GOOD[1]]
    parsed = read_frames(A, [(chunked("accelerometer"), accel(*GOOD)), (chunked("accelerometer"), text(*lines))])
    assert [(one.kind, one.where, one.count) for one in parsed.findings] == [
        ("duplicate-rows", "rows 3, 6", 2),
        ("out-of-hour-rows", "row 4", 1),
        ("timestamp-out-of-range", "row 5", 1),
    ]
    assert parsed.damaged == frozenset()
    assert parsed.rows == (2, 6)
    assert parsed.frame["x"].to_list() == [0.1, 0.001, 0.1, 0.001, 0.1, 1.0, 4.0, 0.001]


def test_raw_rows_out_of_range_are_left_out_as_on_the_server():
    plain = text("timestamp,accuracy,x,y,z", "1000,0,1,2,3", "1519862400123,unknown,1,2,3", "9999999999999,0,1,2,3")
    parsed = read_frames(A, [(raw("accel"), plain)])
    assert parsed.frame["timestamp"].to_list() == [1519862400123]
    assert [(one.kind, one.where) for one in parsed.findings] == [("timestamp-out-of-range", "rows 1, 3")]


def test_identifiers_take_their_time_from_the_name():
    plain = text(IDENTIFIERS, "abcd1234,m,p,d,iOS,10.1,pr,br,hw,Apple,iPhone8,1,2.4")
    parsed = read_frames(STREAMS["identifiers"], [(identifiers(1519862400), plain)])
    assert parsed.frame["timestamp"].to_list() == [1519862400000]
    assert parsed.frame["model"].to_list() == ["iPhone8,1"]


ANSWERS = "question id,question type,question text,question answer options,answer"


@pytest.mark.parametrize(
    ("time_ms", "survey", "row", "expected"),
    [
        (1519862400000, "s1", "q1,Radio Button Question,How?,bad;good,1", ["option-index-answers"]),
        (1480982399999, "s1", "q1,Radio Button Question,How?,1;2,1", []),
        (1519862400000, "s1", "q1,radio_button,How?,1;2,1", []),
        (1519862400000, "s1", "q1,Slider Question,How?,min = 0,7", []),
        (1519862400000, "", "q1,radio_button,How?,a;b,NOT_PRESENTED", ["empty-survey-id"]),
        (1519862400000, "s1", "q1,info_text_box", ["ragged-rows"]),
    ],
)
def test_survey_answers(time_ms, survey, row, expected):
    parsed = read_frames(STREAMS["survey_answers"], [(raw("surveyAnswers", time_ms, survey), text(ANSWERS, row))])
    assert [one.kind for one in parsed.findings] == expected
    assert parsed.frame["timestamp"].to_list() == [time_ms]
    assert parsed.frame["survey id"].to_list() == [survey or None]
    fields = row.split(",")
    assert parsed.frame.row(0)[3:8] == (*fields, *[None] * (5 - len(fields)))


def test_no_value_of_the_data_stands_in_a_finding():
    secret = "S3CRETVALUE"
    lines = [
        ACCEL,
        f"1519862400123,2018-03-01T00:00:00.123,{secret},{secret},2,3",
        f"{secret},x",
        f"1519862400124,{secret}",
    ]
    parsed = read_frames(A, [(chunked("accelerometer"), text(*lines))])
    assert {one.kind for one in parsed.findings} == {"rows-lost", "not-a-number"}
    assert secret not in repr(parsed.findings)


def test_media_have_no_table():
    with pytest.raises(UsageError):
        read_frames(STREAMS["audio_recordings"], [])


def test_no_items_give_an_empty_table():
    parsed = read_frames(A, [], source=True)
    assert parsed.frame.columns == [*schema(A), "source"]
    assert parsed.rows == ()


def test_where_names_ranges():
    assert where_rows([4, 5, 6, 7, 8, 9]) == "rows 4-9"
    assert where_rows([3]) == "row 3"
    assert where_rows(range(1, 100, 2)).endswith(" and 30 more")


@given(st.sets(st.integers(0, 199), max_size=6), st.integers(1, 4000), st.integers(1, 5000))
@settings(max_examples=60, deadline=None)
def test_a_large_object_in_slices_gives_what_it_gives_whole(broken, size, piece):
    rows = [f"{HOUR + n},2018-03-01T00:00:00.{n:03d},unknown,{n}.5,{-n}.25,0.125" for n in range(200)]
    plain = text(ACCEL, *("no row at all" if n in broken else row for n, row in enumerate(rows)))
    obj = chunked("accelerometer")
    stream = STREAMS["accelerometer"]
    whole = read_frames(stream, [(obj, plain)])
    pieces = (plain[at : at + piece] for at in range(0, len(plain), piece))
    sliced = frames.read_slices(stream, obj, pieces, size)
    assert sliced.frame.equals(whole.frame)
    assert sliced.frame.height == 200 - len(broken)
    assert sliced.rows == whole.rows
    assert sliced.damaged == whole.damaged
    lost = [one for one in sliced.findings if one.kind == "rows-lost"]
    assert sum(one.count for one in lost) == len(broken)
    named = {int(n) for one in lost for part in one.where.split(" ", 1)[1].split(", ") for n in ends(part)}
    assert named == {n + 1 for n in broken}


def ends(part):
    first, _, last = part.partition("-")
    return range(int(first), int(last or first) + 1)
