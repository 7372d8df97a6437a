"""What is to be done with each file of a place, found out anew for each run: whose it is, where it goes, or why not."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal

from bondstore.deid.dates import DatePolicy, redating
from bondstore.deid.edf.rules import Rules
from bondstore.deid.names import NameFinder
from bondstore.deid.people import Person
from bondstore.deid.video import can_be_read
from bondstore.domains.neuro.aliases import Aliases
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.layout import Found, lay_out
from bondstore.domains.neuro.looking import FILE_TIME
from bondstore.domains.neuro.patients import parted
from bondstore.errors import DamagedError, NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from bondstore.deid.crosswalk import Crosswalk, Entry
    from bondstore.domains.neuro.patients import Patient


@dataclass(frozen=True, slots=True)
class How:
    """How identity is taken out."""

    dates: DatePolicy = "keep"
    annotations: Literal["scrub", "drop"] = "scrub"
    faces: Literal["keep", "fill"] = "keep"
    """What is done with faces in videos."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file."""

    key: str = field(repr=False)
    """As the store has it: never to be recorded or shown."""
    patient: int
    """The place of its patient among all, from 1."""
    path: str = ""
    """Where it goes; empty where it is refused."""
    subject: str = ""
    reason: str = ""
    """Why it is refused: the word of a finding."""
    remark: str = ""
    """What a person should look at: the word of a finding."""
    start: datetime | None = None
    by: str = ""
    """What says when it began."""
    sealed: bool = False
    """Whether it is encrypted as it is, as it cannot be cleaned."""


FOR_SEALED = ""
"""In place of a subject: how files are sealed does not depend on whose they are."""


@dataclass(frozen=True, slots=True)
class Sources:
    """All files of a place by their aliases, and what is taken out of those of each subject."""

    files: Mapping[str, Source]
    rules: Mapping[str, Rules]
    digests: Mapping[str, str] = field(default_factory=dict)
    """Tells what is done with the files of a subject from what was done with other settings, or for other names."""
    candidates: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Codes of subjects that a patient may be, where somebody must say."""
    new: frozenset[str] = frozenset()
    """Codes that were drawn just now."""
    recipients: tuple[bytes, ...] = ()
    """Public keys for which files are sealed that cannot be cleaned."""
    how: How = How()

    def digest(self, source: Source) -> str | None:
        """Return what tells how a file is handled; None of one that is refused."""
        return None if source.reason else self.digests.get(FOR_SEALED if source.sealed else source.subject)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for besides the source."""

    how: How = How()
    also: Sequence[Person] = ()
    """Others whose names are taken out."""
    code: str | None = None
    """The code of the one patient there is."""
    allow: frozenset[str] = frozenset()
    """Endings of files that are sealed where they cannot be cleaned."""
    draft: bool = False
    """Whether nothing is to be kept of it in the crosswalk."""


def sources_of(
    patients: Sequence[Patient], crosswalk: Crosswalk, asked: Asked, given: Mapping[str, str] | None = None
) -> Sources:
    """Find or draw the codes of patients, and give each file its place; `given` are places of before, by alias."""
    subjects = _subjects(crosswalk)
    whose = {number: _person(one, subjects) for number, one in enumerate(patients, 1) if len(one.people) <= 1}
    people = {number: one for number, one in whose.items() if one.names or one.numbers}
    if asked.code is not None and len(parted(people.values())) != 1:
        raise UsageError("--code is for one patient, and the source has none or several.", hint="Leave it out.")
    codes = {} if asked.code is None else dict.fromkeys(people.values(), asked.code)
    assigned = crosswalk.assign(list(people.values()), None, codes, keep=not asked.draft)
    aliases = Aliases(_secret(crosswalk, draft=asked.draft))
    candidates = {one.person: tuple(each.code for each in one.candidates) for one in assigned.questions}
    folders: defaultdict[str, list[tuple[int, Patient]]] = defaultdict(list)
    entries: dict[str, Entry] = {}
    found: list[Source] = []
    for number, one in enumerate(patients, 1):
        entry = assigned.entries.get(people[number]) if number in people else None
        if number in whose and number not in people:  # no header names anybody, and the folder has the code already
            entry = subjects.get(_code_of(one))
        if entry is None:
            word = "person-doubtful" if number in people else "nobody-named" if number in whose else "several-people"
            found += (Source(key, number, reason=word) for key in (*one.files, *one.unread, *_kept(one, asked.allow)))
        else:
            entries[entry.code] = entry
            folders[entry.code].append((number, one))
        refused = one.refused.keys() - _kept(one, asked.allow).keys()
        found += (Source(key, number, reason=one.refused[key].value) for key in refused)
    rules, digests = {}, {}
    for code, entry in entries.items():
        found += _placed(code, folders[code], aliases, given or {}, asked.allow)
        named = [entry.person, *(each for _, one in folders[code] for each in _named(one, subjects)), *asked.also]
        rules[code] = _rules(entry, named, asked.how)
        digests[code] = _digest(aliases.secret, entry, named, asked.how)
    doubtful = {number: candidates[person] for number, person in people.items() if person in candidates}
    recipients = crosswalk.recipients() if asked.allow else ()
    if asked.allow:
        digests[FOR_SEALED] = hmac.digest(aliases.secret, repr(sorted(recipients)).encode(), hashlib.sha256).hex()[:32]
    files = {aliases.of(one.key): one for one in found}
    return Sources(files, rules, digests, doubtful, assigned.new, recipients, asked.how)


