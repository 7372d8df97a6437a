["release", "old-release", "file"]""Publishing and taking back, killed at every single change and also with kill -9: the public side is always whole."""

["release", "old-release", "file"]rom __future__ import annotations

["release", "old-release", "file"]mport contextlib
["release", "old-release", "file"]mport hashlib
["release", "old-release", "file"]mport os
["release", "old-release", "file"]mport random
["release", "old-release", "file"]mport signal
["release", "old-release", "file"]mport subprocess
["release", "old-release", "file"]mport sys
["release", "old-release", "file"]mport time
["release", "old-release", "file"]rom collections.abc import Callable
["release", "old-release", "file"]rom pathlib import Path
["release", "old-release", "file"]rom typing import Any

["release", "old-release", "file"]mport pytest

["release", "old-release", "file"]rom bondstore.release.publish import Order, publish
["release", "old-release", "file"]rom bondstore.release.recall import recall
["release", "old-release", "file"]rom tests.homes import home
["release", "old-release", "file"]rom tests.release.lab import Files, add, check_public, good_files, png, reader
["release", "old-release", "file"]rom tests.release.places import Place, Stop, folder_place, stopping

__["release", "old-release", "file"]ll__ = ["home"]

["release", "old-release", "file"]ytestmark = pytest.mark.usefixtures("home")


["release", "old-release", "file"]ef hashes(files: Files) -> set[str]:
["release", "old-release", "file"]   return {hashlib.sha256(data).hexdigest() for name, data in files.items() if name.endswith(".nc")}


["release", "old-release", "file"]ef second(files: Files) -> Files:
["release", "old-release", "file"]   """The same, with one file more, one changed, one gone, and one that fails."""
["release", "old-release", "file"]   more = dict(files)
["release", "old-release", "file"]   del more["2024/05/p2_qc.nc"], more["2024/05/p2_qc.nc.json"]
["release", "old-release", "file"]   more["plots/1.png"] = png(9)
["release", "old-release", "file"]   add(more, "2024/05/p1_qc.nc", b"changed", plots=["plots/1.png"])
["release", "old-release", "file"]   add(more, "2024/05/p9_qc.nc")
["release", "old-release", "file"]   add(more, "2024/05/bad_qc.nc", grade="bad", levels={"TEMP": {"bad": 4}})
["release", "old-release", "file"]   return more


["release", "old-release", "file"]ef look(place: Place) -> tuple[str | None, set[str]]:
["release", "old-release", "file"]   tree = place.tree()
["release", "old-release", "file"]   return check_public(reader(lambda: tree), list(tree))


["release", "old-release", "file"]ef at_every_change(act: Callable[[Any], object], fresh: Callable[[int], Place], check: Callable[[Place], None]) -> int:
["release", "old-release", "file"]   """Do something again and again, stopped one change later each time; returns how many changes it takes."""
["release", "old-release", "file"]   nth = 0
["release", "old-release", "file"]   while True:
["release", "old-release", "file"]       nth += 1
["release", "old-release", "file"]       ended = False
["release", "old-release", "file"]       for after in (False, True):
["release", "old-release", "file"]           place = fresh(nth)
["release", "old-release", "file"]           with contextlib.suppress(Stop):
["release", "old-release", "file"]               act(stopping(place.store, nth, after=after))
["release", "old-release", "file"]               ended = True
["release", "old-release", "file"]           check(place)
["release", "old-release", "file"]       if ended:
["release", "old-release", "file"]           return nth - 1


["release", "old-release", "file"]ef fresh_of(tmp_path: Path, prepare: Callable[[Place], None]) -> Callable[[int], Place]:
["release", "old-release", "file"]   count = [0]

["release", "old-release", "file"]   def fresh(_: int) -> Place:
["release", "old-release", "file"]       count[0] += 1
["release", "old-release", "file"]       place = folder_place(tmp_path / f"public-{count[0]}")
["release", "old-release", "file"]       prepare(place)
["release", "old-release", "file"]       return place

["release", "old-release", "file"]   return fresh


["release", "old-release", "file"]ef test_a_first_publication(tmp_path: Path) -> None:
["release", "old-release", "file"]   source = folder_place(tmp_path / "private")
["release", "old-release", "file"]   files = good_files()
["release", "old-release", "file"]   source.fill(files)
["release", "old-release", "file"]   undisturbed = folder_place(tmp_path / "undisturbed")
["release", "old-release", "file"]   publish(source.store, undisturbed.store, Order(stac=True))

["release", "old-release", "file"]   def check(place: Place) -> None:
["release", "old-release", "file"]       holds, named = look(place)
["release", "old-release", "file"]       assert named <= hashes(files)
["release", "old-release", "file"]       publish(source.store, place.store, Order(stac=True))
["release", "old-release", "file"]       assert without_times(place) == without_times(undisturbed)
["release", "old-release", "file"]       before = place.tree()
["release", "old-release", "file"]       assert publish(source.store, place.store, Order(stac=True)).changed is False
["release", "old-release", "file"]       assert place.tree() == before

["release", "old-release", "file"]   changes = at_every_change(
["release", "old-release", "file"]       lambda store: publish(source.store, store, Order(stac=True)), fresh_of(tmp_path, lambda _: None), check
["release", "old-release", "file"]   )
["release", "old-release", "file"]   assert changes >= 4 + 5 + 1 + 5


["release", "old-release", "file"]ef without_times(place: Place) -> dict[str, bytes]:
["release", "old-release", "file"]   """All that is there, but for when and how often it changed."""
["release", "old-release", "file"]   return {name: data for name, data in place.tree().items() if name != "latest.json"}


["release", "old-release", "file"]ef test_the_next_publication_leaves_the_old_or_the_new(tmp_path: Path) -> None:
["release", "old-release", "file"]   old, new = good_files(), second(good_files())
["release", "old-release", "file"]   one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
["release", "old-release", "file"]   one.fill(old)
["release", "old-release", "file"]   other.fill(new)
["release", "old-release", "file"]   bad = hashlib.sha256(new["2024/05/bad_qc.nc"]).hexdigest()
["release", "old-release", "file"]   held = publish(one.store, folder_place(tmp_path / "x").store).release
["release", "old-release", "file"]   next_held = publish(other.store, folder_place(tmp_path / "y").store).release
["release", "old-release", "file"]   seen = set()

["release", "old-release", "file"]   def check(place: Place) -> None:
["release", "old-release", "file"]       holds, named = look(place)
["release", "old-release", "file"]       assert holds in (held, next_held)
["release", "old-release", "file"]       seen.add(holds)
["release", "old-release", "file"]       assert bad not in named
["release", "old-release", "file"]       assert named <= hashes(old) | hashes(new)
["release", "old-release", "file"]       publish(other.store, place.store)
["release", "old-release", "file"]       assert look(place)[0] == next_held
["release", "old-release", "file"]       assert not any(new["2024/05/bad_qc.nc"] == data for data in place.tree().values())

["release", "old-release", "file"]   changes = at_every_change(
["release", "old-release", "file"]       lambda store: publish(other.store, store),
["release", "old-release", "file"]       fresh_of(tmp_path, lambda place: publish(one.store, place.store)),
["release", "old-release", "file"]       check,
["release", "old-release", "file"]   )
["release", "old-release", "file"]   assert seen == {held, next_held}
["release", "old-release", "file"]   assert changes >= 12


@["release", "old-release", "file"]ytest.mark.parametrize("what", ["release", "old-release", "file", "hash"])
["release", "old-release", "file"]ef test_taking_back(tmp_path: Path, what: str) -> None:
["release", "old-release", "file"]   one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
["release", "old-release", "file"]   old, new = good_files(), second(good_files())
["release", "old-release", "file"]   one.fill(old)
["release", "old-release", "file"]   other.fill(new)
["release", "old-release", "file"]   ids = []

["release", "old-release", "file"]   def prepare(place: Place) -> None:
["release", "old-release", "file"]       ids[:] = [publish(some.store, place.store).release for some in (one, other)]

["release", "old-release", "file"]   prepare(folder_place(tmp_path / "z"))
["release", "old-release", "file"]   p0 = hashlib.sha256(old["2024/05/p0_qc.nc"]).hexdigest()
["release", "old-release", "file"]   plot = old["plots/0.png"]
["release", "old-release", "file"]   names = {"release": ids[1], "old-release": ids[0], "file": "2024/05/p0_qc.nc"}

["release", "old-release", "file"]   def check(place: Place) -> None:
["release", "old-release", "file"]       look(place)
["release", "old-release", "file"]       recall(place.store, names[what], reason="wrong position")
["release", "old-release", "file"]       _, named = look(place)
["release", "old-release", "file"]       assert p0 not in named
["release", "old-release", "file"]       assert old["2024/05/p0_qc.nc"] not in place.tree().values()
["release", "old-release", "file"]       assert plot not in place.tree().values()
["release", "old-release", "file"]       before = place.tree()
["release", "old-release", "file"]       recall(place.store, names[what], reason="wrong position")
["release", "old-release", "file"]       assert place.tree() == before, "taking back again is harmless"
["release", "old-release", "file"]       publish(other.store, place.store)
["release", "old-release", "file"]       assert old["2024/05/p0_qc.nc"] not in place.tree().values(), "a publication brought it back"
["release", "old-release", "file"]       assert p0 not in look(place)[1]

["release", "old-release", "file"]   changes = at_every_change(
["release", "old-release", "file"]       lambda store: recall(store, names[what], reason="wrong position"), fresh_of(tmp_path, prepare), check
["release", "old-release", "file"]   )
["release", "old-release", "file"]   assert changes >= 12


SCRIPT["release", "old-release", "file"]= """
["release", "old-release", "file"]mport sys
["release", "old-release", "file"]rom bondstore.release.publish import publish
["release", "old-release", "file"]rom bondstore.stores import open_store
["release", "old-release", "file"]ublish(open_store(sys.argv[1]), open_store(sys.argv[2]))
["release", "old-release", "file"]""


