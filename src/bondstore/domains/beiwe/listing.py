"""Walking a study's objects: streamed, over many prefixes at once, in memory that does not grow with the study.

And what the listing alone tells: which objects lie there twice, what is left out, how much there is of each
participant, stream or survey.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.findings import finding
from bondstore.domains.beiwe.layout import (
    CHUNKED_ROOT,
    BeiweObject,
    Kind,
    as_odd,
    parse_any,
    study_prefixes,
    twin_keys,
)
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import NotFoundError, PolicyError, UsageError
from bondstore.runs.paths import is_odd_name
from bondstore.threads import ordered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from bondstore.domains.beiwe.selection import StudySelection
    from bondstore.findings import Finding
    from bondstore.stores import Listing, Store


class Listed(NamedTuple):
    """An object as listed: what its key says, and its metadata."""

    object: BeiweObject
    size: int
    version: str
    modified_ms: int


def participants(store: Store, study: str) -> list[str]:
    """Return the ids of all participants who have chunked or raw objects, sorted."""
    return [name for name in people(store, study) if not is_odd_name(name)]


def people(store: Store, study: str) -> list[str]:
    """Return the names of all folders that stand where participants' do, sorted: odd ones too."""
    chunked, raw, _ = study_prefixes(study)
    found = set(_folders(store, raw)) - {"keys"}  # the folder of device keys, beside those of the participants
    return sorted(found.union(_folders(store, chunked)))


def walk(store: Store, study: str, selection: StudySelection, *, concurrency: int = 8) -> Iterator[list[Listed]]:
    """List what may belong to a selection, a page at a time, so many prefixes at once.

    The pages hold more than the selection: the caller asks `StudySelection.wants`. Within a page keys are in the
    store's own order (buckets list theirs ascending, folders do not); pages of several prefixes come in any order
    unless `concurrency` is 1.
    """
    _refuse_half(store, study)
    yield from _loose(store, study, selection)
    for page in store.pages_under(prefixes(store, study, selection), concurrency):
        yield parse_page(study, page)


def _refuse_half(store: Store, study: str) -> None:
    """Refuse a store's address that ends inside the study's layout: its chunked hours would be taken for uploads."""
    whole, half = store.url.rstrip("/").removesuffix(f"/{study}").rpartition("/")[::2]
    if half == CHUNKED_ROOT and not store.dirs(study_prefixes(study)[0]).prefixes:
        raise NotFoundError(
            f"{store.url} is a part of a study's place: {half} lies in it, beside the raw data.",
            hint=f"Name the place without it: {whole}",
        )


def walk_by_participant(
    store: Store, study: str, selection: StudySelection, *, width: int = 3
) -> Iterator[tuple[str, list[Listed]]]:
    """List what may belong to a selection, all of a participant at once; first what is nobody's, under no name."""
    if not (selection.participants or selection.streams or selection.surveys):
        chunked, raw, problem = study_prefixes(study)
        loose = [*_direct(store, study, chunked), *_direct(store, study, raw)]
        under = [] if selection.source == "chunked" else [f"{raw}keys/", problem]
        yield "", loose + [one for page in store.pages_under(under, len(under)) for one in parse_page(study, page)]

    def of_one(person: str) -> tuple[str, list[Listed]]:
        pages = walk(store, study, replace(selection, participants=(person,)))
        return person, [one for page in pages for one in page]

    yield from ordered(of_one, selection.participants or people(store, study), width)


def parse_page(study: str, page: Listing) -> list[Listed]:
    """Say what each key of a listed page names."""
    return [
        Listed(_parsed(study, key, barred=key in page.barred), size, etag, modified)
        for key, size, etag, modified in zip(page.keys, page.sizes, page.etags, page.modified_ms, strict=True)
    ]


def _parsed(study: str, key: str, *, barred: bool) -> BeiweObject:
    """Say what a key names; what is barred is set aside with odd folders, where its key alone says no more."""
    obj = parse_any(study, key)
    return as_odd(study, obj) if barred and not obj.is_data else obj


def prefixes(store: Store, study: str, selection: StudySelection) -> list[str]:
    """Return the prefixes that hold a selection's objects, except those that lie loose in the raw folders."""
    chunked, raw, problem = study_prefixes(study)
    found: list[str] = []
    for person in selection.participants or people(store, study):
        if not selection.streams and selection.surveys:
            found += _of_surveys(selection, f"{chunked}{person}/", f"{raw}{person}/")
            continue
        if not selection.streams:
            found += [f"{chunked}{person}/"] if selection.source != "raw" else []
            found += [f"{raw}{person}/"] if selection.source != "chunked" else _raw_only(f"{raw}{person}/")
            continue
        for name in selection.streams:
            stream = STREAMS[name]
            found += [f"{chunked}{person}/{name}/"] if selection.source != "raw" else []
            found += [f"{raw}{person}/{stream.raw_name}/"] if selection.source != "chunked" or stream.raw_only else []
    everything = not (selection.participants or selection.streams or selection.surveys)
    everything = everything and selection.source != "chunked"
    return list(dict.fromkeys([*found, f"{raw}keys/", problem])) if everything else found


