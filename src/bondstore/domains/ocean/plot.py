"""Pictures of many profiles: one of each; and of each platform a map, sections and a temperature-salinity diagram."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore
from bondstore.domains.ocean.findings import PLOT_KINDS
from bondstore.domains.ocean.linked import grouped_with, link
from bondstore.domains.ocean.paths import STATUS, TABLES
from bondstore.domains.ocean.plots.canvas import FORMS, Form, need_matplotlib
from bondstore.domains.ocean.plots.gathering import Gathering
from bondstore.domains.ocean.plots.maps import overview_map
from bondstore.domains.ocean.plots.places import SUFFIXES, Names, find_dest, find_source
from bondstore.domains.ocean.plots.profile import profile_figure
from bondstore.domains.ocean.plots.section import section
from bondstore.domains.ocean.plots.water import water_diagram
from bondstore.domains.ocean.plots.words import describe, heading
from bondstore.domains.ocean.profile_files import check_any
from bondstore.domains.ocean.profiles import joined, with_platforms
from bondstore.domains.ocean.qc.evaluate import evaluate, pick
from bondstore.domains.ocean.reading import read_many
from bondstore.domains.ocean.service import Asked, refuse_idle
from bondstore.domains.ocean.write import Maker
from bondstore.errors import (
    HOPELESS,
    BondstoreError,
    DamagedError,
    NotFoundError,
    UsageError,
)
from bondstore.findings import GONE, NOT_FETCHED, Finding, Severity
from bondstore.ledger import Item, Read, note_personal
from bondstore.runs.batches import Sample
from bondstore.runs.destination import PRIVATE
from bondstore.runs.destinations import open_destination
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.notebook import watcher
from bondstore.runs.process import whoami
from bondstore.runs.progress import Progress, Quiet
from bondstore.runs.tally import Count, Tally
from bondstore.stores import open_store
from bondstore.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.domains.ocean.qc.evaluate import Result
    from bondstore.stores import Fetched, ObjectInfo, Store

_FILES, _BYTES = 32, 4 << 20


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that was written.

    Parameters
    ----------
    path : str
        Relative to the destination.
    shows : {"profile", "map", "section", "ts"}
        What it is.
    source : str
        The object's key; empty for a map or section.
    platform : str
        Whose it is.
    description : str
        The picture in words.
    """

    path: str
    shows: str
    source: str
    platform: str
    description: str


@dataclass(frozen=True, slots=True)
class Plotted:
    """How it went.

    Parameters
    ----------
    dest : str
        Address of where the pictures are.
    pictures : int
        How many were drawn.
    tally : Tally
        What became of the files.
    left_out : int
        Objects that are no profiles by their names, or older than was asked for.
    whole : bool
        Whether every picture that should be there is.
    kept : int
        Pictures that quality control drew into this destination: they show its files' flags, and stay as they are.
    """

    dest: str
    pictures: int
    tally: Tally
    left_out: int
    whole: bool
    kept: int = 0


