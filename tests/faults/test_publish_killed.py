"""Publishing and taking back, killed at every single change and also with kill -9: the public side is always whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bondstore.errors import NotFoundError
from bondstore.release.publish import publish
from bondstore.release.recall import recall
from bondstore.release.settings import Order
from tests.homes import home
from tests.release.lab import Files, add, check_public, good_files, png
from tests.release.places import Place, Stop, folder_place, stopping

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def hashes(files: Files) -> set[str]:
    return {hashlib.sha256(data).hexdigest() for name, data in files.items() if name.endswith(".nc")}


def second(files: Files) -> Files:
    """The same, with one file more, one changed, one gone, and one that fails."""
    more = dict(files)
    del more["2024/05/p2_qc.nc"], more["2024/05/p2_qc.nc.json"]
    more["plots/1.png"] = png(9)
    add(more, "2024/05/p1_qc.nc", b"changed", plots=["plots/1.png"])
    add(more, "2024/05/p9_qc.nc")
    add(more, "2024/05/bad_qc.nc", grade="bad", levels={"TEMP": {"bad": 4}})
    return more


def look(place: Place) -> tuple[str | None, set[str]]:
    tree = place.tree()
    return check_public(tree.get, list(tree))


def without_pointer(place: Place) -> dict[str, bytes]:
    """All that is there, but for the pointer: it says when, and how often, it was moved."""
    return {name: data for name, data in place.tree().items() if name != "latest.json"}


def at_every_change(act: Callable[[Any], object], fresh: Callable[[], Place], check: Callable[[Place], None]) -> int:
    """Do something again and again, stopped one change later each time; returns how many changes it takes."""
    nth = 0
    while True:
        nth += 1
        ended = False
        for after in (False, True):
            place = fresh()
            with contextlib.suppress(Stop):
                act(stopping(place.store, nth, after=after))
                ended = True
            check(place)
        if ended:
            return nth - 1


def fresh_of(tmp_path: Path, prepare: Callable[[Place], object]) -> Callable[[], Place]:
    count = iter(range(1000))

    def fresh() -> Place:
        place = folder_place(tmp_path / f"public-{next(count)}")
        prepare(place)
        return place

    return fresh


def test_a_first_publication(tmp_path: Path) -> None:
    source = folder_place(tmp_path / "private")
    files = good_files()
    source.fill(files)
    undisturbed = folder_place(tmp_path / "undisturbed")
    publish(source.store, undisturbed.store, Order(stac=True))

    def check(place: Place) -> None:
        assert look(place)[1] <= hashes(files)
        publish(source.store, place.store, Order(stac=True))
        assert without_pointer(place) == without_pointer(undisturbed)
        before = place.tree()
        publish(source.store, place.store, Order(stac=True))
        assert place.tree() == before

    changes = at_every_change(
        lambda store: publish(source.store, store, Order(stac=True)), fresh_of(tmp_path, lambda _: None), check
    )
    assert changes == 4 + 5 + 1 + 5, "objects, the release's own files, the pointer, the root"


def test_the_next_publication_leaves_the_old_or_the_new(tmp_path: Path) -> None:
    old, new = good_files(), second(good_files())
    one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
    one.fill(old)
    other.fill(new)
    bad = new["2024/05/bad_qc.nc"]
    held = publish(one.store, folder_place(tmp_path / "x").store).release
    next_held = publish(other.store, folder_place(tmp_path / "y").store).release
    seen = set()

    def check(place: Place) -> None:
        holds, named = look(place)
        assert holds in (held, next_held)
        seen.add(holds)
        assert named <= (hashes(old) | hashes(new)) - {hashlib.sha256(bad).hexdigest()}
        publish(other.store, place.store)
        assert look(place)[0] == next_held
        assert bad not in place.tree().values()

    changes = at_every_change(
        lambda store: publish(other.store, store),
        fresh_of(tmp_path, lambda place: publish(one.store, place.store)),
        check,
    )
    assert seen == {held, next_held}
    assert changes == 3 + 4 + 1 + 4


@pytest.mark.parametrize("what", ["release", "old-release", "file"])
def test_taking_back(tmp_path: Path, what: str) -> None:
    one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
    old, new = good_files(), second(good_files())
    one.fill(old)
    other.fill(new)
    ids: list[str] = []

    def prepare(place: Place) -> None:
        ids[:] = [publish(some.store, place.store).release for some in (one, other)]

    prepare(folder_place(tmp_path / "z"))
    taken = old["2024/05/p0_qc.nc"]
    name = {"release": ids[1], "old-release": ids[0], "file": "2024/05/p0_qc.nc"}[what]

    def gone(place: Place) -> None:
        _, named = look(place)
        assert hashlib.sha256(taken).hexdigest() not in named
        assert not {taken, old["plots/0.png"]} & set(place.tree().values())

    def check(place: Place) -> None:
        look(place)
        recall(place.store, name, reason="wrong position")
        gone(place)
        before = place.tree()
        recall(place.store, name, reason="wrong position")
        assert place.tree() == before, "taking back again is harmless"
        publish(other.store, place.store)
        gone(place)

    changes = at_every_change(
        lambda store: recall(store, name, reason="wrong position"), fresh_of(tmp_path, prepare), check
    )
    assert changes >= 4 + 1 + 4 + 6 + 2


SCRIPT = """
import sys
from bondstore.release.publish import publish
from bondstore.stores import open_store
source, dest = map(open_store, sys.argv[1:])
print("ready", flush=True)
publish(source, dest)
"""


def kill_at_work(source: Place, place: Place, pause: float) -> bool:
    """Kill a publication some time after it began; says whether it was still at work."""
    words = [sys.executable, "-c", SCRIPT, source.store.url, place.store.url]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ.copy())
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(pause)
    process.kill()
    process.stdout.close()
    return process.wait() == -signal.SIGKILL


def test_kill_9_at_work(tmp_path: Path) -> None:
    old: Files = {}
    new: Files = {}
    for number in range(40):
        add(old, f"2024/05/p{number}_qc.nc")
        add(new, f"2024/06/q{number}_qc.nc")
    one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
    one.fill(old)
    other.fill(new)
    place = folder_place(tmp_path / "public")
    publish(one.store, place.store)
    rng = random.Random("kill")
    landed = 0
    for turn in range(12):
        landed += kill_at_work((other, one)[turn % 2], place, rng.uniform(0.0, 0.12))
        look(place)
    assert landed >= 3
    publish(one.store, place.store)
    publish(other.store, place.store)
    assert look(place)[1] == hashes(old) | hashes(new)


HALF = """
import os, signal, sys
from bondstore.release.publish import publish
from bondstore.stores import open_store
from bondstore.stores.kinds.file import writing

