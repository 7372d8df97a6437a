"""A Beiwe study from Python: look, read, decrypt in memory, export. The command line calls the same services."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bondstore.domains.beiwe.selection import selection_of
from bondstore.domains.beiwe.study_reading import StudyReading
from bondstore.runs.notebook import watcher
from bondstore.stores.address import dest_spec
from bondstore.timebounds import zone_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bondstore.domains.beiwe.selection import Moment
    from bondstore.runs.engine import RunResult
    from bondstore.runs.executors import Executor
    from bondstore.runs.plan import Plan
    from bondstore.runs.progress import Progress


class Study(StudyReading):
    """A study in a store. Made by `open_study`; holds no secret.

    Parameters
    ----------
    store : Store
        Where it lies.
    id : str
        The study's id.
    key : SecretRef or None
        Where its key is kept.
    """

    def __reduce__(self) -> tuple[object, ...]:
        return (Study, (self.store, self.id, self.key, self.settings))

    def export(
        self,
        destination: str | os.PathLike[str],
        *,
        participant: str | Iterable[str] | None = None,
        stream: str | Iterable[str] | None = None,
        since: Moment = None,
        until: Moment = None,
        form: str = "original",
        source: str | None = None,
        jobs: int | None = None,
        executor: Executor | None = None,
        progress: Progress | bool | None = None,
        confirm: Callable[[Plan], bool] = lambda _: True,
        dry_run: bool = False,
        dest_profile: str | None = None,
        group: str | None = None,
        follow_links: bool = False,
        tz: str = "UTC",
        survey: str | Iterable[str] | None = None,
    ) -> RunResult:
        """Export a study, or a part of it, into a folder or a store. Run again, it does only what is new or changed.

        Parameters
        ----------
        destination : path or str
            The folder; its record is kept in ``.bondstore`` below it. Or a store's URL.
        participant, stream, since, until
            What to export; see `objects`.
        form : {"original", "forest", "csv", "parquet"}
            Exact files, files as forest reads them, or one table per participant and stream.
        source : {"chunked", "raw", "both"}, optional
            By default both for ``original``, chunked for the others. With both, ``forest`` gets complete hours.
        jobs : int, optional
            Workers; by default what suits the machine.
        executor : Executor, optional
            Who does it, in place of `jobs`.
        progress : bool or Progress, optional
            Whether it is shown how far it is: by default in notebooks. Or who watches.
        confirm : callable
            Asked once the plan stands; false ends the run before anything is fetched.
        dry_run : bool
            Only plan.
        dest_profile : str, optional
            Named settings to open the destination with; those of the study when not given.
        group : str, optional
            A group of this machine that may read what is written to a folder; else what the profile says, else nobody.
        follow_links : bool
            Write to a folder that is a symbolic link, or through such links in it.
        tz : str
            Another time zone adds the column ``local time`` to tables, and is that of times without an offset.
        survey : str or iterable of str, optional
            Only of these surveys, and, as exact files, old hours that hold several.

        Returns
        -------
        RunResult
            With ``tally``: everything planned is done, skipped, quarantined or failed.
        """
        from bondstore.domains.beiwe.jobs import ExportJob
        from bondstore.runs import engine
        from bondstore.runs.destinations import open_destination
        from bondstore.runs.executors import default_executor

        chosen = source or ("both" if form == "original" else "chunked")
        selection = selection_of(participant, stream, since, until, chosen, tz=tz, survey=survey)
        dest = dest_spec(destination, dest_profile or self.settings, group=group, follow_links=follow_links)
        zone_named(tz)
        job = ExportJob(self.store.spec, self.id, self._needed_key(), form, selection, dest, tz)
        place = open_destination(dest)
        doing = executor or default_executor(jobs)
        return engine.execute(job, place, doing, progress=watcher(progress), confirm=confirm, dry_run=dry_run)
