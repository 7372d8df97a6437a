"""The crosswalk: which subject code belongs to whom. Encrypted, and with all that ever changed in it.

It is a list of events; what holds now follows from them. One change is one write of the whole, which fails where
another one wrote meanwhile, and is then made again on what is there: nobody's entry is lost, and no code serves twice.
"""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from bondstore.deid.codes import check_code, draw_code, draw_shift
from bondstore.deid.people import Person
from bondstore.deid.safe import LOST_RACES, Safe, SafeKeys, opened, sealed
from bondstore.deid.samename import Alike, contradict, number_key, same_key
from bondstore.errors import IntegrityError, NotFoundError, StoreError, UsageError

NEW = "new"
"""A decision: somebody is none of those in the crosswalk."""
_FORMAT = 1
_TRIES = 100


@dataclass(frozen=True, slots=True)
class Entry:
    """One subject."""

    code: str
    person: Person
    shift: int
    """Days to add to their dates where dates are shifted; below 0."""
    added: datetime


@dataclass(frozen=True, slots=True)
class Question:
    """Somebody who may be one of those that are known: a person has to say."""

    person: Person
    candidates: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Assigned:
    """What became of some people."""

    entries: Mapping[Person, Entry]
    questions: tuple[Question, ...]
    """Those who got no code, as somebody must be asked first."""
    new: frozenset[str]
    """Codes that were drawn just now."""


class Crosswalk:
    """A crosswalk in a safe.

    Parameters
    ----------
    safe : Safe
        Where it is kept.
    keys : SafeKeys
        Who opens it.
    recipients : sequence of bytes, optional
        Public keys of others for whom it is encrypted, once it is made; later it stays for those that it is for.
    """

    def __init__(self, safe: Safe, keys: SafeKeys, recipients: Sequence[bytes] = ()) -> None:
        self._safe, self._keys, self._recipients = safe, keys, recipients

    @property
    def place(self) -> str:
        """Where it is kept."""
        return self._safe.place

    def entries(self) -> tuple[Entry, ...]:
        """Return all subjects in the order of their adding; raises `NotFoundError` where there is no crosswalk yet."""
        return self._read().entries()

    def secret(self) -> bytes:
        """Return 32 bytes that only who opens the crosswalk knows, the same for as long as there is one.

        Raises `NotFoundError` where there is none yet.
        """
        return self._read().secret

    def history(self) -> tuple[Mapping[str, Any], ...]:
        """Return all that was ever changed, oldest first."""
        found = self._safe.read()
        return () if found is None else tuple(_Record.read(found[0], self._keys, self.place).events)

    def recipients(self) -> tuple[bytes, ...]:
        """Return the public keys for which it is encrypted, or would be where there is none yet."""
        return tuple(self._record(self._safe.read()).recipients)

    def seal(self, content: bytes) -> bytes:
        """Encrypt something small for those who open the crosswalk."""
        return sealed(content, self._read().recipients, self._keys.own)

    def unseal(self, raw: bytes, place: str) -> bytes:
        """Decrypt what `seal` encrypted; `place` is what messages call it."""
        return opened(raw, self._keys, place)

    def preview(self, people: Iterable[Person]) -> Assigned:
        """Say who of some people is known, and who must be asked about; nothing is changed and nobody gets a code."""
        found = self._safe.read()
        record = self._record(found)
        return _Assignment(record, {}, {}).known(people)

    def assign(
        self,
        people: Sequence[Person],
        decisions: Mapping[Person, str] | None = None,
        codes: Mapping[Person, str] | None = None,
        *,
        keep: bool = True,
    ) -> Assigned:
        """Find the codes of some people; who has none gets one. All of it is one change.

        Parameters
        ----------
        people : sequence of Person
            Each by all spellings that are known.
        decisions : mapping of Person to str, optional
            Answers to questions of an earlier call: the code of the candidate, or `NEW`.
        codes : mapping of Person to str, optional
            Codes that people have already, from elsewhere.
        keep : bool
            False changes nothing: the codes that are drawn only stand for those that would be.

        Raises
        ------
        UsageError
            A code is none, or is somebody else's; or a decision names a code that nobody has.
        """
        decided, given = decisions or {}, codes or {}
        if not keep:
            return _Assignment(self._record(self._safe.read()), decided, given).all(people)
        return self._changed(lambda record: _Assignment(record, decided, given).all(people))

    def _read(self) -> _Record:
        found = self._safe.read()
        if found is None:
            raise NotFoundError(
                f"There is no crosswalk {self.place} yet.", hint="The first bondstore crosswalk add makes it."
            )
        return _Record.read(found[0], self._keys, self.place)

    def _record(self, found: tuple[bytes, str] | None) -> _Record:
        if found is None:
            recipients = dict.fromkeys((self._keys.own.public, *self._recipients))
            return _Record([], list(recipients), secrets.token_bytes(32))
        return _Record.read(found[0], self._keys, self.place)

    def _changed(self, act: Callable[[_Record], Assigned]) -> Assigned:
        for number in range(_TRIES):
            found = self._safe.read()
            record = self._record(found)
            before = len(record.events)
            done = act(record)
            if len(record.events) == before:
                return done
            try:
                self._safe.write(record.written(self._keys), None if found is None else found[1])
            except LOST_RACES:
                time.sleep(random.uniform(0, 0.02 * min(number + 1, 25)))  # noqa: S311 - no secret
                continue
            return done
        raise StoreError(f"Others kept changing {self.place}; nothing was added.", hint="Run the same command again.")


