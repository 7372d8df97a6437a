"""Answers that no emulator gives: what S3 and Azure say while an archived object is on its way back.

A `Waits` plays them in a `FaultyProxy`: it changes what the server behind says of an object's state, or answers in its
place. Headers and codes are those of the API references of S3 (HeadObject, RestoreObject) and of Azure (Get Blob
Properties, Set Blob Tier).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.utils import formatdate

from tests.servers.faulty import Fault, FaultyProxy

ARCHIVED = {"x-amz-storage-class": "GLACIER", "x-amz-restore": None}
WAITING = {"x-amz-storage-class": "GLACIER", "x-amz-restore": 'ongoing-request="true"'}
BLOB_ARCHIVED = {"x-ms-access-tier": "Archive"}
BLOB_WAITING = {"x-ms-access-tier": "Archive", "x-ms-archive-status": "rehydrate-pending-to-hot"}
BLOB_HOT = {"x-ms-access-tier": "Hot", "x-ms-archive-status": None}

Headers = Mapping[str, str | None]


def ready(until: float) -> Headers:
    """Return the headers of an object whose copy can be read until a time (seconds since 1970)."""
    expiry = formatdate(until, usegmt=True)
    return {"x-amz-storage-class": "GLACIER", "x-amz-restore": f'ongoing-request="false", expiry-date="{expiry}"'}


def head(headers: Headers, contains: str, *, first: int = 1, times: int = 1_000_000) -> Fault:
    """Return what changes the headers of answers to HEAD."""
    return Fault("headers", method="HEAD", contains=contains, first=first, times=times, headers=dict(headers))


def refusal(status: int, code: str, method: str = "POST", contains: str = "?restore", times: int = 1_000_000) -> Fault:
    """Return what answers in the server's place, by default to RestoreObject."""
    body = f"<Error><Code>{code}</Code><Message>Told by a test.</Message></Error>".encode()
    extra = {"x-ms-error-code": code, "Content-Type": "application/xml"}
    return Fault("status", method=method, contains=contains, times=times, status=status, body=body, headers=extra)


def accepted(status: int = 202, method: str = "POST", contains: str = "?restore") -> Fault:
    """Return what takes a request without asking the server."""
    return Fault("status", method=method, contains=contains, times=1_000_000, status=status, body=b"", headers={})


@contextmanager
def playing(proxy: FaultyProxy, *faults: Fault) -> Iterator[None]:
    """Play them for the length of a with block, with the requests counted from its beginning."""
    proxy.clear()
    with ExitStack() as stack:
        for one in faults:
            stack.enter_context(proxy.fault(one))
        yield
