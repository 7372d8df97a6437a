"""Hours that have data, by participant, stream and day: held against arithmetic."""

from __future__ import annotations

import stat
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from demo.study import KEY, hour_name, seal

from bondstore.beiwe import DamageWarning, Study, open_study
from bondstore.errors import NotFoundError, UsageError, WrongKeyError
from bondstore.findings import Finding
from bondstore.stores import open_store
from tests.cli.conftest import Call, cli, home
from tests.domains.beiwe.objects import ACCEL, PID, STUDY, text
from tests.domains.screenlake.test_pages_in_chromium import Browser, browser

__all__ = ["browser", "cli", "home"]
OTHER = "wxyz9876"
HOUR_MS = 3_600_000


class Lab:
    """A study whose objects are named by hand; nothing but `rows` ever opens one."""

    def __init__(self, folder: Path) -> None:
        self.url = (folder / "bucket").as_uri()
        self.store = open_store(self.url)

    def hours(self, stream: str, first: str, number: int, *, person: str = PID, size: int = 100, end: str = "") -> None:
        start = int(datetime.fromisoformat(first).replace(tzinfo=UTC).timestamp() * 1000)
        for hour in range(number):
            name = hour_name(start + hour * HOUR_MS)
            self.store.put(f"CHUNKED_DATA/{STUDY}/{person}/{stream}/{name}.csv{end}", bytes(size))

    def study(self, key: str | None = None) -> Study:
        return open_study(self.store, STUDY, key=key)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_KEY", KEY)
    return Lab(tmp_path)


def by_day(frame: pl.DataFrame, stream: str, person: str = PID) -> dict[str, tuple[int, int]]:
    mine = frame.filter(participant=person, stream=stream)
    return {str(day): (hours, of) for day, hours, of in mine.select("day", "hours", "hours_of_day").iter_rows()}


def test_hours_objects_and_bytes_of_each_day_and_the_days_between(lab: Lab) -> None:
    lab.hours("gps", "2024-01-01T22:00", 5, size=70)
    lab.hours("gps", "2024-01-04T00:00", 24, size=50)
    frame = lab.study().coverage()
    assert frame.columns == ["participant", "stream", "day", "hours", "hours_of_day", "objects", "bytes", "rows"]
    assert frame.rows() == [
        (PID, "gps", date(2024, 1, 1), 2, 24, 2, 140, None),
        (PID, "gps", date(2024, 1, 2), 3, 24, 3, 210, None),
        (PID, "gps", date(2024, 1, 3), 0, 24, 0, 0, None),
        (PID, "gps", date(2024, 1, 4), 24, 24, 24, 1200, None),
    ]


@pytest.mark.parametrize(
    ("zone", "first", "number", "expected"),
    [
        # Clocks go forward at 01:00 UTC on 31 March, back at 01:00 UTC on 27 October.
        ("Europe/Berlin", "2024-03-29T23:00", 24 + 23 + 24,
         {"2024-03-30": (24, 24), "2024-03-31": (23, 23), "2024-04-01": (24, 24)}),
        ("Europe/Berlin", "2024-10-26T22:00", 25, {"2024-10-27": (25, 25)}),
        ("America/New_York", "2024-11-03T04:00", 25, {"2024-11-03": (25, 25)}),
        # UTC+05:30: 18:00Z begins at 23:30 of the day before midnight.
        ("Asia/Kolkata", "2024-01-01T18:00", 2, {"2024-01-01": (1, 24), "2024-01-02": (1, 24)}),
        # Clocks go forward at midnight in Cairo: the day begins at 01:00, 22:00Z of the day before.
        ("Africa/Cairo", "2024-04-25T22:00", 23, {"2024-04-26": (23, 23)}),
    ],
)  # fmt: skip
def test_days_are_those_of_the_zone(
    lab: Lab, zone: str, first: str, number: int, expected: dict[str, tuple[int, int]]
) -> None:
    lab.hours("gps", first, number)
    assert by_day(lab.study().coverage(tz=zone), "gps") == expected


