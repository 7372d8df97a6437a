"""Results under names and back: the same bytes, times and modes, a record without a name, and nothing overwritten."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

import bondstore
from bondstore.config.secrets import Secret
from bondstore.deid.crosswalk import NEW
from bondstore.deid.people import Person
from bondstore.domains.neuro.audit.service import audit
from bondstore.domains.neuro.job import CrosswalkRef
from bondstore.domains.neuro.renaming import Renaming, To, rename
from bondstore.domains.neuro.service import deidentify
from bondstore.errors import ConfigurationError, NotFoundError, PolicyError, UsageError
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.renamed import NAME
from bondstore.vault.keys import new_pair
from tests.deid.test_video import made
from tests.domains.neuro.hospital import Hospital, content, named_in
from tests.kills import kills_of

State = dict[str, tuple[bytes, int, int]]


def state(root: Path) -> State:
    """Return files and folders outside of the private corner, with content, time and mode."""
    found = {}
    for one in root.rglob("*"):
        name = str(one.relative_to(root))
        if not name.startswith(".bondstore"):
            status = one.stat()
            is_file = one.is_file()
            found[name] = one.read_bytes() if is_file else b"", is_file * status.st_mtime_ns, status.st_mode
    return found


@pytest.fixture
def clean(hospital: Hospital) -> Hospital:
    hospital.write("Muller~ Petra/named/Petra.edf", "X F X Muller_Petra", "09.00.00", b"spike")
    (hospital.source / "Muller~ Petra/Muller_12").mkdir()
    made(hospital.source / "Muller~ Petra/Muller_12/clip.avi")
    made(hospital.source / "Muller~ Petra/film.mp4")
    (hospital.source / "Muller~ Petra/deep/early").mkdir()
    made(hospital.source / "Muller~ Petra/deep/early/of-early.avi")
    deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, jobs=1)
    return hospital


def code_of(hospital: Hospital, name: str) -> str:
    return next(one.code for one in hospital.crosswalk.open().entries() if name in one.person.names)


def renamed(hospital: Hospital, to: To, **also: bool) -> Renaming:
    return rename(hospital.dest, to, crosswalk=hospital.crosswalk, **also)


def words(hospital: Hospital, to: str, *more: str) -> list[str]:
    known = hospital.crosswalk
    opened = ("--crosswalk", str(known.place), "--key", str(known.key), "--passphrase", str(known.passphrase))
    return ["neuro", "rename", str(hospital.dest), "--to", to, *opened, *more]


def called(*more: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "bondstore", *more], capture_output=True, timeout=100)


def test_files_and_folders_get_the_name_and_the_code_again(clean: Hospital) -> None:
    before = state(clean.dest)
    muller, keller = code_of(clean, "Muller~ Petra"), code_of(clean, "Keller")
    done = renamed(clean, "names")
    assert (done.files, done.missing, done.is_done) == (8, 0, True)
    expected = {
        one.replace(muller, "Muller~ Petra").replace(keller, "Keller") if not one.startswith("records") else one: found
        for one, found in before.items()
    }
    assert state(clean.dest) == expected
    assert "Muller~ Petra_edf/Muller~ Petra_1.edf" in expected
    assert "Muller~ Petra/Muller~ Petra_12/Muller~ Petra_12_1.avi" in expected
    assert renamed(clean, "names").files == 0
    assert renamed(clean, "codes").files == 8
    assert state(clean.dest) == before
    assert not (clean.dest / ".bondstore" / NAME).exists()
    assert renamed(clean, "codes").files == 0


def test_the_record_never_has_a_name_and_holds_before_and_after(clean: Hospital) -> None:
    for to in ("names", "codes"):
        renamed(clean, to)
        assert named_in(content(clean.dest / ".bondstore")) == []
        ended = called("audit", "verify", "--dest", str(clean.dest))
        assert ended.returncode == 0, ended.stderr
        assert named_in({"out": ended.stdout, "err": ended.stderr}) == []
        ended = called("run", "show", "last", "--dest", str(clean.dest), "--json")
        assert ended.returncode == 0
        assert named_in({"out": ended.stdout, "err": ended.stderr}) == []
    assert called("audit", "verify", "--files", "--dest", str(clean.dest)).returncode == 0
    shown = called("audit", "show", "--dest", str(clean.dest), "--json").stdout
    assert [json.loads(one)["key"] for one in shown.splitlines() if b'"renamed"' in one] == ["names", "codes"]


def test_with_names_on_no_run_writes_and_nothing_leaves(clean: Hospital, tmp_path: Path) -> None:
    renamed(clean, "names")
    before = state(clean.dest)
    clean.write("Keller/new.edf", "X M X Keller_Hans", "13.00.00", b"spike")
    for dry_run in (True, False):
        with pytest.raises(PolicyError, match="--to codes"):
            deidentify(clean.source, clean.dest, crosswalk=clean.crosswalk, jobs=1, dry_run=dry_run)
    vault = str(tmp_path / "vault")
    place = str(clean.dest)
    key = ("--key", str(clean.crosswalk.key), "--passphrase", str(clean.crosswalk.passphrase))
    for more in (
        ("audit", "verify", "--files", "--dest", place),
        ("put", place, vault, *key, "--yes"),
        ("put", f"{place}/Keller_edf", vault, *key, "--yes"),
        ("cp", place, vault, "--recursive", "--yes"),
    ):
        ended = called(*more)
        assert ended.returncode == 6, (more, ended.stderr)
        assert b"--to codes" in ended.stderr
        assert named_in({"out": ended.stdout, "err": ended.stderr.replace(b"Keller_edf", b"")}) == []
    assert state(clean.dest) == before
    assert audit(clean.dest, crosswalk=clean.crosswalk).exit_code == 6
    renamed(clean, "codes")
    assert audit(clean.dest, crosswalk=clean.crosswalk).left == 0
    done = deidentify(clean.source, clean.dest, crosswalk=clean.crosswalk, jobs=1)
    assert done.plan.todo.objects == 1


def test_what_is_said_has_names_only_where_they_are_asked_for(clean: Hospital) -> None:
    ended = called(*words(clean, "names"))
    assert ended.returncode == 2
    assert b"--yes" in ended.stderr
    before = state(clean.dest)
    for more in (("--dry-run",), ("--dry-run", "--json"), ("--yes", "--debug"), ("--yes", "--json")):
        if "--yes" in more:
            called(*words(clean, "codes", "--yes"))
        ended = called(*words(clean, "names", *more))
        assert ended.returncode == 0, ended.stderr
        assert named_in({"out": ended.stdout, "err": ended.stderr}) == []
        assert (state(clean.dest) == before) == ("--dry-run" in more)
    found = [json.loads(one) for one in called(*words(clean, "codes", "--dry-run", "--json")).stdout.splitlines()]
    assert {one["code"]: one["files"] for one in found} == {
        code_of(clean, "Muller~ Petra"): 7,
        code_of(clean, "Keller"): 1,
    }
    shown = called(*words(clean, "codes", "--dry-run", "--show-names")).stdout.decode()
    assert "Muller~ Petra" in shown


def test_two_people_of_one_name_are_told_apart(hospital: Hospital) -> None:
    hospital.only("Keller")
    hospital.write("KELLER/1.edf", "X M X X", "10.00.00", b"spike")
    ref = hospital.crosswalk.open()
    ref.assign([Person(("Keller", "Keller_Hans"), (date(1950, 1, 1),))])
    hospital.write("Keller/1.edf", "X M 01-JAN-1950 Keller_Hans", "10.00.00", b"spike")
    other = Person(("KELLER",), (date(1980, 5, 5),))
    ref.assign([other], {other: NEW})
    hospital.write("KELLER/1.edf", "X M 05-MAY-1980 KELLER", "10.00.00", b"spike")
    deidentify(hospital.source, hospital.dest, crosswalk=hospital.crosswalk, jobs=1)
    codes = sorted(one.code for one in hospital.crosswalk.open().entries())
    assert len(codes) == 2
    renamed(hospital, "names")
    found = sorted(name.name for name in hospital.dest.iterdir() if name.name.lower().startswith("keller"))
    assert sorted(name.partition("_")[2] for name in found) == [f"{code}_edf" for code in codes]


@pytest.mark.parametrize(
    "place",
    ["Keller_edf/x", "keller_EDF/x", "Keller_edf", "{keller}_edf/Keller_1.edf", "{keller}_edf/KELLER_1.EDF"],
)
def test_nothing_that_is_in_the_way_is_overwritten(clean: Hospital, place: str) -> None:
    file = clean.dest / place.format(keller=code_of(clean, "Keller"))
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"somebody's own")
    before = state(clean.dest)
    with pytest.raises(PolicyError) as told:
        renamed(clean, "names")
    assert named_in({"": f"{told.value.message} {told.value.hint}".encode()}) == []
    assert state(clean.dest) == before


def test_nothing_in_the_way_of_a_code_is_overwritten(clean: Hospital) -> None:
    keller = code_of(clean, "Keller")
    renamed(clean, "names")
    (clean.dest / f"{keller}_edf").mkdir()
    (clean.dest / f"{keller}_edf/own").write_bytes(b"somebody's own")
    before = state(clean.dest)
    with pytest.raises(PolicyError):
        renamed(clean, "codes")
    assert state(clean.dest) == before


def test_a_file_of_somebodys_own_goes_with_its_folder(clean: Hospital) -> None:
    keller = code_of(clean, "Keller")
    (clean.dest / f"{keller}_edf/own.txt").write_bytes(b"somebody's own")
    renamed(clean, "names")
    assert (clean.dest / "Keller_edf/own.txt").read_bytes() == b"somebody's own"
    renamed(clean, "codes")
    assert (clean.dest / f"{keller}_edf/own.txt").read_bytes() == b"somebody's own"


def test_a_folder_that_is_a_link_is_not_followed(clean: Hospital, tmp_path: Path) -> None:
    folder = clean.dest / f"{code_of(clean, 'Keller')}_edf"
    shutil.move(folder, tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PolicyError, match="symbolic link"):
        renamed(clean, "names")
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_files_that_are_gone_are_counted(clean: Hospital) -> None:
    keller = code_of(clean, "Keller")
    shutil.rmtree(clean.dest / f"{keller}_edf")
    ended = called(*words(clean, "names", "--yes", "--json"))
    assert ended.returncode == 5
    found = {one["code"]: one for one in map(json.loads, ended.stdout.splitlines())}
    assert (found[keller]["files"], found[keller]["missing"]) == (0, 1)


def test_it_is_refused_without_the_crosswalks_key(clean: Hospital, tmp_path: Path) -> None:
    new_pair("stranger", Secret("another passphrase here"))
    (tmp_path / "other").write_text("another passphrase here")
    (tmp_path / "other").chmod(0o600)
    stranger = CrosswalkRef(clean.crosswalk.place, "stranger", f"file:{tmp_path / 'other'}")
    before = state(clean.dest)
    for to in ("names", "codes"):
        with pytest.raises(ConfigurationError) as told:
            rename(clean.dest, to, crosswalk=stranger)
        assert told.value.exit_code == 4
        assert state(clean.dest) == before
    renamed(clean, "names")
    with pytest.raises(ConfigurationError):
        rename(clean.dest, "codes", crosswalk=stranger)


def test_it_is_refused_for_another_crosswalk(clean: Hospital, tmp_path: Path) -> None:
    other = replace(clean.crosswalk, place=str(tmp_path / "other.c4gh"))
    with pytest.raises(NotFoundError):
        rename(clean.dest, "names", crosswalk=other)
    other.open().assign([Person(("Quimby",))])
    with pytest.raises(ConfigurationError, match="does not have 2 codes"):
        rename(clean.dest, "names", crosswalk=other)


def test_back_also_where_the_crosswalk_says_something_else_by_now(clean: Hospital) -> None:
    before = state(clean.dest)
    renamed(clean, "names")
    clean.crosswalk_file.rename(clean.crosswalk_file.with_name("away"))
    renamed(clean, "codes")
    assert state(clean.dest) == before


def test_places_that_are_none(hospital: Hospital, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        rename("s3://bucket/clean", "names", crosswalk=hospital.crosswalk)
    with pytest.raises(UsageError):
        rename(tmp_path, "people", crosswalk=hospital.crosswalk)  # type: ignore[arg-type]
    with pytest.raises(NotFoundError):
        rename(tmp_path / "none", "names", crosswalk=hospital.crosswalk)
    assert not (tmp_path / "none").exists()
    FolderDestination(tmp_path / "new").prepare()
    FolderDestination(tmp_path / "new").ledger().close()
    with pytest.raises(NotFoundError):
        rename(tmp_path / "new", "names", crosswalk=hospital.crosswalk)
    assert bondstore.neuro.rename is rename


_KILLED = """
import os, signal, sys
count, stop = 0, int(sys.argv.pop(1))
def trace(frame, event, arg):
    global count
    if not frame.f_code.co_filename.endswith(("neuro/renaming.py", "runs/durable.py", "runs/renamed.py")):
        return None
    if event == "line":
        count += 1
        if count == stop:
            os.kill(os.getpid(), signal.SIGKILL)
    return trace
