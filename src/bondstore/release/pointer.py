"""`latest.json`: the one object that says which release holds and what was taken back; it is only swapped whole."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from bondstore.errors import IntegrityError, NotFoundError
from bondstore.ledger.personal import personal_ledger
from bondstore.runs.process import whoami
from bondstore.text import iso_text

if TYPE_CHECKING:
    from bondstore.stores import Store

NAME = "latest.json"
KIND = "bondstore.release-latest"
VERSION = 1
_ID = re.compile(r"[0-9a-f]{16}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Recall:
    """What was taken back at one time."""

    id: str  # what was named: a release's id, a file's hash or its name
    at: str
    reason: str
    hashes: tuple[str, ...]  # SHA-256 of all files and plots that it took back


@dataclass(frozen=True, slots=True)
class Latest:
    """What holds in a public store."""

    generation: int = 0  # goes up by one with every change, so that no two states are the same bytes
    release: str | None = None
    at: str = ""
    releases: tuple[str, ...] = ()  # all that ever held, oldest first; so are the recalls
    recalls: tuple[Recall, ...] = ()
    again: frozenset[str] = frozenset()  # hashes that were released again on purpose

    @property
    def recalled(self) -> frozenset[str]:
        """SHA-256 of everything that must not be there."""
        return frozenset(one for recall in self.recalls for one in recall.hashes) - self.again

    def to_json(self) -> bytes:
        """Return it as JSON."""
        content = {
            "kind": KIND,
            "version": VERSION,
            "generation": self.generation,
            "release": self.release,
            "at": self.at,
            "releases": list(self.releases),
            "recalls": [
                {"id": one.id, "at": one.at, "reason": one.reason, "hashes": sorted(one.hashes)} for one in self.recalls
            ],
            "again": sorted(self.again),
        }
        return json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n"


def read_latest(store: Store) -> tuple[Latest, str | None]:
    """Read what holds, with the etag that a change must name; None where nothing was ever released.

    A damaged pointer is an `IntegrityError`: nothing can be changed then without losing what was taken back.
    """
    try:
        found = store.get(NAME)
    except NotFoundError:
        return Latest(), None
    return _parse(bytes(found.data), store.url), found.info.etag


def move(store: Store, new: Latest, etag: str | None) -> str:
    """Make a state hold; `ChangedError` or `AlreadyExistsError` where another one came in between."""
    if etag is None:
        return store.put_if_absent(NAME, new.to_json())
    return store.put_if_unchanged(NAME, new.to_json(), etag)


def now() -> str:
    """Return this second, UTC, as JSON has it."""
    return iso_text(datetime.now(UTC))


def on_record(action: str, store: Store, subject: str, size: int) -> None:
    """Put an act into the account's own record; before it happens, so that a kill leaves none unrecorded."""
    with personal_ledger() as ledger, ledger.transaction():
        ledger.audit.event(whoami(), "", action, f"{store.url} {subject}", size)


def _parse(data: bytes, place: str) -> Latest:
    try:
        content = json.loads(data)
        _each([content["kind"], str(content["version"])], re.compile(f"{KIND}|{VERSION}"))
        recalls = tuple(
            Recall(str(one["id"]), str(one["at"]), str(one["reason"]), tuple(_each(one["hashes"], _SHA256)))
            for one in content["recalls"]
        )
        release = content["release"]
        return Latest(
            int(content["generation"]),
            None if release is None else _each([release], _ID)[0],
            str(content["at"]),
            tuple(_each(content["releases"], _ID)),
            recalls,
            frozenset(_each(content["again"], _SHA256)),
        )
    except (ValueError, KeyError, TypeError):
        raise IntegrityError(
            f"{place}/{NAME} is damaged.",
            hint="Bring back an earlier version of it: it says what was taken back and must not be public.",
        ) from None


def _each(values: list[str], shape: re.Pattern[str]) -> list[str]:
    if not all(isinstance(value, str) and shape.fullmatch(value) for value in values):
        raise ValueError
    return values