def test_an_hour_that_lies_there_several_times_is_one_hour(lab: Lab) -> None:
    lab.hours("survey_timings/s1", "2024-01-01T09:00", 1)
    lab.hours("survey_timings/s2", "2024-01-01T09:00", 1)
    lab.hours("gps", "2024-01-01T09:00", 1, size=100)
    lab.hours("gps", "2024-01-01T09:00", 1, size=40, end=".zst")
    frame = lab.study().coverage()
    assert frame.select("stream", "hours", "objects", "bytes").rows() == [
        ("gps", 1, 1, 40),  # of twins one is taken, here the compressed one
        ("survey_timings", 1, 2, 200),
    ]


def test_an_object_without_content_is_no_hour_with_data(lab: Lab) -> None:
    lab.hours("gps", "2024-01-01T09:00", 2)
    lab.hours("gps", "2024-01-01T11:00", 3, size=16)
    assert by_day(lab.study().coverage(), "gps") == {"2024-01-01": (2, 24)}


def test_raw_files_make_the_hour_in_which_they_begin_one_with_data(lab: Lab) -> None:
    start = int(datetime(2024, 1, 1, 10, 59, tzinfo=UTC).timestamp() * 1000)
    for shift in (0, 30_000, 60_000):
        lab.store.put(f"{STUDY}/{PID}/gps/{start + shift}.csv", bytes(60))
    lab.hours("gps", "2024-01-01T12:00", 1)
    study = lab.study()
    assert study.coverage(source="raw")["hours"].to_list() == [2]
    assert study.coverage(source="both")["hours"].to_list() == [3]
    assert study.coverage()["hours"].to_list() == [1]


def test_a_window_gives_everybody_the_same_days(lab: Lab) -> None:
    lab.hours("gps", "2024-01-01T00:00", 48)
    lab.hours("gps", "2024-01-03T06:00", 6, person=OTHER)
    study = lab.study()
    frame = study.coverage(since="2024-01-02", until="2024-12-31")
    assert by_day(frame, "gps") == {"2024-01-02": (24, 24), "2024-01-03": (0, 24)}
    assert by_day(frame, "gps", OTHER) == {"2024-01-02": (0, 24), "2024-01-03": (6, 24)}
    half = study.coverage(since=datetime(2024, 1, 1, 12), until=datetime(2024, 1, 2, 6))
    assert by_day(half, "gps") == {"2024-01-01": (12, 12), "2024-01-02": (6, 6)}
    assert study.coverage(since="2031-01-01").height == 0
    with pytest.raises(NotFoundError):
        study.coverage("nobody00")
    with pytest.raises(UsageError):
        study.coverage(tz="Mars/Base")


def test_gaps_of_single_streams_and_those_of_all(lab: Lab) -> None:
    lab.hours("accelerometer", "2024-01-01T00:00", 10)
    lab.hours("accelerometer", "2024-01-03T00:00", 72)
    lab.hours("gps", "2024-01-01T05:00", 7)
    lab.hours("gps", "2024-01-03T00:00", 24)
    lab.hours("calls", "2024-01-01T03:00", 1)
    gaps = lab.study().gaps(tz="Europe/Berlin")
    berlin = [(stream, f"{begin:%d %H}", f"{end:%d %H}", hours) for _, stream, begin, end, hours in gaps.iter_rows()]
    assert berlin == [
        (None, "01 13", "03 01", 36),
        ("accelerometer", "01 11", "03 01", 38),
        ("gps", "01 13", "03 01", 36),
        ("gps", "04 01", "06 01", 48),
    ]
    assert lab.study().gaps(at_least=37)["hours"].to_list() == [38, 48]
    assert lab.study().gaps(at_least=5)["hours"].to_list() == [36, 38, 5, 36, 48]


def rows_of(hour: int, number: int) -> bytes:
    start = 1_704_067_200_000 + hour * HOUR_MS
    return text(ACCEL, *(f"{start + n},2024-01-01T{hour:02d}:00:00.{n:03d},unknown,1,2,3" for n in range(number)))


