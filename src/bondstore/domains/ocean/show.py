"""A look at one file of profiles, of this computer or of a store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import check_named
from bondstore.config.resolve import resolve_store, store_url
from bondstore.config.settings import load_profile
from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore
from bondstore.domains.ocean.linked import link
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.netcdf import flags_in, is_netcdf
from bondstore.domains.ocean.service import Asked
from bondstore.domains.ocean.views import ProfileView, view_of_file, view_of_result
from bondstore.domains.ocean.write import Maker
from bondstore.errors import NotFoundError
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami
from bondstore.stores import open_store

if TYPE_CHECKING:
    import os

    from bondstore.config.profiles import Profile as Settings
    from bondstore.config.profiles import StoreSpec
    from bondstore.domains.ocean.linked import Linked
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.findings import Finding
    from bondstore.stores import Store


USUAL = {"moana-1": "moana", "moana-2": "moana", "argo": "argo"}
"""The suite that is meant where none is named, by dialect; of others, it is QARTOD's."""


@dataclass(frozen=True, slots=True)
class ShownFile:
    """All profiles of a file, and what was found while it was read."""

    views: tuple[ProfileView, ...]
    findings: tuple[Finding, ...] = ()


def show(
    name: str,
    *,
    store: str | None = None,
    profile: str | Settings | None = None,
    tests: str | None = None,
    columns: str | os.PathLike[str] | None = None,
    metadata: str | os.PathLike[str] | None = None,
    exclusion_list: str | os.PathLike[str] | None = None,
) -> ShownFile:
    """Read one file of this computer or of a store, and tell what tests say of it.

    Parameters
    ----------
    name : str
        A path, or a key of the store, or the whole address of an object (``s3://BUCKET/KEY``). A file that is there
        wins over a key, unless a store is named.
    store, profile : str, optional
        Where the object lies, and how the store is opened.
    tests : str, optional
        A suite's name or the path of a TOML. When not given: the flags that a netCDF file has of its own; else the
        suite of its kind (Moana, Argo, QARTOD).
    columns : path, optional
        A TOML that maps the columns of a plain CSV.
    metadata : path, optional
        The table of deployments (CSV): some tests depend on a profile's gear.
    exclusion_list : str or path, optional
        A file, or its URL, for Argo's test 15.

    Raises
    ------
    NotFoundError
        There is no such file, object or suite.
    DamagedError
        It cannot be read.
    ConfigurationError
        The suite or the column map cannot be used.
    """
    asked = Asked(tests or "qartod", metadata=metadata, columns=columns, exclusion_list=exclusion_list)
    settings = asked.settings()
    key, data, spec = _fetched(name, store, profile)
    tool = Maker(settings, spec.url)
    batch, findings = read_any(key, data, tool.columns)
    stored = flags_in(data, key) if tests is None and is_netcdf(data) else None
    if stored is not None and (stored.tests or stored.rolled):
        batch, more = tool.with_deployments(batch)
        views = (view_of_file(batch, number, stored) for number in range(len(batch)))
        return ShownFile(tuple(views), (*findings, *more))
    if tests is None and len(batch):
        tool = Maker(replace(settings, suite=USUAL.get(batch.profiles[0].header.dialect, "qartod")), spec.url)
    linked = _linked(key, batch, tool, open_store(spec))
    batch = linked.batches[key]
    result = evaluate(batch, tool.suite)
    views = (view_of_result(batch, number, result) for number in range(len(batch)))
    return ShownFile(tuple(views), (*findings, *linked.findings[key]))


def _linked(key: str, batch: Batch, tool: Maker, store: Store) -> Linked:
    """Return the profiles of a file with what they are compared with: cycles before that lie beside it."""
    with closing(CycleIndex(())) as index:
        before = FilesBefore(index, store).of(key) if tool.suite.compares else ()
    linked = link({key: batch}, {key: before}, tool, store)
    note_personal(whoami(), linked.reads)
    for _, error in linked.unsure.values():
        raise error
    return linked


def _fetched(name: str, store: str | None, profile: str | Settings | None) -> tuple[str, bytes, StoreSpec]:
    """Return the object's key, bytes and store; a read from a store is noted in the account's own record."""
    path = Path(name)
    if store is None and path.is_file():
        return path.name, path.read_bytes(), resolve_store(str(path.absolute().parent), None)
    if store is None and "://" in name:
        store, _, name = name.rpartition("/")
    elif store is None:
        check_named(name)
    store = None if store is None else store_url(store)
    settings = load_profile(profile, url=store) if profile is None or isinstance(profile, str) else profile
    if store is None and settings.url is None:
        raise NotFoundError(
            f"There is no file {name}, and no store is named that could hold it.",
            hint="Name a file, or a key with --store URL or --profile NAME.",
        )
    spec = resolve_store(store, settings)
    answer = open_store(spec).get(name)
    note_personal(whoami(), [Read(name, answer.info.etag, len(answer.data))])
    return name, bytes(answer.data), spec
