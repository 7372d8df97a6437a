"""The layout of forest holds what forest reads: its own readers, sycamore and poplar, count the rows.

Objects are written out by hand and sealed by an encryptor that is not ours; what must come out is what was put in.
"""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard
from demo.study import KEY, seal

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.jobs import ExportJob, job_of
from bondstore.domains.beiwe.selection import select
from bondstore.errors import Interrupted, PolicyError
from bondstore.runs.engine import execute
from bondstore.runs.executors import Processes, Serial
from bondstore.runs.folder_destination import FolderDestination
from bondstore.stores import open_store
from tests.domains.beiwe.objects import HOUR, PID, STUDY
from tests.servers.install import FOREST_FOLDER

HOUR_MS = 3_600_000
CHUNKED, RAW = f"CHUNKED_DATA/{STUDY}/{PID}", f"{STUDY}/{PID}"
GPS = "timestamp,UTC time,latitude,longitude,altitude,accuracy"
TIMINGS = "timestamp,UTC time,question id,survey id,question type,question text,question answer options,answer"
ANSWERS = "question id,question type,question text,question answer options,answer"
SLEEP, MOOD = "55db4c0597013e3fb50376a7", "5aa1b2c3d4e5f60718293a4b"
END = f"{CHUNKED}/power_state/2018-03-02T00:00:00.csv"  # forest reads up to the last hour that any stream has


def utc(ms):
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}"


def text(*lines):
    return "\n".join(lines).encode()


def gps(ms, latitude):
    return f"{ms},{utc(ms)},{latitude},2.5,30.25,12.5"


def hour(n, suffix=".csv"):
    return f"2018-03-01T{n:02d}:00:00{suffix}"


@dataclasses.dataclass
class Bench:
    folder: Path

    def __post_init__(self):
        self.spec = StoreSpec((self.folder / "bucket").as_uri(), Profile())
        self.store = open_store(self.spec)
        self.dest = self.folder / "out"
        ms = HOUR + 24 * HOUR_MS
        self.put(END, text("timestamp,UTC time,event", f"{ms},{utc(ms)},Power connected"))

    def put(self, key, plain, *, zst=False):
        self.store.put(key + ".zst" * zst, seal(zstandard.compress(plain) if zst else plain))

    def job(self, source="chunked", form="forest", **window):
        selection = select(source=source, **window)
        return ExportJob(self.spec, STUDY, SecretRef.parse("env:LAB_KEY"), form, selection)

    def export(self, *, executor=None, **how):
        return execute(self.job(**how), FolderDestination(self.dest), executor or Serial())

    def files(self, dest=None):
        root = dest or self.dest
        return {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and ".bondstore" not in path.parts
        }

    def findings(self, result):
        with FolderDestination(self.dest).ledger() as ledger:
            return {(one.key.rpartition(f"{PID}/")[2], one.kind) for one in ledger.findings.of_run(result.run)}


