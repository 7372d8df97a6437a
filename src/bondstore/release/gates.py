"""What is asked of the two stores before anything is published: apart from each other, one private, one public."""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.errors import AlreadyExistsError, PolicyError, UsageError
from bondstore.release.latest import NAME, Latest, move
from bondstore.release.visibility import Exposure, Seen, exposure, known_keys
from bondstore.stores.address import parse_address
from bondstore.stores.clients import endpoint_url

if TYPE_CHECKING:
    from bondstore.stores import Store


def check_apart(source: Store, dest: Store) -> None:
    """Refuse stores that are one, or of which one lies in the other: what is private would be published by lying there.

    Raises
    ------
    UsageError
        When they are not apart.
    """
    one, other = _whereabouts(source), _whereabouts(dest)
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        raise UsageError(
            "The private and the public store are the same, or one lies in the other.",
            hint="Publish into a bucket, or at least a prefix, of its own.",
        )


def check_source(source: Store, *, may_be_public: bool = False) -> Seen:
    """Look at the private store as a stranger.

    Parameters
    ----------
    source : Store
        The private store.
    may_be_public : bool
        Go on whatever is seen.

    Raises
    ------
    PolicyError
        When everybody can read it, or when that could not be told.
    """
    seen = exposure(source.spec, known_keys(source))
    if seen.exposure in (Exposure.PUBLIC, Exposure.UNKNOWN) and not may_be_public:
        raise PolicyError(seen.message, hint="Close it to strangers first; or go on as it is: --source-may-be-public.")
    return seen


def check_dest(dest: Store, *, must_be_public: bool = False, probe: bool = False) -> Seen:
    """Look at the public store as a stranger.

    Parameters
    ----------
    dest : Store
        The public store.
    must_be_public : bool
        Refuse to go on unless everybody can read it. Else what was seen is only told: a bucket may well be private and
        be read through a web server.
    probe : bool
        Write an empty pointer where nothing could be tried otherwise; it says that nothing is released yet.

    Raises
    ------
    PolicyError
        When it must be public and is not, or when that could not be told.
    """
    known = known_keys(dest)
    if must_be_public and probe and not known:
        with suppress(AlreadyExistsError):  # another publisher began at this moment
            move(dest, Latest(), None)
        known = [NAME]
    seen = exposure(dest.spec, sorted(known, key=lambda key: key != NAME))
    if must_be_public and seen.exposure in (Exposure.PRIVATE, Exposure.UNKNOWN):
        raise PolicyError(seen.message, hint="Open it to strangers for reading, or leave --require-public out.")
    return seen


def _whereabouts(store: Store) -> tuple[str, ...]:
    address = parse_address(store.url)
    if address.kind == "file":
        return ("file", *Path(address.place).resolve().parts)
    place = (address.kind, _endpoint(store), address.place)
    return (*place, *(part for part in address.prefix.split("/") if part))


def _endpoint(store: Store) -> str:
    address = parse_address(store.url)
    if address.kind == "memory":
        return ""
    # the region says nothing on where a bucket is: the provider's own names are one namespace
    profile = dataclasses.replace(store.spec.profile, region=None, path_style=True)
    return endpoint_url(address, profile).lower()
