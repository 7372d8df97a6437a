"""One odd key, one unreadable file or one link that leads back stops no study: in no domain, on no kind of store."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from demo.phones import Shape as PhoneShape
from demo.phones import make as make_phones
from demo.study import KEY, STUDY
from demo.study import Shape as StudyShape
from demo.study import make as make_study

from tests.cli.conftest import Call
from tests.ocean_files import moana_fleet
from tests.servers.any_key import AnyKeyServer
from tests.servers.azurite import Azurite
from tests.studies import Ended, tree


@dataclass(frozen=True)
class Case:
    """A domain: a small source, the line that handles it, and where one more of its objects may lie."""

    objects: Mapping[str, bytes]
    sample: bytes
    """The content of one more object."""
    line: tuple[str, ...]
    folder: str
    """The key of one more object, whose folder is ``%s``."""
    name: str = ""
    """The same of a name in a good folder."""
    also: str = ""
    """One more name."""
    is_somebodys: bool = True
    """The folder says whose data it is."""


MISPLACED: dict[str, Callable[[Path], Path]] = {
    "a file": lambda path: path,
    "below a file": lambda path: path / "deep" / "er",
    "its private folder is a file": lambda path: path.parent,
    "its lock is a folder": lambda path: path.parent.parent,
    "its ledger is a folder": lambda path: path.parent.parent,
}


@pytest.mark.parametrize("case", MISPLACED)
@pytest.mark.parametrize(
    "words", [("run", "list"), ("run", "show", "last"), ("audit", "verify"), ("ocean", "qc", "SOURCE")]
)
def test_a_destination_that_is_no_folder_is_said(
    case: str, words: tuple[str, ...], cli: Call, tmp_path: Path, seen: Path
) -> None:
    inside = tmp_path / "dest" / ".bondstore"
    path = {
        "a file": tmp_path / "file",
        "below a file": tmp_path / "file",
        "its private folder is a file": inside,
        "its lock is a folder": inside / "lock",
        "its ledger is a folder": inside / "ledger.sqlite",
    }[case]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if "its l" in case:
        path.mkdir()
    else:
        path.write_bytes(b"somebody's")
    place = str(MISPLACED[case](path))
    line = [str(seen) if word == "SOURCE" else word for word in words]
    done = cli(*line, *([place] if "ocean" in words else ["--dest", place]))
    assert done.code in (2, 4), done.err
    assert "unexpected" not in done.err


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    source = tmp_path / "source"
    for name, data in moana_fleet(1, levels=20, seed=2).items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    return source


def beiwe() -> Case:
    made = [one for one in make_study(StudyShape(participants=2, hours=2, rows=5)) if one.key.startswith("CHUNKED")]
    return Case(
        {one.key: one.sealed for one in made},
        next(one.sealed for one in made if "/gps/" in one.key),
        ("beiwe", "export", "DEST", "--store", "SOURCE", "--study", STUDY, "--key", "env:LAB_STUDY_KEY"),
        f"CHUNKED_DATA/{STUDY}/%s/gps/2018-03-01T05:00:00.csv",
        also="2018-03-01T06:00:00.csv",
    )


def ocean() -> Case:
    line = ("ocean", "qc", "SOURCE", "DEST")
    *made, last = moana_fleet(4, levels=20, seed=2).items()
    return Case(dict(made), last[1], line, "%s/cast.csv", "sub/%s.csv", "also.csv", is_somebodys=False)


def screenlake() -> Case:
    shape = PhoneShape(panelists=2, zips=2, screenshots=1, restricted=1, rows=3, size=(48, 104), opted_out=0, quotes=0)
    made = {one.key: one.data for one in make_phones(shape)}
    panelist = next(iter(made)).rpartition("/")[0]
    line = ("screenlake", "process", "SOURCE", "DEST", "--redact", "none", "--query-id", "q")
    return Case(made, made.popitem()[1], line, f"{panelist.rpartition('/')[0]}/%s/1.zip", f"{panelist}/%s.zip", "2.zip")


CASES: dict[str, Callable[[], Case]] = {"beiwe": beiwe, "ocean": ocean, "screenlake": screenlake}
NOBODY = ("a\nb", "a\x01b", "\x7f", "a\rb", "a\x1b[2Jb")
STRANGE = ("a\\b", "a%2Fb", "\u202eb")
PARTS = ("", ".", "..")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]()


Run = Callable[..., Ended]


@pytest.fixture
def run(shell: Call, tmp_path: Path) -> Run:
    """Run a case's line on a source; it has a minute, so that nothing may hang."""

    def act(case: Case, source: str, dest: str = "out", **settings: str) -> Ended:
        words = [{"SOURCE": source, "DEST": str(tmp_path / dest)}.get(one, one) for one in case.line]
        done = shell(*words, "--yes", "--json", "-j", "1", LAB_STUDY_KEY=KEY, **settings)
        assert "Traceback" not in done.err, done.err
        return Ended(done.code, done.out, done.err)

    return act


