"""What matches nothing ends with 3 and says which part it was, before anything is written; an empty window does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from demo.phones import Shape as PhoneShape
from demo.study import KEY, STUDY, Shape, make

import bondstore
from bondstore.domains.screenlake import service
from bondstore.errors import NotFoundError
from tests.cli.conftest import Call
from tests.ocean_files import moana_fleet
from tests.phonelab import PhoneLab

WORDS = ("participants", "streams", "surveys", "ls", "read", "export", "reconcile", "rebuild")
LATER = ("--since", "2031-01-01")


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for one in make(Shape(participants=2, hours=2, rows=5)):
        path = tmp_path / "bucket" / one.key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.sealed)
    monkeypatch.setenv("LAB_STUDY_KEY", KEY)
    return tmp_path / "bucket"


def line(word: str, bucket: Path, dest: Path, *more: str, study: str = STUDY) -> list[str]:
    where = ["--store", bucket.as_uri(), "--study", study]
    key = ["--key", "env:LAB_STUDY_KEY"]
    if word == "read" and "--participant" not in more:
        more = (*more, "--participant", "1ab2cd3e")
    if word == "read" and "--stream" not in more:
        more = (*more, "--stream", "gps")
    command = {"export": ["export", str(dest), *key, "--yes"], "read": ["read", *key], "reconcile": ["reconcile", *key]}
    command["rebuild"] = ["reconcile", "--rebuild", str(dest), *key, "--yes"]
    return ["beiwe", *command.get(word, [word]), *where, *more]


@pytest.mark.parametrize("word", WORDS)
def test_of_a_study(word: str, bucket: Path, tmp_path: Path, cli: Call) -> None:
    dest, empty = tmp_path / "out", tmp_path / "empty"
    empty.mkdir()
    for done, said in (
        (cli(*line(word, bucket, dest, study="nosuchstudy")), "a study nosuchstudy"),
        (cli(*line(word, empty, dest)), f"a study {STUDY}"),
        (cli(*line(word, bucket, dest, "--participant", "nobody00")), "The participant nobody00 has no data"),
    ):
        assert (done.code, done.out) == (3, ""), (done.out, done.err)
        assert said in done.err
        assert not dest.exists()


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("below", ["", f"/{STUDY}"])
def test_the_half_of_a_study_is_no_study(word: str, below: str, bucket: Path, tmp_path: Path, cli: Call) -> None:
    """Below CHUNKED_DATA lies a folder of the study too: its hours are no uploads."""
    dest = tmp_path / "out"
    done = cli(*line(word, bucket / f"CHUNKED_DATA{below}", dest))
    assert (done.code, done.out) == (3, "")
    assert done.err.endswith(f"Hint: Name the place without it: {bucket.as_uri()}\n")
    assert not dest.exists()


@pytest.mark.parametrize("word", ["read", "export"])
def test_a_survey_that_a_stream_has_nothing_of_is_what_is_missing(
    word: str, bucket: Path, tmp_path: Path, cli: Call
) -> None:
    done = cli(*line(word, bucket, tmp_path / "out", "--stream", "gps", "--survey", "55db4c0597013e3fb50376a7"))
    assert done.code == 3
    assert "There is no data of the survey 55db4c0597013e3fb50376a7 here." in done.err
    study = bondstore.beiwe.open_study(bucket.as_uri(), STUDY, key="env:LAB_STUDY_KEY")
    with pytest.raises(NotFoundError, match="There is no data of the survey nope here"):
        study.answers("nope")
    with pytest.raises(NotFoundError, match="There is no data of the survey nope here"):
        study.answers("nope", "1ab2cd3e")


@pytest.mark.parametrize("word", ["participants", "ls", "export", "reconcile"])
def test_one_of_several_people_who_has_nothing_is_named(word: str, bucket: Path, tmp_path: Path, cli: Call) -> None:
    done = cli(*line(word, bucket, tmp_path / "out", "--participant", "1ab2cd3e", "--participant", "nobody00"))
    assert done.code == 3
    assert "The participant nobody00 has no data" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["ls", "read", "export", "reconcile", "rebuild"])
def test_a_stream_that_nobody_has(word: str, bucket: Path, tmp_path: Path, cli: Call) -> None:
    done = cli(*line(word, bucket, tmp_path / "out", "--stream", "bluetooth"))
    assert done.code == 3
    assert "data of the stream bluetooth" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("word", ["ls", "read", "export", "reconcile", "rebuild"])
def test_a_window_in_which_nothing_lies_is_an_answer(word: str, bucket: Path, tmp_path: Path, cli: Call) -> None:
    done = cli(*line(word, bucket, tmp_path / "out", *LATER))
    assert done.code == 0, done.err
    assert done.out + done.err


def test_in_python(bucket: Path) -> None:
    wrong = bondstore.beiwe.open_study(bucket.as_uri(), "nosuchstudy", key="env:LAB_STUDY_KEY")
    right = bondstore.beiwe.open_study(bucket.as_uri(), STUDY, key="env:LAB_STUDY_KEY")
    for act in (
        wrong.participants,
        wrong.streams,
        lambda: list(wrong.objects()),
        lambda: list(wrong.unknown_objects()),
        lambda: right.surveys("nobody00"),
        lambda: right.table("nobody00", "gps"),
        lambda: list(right.objects(stream="bluetooth")),
    ):
        with pytest.raises(NotFoundError):
            act()
    assert list(right.unknown_objects()) == []
    assert right.table("1ab2cd3e", "gps", since="2031-01-01").is_empty()


def test_a_source_that_is_empty_now_leaves_what_was_made_of_it(bucket: Path, tmp_path: Path, cli: Call) -> None:
    """See docs/decisions/018."""
    for form in ("original", "parquet"):
        assert cli(*line("export", bucket, tmp_path / form, "--format", form)).code == 0
    shutil.rmtree(bucket)
    bucket.mkdir()
    for form in ("original", "parquet"):
        before = {path: path.read_bytes() for path in (tmp_path / form).rglob("*") if path.is_file()}
        assert cli(*line("export", bucket, tmp_path / form, "--format", form)).code == 3
        assert {path: path.read_bytes() for path in (tmp_path / form).rglob("*") if path.is_file()} == before


def test_of_profiles(tmp_path: Path, cli: Call) -> None:
    raw, dest = tmp_path / "raw", tmp_path / "out"
    raw.mkdir()
    (raw / "notes.txt").write_text("none")
    for word in ("qc", "plot"):
        done = cli("ocean", word, str(raw), str(dest))
        assert done.code == 3
        assert "no profile files" in done.err
        assert not dest.exists()
    with pytest.raises(NotFoundError):
        bondstore.ocean.qc(raw, dest)
    for name, data in moana_fleet(1, levels=20, seed=2).items():
        (raw / name).write_bytes(data)
    for word in ("qc", "plot"):
        assert cli("ocean", word, str(raw), str(tmp_path / word), *LATER).code == 0
    assert cli("ocean", "show", str(raw / "none.csv")).code == 3


def test_of_phones(tmp_path: Path, cli: Call) -> None:
    lab = PhoneLab(tmp_path)
    lab.source.mkdir(parents=True, exist_ok=True)
    words = ("--redact", "none", "--yes", "--jobs", "1")
    for done in (
        cli("screenlake", "panelists", str(lab.source)),
        cli("screenlake", "process", str(lab.source), str(lab.dest), *words),
    ):
        assert done.code == 3
        assert "No zip of any panelist" in done.err
        assert not lab.dest.exists()
    with pytest.raises(NotFoundError):
        service.panelists(str(lab.source))
    lab.fill(PhoneShape(panelists=1, zips=1, screenshots=1, restricted=0, rows=2, size=(48, 104), opted_out=0))
    done = cli("screenlake", "process", str(lab.source), str(lab.dest), *words, "--panelist", "nobody")
    assert done.code == 3
    assert "the panelist nobody" in done.err
    assert not lab.dest.exists()
    later = cli("screenlake", "process", str(lab.source), str(lab.dest), *words, *LATER)
    assert later.code == 0, later.err
    assert cli("screenlake", "review", str(tmp_path / "nowhere")).code == 3
