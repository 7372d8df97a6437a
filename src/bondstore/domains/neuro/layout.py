"""Where the files of one person go: numbered by their start, under a code, each to a place of its own.

Recordings become ``<code>_edf/<code>_<n>.edf``, the notes of a recording stand beside it. Video of a day's folder (its
name ends in ``_<day>``) becomes ``<code>/<code>_<day>/<code>_<day>_<k>.avi``, video of a recording's folder (beside it,
and of its name) ``<code>/<code>_edf_<n>/<code>_edf_<n>_<k>.avi``, and all other video ``<code>/<code>_<k>.avi``. What
cannot be cleaned and is kept sealed becomes ``<code>/<code>_sealed/<code>_sealed_<n>.erd.c4gh``; files of one name have
one number, as a recorder's files belong together. A file that had a place before keeps it: what was uploaded under
a number is not numbered anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from bondstore.domains.neuro.kinds import Kind, notes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

NEAR = timedelta(minutes=10)
"""So far from the start of their recording notes may begin."""
SEALED = ".c4gh"
"""Behind the name of what is kept sealed."""
_DAY = re.compile(r".*_(\d{1,3})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Found:
    """A file of one person that goes somewhere: it can be cleaned, or is to be kept sealed."""

    key: str
    kind: Kind
    starts: tuple[datetime, ...] = ()
    """When it may have begun: one moment, or each reading of a date that has several; none where nothing says."""


@dataclass(slots=True)
class Layout:
    """Where files go, and what is to be told about that. Each word is a kind of finding."""

    paths: dict[str, str] = field(default_factory=dict)
    """The place of each file, by its key."""
    doubts: dict[str, str] = field(default_factory=dict)
    """Files that have no place, by key, with the reason."""
    remarks: dict[str, str] = field(default_factory=dict)
    """Files that have one, with what a person should look at."""


def lay_out(code: str, files: Sequence[Found], given: Mapping[str, str] | None = None) -> Layout:
    """Give each file its place; `given` are the places that files got before, also those that are gone by now."""
    places = _Places(code, files, dict(given or {}))
    places.number_recordings()
    places.place_videos()
    places.match_notes()
    places.place_sealed()
    return places.layout


class _Places:
    def __init__(self, code: str, files: Sequence[Found], given: dict[str, str]) -> None:
        self.layout = Layout()
        self._code, self._files = code, files
        self._given = given | _half_renamed(code, files, given)
        self._taken = {folded(path.rpartition(".")[0]) for path in self._given.values()}
        self._numbers: dict[str, count[int]] = {}
        self._recordings: dict[str, Found] = {}

    def number_recordings(self) -> None:
        """Number recordings by their start; equal starts go by name."""
        recordings = self._of(Kind.RECORDING)
        self._recordings = {self._place(one, f"{self._code}_edf/{self._code}"): one for one in recordings}
        begun = [one for one in recordings if one.starts]
        for one, after in pairwise(begun):
            if one.starts == after.starts:
                self.layout.remarks |= dict.fromkeys((one.key, after.key), "equal-starts")
        numbers = {one.key: int(stem.rpartition("_")[2]) for stem, one in self._recordings.items()}
        highest = 0
        for one in begun:
            if numbers[one.key] < highest:
                self.layout.remarks[one.key] = "out-of-order"
            highest = max(highest, numbers[one.key])
        for one in recordings:
            if not one.starts:
                self.layout.remarks[one.key] = "start-unknown"

    def place_videos(self) -> None:
        """Give video a place in its day, with its recording, or with all others; folders of one day are one."""
        stems = {one.key.rpartition(".")[0].casefold(): stem for stem, one in self._recordings.items()}
        days: defaultdict[str, set[str]] = defaultdict(set)
        for one in self._of(Kind.VIDEO):
            folder = str(PurePosixPath(one.key).parent)
            recording, day = stems.get(folder.casefold()), _DAY.fullmatch(folder.rpartition("/")[2])
            if recording is not None:
                group = f"{self._code}_edf_{recording.rpartition('_')[2]}"
            elif day is not None:
                group = f"{self._code}_{int(day[1])}"
                days[group].add(folder)
            else:
                self._place(one, f"{self._code}/{self._code}")
                continue
            self._place(one, f"{self._code}/{group}/{group}")
            if len(days[group]) > 1:
                self.layout.remarks[one.key] = "same-day-folders"

    def match_notes(self) -> None:
        """Put notes beside the one recording that begins when they do; of none, or of several, they are doubtful."""
        for one in self._of(Kind.NOTES):
            near = {stem for stem, recording in self._recordings.items() if _is_near(one, recording)}
            if one.key not in self._given and len(near) != 1:
                self.layout.doubts[one.key] = "notes-doubtful"
                continue
            base = f"{min(near)}_{notes_of(one.key)}" if near else ""
            self._place(one, base, first=base)

    def place_sealed(self) -> None:
        """Number what is kept sealed by its name; endings that come twice in one name get another number."""
        base = f"{self._code}/{self._code}_sealed/{self._code}_sealed"
        used = {one.rpartition(".")[0] for one in self._taken if one.startswith(f"{base}_")}
        keys = sorted(one.key for one in self._files if not one.kind.can_be_cleaned)
        for files in _of_one_name(sorted(keys, key=lambda key: key not in self._given)):
            new = {ending: key for ending, key in files.items() if key not in self._given}
            own = sorted({_sealed_stem(self._given[key]) for key in files.values() if key in self._given})
            free = (one for number in count(1) if (one := f"{base}_{number}") not in used)
            stem = next(one for one in (*own, next(free)) if not self._taken & {f"{one}{ending}" for ending in new})
            used.add(stem)
            for ending, key in files.items():
                place = self._given.get(key, f"{stem}{ending}{SEALED}")
                self._taken.add(place.removesuffix(SEALED))
                self.layout.paths[key] = place

    def _of(self, kind: Kind) -> list[Found]:
        """Return the files of a kind in the order of their start; those without one come last."""
        files = [one for one in self._files if one.kind is kind]
        return sorted(files, key=lambda one: (one.starts[:1] or (datetime.max,), folded(one.key), one.key))

    def _place(self, one: Found, base: str, first: str = "") -> str:
        """Give a file its old place, or the next number behind `base`; return the place without its ending.

        A number is given once, whatever the ending: an EDF and a BDF of one number would be taken for each other.
        """
        path = self._given.get(one.key)
        if path is None:
            path = self._free(base, first) + PurePosixPath(one.key).suffix.lower()
        stem = path.rpartition(".")[0]
        self._taken.add(folded(stem))
        self.layout.paths[one.key] = path
        return stem

    def _free(self, base: str, first: str) -> str:
        if first and folded(first) not in self._taken:
            return first
        numbers = self._numbers.setdefault(base, count(2 if first else 1))
        return next(stem for number in numbers if folded(stem := f"{base}_{number}") not in self._taken)


def _of_one_name(keys: Iterable[str]) -> list[dict[str, str]]:
    """Return keys of files that share folder and name, by their endings; of two of one ending each is for itself."""
    groups: defaultdict[tuple[str, int], dict[str, str]] = defaultdict(dict)
    for key in keys:
        path = PurePosixPath(key)
        name, ending = folded(str(path.with_suffix(""))), path.suffix.lower()
        again = next(number for number in count() if ending not in groups[name, number])
        groups[name, again][ending] = key
    return [files for _, files in sorted(groups.items())]


def _sealed_stem(path: str) -> str:
    return path.removesuffix(SEALED).rpartition(".")[0]


def _half_renamed(code: str, files: Iterable[Found], given: Mapping[str, str]) -> dict[str, str]:
    """Return the places of recordings that an earlier attempt named by this very code; of two of a number the first."""
    named = re.compile(rf"{re.escape(code)}_([1-9]\d{{0,5}})\.(edf|bdf)", re.IGNORECASE)
    taken, kept = {path.rpartition(".")[0] for path in given.values()}, {}
    for one in sorted(files, key=lambda one: one.key):
        match = named.fullmatch(PurePosixPath(one.key).name)
        if one.kind is Kind.RECORDING and match is not None and one.key not in given:
            stem = f"{code}_edf/{code}_{match[1]}"
            if stem not in taken:
                taken.add(stem)
                kept[one.key] = f"{stem}.{match[2].lower()}"
    return kept


def _is_near(notes: Found, recording: Found) -> bool:
    return any(abs(one - other) <= NEAR for one in notes.starts for other in recording.starts)


def folded(path: str) -> str:
    """Return a path as file systems that ignore case and the composition of letters see it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
