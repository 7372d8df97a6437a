"""One rig a kind of store: how to open it, and a witness that looks into it without our code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bondstore.config.profiles import Profile
from bondstore.config.secrets import SecretRef
from bondstore.stores import RetryRule, Store, open_store
from tests.servers.azurite import Azurite
from tests.servers.seaweedfs import SeaweedFS

# Short enough that a test of giving up takes seconds.
QUICK = RetryRule(patience=4, first_contact=1, longest_wait=0.5, connect_timeout=2, stall_timeout=1.5)
STEADY = RetryRule(patience=30, first_contact=10, longest_wait=1, connect_timeout=2, stall_timeout=2)


@dataclass(frozen=True)
class Rig:
    """A kind of store.

    Parameters
    ----------
    kind : str
        Its scheme.
    url : str
        An empty store's address.
    profile : Profile
        How to open it.
    has_prefixes : bool
        Whether an address can name a part of it.
    """

    kind: str
    url: str
    profile: Profile
    has_prefixes: bool

    def open(self, below: str = "", **options: Any) -> Store:
        """Open the store, or a prefix of it."""
        return open_store(self.url + below, self.profile, **options)


Maker = Callable[[], Rig]


def s3_profile(endpoint: str, **settings: Any) -> Profile:
    """Return a profile for the session's S3 server; its two variables are set by `keys_in_environment`."""
    given = {
        "access_key": SecretRef.parse("env:TEST_S3_KEY"),
        "secret_key": SecretRef.parse("env:TEST_S3_SECRET"),
        "region": "us-east-1",
        "endpoint": endpoint,
    }
    return Profile(**(given | settings))


def azure_profile(azurite: Azurite, **settings: Any) -> Profile:
    """Return a profile for the session's Azure server."""
    given = {
        "endpoint": azurite.endpoint,
        "account": azurite.account,
        "account_key": SecretRef.parse("env:TEST_AZURE_KEY"),
    }
    return Profile(**(given | settings))


def file_rig(folder: Path) -> Rig:
    """A folder."""
    return Rig("file", folder.as_uri(), Profile(), has_prefixes=True)


def s3_rig(seaweedfs: SeaweedFS, bucket: str) -> Rig:
    """A bucket."""
    return Rig("s3", f"s3://{bucket}", s3_profile(seaweedfs.endpoint), has_prefixes=True)
