"""Ocean profiles from Python: quality control of a store. The command line and the event handlers call the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import StoreSpec
from bondstore.domains.ocean.exclusion_list import exclusion_list
from bondstore.domains.ocean.job import QcJob
from bondstore.domains.ocean.qc.suite import suite_names
from bondstore.domains.ocean.settings import QcSettings
from bondstore.errors import NotFoundError, UsageError
from bondstore.stores.address import dest_spec, store_spec

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from bondstore.config.profiles import Profile
    from bondstore.runs.engine import RunResult
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress


@dataclass(frozen=True, slots=True)
class Asked:
    """How quality control is to be done, in the words of a person.

    Parameters
    ----------
    tests : str
        A suite's name, or the path of a TOML file.
    form : {"netcdf", "parquet", "both"}
        What is written.
    style : {"plain", "aodn"}
        How files are named.
    plots : bool
        Draw each profile beside its file.
    metadata, attributes, columns : path or None
        The table of deployments (CSV); licence, creator and so on (TOML); a map of the columns of plain CSVs (TOML).
    per : {"profile", "deployment"}
        Whether each object has a netCDF file of its own, or each deployment of a sensor.
    exclusion_list : str or path, optional
        Argo's list of sensors that must not be used (``ar_greylist.txt``), for test 15: a file, or its URL.
    """

    tests: str = "moana"
    form: str = "netcdf"
    style: str = "plain"
    plots: bool = False
    metadata: str | os.PathLike[str] | None = None
    attributes: str | os.PathLike[str] | None = None
    columns: str | os.PathLike[str] | None = None
    per: str = "profile"
    exclusion_list: str | os.PathLike[str] | None = None

    def settings(self) -> QcSettings:
        """Read the files that are named, and return all of it as a value.

        Raises
        ------
        NotFoundError
            A file is not there.
        ConfigurationError
            The tests, or a file, cannot be used.
        """
        from bondstore.domains.ocean.output.attributes import parse_attributes
        from bondstore.domains.ocean.qc.evaluate import check_suite
        from bondstore.domains.ocean.qc.suite import load_suite
        from bondstore.domains.ocean.reading.metadata import without_contacts

        check_suite(load_suite(self.tests))
        attributes = _text(self.attributes) if self.attributes else ""
        parse_attributes(attributes)  # refused here, before anything is read
        return QcSettings(
            self.tests if self.tests in suite_names() else _text(self.tests),
            _one_of("form", self.form, ("netcdf", "parquet", "both")),  # type: ignore[arg-type]
            _one_of("style", self.style, ("plain", "aodn")),  # type: ignore[arg-type]
            self.plots,
            without_contacts(_read(self.metadata)) if self.metadata else "",
            attributes,
            _text(self.columns) if self.columns else "",
            "" if self.tests in suite_names() else str(Path(self.tests).absolute().parent),
            _one_of("per", self.per, ("profile", "deployment")),  # type: ignore[arg-type]
            exclusion_list(self.exclusion_list) if self.exclusion_list else "",
        )


def prepare(
    source: str | os.PathLike[str] | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    asked: Asked | None = None,
    *,
    since: datetime | None = None,
    keys: Sequence[str] | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
) -> QcJob:
    """Check what is asked for and build the job; nothing is listed yet. As in `qc`."""
    settings = (asked or Asked()).settings()
    refuse_idle(settings)
    return QcJob(
        store_spec(source, profile),
        dest_spec(dest, dest_profile or profile, group=group, follow_links=follow_links),
        settings,
        None if since is None else int(since.timestamp() * 1000),
        None if keys is None else tuple(keys),
    )


def refuse_idle(settings: QcSettings) -> None:
    """Refuse what would decide nothing: whoever asks for it would take it for done."""
    if settings.form == "parquet" and (settings.plots or settings.style == "aodn"):
        raise UsageError(
            "Pictures and AODN's names are for netCDF files, and only Parquet tables are asked for.",
            hint="Leave them out, or ask for both: --format both",
        )
    if settings.exclusion_list and not any(step.test.name == "argo.exclusion_list" for step in settings.load().steps):
        raise UsageError(
            "No test of this suite looks at the exclusion list.", hint="Leave it out, or use: --tests argo"
        )


def qc(
    source: str | os.PathLike[str] | StoreSpec | None,
    dest: str | os.PathLike[str] | StoreSpec,
    asked: Asked | None = None,
    *,
    since: datetime | None = None,
    keys: Sequence[str] | None = None,
    jobs: int | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
    progress: Progress | bool | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Test all profile files of a store and write them for release. Run again, it does only what is new or changed.

    Parameters
    ----------
    source : path, str or StoreSpec
        Where the files lie: a folder or a store's URL; None for what the profile or the environment says.
    dest : path, str or StoreSpec
        Where results go: a folder or another store.
    asked : Asked, optional
        How; the Moana tests and netCDF when not given.
    since : datetime, optional
        Only objects that were written at this time or later.
    keys : sequence of str, optional
        Only these objects. What is made of many is then left to the next run over all of them: the status, and in a
        store the tables of months and the files of deployments.
    jobs : int, optional
        Processes; by default one for each core. The results do not depend on it.
    profile, dest_profile : str or Profile, optional
        Named settings to open source and destination with; the destination's are the source's when not given.
    group : str, optional
        A group of this machine that may read what is written to a folder; else what the profile says, else nobody.
    follow_links : bool
        Write to a folder that is a symbolic link, or through such links in it.
    progress : bool or Progress, optional
        Whether it is shown how far it is: by default in notebooks. Or who watches.
    confirm : callable, optional
        Asked once the plan stands; false ends the run before anything is fetched.
    dry_run : bool
        Only plan.

    Returns
    -------
    RunResult
        With the run's id, plan and tally.
    """
    job = prepare(
        source,
        dest,
        asked,
        since=since,
        keys=keys,
        profile=profile,
        dest_profile=dest_profile,
        group=group,
        follow_links=follow_links,
    )
    return run(job, jobs=jobs, progress=progress, confirm=confirm, dry_run=dry_run)


def run(
    job: QcJob,
    *,
    jobs: int | None = None,
    progress: Progress | bool | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Do a job, or only plan it. As in `qc`."""
    from bondstore.domains.ocean.job import executor
    from bondstore.runs import engine
    from bondstore.runs.destinations import open_destination
    from bondstore.runs.notebook import watcher

    place = open_destination(job.dest)
    return engine.execute(job, place, executor(jobs), progress=watcher(progress), confirm=confirm, dry_run=dry_run)


def _read(path: str | os.PathLike[str]) -> bytes:
    try:
        return Path(path).expanduser().read_bytes()
    except OSError as error:
        raise NotFoundError(f"The file {path} could not be read ({error.strerror}).", hint="Check its name.") from error


def _text(path: str | os.PathLike[str]) -> str:
    try:
        return _read(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"The file {path} is no text.", hint="Save it as UTF-8.") from error


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"The {name} {value!r} is unknown.", hint=f"Choose one of: {', '.join(known)}.")
    return value
