"""What the doctor is asked to look at."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.stores.address import Address, parse_address

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.doctor.check import Check
    from bondstore.stores import Store

Extra = Callable[["Store"], "Iterable[Check]"]
"""A check of somebody else's, such as of a study's key; gets the opened store, and runs when it could be listed."""


def _any_key(key: str) -> bool:  # noqa: ARG001 - the shape of a test
    return True


@dataclass(frozen=True, slots=True)
class Case:
    """One case."""

    spec: StoreSpec
    folder: Path = field(default_factory=Path.cwd)  # where outputs would go
    prefixes: Sequence[str] = ("",)  # what must be listable; credentials may be good for a part of the store only
    refused: str = ""  # what to try where one of them may not be listed
    may_read: Callable[[str], bool] = _any_key  # as a sample
    try_write: bool = False  # an object, which is deleted again
    extras: Sequence[Extra] = ()
    expected: str = ""  # "public" or "private"; empty where nobody said who should be able to read the store

    @property
    def profile(self) -> Profile:
        """The settings."""
        return self.spec.profile

    @property
    def address(self) -> Address:
        """The store's address, taken apart."""
        return parse_address(self.spec.url)

    @property
    def remote(self) -> bool:
        """Whether the store is reached over a network."""
        return self.address.is_remote

    @property
    def endpoint(self) -> str:
        """The address that requests go to."""
        return self.address.endpoint(self.profile)

    @property
    def host(self) -> str:
        """The host that requests go to."""
        return self.address.host(self.profile)

    def setting(self, options: str) -> str:
        """Return the command that changes a setting of the profile."""
        return f"bondstore profile add {self.profile.name} --update {options}"


def is_private(host: str) -> bool:
    """Tell whether a host is inside: a private or loopback address, or a name without a public domain."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_private
    except ValueError:
        name = host.lower().rstrip(".")
        inside = (".local", ".internal", ".lan", ".localhost", ".intranet", ".home.arpa")
        return "." not in name or name.endswith(inside)
