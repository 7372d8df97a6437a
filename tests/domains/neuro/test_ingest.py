"""A hospital's folder into vaults in one go, and back: the same bytes as cleaned on their own, and nobody named."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from typing_extensions import Buffer

from bondstore import neuro, vaults
from bondstore.config.secrets import Secret
from bondstore.domains.neuro.ingest import CleanedObjects, IngestJob
from bondstore.domains.neuro.jobs import job_of
from bondstore.domains.neuro.stages import Ended, carry_out, prepare_ingest, worst_of
from bondstore.errors import Exit, NoSpaceError, PolicyError, UsageError, WrongKeyError
from bondstore.ledger import Item
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import execute
from bondstore.runs.executors import Serial
from bondstore.runs.work import Work
from bondstore.vault.keys import new_pair
from bondstore.vault.manifest import Content
from tests.domains.neuro.hospital import BESIDE, Hospital, content, named_in


def film(path: Path, title: str) -> None:
    """Make a video whose container has a title."""
    with av.open(str(path), "w") as video:
        video.metadata["title"] = title
        stream = video.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame(64, 48, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes([number * 20]) * plane.buffer_size)
            frame.pts = number
            video.mux(stream.encode(frame))
        video.mux(stream.encode())


@pytest.fixture
def filled(hospital: Hospital) -> Hospital:
    film(hospital.source / "Muller~ Petra/Muller.avi", "Muller, Petra")
    return hospital


def ingest(hospital: Hospital, to: str, video_to: str | None, **also: object) -> list[Ended]:
    return neuro.ingest(hospital.source, to, video_to, crosswalk=hospital.crosswalk, jobs=1, **also)  # type: ignore[arg-type]


def back(hospital: Hospital, vault: str, to: Path) -> dict[str, bytes]:
    known = hospital.crosswalk
    vaults.get(vault, str(to), unseal=True, key=known.key, passphrase=known.passphrase)
    return {name: one for name, one in content(to).items() if not name.startswith(".bondstore")}


def cleaned(hospital: Hospital) -> dict[str, bytes]:
    neuro.deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, jobs=1)
    found = content(hospital.dest)
    return {name: one for name, one in found.items() if name not in BESIDE and not name.startswith(".bondstore")}


def test_what_comes_back_is_what_deidentify_writes(filled: Hospital, tmp_path: Path) -> None:
    before = content(filled.source)
    ended = ingest(filled, str(tmp_path / "edf"), str(tmp_path / "video"))
    assert [(one.does, one.what, one.exit_code) for one in ended] == [
        ("upload", "recordings", Exit.INCOMPLETE),
        ("upload", "video", Exit.INCOMPLETE),
        ("check", "recordings", Exit.DONE),
        ("check", "video", Exit.DONE),
    ]
    assert [one.result.tally.done.objects for one in ended[:2]] == [4, 1]
    assert [one.result.tally.quarantined.objects for one in ended[:2]] == [2, 1]
    returned = back(filled, str(tmp_path / "edf"), tmp_path / "a") | back(
        filled, str(tmp_path / "video"), tmp_path / "b"
    )
    assert returned == cleaned(filled)
    assert len(returned) == 4 + 1 + 3 + 1
    left = content(tmp_path / "edf") | content(tmp_path / "video")
    assert named_in(left) == []
    assert content(filled.source) == before


def test_run_again_it_has_nothing_to_do(filled: Hospital, tmp_path: Path) -> None:
    places = str(tmp_path / "edf"), str(tmp_path / "video")
    ingest(filled, *places)
    before = content(tmp_path / "edf" / "data") | content(tmp_path / "video" / "data")
    again = ingest(filled, *places)
    assert [one.result.plan.todo.objects for one in again[:2]] == [0, 0]
    assert content(tmp_path / "edf" / "data") | content(tmp_path / "video" / "data") == before


def test_a_vault_has_codes_of_one_crosswalk(filled: Hospital, tmp_path: Path) -> None:
    ingest(filled, str(tmp_path / "edf"), None)
    before = content(tmp_path / "edf")
    other = replace(filled.crosswalk, place=str(tmp_path / "other.c4gh"))
    with pytest.raises(PolicyError, match="another crosswalk"):
        ingest(replace(filled, crosswalk=other), str(tmp_path / "edf"), None)
    after = content(tmp_path / "edf")
    assert {name: one for name, one in after.items() if ".bondstore" not in name} == {
        name: one for name, one in before.items() if ".bondstore" not in name
    }


def test_who_is_found_by_the_second_look_is_not_uploaded(filled: Hospital, tmp_path: Path) -> None:
    """A name that only the search of the audit knows of stands for whatever the scrubber passed over."""
    listed = tmp_path / "people.txt"
    listed.write_text("Zebra, Aquila\n")
    job = replace(filled_job(filled, tmp_path), names=str(listed))
    filled.write("Keller/2.edf", "X M X Keller_Hans", "12.00.00", b"calm")
    recording = filled.source / "Keller/2.edf"
    content_ = bytearray(recording.read_bytes())
    content_[256 * 3 : 256 * 3 + 12] = b"Aquila Zebra"  # in the samples, which are never changed
    recording.write_bytes(content_)
    done = execute(job, open_destination(job.dest), Serial())
    assert done.tally.quarantined.objects == 5  # and two that cannot be cleaned, and two videos
    with open_destination(job.dest).ledger(create=False) as ledger:
        found = {(one.kind, one.where) for one in ledger.findings.of_run(done.run)}
    assert {("left-behind", ""), ("name-left", "samples")} <= found
    assert len(list((tmp_path / "edf/data").rglob("*.edf.c4gh"))) == 3
    known = filled.crosswalk
    back_ = vaults.open_vault(str(tmp_path / "edf"), key=known.key, passphrase=known.passphrase)
    assert not any(b"Aquila" in back_.read(one.path) for one in back_.files())


@pytest.mark.parametrize("records", ["record_of", "record_of_video"])
def test_nothing_is_uploaded_of_what_has_somebody_in_its_record(
    filled: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: str
) -> None:
    monkeypatch.setattr(f"bondstore.domains.neuro.ingest.{records}", lambda *_: b'{"seen by": "Petra Muller"}')
    ended = ingest(filled, str(tmp_path / "edf"), str(tmp_path / "video"))
    is_video = records == "record_of_video"
    # of recordings one is a text, which has no record
    assert [one.result.tally.done.objects for one in ended[:2]] == ([4, 0] if is_video else [1, 1])
    place = tmp_path / ("video" if is_video else "edf")
    assert [one.name.partition("_")[2] for one in (place / "data").rglob("*.c4gh")] == (
        [] if is_video else ["2_snc.txt.c4gh"]
    )


def test_recordings_and_videos_do_not_go_to_one_place(filled: Hospital, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="videos show the patient"):
        ingest(filled, str(tmp_path / "edf"), f"{tmp_path}/edf/")


@pytest.mark.parametrize(
    ("video_to", "archive_to"),
    [
        ("edf/video", None),
        ("source", None),
        ("source/video", None),
        ("Petra Muller/video", None),
        ("video", "edf"),
        ("video", "video/archive"),
        ("video", "source/archive"),
        ("video", "Muller~ Petra/archive"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_before_anything_is_sent(
    filled: Hospital, tmp_path: Path, video_to: str, archive_to: str | None
) -> None:
    def place(name: str) -> str:
        return str(tmp_path / name.replace("source", filled.source.name))

    with pytest.raises(PolicyError):
        ingest(filled, place("edf"), place(video_to), archive_to=archive_to and place(archive_to))
    assert not (tmp_path / "edf" / "data").exists()
    assert not (tmp_path / "video" / "data").exists()


def test_nothing_is_written_into_a_vault_unencrypted(filled: Hospital, tmp_path: Path) -> None:
    ingest(filled, str(tmp_path / "edf"), None)
    before = content(tmp_path / "edf")
    with pytest.raises(PolicyError, match="unencrypted"):
        neuro.deidentify(filled.source, tmp_path / "edf", crosswalk=filled.crosswalk, jobs=1)
    assert content(tmp_path / "edf") == before


def test_without_a_place_for_videos_they_are_told_and_taken_later(filled: Hospital, tmp_path: Path) -> None:
    [first, check] = ingest(filled, str(tmp_path / "edf"), None)
    assert first.result.tally.quarantined.objects == 4
    assert check.exit_code == Exit.DONE
    later = ingest(filled, str(tmp_path / "edf"), str(tmp_path / "video"))
    assert [one.result.tally.done.objects for one in later[:2]] == [0, 1]


def test_more_names_need_a_word_and_then_replace_what_is_there(filled: Hospital, tmp_path: Path) -> None:
    places = str(tmp_path / "edf"), str(tmp_path / "video")
    ingest(filled, *places)
    staff = tmp_path / "staff.txt"
    staff.write_text("Quimby, Ada\n")
    with pytest.raises(UsageError, match="would replace"):
        ingest(filled, *places, names=staff)
    done = ingest(filled, *places, names=staff, existing="refresh")
    assert [one.result.tally.done.objects for one in done[:2]] == [4, 1]
    known = filled.crosswalk
    found = vaults.open_vault(places[0], key=known.key, passphrase=known.passphrase)
    assert not any(b"Quimby" in found.read(one.path) for one in found.files())


def test_with_the_wrong_key_nothing_is_written(filled: Hospital, tmp_path: Path) -> None:
    new_pair("stranger", Secret("another passphrase"))
    (tmp_path / "other").write_text("another passphrase")
    (tmp_path / "other").chmod(0o600)
    ingest(filled, str(tmp_path / "first"), None)
    wrong = replace(filled.crosswalk, key="stranger", passphrase=f"file:{tmp_path}/other")
    with pytest.raises(WrongKeyError):
        ingest(replace(filled, crosswalk=wrong), str(tmp_path / "edf"), None)
    assert not (tmp_path / "edf").exists()
    with pytest.raises(WrongKeyError):
        neuro.deidentify(filled.source, filled.dest, crosswalk=wrong)
    assert not filled.dest.exists()


def filled_job(hospital: Hospital, tmp_path: Path) -> IngestJob:
    asked = prepare_ingest(hospital.source, str(tmp_path / "edf"), crosswalk=hospital.crosswalk)
    return asked.uploads[0]


@pytest.mark.parametrize("ending", ["avi", "mp4", "mov", "mkv", "mpg", "ts", "wmv"])
def test_videos_of_each_container_are_uploaded_and_looked_into(hospital: Hospital, tmp_path: Path, ending: str) -> None:
    hospital.only("Keller")
    (hospital.source / "Keller/Keller.avi").unlink()
    film(hospital.source / f"Keller/Keller.{ending.replace('ts', 'm2ts')}", "Keller, Hans")
    ended = ingest(hospital, str(tmp_path / "edf"), str(tmp_path / "video"))
    assert ended[1].result.tally.done.objects == 1
    known = hospital.crosswalk
    looked = neuro.audit(str(tmp_path / "video"), crosswalk=known)
    assert (looked.left, looked.unseen) == (0, 0)


@pytest.mark.parametrize("existing", ["error", "refresh"])
def test_a_second_export_of_a_patient_writes_over_nothing(hospital: Hospital, tmp_path: Path, existing: str) -> None:
    vault = str(tmp_path / "edf")
    ingest(hospital, vault, None)
    first = back(hospital, vault, tmp_path / "a")
    second = replace(hospital, source=tmp_path / "in2")
    second.write("Muller~ Petra/new.edf", "H0012345 F 12-MAR-1969 Muller_Petra", "08.00.00", b"awake")
    [done, check] = ingest(second, vault, None, existing=existing)
    assert (done.result.tally.done.objects, check.exit_code) == (1, Exit.DONE)
    both = back(hospital, vault, tmp_path / "b")
    assert first.items() < both.items()
    assert sorted(name.rpartition("_")[2] for name in both.keys() - first.keys()) == ["3.edf", "3.json"]
    assert [one.result.plan.todo.objects for one in ingest(second, vault, None)[:1]] == [0]
    assert [one.result.plan.todo.objects for one in ingest(hospital, vault, None)[:1]] == [0]


def noise(path: Path, pictures: int) -> None:
    """Make a video of noise."""
    rng = np.random.default_rng(1)
    with av.open(str(path), "w") as video:
        stream = video.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(pictures):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (480, 640, 3), np.uint8), "rgb24")
            frame.pts = number
            video.mux(stream.encode(frame))
        video.mux(stream.encode())


def test_a_disk_that_is_full_beside_a_video_is_told(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    hospital.only("Keller")
    noise(hospital.source / "Keller/Keller.avi", 30)  # more than the block that is in memory
    places = str(tmp_path / "edf"), str(tmp_path / "video")
    with monkeypatch.context() as patched:
        patched.setattr("bondstore.codecs.sealedfile.os.pwrite", full)
        with pytest.raises(NoSpaceError, match="no space left"):
            ingest(hospital, *places)
    assert ingest(hospital, *places)[1].result.tally.done.objects == 1


@pytest.mark.parametrize("faces", ["keep", "fill"])
def test_how_large_a_file_is_on_its_way_is_what_it_has_without_identity(
    filled: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faces: str
) -> None:
    """By it, files are held in memory or parted: a video with covered faces may be many times its original."""
    stated: dict[str, int] = {}

    class Noted(CleanedObjects):
        def keep(self, work: Work, item: Item, chunks: Iterable[Buffer], name: str) -> Content:
            stated[item.output] = item.size
            return CleanedObjects.keep(self, work, item, chunks, name)

    monkeypatch.setattr("bondstore.domains.neuro.ingest.CleanedObjects", Noted)
    places = str(tmp_path / "edf"), str(tmp_path / "video")
    ingest(filled, *places, faces=faces)
    known = filled.crosswalk
    opened = [vaults.open_vault(one, key=known.key, passphrase=known.passphrase) for one in places]
    found = {f"data/{one.path}.c4gh": len(vault.read(one.path)) for vault in opened for one in vault.files()}
    assert stated == found
    assert any(one.endswith(".avi.c4gh") for one in stated)


def test_a_run_is_built_again_as_it_was_recorded(filled: Hospital, tmp_path: Path) -> None:
    asked = prepare_ingest(
        filled.source,
        str(tmp_path / "edf"),
        str(tmp_path / "video"),
        existing="refresh",
        dates="shift",
        annotations="drop",
        names=tmp_path / "people.txt",
        crosswalk=filled.crosswalk,
    )
    assert [job_of(json.loads(json.dumps(one.params))) for one in asked.uploads] == list(asked.uploads)
    assert len({one.name for one in asked.uploads}) == 2


def test_what_cannot_be_looked_into_is_not_uploaded(
    filled: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bondstore.domains.neuro.audit.files._TEXTS", ("json",))
    ended = ingest(filled, str(tmp_path / "edf"), None)
    assert ended[0].result.tally.done.objects == 3
    assert not list((tmp_path / "edf/data").rglob("*snc*"))


def test_nothing_is_copied_from_a_vault_that_is_not_what_it_should_be(filled: Hospital, tmp_path: Path) -> None:
    places = [str(tmp_path / name) for name in ("edf", "video", "archive")]
    asked = prepare_ingest(filled.source, *places, crosswalk=filled.crosswalk)
    codes = []
    for stage, ended in carry_out(asked, jobs=1):
        codes.append((stage.does, ended.exit_code))
        if stage.does == "upload" and stage.what == "recordings":
            damaged = next((tmp_path / "edf/data").rglob("*.edf.c4gh"))
            damaged.write_bytes(damaged.read_bytes()[:-1])
    assert codes == [("upload", Exit.INCOMPLETE), ("upload", Exit.INCOMPLETE), ("check", Exit.INTEGRITY)]
    assert not (tmp_path / "archive").exists()


def test_after_a_no_nothing_more_begins(filled: Hospital, tmp_path: Path) -> None:
    asked = prepare_ingest(filled.source, str(tmp_path / "edf"), str(tmp_path / "video"), crosswalk=filled.crosswalk)
    ended = [one for _, one in carry_out(asked, jobs=1, confirm=lambda *_: False)]
    assert [one.exit_code for one in ended] == [Exit.INTERRUPTED]
    assert not (tmp_path / "edf/data").exists()


def test_a_class_needs_an_archive(filled: Hospital, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no archive"):
        prepare_ingest(filled.source, str(tmp_path / "edf"), archive_class="GLACIER", crosswalk=filled.crosswalk)


@pytest.mark.parametrize(
    ("codes", "worst"), [([], 0), ([0, 0], 0), ([0, 8], 8), ([8, 5], 5), ([5, 7, 8], 7), ([7, 130], 130)]
)
def test_the_exit_code_is_that_of_the_worst_stage(codes: list[int], worst: int) -> None:
    assert worst_of(codes) == worst
