"""What a killed writer leaves in a folder: nobody sees it, and it is cleared; what a live one writes stays."""

from __future__ import annotations

import base64
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bondstore.errors import AlreadyExistsError, NotFoundError, UsageError
from bondstore.stores import Store, open_store
from tests.stores.rigs import Rig

KILLED = """
import os, signal, sys
from bondstore.stores import open_store

def pieces():
    yield b"half of it" * 1000
    if sys.argv[3] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    print("writing", flush=True)
    sys.stdin.read()
    yield b"the rest"

open_store(sys.argv[1]).put_stream(sys.argv[2], pieces())
"""


def die_writing(url: str, key: str) -> None:
    """Let a process be killed while it writes."""
    done = subprocess.run([sys.executable, "-c", KILLED, url, key, "kill"], capture_output=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store((tmp_path / "place").as_uri())


def files(store: Store) -> set[str]:
    folder = Path(store.address.place)
    return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def anything(_: str) -> bool:
    return True


def test_what_is_left_is_seen_by_nobody_and_can_be_cleared(store: Store) -> None:
    store.put("a/whole", b"1")
    die_writing(store.url, "a/b.png")
    assert files(store) == {"a/whole", "a/b.png.bondstore#1"}, "nothing was left: nothing is tested"
    assert [one.key for one in store.list()] == ["a/whole"]
    assert store.clear_unfinished(lambda key: key != "a/b.png") == []
    assert store.clear_unfinished(anything) == ["a/b.png"]
    assert files(store) == {"a/whole"}


def test_the_next_writer_of_the_same_takes_its_place(store: Store) -> None:
    for _ in range(3):
        die_writing(store.url, "b.png")
        assert len(files(store)) == 1
    store.put("b.png", b"whole")
    assert files(store) == {"b.png"}
    die_writing(store.url, "b.png")
    assert bytes(store.get("b.png").data) == b"whole"
    with pytest.raises(AlreadyExistsError):
        store.put_if_absent("b.png", b"other")
    assert files(store) == {"b.png"}


def test_a_writer_at_work_is_left_alone(store: Store) -> None:
    line = [sys.executable, "-c", KILLED, store.url, "b.png", "wait"]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        assert store.clear_unfinished(anything) == []
        store.put("b.png", b"mine")
        assert files(store) == {"b.png", "b.png.bondstore#1"}
        process.stdin.close()
        assert process.wait(30) == 0
    assert files(store) == {"b.png"}
    assert bytes(store.get("b.png").data) == b"half of it" * 1000 + b"the rest"


@pytest.mark.parametrize("ending", ["#1", ".bondstore#1"])
def test_only_files_are_cleared_and_no_link_is_followed(store: Store, tmp_path: Path, ending: str) -> None:
    store.put("a", b"1")
    folder, precious = tmp_path / "place", tmp_path / "precious"
    precious.write_bytes(b"1")
    (folder / f"link{ending}").symlink_to(precious)
    (folder / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / f"outside{ending}").write_bytes(b"1")
    (folder / f"folder{ending}").mkdir()
    os.mkfifo(folder / f"pipe{ending}")
    assert store.clear_unfinished(anything) == []
    assert precious.exists()
    assert (folder / f"link{ending}").is_symlink()
    assert (tmp_path / f"outside{ending}").exists()


def test_many_writers_of_one_key_and_a_sweeper(store: Store) -> None:
    """Each version that is read is whole; nothing is left, and no writer fails."""
    stop, failed = threading.Event(), []

    def write(number: int) -> None:
        try:
            for turn in range(60):
                store.put("x", bytes([number]) * (1000 + turn))
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    def sweep() -> None:
        while not stop.is_set():
            store.clear_unfinished(anything)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    sweeper = threading.Thread(target=sweep)
    store.put("x", b"0" * 1000)
    for one in (*writers, sweeper):
        one.start()
    while any(one.is_alive() for one in writers):
        data = bytes(store.get("x").data)
        assert len(set(data)) == 1
        assert len(data) >= 1000
    stop.set()
    sweeper.join()
    assert failed == []
    assert files(store) == {"x"}


def test_an_error_in_between_leaves_nothing(store: Store) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"1"
        raise RuntimeError("cancelled")

    with pytest.raises(RuntimeError, match="cancelled"):
        store.put_stream("a/x", pieces())
    assert files(store) == set()
    for key in ("a/x#1", "a/x.bondstore#1"):
        with pytest.raises(UsageError):
            store.put(key, b"1")


def test_what_others_named_as_obstore_does_stays_and_is_listed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "place"
    store.put("a/notes", b"1")
    (folder / "a" / "notes#1").write_bytes(b"theirs")
    store.put("a/notes", b"2")
    assert files(store) == {"a/notes", "a/notes#1"}
    assert [one.key for one in store.list()] == ["a/notes", "a/notes#1"]
    assert [one.key for one in store.dirs("a").objects] == ["a/notes", "a/notes#1"]
    assert bytes(store.get("a/notes#1").data) == b"theirs"


def test_what_an_earlier_version_left_is_cleared_where_all_is_ours(store: Store, tmp_path: Path) -> None:
    store.put("b.png", b"1")
    (tmp_path / "place" / "b.png#1").write_bytes(b"half")
    assert store.clear_unfinished(lambda key: key == "b.png") == ["b.png"]
    assert files(store) == {"b.png"}


def test_the_longest_names_can_be_written(store: Store) -> None:
    names = ["a" * 254, "a" * 255, "\u00e9" * 127, "\u2028" * 85]
    for name in names:
        store.put(name, name.encode())
    assert files(store) == set(names)


LONG = """
import base64, os, pickle, signal, sys
from bondstore.stores import open_store

def pieces():
    for _ in range(6):
        yield bytes(8 << 20)
    os.kill(os.getpid(), signal.SIGKILL)

open_store(sys.argv[1], pickle.loads(base64.b64decode(sys.argv[2]))).put_stream("big", pieces())
"""


@pytest.mark.parametrize("kind", ["s3", "az"])
def test_of_an_upload_that_was_killed_a_store_shows_nothing(request: pytest.FixtureRequest, kind: str) -> None:
    """Its parts are nobody's object: they cannot be listed or read, and the next upload is whole."""
    rig: Rig = request.getfixturevalue(f"rig_of_{kind}")
    profile = base64.b64encode(pickle.dumps(rig.profile)).decode()
    done = subprocess.run([sys.executable, "-c", LONG, rig.url, profile], capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    store = rig.open()
    assert list(store.list()) == []
    with pytest.raises(NotFoundError):
        store.get("big")
    store.put("big", bytes(9 << 20))
    assert [(one.key, one.size) for one in store.list()] == [("big", 9 << 20)]


def test_other_kinds_have_nothing_to_clear() -> None:
    assert open_store("memory://unfinished").clear_unfinished(anything) == []
