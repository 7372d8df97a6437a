"""Stores in the memory of this process, by name: for tests and for runs that only try."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from secrets import token_hex
from typing import TYPE_CHECKING

from bondstore.stores.address import Address, Client, Role, StoreKind, register
from bondstore.stores.info import quoted
from bondstore.stores.uploads import GoneError, Part, Sent, Unfinished, are_bytes_of

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
    has_parts = True

    def __init__(self) -> None:
        self._stores: dict[str, Client] = {}
        self._uploads: dict[str, HeldUploads] = {}
        self._lock = threading.Lock()

    def parse(self, url: str) -> Address:
        """Take all that follows for the name."""
        return Address(self.name, url.partition("://")[2].strip("/") or "default")

    def client(self, address: Address, profile: Profile, rule: RetryRule, role: Role) -> Client:  # noqa: ARG002
        """Return the one store of this name."""
        from obstore.store import MemoryStore

        with self._lock:
            store = self._stores.setdefault(address.place, MemoryStore())
            return self._uploads.setdefault(address.place, HeldUploads(store)) if role == "parts" else store


class HeldUploads:
    """A client of the role ``parts``, which holds them; see `uploads.PartsClient`."""

    least = 0

    def __init__(self, store: Client) -> None:
        self._store = store
        self._held: dict[tuple[str, str], dict[int, bytes]] = {}

    def mark(self, key: str) -> str:  # noqa: ARG002
        """Make up the id of an upload."""
        return token_hex(8)

    def sweep(self, key: str, mark: str) -> None:
        """Forget an upload."""
        self.abort(key, mark)

    def begin(self, key: str, mark: str, storage_class: str | None) -> str:  # noqa: ARG002
        """Begin an upload."""
        self._held[key, mark] = {}
        return mark

    def send(self, key: str, upload: str, part: Part, data: memoryview) -> str:
        """Keep a part."""
        self._parts(key, upload)[part.number] = bytes(data)
        return ""

    def proved(self, key: str, upload: str, parts: Iterable[Part]) -> set[int]:
        """Return what is held."""
        return {part.number for part in parts} & self._parts(key, upload).keys()

    def _parts(self, key: str, upload: str) -> dict[int, bytes]:
        if (key, upload) not in self._held:
            raise GoneError
        return self._held[key, upload]

    def complete(self, key: str, upload: str, parts: Sequence[Part], storage_class: str | None) -> Sent:  # noqa: ARG002
        """Put the parts together."""
        held = self._parts(key, upload)
        data = b"".join(held[part.number] for part in parts)
        etag = quoted(self._store.put(key, data, use_multipart=False)["e_tag"])
        self.abort(key, upload)
        return Sent(etag, len(data))

    def find(self, key: str, upload: str, parts: Sequence[Part]) -> Sent | None:  # noqa: ARG002
        """Compare an object with the parts."""
        try:
            found = self._store.get(key)
        except FileNotFoundError:
            return None
        is_same = are_bytes_of(parts, BytesIO(bytes(found.bytes())).read)
        return Sent(quoted(found.meta["e_tag"]), found.meta["size"]) if is_same else None

    def abort(self, key: str, upload: str) -> None:
        """Forget the parts."""
        self._held.pop((key, upload), None)

    def unfinished(self, prefix: str) -> Iterator[Unfinished]:
        """List what is held."""
        return (Unfinished(key, upload, 0) for key, upload in list(self._held) if key.startswith(prefix))


register(MemoryKind())
