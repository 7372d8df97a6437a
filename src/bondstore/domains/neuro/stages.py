"""The stages of an upload of hospital recordings: both kinds, a check of each vault, and copies in an archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypedDict

from bondstore.config.secrets import reference_of
from bondstore.domains.neuro.ingest import IngestJob
from bondstore.domains.neuro.job import CrosswalkRef
from bondstore.domains.neuro.jobs import executor
from bondstore.domains.neuro.service import prepare
from bondstore.errors import Exit, PolicyError, UsageError
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import default_executor
from bondstore.runs.notebook import watcher
from bondstore.runs.policy import is_in, refuse_overlap
from bondstore.stores import open_store
from bondstore.stores.address import dest_spec
from bondstore.vault.addresses import is_vault
from bondstore.vault.cp import CopyJob
from bondstore.vault.put import recipients_of
from bondstore.vault.uploading import existing_of
from bondstore.vault.verify import VerifyJob, destination_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from typing_extensions import Unpack

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.runs.destination import Destination
    from bondstore.runs.pipeline import Job
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress

Does = Literal["upload", "check", "copy"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One run of several."""

    does: Does
    what: str
    """``recordings``, ``video``, or a copy of them in the archive."""
    job: Job
    place: Destination


@dataclass(frozen=True, slots=True)
class Ingest:
    """An upload of hospital recordings, stage by stage."""

    uploads: tuple[IngestJob, ...]
    archive: Mapping[str, StoreSpec] = field(default_factory=dict)
    """Where the copy of each upload goes, by its part."""
    storage_class: str = ""
    """Of the copies."""

    def watched(self, progress: Progress | None) -> Ingest:
        """Return it with who watches. What one upload has looked at, the next need not look at again."""
        uploads = tuple(replace(job, watch=progress) for job in self.uploads)
        for job in uploads:
            object.__setattr__(job, "looked", uploads[0].looked)
        return replace(self, uploads=uploads)

    def stages(self, *, only_plan: bool = False) -> Iterator[Stage]:
        """Yield all stages; each is prepared once those before it have ended. What got no file is no vault."""
        for job in self.uploads:
            yield Stage("upload", job.part, job, open_destination(job.dest))
        kept = [] if only_plan else [job for job in self.uploads if is_vault(job.dest)]
        for job in kept:
            yield _check(job.part, job.dest)
        for job in kept if self.archive else ():
            there = self.archive[job.part]
            copies = CopyJob(job.dest, there, "", True, job.existing, self.storage_class)
            yield Stage("copy", f"archive of {job.part}", copies, open_destination(there))
            yield _check(f"archive of {job.part}", there)


def _check(what: str, vault: StoreSpec) -> Stage:
    job = VerifyJob(vault)
    return Stage("check", what, job, destination_of(job))


def prepare_ingest(
    source: str | os.PathLike[str] | StoreSpec | None,
    to: str | os.PathLike[str] | StoreSpec,
    video_to: str | os.PathLike[str] | StoreSpec | None = None,
    archive_to: str | os.PathLike[str] | StoreSpec | None = None,
    *,
    seal_for: Sequence[str] = (),
    existing: str = "error",
    archive_class: str | None = None,
    code: str | None = None,
    dates: str = "keep",
    names: str | os.PathLike[str] | None = None,
    annotations: str = "scrub",
    faces: str = "keep",
    crosswalk: CrosswalkRef | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    archive_profile: str | Profile | None = None,
) -> Ingest:
    """Check what is asked for; nothing is listed yet. As in `ingest`."""
    known = crosswalk or CrosswalkRef()
    who = recipients_of(seal_for, known.key, reference_of(known.passphrase))
    if not who.encrypts:
        who = recipients_of([who.key], known.key, reference_of(known.passphrase))
    plain = prepare(
        source,
        to,
        code=code,
        dates=dates,
        names=names,
        annotations=annotations,
        faces=faces,
        crosswalk=known,
        profile=profile,
        dest_profile=dest_profile,
    )
    recordings = IngestJob(
        plain.store,
        plain.dest,
        plain.how,
        plain.crosswalk,
        plain.names,
        plain.code,
        recipients=who,
        existing=existing_of(existing),
        video_has_place=video_to is not None,
    )
    uploads = [recordings]
    if video_to is not None:
        video = replace(recordings, dest=dest_spec(video_to, dest_profile or profile), part="video")
        _refuse_same(recordings.dest, video.dest)
        uploads.append(video)
    if archive_to is None and archive_class:
        raise UsageError("A class for the archive, and no archive.", hint="Add --archive-to URL.")
    places = {} if archive_to is None else _archives(archive_to, archive_profile or dest_profile, uploads)
    for place in places.values():
        for job in uploads:
            refuse_overlap(job.dest, place)
    uploads[0] = replace(recordings, later=(*(job.dest for job in uploads[1:]), *places.values()))
    kept = open_store(places["recordings"]).class_named(archive_class) if archive_class else ""
    return Ingest(tuple(uploads), places, kept)


