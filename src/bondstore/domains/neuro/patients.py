"""What a place holds of each patient. A patient is a folder right below it; files may lie at any depth in that."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bondstore.deid.people import Person
from bondstore.deid.samename import are_alike, contradict, number_key
from bondstore.domains.neuro.kinds import Kind, kind_of
from bondstore.domains.neuro.looking import Looked, look
from bondstore.errors import BondstoreError
from bondstore.runs.tally import Count
from bondstore.stores.background import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from bondstore.runs.progress import Progress
    from bondstore.stores import ObjectInfo, Store

_AT_ONCE = 16
_OURS = ".bondstore"


@dataclass(frozen=True, slots=True)
class Patient:
    """The files of one folder, and whose they are by their headers."""

    folder: str
    """Its name; empty for files that lie in no folder."""
    files: Mapping[str, Looked]
    """Those that can be cleaned, by their keys."""
    refused: Mapping[str, Kind]
    """Those that cannot, with what they are."""
    unread: Mapping[str, BondstoreError]
    """Those that could not be looked at."""

    @property
    def people(self) -> tuple[Person, ...]:
        """Whom the headers name, each once with all spellings. More than one is a question for a person."""
        return parted(one.patient for one in self.files.values() if one.patient is not None)


def patients_in(store: Store, watch: Progress | None = None) -> Iterator[Patient]:
    """Look at all files of a place, and yield its patients by the names of their folders; nothing is changed."""
    seen = Count()

    def counted(info: ObjectInfo) -> None:
        nonlocal seen
        seen += Count(1, info.size)
        if watch is not None:
            watch.listing(seen)

    folders: defaultdict[str, list[ObjectInfo]] = defaultdict(list)
    for info in store.list():
        folder, _, rest = info.key.partition("/")
        if folder != _OURS:
            folders[folder if rest else ""].append(info)
    for folder in sorted(folders):
        yield _looked_at(store, folder, folders[folder], counted)


def _looked_at(
    store: Store, folder: str, infos: Sequence[ObjectInfo], counted: Callable[[ObjectInfo], None]
) -> Patient:
    kinds = {info.key: kind_of(info.key) for info in infos}
    cleaned = [info for info in infos if kinds[info.key].can_be_cleaned]
    files: dict[str, Looked] = {}
    unread: dict[str, BondstoreError] = {}
    for info, answer in zip(cleaned, side_by_side(lambda info: look(store, info), cleaned, _AT_ONCE), strict=True):
        if isinstance(answer, BondstoreError):
            unread[info.key] = answer
        else:
            files[info.key] = answer
        counted(info)
    for info in infos:
        if not kinds[info.key].can_be_cleaned:
            counted(info)
    return Patient(folder, files, {key: kind for key, kind in kinds.items() if not kind.can_be_cleaned}, unread)


def parted(people: Iterable[Person]) -> tuple[Person, ...]:
    """Join the spellings that are of one person for sure or in all likelihood, and keep others apart."""
    found: list[Person] = []
    for person in dict.fromkeys(people):
        if person == Person(()):
            continue
        for place, known in enumerate(found):
            if _are_one(known, person):
                found[place] = known.joined(person)
                break
        else:
            found.append(person)
    return tuple(found)


def _are_one(one: Person, other: Person) -> bool:
    if contradict(one, other):
        return False
    same = {number_key(number) for number in one.numbers} & {number_key(number) for number in other.numbers}
    return bool(same) or any(are_alike(left, right) for left in one.names for right in other.names)