left, whole = int(sys.argv[3]), writing._write

def half(handle, piece):
    global left
    left -= 1
    whole(handle, memoryview(piece)[: len(piece) // 2] if left == 0 else piece)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

writing._write = half
publish(*map(open_store, sys.argv[1:3]))
"""


def test_killed_in_the_middle_of_each_file_nothing_public_stays(tmp_path: Path) -> None:
    """Half a file lies beside its name then: the next publication clears it, and so does a recall."""
    files = good_files()
    one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
    one.fill(files)
    other.fill({name: data for name, data in second(good_files()).items() if "bad" not in name})
    nth = 0
    while True:
        nth += 1
        place = folder_place(tmp_path / f"public-{nth}")
        publish(other.store, place.store)
        words = [sys.executable, "-c", HALF, one.store.url, place.store.url, str(nth)]
        if subprocess.run(words, capture_output=True).returncode == 0:
            break
        assert [name for name in place.tree() if "#" in name], "nothing was left: nothing is tested"
        look(place)
        if nth % 2:
            publish(other.store, place.store)  # not what was being written
        else:
            with contextlib.suppress(NotFoundError):
                recall(place.store, "no-such-file", reason="wrong")
        assert not [name for name in place.tree() if "#" in name]
        look(place)
    assert nth > 6


def test_a_file_of_somebody_else_stays(tmp_path: Path) -> None:
    """Whatever has a name that no publication writes is not ours to remove."""
    one, place = folder_place(tmp_path / "one"), folder_place(tmp_path / "public")
    one.fill(good_files())
    theirs = {"notes#1": b"1", "releases/notes#2": b"2", "data/notes#3": b"3", "data/0123456789abcdef/x.nc": b"4"}
    place.fill(theirs)
    publish(one.store, place.store)
    assert theirs.items() <= place.tree().items()
