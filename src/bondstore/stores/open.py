"""`open_store`: from an address to a `Store`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.stores.address import parse_address
from bondstore.stores.retry import RetryRule
from bondstore.stores.store import Store

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec


def open_store(
    url: str | StoreSpec,
    profile: Profile | None = None,
    *,
    read_only: bool | None = None,
    rule: RetryRule | None = None,
) -> Store:
    """Open a store. No connection is made before the first use.

    Parameters
    ----------
    url : str or StoreSpec
        ``s3://bucket/prefix``, ``az://container/prefix``, ``file:///folder``, ``memory://name``; or an address with
        its profile, as a run hands it to its workers.
    profile : Profile, optional
        The settings to open it with; not together with a `StoreSpec`, whose own it replaces.
    read_only : bool, optional
        Refuse writes. The profile's word when not given; a profile that is read-only cannot be overruled.
    rule : RetryRule, optional
        Time-outs and patience; the profile's when not given.

    Raises
    ------
    UsageError
        When the address is none.

    Examples
    --------
    >>> store = open_store("memory://example")
    >>> _ = store.put("a/b", b"hello")
    >>> bytes(store.get("a/b").data)
    b'hello'
    """
    from bondstore.config.profiles import Profile, StoreSpec

    spec = StoreSpec(url, profile or Profile()) if isinstance(url, str) else url
    if profile is not None:
        spec = replace(spec, profile=profile)
    parse_address(spec.url)
    return Store(spec, read_only=spec.profile.read_only or bool(read_only), rule=rule)