["release", "old-release", "file"]ef test_kill_9_at_work(tmp_path: Path) -> None:
["release", "old-release", "file"]   old = good_files(40)
["release", "old-release", "file"]   new = {name.replace("p", "q", 1) if name.endswith((".nc", ".json")) else name: data for name, data in old.items()}
["release", "old-release", "file"]   new = {}
["release", "old-release", "file"]   for number in range(40):
["release", "old-release", "file"]       add(new, f"2024/06/q{number}_qc.nc")
["release", "old-release", "file"]   one, other = folder_place(tmp_path / "one"), folder_place(tmp_path / "other")
["release", "old-release", "file"]   one.fill(old)
["release", "old-release", "file"]   other.fill(new)
["release", "old-release", "file"]   place = folder_place(tmp_path / "public")
["release", "old-release", "file"]   publish(one.store, place.store)
["release", "old-release", "file"]   rng = random.Random("kill")
["release", "old-release", "file"]   landed = 0
["release", "old-release", "file"]   for turn in range(12):
["release", "old-release", "file"]       source = (other, one)[turn % 2]
["release", "old-release", "file"]       killed = _kill(source, place, rng.uniform(0.0, 0.12))
["release", "old-release", "file"]       landed += killed
["release", "old-release", "file"]       look(place)
["release", "old-release", "file"]   assert landed >= 3
["release", "old-release", "file"]   publish(other.store, place.store)
["release", "old-release", "file"]   assert look(place)[1] == hashes(old) | hashes(new)


["release", "old-release", "file"]ef _kill(source: Place, place: Place, pause: float) -> bool:
["release", "old-release", "file"]   """Kill a publication some time after it began to write."""
["release", "old-release", "file"]   script = SCRIPT.replace("publish(open", "print('ready', flush=True); publish(open")
["release", "old-release", "file"]   words = [sys.executable, "-c", script, source.store.url, place.store.url]
["release", "old-release", "file"]   process = subprocess.Popen(words, stdout=subprocess.PIPE, env=os.environ.copy())
["release", "old-release", "file"]   assert process.stdout is not None
["release", "old-release", "file"]   process.stdout.readline()
["release", "old-release", "file"]   time.sleep(pause)
["release", "old-release", "file"]   process.kill()
["release", "old-release", "file"]   process.stdout.close()
["release", "old-release", "file"]   return process.wait() == -signal.SIGKILL
