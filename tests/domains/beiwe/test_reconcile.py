"""What raw holds and chunked lacks, against an account of the same rows that is made here, by hand, from the facts."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
import zstandard
from demo.study import FIRST_HOUR_MS, HOUR_MS, KEY, STUDY, Made, Shape, hour_name, make, seal, utc
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import resolve_store
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.jobs import ExportJob
from bondstore.domains.beiwe.reconcile import read as reconcile_read
from bondstore.domains.beiwe.reconcile import shard as rebuild_shard
from bondstore.domains.beiwe.reconcile.job import ReconcileJob, rebuilt, reconcile_job_of
from bondstore.domains.beiwe.reconcile.rebuild import Rebuild
from bondstore.domains.beiwe.reconcile.report import GapReport
from bondstore.domains.beiwe.selection import select
from bondstore.errors import BondstoreError, Interrupted, PolicyError, WrongKeyError
from bondstore.ledger import personal_ledger
from bondstore.runs import record as recording
from bondstore.runs.engine import execute, only_plan
from bondstore.runs.executors import Processes, Serial, Threads
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.progress import Quiet
from bondstore.runs.tally import Count
from bondstore.stores import open_store

PID = "1ab2cd3e"
HOUR = FIRST_HOUR_MS
RAW_NAMES = {
    "accel": ("accelerometer", "accuracy,x,y,z"),
    "gps": ("gps", "latitude,longitude,altitude,accuracy"),
    "powerState": ("power_state", "event"),
    "reachability": ("reachability", "event"),
}
TIMING = "question id,survey id,question type,question text,question answer options,answer"
IDENTIFIERS = (
    "patient_id,MAC,phone_number,device_id,device_os,os_version,product,brand,hardware_id,manufacturer,model,"
    "beiwe_version"
)


class Bucket:
    """A store in a folder, filled by an encryptor that is not ours."""

    def __init__(self, folder: Path, profile: Profile | None = None) -> None:
        self.spec = StoreSpec(folder.as_uri(), profile or Profile())
        self.store = open_store(self.spec)

    def put(self, key, *lines, zst=False, header=None):
        self.put_plain(key, "\n".join(lines).encode(), zst=zst)

    def put_plain(self, key, plain, *, zst=False):
        self.put_sealed(key + ".zst" * zst, seal(zstandard.compress(plain) if zst else plain))

    def put_sealed(self, key, data):
        self.store.put(key, data)

    def chunk(self, stream, hour, *lines, survey="", **how):
        self.put(chunk_key(stream, hour, survey), *lines, **how)

    def raw(self, name, *lines, time=HOUR, survey="", **how):
        self.put(raw_key(name, time, survey), *lines, **how)

    def job(self, *streams, **window):
        return ReconcileJob(self.spec, STUDY, SecretRef.parse("env:LAB_KEY"), select((), streams, "both", **window))


def chunk_key(stream, hour, survey=""):
    return f"CHUNKED_DATA/{STUDY}/{PID}/{stream}/{survey and survey + '/'}{hour_name(hour)}.csv"


def raw_key(name, time=HOUR, survey=""):
    return f"{STUDY}/{PID}/{name}/{survey and survey + '/'}{time}.csv"


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Bucket(tmp_path / "bucket")


def compare(job):
    found = []
    report = GapReport(job, found.append)
    gaps = {(gap.participant, gap.stream): gap for gap in report.gaps()}
    return gaps, found, report


def gap_of(job):
    gaps, found, _ = compare(job)
    (gap,) = gaps.values()
    return gap, found


def run(job, dest, executor=None, **how):
    return execute(job, FolderDestination(dest), executor or Serial(), **how)


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".bondstore" not in path.parts
    }


# The account by hand


def raw_hours(made):
    """Header and rows of every hour, from the raw plaintexts alone: path of the hour -> (header, {row})."""
    hours = {}

    def add(path, header, row):
        hours.setdefault(path, (f"timestamp,UTC time,{header}", set()))[1].add(row)

    for one in made:
        parts = one.key.removesuffix(".zst").removesuffix(".csv").split("/")
        if parts[0] != STUDY or parts[1] == "keys":
            continue
        pid, rows = parts[1], one.plain.decode(errors="replace").split("\n")[1:]
        if parts[2] in RAW_NAMES:
            stream, header = RAW_NAMES[parts[2]]
            for row in rows:
                time, _, values = row.partition(",")
                hour = int(time) // HOUR_MS * HOUR_MS
                add(f"chunked/{pid}/{stream}/{hour_name(hour)}.csv", header, f"{time},{utc(int(time))},{values}")
        elif parts[2] == "surveyTimings":
            for row in rows:
                time, question, values = row.split(",", 2)
                hour = int(time) // HOUR_MS * HOUR_MS
                line = f"{time},{utc(int(time))},{question},{parts[3]},{values}"
                add(f"chunked/{pid}/survey_timings/{parts[3]}/{hour_name(hour)}.csv", TIMING, line)
        elif parts[2].startswith("identifiers_"):
            time = int(parts[2].removeprefix("identifiers_") + "000")
            hour = time // HOUR_MS * HOUR_MS
            line = f"{time},{utc(time)},{rows[0]}"
            add(f"chunked/{pid}/identifiers/{hour_name(hour)}.csv", IDENTIFIERS, line)
    return hours


def chunked_hours(made):
    """Rows of every chunked object: path of the hour -> {row}."""
    return {
        "chunked/" + one.key.removesuffix(".zst").split("/", 2)[2]: set(one.plain.decode().split("\n")[1:])
        for one in made
        if one.key.startswith("CHUNKED_DATA/")
    }


def complete(header, rows):
    """An hour as the server would write it; rows of one time are told apart by their bytes."""
    ordered = sorted(rows, key=lambda row: (int(row.split(",")[0]), row.encode()))
    return "\n".join([header, *ordered]).encode()


def in_any_order(data):
    """An hour whose rows are in order of time, those of one time (which keep their file's order) by their bytes."""
    header, *rows = data.decode().split("\n")
    times = [int(row.split(",")[0]) for row in rows]
    assert times == sorted(times)
    return complete(header, rows)


def expected_files(made):
    """Every hour that lacks rows, whole."""
    chunked = chunked_hours(made)
    return {
        path: complete(header, rows | chunked.get(path, set()))
        for path, (header, rows) in raw_hours(made).items()
        if rows - chunked.get(path, set())
    }


@pytest.fixture(scope="module")
def made():
    return list(make(Shape(participants=2, hours=7, rows=30, missing=0.3)))


@pytest.fixture
def study(lab, made):
    for one in made:
        lab.put_sealed(one.key, one.sealed)
    return lab


def test_every_missing_row_of_a_study_is_counted(study, made):
    gaps, found, report = compare(study.job())
    chunked = chunked_hours(made)
    wanted = defaultdict(lambda: [0, 0, 0, 0, 0, []])
    for path, (_, rows) in raw_hours(made).items():
        count = wanted[tuple(path.split("/")[1:3])]
        missing = rows - chunked.get(path, set())
        count[0] += len(rows)
        count[1] += len(missing)
        count[2] += 1
        count[3] += path not in chunked
        count[4] += path in chunked and bool(missing)
        count[5] += [int(row.split(",")[0]) for row in missing]
    assert {
        pair: [g.raw_rows, g.missing_rows, g.hours, g.hours_missing, g.hours_incomplete] for pair, g in gaps.items()
    } == {pair: count[:5] for pair, count in wanted.items()}
    for pair, gap in gaps.items():
        times = wanted[pair][5]
        assert (gap.first_ms, gap.last_ms) == ((min(times), max(times)) if times else (None, None))
    assert sum(gap.missing_rows for gap in gaps.values()) > 100
    assert found == []
    assert report.tally.complete


def test_nothing_missing_is_reported_as_nothing(lab):
    for one in make(Shape(participants=1, hours=4, rows=15)):
        if "identifiers_" not in one.key:  # the demonstration chunks no identifiers
            lab.put_sealed(one.key, one.sealed)
    gaps, found, _ = compare(lab.job())
    assert set(gaps) == {(PID, s) for s in ("accelerometer", "gps", "power_state", "reachability", "survey_timings")}
    assert [(gap.missing_rows, gap.hours_missing, gap.hours_incomplete) for gap in gaps.values()] == [(0, 0, 0)] * 5
    assert all(gap.raw_rows for gap in gaps.values())
    assert found == []


@pytest.mark.parametrize("executor", [Serial(), Threads(3), Processes(2)], ids=["serial", "threads", "processes"])
def test_hours_that_lack_rows_are_rebuilt_whole(study, made, executor, tmp_path, monkeypatch):
    monkeypatch.setattr(Rebuild, "number", 1)  # every raw object is a shard of its own
    result = run(study.job(), tmp_path / "out", executor)
    assert tree(tmp_path / "out") == expected_files(made)
    assert result.state == "finished"
    raw = sum(one.key.startswith(STUDY) and "/keys/" not in one.key for one in made)
    media = sum(any(word in one.key for word in ("surveyAnswers", "voiceRecording")) for one in made)
    chunked = len(chunked_hours(made))
    assert result.tally.objects() == {
        "planned": raw - media + chunked,
        "done": raw - media + chunked,
        "skipped": 0,
        "quarantined": 0,
        "failed": 0,
    }


class Watcher(Quiet):
    """Remembers what it is told."""

    def __init__(self):
        self.total, self.steps = None, []

    def begin(self, total):
        self.total = total

    def advance(self, step, inside=()):
        self.steps.append(step)


def check_plan(result, watcher):
    """What was planned, what was told on the way and what was counted in the end are the same."""
    assert watcher.total == result.plan.todo == sum(watcher.steps, Count())
    plan, tally = result.plan, result.tally
    assert plan.todo + plan.skipped + plan.quarantined == tally.planned
    assert tally.planned == tally.done + tally.skipped + tally.quarantined + tally.failed


@pytest.mark.parametrize("executor", [Serial(), Threads(3)], ids=["serial", "threads"])
def test_progress_ends_where_the_plan_said(study, made, executor, tmp_path, monkeypatch):
    monkeypatch.setattr(Rebuild, "number", 1)
    unasked = [chunk_key(stream, HOUR + 40 * HOUR_MS) for stream in ("accelerometer", "gps", "wifi")]
    for key in unasked:  # no raw object has rows of these hours; of wifi there is no raw object at all
        study.put_sealed(key, seal(b"\xff" * 99))
    listed = [key for key in [*(one.key for one in made), *unasked] if "/keys/" not in key]
    media = sum(any(word in key for word in ("surveyAnswers", "voiceRecording")) for key in listed)
    watcher = Watcher()
    result = run(study.job(), tmp_path / "out", executor, progress=watcher)
    check_plan(result, watcher)
    assert result.tally.planned.objects == len(listed) - media
    assert result.tally.skipped.objects == len(unasked)
    assert result.state == "finished"

    watcher = Watcher()
    again = run(study.job(), tmp_path / "out", executor, progress=watcher)
    check_plan(again, watcher)
    assert again.tally.skipped == again.tally.planned == result.tally.planned
    rows = [f"{HOUR + 40 * HOUR_MS + n},unknown,1,2,3" for n in range(3)]
    study.raw("accel", "timestamp,accuracy,x,y,z", *rows, time=HOUR + 40 * HOUR_MS)
    watcher = Watcher()
    late = run(study.job(), tmp_path / "out", executor, progress=watcher)  # now one of them is asked for, and read
    check_plan(late, watcher)
    assert (late.tally.done.objects, late.tally.quarantined.objects) == (1, 1)


def test_a_second_run_reads_and_writes_nothing(study, tmp_path):
    out = tmp_path / "out"
    first = run(study.job(), out)
    times = {path: (out / path).stat().st_mtime_ns for path in tree(out)}
    second = run(study.job(), out)
    assert second.tally.done.objects == 0
    assert second.tally.skipped == first.tally.done
    assert {path: (out / path).stat().st_mtime_ns for path in tree(out)} == times
    with FolderDestination(out).ledger() as ledger:
        entries = list(ledger.audit.entries(run=second.run))
        assert [entry.action for entry in entries] == ["run.start", "run.end"]


def test_every_read_is_in_the_chain_and_every_file_has_its_hash(study, made, tmp_path):
    import hashlib

    out = tmp_path / "out"
    result = run(study.job(), out)
    with FolderDestination(out).ledger() as ledger:
        assert ledger.audit.verify().broken_at is None
        assert not list(ledger.disagreements())
        read = {entry.key for entry in ledger.audit.entries(run=result.run) if entry.action == "read"}
        hashes = {output.path: output.sha256 for output in ledger.outputs.walk(study.job().name)}
        sums = list(rebuilt(ledger, study.job().name))
    touched = {path.removeprefix("chunked/") for path in raw_hours(made)}
    assert read == {
        one.key
        for one in made
        if "/keys/" not in one.key
        and "surveyAnswers" not in one.key
        and "voiceRecording" not in one.key
        and (one.key.startswith(STUDY) or one.key.removesuffix(".zst").split("/", 2)[2] in touched)
    }
    assert hashes == {path: hashlib.sha256(text).digest() for path, text in expected_files(made).items()}
    chunked = chunked_hours(made)
    added = {path: len(rows - chunked.get(path, set())) for path, (_, rows) in raw_hours(made).items()}
    assert sum(one.rows_added for one in sums) == sum(added.values())
    assert sum(one.hours for one in sums) == len(hashes)


def test_a_report_notes_its_reads_in_the_personal_record_and_writes_nothing_else(study, tmp_path):
    compare(study.job("gps"))
    with personal_ledger(create=False) as ledger:
        read = [entry.key for entry in ledger.audit.entries()]
    assert sum("/gps/" in key for key in read) >= 14
    assert {path.name for path in tmp_path.iterdir()} == {"bucket", "state"}


def test_the_export_with_the_rebuilt_hours_over_it_is_the_full_set(study, made, tmp_path):
    run(ExportJob(study.spec, STUDY, SecretRef.parse("env:LAB_KEY"), "original", select()), tmp_path / "export")
    run(study.job(), tmp_path / "rebuilt")
    both = tree(tmp_path / "export") | tree(tmp_path / "rebuilt")
    held = {path: set(text.decode().split("\n")[1:]) for path, text in both.items() if path.startswith("chunked/")}
    wanted = defaultdict(set, chunked_hours(made))
    for path, (_, rows) in raw_hours(made).items():
        wanted[path] |= rows
    assert held == wanted


# What comes later


@pytest.mark.parametrize("what", ["late raw", "late chunk", "changed chunk", "gone chunk", "lost file", "altered file"])
def test_what_changes_between_two_runs_ends_in_the_same_bytes(study, made, what, tmp_path):
    out = tmp_path / "out"
    raw = next(one for one in made if "/accel/" in one.key and f"/{PID}/" in one.key)
    chunk = next(one for one in made if f"{PID}/accelerometer/2024-01-01T01" in one.key)
    path = f"chunked/{PID}/accelerometer/2024-01-01T01:00:00.csv"
    now = list(made)
    if what == "late raw":
        study.store.delete(raw.key)
    elif what == "late chunk":  # with a row that raw does not hold
        study.store.delete(chunk.key)
        now[now.index(chunk)] = extra = with_row(chunk, f"{HOUR + HOUR_MS},2024-01-01T01:00:00.000,unknown,9,9,9")
    elif what in ("changed chunk", "gone chunk"):  # it was complete, so the hour needed no file
        study.put_sealed(chunk.key, seal(zstandard.compress(complete(*raw_hours(made)[path]))))
    run(study.job(), out)
    if what == "late raw":
        study.put_sealed(raw.key, raw.sealed)
    elif what == "late chunk":
        study.put_sealed(extra.key, extra.sealed)
    elif what == "changed chunk":
        study.put_sealed(chunk.key, chunk.sealed)
    elif what == "gone chunk":
        study.store.delete(chunk.key)
        now.remove(chunk)
    elif what == "lost file":
        (out / path).unlink()
    else:
        (out / path).write_bytes(b"timestamp\n1")
    assert tree(out) != expected_files(now)
    result = run(study.job(), out)
    assert tree(out) == expected_files(now)
    assert 0 < result.tally.done.objects <= 4  # the raw object, and the three hours it touches
    assert run(study.job(), out).tally.done.objects == 0


def with_row(one, row):
    plain = one.plain + b"\n" + row.encode()
    return Made(one.key, seal(zstandard.compress(plain) if one.key.endswith(".zst") else plain), plain)


def interleaved(lab):
    """Twelve raw objects that each hold rows of the same three hours; the rebuilt tree."""
    hours = defaultdict(list)
    for file in range(12):
        rows = []
        for n in range(9):
            time = HOUR + n % 3 * HOUR_MS + 1000 * n + file
            rows.append(f"{time},unknown,{file},{n},0")
            hours[n % 3].append(f"{time},{utc(time)},unknown,{file},{n},0")
        lab.raw("accel", ACCEL, *rows, time=HOUR + file, zst=bool(file % 2))
    lab.chunk("accelerometer", HOUR, FULL, *hours[0][:20])
    return {
        f"chunked/{PID}/accelerometer/{hour_name(HOUR + number * HOUR_MS)}.csv": complete(FULL, rows)
        for number, rows in hours.items()
    }


@pytest.mark.parametrize("executor", [Serial(), Threads(4), Processes(2)], ids=["serial", "threads", "processes"])
def test_hours_that_several_shards_touch_come_out_whole(lab, executor, tmp_path, monkeypatch):
    monkeypatch.setattr(Rebuild, "number", 1)
    wanted = interleaved(lab)
    run(lab.job(), tmp_path / "out", executor)
    assert tree(tmp_path / "out") == wanted


@pytest.mark.parametrize("nth", range(1, 13))
def test_a_run_that_breaks_off_inside_an_hour_ends_in_the_same_bytes(lab, nth, tmp_path, monkeypatch):
    wanted = interleaved(lab)
    broken_off(lab.job(), nth, tmp_path / "out", monkeypatch)
    result = run(lab.job(), tmp_path / "out")
    assert tree(tmp_path / "out") == wanted
    assert result.state == "finished"


def broken_off(job, nth, dest, monkeypatch):
    """Run a job, a shard for every raw object, and stop it when files are in place of which nothing is recorded."""
    commit, calls = recording.end_recording, []

    def breaking(*args, **more):
        calls.append(1)
        if len(calls) == nth:
            raise KeyboardInterrupt
        return commit(*args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Rebuild, "number", 1)
        patch.setattr(recording, "end_recording", breaking)
        with pytest.raises(Interrupted):
            run(job, dest)


@pytest.mark.parametrize("nth", [1, 2, 5, 9])
def test_a_run_that_breaks_off_anywhere_ends_in_the_same_bytes(study, made, nth, tmp_path, monkeypatch):
    broken_off(study.job(), nth, tmp_path / "out", monkeypatch)
    result = run(study.job(), tmp_path / "out")
    assert tree(tmp_path / "out") == expected_files(made)
    assert result.state == "finished"


def test_small_groups_change_nothing(study, made, tmp_path, monkeypatch):
    wanted, _, _ = compare(study.job())
    monkeypatch.setattr(reconcile_read, "GROUP_BYTES", 3000)
    monkeypatch.setattr(reconcile_read, "BATCH_BYTES", 900)
    monkeypatch.setattr(rebuild_shard, "GROUP_BYTES", 3000)
    monkeypatch.setattr("bondstore.domains.beiwe.reconcile.rows.PIECE", 500)
    monkeypatch.setattr("bondstore.domains.beiwe.reconcile.compare.GROUP_BYTES", 3000)
    monkeypatch.setattr("bondstore.domains.beiwe.reconcile.compare.CACHE_BYTES", 2000)
    gaps, _, _ = compare(study.job())
    assert gaps == wanted
    run(study.job(), tmp_path / "out")
    assert tree(tmp_path / "out") == expected_files(made)


def test_a_window_takes_the_hours_that_overlap_it(study, made, tmp_path):
    since, until = HOUR + 2 * HOUR_MS + 5, HOUR + 4 * HOUR_MS
    names = (hour_name(HOUR + 2 * HOUR_MS), hour_name(HOUR + 3 * HOUR_MS))
    job = study.job("gps", since_ms=since, until_ms=until)
    run(job, tmp_path / "out")
    wanted = {path: text for path, text in expected_files(made).items() if "/gps/" in path and path[-23:-4] in names}
    assert tree(tmp_path / "out") == wanted
    assert run(job, tmp_path / "out").tally.done.objects == 0
    run(study.job("gps"), tmp_path / "out")
    assert tree(tmp_path / "out") == {p: text for p, text in expected_files(made).items() if "/gps/" in p}
    assert run(job, tmp_path / "out").tally.done.objects == 0
    gap = next(iter(compare(job)[0].values()))
    assert gap.hours == 2


# The rules of the server, one stream each

CALLS = ("hashed phone number,call type,timestamp,duration in seconds", f"h1,Incoming Call,{HOUR + 70_012},33")
RULES = {
    "calls": (
        lambda b: b.raw("callLog", *CALLS),
        "timestamp,UTC time,hashed phone number,call type,duration in seconds",
        [f"{HOUR + 70_012},2024-01-01T00:01:10.012,h1,Incoming Call,33"],
    ),
    "wifi": (
        lambda b: b.raw("wifiLog", "hashed MAC, frequency, RSSI", "m1,2412,-60", "m2,5180,-71", time=HOUR + 7),
        "timestamp,UTC time,hashed MAC,frequency,RSSI",
        [f"{HOUR + 7},2024-01-01T00:00:00.007,m1,2412,-60"],
    ),
    "identifiers": (
        lambda b: b.put(f"{STUDY}/{PID}/identifiers_{HOUR // 1000 + 5}.csv", IDENTIFIERS, "a,b,c,d,e,f,g,h,i,j,k,l"),
        f"timestamp,UTC time,{IDENTIFIERS}",
        [f"{HOUR + 5000},2024-01-01T00:00:05.000,a,b,c,d,e,f,g,h,i,j,k,l"],
    ),
    "survey_timings": (
        lambda b: b.raw(
            "surveyTimings",
            "timestamp,question id,question type,question text,question answer options,answer",
            f"{HOUR + 1},Survey first rendered and displayed to user",
            f"{HOUR + 2},q1,Slider Question,How?,min = 0,5",
            survey="s9",
        ),
        f"timestamp,UTC time,{TIMING}",
        [
            f"{HOUR + 1},2024-01-01T00:00:00.001,Survey first rendered and displayed to user,s9",
            f"{HOUR + 2},2024-01-01T00:00:00.002,q1,s9,Slider Question,How?,min = 0,5",
        ],
    ),
    "app_log": (
        lambda b: b.raw(
            "logFile", "THIS LINE IS A LOG FILE HEADER", f"{HOUR + 11} started, with a comma", "untimed", zst=True
        ),
        "timestamp,UTC time,event",
        [
            f"{HOUR},2024-01-01T00:00:00.000,New app log file created",
            f"{HOUR + 11},2024-01-01T00:00:00.011,started, with a comma",
            f"{HOUR + 11},2024-01-01T00:00:00.011,untimed",
        ],
    ),
}


@pytest.mark.parametrize("stream", RULES)
def test_raw_rows_take_the_form_the_server_gives_them(lab, stream, tmp_path):
    put, header, rows = RULES[stream]
    put(lab)
    survey = "s9" if stream == "survey_timings" else ""
    gap, found = gap_of(lab.job())
    assert (gap.stream, gap.raw_rows, gap.missing_rows, gap.hours_missing) == (stream, len(rows), len(rows), 1)
    run(lab.job(), tmp_path / "out")
    path = f"chunked/{PID}/{stream}/{survey and survey + '/'}2024-01-01T00:00:00.csv"
    assert tree(tmp_path / "out") == {path: "\n".join([header, *rows]).encode()}
    lab.chunk(stream, HOUR, header, *rows, survey=survey, zst=True)
    gap, found = gap_of(lab.job())
    assert (gap.missing_rows, gap.hours_missing, gap.hours_incomplete) == (0, 0, 0)
    assert found == []


ACCEL = "timestamp,accuracy,x,y,z"
FULL = "timestamp,UTC time,accuracy,x,y,z"


def test_unpadded_milliseconds_are_the_same_row(lab, tmp_path):
    lab.raw("accel", ACCEL, f"{HOUR + 12},unknown,1,2,3", f"{HOUR + 13},unknown,4,5,6")
    lab.chunk("accelerometer", HOUR, FULL, f"{HOUR + 12},2024-01-01T00:00:00.12,unknown,1,2,3")
    gap, _ = gap_of(lab.job())
    assert (gap.missing_rows, gap.hours_incomplete, gap.first_ms) == (1, 1, HOUR + 13)
    run(lab.job(), tmp_path / "out")
    first, second = "2024-01-01T00:00:00.012,unknown,1,2,3", "2024-01-01T00:00:00.013,unknown,4,5,6"
    (text,) = tree(tmp_path / "out").values()
    assert text == f"{FULL}\n{HOUR + 12},{first}\n{HOUR + 13},{second}".encode()


def test_old_forms_of_chunked_objects_hold_their_rows(lab):
    lab.raw("gps", "timestamp, latitude, longitude, altitude, accuracy", f"{HOUR + 1}, 1.5, 2.5, 3, 4")
    lab.chunk(
        "gps",
        HOUR,
        "timestamp, UTC time, latitude, longitude, altitude, accuracy",
        f"{HOUR + 1},2024-01-01T00:00:00.001,1.5,2.5,3,4",
    )
    lab.raw("accel", ACCEL, f"{HOUR + 12},unknown,1,2,3")
    lab.chunk("accelerometer", HOUR, ACCEL, f"{HOUR + 12},unknown,1,2,3")  # as raw: an old server's fault
    lab.raw("magnetometer", "timestamp,x,y,z", f"{HOUR + 3},1,2,3")
    lab.chunk(
        "magnetometer",
        HOUR,
        "timestamp,UTC time,x,y,z",
        f"{HOUR + 3},2024-01-01T00:00:00.003,2024-01-01T00:00:00.003,1,2,3",
    )
    gaps, _, _ = compare(lab.job())
    assert len(gaps) == 3
    assert {(gap.raw_rows, gap.missing_rows) for gap in gaps.values()} == {(1, 0)}


def test_rows_of_one_millisecond_keep_the_order_of_their_file(lab, tmp_path):
    """As the server's own chunking does: a log entry of several lines is no entry when its lines are sorted."""
    log = ["zebra died", "at line 3", "at line 1", "caused by: ant"]
    lab.raw("logFile", "THIS LINE IS A LOG FILE HEADER", *(f"{HOUR + 5} {line}" for line in log), f"{HOUR + 9} end")
    header = "timestamp,UTC time,event"
    kept = [log[0], log[3]]  # chunked lost the two in between
    lab.chunk("app_log", HOUR, header, *(f"{HOUR + 5},{utc(HOUR + 5)},{line}" for line in kept))
    run(lab.job(), tmp_path / "out")
    lines = tree(tmp_path / "out")[f"chunked/{PID}/app_log/{hour_name(HOUR)}.csv"].decode().split("\n")
    created = f"{HOUR},{utc(HOUR)},New app log file created"
    assert lines == [
        header,
        created,
        *(f"{HOUR + 5},{utc(HOUR + 5)},{line}" for line in log),
        f"{HOUR + 9},{utc(HOUR + 9)},end",
    ]


def test_events_of_a_survey_keep_their_order_within_a_millisecond_and_over_uploads(lab, tmp_path):
    events = [f"{HOUR + 5},{question},radio_button,How?,a;b,a" for question in ("q9", "q1", "q5")]
    for n, row in enumerate(events):
        lab.raw(
            "surveyTimings", TIMING.replace("UTC time,", "").replace("survey id,", ""), row, time=HOUR + n, survey="s1"
        )
        run(lab.job(), tmp_path / "out")  # each upload comes by itself
    (hour,) = tree(tmp_path / "out").values()
    assert [line.split(",")[2] for line in hour.decode().split("\n")[1:]] == ["q9", "q1", "q5"]


def test_hours_that_an_earlier_version_rebuilt_in_another_order_are_made_anew(lab, tmp_path):
    lab.raw("accel", ACCEL, f"{HOUR + 1},unknown,9,2,3", f"{HOUR + 1},unknown,1,2,3")
    run(lab.job(), tmp_path / "out")
    path = tmp_path / "out" / f"chunked/{PID}/accelerometer/{hour_name(HOUR)}.csv"
    right = path.read_bytes()
    assert [line.split(b",")[3] for line in right.split(b"\n")[1:]] == [b"9", b"1"]
    with FolderDestination(tmp_path / "out").ledger() as ledger, ledger.transaction():
        ledger.outputs._connection.execute("UPDATE outputs SET made_by = ''")
    again = run(lab.job(), tmp_path / "out")
    assert (again.tally.done.objects, path.read_bytes()) == (1, right)
    assert run(lab.job(), tmp_path / "out").tally.done.objects == 0


def test_surveys_of_one_hour_may_lie_in_one_file(lab, tmp_path):
    raw = "timestamp,question id,question type,question text,question answer options,answer"
    head = f"timestamp,UTC time,{TIMING}"
    for survey in ("sA", "sB"):
        rows = [f"{HOUR + n},q{n},radio,How?,a;b,{survey}" for n in (1, 2)]
        lab.raw("surveyTimings", raw, *rows, survey=survey)
    a1, a2, b1, b2 = (
        f"{HOUR + n},2024-01-01T00:00:00.00{n},q{n},{survey},radio,How?,a;b,{survey}"
        for survey in ("sA", "sB")
        for n in (1, 2)
    )
    lab.chunk("survey_timings", HOUR, head, a1, a2, b1)
    gap, _ = gap_of(lab.job())
    assert (gap.raw_rows, gap.missing_rows, gap.hours, gap.hours_missing, gap.hours_incomplete) == (4, 1, 2, 0, 1)
    run(lab.job(), tmp_path / "out")
    name = f"chunked/{PID}/survey_timings/sB/2024-01-01T00:00:00.csv"
    assert tree(tmp_path / "out") == {name: "\n".join([head, b1, b2]).encode()}
    lab.chunk("survey_timings", HOUR, head, b2, survey="sB")
    assert gap_of(lab.job())[0].missing_rows == 0


def test_repeated_raw_rows_are_one_row(lab, tmp_path, monkeypatch):
    monkeypatch.setattr(reconcile_read, "GROUP_OBJECTS", 1)
    monkeypatch.setattr(reconcile_read, "BATCH_BYTES", 1)
    for time in (HOUR, HOUR + 1, HOUR + 2):
        lab.raw("accel", ACCEL, f"{HOUR + 9},unknown,1,2,3", f"{HOUR + time % 10},unknown,0,0,0", time=time)
    lab.put(raw_key("accel") + "-duplicate-AbCdEfGhIj", ACCEL, f"{HOUR + 9},unknown,1,2,3")
    lab.chunk("accelerometer", HOUR, FULL, f"{HOUR},2024-01-01T00:00:00.000,unknown,0,0,0")
    gap, _ = gap_of(lab.job())
    assert (gap.raw_rows, gap.missing_rows) == (4, 3)
    run(lab.job(), tmp_path / "out")
    (text,) = tree(tmp_path / "out").values()
    assert text.decode().split("\n")[1:] == [
        f"{HOUR},2024-01-01T00:00:00.000,unknown,0,0,0",
        f"{HOUR + 1},2024-01-01T00:00:00.001,unknown,0,0,0",
        f"{HOUR + 2},2024-01-01T00:00:00.002,unknown,0,0,0",
        f"{HOUR + 9},2024-01-01T00:00:00.009,unknown,1,2,3",
    ]


# Damage


def damaged_study(lab):
    """Three hours: a damaged chunk, a raw file with a flipped byte, one cut short in its compression."""
    rows = [[f"{HOUR + h * HOUR_MS + n},unknown,{n},0,0" for n in range(100)] for h in range(3)]
    lines = [[f"{r.split(',')[0]},{utc(int(r.split(',')[0]))},{r.split(',', 1)[1]}" for r in some] for some in rows]
    lab.raw("accel", ACCEL, *rows[0])
    lab.chunk("accelerometer", HOUR, FULL, *lines[0][:50])
    sealed = bytearray(lab.store.get(chunk_key("accelerometer", HOUR)).data)
    sealed[900] ^= 0x55
    lab.put_sealed(chunk_key("accelerometer", HOUR), bytes(sealed))
    lab.raw("accel", ACCEL, *rows[1], time=HOUR + HOUR_MS)
    flipped = bytearray(lab.store.get(raw_key("accel", HOUR + HOUR_MS)).data)
    flipped[1500] ^= 0x55
    lab.put_sealed(raw_key("accel", HOUR + HOUR_MS), bytes(flipped))
    lab.chunk("accelerometer", HOUR + HOUR_MS, FULL, *lines[1][:10], zst=True)
    cut = zstandard.compress("\n".join([ACCEL, *rows[2]]).encode(), 1)
    lab.put_sealed(raw_key("accel", HOUR + 2 * HOUR_MS) + ".zst", seal(cut)[:-9])
    lab.put_sealed(raw_key("accel", HOUR + 2 * HOUR_MS + 5), b"short")
    return lines, bytes(sealed), bytes(flipped)


def test_damage_is_named_and_never_taken_for_missing(lab):
    damaged_study(lab)
    gap, found = gap_of(lab.job())
    kinds = {(one.key, one.kind) for one in found}
    assert (chunk_key("accelerometer", HOUR), "damaged-bytes") in kinds
    assert (raw_key("accel", HOUR + HOUR_MS), "damaged-bytes") in kinds
    assert (raw_key("accel", HOUR + HOUR_MS), "rows-lost") in kinds
    assert (raw_key("accel", HOUR + 2 * HOUR_MS + 5), "no-iv") in kinds
    assert gap.hours_not_comparable == 1
    assert gap.hours_incomplete == 1
    assert gap.hours == 2
    assert 197 <= gap.raw_rows < 200  # a flipped byte spoils 17: one row, or two neighbours
    assert gap.missing_rows == gap.raw_rows - 100 - 10
    assert gap.first_ms is not None
    assert gap.first_ms >= HOUR + HOUR_MS
    _, _, report = compare(lab.job())
    assert report.tally.quarantined.objects == 4
    assert report.tally.done.objects == 2


def test_damage_goes_to_quarantine_and_what_is_good_is_rebuilt(lab, tmp_path):
    lines, chunk, raw = damaged_study(lab)
    out = tmp_path / "out"
    result = run(lab.job(), out)
    assert result.state == "incomplete"
    assert result.tally.quarantined.objects == 4
    kept = out / ".bondstore" / "quarantine"
    assert (kept / chunk_key("accelerometer", HOUR)).read_bytes() == chunk
    assert (kept / raw_key("accel", HOUR + HOUR_MS)).read_bytes() == raw
    files = tree(out)
    folder = f"chunked/{PID}/accelerometer/"
    assert files[f"{folder}2024-01-01T00:00:00.csv"] == "\n".join([FULL, *lines[0]]).encode()
    second = files[f"{folder}2024-01-01T01:00:00.csv"].decode().split("\n")[1:]
    assert set(second) <= set(lines[1])
    assert 97 <= len(second) < 100
    again = run(lab.job(), out)
    assert again.tally.quarantined == result.tally.quarantined
    assert again.tally.done.objects == 0
    lab.raw(
        "accel", ACCEL, *(f"{line.split(',')[0]},{line.split(',', 2)[2]}" for line in lines[1]), time=HOUR + HOUR_MS
    )
    run(lab.job(), out)
    assert tree(out)[f"{folder}2024-01-01T01:00:00.csv"] == "\n".join([FULL, *lines[1]]).encode()


def test_a_chunk_that_vanishes_fails_and_the_hour_waits(lab, tmp_path, monkeypatch):
    lab.raw("accel", ACCEL, f"{HOUR + 1},unknown,1,2,3", f"{HOUR + HOUR_MS},unknown,1,2,3")
    lab.chunk("accelerometer", HOUR, FULL, f"{HOUR + 2},2024-01-01T00:00:00.002,unknown,7,7,7")
    planned = ReconcileJob.plan

    def plan(self, *args):
        result = planned(self, *args)
        lab.store.delete(chunk_key("accelerometer", HOUR))
        return result

    monkeypatch.setattr(ReconcileJob, "plan", plan)
    result = run(lab.job(), tmp_path / "out")
    assert result.tally.failed.objects == 1
    assert set(tree(tmp_path / "out")) == {f"chunked/{PID}/accelerometer/2024-01-01T01:00:00.csv"}
    monkeypatch.setattr(ReconcileJob, "plan", planned)
    lab.chunk("accelerometer", HOUR, FULL, f"{HOUR + 2},2024-01-01T00:00:00.002,unknown,7,7,7", zst=True)
    result = run(lab.job(), tmp_path / "out")
    assert result.state == "finished"
    assert tree(tmp_path / "out")[f"chunked/{PID}/accelerometer/2024-01-01T00:00:00.csv"].count(b"\n") == 2


# Refusals, and the record


def test_a_wrong_key_is_told_before_anything_is_written(study, monkeypatch, tmp_path):
    monkeypatch.setenv("OTHER_KEY", "x" * 32)
    job = ReconcileJob(study.spec, STUDY, SecretRef.parse("env:OTHER_KEY"), select(source="both"))
    with pytest.raises(WrongKeyError):
        run(job, tmp_path / "out")
    with pytest.raises(WrongKeyError):
        compare(job)
    assert not (tmp_path / "out").exists()


def test_plaintext_that_is_forbidden_is_not_written(tmp_path, lab):
    strict = Bucket(tmp_path / "bucket", Profile(name="safe", plaintext="forbidden"))
    strict.raw("accel", ACCEL, f"{HOUR + 1},unknown,1,2,3")
    with pytest.raises(PolicyError):
        run(strict.job(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert gap_of(strict.job())[0].missing_rows == 1


def test_a_job_is_built_again_from_its_record(study, tmp_path):
    job = study.job("gps", since_ms=HOUR, until_ms=HOUR + HOUR_MS)
    result = run(job, tmp_path / "out")
    with FolderDestination(tmp_path / "out").ledger() as ledger:
        again = reconcile_job_of(ledger.runs.get(result.run).params)
    assert (again.name, again.params, again.selection) == (job.name, job.params, job.selection)
    with pytest.raises(BondstoreError):
        reconcile_job_of({"job": "beiwe.export"})


def test_a_dry_run_writes_nothing(study, tmp_path):
    result = only_plan(study.job(), FolderDestination(tmp_path / "out"))
    assert result.plan.todo.objects > 0
    assert not (tmp_path / "out").exists()


# A property


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3 * HOUR_MS), st.integers(0, 3), st.integers(0, 2), st.booleans(), st.booleans()),
        min_size=1,
        max_size=25,
    )
)
def test_any_study_lacks_exactly_what_chunked_does_not_hold(rows, tmp_path_factory, monkeypatch):
    """Rows are (time, value, the raw file they are in, whether raw holds them, whether chunked does)."""
    monkeypatch.setenv("LAB_KEY", KEY)
    folder = tmp_path_factory.mktemp("any")
    lab = Bucket(folder / "bucket")
    raw, chunked = defaultdict(list), defaultdict(list)
    raw[0] = []
    for time, value, file, in_raw, in_chunked in rows:
        ms = HOUR + time
        if in_raw or not in_chunked:
            raw[file].append(f"{ms},unknown,{value},0,0")
        if in_chunked:
            chunked[ms // HOUR_MS * HOUR_MS].append(f"{ms},{utc(ms)},unknown,{value},0,0")
    for file, lines in raw.items():
        lab.raw("accel", ACCEL, *lines, time=HOUR + file, zst=file == 1)
    for hour, lines in chunked.items():
        lab.chunk("accelerometer", hour, FULL, *lines)
    held = {line for lines in chunked.values() for line in lines}
    all_raw = {
        f"{r.split(',')[0]},{utc(int(r.split(',')[0]))},{r.split(',', 1)[1]}" for some in raw.values() for r in some
    }
    gap, _ = gap_of(lab.job())
    assert (gap.raw_rows, gap.missing_rows) == (len(all_raw), len(all_raw - held))
    run(lab.job(), folder / "out")
    files = {}
    for hour in {int(row.split(",")[0]) // HOUR_MS * HOUR_MS for row in all_raw - held}:
        of_hour = {row for row in all_raw | held if int(row.split(",")[0]) // HOUR_MS * HOUR_MS == hour}
        name = datetime.fromtimestamp(hour / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        files[f"chunked/{PID}/accelerometer/{name}.csv"] = complete(FULL, of_hour)
    assert {path: in_any_order(data) for path, data in tree(folder / "out").items()} == files


# Servers, and what they do meanwhile


def test_from_a_real_server(s3_environment, made, tmp_path, monkeypatch):
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    spec = resolve_store(s3_environment)
    store = open_store(spec)
    some = [one for one in made if f"/{PID}/" in one.key and ("gps" in one.key or "urvey" in one.key)]
    for one in some:
        store.put(one.key, one.sealed)
    job = ReconcileJob(spec, STUDY, SecretRef.parse("env:LAB_KEY"), select(source="both"))
    chunked = chunked_hours(some)
    missing = sum(len(rows - chunked.get(path, set())) for path, (_, rows) in raw_hours(some).items())
    assert sum(gap.missing_rows for gap in compare(job)[0].values()) == missing > 0
    run(job, tmp_path / "out", Threads(2))
    assert tree(tmp_path / "out") == expected_files(some)
    assert run(job, tmp_path / "out").tally.done.objects == 0


def test_a_chunk_that_moves_to_its_twin_meanwhile_is_found_there(lab, tmp_path, monkeypatch):
    lab.raw("accel", ACCEL, f"{HOUR + 1},unknown,1,2,3")
    rows = (FULL, f"{HOUR + 2},2024-01-01T00:00:00.002,unknown,7,7,7")
    lab.chunk("accelerometer", HOUR, *rows)
    planned = ReconcileJob.plan

    def plan(self, *args):
        result = planned(self, *args)
        lab.store.delete(chunk_key("accelerometer", HOUR))
        lab.chunk("accelerometer", HOUR, *rows, zst=True)
        return result

    with monkeypatch.context() as patch:
        patch.setattr(ReconcileJob, "plan", plan)
        result = run(lab.job(), tmp_path / "out")
    assert result.state == "finished"
    (text,) = tree(tmp_path / "out").values()
    assert text == "\n".join([FULL, f"{HOUR + 1},2024-01-01T00:00:00.001,unknown,1,2,3", rows[1]]).encode()
    with FolderDestination(tmp_path / "out").ledger() as ledger:
        assert [one.kind for one in ledger.findings.of_run(result.run)] == ["moved-to-twin"]
    assert run(lab.job(), tmp_path / "out").tally.done.objects == 0


def test_exported_and_rebuilt_hours_do_not_mix_in_one_folder(lab, tmp_path):
    lab.raw("gps", "timestamp, latitude, longitude, altitude, accuracy", f"{HOUR}, 1.0, 2.0, 3.0, 4.0")
    job = lab.job()
    export = ExportJob(lab.spec, STUDY, SecretRef.parse("env:LAB_KEY"), "original", select(source="both"))
    run(job, tmp_path / "rebuilt")
    before = tree(tmp_path / "rebuilt")
    with pytest.raises(PolicyError, match="do not mix"):
        run(export, tmp_path / "rebuilt")
    assert tree(tmp_path / "rebuilt") == before
    run(export, tmp_path / "exported")
    with pytest.raises(PolicyError, match="do not mix"):
        run(job, tmp_path / "exported")
