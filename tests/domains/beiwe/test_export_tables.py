"""Tables hold every row of a stream once, in order of time: against pandas, which reads the same text."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from demo.study import FIRST_HOUR_MS, HOUR_MS, KEY, STUDY, SURVEYS, Made, Shape, make, seal

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.jobs import ExportJob, job_of
from bondstore.domains.beiwe.selection import select
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Serial
from bondstore.runs.folder_destination import FolderDestination
from bondstore.stores import open_store

PERSON = "1ab2cd3e"
TIME = "%Y-%m-%dT%H:%M:%S.%f"


class Bench:
    """A bucket in a folder, and exports of it."""

    def __init__(self, folder: Path) -> None:
        self.spec = StoreSpec((folder / "bucket").as_uri(), Profile())
        self.store = open_store(self.spec)
        self.out = folder / "out"

    def fill(self, made: Iterable[Made]) -> list[Made]:
        every = list(made)
        for one in every:
            self.store.put(one.key, one.sealed)
        return every

    def export(self, form: str, tz: str = "UTC", **words: object) -> RunResult:
        key = SecretRef.parse("env:LAB_STUDY_KEY")
        job = ExportJob(self.spec, STUDY, key, form, select(**words), tz=tz)  # type: ignore[arg-type]
        rebuilt = job_of(job.params)
        assert isinstance(rebuilt, ExportJob)
        assert (rebuilt.tz, rebuilt.form) == (tz, form)
        return execute(job, FolderDestination(self.out), Serial())

    def table(self, stream: str, form: str = "parquet", person: str = PERSON) -> pd.DataFrame:
        path = self.out / "tables" / person / f"{stream}.{form}"
        return pd.read_parquet(path) if form == "parquet" else pd.read_csv(path)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("LAB_STUDY_KEY", KEY)
    return Bench(tmp_path)


@pytest.fixture
def made(bench: Bench) -> list[Made]:
    return bench.fill(make(Shape(participants=2, hours=8, rows=25, missing=0.2)))


def oracle(made: list[Made], part: str) -> pd.DataFrame:
    """Read the texts with pandas: all rows, without repeats, by time."""
    texts = [one.plain for one in sorted(made, key=lambda one: one.key) if part in one.key]
    frames = [pd.read_csv(io.BytesIO(text), skipinitialspace=True) for text in texts]
    return pd.concat(frames).drop_duplicates().sort_values("timestamp", kind="stable").reset_index(drop=True)


def same(table: pd.DataFrame, expected: pd.DataFrame, form: str) -> None:
    if form == "parquet":
        table["UTC time"] = table["UTC time"].dt.strftime(TIME).str[:-3]
    assert list(table.columns) == list(expected.columns)
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_exact=True)


@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.parametrize("stream", ["accelerometer", "gps", "power_state", "reachability"])
def test_chunked_hours_become_one_table(bench: Bench, made: list[Made], form: str, stream: str) -> None:
    assert bench.export(form, streams=[stream]).state == "finished"
    expected = oracle(made, f"CHUNKED_DATA/{STUDY}/{PERSON}/{stream}/")
    assert len(expected) > 100
    table = bench.table(stream, form)
    if stream == "power_state":
        assert table.pop("level").isna().all()  # iOS alone has it
    same(table, expected, form)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_raw_alone_has_the_rows_that_chunked_lacks(bench: Bench, made: list[Made], form: str) -> None:
    assert bench.export(form, streams=["gps"], source="raw").state == "finished"
    expected = oracle(made, f"/{PERSON}/gps/17")
    table = bench.table("gps", form).drop(columns="UTC time")
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_exact=True)
    assert len(table) == 8 * 25
    bench.export(form, streams=["gps"], source="both")
    both = bench.table("gps", form)
    assert len(both) == 8 * 25  # every chunked row is a raw one, too
    bench.export(form, streams=["gps"], source="chunked")
    assert len(bench.table("gps", form)) < 8 * 25


def test_a_window_bounds_the_rows(bench: Bench, made: list[Made]) -> None:
    since, until = FIRST_HOUR_MS + HOUR_MS * 3 // 2, FIRST_HOUR_MS + 5 * HOUR_MS + 77_777
    bench.export("parquet", streams=["accelerometer"], since_ms=since, until_ms=until)
    expected = oracle(made, f"CHUNKED_DATA/{STUDY}/{PERSON}/accelerometer/")
    expected = expected[(expected["timestamp"] >= since) & (expected["timestamp"] < until)].reset_index(drop=True)
    assert 0 < len(expected) < 8 * 25
    same(bench.table("accelerometer"), expected, "parquet")


def test_survey_answers_come_as_one_table_with_time_and_survey(bench: Bench, made: list[Made]) -> None:
    bench.export("parquet")
    table = bench.table("survey_answers").sort_values("survey id").reset_index(drop=True)
    assert sorted(table["survey id"]) == sorted(SURVEYS)
    answers = {one.key.split("/")[3]: one for one in made if f"{PERSON}/surveyAnswers/" in one.key}
    for _, row in table.iterrows():
        one = answers[row["survey id"]]
        assert row["timestamp"] == int(one.key.rsplit("/", 1)[1].split(".")[0])
        assert row["answer"] == one.plain.decode().rsplit(",", 1)[1]


def test_media_come_along_as_they_are(bench: Bench, made: list[Made]) -> None:
    result = bench.export("csv")
    sounds = [one for one in made if "/voiceRecording/" in one.key]
    assert {path.read_bytes() for path in bench.out.rglob("*.wav")} == {one.plain for one in sounds}
    tables = {path.name for path in bench.out.rglob("*.csv")}
    assert len(tables) == 6
    assert result.tally.done.objects == result.tally.planned.objects


def test_rows_at_the_same_time_keep_their_order_and_only_exact_repeats_go(bench: Bench) -> None:
    t, u = FIRST_HOUR_MS, "2024-01-01T00:00:00.000"
    rows = [f"{t},{u},b", f"{t},{u},a", f"{t},{u},b", f"{t},{u},c"]
    text = "\n".join(["timestamp,UTC time,event", *rows]).encode()
    key = f"CHUNKED_DATA/{STUDY}/{PERSON}/reachability/2024-01-01T00:00:00.csv"
    bench.fill([Made(key, seal(text), text)])
    bench.export("parquet")
    assert bench.table("reachability")["event"].tolist() == ["b", "a", "c"]


def test_types_are_what_the_documentation_says(bench: Bench, made: list[Made]) -> None:
    bench.export("parquet", streams=["gps"])
    schema = pl.read_parquet_schema(bench.out / "tables" / PERSON / "gps.parquet")
    assert schema == {
        "timestamp": pl.Int64(),
        "UTC time": pl.Datetime("ms", "UTC"),
        **dict.fromkeys(("latitude", "longitude", "altitude", "accuracy"), pl.Float64()),
    }


def test_another_selection_of_participants_leaves_standing_tables_alone(bench: Bench, made: list[Made]) -> None:
    bench.export("parquet", streams=["gps"])
    path = bench.out / "tables" / PERSON / "gps.parquet"
    before = path.stat()
    bench.export("parquet", participants=["4fg5hi6j"])
    bench.export("parquet")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_time_zone_adds_local_times_and_the_table_is_made_anew(bench: Bench, made: list[Made], form: str) -> None:
    """2024-01-01T00:00Z to 07:59Z is 05:30 to 13:29 in India."""
    bench.export(form, streams=["gps"])
    plain = bench.table("gps", form)
    assert "local time" not in plain
    assert bench.export(form, tz="Asia/Kolkata", streams=["gps"]).tally.done.objects > 0
    table = bench.table("gps", form)
    assert list(table.columns[:3]) == ["timestamp", "UTC time", "local time"]
    local = pd.to_datetime(table["local time"])
    if form == "parquet":
        assert str(local.dt.tz) == "Asia/Kolkata"
        local = local.dt.tz_localize(None)
    expected = pd.to_datetime(table["timestamp"], unit="ms") + pd.Timedelta(hours=5, minutes=30)
    assert local.tolist() == expected.tolist()
    pd.testing.assert_frame_equal(table.drop(columns="local time"), plain)
    assert bench.export(form, tz="Asia/Kolkata", streams=["gps"]).tally.done.objects == 0