@pytest.fixture
def bench(forest, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Bench(tmp_path)


def read_by_forest(folder, *streams):
    """Let forest read; returns its tables as lists of rows."""
    environment = dict(os.environ, PYTHONPATH=str(FOREST_FOLDER))
    script = Path(__file__).with_name("forest_reader.py")
    line = [sys.executable, str(script), str(folder), PID, *streams]
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert not [word for word in answer["told"] if "Error" in word], answer["told"]
    return answer["tables"]


def timing(ms, survey, answer="well"):
    return f"{ms},{utc(ms)},q1,{survey},radio_button,How well?,badly;well,{answer}"


def test_sycamore_sees_every_row_of_hours_that_hold_several_surveys(bench):
    rows = [(HOUR + 5, SLEEP), (HOUR + 6, MOOD), (HOUR + 7, SLEEP), (HOUR + 8, "")]
    bench.put(f"{CHUNKED}/survey_timings/{hour(0)}", text(TIMINGS, *(timing(ms, survey) for ms, survey in rows)))
    late = HOUR + HOUR_MS + 1
    bench.put(f"{CHUNKED}/survey_timings/{SLEEP}/{hour(1)}", text(TIMINGS, timing(late, SLEEP)), zst=True)
    result = bench.export()
    assert result.state == "finished"
    seen = read_by_forest(bench.dest, "survey_timings")["survey_timings"]
    expected = {*((ms, survey or None) for ms, survey in rows), (late, SLEEP)}
    assert {(row["timestamp"], row["survey id"]) for row in seen} == expected
    assert len(seen) == len(expected)
    assert f"{PID}/survey_timings/unknown_survey_id/2018-03-01 00_00_00+00_00.csv" in bench.files()
    mixed = f"survey_timings/{hour(0)}"
    assert bench.findings(result) >= {(mixed, "parted-by-survey"), (mixed, "no-survey")}


def test_rows_that_the_old_and_the_new_layout_both_hold_are_there_once(bench):
    both, only = timing(HOUR + 5, SLEEP), timing(HOUR + 9, SLEEP)
    bench.put(f"{CHUNKED}/survey_timings/{hour(0)}", text(TIMINGS, both, timing(HOUR + 6, MOOD)))
    bench.put(f"{CHUNKED}/survey_timings/{SLEEP}/{hour(0)}", text(TIMINGS, both, only))
    bench.export()
    files = bench.files()
    assert files[f"{PID}/survey_timings/{SLEEP}/2018-03-01 00_00_00+00_00.csv"] == text(TIMINGS, both, only)
    assert len(read_by_forest(bench.dest, "survey_timings")["survey_timings"]) == 3


def answers(answer):
    return text(ANSWERS, f"q1,radio_button,How well?,badly;well,{answer}")


def test_sycamore_sees_answers_whose_only_copy_is_named_a_duplicate(bench):
    """Three answers: two have no other copy, and the third has one that holds the same."""
    for ms, suffix, answer in (
        (HOUR + 1, "-duplicate-AbCdEfGh01", "well"),
        (HOUR + 90_000, "-duplicate-AbCdEfGh02", "badly"),
        (HOUR + 200_000, "", "well"),
        (HOUR + 200_000, "-duplicate-AbCdEfGh03", "well"),
    ):
        bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{ms}.csv{suffix}", answers(answer))
    result = bench.export()
    assert result.tally.complete
    seen = read_by_forest(bench.dest, "survey_answers")["survey_answers"]
    assert sorted(row["answer"] for row in seen if row["answer"]) == ["badly", "well", "well"]
    found = bench.findings(result)
    assert {kind for key, kind in found if "AbCdEfGh01" in key or "AbCdEfGh02" in key} == {"duplicate-taken"}
    assert {kind for key, kind in found if "AbCdEfGh03" in key} == {"duplicate-hidden"}
    hidden = [path for path in bench.files() if path.startswith(".duplicates/")]
    assert len(hidden) == 1


def test_a_duplicate_that_holds_something_else_is_read_beside_its_twin(bench):
    for suffix, answer in (("", "well"), ("-duplicate-AbCdEfGh01", "badly"), ("-duplicate-AbCdEfGh02", "badly")):
        bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 7}.csv{suffix}", answers(answer))
    one, other = gps(HOUR + 1, "1.5"), gps(HOUR + 2, "1.25")
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, one))
    bench.put(f"{CHUNKED}/gps/{hour(0)}-duplicate-AbCdEfGh04", text(GPS, one, other))
    bench.export()
    seen = read_by_forest(bench.dest, "survey_answers", "gps")
    assert sorted(row["answer"] for row in seen["survey_answers"] if row["answer"]) == ["badly", "well"]
    assert [row["timestamp"] for row in seen["gps"]] == [HOUR + 1, HOUR + 2]