def _of_surveys(selection: StudySelection, chunked: str, raw: str) -> list[str]:
    """Return the folders that objects of the surveys lie in."""
    of_raw = [one for one in STREAMS.values() if one.has_surveys and (one.raw_only or selection.source != "chunked")]
    found = [f"{raw}{one.raw_name}/" for one in of_raw]
    return found if selection.source == "raw" else [f"{chunked}survey_timings/", *found]


def _raw_only(folder: str) -> list[str]:
    """Return the folders of streams that are never chunked."""
    return [f"{folder}{stream.raw_name}/" for stream in STREAMS.values() if stream.raw_only]


def _loose(store: Store, study: str, selection: StudySelection) -> Iterator[list[Listed]]:
    """Yield what lies beside the folders: markers, strays, and identifiers where only that stream is asked for."""
    chunked, raw, _ = study_prefixes(study)
    if not (selection.participants or selection.streams or selection.surveys):
        yield _direct(store, study, chunked)
        yield _direct(store, study, raw)
    if "identifiers" in selection.streams and selection.source != "chunked":
        for person in selection.participants or people(store, study):
            yield _direct(store, study, f"{raw}{person}/")


def _direct(store: Store, study: str, prefix: str) -> list[Listed]:
    return [
        Listed(_parsed(study, info.key, barred=info.barred), info.size, info.etag, info.modified_ms)
        for info in store.dirs(prefix).objects
    ]


def _folders(store: Store, root: str) -> list[str]:
    return [prefix.removeprefix(root).removesuffix("/") for prefix in store.dirs(root).prefixes]


_LEFT_OUT = {
    Kind.DEVICE_KEY: "device keys",
    Kind.PROBLEM_UPLOAD: "problem uploads",
    Kind.PARTICIPANT_MARKER: "participant markers",
    Kind.ODD: "odd folders",
    Kind.UNKNOWN: "not understood",
}


def left_out(obj: BeiweObject) -> str | None:
    """Return why an object that holds no participant's data is not read, or None where it does hold data."""
    return None if obj.is_data else _LEFT_OUT[obj.kind]


def readable(study: str, obj: Listed | BeiweObject | str) -> Listed:
    """Find what an object (or its key) is; refuse with PolicyError what is nobody's to read, a device key say."""
    if isinstance(obj, str):
        obj = parse_any(study, obj)
    listed = obj if isinstance(obj, Listed) else Listed(obj, 0, "", 0)
    found = listed.object
    if found.kind in (Kind.DEVICE_KEY, Kind.ODD):
        raise PolicyError(
            f"{found.key} is not read: {found.kind.value.replace('_', ' ')}.",
            hint="Only participants' data is read; see bondstore beiwe ls for what there is.",
        )
    if found.kind is Kind.UNKNOWN and not found.is_other:
        raise NotFoundError(
            f"There is no object {found.key} in the study {study}: no key begins so.",
            hint="Give the whole key, as bondstore beiwe ls shows it.",
        )
    return listed


def refuse_table(store: Store, obj: BeiweObject) -> None:
    """Refuse to make a table of what nothing is known of; raises NotFoundError where there is no such object."""
    if obj.is_data:
        return
    for key in (obj.key, *twin_keys(obj.key)):
        with suppress(NotFoundError):
            store.head(key)
            raise UsageError(
                f"{obj.key} is no table: nothing is known of what it holds.",
                hint="Take its bytes: bondstore beiwe read KEY --format original, or read_bytes in Python.",
            )
    raise NotFoundError(f"There is no object {obj.key}.", hint="bondstore beiwe ls shows what there is.")


class WithoutTwins(NamedTuple):
    """A page of listed objects, told apart."""

    kept: list[Listed]
    superseded: list[Listed]


def sort_twins(pages: Iterable[Sequence[Listed]]) -> Iterator[WithoutTwins]:
    """Keep one of each pair of twins: the one that was written last, the compressed one where that is a draw.

    A server that compresses writes ``x.csv.zst`` and may stop before ``x.csv`` is gone. As many objects come out as
    went in; the last of a page may come with a later one.
    """
    # Within a folder keys ascend, so x.csv and x.csv.zst stand side by side, on one page or over its end. Only a plain
    # object at a page's end is held back: its twin may be the first of the next page of the same folder.
    held: dict[str, Listed] = {}
    for page in pages:
        if not page:
            continue
        before = held.pop(_folder(page[0]), None)
        whole = [before, *page] if before else list(page)
        if not whole[-1].object.compression:
            last = whole.pop()
            whole += [old] if (old := held.get(_folder(last))) else []  # folders of a disk are listed in no order
            held[_folder(last)] = last
        yield _parted(whole)
    yield _parted(list(held.values()))


