"""Stores to publish between, each with a witness that does not go through our code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.stores import Store, open_store
from bondstore.stores.store import Store as _Store


@dataclass(frozen=True)
class Place:
    """A store and what lies in it.

    Parameters
    ----------
    store : Store
        As our code sees it.
    fill : callable
        Puts files there.
    tree : callable
        Returns all that is there.
    """

    store: Store
    fill: Callable[[dict[str, bytes]], None]
    tree: Callable[[], dict[str, bytes]]


def folder_place(folder: Path) -> Place:
    folder.mkdir(parents=True, exist_ok=True)

    def fill(files: dict[str, bytes]) -> None:
        for key, data in files.items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def tree() -> dict[str, bytes]:
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    return Place(open_store(folder.as_uri()), fill, tree)


class Stop(BaseException):
    """A kill: nothing catches it."""


class Stopping(_Store):
    """A store whose n-th change is the last thing that happens: it is carried out or not, and then all stops."""

    left = -1
    after = False
    calls = 0

    def _count(self, act: Callable[[], Any]) -> Any:
        type(self).calls += 1
        if self.left == 0:
            raise Stop
        self.left -= 1
        if self.left == 0 and self.after:
            act()
            raise Stop
        if self.left == 0:
            raise Stop
        return act()

    def put(self, key: str, data: Any) -> str:
        return self._count(lambda: _Store.put(self, key, data))

    def put_if_absent(self, key: str, data: Any) -> str:
        return self._count(lambda: _Store.put_if_absent(self, key, data))

    def put_if_unchanged(self, key: str, data: Any, etag: str) -> str:
        return self._count(lambda: _Store.put_if_unchanged(self, key, data, etag))

    def delete(self, key: str) -> None:
        return self._count(lambda: _Store.delete(self, key))


def stopping(store: Store, nth: int, *, after: bool) -> Stopping:
    """Return a store that stops at its n-th change; `after` it was carried out, or before."""
    made = Stopping(store.spec, rule=store.rule)
    made.left, made.after = nth, after
    return made