def test_a_recording_named_a_duplicate_keeps_its_extension(bench):
    for n, content in enumerate((b"one", b"two", b"one")):
        suffix = f"-duplicate-AbCdEfGh0{n}" if n else ""
        media = b"\0\0\0\x18ftypmp42" + content * 40
        bench.put(f"{RAW}/voiceRecording/{SLEEP}/{HOUR + 5}.mp4{suffix}", media)
    bench.export()
    audio = f"{PID}/audio_recordings/{SLEEP}/2018-03-01 00_00_00+00_00_005"
    assert {path for path in bench.files() if ".mp4" in path} == {
        f"{audio}.mp4",
        f"{audio}_AbCdEfGh01.mp4",
        f".duplicates/{audio}-duplicate-AbCdEfGh02.mp4",
    }
    execute(bench.job(form="original", source="both"), FolderDestination(bench.folder / "original"), Serial())
    assert {path for path in bench.files(bench.folder / "original") if "mp4" in path} == {
        f"raw/{PID}/voiceRecording/{SLEEP}/{HOUR + 5}.mp4",
        f"raw/{PID}/voiceRecording/{SLEEP}/{HOUR + 5}-duplicate-AbCdEfGh01.mp4",
        f"raw/{PID}/voiceRecording/{SLEEP}/{HOUR + 5}-duplicate-AbCdEfGh02.mp4",
    }


def test_poplar_reads_hours_in_which_utc_time_is_written_twice(bench):
    """As of March 2024: "Expected 6 fields in line 8, saw 7", and nothing of the participant was read."""
    rows = [gps(HOUR + n, f"1.{n}") for n in range(1, 10)]
    broken = list(rows)
    stamp, time, rest = broken[6].split(",", 2)
    broken[6] = f"{stamp},{time},{time},{rest}"
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, *broken))
    bench.put(f"{CHUNKED}/gps/{hour(1)}", text(GPS, gps(HOUR + HOUR_MS, "1.5")), zst=True)
    result = bench.export()
    seen = read_by_forest(bench.dest, "gps")["gps"]
    assert [(row["timestamp"], row["latitude"]) for row in seen] == [
        *((HOUR + n, float(f"1.{n}")) for n in range(1, 10)),
        (HOUR + HOUR_MS, 1.5),
    ]
    assert (f"gps/{hour(0)}", "repeated-utc-time") in bench.findings(result)
    exact = bench.files()[f"{PID}/gps/2018-03-01 01_00_00+00_00.csv"]
    assert exact == text(GPS, gps(HOUR + HOUR_MS, "1.5"))
    execute(bench.job(form="original"), FolderDestination(bench.folder / "original"), Serial())
    assert text(GPS, *broken) in bench.files(bench.folder / "original").values()


@pytest.mark.parametrize("large", [8 << 20, 0], ids=["together", "one-at-a-time"])
def test_a_row_that_no_rule_repairs_goes_aside_and_poplar_reads_the_others(bench, monkeypatch, large):
    monkeypatch.setattr("bondstore.domains.beiwe.export.forest_units.LARGE", large)
    bad = f"{HOUR + 2},{utc(HOUR + 2)},1.5,2.5,30.25,12.5,7,8"
    plain = text(GPS, gps(HOUR + 1, "1.5"), bad, gps(HOUR + 3, "1.75"))
    bench.put(f"{CHUNKED}/gps/{hour(0)}", plain)
    result = bench.export()
    assert [row["timestamp"] for row in read_by_forest(bench.dest, "gps")["gps"]] == [HOUR + 1, HOUR + 3]
    assert result.tally.quarantined.objects == 1
    assert (f"gps/{hour(0)}", "rows-lost") in bench.findings(result)
    kept = bench.dest / FolderDestination(bench.dest).quarantine_path(f"{CHUNKED}/gps/{hour(0)}")
    assert kept.read_bytes() == bytes(bench.store.get(f"{CHUNKED}/gps/{hour(0)}").data)