def superseded_finding(one: Listed) -> Finding:
    """Return the finding about an object whose twin was taken."""
    return finding("superseded", one.object.key)


def _parted(page: list[Listed]) -> WithoutTwins:
    plain = {one.object.key: one for one in page if not one.object.compression}
    losers: dict[str, Listed] = {}
    for one in page:
        if one.object.compression and (twin := plain.get(twin_keys(one.object.key)[0])) is not None:
            loser = one if twin.modified_ms > one.modified_ms else twin
            losers[loser.object.key] = loser
    return WithoutTwins([one for one in page if one.object.key not in losers], list(losers.values()))


def _folder(one: Listed) -> str:
    return one.object.key.rpartition("/")[0]


@dataclass(slots=True)
class StudyPart:
    """One participant, stream or survey: objects of each source, bytes as stored, times in the file names."""

    name: str
    chunked: int = 0
    raw: int = 0
    bytes: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    @property
    def objects(self) -> int:
        """Objects of both sources."""
        return self.chunked + self.raw

    def add(self, obj: BeiweObject, size: int) -> None:
        """Count one object."""
        if obj.source == "chunked":
            self.chunked += 1
        else:
            self.raw += 1
        self.bytes += size
        if obj.time_ms is not None:
            self.first_ms = obj.time_ms if self.first_ms is None else min(self.first_ms, obj.time_ms)
            self.last_ms = obj.time_ms if self.last_ms is None else max(self.last_ms, obj.time_ms)


@dataclass(frozen=True, slots=True)
class Overview:
    """A study, counted from its listing alone: its parts by name, and what is left out, by kind."""

    parts: tuple[StudyPart, ...]
    left_out: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[StudyPart]:
        return iter(self.parts)

    def frame(self) -> pl.DataFrame:
        """Return a row for each part: name, objects of each source, bytes as stored, first and last time."""
        import polars as pl

        columns = ("name", "chunked", "raw", "bytes", "first_ms", "last_ms")
        rows = [[getattr(one, name) for name in columns] for one in self.parts]
        schema = {name: pl.Int64() if name != "name" else pl.String() for name in columns}
        moments = pl.col("first_ms", "last_ms").cast(pl.Datetime("ms", "UTC"))
        made = pl.DataFrame(rows, schema=schema, orient="row").with_columns(moments)
        return made.rename({"first_ms": "first", "last_ms": "last"})

    def _repr_html_(self) -> str:
        """Show it as a table in notebooks."""
        return self.frame()._repr_html_()


MIXED = "(several)"
"""The name under which old files are counted that hold several surveys; which ones, only their rows say."""


def survey_of(obj: BeiweObject) -> str | None:
    """Return the survey of an object, or None where it is of none."""
    return MIXED if obj.is_mixed and obj.survey_id is None else obj.survey_id


def _survey_folder(obj: BeiweObject) -> str | None:
    survey = survey_of(obj)
    return None if survey is None else f"{obj.raw_stream or obj.stream}/{survey}"


GROUPINGS: Mapping[str, Callable[[BeiweObject], str | None]] = {
    "participant": lambda obj: obj.participant,
    "stream": lambda obj: obj.stream,
    "survey": survey_of,
    "survey-folder": _survey_folder,
}
"""What can be counted by, and what says it of an object; those of none are left aside."""


def overview(
    store: Store,
    study: str,
    selection: StudySelection,
    by: str,
    surveys_inside: Callable[[Sequence[Listed]], list[list[str]]] | None = None,
) -> Overview:
    """Count a selection by a word of `GROUPINGS`; `surveys_inside` says which surveys old hours hold."""
    groups: dict[str, StudyPart] = {}
    others: dict[str, int] = {}
    for page in walk(store, study, selection):
        mixed = []
        for one in page:
            if (reason := left_out(one.object)) is not None:
                others[reason] = others.get(reason, 0) + 1
            elif selection.wants(one.object) and (name := GROUPINGS[by](one.object)) is not None:
                if surveys_inside is not None and one.object.is_mixed:
                    mixed.append(one)
                else:
                    groups.setdefault(name, StudyPart(name)).add(one.object, one.size)
        for one, ids in zip(mixed, surveys_inside(mixed) if surveys_inside and mixed else [], strict=True):
            for survey in ids or [MIXED]:
                name = f"{one.object.stream}/{survey}" if by == "survey-folder" else survey
                groups.setdefault(name, StudyPart(name)).add(one.object, one.size)
    return Overview(tuple(groups[name] for name in sorted(groups)), others)