def fill(folder: Path, objects: Mapping[str, bytes]) -> None:
    for key, data in objects.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)


def not_fetched(done: Ended) -> set[str]:
    return {key for key, kinds in done.findings.items() if "not-fetched" in kinds}


def images(folder: Path) -> dict[str, bytes]:
    """Return the files that hold nothing of the run itself."""
    return {path: data for path, data in tree(folder).items() if not path.endswith(("report.html", "status.html"))}


def test_links_pipes_and_the_like_in_a_folder(
    case: Case, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    fill(source, case.objects)
    plain = run(case, str(source), "plain")
    assert plain.code == 0, plain
    folder = (source / next(iter(case.objects))).parent
    name = case.folder.rpartition("/")[2]
    (folder / "again").symlink_to(folder)
    (folder / "home").symlink_to(source)
    (folder / "nowhere").symlink_to(source / "gone")
    (folder / "itself").symlink_to(folder / "itself")
    os.mkfifo(folder / name)
    with socket.socket(socket.AF_UNIX) as one:
        monkeypatch.chdir(folder)  # its path must be short
        one.bind(case.also)
    done = run(case, str(source))
    assert done.code == 5, done
    place = folder.relative_to(source).as_posix().removeprefix(".")
    place += "/" if place else ""
    wanted = {f"{place}{one}" for one in ("again/", "home/", "nowhere", "itself", name, case.also)}
    assert not_fetched(done) == wanted
    assert done.tally["failed"] == len(wanted)
    assert set(images(tmp_path / "out")) == set(images(tmp_path / "plain"))


def test_reconcile_names_what_leads_back(shell: Call, tmp_path: Path) -> None:
    case = beiwe()
    fill(tmp_path / "source", case.objects)
    (tmp_path / "source" / "CHUNKED_DATA" / STUDY / "again").symlink_to(tmp_path / "source" / "CHUNKED_DATA")
    where = ("--store", str(tmp_path / "source"), "--study", STUDY, "--key", "env:LAB_STUDY_KEY", "--stream", "gps")
    done = shell("beiwe", "reconcile", *where, "--json", LAB_STUDY_KEY=KEY)
    ended = Ended(done.code, done.out, done.err)
    assert (done.code, ended.findings) == (5, {f"CHUNKED_DATA/{STUDY}/again/gps/": {"not-fetched"}})
    assert "leads back" in done.out


def test_what_may_not_be_read(case: Case, run: Run, tmp_path: Path) -> None:
    """The reader is not root: root reads all."""
    source = tmp_path / "source"
    fill(source, case.objects)
    run(case, str(source), "plain")
    folder = (source / next(iter(case.objects))).parent
    name = case.folder.rpartition("/")[2]
    (folder / name).write_bytes(case.sample)
    (folder / "closed").mkdir()
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(
        f"""
import os
for word in ("open", "scandir"):
    def closed(path, *more, _real=getattr(os, word), **words):
        if str(path) in {[str(folder / name), str(folder / "closed")]!r}:
            raise PermissionError(13, "Permission denied", str(path))
        return _real(path, *more, **words)
    setattr(os, word, closed)
"""
    )
    done = run(case, str(source), PYTHONPATH=str(tmp_path / "site"))
    assert done.code == 5, done
    place = folder.relative_to(source).as_posix().removeprefix(".")
    place += "/" if place else ""
    assert not_fetched(done) == {f"{place}closed/", f"{place}{name}"}
    assert "may not be read" in done.out
    assert set(images(tmp_path / "out")) == set(images(tmp_path / "plain"))


def added(case: Case, *more: str) -> tuple[dict[str, bytes], set[str]]:
    """Return objects with odd keys, and those of them that say nobody's data safely."""
    keys = [case.folder % odd for odd in (*NOBODY, *STRANGE, *more)]
    keys += [case.name % odd for odd in (*NOBODY, *STRANGE, *more) if case.name and odd]
    named = {case.folder % odd for odd in (*NOBODY, *more)} if case.is_somebodys else set()
    return dict.fromkeys(keys, case.sample), named


def settled(done: Ended, case: Case, keys: Mapping[str, bytes], named: set[str]) -> None:
    """All comes out, but for what says nobody's data: that is named and set aside."""
    assert done.code == (5 if named else 0), done
    assert {key for key, kinds in done.findings.items() if "odd-folder" in kinds} == named
    tally = done.tally
    assert tally["quarantined"] == len(named)
    assert tally["done"] == tally["planned"] - len(named) == len(case.objects) + len(keys) - len(named)


def test_odd_names_on_a_disk(case: Case, run: Run, tmp_path: Path) -> None:
    source = tmp_path / "source"
    fill(source, case.objects)
    keys, named = added(case, "a\ufffdffb")
    fill(source, {key.replace("\ufffdff", os.fsdecode(b"\xff")): data for key, data in keys.items()})
    settled(run(case, str(source)), case, keys, named)
    again = run(case, str(source))
    assert (again.code, again.tally["done"]) == (5 if named else 0, 0)


def test_odd_names_in_a_container(case: Case, run: Run, azurite: Azurite) -> None:
    """This server cannot list control characters but for the end of a line, and takes a backslash for a slash."""
    container = azurite.create_bucket(f"odd-{os.urandom(6).hex()}")
    keys, named = added(case, "")
    keys = {key: data for key, data in keys.items() if not set(key) & set("\x01\x7f\r\x1b\\")}
    for key, data in (case.objects | keys).items():
        azurite.put(container, key, data)
    parts = ("AccountName=", azurite.account, ";AccountKey=", azurite.account_key, ";BlobEndpoint=", azurite.endpoint)
    settings = {"AZURE_STORAGE_CONNECTION_STRING": "".join(parts)}
    settled(run(case, f"az://{container}", **settings), case, keys, named & set(keys))
    dots = {case.folder % one for one in (".", "..")}
    for key in dots:
        azurite.put(container, key, case.sample)
    done = run(case, f"az://{container}", **settings)
    assert (done.code, done.tally["done"]) == (5, 0)
    assert {key for key, kinds in done.findings.items() if kinds & {"not-fetched", "odd-folder"}} >= dots


def test_keys_that_end_in_a_slash(case: Case, run: Run) -> None:
    """Empty ones mark folders, as consoles make them; others are named."""
    key, mark = case.folder % "abc", case.folder % "marked"
    marks = dict.fromkeys((f"{mark}/", f"{mark.rpartition('/')[0]}/", "marked/"), b"")
    with AnyKeyServer(case.objects | marks) as server:
        settings = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": server.endpoint}
        plain = run(case, "s3://any", **settings)
        assert (plain.code, plain.tally["done"]) == (0, len(case.objects))
        server.objects[f"{key}/"] = case.sample
        done = run(case, "s3://any", **settings)
    assert (done.code, not_fetched(done)) == (5, {key})
    assert "ends in '/'" in done.out


def test_odd_keys_in_a_bucket(case: Case, run: Run) -> None:
    keys, named = added(case, *PARTS)
    with AnyKeyServer(case.objects | keys) as server:
        settings = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": server.endpoint}
        settled(run(case, "s3://any", **settings), case, keys, named)
        again = run(case, "s3://any", **settings)
    assert (again.code, again.tally["done"]) == (5 if named else 0, 0)