def test_a_large_hour_is_repaired_in_slices(bench, monkeypatch):
    monkeypatch.setattr("bondstore.domains.beiwe.export.forest_units.LARGE", 0)
    monkeypatch.setattr("bondstore.domains.beiwe.reading.stream._BATCH_BYTES", 64)
    monkeypatch.setattr("bondstore.domains.beiwe.reading.frames.whole_lines.__defaults__", (256,))
    rows = [gps(HOUR + n, f"1.{n}") for n in range(1, 40)]
    stamp, time, rest = rows[20].split(",", 2)
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, *rows[:20], f"{stamp},{time},{time},{rest}", *rows[21:]))
    bench.put(f"{CHUNKED}/gps/{hour(1)}", text(GPS, *(gps(HOUR + HOUR_MS + n, "1.5") for n in range(30))))
    bench.export()
    assert len(read_by_forest(bench.dest, "gps")["gps"]) == 39 + 30
    assert bench.files()[f"{PID}/gps/2018-03-01 00_00_00+00_00.csv"].rstrip(b"\n") == text(GPS, *rows)


def test_quotation_marks_and_commas_in_text_stop_no_reader(bench):
    header = f"{TIMINGS},event"
    lines = [f"{timing(HOUR + 1, SLEEP, chr(34) + 'fine')},changed", f"{timing(HOUR + 2, SLEEP)},submitted"]
    bench.put(f"{CHUNKED}/survey_timings/{SLEEP}/{hour(0)}", text(header, *lines))
    identifiers = (
        "timestamp,UTC time,patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,"
        "manufacturer,model,beiwe_version"
    )
    device = f"{HOUR},{utc(HOUR)},{PID},,,x,iOS,12,iPhone,apple,y,apple,iPhone8,1,2.4"
    bench.put(f"{CHUNKED}/identifiers/{hour(0)}", text(identifiers, device))
    bench.export()
    seen = read_by_forest(bench.dest, "survey_timings", "identifiers")
    assert [row["answer"] for row in seen["survey_timings"]] == ['"fine', "well"]
    assert [(row["timestamp"], row["model"], row["beiwe_version"]) for row in seen["identifiers"]] == [
        (HOUR, "iPhone8,1", 2.4)
    ]


def test_commas_in_free_text_stop_no_reader_and_stay(bench):
    """An entry of an app's log is text to the end of its line; forest's readers take a comma for a new field."""
    entries = [(HOUR + 1, "one"), (HOUR + 2, "two, and more"), (HOUR + HOUR_MS, "plain")]
    row = [f"{ms},{utc(ms)},{entry}" for ms, entry in entries]
    bench.put(f"{CHUNKED}/app_log/{hour(0)}", text("timestamp,UTC time,event", *row[:2]))
    bench.put(f"{CHUNKED}/app_log/{hour(1)}", text("timestamp,UTC time,event", row[2]))
    result = bench.export()
    seen = read_by_forest(bench.dest, "app_log")["app_log"]
    assert [(one["timestamp"], one["event"]) for one in seen] == entries
    assert bench.findings(result) == {(f"app_log/{hour(0)}", "commas-in-text")}
    assert bench.files()[f"{PID}/app_log/2018-03-01 01_00_00+00_00.csv"] == text("timestamp,UTC time,event", row[2])


def test_rows_added_to_free_text_with_commas_leave_it_whole(bench):
    rows = [f"{HOUR + 1},{utc(HOUR + 1)},two, and more", f"{HOUR + 2},{utc(HOUR + 2)},three"]
    bench.put(f"{CHUNKED}/app_log/{hour(0)}", text("timestamp,UTC time,event", *rows))
    banner = "THIS LINE IS A LOG FILE HEADER"
    bench.put(f"{RAW}/logFile/{HOUR}.csv", text(banner, f"{HOUR + 1} two, and more", f"{HOUR + 3} four, the last"))
    bench.export(source="both")
    seen = read_by_forest(bench.dest, "app_log")["app_log"]
    assert [one["event"] for one in seen] == ["New app log file created", "two, and more", "three", "four, the last"]


