"""A study from Python: look, read, table, in memory; against pandas, and against what a proxy saw of it."""

from __future__ import annotations

import io
import pickle
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from urllib.parse import unquote

import pandas as pd
import pytest
from demo.study import FIRST_HOUR_MS, HOUR_MS, KEY, PARTICIPANTS, STUDY, SURVEYS, Shape, make

import bondstore
from bondstore.beiwe import DamageWarning, open_study
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import Secret, SecretRef
from bondstore.domains.beiwe.reading import readahead
from bondstore.domains.beiwe.selection import selection_of
from bondstore.errors import DamagedError, NotFoundError, PolicyError, UsageError, WrongKeyError
from bondstore.ledger import personal_ledger
from bondstore.stores import open_store
from tests.servers.faulty import Fault

PERSON = PARTICIPANTS[0]
STREAM = "accelerometer"


@pytest.fixture(scope="module")
def made():
    return list(make(Shape(participants=2, hours=30, rows=12)))


@pytest.fixture
def lab(made, tmp_path, monkeypatch):
    """The study in a folder; reads go into a record of the test's own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    store = open_store((tmp_path / "bucket").as_uri())
    for one in made:
        store.put(one.key, one.sealed)
    return open_study(store, STUDY, key=KEY)


@pytest.fixture
def watched(made, faulty, seaweedfs, bucket, tmp_path, monkeypatch):
    """The study on a server, behind a proxy that counts."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LAB_ID", seaweedfs.access_key)
    monkeypatch.setenv("LAB_SECRET", seaweedfs.secret_key)
    profile = Profile(
        endpoint=faulty.endpoint,
        region=seaweedfs.region,
        access_key=SecretRef.parse("env:LAB_ID"),
        secret_key=SecretRef.parse("env:LAB_SECRET"),
        proxy="none",
    )
    study = open_study(StoreSpec(f"s3://{bucket}", profile), STUDY, key=KEY)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda one: study.store.put(one.key, one.sealed), [one for one in made if f"/{PERSON}/" in one.key]
            )
        )
    faulty.seen.clear()
    return study


def oracle(made, part):
    frames = [pd.read_csv(io.BytesIO(one.plain)) for one in made if part in one.key]
    return pd.concat(frames).sort_values("timestamp").reset_index(drop=True)


def chunked(made, stream=STREAM):
    return sorted(one.key for one in made if f"CHUNKED_DATA/{STUDY}/{PERSON}/{stream}/" in one.key)


def reads():
    with personal_ledger() as ledger:
        assert ledger.audit.verify().broken_at is None
        assert not list(ledger.disagreements())
        return Counter(entry.key for entry in ledger.audit.entries() if entry.action == "read")


def test_what_a_study_holds(lab, made):
    assert lab.participants() == sorted(PARTICIPANTS[:2])
    assert lab.surveys() == sorted(SURVEYS)
    assert set(lab.streams(PERSON)) == {
        "accelerometer", "gps", "power_state", "reachability", "survey_timings", "survey_answers", "audio_recordings",
        "identifiers",
    }  # fmt: skip
    (gps,) = [part for part in lab.overview("stream", PERSON).parts if part.name == "gps"]
    mine = [one for one in made if f"/{PERSON}/gps/" in one.key]
    assert (gps.objects, gps.bytes) == (len(mine), sum(len(one.sealed) for one in mine))
    assert (gps.first_ms, gps.last_ms) == (FIRST_HOUR_MS, FIRST_HOUR_MS + 29 * HOUR_MS)
    assert lab.overview().left_out == {"device keys": 4}
    with pytest.raises(UsageError):
        lab.overview("day")


def test_objects_of_a_window_in_order_and_never_a_device_key(lab, made):
    found = [one.object.key for one in lab.objects(PERSON, "gps", "2024-01-01T03:00", "2024-01-01T05:00", "chunked")]
    assert found == chunked(made, "gps")[3:5]
    everything = {one.object.key for one in lab.objects()}
    assert everything == {one.key for one in made if "/keys/" not in one.key}
    assert list(lab.unknown_objects()) == []


def test_an_object_is_what_pandas_reads(lab, made):
    one = next(one for one in made if f"/{PERSON}/gps/" in one.key and one.key.startswith("CHUNKED"))
    frame = lab.read(one.key)
    expected = pd.read_csv(io.BytesIO(one.plain))
    assert frame.drop("UTC time").to_pandas().equals(expected.drop(columns="UTC time"))
    assert lab.read_bytes(one.key) == one.plain
    assert reads() == {one.key: 2}


