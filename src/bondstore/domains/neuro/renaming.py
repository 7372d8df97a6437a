"""Results under people's names for a while, as a hospital's viewer needs them, and under their codes again.

The record keeps the codes' paths: a name is in no record and in no log. The names are noted in the private corner,
encrypted as the crosswalk is, before the first file is renamed, and until the last one has its code again. What is left
to do follows from that note and from what is there, so either direction finishes a rename that was stopped.
"""

from __future__ import annotations

import json
import os
import stat
import unicodedata
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from bondstore.config.profiles import is_store_url
from bondstore.domains.neuro.job import CrosswalkRef
from bondstore.domains.neuro.layout import folded
from bondstore.domains.neuro.recordings import RESULTS
from bondstore.domains.neuro.shownnames import code_of, shown_names
from bondstore.errors import ConfigurationError, NothingThereError, PolicyError, UsageError
from bondstore.modes import linked
from bondstore.runs import anchors
from bondstore.runs.destination import PRIVATE
from bondstore.runs.destinations import named_destination
from bondstore.runs.durable import explaining, rename_new, sync_all
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.process import whoami
from bondstore.runs.progress import Quiet
from bondstore.runs.renamed import NAME, Renamed, renamed
from bondstore.runs.tally import Count
from bondstore.stores.address import parse_address
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bondstore.deid.crosswalk import Crosswalk
    from bondstore.ledger import Ledger
    from bondstore.runs.progress import Progress

To: TypeAlias = Literal["names", "codes"]
_BACK = "bondstore neuro rename DEST --to codes"
_Tree: TypeAlias = "dict[str, _Tree]"
"""Folders and files by their names under codes; a file has nothing below it."""