def put_rows(lab: Lab, numbers: dict[int, int]) -> None:
    for hour, number in numbers.items():
        key = f"CHUNKED_DATA/{STUDY}/{PID}/accelerometer/2024-01-01T{hour:02d}:00:00.csv"
        lab.store.put(key, seal(rows_of(hour, number)))


def test_counted_rows_and_an_hour_without_any(lab: Lab) -> None:
    put_rows(lab, {0: 5, 1: 0, 2: 700})
    study = lab.study("env:LAB_KEY")
    assert study.coverage().row(0, named=True)["hours"] == 3
    found = study.coverage(rows=True).row(0, named=True)
    assert (found["hours"], found["objects"], found["rows"]) == (2, 3, 705)
    assert study.gaps(at_least=1).height == 0
    with pytest.raises(UsageError):
        study.coverage(rows=True, source="both")
    lab.store.put(f"{STUDY}/{PID}/voiceRecording/s1/1704067200001.wav", bytes(90))
    by_stream = dict(study.coverage(rows=True).select("stream", "rows").iter_rows())
    assert by_stream == {"accelerometer": 705, "audio_recordings": None}


def test_a_wrong_key_counts_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    put_rows(lab, {0: 50, 1: 50})
    monkeypatch.setenv("WRONG_KEY", KEY[::-1])
    with pytest.raises(WrongKeyError):
        lab.study("env:WRONG_KEY").coverage(rows=True)


@pytest.fixture
def words(lab: Lab) -> list[str]:
    return ["beiwe", "coverage", "--store", lab.url, "--study", STUDY]