sys.settrace(trace)
from bondstore.cli.main import main
try:
    sys.exit(main(sys.argv[1:]))
finally:
    sys.settrace(None)
    print(count, file=sys.stderr)
"""


def killed(at: int, *more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command that is killed before a line of what renames; with 0 it ends, and says how many lines it had."""
    return subprocess.run([sys.executable, "-c", _KILLED, str(at), *more], capture_output=True, timeout=100)


@pytest.mark.slow
def test_killed_at_any_line_either_direction_finishes_it(clean: Hospital) -> None:
    before = state(clean.dest)
    lines = {}
    for to in ("names", "codes"):
        ended = killed(0, *words(clean, to, "--yes"))
        assert ended.returncode == 0, ended.stderr
        lines[to] = int(ended.stderr.split()[-1])
    renamed(clean, "names")
    named = state(clean.dest)
    renamed(clean, "codes")
    kills = kills_of(40)
    between = 0
    for number in range(kills):
        to: To = "names" if number % 2 else "codes"
        renamed(clean, "codes" if to == "names" else "names")
        # plan and check come first: three kills of four come where files are renamed
        at = int(lines[to] * (1 - 0.6 * (number / kills) ** 2))
        assert killed(at, *words(clean, to, "--yes")).returncode == -signal.SIGKILL
        between += state(clean.dest) not in (before, named)
        with pytest.raises(PolicyError) if (clean.dest / ".bondstore" / NAME).exists() else nullcontext():
            deidentify(clean.source, clean.dest, crosswalk=clean.crosswalk, jobs=1, dry_run=True)
        assert named_in(content(clean.dest / ".bondstore")) == []
        for way in ("names", "codes") if number % 4 < 2 else ("codes", "names"):
            renamed(clean, way)  # type: ignore[arg-type]
            assert state(clean.dest) == (named if way == "names" else before)
    assert between
    renamed(clean, "codes")
    assert called("audit", "verify", "--files", "--dest", str(clean.dest)).returncode == 0
