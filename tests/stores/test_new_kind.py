"""A new kind of store is one module: nothing else is touched, and all of the house knows it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import bondstore

KIND = """
import os
from bondstore.stores.address import StoreKind, register

class ShelfKind(StoreKind):
    schemes = ("shelf", "rack")
    example = "shelf://name/prefix"
    is_remote = False
    renames = True

    def client(self, address, profile, rule, role):
        from obstore.store import LocalStore
        return LocalStore(os.path.join(os.environ["SHELVES"], *self.parts(address)), mkdir=True)

register(ShelfKind())
"""
USE = """
import pickle, sys
from bondstore import open_store
from bondstore.errors import AlreadyExistsError, UsageError
store = pickle.loads(pickle.dumps(open_store("rack://one/a")))
assert store.url == "shelf://one/a", store.url
store.put_if_absent("x/y", b"1")
try:
    store.put_if_absent("x/y", b"2")
except AlreadyExistsError:
    store.move("x/y", "x/z")
assert [one.key for one in open_store("shelf://one").list()] == ["a/x/z"]
try:
    open_store("stack://one")
except UsageError as error:
    assert "shelf://name/prefix" in error.hint, error.hint
else:
    sys.exit("an unknown kind was opened")
"""


def test_one_module_makes_a_kind(tmp_path: Path) -> None:
    house = tmp_path / "house" / "bondstore"
    shutil.copytree(Path(bondstore.__file__).parent, house, ignore=shutil.ignore_patterns("__pycache__"))
    (house / "stores" / "kinds" / "shelf.py").write_text(KIND)
    environment = os.environ | {"PYTHONPATH": str(house.parent), "HOME": str(tmp_path), "SHELVES": str(tmp_path / "s")}
    environment |= {f"XDG_{name}_HOME": str(tmp_path / name) for name in ("CONFIG", "DATA", "STATE")}

    def run(*words: str) -> str:
        done = subprocess.run([sys.executable, *words], env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    run("-c", USE)
    run("-m", "bondstore", "profile", "add", "toy", "--url", "shelf://one/a")
    told = run("-m", "bondstore", "doctor", "--profile", "toy", "--json")
    assert "A shelf:// store needs none." in told