def plot(
    source: str | os.PathLike[str],
    dest: str | os.PathLike[str] | None = None,
    *,
    form: str = "png",
    tests: str = "moana",
    since: datetime | None = None,
    metadata: str | os.PathLike[str] | None = None,
    columns: str | os.PathLike[str] | None = None,
    exclusion_list: str | os.PathLike[str] | None = None,
    profile: str | Profile | None = None,
    dest_profile: str | Profile | None = None,
    group: str | None = None,
    follow_links: bool = False,
    progress: Progress | bool | None = None,
    tell: Callable[[Picture | Finding], None] | None = None,
) -> Plotted:
    """Draw profiles; and of each platform a map, sections and, with salinity, a temperature-salinity diagram.

    Parameters
    ----------
    source : str or path
        A file, a folder, a store's URL or the URL of one object.
    dest : str or path, optional
        A folder or a store's URL; by default beside the source where it lies on this computer, else here.
    form : {"png", "svg"}
        Which kind of pictures.
    tests : str
        The suite whose flags are shown: a name, or the path of a TOML file.
    since : datetime, optional
        Only objects that were written at this time or later.
    metadata : path, optional
        The table of deployments (CSV): profiles are then gathered by deployment.
    columns : path, optional
        What the columns of plain tables are (TOML).
    exclusion_list : str or path, optional
        A file, or its URL, for Argo's test 15.
    profile, dest_profile : str or Profile, optional
        Named settings to open source and destination with.
    group : str, optional
        A group of this machine that may read what is written to a folder; else what the profile says, else nobody.
    follow_links : bool
        Write to a folder that is a symbolic link, or through such links in it.
    progress : bool or Progress, optional
        Whether it is shown how far it is: by default in notebooks. Or who watches.
    tell : callable, optional
        Called with each picture once it is in place, and with each finding.

    Returns
    -------
    Plotted
        Files that cannot be read count as quarantined, those that cannot be fetched as failed; the rest is drawn.

    Raises
    ------
    UsageError
        The form is unknown, or no test looks at the exclusion list.
    NotFoundError
        There is no such file, folder, object, bucket or suite.
    ConfigurationError
        The suite or a store cannot be used, or a part is not installed.
    PolicyError
        The profile forbids data in the clear on a disk; or another run writes to the folder.
    """
    if form not in FORMS:
        raise UsageError(f"The form {form!r} is unknown.", hint=f"Choose one of: {', '.join(FORMS)}.")
    need_matplotlib()
    settings = Asked(tests, metadata=metadata, columns=columns, exclusion_list=exclusion_list).settings()
    refuse_idle(settings)
    spec, key = find_source(source, profile)
    maker = Maker(settings, spec.url)
    chosen: Form = "png" if form == "png" else "svg"
    place = find_dest(dest, spec, dest_profile or profile, group=group, follow_links=follow_links)
    work = _Plotting(maker, chosen, place, tell or (lambda _: None))
    watch = watcher(progress) or Quiet()
    opened = open_store(spec)
    with ExitStack() as stack:
        stack.callback(watch.end)
        listed = [opened.head(key)] if key is not None else list(_listed(spec, work, watch))
        items = [one for one in listed if key is not None or one.barred or _is_since(one, since)]
        work.left_out += len(listed) - len(items)
        if not items and since is None:
            check_any(opened)  # raises, unless all there is was made by quality control
            raise NotFoundError(
                f"There are no profile files in {opened.url} but tables and the status of quality control.",
                hint="Name the files that it was made of, or run ocean qc with --format netcdf.",
            )
        if not items:
            check_any(opened)
        if isinstance(work.dest, FolderDestination) and items:
            stack.enter_context(work.dest.locked())
        opened.others = _sample(items)
        watch.begin(Count(len(items), sum(one.size for one in items)))
        there = [_item(one) for one in listed if not one.barred] if maker.suite.compares else []
        index = stack.enter_context(closing(CycleIndex(there)))
        before = FilesBefore(index, opened if key is not None and maker.suite.compares else None)
        pairs = ((_item(one), before.of(one.key)) for one in items)
        for some in grouped_with(pairs, _FILES, _BYTES):
            work.draw_files(some, opened)
            for one, _ in some:
                watch.advance(Count(1, one.size))
        work.draw_platforms(only=key)
    return Plotted(work.url, work.pictures, work.tally, work.left_out, work.whole, work.kept)


def _sample(items: Sequence[ObjectInfo]) -> tuple[str, ...]:
    """Return some keys from the first to about the last: which objects may open where others are refused."""
    sample = Sample()
    for one in items:
        sample.add(one.key)
    return tuple(sample.keys)


def _item(one: ObjectInfo) -> Item:
    return Item(one.key, one.etag, one.size, "")


def _is_since(one: ObjectInfo, since: datetime | None) -> bool:
    return since is None or one.modified_ms >= since.timestamp() * 1000


def _listed(spec: StoreSpec, work: _Plotting, progress: Progress) -> Iterator[ObjectInfo]:
    seen = Count()
    for page in open_store(spec).pages():
        for one in page.objects():
            if one.key.split("/")[0] == PRIVATE or one.key == STATUS or one.key.startswith(TABLES):
                continue  # what quality control writes beside the files it makes
            if one.barred or one.key.lower().endswith(SUFFIXES):
                seen += Count(1, one.size)
                yield one
            else:
                work.left_out += 1
        progress.listing(seen)


