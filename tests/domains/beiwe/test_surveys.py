"""Surveys: counted wherever they lie, read by their id, and answers as a person would lay them out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from demo.study import KEY, seal

from bondstore.beiwe import Study, open_study
from bondstore.domains.beiwe.jobs import ExportJob, job_of
from bondstore.domains.beiwe.reading.answers import answer_text
from bondstore.domains.beiwe.reading.frames import read_frames
from bondstore.domains.beiwe.selection import selection_of
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import NotFoundError, UsageError
from bondstore.stores import open_store
from tests.cli.conftest import Call, cli, home
from tests.domains.beiwe.objects import HOUR, PID, STUDY, chunked, raw, text

__all__ = ["cli", "home"]
OTHER = "wxyz9876"
SLEEP, MOOD = "55db4c0597013e3fb50376a7", "5aa1b2c3d4e5f60718293a4b"
TIMINGS = "timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer"
ANSWERS = "question id,question type,question text,question answer options,answer"
Q1, Q2, Q3 = (f"{n}aaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee" for n in (1, 2, 3))
CHUNKED, RAW = f"CHUNKED_DATA/{STUDY}/{PID}", f"{STUDY}/{PID}"
MIXED = f"{CHUNKED}/survey_timings/2018-03-01T00:00:00.csv"


def timing(n: int, survey: str) -> str:
    return f"{HOUR + n},2018-03-01T00:00:00.{n:03d},q1,{survey},radio_button,How well?,badly;well,well"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_KEY", KEY)
    store = open_store((tmp_path / "bucket").as_uri())
    objects = {
        MIXED: text(TIMINGS, timing(1, SLEEP), timing(2, MOOD), timing(3, SLEEP)),
        f"{CHUNKED}/survey_timings/{MOOD}/2018-03-01T01:00:00.csv": text(
            TIMINGS, f"{HOUR + 3_600_000},2018-03-01T01:00:00.000,q1,{MOOD},slider,How?,0;10,3"
        ),
        f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 5}.csv": text(ANSWERS, f"{Q1},radio_button,How well?,badly;well,well"),
        f"{RAW}/voiceRecording/{MOOD}/{HOUR + 9}.wav": b"RIFF" + bytes(60),
        f"{CHUNKED}/gps/2018-03-01T00:00:00.csv": text("timestamp,UTC time,latitude,longitude,altitude,accuracy"),
    }
    for key, plain in objects.items():
        store.put(key, seal(plain))
    return open_study(store, STUDY, key="env:LAB_KEY")


@pytest.fixture
def words(study: Study) -> list[str]:
    return ["--store", study.store.url, "--study", STUDY]


def counts(records: list[dict[str, Any]]) -> dict[str, tuple[int, int]]:
    return {one["name"]: (one["chunked"], one["raw"]) for one in records}


def test_surveys_in_old_hours_are_counted_too(study: Study, words: list[str], cli: Call) -> None:
    listed = cli("beiwe", "surveys", *words, "--json")
    assert counts(listed.records) == {"(several)": (1, 0), SLEEP: (0, 1), MOOD: (1, 1)}
    read = cli("beiwe", "surveys", *words, "--json", "--read", "--key", "env:LAB_KEY")
    assert counts(read.records) == {SLEEP: (1, 1), MOOD: (2, 1)}
    assert study.surveys() == [SLEEP, MOOD]
    study.store.delete(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 5}.csv")
    assert study.surveys() == [MOOD]
    assert study.surveys(read=True) == [SLEEP, MOOD]


def test_surveys_are_listed_by_stream_as_the_guide_does(words: list[str], cli: Call) -> None:
    done = cli("beiwe", "surveys", *words, "--by-stream", "--json", "--read", "--key", "env:LAB_KEY")
    assert counts(done.records) == {
        f"surveyAnswers/{SLEEP}": (0, 1),
        f"survey_timings/{SLEEP}": (1, 0),
        f"survey_timings/{MOOD}": (2, 0),
        f"voiceRecording/{MOOD}": (0, 1),
    }


def test_an_old_hour_that_cannot_be_read_is_named(study: Study, words: list[str], cli: Call) -> None:
    study.store.put(MIXED, bytes(100))
    done = cli("beiwe", "surveys", *words, "--read", "--key", "env:LAB_KEY")
    assert done.code == 5
    assert MIXED in done.err
    assert "(several)" in done.out


def test_ls_lists_what_may_be_of_a_survey(study: Study, words: list[str], cli: Call) -> None:
    keys = {one["key"] for one in cli("beiwe", "ls", *words, "--survey", MOOD, "--json").records}
    assert keys == {
        MIXED, f"{CHUNKED}/survey_timings/{MOOD}/2018-03-01T01:00:00.csv", f"{RAW}/voiceRecording/{MOOD}/{HOUR + 9}.wav"
    }  # fmt: skip
    study.store.delete(MIXED)
    done = cli("beiwe", "ls", *words, "--survey", "nosuchsurvey")
    assert done.code == 3
    assert "nosuchsurvey" in done.err


def test_read_gives_the_rows_of_a_survey_alone(study: Study, words: list[str], cli: Call) -> None:
    line = ["beiwe", "read", *words, "--key", "env:LAB_KEY", "-p", PID, "-s", "survey_timings", "--format", "csv"]
    rows = cli(*line, "--survey", SLEEP).out.splitlines()[1:]
    assert [row.split(",")[0] for row in rows] == [f"{HOUR + 1}", f"{HOUR + 3}"]
    both = study.table(PID, "survey_timings", survey=[SLEEP, MOOD])
    assert both["survey id"].to_list() == [SLEEP, MOOD, SLEEP, MOOD]
    assert cli(*line, "--survey", "nosuchsurvey").code == 3


def test_an_export_of_a_survey(study: Study, tmp_path: Path) -> None:
    study.export(tmp_path / "files", survey=SLEEP)
    files = {path.name for path in (tmp_path / "files").rglob("*") if path.is_file() and ".bondstore" not in path.parts}
    assert files == {"2018-03-01T00:00:00.csv", f"{HOUR + 5}.csv"}
    study.export(tmp_path / "tables", survey=MOOD, form="parquet")
    table = tmp_path / f"tables/tables/{PID}/survey_timings.parquet"
    assert pl.read_parquet(table)["timestamp"].to_list() == [HOUR + 2, HOUR + 3_600_000]
    study.export(tmp_path / "tables", form="parquet")
    assert pl.read_parquet(table).height == 4, "made anew for all surveys"
    with pytest.raises(UsageError):
        study.export(tmp_path / "forest", survey=SLEEP, form="forest")
    study.store.delete(MIXED)
    with pytest.raises(NotFoundError):
        study.export(tmp_path / "none", survey="nosuchsurvey")


def test_a_recorded_run_keeps_its_surveys(study: Study) -> None:
    job = ExportJob(study.store.spec, STUDY, study.key, "csv", selection_of(survey=MOOD))  # type: ignore[arg-type]
    rebuilt = job_of(job.params)
    assert isinstance(rebuilt, ExportJob)
    assert rebuilt.selection == job.selection
    assert "surveys" not in selection_of().params()


def test_a_folder_that_disagrees_with_its_rows_is_found() -> None:
    found = read_frames(
        STREAMS["survey_timings"],
        [(chunked("survey_timings", survey=MOOD), text(TIMINGS, timing(1, SLEEP), timing(2, MOOD), timing(3, SLEEP)))],
    )
    assert [(one.kind, one.count) for one in found.findings] == [("survey-id-disagrees", 2)]
    assert found.frame["survey id"].to_list() == [SLEEP, MOOD, SLEEP]
    assert not read_frames(
        STREAMS["survey_timings"], [(chunked("survey_timings"), text(TIMINGS, timing(1, SLEEP), timing(2, MOOD)))]
    ).findings


def answers_of(*lines: str, time_ms: int = HOUR) -> tuple[pl.DataFrame, list[tuple[str, str]]]:
    parsed = read_frames(STREAMS["survey_answers"], [(raw("surveyAnswers", time_ms, SLEEP), text(ANSWERS, *lines))])
    return parsed.frame, [(one.kind, one.where) for one in parsed.findings]


def test_a_line_break_in_free_text_makes_no_row() -> None:
    frame, found = answers_of(
        f"{Q1},free_response,How are you?,,Fine; thanks",
        "and you, my friend",
        "",
        "So, so, said she, and no, no, more",
        f"{Q2},radio_button,How well?,badly;well,well",
        f"{Q3},Open Response Question,Else?,,one",
        "two",
    )
    assert frame["question id"].to_list() == [Q1, Q2, Q3]
    assert frame["answer"].to_list() == [
        "Fine; thanks\nand you, my friend\n\nSo, so, said she, and no, no, more", "well", "one\ntwo"
    ]  # fmt: skip
    assert frame["answer text"].to_list() == frame["answer"].to_list()
    assert found == [("line-break-in-answer", "rows 2, 4, 7")]


def test_a_short_row_behind_a_question_with_options_stays_a_row_and_is_named() -> None:
    frame, found = answers_of(f"{Q1},radio_button,How well?,badly;well,well", "stray")
    assert frame["question id"].to_list() == [Q1, "stray"]
    assert found == [("ragged-rows", "row 2")]


@pytest.mark.parametrize(
    ("options", "answer", "expected"),
    [
        ("bad;good", "1", "good"),
        ("[Never; Sometimes; Always]", "2", "Always"),
        ("[Under 1;000; Over 1;000]", "1", "Over 1;000"),  # a comma without a blank behind it
        ("Yes;No", "2", ""),  # no such option
        ("Yes; I think;No", "1", ""),  # a comma of the first option, or the sign between two?
        ("[Yes; though rarely; No]", "1", ""),
        ("a;;b", "1", ""),
        ("[Yes; I do; No]", "1", ""),
        ("[I feel well; I feel bad]", "1", "I feel bad"),
    ],
)
def test_an_option_at_a_place(options: str, answer: str, expected: str) -> None:
    assert answer_text(options, answer) == expected


def test_a_place_among_options_is_given_as_text_too() -> None:
    frame, found = answers_of(
        f"{Q1},Radio Button Question,How well?,[Badly; Well],1",
        f"{Q2},Radio Button Question,And else?,[Yes; though rarely; No],1",
        f"{Q3},Slider Question,How many?,0; 10,7",
    )
    assert frame["answer"].to_list() == ["1", "1", "7"]
    assert frame["answer text"].to_list() == ["Well", None, "7"]
    assert found == [("option-index-answers", "rows 1-2")]


def test_answers_have_a_row_a_submission_and_a_column_a_question(study: Study) -> None:
    second, third = HOUR + 86_400_000, HOUR + 90_000_000
    for person, when, lines in (
        (PID, second, (f"{Q1},radio_button,How well now?,badly;well,badly", f"{Q2},free_response,Else?,,a", "b")),
        (OTHER, third, (f"{Q2},free_response,Else?,,none", f"{Q3},slider,Else?,0;10,4")),
    ):
        store = study.store
        store.put(f"{STUDY}/{person}/surveyAnswers/{SLEEP}/{when}.csv", seal(text(ANSWERS, *lines)))
    wide = study.answers(SLEEP)
    assert wide.columns == ["participant", "timestamp", "UTC time", "How well now?", f"Else? ({Q2})", f"Else? ({Q3})"]
    assert wide.drop("UTC time").rows() == [
        (PID, HOUR + 5, "well", None, None),
        (PID, second, "badly", "a\nb", None),
        (OTHER, third, None, "none", "4"),
    ]
    assert study.answers(SLEEP, PID, tz="Asia/Kolkata").columns[:4] == [
        "participant", "timestamp", "UTC time", "local time"
    ]  # fmt: skip
    assert study.answers(SLEEP, since=second).height == 2
    with pytest.raises(NotFoundError):
        study.answers(MOOD)
