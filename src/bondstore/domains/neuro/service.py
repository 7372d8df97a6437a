"""Hospital recordings from Python: what a folder holds, and the recordings without identity."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from bondstore.codecs.crypt4gh import PrivateKey
from bondstore.deid.codes import check_code
from bondstore.deid.crosswalk import Crosswalk
from bondstore.deid.dates import DatePolicy
from bondstore.deid.faces import open_detector
from bondstore.deid.safe import FileSafe, SafeKeys
from bondstore.domains.neuro.job import CrosswalkRef, DeidentifyJob, look_at, people_of
from bondstore.domains.neuro.kinds import kind_of
from bondstore.domains.neuro.sources import Asked, How, sources_of
from bondstore.errors import UsageError
from bondstore.runs.notebook import watcher
from bondstore.stores.address import dest_spec, store_spec
from bondstore.vault.crosswalks import default_place

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.domains.neuro.patients import Patient
    from bondstore.domains.neuro.sources import Source, Sources
    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One file of a patient, and what becomes of it."""

    alias: str
    """What runs call it; empty where there is no crosswalk yet."""
    key: str = field(repr=False)
    """Its name in the source, which may hold the patient's."""
    kind: str
    start: datetime | None
    """When it began; None where nothing says, or a date can be read in two ways."""
    by: str
    """What says that: ``header``, ``container``, ``text``, or ``file time``."""
    path: str
    """Where it goes; empty where it is refused."""
    reason: str
    """Why it is refused: the word of a finding."""
    remark: str
    """What a person should look at: the word of a finding."""


@dataclass(frozen=True, slots=True)
class PlannedPatient:
    """One patient's folder. It is shown without names."""

    number: int
    folder: str = field(repr=False)
    names: tuple[str, ...] = field(repr=False)
    """Spellings of the name: that of the folder, and those of the headers."""
    code: str
    """The subject's code; empty where there is none yet."""
    candidates: tuple[str, ...]
    """Codes of subjects that it may be, where somebody must say."""
    files: tuple[PlannedFile, ...]


def plan(
    source: str | os.PathLike[str] | StoreSpec | None,
    *,
    names: str | os.PathLike[str] | None = None,
    crosswalk: CrosswalkRef | None = None,
    profile: str | Profile | None = None,
    progress: Progress | bool | None = None,
) -> list[PlannedPatient]:
    """Look at a folder of patients, and say what `deidentify` would write into an empty destination.

    Nothing is changed, and no code is drawn: patients whom the crosswalk does not have show none.

    Parameters
    ----------
    source : path, str or StoreSpec
        The folder, or the URL of a store, with a folder for each patient.
    names : path, optional
        A file of names, one person a line.
    crosswalk : CrosswalkRef, optional
        The crosswalk, and what opens it; without it your own, if there is one.
    profile : str or Profile, optional
        Named settings to open the source with.
    progress : bool or Progress, optional
        Whether it is shown how far the look at all files is, or who watches.

    Returns
    -------
    list of PlannedPatient
        By their folders' names.

    Raises
    ------
    NothingThereError
        There are no files.
    """
    watch = watcher(progress)
    try:
        looked = look_at(store_spec(source, profile), watch)
    finally:
        if watch is not None:
            watch.end()
    also = people_of(None if names is None else str(names))
    if crosswalk is None and default_place().exists():
        crosswalk = CrosswalkRef()
    opened = _nobody() if crosswalk is None else crosswalk.open()
    found = sources_of(looked, opened, Asked(How(), also, draft=True))
    is_kept = bool(opened.history())
    files: dict[int, list[tuple[str, Source]]] = {}
    for alias, one in found.files.items():
        files.setdefault(one.patient, []).append((alias if is_kept else "", one))
    return [_planned(number, one, files.get(number, []), found) for number, one in enumerate(looked, 1)]


def _nobody() -> Crosswalk:
    """Return a crosswalk without anybody, which is never written."""
    return Crosswalk(FileSafe(Path("/nonexistent/crosswalk.c4gh")), SafeKeys(PrivateKey.new()))


def _planned(number: int, patient: Patient, files: list[tuple[str, Source]], found: Sources) -> PlannedPatient:
    code = next((one.subject for _, one in files if one.subject), "")
    drawn = code in found.new
    planned = tuple(
        PlannedFile(
            alias,
            one.key,
            kind_of(one.key).value,
            one.start,
            one.by,
            one.path.replace(code, "CODE") if drawn else one.path,
            one.reason,
            one.remark,
        )
        for alias, one in sorted(files, key=lambda each: (not each[1].path, _natural(each[1].path), each[1].key))
    )
    spellings = dict.fromkeys((patient.folder, *(name for one in patient.people for name in one.names)))
    shown = "" if drawn else code
    names = tuple(filter(None, spellings))
    return PlannedPatient(number, patient.folder, names, shown, found.candidates.get(number, ()), planned)