def test_a_space_behind_commas_makes_no_second_row(bench):
    """Android writes ``1, 2``; the server keeps it in its hours, and raw has the same rows and one more."""
    rows = [[HOUR + n, f"{42.5 + n}", "2.5", "30.25", "12.5"] for n in range(3)]
    spaced = [f"{ms},{utc(ms)}, {', '.join(own)}" for ms, *own in rows]
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, *spaced[:2]))
    raw = [", ".join(map(str, one)) for one in rows]
    bench.put(f"{RAW}/gps/{HOUR}.csv", text("timestamp, latitude, longitude, altitude, accuracy", *raw))
    bench.export(source="both")
    seen = read_by_forest(bench.dest, "gps")["gps"]
    assert [(one["timestamp"], one["latitude"]) for one in seen] == [(one[0], float(one[1])) for one in rows]


def test_pictures_of_a_survey_do_not_stop_poplar(bench):
    """It takes what lies in a stream's folder for files with a time in their name."""
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, gps(HOUR + 1, "1.5")))
    bench.put(f"{RAW}/image_survey/{SLEEP}/{HOUR + 3}.jpg", b"\xff\xd8\xff" + b"\0" * 64)
    bench.export()
    assert len(read_by_forest(bench.dest, "gps")["gps"]) == 1
    assert any(path.endswith(".jpg") for path in bench.files())


def test_one_command_writes_complete_hours_from_chunked_and_raw(bench):
    """What chunked lost is in raw; a device wrote both, so every row must be there, once, in its order."""
    rows = {n: [gps(HOUR + n * HOUR_MS + ms, f"1.{ms}") for ms in range(1, 9)] for n in range(3)}
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, *rows[0][:2], *rows[0][5:]))
    bench.put(f"{CHUNKED}/gps/{hour(1)}", text(GPS, *rows[1]), zst=True)
    raw_header = "timestamp, latitude, longitude, altitude, accuracy"
    every = [row.split(",") for some in rows.values() for row in some]
    raw = [", ".join([fields[0], *fields[2:]]) for fields in every]
    bench.put(f"{RAW}/gps/{HOUR + 1}.csv", text(raw_header, *raw[:12]))
    bench.put(f"{RAW}/gps/{HOUR + HOUR_MS + 5}.csv", text(raw_header, *raw[12:]))
    bench.put(
        f"{RAW}/surveyTimings/{SLEEP}/{HOUR + 4}.csv",
        text(
            TIMINGS.replace("UTC time,", "").replace("survey id,", ""),
            f"{HOUR + 4},q1,radio_button,How well?,badly;well,well",
        ),
    )
    bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 4}.csv", answers("well"))
    result = bench.export(source="both")
    assert (result.state, result.tally.quarantined.objects) == ("finished", 0)
    seen = read_by_forest(bench.dest, "gps", "survey_timings", "survey_answers")
    assert [(row["timestamp"], row["latitude"]) for row in seen["gps"]] == [
        (int(fields[0]), float(fields[2])) for fields in every
    ]
    assert [row["timestamp"] for row in seen["survey_timings"]] == [HOUR + 4]
    again = bench.export(source="both")
    assert (again.tally.done.objects, again.tally.skipped) == (0, result.tally.done)


def test_what_changes_later_keeps_the_rows_of_raw(bench):
    one, two, three = (gps(HOUR + n, f"1.{n}") for n in (1, 2, 3))
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, one))
    raw = text(
        "timestamp,latitude,longitude,altitude,accuracy",
        *(row.replace(f",{row.split(',')[1]}", "") for row in (one, two)),
    )
    bench.put(f"{RAW}/gps/{HOUR + 1}.csv", raw)
    bench.export(source="both")
    path = bench.dest / PID / "gps" / "2018-03-01 00_00_00+00_00.csv"
    assert path.read_bytes() == text(GPS, one, two)
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, one, three))
    with pytest.raises(PolicyError, match="another source"):
        bench.export()
    bench.export(source="both")
    assert path.read_bytes() == text(GPS, one, two, three)
    path.unlink()
    bench.export(source="both")
    assert path.read_bytes() == text(GPS, one, two, three)