@dataclass(slots=True)
class _Record:
    """The content of a crosswalk."""

    events: list[dict[str, Any]]
    recipients: list[bytes]
    secret: bytes

    @classmethod
    def read(cls, raw: bytes, keys: SafeKeys, place: str) -> _Record:
        content = json.loads(opened(raw, keys, place))
        if not isinstance(content, dict) or content.get("crosswalk") != _FORMAT:
            raise IntegrityError(f"{place} is not a crosswalk that this version can read.", hint="Update Bondstore.")
        recipients = [bytes.fromhex(one) for one in content["recipients"]]
        return cls(content["events"], recipients, bytes.fromhex(content["secret"]))

    def written(self, keys: SafeKeys) -> bytes:
        recipients, secret = [one.hex() for one in self.recipients], self.secret.hex()
        content = {"crosswalk": _FORMAT, "recipients": recipients, "secret": secret, "events": self.events}
        return sealed(json.dumps(content, ensure_ascii=False).encode(), self.recipients, keys.own)

    def entries(self) -> tuple[Entry, ...]:
        """Return what holds after all events."""
        found: dict[str, Entry] = {}
        for event in self.events:
            person = _person(event)
            known = found.get(event["code"])
            if known is None:
                found[event["code"]] = Entry(event["code"], person, event["shift"], datetime.fromisoformat(event["at"]))
            else:
                found[event["code"]] = replace(known, person=known.person.joined(person))
        return tuple(found.values())


class _Assignment:
    """People held against a crosswalk's record."""

    def __init__(self, record: _Record, decisions: Mapping[Person, str], codes: Mapping[Person, str]) -> None:
        self._record, self._decisions, self._codes = record, decisions, codes
        self._entries = list(record.entries())
        self._alike = Alike(one.person for one in self._entries)
        self._new: set[str] = set()

    def known(self, people: Iterable[Person]) -> Assigned:
        """Find those who are known."""
        entries, questions = {}, []
        for person in people:
            match self._look(person):
                case Entry() as entry:
                    entries[person] = entry
                case Question() as question:
                    questions.append(question)
        return Assigned(entries, tuple(questions), frozenset())

    def all(self, people: Iterable[Person]) -> Assigned:
        """Find those who are known, and add those who are not."""
        entries, questions = {}, []
        for person in people:
            found = self._decided(person)
            if isinstance(found, Question):
                questions.append(found)
            else:
                entries[person] = self._kept(person, found)
        return Assigned(entries, tuple(questions), frozenset(self._new))

    def _decided(self, person: Person) -> Entry | Question | None:
        decision = self._decisions.get(person)
        if decision is not None and decision != NEW:
            entry = next((one for one in self._entries if one.code == decision), None)
            if entry is None:
                raise UsageError(f"Nobody in the crosswalk has the code {decision}.", hint="bondstore crosswalk list")
            return entry
        found = self._look(person)
        return None if decision == NEW and isinstance(found, Question) else found

    def _look(self, person: Person) -> Entry | Question | None:
        names, numbers = set(map(same_key, person.names)), set(map(number_key, person.numbers))
        if not names | numbers:
            raise UsageError("Somebody has neither a name nor a record number.", hint="Give one of them.")
        by_number = [one for one in self._entries if numbers & set(map(number_key, one.person.numbers))]
        same = [one for one in self._entries if names & set(map(same_key, one.person.names))] if names else by_number
        right = [one for one in same if not contradict(person, one.person)]
        if len(right) == 1:
            return right[0]
        alike = (self._entries[number] for number in self._alike.of(person))
        near = [one for one in alike if not contradict(person, one.person)]
        candidates = {one.code: one for one in (*same, *by_number, *near)}
        return Question(person, tuple(candidates.values())) if candidates else None

    def _kept(self, person: Person, known: Entry | None) -> Entry:
        wanted = self._codes.get(person)
        if known is not None:
            if wanted not in (None, known.code):
                raise UsageError(f"This person has the code {known.code} already.", hint="Leave the other code out.")
            return self._extended(known, person)
        taken = {one.code for one in self._entries}
        if wanted is not None and check_code(wanted) in taken:
            raise UsageError(f"The code {wanted} is somebody else's.", hint="Choose another one, or leave it out.")
        code = wanted or draw_code(taken)
        now = datetime.now(UTC).replace(microsecond=0)
        entry = Entry(code, person, draw_shift(), now)
        self._record.events.append({"at": now.isoformat(), "code": code, "shift": entry.shift, **_fields(person)})
        self._alike.put(len(self._entries), person)
        self._entries.append(entry)
        self._new.add(code)
        return entry

    def _extended(self, known: Entry, person: Person) -> Entry:
        """Keep what is new of somebody who is known: a spelling, a day of birth, a record number."""
        merged = known.person.joined(person)
        if merged == known.person:
            return known
        now = datetime.now(UTC).replace(microsecond=0)
        self._record.events.append({"at": now.isoformat(), "code": known.code, **_fields(person)})
        entry = replace(known, person=merged)
        number = self._entries.index(known)
        self._entries[number] = entry
        self._alike.put(number, merged)
        return entry


def _fields(person: Person) -> dict[str, list[str]]:
    return {"names": list(person.names), "births": [str(one) for one in person.births], "numbers": list(person.numbers)}


def _person(event: Mapping[str, Any]) -> Person:
    births = tuple(date.fromisoformat(one) for one in event["births"])
    return Person(tuple(event["names"]), births, tuple(event["numbers"]))
