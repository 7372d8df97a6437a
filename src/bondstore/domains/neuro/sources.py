"""What is to be done with each file of a place, found out anew for each run: whose it is, where it goes, or why not."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from bondstore.deid.crosswalk import Crosswalk, Entry
from bondstore.deid.dates import DatePolicy, redating
from bondstore.deid.edf.rules import Rules
from bondstore.deid.names import NameFinder
from bondstore.deid.people import Person
from bondstore.domains.neuro.aliases import Aliases
from bondstore.domains.neuro.identity import staff_of
from bondstore.domains.neuro.layout import lay_out
from bondstore.domains.neuro.looking import FILE_TIME
from bondstore.domains.neuro.patients import Patient, patients_in
from bondstore.errors import DamagedError, WaitingError
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from bondstore.stores import Store


@dataclass(frozen=True, slots=True)
class How:
    """How identity is taken out."""

    dates: DatePolicy = "keep"
    annotations: Literal["scrub", "drop"] = "scrub"


@dataclass(frozen=True, slots=True)
class Source:
    """One file."""

    key: str = field(repr=False)
    """As the store has it: never to be recorded or shown."""
    path: str
    """Where it goes; empty where it is refused."""
    subject: str = ""
    reason: str = ""
    """Why it is refused: the word of a finding."""
    remark: str = ""
    """What a person should look at: the word of a finding."""
    by_file_time: bool = False


@dataclass(frozen=True, slots=True)
class Sources:
    """All files of a place by their aliases, and what is taken out of those of each subject."""

    files: Mapping[str, Source]
    rules: Mapping[str, Rules]


def sources_of(
    store: Store, crosswalk: Crosswalk, how: How, given: Mapping[str, str], also: Sequence[Person] = ()
) -> Sources:
    """Look at all files, and find or draw the codes of their patients.

    Parameters
    ----------
    given : mapping of str to str
        Places that files got before, by their aliases.
    also : sequence of Person
        Others whose names are taken out.

    Raises
    ------
    WaitingError
        Somebody must say first whether two names are of one person.
    """
    patients = list(patients_in(store))
    whose = {one.folder: _person(one) for one in patients if len(one.people) <= 1}
    people = [person for person in whose.values() if person.names or person.numbers]
    assigned = crosswalk.assign(people)
    if assigned.questions:
        raise WaitingError(
            f"{counted(len(assigned.questions), 'patient')} may be in the crosswalk already, under another spelling.",
            hint="Nothing was copied. Say who they are: bondstore crosswalk add. Then run the same command again.",
        )
    aliases = Aliases(crosswalk.secret())
    files: dict[str, Source] = {}
    named: defaultdict[str, list[Person]] = defaultdict(list)
    entries: dict[str, Entry] = {}
    of_code: defaultdict[str, list[Patient]] = defaultdict(list)
    for one in patients:
        person = whose.get(one.folder)
        if person is None or person not in assigned.entries:
            files |= {aliases.of(key): Source(key, "", reason="several-people") for key in (*one.files, *one.unread)}
            continue
        entry = assigned.entries[person]
        entries[entry.code] = entry
        of_code[entry.code].append(one)
        named[entry.code] += [person, entry.person, *_staff(one)]
    for code, folders in of_code.items():
        files |= _placed(code, folders, aliases, given)
    rules = {
        code: Rules(
            code,
            NameFinder([*named[code], *also], all_dates=how.dates != "keep"),
            redating(how.dates, entry.shift),
            how.annotations,
        )
        for code, entry in entries.items()
    }
    for one in patients:
        files |= {aliases.of(key): Source(key, "", reason=kind.value) for key, kind in one.refused.items()}
    return Sources(files, rules)


def _person(patient: Patient) -> Person:
    """Return the patient by the name of their folder and what headers say."""
    person = Person((patient.folder,) if patient.folder else ())
    for one in patient.people:
        person = person.joined(one)
    return person


def _staff(patient: Patient) -> Iterable[Person]:
    for one in patient.files.values():
        if one.header is not None:
            yield from staff_of(one.header)


def _placed(code: str, folders: Sequence[Patient], aliases: Aliases, given: Mapping[str, str]) -> dict[str, Source]:
    """Return the files of one subject; several folders may be of one."""
    looked = {key: one for folder in folders for key, one in folder.files.items()}
    before = {key: given[alias] for key in looked if (alias := aliases.of(key)) in given}
    gone = {f"\0{alias}": path for alias, path in given.items() if path.startswith((f"{code}/", f"{code}_edf/"))}
    layout = lay_out(code, [one.found for one in looked.values()], gone | before)
    files = {}
    for key, one in looked.items():
        path, reason = layout.paths.get(key, ""), layout.doubts.get(key, "")
        files[aliases.of(key)] = Source(key, path, code, reason, layout.remarks.get(key, ""), one.by == FILE_TIME)
    for folder in folders:
        for key, error in folder.unread.items():
            reason = error.kind if isinstance(error, DamagedError) else "not-fetched"
            files[aliases.of(key)] = Source(key, "", code, reason)
    return files