def test_a_table_is_what_pandas_makes_of_the_stream(lab, made):
    expected = oracle(made, f"CHUNKED_DATA/{STUDY}/{PERSON}/{STREAM}/")
    table = lab.table(PERSON, STREAM)
    assert table.drop("UTC time").to_pandas().equals(expected.drop(columns="UTC time"))
    assert lab.table(PERSON, "accel", source="raw").equals(table)
    assert lab.table(PERSON, STREAM, source="both").equals(table)
    since, until = FIRST_HOUR_MS + HOUR_MS // 2, datetime(2024, 1, 1, 4, 15, tzinfo=UTC)
    inside = expected[(expected.timestamp >= since) & (expected.timestamp < until.timestamp() * 1000)]
    assert lab.table(PERSON, STREAM, since, until)["timestamp"].to_list() == inside.timestamp.tolist()
    assert lab.table(PERSON, STREAM, "2030-01-01").height == 0
    with pytest.raises(UsageError, match="media"):
        lab.table(PERSON, "audio_recordings")


def test_damage_is_raised_told_or_gathered(lab, made):
    key = chunked(made)[2]
    lab.store.put(key, b"")
    with pytest.warns(DamageWarning, match="empty"):
        table = lab.table(PERSON, STREAM)
    assert table.height == 29 * 12
    with pytest.raises(DamagedError, match="rows may be missing"):
        lab.table(PERSON, STREAM, damaged="raise")
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert lab.table(PERSON, STREAM, damaged="keep", findings=found).equals(table)
    assert [(one.kind, one.key) for one in found] == [("empty", key)]
    with pytest.raises(DamagedError):
        lab.read(key)
    with pytest.raises(UsageError):
        lab.read(chunked(made)[0], damaged="perhaps")


def test_what_is_no_data_is_not_read(lab):
    with pytest.raises(PolicyError):
        lab.read_bytes(f"{STUDY}/keys/{PERSON}_private")
    with pytest.raises(NotFoundError, match="There is no object"):
        lab.read(f"CHUNKED_DATA/{STUDY}/{PERSON}/gps/2031-01-01T00:00:00.csv")
    assert not reads()


def test_a_wrong_key_is_told_from_damage(lab, made):
    wrong = open_study(lab.store, STUDY, key="w" * 32)
    with pytest.raises(WrongKeyError):
        wrong.read(chunked(made)[0])
    with pytest.raises(WrongKeyError):
        wrong.table(PERSON, STREAM)


def test_a_study_shows_and_pickles_no_secret(lab):
    assert KEY not in repr(lab)
    assert KEY.encode() not in pickle.dumps(lab)
    assert pickle.loads(pickle.dumps(lab)).table(PERSON, "gps").height == 30 * 12
    assert bondstore.beiwe.open_study is open_study


@pytest.mark.parametrize(
    ("moment", "ms"),
    [
        (None, None),
        (1_400_000_000_005, 1_400_000_000_005),
        ("2024-01-01", FIRST_HOUR_MS),
        ("2024-01-01T02:00+02:00", FIRST_HOUR_MS),
        (datetime(2024, 1, 1), FIRST_HOUR_MS),
    ],
)
def test_times_may_be_given_in_many_forms(moment, ms):
    assert selection_of(since=moment).since_ms == ms


@pytest.mark.parametrize("day", ["2024-01-01", date(2024, 1, 1)])
def test_a_day_as_an_end_is_included(day):
    assert selection_of(until=day).until_ms == FIRST_HOUR_MS + 24 * 3_600_000
    assert selection_of(until=datetime(2024, 1, 1)).until_ms == FIRST_HOUR_MS


def test_a_stream_that_is_not_known_is_looked_for_among_the_unknown_objects():
    with pytest.raises(UsageError, match=r"unknown.*bondstore beiwe ls --unknown"):
        selection_of(None, "heartrate")


def test_a_time_that_is_none_is_refused():
    with pytest.raises(UsageError):
        selection_of(since="yesterday")


def test_in_order_each_object_is_fetched_once_and_noted(watched, made, faulty):
    frames = {one.object.key: watched.read(one) for one in watched.objects(PERSON, STREAM, source="chunked")}
    assert list(frames) == chunked(made)
    plain = {one.key: one.plain for one in made}
    for key, frame in frames.items():
        assert frame["timestamp"].to_list() == pd.read_csv(io.BytesIO(plain[key])).timestamp.tolist()
    assert fetched(faulty) == Counter(list(frames))
    assert reads() == fetched(faulty)


def test_a_warning_names_a_refused_object_once(watched, made, faulty):
    body = b"<Error><Code>AccessDenied</Code></Error>"
    faulty.add(Fault("status", contains=chunked(made)[1], times=10, status=403, body=body))
    with pytest.warns(DamageWarning) as told:
        watched.table(PERSON, STREAM)
    [text] = [str(one.message) for one in told]
    assert text.count(chunked(made)[1]) == 1
    assert text.endswith("was refused (AccessDenied); rows may be missing.")


def test_what_waited_too_long_is_read_anew(watched, made, faulty, monkeypatch):
    monkeypatch.setattr(readahead, "FRESH", 0.0)
    listed = list(watched.objects(PERSON, STREAM, source="chunked"))
    for one in listed[:3]:
        watched.read(one)
    changed = next(one for one in made if one.key == listed[3].object.key)
    watched.store.put(changed.key, changed.sealed)
    assert watched.read(listed[3]).height == 12
    assert fetched(faulty)[listed[2].object.key] > 1, "it had been read ahead, and was read again"