CALLS = "timestamp,UTC time,hashed phone number,call type,duration in seconds"


def call(ms, number):
    return f"{ms},{utc(ms)},{number},Incoming Call,3"


def raw_call(ms, number):
    return f"{number},Incoming Call,{ms},3"


@pytest.fixture
def calls(bench):
    """A call of 00:58, whose log was begun at 01:00:05, when it had ended; the hour's chunked file lacks it."""
    early, late = HOUR + 1000, HOUR + 58 * 60_000
    bench.put(f"{CHUNKED}/calls/{hour(0)}", text(CALLS, call(early, "AAA")))
    raw = text("hashed phone number,call type,timestamp,duration in seconds", raw_call(late, "BBB"))
    bench.put(f"{RAW}/callLog/{HOUR + HOUR_MS + 5000}.csv", raw)
    return text(CALLS, call(early, "AAA"), call(late, "BBB"))


def calls_of(bench):
    return (bench.dest / PID / "calls" / "2018-03-01 00_00_00+00_00.csv").read_bytes()


def test_a_window_takes_raw_files_that_were_begun_when_its_calls_had_ended(bench, calls):
    bench.export(source="both", until_ms=HOUR + HOUR_MS)
    assert calls_of(bench) == calls


def test_an_hour_made_anew_keeps_rows_of_raw_objects_out_of_the_window(bench, calls):
    bench.export(source="both")
    assert calls_of(bench) == calls
    later = HOUR + 59 * 60_000
    bench.put(f"{CHUNKED}/calls/{hour(0)}", text(CALLS, call(HOUR + 1000, "AAA"), call(later, "CCC")))
    bench.export(source="both", since_ms=HOUR - 20 * 24 * HOUR_MS, until_ms=HOUR + HOUR_MS - 24 * HOUR_MS)
    bench.export(source="both", until_ms=HOUR + 1)
    assert calls_of(bench) == calls + b"\n" + call(later, "CCC").encode()


def test_of_a_raw_object_that_is_gone_an_hour_made_anew_says_so(bench, calls):
    bench.export(source="both")
    bench.store.delete(f"{RAW}/callLog/{HOUR + HOUR_MS + 5000}.csv")
    bench.put(f"{CHUNKED}/calls/{hour(0)}", text(CALLS, call(HOUR + 1000, "AAA"), call(HOUR + 2000, "CCC")))
    result = bench.export(source="both")
    assert result.state == "incomplete"
    assert (f"callLog/{HOUR + HOUR_MS + 5000}.csv", "gone") in bench.findings(result)


@pytest.mark.parametrize("before", [True, False], ids=["before-the-names", "after-the-names"])
def test_killed_while_an_hour_of_raw_alone_gets_its_name(bench, monkeypatch, before):
    raw = text("timestamp,latitude,longitude,altitude,accuracy", f"{HOUR + 1},1.5,2.5,30.25,12.5")
    bench.put(f"{RAW}/gps/{HOUR + 1}.csv", raw)
    show = FolderDestination.show

    def dying(self, staged):
        hours = [path for _, path in staged if "/gps/" in path]
        if not (before and hours):
            show(self, staged)
        if hours:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(FolderDestination, "show", dying)
        with pytest.raises(Interrupted):
            bench.export(source="both")
    result = bench.export(source="both")
    assert result.state == "finished"
    path = bench.dest / PID / "gps" / "2018-03-01 00_00_00+00_00.csv"
    assert path.read_bytes() == text(GPS, gps(HOUR + 1, "1.5"))


