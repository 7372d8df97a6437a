"""What is asked of the two stores before anything is published: apart from each other, one private, one public.

Who can read a store is asked without any credentials, as anybody in the world could ask.
"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bondstore.errors import AlreadyExistsError, BondstoreError, NotFoundError, PolicyError, UsageError
from bondstore.release.pointer import NAME, Latest, move
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store
    from bondstore.stores.address import StoreKind

SAMPLE = 5
"""Objects that are tried without credentials."""
_REFUSALS = (
    "AccessDenied",
    "AllAccessDisabled",
    "NoAuthenticationInformation",
    "PublicAccessNotPermitted",
    "AuthenticationFailed",
    "AuthorizationFailure",
)


class Exposure(StrEnum):
    """Who can read a store."""

    PUBLIC = "public"
    """Everybody."""
    PRIVATE = "private"
    """Not everybody: both listing and objects that are there were refused."""
    UNKNOWN = "unknown"
    """It could not be told; that is never the same as private."""
    LOCAL = "local"
    """A folder or memory: the question does not arise."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What somebody without credentials sees of a store."""

    exposure: Exposure
    listed: bool
    message: str


def exposure(spec: StoreSpec, known: Sequence[str]) -> Seen:
    """Look at a store without credentials; `known` are keys that its owner lists, of which a few are tried.

    Without any it cannot be told that a store is private: objects may be readable where the listing is refused.
    """
    kind = parse_address(spec.url).store_kind
    if not kind.is_remote:
        return Seen(Exposure.LOCAL, True, f"{spec.url} is on this machine; who can read it is up to its permissions.")
    store = _without_credentials(spec)
    unknown = f"Whether {spec.url} is public could not be told"
    answer = _answer(store.check, kind)
    if answer is None:
        return Seen(Exposure.PUBLIC, True, f"Everybody can list {spec.url}.")
    if answer:
        return Seen(Exposure.UNKNOWN, False, f"{unknown}: {answer}")
    tried = [_answer(lambda key=key: store.get_range(key, 0, 1), kind) for key in known[:SAMPLE]]  # type: ignore[misc]
    if None in tried:
        return Seen(Exposure.PUBLIC, False, f"Everybody can read objects of {spec.url}; listing them is refused.")
    if not tried or any(tried):
        why = next(filter(None, tried), "it holds nothing that could be tried.")
        return Seen(Exposure.UNKNOWN, False, f"{unknown}: {why}")
    return Seen(Exposure.PRIVATE, False, f"{spec.url} is private: strangers can neither list nor read it.")


def check_apart(source: Store, dest: Store) -> None:
    """Refuse stores that are one, or of which one lies in the other: what is private would be published by lying there.

    Raises `UsageError`.
    """
    one, other = _whereabouts(source), _whereabouts(dest)
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        raise UsageError(
            "The private and the public store are the same, or one lies in the other.",
            hint="Publish into a bucket, or at least a prefix, of its own.",
        )


def check_source(source: Store, *, may_be_public: bool = False) -> Seen:
    """Refuse a private store that everybody can read, or of which that could not be told; raises `PolicyError`."""
    seen = exposure(source.spec, _known_keys(source))
    if seen.exposure in (Exposure.PUBLIC, Exposure.UNKNOWN) and not may_be_public:
        raise PolicyError(seen.message, hint="Close it to strangers first; or go on as it is: --source-may-be-public.")
    return seen


def check_dest(dest: Store, *, must_be_public: bool = False, probe: bool = False) -> Seen:
    """Look at the public store; one that `must_be_public` and is not, or may not be, is refused (`PolicyError`).

    Else what was seen is only told: a bucket may well be private and be read through a web server. With `probe`, an
    empty pointer is written where nothing could be tried otherwise; it says that nothing is released yet.
    """
    known = _known_keys(dest)
    if must_be_public and probe and not known:
        with suppress(AlreadyExistsError):  # another publisher began at this moment
            move(dest, Latest(), None)
        known = [NAME]
    seen = exposure(dest.spec, sorted(known, key=lambda key: key != NAME))
    if must_be_public and seen.exposure in (Exposure.PRIVATE, Exposure.UNKNOWN):
        raise PolicyError(seen.message, hint="Open it to strangers for reading, or leave --require-public out.")
    return seen


def _without_credentials(spec: StoreSpec) -> Store:
    profile = dataclasses.replace(
        spec.profile,
        access_key=None,
        secret_key=None,
        session_token=None,
        aws_profile=None,
        account_key=None,
        sas=None,
        anonymous=True,
        retries=min(spec.profile.retries, 2),
    )
    return open_store(dataclasses.replace(spec, profile=profile), read_only=True)


def _known_keys(store: Store) -> list[str]:
    """Return the keys of a few objects that have content."""
    keys: list[str] = []
    pages = store.pages()
    try:
        for page in pages:
            keys += [key for key, size in zip(page.keys, page.sizes, strict=True) if size]
            if len(keys) >= SAMPLE:
                break
    finally:
        pages.close()
    return keys[:SAMPLE]


def _answer(ask: Callable[[], object], kind: StoreKind) -> str | None:
    """Ask without credentials: None when it was granted, nothing when the store refused it, else why it is unknown."""
    try:
        ask()
    except BondstoreError as error:
        return "" if _refused(error, kind) else error.message
    return None


def _refused(error: BondstoreError, kind: StoreKind) -> bool:
    # a proxy's "403" has no code of the store's in it; some stores hide what is there: their refusal is "not found"
    if any(f"({code})" in error.message for code in _REFUSALS):
        return True
    return kind.hides_objects and isinstance(error, (NotFoundError, AlreadyExistsError))


def _whereabouts(store: Store) -> tuple[str, ...]:
    # the region says nothing on where a bucket is: the provider's own names are one namespace
    profile = dataclasses.replace(store.spec.profile, region=None, path_style=True)
    address = store.address
    return (address.kind, address.endpoint(profile).lower(), *address.parts)
