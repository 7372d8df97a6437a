"""A look at one file of profiles, of this computer or of a store."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import check_named
from bondstore.config.resolve import resolve_store, store_url
from bondstore.config.settings import load_profile
from bondstore.domains.ocean.cycles import CycleIndex, FilesBefore
from bondstore.domains.ocean.linked import link
from bondstore.domains.ocean.qc.evaluate import evaluate
from bondstore.domains.ocean.qc.suite import load_suite
from bondstore.domains.ocean.reading import read_any
from bondstore.domains.ocean.reading.columns import ColumnMap, parse_columns
from bondstore.domains.ocean.reading.metadata import parse_metadata, without_contacts
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
    from bondstore.domains.ocean.profiles import Batch
    from bondstore.findings import Finding


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

    Raises
    ------
    NotFoundError
        There is no such file, object or suite.
    DamagedError
        It cannot be read.
    ConfigurationError
        The suite or the column map cannot be used.
    """
    suite = load_suite(tests) if tests else None
    chosen = _columns(columns)
    key, data, spec = _fetched(name, store, profile)
    batch, findings = read_any(key, data, chosen)
    if metadata is not None:
        batch, more = parse_metadata(_table(metadata)).join(batch)
        findings = [*findings, *more]
    stored = flags_in(data, key) if suite is None and is_netcdf(data) else None
    if stored is not None and (stored.tests or stored.rolled):
        return ShownFile(tuple(view_of_file(batch, number, stored) for number in range(len(batch))), tuple(findings))
    if suite is None:
        dialect = batch.profiles[0].header.dialect if len(batch) else ""
        tests = USUAL.get(dialect, "qartod")
        suite = load_suite(tests)
    if suite.compares and tests is not None:
        batch = _linked(key, batch, spec, tests)
    result = evaluate(batch, suite)
    return ShownFile(tuple(view_of_result(batch, number, result) for number in range(len(batch))), tuple(findings))


def _linked(key: str, batch: Batch, spec: StoreSpec, tests: str) -> Batch:
    """Return the profiles of a file with what they are compared with: cycles before that lie beside it."""
    store = open_store(spec)
    with closing(CycleIndex(())) as index:
        before = FilesBefore(index, store).of(key)
    linked = link({key: batch}, {key: before}, Maker(Asked(tests).settings(), spec.url), store)
    note_personal(whoami(), linked.reads)
    for _, error in linked.unsure.values():
        raise error
    return linked.batches[key]


def _table(path: str | os.PathLike[str]) -> str:
    try:
        return without_contacts(Path(path).expanduser().read_bytes())
    except OSError:
        raise NotFoundError(f"There is no readable table of deployments {path}.", hint="Name a CSV file.") from None


def _columns(path: str | os.PathLike[str] | None) -> ColumnMap | None:
    if path is None:
        return None
    try:
        return parse_columns(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise NotFoundError(f"There is no readable column map {path}.", hint="Name a TOML file.") from None


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