def test_a_wider_window_takes_the_rows_that_a_narrow_one_left_out(bench):
    rows = [gps(HOUR + n * HOUR_MS, f"1.{n}") for n in range(3)]
    raw = [row.replace(f",{row.split(',')[1]}", "") for row in rows]
    bench.put(f"{RAW}/gps/{HOUR}.csv", text("timestamp,latitude,longitude,altitude,accuracy", *raw))
    bench.export(source="both", since_ms=HOUR + HOUR_MS, until_ms=HOUR + 2 * HOUR_MS)
    gps_files = {path: content for path, content in bench.files().items() if "/gps/" in path}
    assert gps_files == {f"{PID}/gps/2018-03-01 01_00_00+00_00.csv": text(GPS, rows[1])}
    bench.export(source="both")
    assert [row["timestamp"] for row in read_by_forest(bench.dest, "gps")["gps"]] == [
        HOUR + n * HOUR_MS for n in range(3)
    ]


def test_hours_come_out_of_raw_alone(bench):
    raw = text("timestamp,latitude,longitude,altitude,accuracy", f"{HOUR + 1},1.5,2.5,30.25,12.5")
    bench.put(f"{RAW}/gps/{HOUR + 1}.csv", raw)
    bench.export(source="raw")
    assert bench.files() == {f"{PID}/gps/2018-03-01 00_00_00+00_00.csv": text(GPS, gps(HOUR + 1, "1.5"))}


def test_every_executor_gives_the_same_files_and_a_recorded_job_is_built_again(bench, tmp_path):
    for n in range(4):
        bench.put(f"{CHUNKED}/gps/{hour(n)}", text(GPS, gps(HOUR + n * HOUR_MS, f"1.{n}")), zst=n % 2)
        bench.put(f"{CHUNKED}/survey_timings/{hour(n)}", text(TIMINGS, timing(HOUR + n * HOUR_MS, SLEEP)))
    job = bench.job(source="both")
    assert job_of(job.params) == job
    bench.export(source="both")
    execute(job, FolderDestination(tmp_path / "other"), Processes(2))
    assert bench.files(tmp_path / "other") == bench.files()


def test_a_folder_of_an_earlier_version_is_made_anew_and_its_leftovers_go(bench):
    """It kept hours of several surveys where sycamore does not look, and hid answers that have no other copy."""
    bench.put(f"{CHUNKED}/survey_timings/{hour(0)}", text(TIMINGS, timing(HOUR + 5, SLEEP)))
    bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR}.csv-duplicate-AbCdEfGh01", answers("well"))
    bench.export()
    old = {
        f"{PID}/survey_timings/2018-03-01 00_00_00+00_00.csv": f"{CHUNKED}/survey_timings/{hour(0)}",
        f".duplicates/{PID}/survey_answers/{SLEEP}/2018-03-01 00_00_00+00_00.csv-duplicate-AbCdEfGh01": (
            f"{RAW}/surveyAnswers/{SLEEP}/{HOUR}.csv-duplicate-AbCdEfGh01"
        ),
    }
    right = bench.files()
    with FolderDestination(bench.dest).ledger() as ledger, ledger.transaction():
        connection = ledger.outputs._connection
        connection.execute("DELETE FROM outputs WHERE path LIKE '%survey%'")
        for path, key in old.items():
            file = bench.dest / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"as it was")
            connection.execute("UPDATE items SET output = ? WHERE key = ?", (path, key))
            connection.execute(
                "INSERT INTO outputs (job, path, sha256, size, mtime_ns, run, kind)"
                " SELECT job, ?, x'00', 9, 1, run, 'object' FROM items WHERE key = ?",
                (path, key),
            )
    bench.export()
    assert bench.files() == right


def test_an_hour_that_cannot_be_opened_any_more_keeps_what_was_made_of_it(bench):
    key = f"{CHUNKED}/gps/{hour(0)}"
    bench.put(key, text(GPS, gps(HOUR + 1, "1.5")))
    bench.export()
    before = bench.files()
    bench.store.put(key, b"short")
    assert bench.export().tally.quarantined.objects == 1
    assert bench.files() == before
    bench.put(key, text(GPS, gps(HOUR + 2, "1.5")))
    bench.export()
    assert bench.files()[f"{PID}/gps/2018-03-01 00_00_00+00_00.csv"] == text(GPS, gps(HOUR + 2, "1.5"))


