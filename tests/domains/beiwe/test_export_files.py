"""A study sealed by an independent encryptor comes out byte for byte, with every executor."""

import dataclasses
from datetime import UTC, datetime

import pytest
import zstandard
from demo.study import KEY, STUDY, Shape, make, seal

from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.domains.beiwe.jobs import ExportJob
from bondstore.domains.beiwe.layout import parse_key
from bondstore.domains.beiwe.selection import select
from bondstore.runs.engine import execute
from bondstore.runs.executors import Processes, Serial, Threads
from bondstore.runs.folder_destination import FolderDestination
from bondstore.stores import open_store


@pytest.fixture(scope="module")
def made():
    return list(make(Shape(participants=2, hours=6, rows=20)))


@pytest.fixture
def job(made, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_STUDY_KEY", KEY)
    spec = StoreSpec((tmp_path / "bucket").as_uri(), Profile())
    store = open_store(spec)
    for one in made:
        store.put(one.key, one.sealed)
    return ExportJob(spec, STUDY, SecretRef.parse("env:LAB_STUDY_KEY"), "original", select(source="both"))


def original_files(made):
    """The layout the documentation promises, built here by hand."""
    files = {}
    for one in made:
        key = one.key.removesuffix(".zst")
        if key.startswith("CHUNKED_DATA/"):
            files["chunked/" + key.split("/", 2)[2]] = one.plain
        elif "/keys/" not in key:
            rest = key.split("/", 1)[1]
            if "/identifiers_" in rest:
                rest = rest.replace("/identifiers_", "/identifiers/identifiers_")
            files["raw/" + rest] = one.plain
    return files


def tree(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".bondstore" not in path.parts
    }


@pytest.mark.parametrize("executor", [Serial(), Threads(3), Processes(2)], ids=["serial", "threads", "processes"])
def test_every_object_comes_out_byte_for_byte(job, made, executor, tmp_path):
    result = execute(job, FolderDestination(tmp_path / "out"), executor)
    expected = original_files(made)
    assert tree(tmp_path / "out") == expected
    assert result.state == "finished"
    assert result.tally.objects() == {
        "planned": len(expected),
        "done": len(expected),
        "skipped": 0,
        "quarantined": 0,
        "failed": 0,
    }
    assert result.plan.left_out == {"device keys": 4}


def test_a_second_run_has_nothing_to_do_and_a_late_object_is_found(job, made, tmp_path):
    place = FolderDestination(tmp_path / "out")
    store = open_store(job.store)
    late = next(one for one in made if "accelerometer/2024-01-01T02" in one.key)
    store.delete(late.key)
    execute(job, place, Serial())
    again = execute(job, place, Serial())
    assert again.tally.done.objects == 0
    store.put(late.key, late.sealed)
    third = execute(job, place, Serial())
    assert third.tally.done.objects == 1
    assert tree(tmp_path / "out") == original_files(made)


@pytest.mark.parametrize("large", [8 << 20, 0], ids=["whole", "streamed"])
def test_suspect_rows_are_written_and_named(job, made, large, monkeypatch, tmp_path):
    monkeypatch.setattr("bondstore.domains.beiwe.export.files.LARGE", large)
    victim = next(one for one in made if "/accelerometer/" in one.key and one.key.endswith(".csv.zst"))
    lines = victim.plain.split(b"\n")
    lines[3] = lines[3].replace(b":", b";", 1)
    plain = b"\n".join(lines)
    open_store(job.store).put(victim.key, seal(zstandard.compress(plain)))
    forest = dataclasses.replace(job, form="forest", selection=select(streams=("accelerometer",), source="chunked"))
    lost = execute(forest, FolderDestination(tmp_path / "forest"), Serial())
    assert lost.tally.quarantined.objects == 1
    assert b"\n".join(lines[:3] + lines[4:]) in tree(tmp_path / "forest").values()  # as tables take it: without the row
    job = dataclasses.replace(job, selection=forest.selection)
    result = execute(job, FolderDestination(tmp_path / "out"), Serial())
    assert (result.state, result.tally.done) == ("finished", result.tally.planned)
    assert plain in tree(tmp_path / "out").values()
    with FolderDestination(tmp_path / "out").ledger() as ledger:
        found = [(one.key, one.kind, one.where, one.severity) for one in ledger.findings.of_run(result.run)]
    assert found == [(victim.key, "suspect-rows", "row 3", "warning")]


def test_keys_of_every_made_object_are_understood(made):
    assert all(parse_key(STUDY, one.key).kind != "unknown" for one in made)


def test_the_layout_of_forest_is_what_its_readers_take_apart(job, made, tmp_path):
    """It reads `<folder>/<participant>/<stream>/<file>`, and takes the first 25 characters of a name for its hour."""
    forest = dataclasses.replace(job, form="forest", selection=select())
    execute(forest, FolderDestination(tmp_path / "out"), Serial())
    expected = {}
    for one in made:
        parts = one.key.removesuffix(".zst").removesuffix(".csv").split("/")
        if parts[0] == "CHUNKED_DATA":
            _, _, participant, stream, *survey, hour = parts
            time = datetime.strptime(hour, "%Y-%m-%dT%H:%M:%S")
        elif "surveyAnswers" in one.key:
            _, participant, _, *survey, ms = parts
            stream, time = "survey_answers", datetime.fromtimestamp(int(ms) // 1000, UTC).replace(tzinfo=None)
        else:
            continue
        expected[participant, stream, *survey, time] = one.plain
    found = {}
    for path, content in tree(tmp_path / "out").items():
        *folders, name = path.split("/")
        if folders[1] != "audio_recordings":
            found[*folders, datetime.strptime(name[:25], "%Y-%m-%d %H_%M_%S+00_00")] = content
    assert found == expected


def test_a_retry_of_a_part_leaves_the_quarantine_of_the_rest_alone(job, made, tmp_path):
    place, store = FolderDestination(tmp_path / "out"), open_store(job.store)
    people = ("1ab2cd3e", "4fg5hi6j")
    bad = {who: next(one for one in made if f"/{who}/gps/" in one.key) for who in people}
    for one in bad.values():
        store.put(one.key, one.sealed[:9])
    assert execute(job, place, Serial()).tally.quarantined.objects == 2
    part = dataclasses.replace(job, selection=select([people[0]], source="both"))
    for again in (part, job):
        store.put(bad[people[0]].key, bad[people[0]].sealed)
        result = execute(again, place, Serial(), retry=True)
        kept = place.root / place.quarantine_path(bad[people[1]].key)
        assert kept.read_bytes() == bad[people[1]].sealed[:9]
        assert not (place.root / place.quarantine_path(bad[people[0]].key)).exists()
    assert result.tally.quarantined.objects == 1
