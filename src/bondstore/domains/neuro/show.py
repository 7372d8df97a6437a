"""A look at one recording: what it is, and whether identity is in it, by place and kind; never the text itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.deid.codes import check_code
from bondstore.deid.edf.cleanheader import clean_header
from bondstore.deid.edf.header import PATIENT, RECORDING, RESERVED
from bondstore.deid.edf.rules import Rules
from bondstore.deid.edf.texts import blank
from bondstore.deid.names import NameFinder
from bondstore.deid.people import Person, read_people
from bondstore.domains.neuro.identity import patient_of, staff_of
from bondstore.domains.neuro.opening import open_recording
from bondstore.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import SecretRef
    from bondstore.deid.finder import Found
    from bondstore.domains.neuro.reading import Recording

OTHER = "other text"
_REWRITTEN = "identification"
"""What a clean header calls all that it had in a field that is written anew."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text: as it is, or only what kind of thing it is."""

    text: str
    hidden: str = ""
    """What is hidden, such as ``name``; ``name?`` for a common word that may be one."""


@dataclass(frozen=True, slots=True)
class ShownAnnotation:
    """An annotation without what identifies somebody."""

    onset: float
    duration: float | None
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """Its text; what is hidden is named in brackets."""
        return shown_text(self.parts)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the header, by what is in it, and what would be in it without identity."""

    place: str
    before: tuple[str, ...]
    after: tuple[str, ...]


class Shown:
    """What there is to say of one recording."""

    def __init__(self, recording: Recording, name: str, others: Iterable[Person] = ()) -> None:
        self.recording = recording
        self._name = name
        self.code = _code_of(recording)
        """The subject's code, where the patient field has nothing else; empty otherwise."""
        people = [*_named(recording, self.code), *others]
        self.known = len(people)
        """How many people were looked for by name."""
        self._finder = NameFinder(people)

    @property
    def name(self) -> str:
        """The file's name, without what identifies somebody."""
        return self.masked(self._name)

    def masked(self, text: str) -> str:
        """Return a text without what identifies somebody."""
        return shown_text(self._parts(text))

    @cached_property
    def fields(self) -> tuple[ShownField, ...]:
        """The header's fields that have identity, or would be written anew."""
        start = ("start date",) if self.recording.header.day else ()
        patient, made = self._patient_kinds(), self._staff_kinds()
        code = "subject code"
        found = [
            ShownField(PATIENT.name, (code,) if self.code else patient, (code,)),
            ShownField(RECORDING.name, start + made, start),
        ]
        places = dict.fromkeys(place for place, _ in self._elsewhere)
        for place in places:
            kinds = tuple(kind for where, kind in self._elsewhere if where == place)
            found.append(ShownField(place, kinds, ("blanked",)))
        return tuple(found)

    @cached_property
    def annotations(self) -> tuple[ShownAnnotation, ...]:
        """All annotations, in the order of the file."""
        annotations = self.recording.annotations
        return tuple(ShownAnnotation(one.onset, one.duration, self._parts(one.text)) for one in annotations)

    @cached_property
    def identity(self) -> Counter[tuple[str, str]]:
        """How often something that identifies somebody is in the file, by place and kind."""
        found = Counter((PATIENT.name, kind) for kind in self._patient_kinds())
        found.update((RECORDING.name, kind) for kind in self._staff_kinds())
        found += self._elsewhere
        for one in self.recording.annotation_texts:
            kinds = blank(memoryview(bytearray(one.content)), self._finder)
            found.update(("annotation", kind) for kind in kinds)
        found.update(("file name", one.kind) for one in self._finder.find(self._name))
        return found

    @cached_property
    def doubtful(self) -> int:
        """How many annotations have a common word that may be a name: a person looks at them."""
        return sum(any(part.hidden.endswith("?") for part in one.parts) for one in self.annotations)

    @property
    def verdict(self) -> str:
        """``identified``, ``doubtful`` or ``nothing-found``."""
        return "identified" if self.identity else "doubtful" if self.doubtful else "nothing-found"

    @cached_property
    def _removed(self) -> Counter[tuple[str, str]]:
        return clean_header(self.recording.header, Rules(self.code or "x", self._finder))[1]

    @cached_property
    def _elsewhere(self) -> Counter[tuple[str, str]]:
        """What identifies somebody in fields of the header that are not written anew."""
        found = Counter({one: count for one, count in self._removed.items() if one[1] != _REWRITTEN})
        found[RESERVED.name, OTHER] = self._removed[RESERVED.name, _REWRITTEN]
        return +found

    def _patient_kinds(self) -> tuple[str, ...]:
        if self.code:
            return ()
        kinds = _kinds(patient_of(self.recording.header))
        return kinds or ((OTHER,) if self.recording.patient.replace("X", "").strip() else ())

    def _staff_kinds(self) -> tuple[str, ...]:
        kinds = tuple(dict.fromkeys(kind for one in staff_of(self.recording.header) for kind in _kinds(one)))
        return kinds or ((OTHER,) if self._removed[RECORDING.name, _REWRITTEN] else ())

    def _parts(self, text: str) -> tuple[Part, ...]:
        look = self._finder.look(text)
        found = [*look.found, *(one._replace(kind=f"{one.kind}?") for one in look.doubtful)]
        parts = tuple(_cut(text, sorted(found)))
        if not look.found and blank(memoryview(bytearray(text.encode())), self._finder):
            return (Part("", "text"),)  # found in another reading of its bytes
        return parts


def show(
    path_or_url: str | os.PathLike[str],
    *,
    names: str | os.PathLike[str] | None = None,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | Profile | None = None,
) -> Shown:
    """Look at one recording.

    Parameters
    ----------
    path_or_url, key, passphrase, profile
        As in `open`.
    names : path, optional
        A list of people to look for besides those whom the header names, one a line.

    Raises
    ------
    NotFoundError
        There is no such file.
    DamagedError
        It is neither EDF nor BDF, or its header is damaged.
    ConfigurationError
        The list of people cannot be read.
    """
    others = () if names is None else _read_names(Path(names))
    recording = open_recording(path_or_url, key=key, passphrase=passphrase, profile=profile)
    return Shown(recording, Path(str(path_or_url).rpartition("#")[2]).name, others)


def shown_text(parts: Iterable[Part]) -> str:
    """Return a text in which what is hidden is named in brackets."""
    return "".join(f"[{part.hidden}]" if part.hidden else part.text for part in parts)


def _read_names(path: Path) -> tuple[Person, ...]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return tuple(read_people(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "The file of names cannot be read.", hint="It is a text in UTF-8, a person a line."
        ) from error


def _named(recording: Recording, code: str) -> Iterator[Person]:
    patient = patient_of(recording.header)
    if code:
        patient = replace(patient, numbers=())
    yield from (one for one in (patient, *staff_of(recording.header)) if one != Person(()))


def _code_of(recording: Recording) -> str:
    """Return the code of a patient field that was written anew: a code, and nothing known besides."""
    code, *rest = [*recording.patient.split(), ""]
    try:
        return check_code(code) if rest == ["X", "X", "X", ""] else ""
    except UsageError:
        return ""


def _kinds(person: Person) -> tuple[str, ...]:
    known = {"name": person.names, "birth-date": person.births, "record-number": person.numbers}
    return tuple(kind for kind, values in known.items() if values)


def _cut(text: str, found: Iterable[Found]) -> Iterator[Part]:
    at = 0
    for start, stop, kind in found:
        if start > at:
            yield Part(text[at:start])
        if stop > at:
            yield Part("", kind)
        at = max(at, stop)
    if at < len(text):
        yield Part(text[at:])
