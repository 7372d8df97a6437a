"""Walking a study's objects: streamed, over many prefixes at once, in memory that does not grow with the study."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bondstore.domains.beiwe.layout import BeiweObject, Kind, parse_key, study_prefixes
from bondstore.domains.beiwe.streams import STREAMS
from bondstore.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bondstore.domains.beiwe.selection import Selection
    from bondstore.stores import Listing, Store


class Listed(NamedTuple):
    """An object as listed: what its key says, and its metadata."""

    object: BeiweObject
    size: int
    version: str
    modified_ms: int


def participants(store: Store, study: str) -> list[str]:
    """Return the ids of all participants who have chunked or raw objects, sorted."""
    chunked, raw, _ = study_prefixes(study)
    found = set(_folders(store, raw)) - {"keys"}  # the folder of device keys, beside those of the participants
    return sorted(found.union(_folders(store, chunked)))


def walk(store: Store, study: str, selection: Selection, *, concurrency: int = 8) -> Iterator[list[Listed]]:
    """List what may belong to a selection, a page at a time.

    The pages hold more than the selection: the caller asks `Selection.wants`. Within a page keys are in the store's own
    order (buckets list theirs ascending, folders do not); pages of several prefixes come in any order.

    Parameters
    ----------
    store : Store
        The bucket (or the part of it that holds the study).
    study : str
        The study's id.
    selection : Selection
        Used to list no more prefixes than needed.
    concurrency : int
        Prefixes at a time; with 1 they come one after the other.
    """
    yield from _loose(store, study, selection)
    for page in store.pages_under(prefixes(store, study, selection), concurrency):
        yield parse_page(study, page)


def parse_page(study: str, page: Listing) -> list[Listed]:
    """Say what each key of a listed page names."""
    return [
        Listed(parse_key(study, key), size, etag, modified)
        for key, size, etag, modified in zip(page.keys, page.sizes, page.etags, page.modified_ms, strict=True)
    ]


def prefixes(store: Store, study: str, selection: Selection) -> list[str]:
    """Return the prefixes that hold a selection's objects, except those that lie loose in the raw folders."""
    chunked, raw, problem = study_prefixes(study)
    people = selection.participants or participants(store, study)
    found: list[str] = []
    for person in people:
        if not selection.streams:
            found += [f"{chunked}{person}/"] if selection.source != "raw" else []
            found += [f"{raw}{person}/"] if selection.source != "chunked" else _raw_only(f"{raw}{person}/")
            continue
        for name in selection.streams:
            stream = STREAMS[name]
            found += [f"{chunked}{person}/{name}/"] if selection.source != "raw" else []
            found += [f"{raw}{person}/{stream.raw_name}/"] if selection.source != "chunked" or stream.raw_only else []
    everything = not selection.participants and not selection.streams and selection.source != "chunked"
    return list(dict.fromkeys([*found, f"{raw}keys/", problem])) if everything else found


def _raw_only(folder: str) -> list[str]:
    """Return the folders of streams that are never chunked."""
    return [f"{folder}{stream.raw_name}/" for stream in STREAMS.values() if stream.raw_only]


def _loose(store: Store, study: str, selection: Selection) -> Iterator[list[Listed]]:
    """Yield what lies beside the folders: markers, strays, and identifiers where only that stream is asked for."""
    chunked, raw, _ = study_prefixes(study)
    if not selection.participants and not selection.streams:
        yield _direct(store, study, chunked)
        yield _direct(store, study, raw)
    if "identifiers" in selection.streams and selection.source != "chunked":
        for person in selection.participants or participants(store, study):
            yield _direct(store, study, f"{raw}{person}/")


def _direct(store: Store, study: str, prefix: str) -> list[Listed]:
    return [
        Listed(parse_key(study, info.key), info.size, info.etag, info.modified_ms)
        for info in store.dirs(prefix).objects
    ]


def _folders(store: Store, root: str) -> list[str]:
    return [prefix.removeprefix(root).rstrip("/") for prefix in store.dirs(root).prefixes]


def left_out(obj: BeiweObject) -> str | None:
    """Return why an object that holds no participant's data is not read, or None where it does hold data."""
    return None if obj.is_data else _LEFT_OUT[obj.kind]


_LEFT_OUT = {
    Kind.DEVICE_KEY: "device keys",
    Kind.PROBLEM_UPLOAD: "problem uploads",
    Kind.PARTICIPANT_MARKER: "participant markers",
    Kind.UNKNOWN: "not understood",
}


def readable(study: str, obj: Listed | BeiweObject | str) -> Listed:
    """Find what an object is; refuse what is no participant's data.

    Parameters
    ----------
    study : str
        The study's id.
    obj : Listed, BeiweObject or str
        The object, or its key.

    Raises
    ------
    PolicyError
        It is a device key, say, or its key is not understood.
    """
    if isinstance(obj, str):
        obj = parse_key(study, obj)
    listed = obj if isinstance(obj, Listed) else Listed(obj, 0, "", 0)
    if not listed.object.is_data:
        raise PolicyError(
            f"{listed.object.key} is not read: {listed.object.kind.value.replace('_', ' ')}.",
            hint="Only participants' data is read; see bondstore beiwe ls for what there is.",
        )
    return listed
