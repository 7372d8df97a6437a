"""Whose file lies at a path, by the record beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.domains.ocean.places import record_path
from bondstore.errors import DamagedError, NotFoundError
from bondstore.release.records import Record
from bondstore.stores import open_store

if TYPE_CHECKING:
    from bondstore.domains.ocean.qcjob import QcJob


def taken(job: QcJob, path: str, key: str) -> bool:
    """Whether another object's file lies at a path, by the record beside it.

    Parameters
    ----------
    job : QcJob
        The job.
    path : str
        Where a file is to go.
    key : str
        The object it is made of.

    Raises
    ------
    BondstoreError
        The destination cannot be read.
    """
    try:
        there = open_store(job.dest).get(record_path(path))
    except NotFoundError:
        return False
    try:
        found = Record.from_json(bytes(there.data)).source
    except DamagedError:
        return False  # no record of ours: what is written next takes its place
    return (found.store, found.key) != (job.store.url, key)