def test_out_of_order_and_damaged_objects_are_read_by_themselves(lab, made):
    keys = chunked(made)
    lab.store.put(keys[5], b"short")
    listed = list(lab.objects(PERSON, STREAM, source="chunked"))
    for place in (0, 1, 2, 9, 10, 3, 4):
        assert lab.read(listed[place]).height == 12
    with pytest.raises(DamagedError) as caught:
        lab.read(listed[5])
    assert keys[5] in str(caught.value)
    assert [lab.read(one).height for one in listed[6:]] == [12] * 24


def test_threads_may_share_a_study(lab):
    listed = list(lab.objects(PERSON, STREAM, source="chunked"))
    with ThreadPoolExecutor(4) as pool:
        heights = list(pool.map(lambda one: lab.read(one).height, listed * 3))
    assert heights == [12] * 90


def fetched(faulty):
    """How often each object was asked for, as the proxy saw it."""
    return Counter({unquote(path).split("/", 2)[2]: times for path, times in faulty.gets().items()})


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_key_with_a_line_end_behind_it_opens_the_study(lab, end, monkeypatch):
    """As it comes out of an editor, of `echo` and of a copied line; a file: reference always took it so."""
    monkeypatch.setenv("LAB_ENDED", KEY + end)
    monkeypatch.setenv("DECRYPTION_KEY_STRING", KEY + end)
    for key in (KEY + end, Secret(KEY + end), "env:LAB_ENDED", None):
        assert open_study(lab.store.url, STUDY, key=key).table(PERSON, STREAM).height == 30 * 12


def test_a_table_of_several_people_says_whose_each_row_is(lab):
    other = PARTICIPANTS[1]
    both = lab.table([PERSON, other], STREAM)
    assert both.columns == ["participant", *lab.table(PERSON, STREAM).columns]
    for person in (PERSON, other):
        mine = both.filter(participant=person).drop("participant")
        assert mine.equals(lab.table(person, STREAM))
    assert both["participant"].to_list() == [PERSON] * 30 * 12 + [other] * 30 * 12
    assert lab.table([PERSON], STREAM, "2030-01-01").columns == both.columns
    with pytest.raises(NotFoundError, match="nobody00"):
        lab.table([PERSON, "nobody00"], STREAM)
    with pytest.raises(UsageError):
        lab.table([], STREAM)


def test_a_person_without_the_stream_adds_no_row_to_a_table_of_several(lab):
    for key in [one.object.key for one in lab.objects(PARTICIPANTS[1], "gps")]:
        lab.store.delete(key)
    assert lab.table(lab.participants(), "gps")["participant"].unique().to_list() == [PERSON]


def test_local_time_is_what_the_clock_showed(lab):
    """2024-01-01T00:00Z is 19:00 of the day before in New York, five hours behind."""
    table = lab.table(PERSON, STREAM, tz="America/New_York")
    assert table.columns[:4] == ["timestamp", "UTC time", "local time", "accuracy"]
    assert table.drop("local time").equals(lab.table(PERSON, STREAM))
    first = table.row(0, named=True)
    clock = first["UTC time"].replace(tzinfo=None) - pd.Timedelta(hours=5).to_pytimedelta()
    assert first["local time"].replace(tzinfo=None) == clock
    assert str(clock).startswith("2023-12-31 19:")
    day = lab.table(PERSON, STREAM, "2024-01-01", "2024-01-01", tz="America/New_York")
    assert day["timestamp"].min() >= FIRST_HOUR_MS + 5 * HOUR_MS
    assert day["timestamp"].max() < FIRST_HOUR_MS + 29 * HOUR_MS
    assert set(day["local time"].dt.date()) == {date(2024, 1, 1)}
    with pytest.raises(UsageError):
        lab.table(PERSON, STREAM, tz="Mars/Base")


def test_an_overview_has_a_length_a_frame_and_a_table_in_notebooks(lab):
    seen = lab.overview("stream")
    assert len(seen) == len(seen.parts) == len(list(seen))
    frame = seen.frame()
    assert frame.columns == ["name", "chunked", "raw", "bytes", "first", "last"]
    part = next(one for one in seen if one.name == "gps")
    row = frame.filter(name="gps").row(0)
    assert row[:4] == ("gps", part.chunked, part.raw, part.bytes)
    assert row[4] == datetime(2024, 1, 1, tzinfo=UTC)
    assert "<table" in seen._repr_html_()


def test_a_table_shows_how_far_it_is_where_it_is_asked_for(lab, capsys):
    lab.table([PERSON, PARTICIPANTS[1]], STREAM, progress=True)
    assert capsys.readouterr().err.startswith("60 of 60 objects")
    lab.table(PERSON, STREAM)
    assert capsys.readouterr().err == ""