@dataclass(frozen=True, slots=True)
class RenamedSubject:
    """What is renamed of one subject. It is shown without the name."""

    code: str
    name: str = field(repr=False)
    """What folders and files begin with under the name; the code where the crosswalk has no name."""
    files: int = 0
    missing: int = 0
    """Files that a run wrote, and that are gone."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """What is to be renamed, or was."""

    to: To
    subjects: tuple[RenamedSubject, ...]
    folders: int
    is_done: bool = False
    """Whether it was; False of a dry run."""

    @property
    def files(self) -> int:
        """Files that get another name."""
        return sum(one.files for one in self.subjects)

    @property
    def missing(self) -> int:
        """Files that a run wrote, and that are gone: the next ``deidentify`` writes them again."""
        return sum(one.missing for one in self.subjects)


def rename(
    dest: str | os.PathLike[str],
    to: To,
    *,
    crosswalk: CrosswalkRef | None = None,
    confirm: Callable[[Renaming], None] | None = None,
    progress: Progress | None = None,
    dry_run: bool = False,
) -> Renaming:
    """Give the files that `deidentify` wrote to a folder people's names, or their codes again.

    Contents stay as they are: headers have the code. ``records/`` and ``recordings.csv`` keep the codes, too. While
    files have names, no run writes to the folder, and it is not uploaded. Stopped at any moment, the same call, or one
    in the other direction, goes on.

    Parameters
    ----------
    dest : path or str
        The folder.
    to : {"names", "codes"}
        What files are called.
    crosswalk : CrosswalkRef, optional
        The crosswalk, and what opens it; your own when not given.
    confirm : callable, optional
        Given the plan before anything is renamed; raises to stop.
    progress : Progress, optional
        Who watches.
    dry_run : bool
        Only plan.

    Returns
    -------
    Renaming
        What was renamed; nothing where all files have these names already.

    Raises
    ------
    PolicyError
        Something is in the way, and nothing is overwritten; or a run is going on.
    ConfigurationError
        The crosswalk does not have the codes, or your key does not open it.
    UsageError
        The destination is a store.
    """
    if to not in get_args(To):
        raise UsageError(f"Files cannot be renamed to {to!r}.", hint="Choose names or codes.")
    is_store = is_store_url(str(dest)) and parse_address(str(dest)).kind != "file"
    folder = None if is_store else named_destination(str(dest))
    if not isinstance(folder, FolderDestination):  # or a folder that has the record of a store
        raise UsageError(
            "Names are for a folder of this machine. A store keeps codes.", hint="Copy the results to a folder first."
        )
    anchors.refuse_lost(folder)
    with explaining(str(folder.root)), folder.ledger(create=False) as ledger:
        folder = folder.recorded(next((one.params for one in ledger.runs.newest_first()), {}))
        with nullcontext() if dry_run else folder.locked():
            anchors.hold(folder, ledger, last=True)
            opened = (crosswalk or CrosswalkRef()).open()
            work = _Work(folder, ledger, to, _names(ledger, folder, opened))
            planned = work.plan()
            if dry_run:
                return planned
            if confirm is not None and planned.files + planned.folders:
                confirm(planned)
            work.do(opened, progress or Quiet())
    return replace(planned, is_done=True)


def _written(ledger: Ledger) -> list[str]:
    """Return the paths of all results that are under a code."""
    return sorted({one.path for one in ledger.outputs.walk() if one.kind in RESULTS and one.sha256})


def _names(ledger: Ledger, folder: FolderDestination, crosswalk: Crosswalk) -> Mapping[str, str]:
    """Return the name for each code: those that were noted, or that the crosswalk has."""
    codes = {code_of(path) for path in _written(ledger)}
    if not codes:
        raise NothingThereError(
            f"No results of bondstore neuro deidentify are in {folder.shown}.", hint="Name the folder it wrote to."
        )
    noted = renamed(folder.corner)
    names: dict[str, str]
    if noted is None:
        names = shown_names(one for one in crosswalk.entries() if one.code in codes)
    else:
        names = json.loads(crosswalk.unseal(noted.sealed, str(folder.corner / NAME)))
    if unknown := codes - names.keys():
        raise ConfigurationError(
            f"The crosswalk does not have {counted(len(unknown), 'code')} that files in {folder.shown} are under, "
            f"such as {min(unknown)}.",
            hint="Name the crosswalk that they come from: --crosswalk FILE",
        )
    return names


@dataclass(frozen=True, slots=True)
class _Move:
    folder: str
    old: str
    new: str
    is_file: bool


class _Work:
    """One direction of renaming a folder's files."""

    def __init__(self, folder: FolderDestination, ledger: Ledger, to: To, names: Mapping[str, str]) -> None:
        self._folder, self._ledger, self._to, self._names = folder, ledger, to, names
        self._root = str(folder.root)
        self._moves: list[_Move] = []
        self._files: dict[str, int] = dict.fromkeys(names, 0)
        self._missing: dict[str, int] = dict.fromkeys(names, 0)

    def plan(self) -> Renaming:
        """Look at all that lies there; raises `PolicyError` where anything is in the way."""
        tree: _Tree = {}
        for path in _written(self._ledger):
            place = tree
            for part in path.split("/"):
                place = place.setdefault(part, {})
        self._look("", "", tree)
        subjects = tuple(
            RenamedSubject(code, name, self._files[code], self._missing[code]) for code, name in self._names.items()
        )
        return Renaming(self._to, subjects, sum(not one.is_file for one in self._moves))

    def _look(self, now: str, coded: str, tree: _Tree) -> None:
        """Plan what lies in one folder, `coded` by the record; what is below a folder is renamed before it is."""
        there = _listed(f"{self._root}/{now}")
        for name, below in tree.items():
            path = f"{coded}{name}"
            code = code_of(path)
            forms = {"codes": name, "names": self._names[code] + name.removeprefix(code)}
            found = [one for one in dict.fromkeys(forms.values()) if one in there]
            target = forms[self._to]
            others = (one for one in there if one not in found and folded(one) == folded(target))
            if len(found) > 1 or next(others, None) is not None:
                raise self._in_the_way(path)
            if not found:
                self._missing[code] += _leaves(below)
                continue
            old = there[found[0]]
            self._check(f"{now}{old}", path, is_file=not below)
            if below:
                self._look(f"{now}{old}/", f"{path}/", below)
            if found[0] != target:
                self._moves.append(_Move(now, old, target, not below))
                self._files[code] += not below

    def _check(self, now: str, path: str, *, is_file: bool) -> None:
        mode = os.lstat(f"{self._root}/{now}").st_mode
        if not is_file and stat.S_ISLNK(mode):
            raise linked(f"{self._root}/{path}")
        if is_file == stat.S_ISDIR(mode):
            raise self._in_the_way(path)

    def _in_the_way(self, path: str) -> PolicyError:
        """Return the error that names a file by its code alone."""
        return PolicyError(
            f"Something is in the way of {path} in {self._folder.shown}: its other name is taken. Nothing was renamed.",
            hint="Move what no run wrote out of the folder. Nothing is overwritten.",
        )

    def do(self, crosswalk: Crosswalk, progress: Progress) -> None:
        """Rename it all. The note is there before the first file has a name, and until the last has its code again."""
        note = f"{PRIVATE}/{NAME}"
        if self._moves and self._to == "names" and renamed(self._folder.corner) is None:
            sealed = crosswalk.seal(json.dumps(self._names).encode())
            self._folder.put(note, [Renamed(_BACK, sealed).to_json()])
            sync_all(self._root)
            self._record()
        progress.begin(Count(sum(one.is_file for one in self._moves), 0))
        try:
            for one in self._moves:
                self._rename(one)
                progress.advance(Count(int(one.is_file), 0))
        finally:
            progress.end()
        sync_all(self._root)
        if self._to == "codes" and renamed(self._folder.corner) is not None:
            self._record()
            Path(self._root, note).unlink()

    def _rename(self, one: _Move) -> None:
        base = f"{self._root}/{one.folder}"
        try:
            rename_new(f"{base}{one.old}", f"{base}{one.new}")
        except FileExistsError:
            raise PolicyError(
                f"Something was put in the way of a file in {self._folder.shown} just now. It was not overwritten.",
                hint="Run the same command again.",
            ) from None

    def _record(self) -> None:
        with self._ledger.transaction():
            self._ledger.audit.event(whoami(), "", "renamed", self._to)


def _listed(folder: str) -> dict[str, str]:
    """Return what a folder has, by its composed name: some file systems keep names in pieces."""
    return {unicodedata.normalize("NFC", one): one for one in os.listdir(folder)}  # noqa: PTH208 - see `OutputGroup`


def _leaves(tree: _Tree) -> int:
    return sum(map(_leaves, tree.values())) or 1
