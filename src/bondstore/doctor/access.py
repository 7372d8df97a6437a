"""Checks through the store itself: listing, reading, and writing only when asked to."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bondstore.doctor.check import Check, fail, from_error, guarded, ok, skipped, warn
from bondstore.doctor.exposure import look_at_exposure
from bondstore.errors import AlreadyExistsError, BondstoreError, CredentialsError
from bondstore.stores import ObjectInfo, open_store

if TYPE_CHECKING:
    from bondstore.doctor.case import Case
    from bondstore.stores import Store

SAMPLE_PAGES = 4
"""Pages of a listing that are searched for an object to read."""


def look_at_access(case: Case) -> Iterator[Check]:
    """List, read a byte, and write when asked; then the extra checks, on the same store."""
    # a person waits for the report: one retry is enough to tell a hiccup from a fault
    patient = dataclasses.replace(case.profile, retries=min(case.profile.retries, 1))
    store = open_store(dataclasses.replace(case.spec, profile=patient))
    listable, samples = True, list[ObjectInfo]()
    for prefix in case.prefixes:
        try:
            count, sample = _list(store, prefix, case)
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
            samples += [sample] if sample else []
    yield from _read(store, samples, listable=listable)
    yield from guarded("exposure", lambda: look_at_exposure(case, [one.key for one in samples[:1]]))
    if case.try_write:
        yield from guarded("write", lambda: [_write(store)])
    elif store.read_only:
        yield ok("write", "The store is opened read-only.")
    for extra in case.extras:
        if listable:
            yield from guarded("study", lambda extra=extra: extra(store))  # type: ignore[misc]
        else:
            yield skipped("study", "The store cannot be listed, so the study could not be looked at.")


def _list(store: Store, prefix: str, case: Case) -> tuple[int, ObjectInfo | None]:
    """Count the objects of the first pages, and pick one that may be read."""
    count, sample = 0, None
    pages = store.pages(prefix)
    try:
        for number, page in enumerate(pages):
            count += len(page)
            sample = next((info for info in page.objects() if info.size and case.may_read(info.key)), None)
            if sample is not None or number + 1 >= SAMPLE_PAGES:
                break
    finally:
        pages.close()
    return count, sample


def _read(store: Store, samples: Sequence[ObjectInfo], *, listable: bool) -> Iterator[Check]:
    """Read a byte of an object below each prefix; tell each refusal."""
    if not samples and not listable:
        yield skipped("read", "Nothing was listed, so reading could not be tried.")
    elif not samples:
        yield warn("read", "There is no object to read, so reading was not tried.")
    refused = 0
    for sample in samples:
        try:
            store.get_range(sample.key, 0, 1)
        except BondstoreError as error:
            refused += 1
            yield from_error("read", error)
    if samples and not refused:
        yield ok("read", "An object can be read.")


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