def _refuse_same(one: StoreSpec, other: StoreSpec) -> None:
    if is_in(one.url, other.url) or is_in(other.url, one.url):
        raise PolicyError(
            "Recordings and videos would go to one place, and videos show the patient.",
            hint="Name a place of its own for videos, beside the other: --video-to URL",
        )


def _archives(
    archive_to: str | os.PathLike[str] | StoreSpec, profile: str | Profile | None, uploads: Sequence[IngestJob]
) -> dict[str, StoreSpec]:
    """Return a place below the archive for each upload."""
    spec = dest_spec(archive_to, profile)
    return {job.part: replace(spec, url=f"{spec.url.rstrip('/')}/{job.part}") for job in uploads}


@dataclass(frozen=True, slots=True)
class Ended:
    """How one stage ended."""

    does: Does
    what: str
    place: str
    """Where to: a folder, or the URL of a store."""
    result: RunResult

    @property
    def exit_code(self) -> Exit:
        """As the commands of this kind end."""
        tally = self.result.tally
        if self.result.state == "cancelled":
            return Exit.INTERRUPTED
        if self.result.state == "planned" or tally.complete:
            return Exit.DONE
        failed = Exit.INTEGRITY if self.does == "check" else Exit.INCOMPLETE
        return Exit.WAITING if tally.only_waits else failed


def carry_out(
    asked: Ingest,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    confirm: Callable[[Stage, Plan], bool] | None = None,
    dry_run: bool = False,
) -> Iterator[tuple[Stage, Ended]]:
    """Do all stages, and yield how each ended.

    Where somebody said no, or something in a vault is not what it should be, no further stage begins.
    """
    for stage in asked.watched(progress).stages(only_plan=dry_run):
        width = executor(jobs) if stage.does == "upload" else default_executor(jobs)

        def ask(plan: Plan, stage: Stage = stage) -> bool:
            return confirm is None or confirm(stage, plan)

        result = execute(stage.job, stage.place, width, progress=progress, confirm=ask, dry_run=dry_run)
        ended = Ended(stage.does, stage.what, stage.place.shown, result)
        yield stage, ended
        if ended.exit_code in (Exit.INTERRUPTED, Exit.INTEGRITY):
            break


def worst_of(codes: Iterable[int]) -> int:
    """Return the exit code of a command that had several."""
    return max(codes, key=_ORDER.index, default=int(Exit.DONE))


_ORDER = [int(one) for one in (Exit.DONE, Exit.WAITING, Exit.INCOMPLETE, Exit.INTEGRITY, Exit.INTERRUPTED)]


class Settings(TypedDict, total=False):
    """What may be said besides of an upload; see `ingest`."""

    seal_for: Sequence[str]
    existing: str
    archive_class: str | None
    code: str | None
    dates: str
    names: str | os.PathLike[str] | None
    annotations: str
    faces: str
    crosswalk: CrosswalkRef | None
    profile: str | Profile | None
    dest_profile: str | Profile | None
    archive_profile: str | Profile | None


def ingest(
    source: str | os.PathLike[str] | StoreSpec | None,
    to: str | os.PathLike[str] | StoreSpec,
    video_to: str | os.PathLike[str] | StoreSpec | None = None,
    archive_to: str | os.PathLike[str] | StoreSpec | None = None,
    *,
    jobs: int | None = None,
    progress: Progress | bool | None = None,
    dry_run: bool = False,
    **how: Unpack[Settings],
) -> list[Ended]:
    """Take identity out of a folder's recordings and upload them encrypted, in one go. Originals stay as they are.

    Each file is read once: cleaned, looked at by a search of another make, encrypted and sent, and nothing of it lies
    on a disk on its way; videos lie there encrypted. Then each vault is held against its manifests, and copied to the
    archive. Run again, it does only what is new or changed, or was stopped.

    Parameters
    ----------
    source : path, str or StoreSpec
        The folder, or the URL of a store, with a folder for each patient.
    to, video_to : path, str or StoreSpec
        The vaults for recordings, with notes, and for videos; without `video_to` videos are refused.
    archive_to : path, str or StoreSpec, optional
        Where both vaults are copied to, below ``recordings`` and ``video``.
    jobs : int, optional
        Processes; by default one for each core.
    progress : bool or Progress, optional
        Whether it is shown how far it is, or who watches.
    dry_run : bool
        Only plan.
    **how
        Of vaults ``seal_for`` (names of keys; your own if none is given), ``existing``, ``archive_class``; ``code``,
        ``dates``, ``names``, ``annotations``, ``faces``, ``crosswalk``, ``profile`` and ``dest_profile`` as in
        `deidentify`; and ``archive_profile``.

    Returns
    -------
    list of Ended
        How each stage ended, with ``result`` and ``exit_code``.

    Raises
    ------
    WaitingError
        A patient may be in the crosswalk already, under another spelling; nothing was uploaded.
    PolicyError
        An address has a patient's name, or recordings and videos would go to one place.
    """
    asked = prepare_ingest(source, to, video_to, archive_to, **how)
    return [ended for _, ended in carry_out(asked, jobs=jobs, progress=watcher(progress), dry_run=dry_run)]
