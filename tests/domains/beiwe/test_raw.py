import polars as pl

from bondstore.domains.beiwe.reading.frames import read_frames
from bondstore.domains.beiwe.reading.raw_rows import raw_lines, rechunk, woven
from bondstore.domains.beiwe.streams import STREAMS
from tests.domains.beiwe.objects import HOUR, IDENTIFIERS, chunked, identifiers, raw, text

FAR = 4_000_000_000_000


def lines_of(obj, plain):
    return [row.line.decode() for row in raw_lines(obj, plain, FAR).rows]


def test_calls_bring_their_time_to_the_front():
    plain = text("hashed phone number,call type,timestamp,duration in seconds", "h4sh,Incoming Call,1519862400012,33")
    assert lines_of(raw("callLog"), plain) == ["1519862400012,2018-03-01T00:00:00.012,h4sh,Incoming Call,33"]
    old = plain.replace(b"timestamp", b"date")
    assert lines_of(raw("callLog"), old) == lines_of(raw("callLog"), plain)
    parsed = read_frames(STREAMS["calls"], [(raw("callLog"), old)])
    assert [one.kind for one in parsed.findings] == ["old-header"]
    assert parsed.frame["duration in seconds"].to_list() == [33]


def test_wifi_takes_the_files_time_and_drops_the_last_row():
    plain = text("hashed MAC, frequency, RSSI", "m1,2412,-60", "m2,5180,-71", "m3,2437,-80")
    obj = raw("wifiLog", 1519862412345)
    assert lines_of(obj, plain) == [
        "1519862412345,2018-03-01T00:00:12.345,m1,2412,-60",
        "1519862412345,2018-03-01T00:00:12.345,m2,5180,-71",
    ]
    parsed = read_frames(STREAMS["wifi"], [(obj, plain)])
    assert parsed.frame["RSSI"].to_list() == [-60, -71]
    assert [(one.kind, one.where) for one in parsed.findings] == [("wifi-last-row", "row 3")]


def test_identifiers_get_milliseconds():
    assert lines_of(identifiers(1519862400), text(IDENTIFIERS, "a,b,c,d,e,f,g,h,i,j,k,l")) == [
        "1519862400000,2018-03-01T00:00:00.000,a,b,c,d,e,f,g,h,i,j,k,l"
    ]


def test_survey_timings_get_the_survey_id():
    plain = text(
        "timestamp,question id,question type,question text,question answer options,answer",
        "1519862400000,Survey first rendered and displayed to user",
        "1519862400007,q1,Slider Question,How?,min = 0,5",
    )
    obj = raw("surveyTimings", HOUR, "s9")
    assert lines_of(obj, plain) == [
        "1519862400000,2018-03-01T00:00:00.000,Survey first rendered and displayed to user,s9",
        "1519862400007,2018-03-01T00:00:00.007,q1,s9,Slider Question,How?,min = 0,5",
    ]
    frame = read_frames(STREAMS["survey_timings"], [(obj, plain)]).frame
    assert frame["survey id"].to_list() == ["s9", "s9"]
    nameless = read_frames(STREAMS["survey_timings"], [(raw("surveyTimings", HOUR, ""), plain)])
    assert "empty-survey-id" in [one.kind for one in nameless.findings]


def test_app_log_in_both_forms():
    plain = text(
        "THIS LINE IS A LOG FILE HEADER",
        "1519862400111 started, with a comma",
        "1519862400222,newer form text",
        "no time here",
        "bluetooth Failure: dropped",
    )
    obj = raw("logFile", 1519862400000)
    assert lines_of(obj, plain) == [
        "1519862400000,2018-03-01T00:00:00.000,New app log file created",
        "1519862400111,2018-03-01T00:00:00.111,started, with a comma",
        "1519862400111,2018-03-01T00:00:00.111,1519862400222,newer form text",
        "1519862400111,2018-03-01T00:00:00.111,no time here",
    ]
    parsed = read_frames(STREAMS["app_log"], [(obj, plain)])
    assert parsed.frame["timestamp"].to_list() == [1519862400000, 1519862400111, 1519862400222, 1519862400111]
    assert parsed.frame["event"].to_list()[2] == "newer form text"
    assert {one.kind: one.where for one in parsed.findings} == {"app-log-comma": "row 2", "untimed-log-line": "row 3"}


def test_ios_log_lies_under_ios_log():
    plain = text("timestamp,launchId,memory,battery,event,msg,d1,d2,d3,d4", "1519862400000,L,12,0.5,e,m,,,,")
    obj = raw("ios/log")
    assert obj.stream == "ios_log"
    frame = read_frames(STREAMS["ios_log"], [(obj, plain)]).frame
    assert frame.row(0)[2:] == ("L", "12", "0.5", "e", "m", None, None, None, None)


def test_a_chunk_is_rebuilt_byte_for_byte():
    header = "timestamp,accuracy,x,y,z"
    first = text(header, "1519862400500,unknown,3,3,3", "1519862400009,unknown,1,1,1", "1519866000000,unknown,9,9,9")
    second = text(header, "1519862400009,unknown,1,1,1", "1519862400009,unknown,2,2,2", "junk")
    rows = []
    for plain in (first, second):
        result = raw_lines(raw("accel"), plain, FAR)
        rows += [row for row in result.rows if row.hour_ms == HOUR]
    assert result.lost == [3]
    assert rechunk(result.header, rows) == text(
        "timestamp,UTC time,accuracy,x,y,z",
        "1519862400009,2018-03-01T00:00:00.009,unknown,1,1,1",
        "1519862400009,2018-03-01T00:00:00.009,unknown,2,2,2",
        "1519862400500,2018-03-01T00:00:00.500,unknown,3,3,3",
    )


def test_raw_through_the_rebuilt_chunk_gives_the_same_table():
    plain = text("timestamp,event,level", *(f"{HOUR + 1000 * n},Charging,{n / 10}" for n in range(9)))
    direct = read_frames(STREAMS["power_state"], [(raw("powerState"), plain)]).frame
    result = raw_lines(raw("powerState"), plain, FAR)
    rebuilt = read_frames(STREAMS["power_state"], [(chunked("power_state"), rechunk(result.header, result.rows))])
    assert rebuilt.findings == ()
    assert direct.equals(rebuilt.frame)
    assert direct["level"].dtype == pl.Float64


def test_rows_of_two_sources_keep_the_order_of_their_files():
    def joined(one: str, other: str) -> str:
        return "".join(woven(one, other, lambda _: 0))

    assert joined("ac", "abc") == "abc"  # what one lost is where the other has it
    assert joined("axc", "abc") == "axbc"
    assert joined("a", "b") == "ab"  # a later upload is behind an earlier one
    assert joined("ab", "bca") == "bca"
    assert joined("", "ba") == joined("ba", "") == joined("ba", "baab") == "ba"
    assert woven([3, 1], [2], lambda number: number) == [1, 2, 3]
