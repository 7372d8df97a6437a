"""Videos of a hospital with faces covered, from the command line to what is recorded."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from benchmarks.faces_films import Film, coded, film, results

from bondstore.domains.neuro.service import prepare
from bondstore.errors import MissingExtraError, UsageError
from bondstore.runs.destinations import open_destination
from bondstore.stores.address import dest_spec
from tests.domains.neuro.hospital import Hospital, content, named_in


@pytest.fixture(scope="module")
def shaking() -> Film:
    """A face of 60 px that moves for two seconds."""
    return film(7, 2, ["astronaut", "hopper"], length=2.0)


@pytest.fixture
def videos(empty_hospital: Hospital, shaking: Film) -> Hospital:
    """One patient with a recording and a video."""
    empty_hospital.write("Keller/1.edf", "X M X Keller_Hans", "10.00.00", b"Mr Keller moves")
    (empty_hospital.source / "Keller/Keller.mp4").write_bytes(coded(shaking.pictures))
    return empty_hospital


def video_of(hospital: Hospital) -> Path:
    (found,) = hospital.dest.rglob("*.mp4")
    return found


def test_faces_are_covered_and_told(videos: Hospital, shaking: Film) -> None:
    ended = videos.deidentify("--faces", "fill", "--yes")
    assert ended.returncode == 0, ended.stderr
    told = [hit for hit in results(shaking, video_of(videos).read_bytes()) if hit is not None]
    assert told
    assert all(told)
    (record,) = (json.loads(one.read_bytes()) for one in videos.dest.rglob("records/*_video.json"))
    faces = record["faces"]
    assert (faces["mode"], faces["encoder"], faces["pictures"], faces["lost"]) == ("fill", "libx264", 50, 0)
    assert 0 < faces["with_covers"] <= 50 <= faces["covers"]
    rows = list(csv.DictReader(io.StringIO((videos.dest / "recordings.csv").read_text())))
    assert [row["format"] for row in rows].count("video") == 1
    assert named_in(content(videos.dest)) == []
    with open_destination(dest_spec(videos.dest)).ledger(create=False) as ledger:
        said = {one.kind: one.message for run in ledger.runs.newest_first() for one in ledger.findings.of_run(run.id)}
    assert said["video-identifies"].startswith(f"Faces were covered in {faces['with_covers']} of 50 pictures.")
    assert "voice and body still identify" in said["video-identifies"]


def test_what_is_kept_is_done_again_with_faces_covered_and_the_other_way_round(videos: Hospital) -> None:
    assert videos.deidentify("--yes").returncode == 0
    kept = video_of(videos).read_bytes()
    assert videos.deidentify("--faces", "fill", "--yes").returncode == 0
    covered = video_of(videos)
    whole, when = covered.read_bytes(), covered.stat().st_mtime_ns
    assert whole != kept
    assert videos.deidentify("--faces", "fill", "--yes").returncode == 0
    assert video_of(videos).stat().st_mtime_ns == when
    assert videos.deidentify("--faces", "keep", "--yes").returncode == 0
    assert video_of(videos).read_bytes() == kept


def test_killed_and_run_again_gives_the_same_bytes(videos: Hospital) -> None:
    assert videos.deidentify("--faces", "fill", "--yes").returncode == 0
    whole = video_of(videos).read_bytes()
    videos.forget_results()
    words = videos.words("--faces", "fill", "--yes")
    for wait in (1.5, 2.5):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(wait)
        process.kill()
        process.wait()
    assert videos.deidentify("--faces", "fill", "--yes").returncode == 0
    assert video_of(videos).read_bytes() == whole
    assert not list(videos.dest.rglob("*.part*"))


def test_interrupted_it_ends_soon_and_says_how_to_go_on(videos: Hospital) -> None:
    long = film(7, 2, ["astronaut"], length=1.0).pictures
    (videos.source / "Keller/Keller.mp4").write_bytes(coded(long * 40))
    process = subprocess.Popen(videos.words("--faces", "fill", "--yes", "-j", "1"), stderr=subprocess.PIPE)
    time.sleep(5)
    process.send_signal(signal.SIGINT)
    start = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert time.monotonic() - start < 10
    assert b"Traceback" not in told
    assert not list(videos.dest.rglob("*.mp4"))


def test_a_word_that_is_none_is_refused(videos: Hospital) -> None:
    with pytest.raises(UsageError, match="keep or fill"):
        prepare(videos.source, videos.dest, crosswalk=videos.crosswalk, faces="blur")


def test_what_finds_faces_and_is_not_installed_is_named_first(
    videos: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    import bondstore.deid.faces.detector as module

    monkeypatch.setattr(module, "find_spec", lambda name: None)
    prepare(videos.source, videos.dest, crosswalk=videos.crosswalk)
    with pytest.raises(MissingExtraError, match=r"pip install 'bondstore\[faces\]'"):
        prepare(videos.source, videos.dest, crosswalk=videos.crosswalk, faces="fill")