def test_the_command_writes_a_page_or_a_table_and_says_what_it_holds(
    lab: Lab, words: list[str], cli: Call, tmp_path: Path
) -> None:
    lab.hours("gps", "2024-01-01T00:00", 24)
    lab.hours("gps", "2024-01-04T00:00", 12)
    for name in ("c.html", "c.csv", "c.parquet"):
        done = cli(*words, str(tmp_path / "made" / name), "--json")
        assert (done.code, done.err) == (0, "")
        assert done.records == [
            {"kind": "coverage", "participant": PID, "first": "2024-01-01", "last": "2024-01-04", "days": 4,
             "share": 42, "gaps": 1, "longest_gap": 48, "bytes": 3600}
        ]  # fmt: skip
        assert stat.S_IMODE((tmp_path / "made" / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["c.csv", "c.html", "c.parquet"]
    csv = (tmp_path / "made/c.csv").read_text().splitlines()
    assert csv[:2] == [
        "participant,stream,day,hours,hours_of_day,objects,bytes,rows", f"{PID},gps,2024-01-01,24,24,24,2400,"
    ]  # fmt: skip
    assert pl.read_parquet(tmp_path / "made/c.parquet").equals(lab.study().coverage())
    assert cli(*words, str(tmp_path / "gaps.csv"), "--gaps", "--tz", "Asia/Kolkata").code == 0
    assert (tmp_path / "gaps.csv").read_text().splitlines()[1:] == [
        f"{PID},,2024-01-02T05:30:00+05:30,2024-01-04T05:30:00+05:30,48",
        f"{PID},gps,2024-01-02T05:30:00+05:30,2024-01-04T05:30:00+05:30,48",
    ]


def test_nothing_is_put_among_the_objects_or_into_a_private_corner(
    lab: Lab, words: list[str], cli: Call, tmp_path: Path
) -> None:
    lab.hours("gps", "2024-01-01T00:00", 24)
    (tmp_path / "link").symlink_to(tmp_path / "bucket")
    before = sorted((tmp_path / "bucket").rglob("*"))
    for place in (
        "bucket/c.csv",
        f"bucket/CHUNKED_DATA/{STUDY}/{PID}/gps/c.csv",
        "link/c.html",
        "out/.bondstore/c.csv",
    ):
        result = cli(*words, str(tmp_path / place))
        assert (result.code, result.out) == (6, "")
        assert "Name a file somewhere else." in result.err
    assert sorted((tmp_path / "bucket").rglob("*")) == before
    assert not (tmp_path / "out").exists()
    (tmp_path / "folder.csv").mkdir()
    result = cli(*words, str(tmp_path / "folder.csv"), "--replace")
    assert (result.code, result.err) == (2, f"Error: {tmp_path / 'folder.csv'} is a folder.\nHint: Name a file.\n")


def test_a_file_that_is_there_is_kept_and_a_window_without_data_ends_with_3(
    lab: Lab, words: list[str], cli: Call, tmp_path: Path
) -> None:
    lab.hours("gps", "2024-01-01T00:00", 24)
    target = tmp_path / "c.html"
    target.write_text("mine")
    assert cli(*words, str(target)).code == 2
    assert target.read_text() == "mine"
    assert cli(*words, str(target), "--replace", "--since", "2031-01-01").code == 3
    assert target.read_text() == "mine"
    assert cli(*words, str(target), "--replace").code == 0
    assert target.read_text().startswith("<!doctype html>")
    for bad in (["s3://bucket/c.html"], ["c.pdf"], ["c.html", "--gaps"], [""]):
        assert cli(*words, *bad).code == 2
    none = [*words[:-1], "nosuchstudy"]
    assert cli(*none, str(tmp_path / "none.csv")).code == 3
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["c.html"]


def test_objects_that_cannot_be_read_are_named_and_the_command_ends_with_5(
    lab: Lab, words: list[str], cli: Call, tmp_path: Path
) -> None:
    put_rows(lab, {0: 5, 1: 6})
    lab.hours("accelerometer", "2024-01-01T02:00", 1, size=90)
    done = cli(*words, str(tmp_path / "c.csv"), "--rows", "--key", "env:LAB_KEY")
    assert done.code == 5
    assert "undecryptable: CHUNKED_DATA" in done.err
    with pytest.warns(DamageWarning, match="02:00:00.csv"):
        lab.study("env:LAB_KEY").coverage(rows=True)
    findings: list[Finding] = []
    lab.study("env:LAB_KEY").coverage(rows=True, findings=findings)
    assert [one.kind for one in findings] == ["undecryptable"]
    assert (tmp_path / "c.csv").read_text().splitlines()[1].startswith(f"{PID},accelerometer,2024-01-01,2,24,3,")


def test_a_browser_shows_the_page_and_asks_for_nothing(lab: Lab, browser: Browser, tmp_path: Path, cli: Call) -> None:
    hostile = "<script>alert(1)<!script>\"'&"
    lab.hours("gps", "2024-01-01T00:00", 24 * 20, person=hostile)
    lab.hours("accelerometer", "2024-01-01T00:00", 24 * 9)
    lab.hours("accelerometer", "2024-01-16T00:00", 24 * 100)
    page = tmp_path / "c.html"
    assert cli("beiwe", "coverage", "--store", lab.url, "--study", STUDY, str(page)).code == 0
    for scheme, full, empty in (("light", (18, 74, 108), (192, 57, 43)), ("dark", (180, 224, 247), (232, 118, 106))):
        seen = browser.open(page, scheme=scheme)
        assert seen.console == []
        assert seen.asked == set()
        assert seen.shows(full) > 5000
        assert seen.shows(empty) > 100
    shown = page.read_text()
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "default-src &#39;none&#39;" in shown or "default-src 'none'" in shown
    assert "2024-01-10 00:00" in shown
    assert "2024-01-16 00:00" in shown
    assert "accelerometer, 2024-01-10 to 2024-01-15: nothing" in shown


def test_a_person_whose_phone_only_notes_events_has_no_share(
    lab: Lab, words: list[str], cli: Call, tmp_path: Path
) -> None:
    lab.hours("calls", "2024-01-01T00:00", 1)
    done = cli(*words, str(tmp_path / "c.html"), "--json")
    assert done.records[0]["share"] is None
    assert "sensor hours" not in (tmp_path / "c.html").read_text()
