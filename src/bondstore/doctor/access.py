"""Checks through the store itself: listing, reading, and writing only when asked to."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bondstore.doctor.check import Check, fail, from_error, guarded, ok, skipped, warn
from bondstore.doctor.exposure import look_at_exposure
from bondstore.errors import AlreadyExistsError, BondstoreError, CredentialsError
from bondstore.stores import open_store

if TYPE_CHECKING:
    from bondstore.doctor.case import Case
    from bondstore.stores import ObjectInfo, Store

SAMPLE_PAGES = 4
"""Pages of a listing that are searched for an object to read."""


def look_at_access(case: Case) -> Iterator[Check]:
    """List, read a byte, and write when asked; then the extra checks, on the same store."""
    # a person waits for the report: one retry is enough to tell a hiccup from a fault
    patient = dataclasses.replace(case.profile, retries=min(case.profile.retries, 1))
    store = open_store(dataclasses.replace(case.spec, profile=patient))
    listable, sample = True, None
    for prefix in case.prefixes:
        try:
            count, sample = _list(store, prefix, case, sample)
        except BondstoreError as error:
            listable = False
            check = from_error("list", error)
            if isinstance(error, CredentialsError) and case.refused:
                check = dataclasses.replace(check, mend=f"{check.mend} {case.refused}".strip())
            yield check
        else:
            where = f"{store.url}/{prefix}" if prefix else store.url
            said = ok("list", f"{where} can be listed.") if count else warn("list", f"{where} holds no objects.")
            yield said
    yield _read(store, sample, listable=listable)
    yield from guarded("exposure", lambda: look_at_exposure(case, [sample.key] if sample else []))
    if case.try_write:
        yield from guarded("write", lambda: [_write(store)])
    elif store.read_only:
        yield ok("write", "The store is opened read-only.")
    for extra in case.extras:
        if listable:
            yield from guarded("study", lambda extra=extra: extra(store))  # type: ignore[misc]
        else:
            yield skipped("study", "The store cannot be listed, so the study could not be looked at.")


def _list(store: Store, prefix: str, case: Case, sample: ObjectInfo | None) -> tuple[int, ObjectInfo | None]:
    """Count the objects of the first pages, and pick one that may be read."""
    count = 0
    pages = store.pages(prefix)
    try:
        for number, page in enumerate(pages):
            count += len(page)
            if sample is None:
                sample = next((info for info in page.objects() if info.size and case.may_read(info.key)), None)
            if sample is not None or number + 1 >= SAMPLE_PAGES:
                break
    finally:
        pages.close()
    return count, sample


def _read(store: Store, sample: ObjectInfo | None, *, listable: bool) -> Check:
    if sample is None:
        if not listable:
            return skipped("read", "Nothing was listed, so reading could not be tried.")
        return warn("read", "There is no object to read, so reading was not tried.")
    try:
        store.get_range(sample.key, 0, 1)
    except BondstoreError as error:
        return from_error("read", error)
    return ok("read", "An object can be read.")


def _write(store: Store) -> Check:
    key = f".bondstore-doctor-{secrets.token_hex(8)}"
    try:
        store.put_if_absent(key, key.encode())
    except AlreadyExistsError:
        return skipped("write", "Another doctor writes at this moment.", "bondstore doctor --try-write")
    except BondstoreError as error:
        return from_error("write", error)
    try:
        store.delete(key)
    except BondstoreError as error:
        return fail("write", f"An object was written but not deleted: {key}. {error.message}", error.hint or "")
    return ok("write", "An object was written and deleted again.")
