"""Where a recording is read from: a file of this machine, an object of a store, a file of a vault."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bondstore.codecs.crypt4gh import MAGIC
from bondstore.config.secrets import SecretRef
from bondstore.domains.neuro.reading import Recording
from bondstore.errors import UsageError
from bondstore.ledger import Read, note_personal
from bondstore.runs.process import whoami
from bondstore.stores import open_store
from bondstore.vault.addresses import object_at, vault_at
from bondstore.vault.keys import own_key, passphrase_of
from bondstore.vault.proofs import Reader
from bondstore.vault.reading import Vault

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec
    from bondstore.stores import ObjectInfo, Store


def open_recording(
    path_or_url: str | os.PathLike[str],
    *,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | Profile | None = None,
) -> Recording:
    """Open an EDF or BDF file to read it by ranges; only its header is read at once.

    Parameters
    ----------
    path_or_url : str or path
        A file, ``s3://BUCKET/KEY`` or another object, or ``VAULT#PATH`` for a file of a vault. Of an encrypted one
        only the parts that are asked for are fetched and decrypted.
    key, passphrase
        As in `vaults.open_vault`, for an encrypted file.
    profile : str or Profile, optional
        Settings to open the store with.

    Returns
    -------
    Recording
        With ``signals``, ``samples(...)``, ``annotations`` and ``findings``.

    Raises
    ------
    NotFoundError
        There is no such file.
    DamagedError
        It is neither EDF nor BDF, or its header is damaged.
    WrongKeyError
        It was encrypted for others.
    """
    name = os.fspath(path_or_url)
    vault = vault_at(name, profile) if "#" in name else None
    if vault is not None:
        spec, path = vault
        reference = SecretRef.parse(passphrase) if isinstance(passphrase, str) else passphrase
        return Recording(_InVault(_vault_of(spec, path, key, reference), path))
    spec, found = object_at(name, profile)
    store = open_store(spec)
    source = _InStore(store, store.head(found))
    if source.read(0, len(MAGIC)) == MAGIC:
        raise UsageError(f"{name} is encrypted.", hint="Name it as a file of its vault: VAULT#PATH")
    return Recording(source)


def _vault_of(spec: StoreSpec, path: str, key: str | None, passphrase: SecretRef | None) -> Vault:
    """Return a vault to read a file of; a key is asked for only where it is encrypted."""
    plain = Vault(spec, None)
    if key is None and any(one.path == path and not one.encrypted for one in plain.files()):
        return plain
    name = own_key(key)
    return Vault(spec, Reader(name, passphrase_of(name, passphrase)))


class _InStore:
    """An object, all of one version."""

    def __init__(self, store: Store, info: ObjectInfo) -> None:
        self._store, self._info = store, info
        self.name, self.size = info.key, info.size
        self._noted = not store.url.startswith("file:")

    def read(self, start: int, stop: int) -> bytes:
        content = self._store.get_range(self._info.key, start, min(stop, self.size) - start, self._info.etag or None)
        if self._noted:
            note_personal(whoami(), [Read(self._info.key, self._info.etag, len(content))])
        return content


class _InVault:
    """A file of a vault: each range is decrypted and proved by itself."""

    def __init__(self, vault: Vault, path: str) -> None:
        self._vault = vault
        self.name, self.size = path, vault.size(path)

    def read(self, start: int, stop: int) -> bytes:
        return self._vault.read_range(self.name, start, min(stop, self.size))
