"""Stores in the memory of this process, by name: for tests and for runs that only try."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from bondstore.stores.address import Address, Client, Role, StoreKind, register

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile
    from bondstore.stores.retry import RetryRule


class MemoryKind(StoreKind):
    """``memory://name``."""

    schemes = ("memory",)
    example = "memory://name"
    rank = 4
    is_remote = False
    is_lasting = False

    def __init__(self) -> None:
        self._stores: dict[str, Client] = {}
        self._lock = threading.Lock()

    def parse(self, url: str) -> Address:
        """Take all that follows for the name."""
        return Address(self.name, url.partition("://")[2].strip("/") or "default")

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:  # noqa: ARG002
        """Return the one store of this name."""
        from obstore.store import MemoryStore

        with self._lock:
            return self._stores.setdefault(address.place, MemoryStore())


register(MemoryKind())
