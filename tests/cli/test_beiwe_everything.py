"""Everything of a participant can be had: streams and extensions that nobody knew when this was written, too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import zstandard
from demo.study import KEY, seal

from bondstore.beiwe import Study, open_study
from bondstore.domains.beiwe.layout import parse_any
from bondstore.errors import NotFoundError, PolicyError, UsageError
from bondstore.ledger import Ledger
from bondstore.stores import open_store
from tests.cli.conftest import Call
from tests.domains.beiwe.objects import ACCEL, HOUR, PID, STUDY, text

KNOWN = f"CHUNKED_DATA/{STUDY}/{PID}/accelerometer/2018-03-01T00:00:00.csv"
OTHERS = {
    f"CHUNKED_DATA/{STUDY}/{PID}/heartrate/2025-01-01T12:00:00.csv": b"timestamp,bpm\n1735732800000,61",
    f"{STUDY}/{PID}/voiceRecording/{HOUR}.m4a": bytes(range(200, 256)) * 20,
    f"{STUDY}/{PID}/voiceRecording/{HOUR}.caf": b"caff" + b"\0" * 90,
    f"{STUDY}/{PID}/ambientAudio/{HOUR}.3gp": b"\0\0\0\x18ftyp3gp4" + b"\0" * 90,
    f"{STUDY}/{PID}/image_survey/q1/{HOUR}/1.jpg": b"\xff\xd8\xff" + b"\1" * 90,
    f"{STUDY}/{PID}/pictures/{HOUR}.png": b"\x89PNG" + b"\2" * 90,
}
BY_DEVICE = b"bGV0IHVzIHNheSB0aGlzIGlzIGEga2V5\nYWJj:ZGVmZ2g=\n"
PROBLEMS = {
    f"PROBLEM_UPLOADS/{STUDY}/{PID}/gps/{HOUR}.csvabcdefghij": BY_DEVICE,
    f"PROBLEM_UPLOADS/{STUDY}/{PID}/gps/{HOUR}.csvabcdefghik": seal(BY_DEVICE),
    f"PROBLEM_UPLOADS/{STUDY}/{PID}/gps/{HOUR}.csvabcdefghil.zst": seal(zstandard.compress(BY_DEVICE)),
}
DEVICE_KEYS = (f"{STUDY}/keys/{PID}_private", f"CHUNKED_DATA/{STUDY}/keys/{PID}_private")


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_KEY", KEY)
    store = open_store((tmp_path / "bucket").as_uri())
    store.put(KNOWN, seal(text(ACCEL, f"{HOUR + 1},2018-03-01T00:00:00.001,unknown,1,2,3")))
    for number, (key, plain) in enumerate(OTHERS.items()):
        compressed = number % 2 == 1
        store.put(key + ".zst" * compressed, seal(zstandard.compress(plain) if compressed else plain))
    for key, stored in PROBLEMS.items():
        store.put(key, stored)
    for key in DEVICE_KEYS:
        store.put(key, b"a key of a device")
    return open_study(store, STUDY, key="env:LAB_KEY")


def test_an_export_holds_what_nothing_is_known_of_and_says_so(study: Study, tmp_path: Path) -> None:
    result = study.export(tmp_path / "out")
    assert result.tally.complete
    files = {
        path.relative_to(tmp_path / "out").as_posix(): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and ".bondstore" not in path.parts
    }
    for key, plain in OTHERS.items():
        chunked = key.startswith("CHUNKED_DATA/")
        path = "chunked/" + key.split("/", 2)[2] if chunked else "raw/" + key.split("/", 1)[1]
        assert files.pop(path) == plain
    assert len(files) == 1
    with Ledger(tmp_path / "out/.bondstore/ledger.sqlite") as ledger:
        found: list[Any] = [one for one in ledger.findings.of_run(result.run) if one.kind == "nothing-known"]
    assert {one.key.removesuffix(".zst") for one in found} == set(OTHERS)
    assert study.export(tmp_path / "out").tally.done.objects == 0


@pytest.mark.parametrize("key", OTHERS)
def test_they_are_read_as_bytes_and_are_no_tables(study: Study, key: str) -> None:
    assert study.read_bytes(key) == OTHERS[key]
    with pytest.raises(UsageError, match="no table"):
        study.read(key)


def test_a_table_or_the_layout_of_forest_has_none_of_them_and_counts_them(study: Study, tmp_path: Path) -> None:
    for form in ("parquet", "forest"):
        result = study.export(tmp_path / form, form=form, source="both")
        assert result.plan.left_out["not understood"] == len(OTHERS) + 1  # and what is beside a device's key


def test_uploads_that_the_server_could_not_decrypt_are_listed_and_come_as_the_device_sealed_them(study: Study) -> None:
    listed = {one.object.key for one in study.unknown_objects()}
    assert listed > set(PROBLEMS)
    for key in PROBLEMS:
        assert study.read_bytes(key) == BY_DEVICE


@pytest.mark.parametrize("key", DEVICE_KEYS)
def test_keys_of_devices_stay_closed(study: Study, key: str, tmp_path: Path) -> None:
    with pytest.raises((PolicyError, NotFoundError)):
        study.read_bytes(key)
    study.export(tmp_path / "out")
    assert not [path for path in (tmp_path / "out").rglob("*private*") if ".bondstore" not in path.parts]


@pytest.mark.parametrize(
    "key",
    [
        "accelerometer/2018-03-01T00:00:00.csv",
        KNOWN.replace("T00", "T01"),
        KNOWN.replace("accelerometer", "acelerometer"),
        KNOWN.replace("CHUNKED_DATA", "CHUNKED"),
        f"{STUDY}/nobody",
    ],
)
@pytest.mark.parametrize("form", ["original", "table"])
def test_a_relative_or_mistyped_key_is_not_found(study: Study, key: str, form: str, cli: Call) -> None:
    where = ["--store", study.store.url, "--study", STUDY, "--key", "env:LAB_KEY"]
    done = cli("beiwe", "read", key, *where, "--format", form)
    assert (done.code, done.out) == (3, "")
    assert "There is no object" in done.err


def test_a_stream_that_is_not_known_is_of_its_participant() -> None:
    obj = parse_any(STUDY, f"{STUDY}/{PID}/image_survey/q1/{HOUR}/1.jpg.zst")
    assert (obj.participant, obj.stream, obj.time_ms, obj.compression) == (PID, "image_survey", HOUR, ".zst")
    assert parse_any("other", f"{STUDY}/{PID}/x/1.png").participant == ""


@pytest.mark.parametrize(
    "moment",
    [
        date(2018, 3, 1),
        datetime(2018, 3, 1),
        datetime(2018, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        datetime(2018, 3, 1, tzinfo=UTC),
        "2018-03-01",
        "2018-03-01T00:00:00+00:00",
        HOUR,
        float(HOUR),
    ],
)
def test_a_time_is_a_date_an_instant_a_text_or_milliseconds(study: Study, moment: Any) -> None:
    rows = study.table(PID, "accelerometer", since=moment)
    assert rows["timestamp"].to_list() == [HOUR + 1]
    assert [one.object.key for one in study.objects(PID, "accelerometer", since=moment)] == [KNOWN]


@pytest.mark.parametrize("moment", [HOUR // 1000, HOUR / 1000, 0, -1])
@pytest.mark.parametrize("bound", ["since", "until"])
def test_seconds_are_refused_with_the_reason(study: Study, moment: float, bound: str) -> None:
    with pytest.raises(UsageError, match="milliseconds since 1970, not seconds"):
        study.table(PID, "accelerometer", **{bound: moment})  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="milliseconds since 1970, not seconds"):
        list(study.objects(**{bound: moment}))  # type: ignore[arg-type]


def test_a_day_before_beiwe_is_a_fine_start_on_the_command_line(study: Study, cli: Call) -> None:
    where = ["--store", study.store.url, "--study", STUDY]
    done = cli("beiwe", "ls", *where, "--since", "2000-01-01", "--stream", "accelerometer", "--json")
    assert (done.code, len(done.out.splitlines())) == (0, 1)


def test_read_shows_local_times_where_a_zone_is_named(study: Study, cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    words = ["beiwe", "read", KNOWN, "--store", study.store.url, "--study", STUDY, "--key", "env:LAB_KEY"]
    assert cli(*words, "--tz", "Asia/Kolkata", "--format", "csv").out.splitlines() == [
        "timestamp,UTC time,local time,accuracy,x,y,z",
        f"{HOUR + 1},2018-03-01T00:00:00.001,2018-03-01T05:30:00.001,unknown,1.0,2.0,3.0",
    ]
    assert "local time" not in cli(*words, "--format", "csv").out
    row = cli(*words, "--tz", "Asia/Kolkata", "--json").records[0]
    assert row["local time"] == "2018-03-01T05:30:00.001+05:30"


def test_read_names_what_it_could_not_fetch_and_ends_with_5(
    study: Study, cli: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_KEY", KEY)
    gone = KNOWN.replace("00:00:00", "01:00:00")
    study.store.put(gone, b"x" * 40)
    listed = Study.ordered_objects

    def vanishing(self: Study, selection: Any) -> Any:
        found = listed(self, selection)
        self.store.delete(gone)
        return found

    monkeypatch.setattr(Study, "ordered_objects", vanishing)
    words = ["--store", study.store.url, "--study", STUDY, "--key", "env:LAB_KEY", "-p", PID, "-s", "accelerometer"]
    done = cli("beiwe", "read", *words, "--format", "csv")
    assert done.code == 5
    assert gone in done.err
    assert len(done.out.splitlines()) == 2
