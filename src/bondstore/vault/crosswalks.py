"""The crosswalk opened with a key of this account; each read of it is noted in the account's audit log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.files import user_path
from bondstore.deid.crosswalk import Crosswalk
from bondstore.deid.safe import FileSafe, Safe, SafeKeys, StoreSafe
from bondstore.ledger.audit import Read
from bondstore.ledger.personal import note_personal
from bondstore.runs.process import whoami
from bondstore.stores import open_store
from bondstore.vault.addresses import object_at
from bondstore.vault.keys import find_recipient, own_key, passphrase_of, recipients, unlocked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.config.profiles import Profile
    from bondstore.config.secrets import SecretRef


def default_place() -> Path:
    """Return where the crosswalk is kept where nobody says."""
    return user_path().parent / "crosswalk.c4gh"


def open_crosswalk(
    place: str | None = None,
    *,
    key: str | None = None,
    passphrase: SecretRef | None = None,
    profile: str | Profile | None = None,
    seal_for: Sequence[str] = (),
) -> Crosswalk:
    """Open a crosswalk; nothing is read yet.

    Parameters
    ----------
    place : str, optional
        A file, or the URL of an object; `default_place` when not given.
    key, passphrase, profile
        As for a vault.
    seal_for : sequence of str, optional
        Keys of others for whom a new crosswalk is encrypted, too.
    """
    own = own_key(key)
    private = unlocked(own, passphrase_of(own, passphrase)).private
    others = [find_recipient(one).public for one in seal_for]
    keys = SafeKeys(private, frozenset(one.public for one in recipients()))
    return Crosswalk(_Noted(_safe(place, profile)), keys, others)


def _safe(place: str | None, profile: str | Profile | None) -> Safe:
    if place is None or "://" not in place:
        path = default_place() if place is None else Path(place).expanduser().absolute()
        return FileSafe(path)
    spec, name = object_at(place, profile)
    return StoreSafe(open_store(spec), name)


@dataclass(frozen=True, slots=True)
class _Noted:
    """A safe whose reads are noted."""

    safe: Safe

    @property
    def place(self) -> str:
        """Its place."""
        return self.safe.place

    def read(self) -> tuple[bytes, str] | None:
        """Read it, and note that."""
        found = self.safe.read()
        if found is not None:
            note_personal(whoami(), [Read(self.place, found[1], len(found[0]))])
        return found

    def write(self, content: bytes, version: str | None) -> None:
        """Replace it."""
        self.safe.write(content, version)
