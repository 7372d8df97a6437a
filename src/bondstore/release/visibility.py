"""Whether everybody can read a store: asked without any credentials, as a stranger would."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from bondstore.errors import AlreadyExistsError, BondstoreError, NotFoundError
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store

SAMPLE = 5
"""Objects that a stranger tries to read."""
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
    """What a stranger saw.

    Parameters
    ----------
    exposure : Exposure
        Who can read the store.
    listed : bool
        Whether a stranger could list it.
    message : str
        One sentence.
    """

    exposure: Exposure
    listed: bool
    message: str


def stranger(spec: StoreSpec) -> Store:
    """Open a store as somebody without credentials would."""
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


def exposure(spec: StoreSpec, known: Sequence[str]) -> Seen:
    """Look at a store as a stranger.

    Parameters
    ----------
    spec : StoreSpec
        The store, with the credentials that are not used.
    known : sequence of str
        Keys of objects that are there for sure, as their owner lists them; the first few are tried. Without any it
        cannot be told that a store is private: objects may be readable where the listing is refused.

    Returns
    -------
    Seen
    """
    kind = parse_address(spec.url).kind
    if kind not in ("s3", "az"):
        return Seen(Exposure.LOCAL, True, f"{spec.url} is on this machine; who can read it is up to its permissions.")
    store = stranger(spec)
    said = f"Whether {spec.url} is public could not be told"
    answer = _answer(store.check, kind)
    if answer is None:
        return Seen(Exposure.PUBLIC, True, f"Everybody can list {spec.url}.")
    if answer:
        return Seen(Exposure.UNKNOWN, False, f"{said}: {answer}")
    tried = [_answer(lambda key=key: store.get_range(key, 0, 1), kind) for key in known[:SAMPLE]]  # type: ignore[misc]
    if None in tried:
        return Seen(Exposure.PUBLIC, False, f"Everybody can read objects of {spec.url}; listing them is refused.")
    if not tried or any(tried):
        why = next(filter(None, tried), "it holds nothing that could be tried.")
        return Seen(Exposure.UNKNOWN, False, f"{said}: {why}")
    return Seen(Exposure.PRIVATE, False, f"{spec.url} is private: strangers can neither list nor read it.")


def known_keys(store: Store) -> list[str]:
    """Return the keys of a few objects, for `exposure`."""
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


def _answer(ask: Callable[[], object], kind: str) -> str | None:
    """Ask as a stranger: None when it was granted, nothing when the store refused it, else why it is not known."""
    try:
        ask()
    except BondstoreError as error:
        return "" if _refused(error, kind) else error.message
    return None


def _refused(error: BondstoreError, kind: str) -> bool:
    """Say whether the store itself refused: a proxy's "403" has no code of the store's in it.

    Azure hides from strangers what is there: its answer is "not found".
    """
    if any(f"({code})" in error.message for code in _REFUSALS):
        return True
    return kind == "az" and isinstance(error, (NotFoundError, AlreadyExistsError))