def test_what_is_no_table_is_not_among_tables(bench):
    bench.put(f"{CHUNKED}/gps/{hour(0)}", text(GPS, gps(HOUR + 1, "1.5")))
    bench.put(f"{RAW}/gps/{HOUR + 1}.json", b'{"a": "text that is long enough to be told from noise"}')
    bench.put(f"{RAW}/surveyTimings/{HOUR + 1}.json", b'{"a": "text that is long enough to be told from noise"}')
    result = bench.export(source="both")
    assert result.tally.complete
    assert len(read_by_forest(bench.dest, "gps")["gps"]) == 1
    assert sum(path.endswith(".json") for path in bench.files()) == 2


def test_an_hour_without_any_text_stops_no_reader(bench):
    bench.put(f"{CHUNKED}/gps/{hour(0)}", b"", zst=True)
    bench.put(f"{CHUNKED}/gps/{hour(1)}", text(GPS))
    bench.put(f"{CHUNKED}/gps/{hour(2)}", text(GPS, gps(HOUR + 2 * HOUR_MS, "1.5")))
    bench.export()
    assert len(read_by_forest(bench.dest, "gps")["gps"]) == 1


def test_a_submission_keeps_every_row_though_two_are_the_same(bench):
    """Rows of one raw file are not duplicates of each other, also where the file must be repaired."""
    rows = ['q1,checkbox,"Which?",a;b,a', "q2,free_response,What?,,", "q2,free_response,What?,,"]
    bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 7}.csv", text(ANSWERS, *rows))
    bench.export()
    seen = read_by_forest(bench.dest, "survey_answers")["survey_answers"]
    assert [row["question id"] for row in seen if row["question id"]] == ["q1", "q2", "q2"]  # then "submitted"
    assert seen[0]["question text"] == '"Which?"'


@pytest.mark.parametrize("large", [8 << 20, 0], ids=["together", "one-at-a-time"])
def test_an_hour_that_the_server_wrote_in_the_raw_form_gets_its_times(bench, monkeypatch, large):
    """An old server wrote some processed hours without `UTC time`, which forest's readers look for."""
    if not large:
        monkeypatch.setattr("bondstore.domains.beiwe.export.forest_units.LARGE", 0)
        monkeypatch.setattr("bondstore.domains.beiwe.reading.stream._BATCH_BYTES", 16)
    bench.put(
        f"{CHUNKED}/gps/{hour(0)}",
        text("timestamp, latitude, longitude, altitude, accuracy", f"{HOUR + 5}, 1.5, 2.5, 30.25, 12.5"),
    )
    bench.export()
    assert bench.files()[f"{PID}/gps/2018-03-01 00_00_00+00_00.csv"].rstrip(b"\n") == text(GPS, gps(HOUR + 5, "1.5"))
    assert [row["timestamp"] for row in read_by_forest(bench.dest, "gps")["gps"]] == [HOUR + 5]


def test_sycamore_reads_free_text_of_several_lines_as_one_answer(bench):
    rows = ["q1,free_response,How are you?,,Fine", "or so", "q2,radio_button,How well?,badly;well,well"]
    bench.put(f"{RAW}/surveyAnswers/{SLEEP}/{HOUR + 7}.csv", text(ANSWERS, *rows))
    bench.export()
    seen = read_by_forest(bench.dest, "survey_answers")["survey_answers"]
    assert [row["answer"] for row in seen if row["question id"]] == ["Fine\nor so", "well"]
    file = bench.files()[f"{PID}/survey_answers/{SLEEP}/2018-03-01 00_00_00+00_00_007.csv"]
    assert file.split(b"\n")[0] == ANSWERS.encode()