def _natural(path: str) -> tuple[int, str]:
    return len(path), path


def prepare(
    source: str | os.PathLike[str] | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    *,
    code: str | None = None,
    dates: str = "keep",
    names: str | os.PathLike[str] | None = None,
    annotations: str = "scrub",
    faces: str = "keep",
    allow: Iterable[str] = (),
    crosswalk: CrosswalkRef | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
) -> DeidentifyJob:
    """Check what is asked for and build the job; nothing is listed yet. As in `deidentify`."""
    if dates not in get_args(DatePolicy):
        raise UsageError(f"Dates cannot be treated as {dates!r}.", hint="Choose keep, shift or floor.")
    if annotations not in ("scrub", "drop"):
        raise UsageError(f"Annotations cannot be treated as {annotations!r}.", hint="Choose scrub or drop.")
    if faces not in ("keep", "fill"):
        raise UsageError(f"Faces cannot be treated as {faces!r}.", hint="Choose keep or fill.")
    if faces == "fill":
        open_detector()  # what it needs may not be installed
    how = How(dates, annotations, faces)  # type: ignore[arg-type]
    return DeidentifyJob(
        store_spec(source, profile),
        dest_spec(dest, dest_profile or profile, group=group, follow_links=follow_links),
        how,
        crosswalk or CrosswalkRef(),
        None if names is None else str(Path(names).expanduser().absolute()),
        None if code is None else check_code(code),
        tuple(sorted(set(map(_ending, allow)))),
    )


def _ending(text: str) -> str:
    ending = text.strip().removeprefix(".").lower()
    if not re.fullmatch(r"[a-z0-9]{1,16}", ending):
        raise UsageError(f"{text!r} is not the ending of a file's name.", hint="Write it as erd, or .erd")
    if kind_of(f"a.{ending}").can_be_cleaned:
        raise UsageError(
            f"Files that end in .{ending} are cleaned, and are not kept as they are.", hint="Leave it out of --allow."
        )
    return ending


def deidentify(
    source: str | os.PathLike[str] | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    *,
    code: str | None = None,
    dates: Literal["keep", "shift", "floor"] = "keep",
    names: str | os.PathLike[str] | None = None,
    annotations: Literal["scrub", "drop"] = "scrub",
    faces: Literal["keep", "fill"] = "keep",
    allow: Iterable[str] = (),
    crosswalk: CrosswalkRef | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    jobs: int | None = None,
    progress: Progress | bool | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Write the recordings of a folder of patients under subject codes, without identity. Originals stay as they are.

    Run again, it does only what is new or changed.

    Parameters
    ----------
    source, dest : path, str or StoreSpec
        The folder, or the URL of a store, with a folder for each patient; and where results go.
    code : str, optional
        The code of the only patient there is; else drawn, or found in the crosswalk.
    dates : {"keep", "shift", "floor"}
        Keep start dates, shift them by the person's own number of weeks, or write 1 January 1985.
    names : path, optional
        A file of names to take out besides, one person a line.
    annotations : {"scrub", "drop"}
        Blank names in annotations, or remove all annotations.
    faces : {"keep", "fill"}
        Copy the pictures of videos as they are, or cover faces in them, and encode them again.
    allow : iterable of str
        Endings, such as ``erd``, of files that are encrypted for the crosswalk's readers where they cannot be cleaned.
        The profile that opens `dest` must say ``identified = true``.
    crosswalk : CrosswalkRef, optional
        The crosswalk, and what opens it; your own when not given.
    profile, dest_profile : str or Profile, optional
        Named settings to open source and destination with.
    jobs : int, optional
        Processes; by default one for each core. The results do not depend on it.
    progress : bool or Progress, optional
        Whether it is shown how far it is, or who watches.
    dry_run : bool
        Only plan.

    Returns
    -------
    RunResult
        With the run's id, plan and tally.

    Raises
    ------
    WaitingError
        A patient may be in the crosswalk already, under another spelling; nothing was copied.
    PolicyError
        An address has a patient's name, or `dest` is not a place for files that name people.
    """
    job = prepare(
        source,
        dest,
        code=code,
        dates=dates,
        names=names,
        annotations=annotations,
        faces=faces,
        allow=allow,
        crosswalk=crosswalk,
        profile=profile,
        dest_profile=dest_profile,
    )
    return run(job, jobs=jobs, progress=progress, dry_run=dry_run)


def run(
    job: DeidentifyJob,
    *,
    jobs: int | None = None,
    progress: Progress | bool | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Do a job, or only plan it. As in `deidentify`."""
    from bondstore.domains.neuro.jobs import executor
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination

    place, watch = open_destination(job.dest), watcher(progress)
    job = replace(job, watch=watch)
    return engine.execute(job, place, executor(jobs), progress=watch, confirm=confirm, dry_run=dry_run)