def _kept(patient: Patient, allow: frozenset[str]) -> dict[str, Kind]:
    """Return the files that are sealed: those that cannot be cleaned, with one of some endings."""
    return {key: kind for key, kind in patient.refused.items() if PurePosixPath(key).suffix[1:].lower() in allow}


def _secret(crosswalk: Crosswalk, *, draft: bool) -> bytes:
    try:
        return crosswalk.secret()
    except NotFoundError:
        if not draft:
            raise
        return secrets.token_bytes(32)


def _rules(entry: Entry, named: Sequence[Person], how: How) -> Rules:
    finder = NameFinder(named, all_dates=how.dates != "keep")
    return Rules(entry.code, finder, redating(how.dates, entry.shift), how.annotations)


def _digest(secret: bytes, entry: Entry, named: Iterable[Person], how: How) -> str:
    """Digest settings and names with the crosswalk's secret: nobody else can try names out on it."""
    known = sorted({word for one in named for word in (*one.names, *map(str, one.births), *one.numbers)})
    return hmac.digest(secret, repr((how, entry.code, entry.shift, known)).encode(), hashlib.sha256).hex()[:32]


def _subjects(crosswalk: Crosswalk) -> dict[str, Entry]:
    try:
        return {one.code: one for one in crosswalk.entries()}
    except NotFoundError:
        return {}


def _code_of(patient: Patient) -> str:
    """Return the code that a folder of an earlier attempt has for its name."""
    return patient.folder.removesuffix("_edf")


def _person(patient: Patient, subjects: Mapping[str, Entry]) -> Person:
    """Return the patient by the name of their folder, unless that is a code, and what headers say."""
    person = Person((patient.folder,) if patient.folder and _code_of(patient) not in subjects else ())
    for one in patient.people:
        person = person.joined(replace(one, numbers=tuple(number for number in one.numbers if number not in subjects)))
    return person


def _named(patient: Patient, subjects: Mapping[str, Entry]) -> Iterator[Person]:
    """Yield all whom a patient's files name."""
    yield _person(patient, subjects)
    for one in patient.files.values():
        yield from one.staff


def _placed(
    code: str,
    folders: Sequence[tuple[int, Patient]],
    aliases: Aliases,
    given: Mapping[str, str],
    allow: frozenset[str],
) -> Iterator[Source]:
    """Yield the files of one subject; several folders may be of one."""
    looked = {key: (number, one) for number, folder in folders for key, one in folder.files.items()}
    kept = {key: (number, kind) for number, folder in folders for key, kind in _kept(folder, allow).items()}
    own = {alias: path for alias, path in given.items() if path.startswith((f"{code}/", f"{code}_edf/"))}
    before = {key: own[alias] for key in (*looked, *kept) if (alias := aliases.of(key)) in own}
    gone = {f"\0{alias}": path for alias, path in own.items()}
    found = [one.found for _, one in looked.values()] + [Found(key, kind) for key, (_, kind) in kept.items()]
    layout = lay_out(code, found, gone | before)
    for key, (number, one) in looked.items():
        start = one.found.starts[0] if len(one.found.starts) == 1 else None
        path, reason, remark = (said.get(key, "") for said in (layout.paths, layout.doubts, layout.remarks))
        if kind_of(key) is Kind.VIDEO:
            if not can_be_read():
                path, reason = "", "video-not-cleaned"
            elif one.by == FILE_TIME:
                remark = remark or "start-by-file-time"
        yield Source(key, number, path, code, reason, remark, start, one.by)
    for key, (number, _) in kept.items():
        yield Source(key, number, layout.paths[key], code, sealed=True)
    for number, folder in folders:
        for key, error in folder.unread.items():
            yield Source(key, number, "", code, error.kind if isinstance(error, DamagedError) else "not-fetched")