class _Plotting:
    """Draws, writes and counts."""

    def __init__(
        self,
        maker: Maker,
        form: Form,
        spec: StoreSpec,
        tell: Callable[[Picture | Finding], None],
    ) -> None:
        self._maker, self._form, self._tell = maker, form, tell
        self.url, self.dest = spec.url, open_destination(spec)
        self._names, self._gathering = Names(form), Gathering()
        self.tally, self.pictures, self.left_out, self.whole, self.kept = Tally(), 0, 0, True, 0

    def draw_files(self, some: Sequence[tuple[Item, Sequence[Item]]], store: Store) -> None:
        """Read, test and draw the profiles of some files, each with those of its float's cycles before."""
        fetched: list[tuple[Item, Fetched]] = []
        for (item, _), answer in zip(some, store.get_many([item.key for item, _ in some]), strict=True):
            if not isinstance(answer, BondstoreError):
                fetched.append((item, answer))
                continue
            if isinstance(answer, HOPELESS):
                raise answer  # no other object will fare better
            kind = GONE if isinstance(answer, NotFoundError) else NOT_FETCHED
            self._tell(kind.about(item.key, message=answer.message))
            self.tally = self.tally.count("failed", item.size)
        note_personal(whoami(), [Read(item.key, answer.info.etag, len(answer.data)) for item, answer in fetched])
        results = read_many([(item.key, bytes(answer.data)) for item, answer in fetched], self._maker.columns)
        read = {item.key: one[0] for (item, _), one in zip(fetched, results, strict=True) if isinstance(one, tuple)}
        linked = link(read, {item.key: befores for item, befores in some}, self._maker, store)
        note_personal(whoami(), linked.reads)
        good: list[tuple[str, Batch]] = []
        for (item, _), result in zip(fetched, results, strict=True):
            if isinstance(result, DamagedError):
                self._tell(Finding(result.kind, Severity.ERROR, item.key, str(result)))
                self.tally = self.tally.count("quarantined", item.size)
            elif item.key in linked.unsure:
                self._tell(linked.not_fetched(item.key))
                self.tally = self.tally.count("failed", item.size)
            else:
                for finding in [*result[1], *linked.findings[item.key]]:
                    self._tell(finding)
                self.tally = self.tally.count("done", item.size)
                good.append((item.key, with_platforms(linked.batches[item.key])))
        if good:
            self._draw_batch(good)

    def _draw_batch(self, good: Sequence[tuple[str, Batch]]) -> None:
        whole = joined([batch for _, batch in good])
        said = evaluate(whole, self._maker.suite)
        made: list[tuple[Picture, Callable[[], bytes]]] = []
        first = 0
        for key, own in good:
            batch, result = pick(whole, said, range(first, first + len(own)))
            first += len(own)
            self._gathering.add(batch, result)
            made += [self._of_profile(key, batch, result, number) for number in range(len(batch))]
        self._write(made)

    def _of_profile(self, key: str, batch: Batch, result: Result, number: int) -> tuple[Picture, Callable[[], bytes]]:
        path = self._names.of_profile(key, number)
        platform = batch.profiles[number].platform
        picture = Picture(path, "profile", key, platform, describe(batch, result, number))
        return picture, partial(profile_figure, batch, result, number, form=self._form)

    def draw_platforms(self, only: str | None) -> None:
        """Draw the map of every platform, its sections, and with salinity its temperature-salinity diagram.

        Those of a single object are named after it, and must not take the place of those of all objects.
        """
        stem = None if only is None else only.rpartition("/")[2].rpartition(".")[0]
        for name, platform in self._gathering.platforms():
            batch, result = platform.whole()
            if stem is not None and len(batch) < 2:
                continue
            note = f"1 in {platform.share} of the levels without doubt" if platform.share > 1 else ""
            about = f"{heading(batch, '')}, {counted(len(batch), 'profile')}."
            kinds: list[tuple[str, str, str, Callable[[], bytes]]] = [
                ("map", "map", "Map", partial(overview_map, batch, result, form=self._form)),
                ("section", "section", "Section of temperature over time and pressure",
                 partial(section, batch, result, "TEMP", form=self._form, note=note)),
            ]  # fmt: skip
            if batch.carries("PSAL").any():
                kinds += [
                    ("salinity_section", "section", "Section of salinity over time and pressure",
                     partial(section, batch, result, "PSAL", form=self._form, note=note)),
                    ("ts", "ts", "Temperature against salinity",
                     partial(water_diagram, batch, result, form=self._form, note=note)),
                ]  # fmt: skip
            drawn: list[tuple[Picture, Callable[[], bytes]]] = []
            for ending, shows, word, draw in kinds:
                path = self._names.of_platform(name if stem is None else stem, ending)
                drawn.append((Picture(path, shows, only or "", name, f"{word} of {about}"), draw))
            self._write(drawn)

    def _recorded(self, paths: Sequence[str]) -> set[str]:
        """Return those of some pictures that a run wrote, which vouches for their bytes: a release takes them along."""
        place, above = self.dest, ""
        if isinstance(place, FolderDestination):
            root = Path(place.identity)
            folders = (FolderDestination(folder) for folder in (root, *root.parents))
            place = next((one for one in folders if os.path.lexists(one.ledger_path)), place)
            above = root.relative_to(place.identity).as_posix().removeprefix(".")
        if not place.has_record():
            return set()
        with place.ledger(create=False) as ledger:
            written = ledger.outputs.written([f"{above}/{path}".lstrip("/") for path in paths])
        return {path for path in paths if f"{above}/{path}".lstrip("/") in written}

    def _write(self, made: Sequence[tuple[Picture, Callable[[], bytes]]]) -> None:
        """Draw and write; a picture that cannot be drawn is told, and the others are not held up by it."""
        recorded = self._recorded([picture.path for picture, _ in made])
        self.kept += len(recorded)
        out = self.dest.writer()
        drawn = []
        try:
            for picture, draw in made:
                if picture.path in recorded:
                    continue
                try:
                    data = draw()
                except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
                    if isinstance(error, BondstoreError):
                        raise
                    why = f"The {picture.shows} could not be drawn ({type(error).__name__})."
                    self._tell(PLOT_KINDS["not-drawn"].about(picture.source or picture.path, message=why))
                    self.whole = False
                    continue
                out.write(picture.path, [data])
                drawn.append(picture)
            self.dest.show(out.seal().staged)
        finally:
            out.discard()
        for picture in drawn:
            self._tell(picture)
        self.pictures += len(drawn)
