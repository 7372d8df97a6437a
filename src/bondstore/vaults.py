"""Vaults from Python: upload encrypted, fetch proved, verify, and read in memory.

Examples
--------
>>> bondstore.vaults.put("recordings", "s3://VAULT/eeg", seal_for=["anna"])  # doctest: +SKIP
>>> vault = bondstore.vaults.open_vault("s3://VAULT/eeg", passphrase="file:/etc/lab/passphrase")  # doctest: +SKIP
>>> [one.path for one in vault.files()]  # doctest: +SKIP
>>> vault.read_range("1ab2cd3e/day1.edf", 0, 256)  # doctest: +SKIP
>>> bondstore.vaults.get("s3://VAULT/eeg", "back", unseal=True).tally.done.objects  # doctest: +SKIP
>>> bondstore.vaults.VaultFile("1ab2cd3e/day1.edf", 256, encrypted=True, uploaded="2026-11-30T12:00:00+00:00").size
256
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_dest, resolve_source
from bondstore.config.secrets import SecretRef, reference_of
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.vault import verify as verifying
from bondstore.vault.cp import cp_job
from bondstore.vault.get import get_job
from bondstore.vault.jobs import executor
from bondstore.vault.keys import own_key, passphrase_of
from bondstore.vault.listing import ListedObject, list_objects
from bondstore.vault.proofs import Reader
from bondstore.vault.put import kept_in, put_job
from bondstore.vault.reading import Vault, VaultFile
from bondstore.vault.rekey import rekey_job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["ListedObject", "RunResult", "Vault", "VaultFile", "cp", "get", "ls", "open_vault", "put", "rekey", "verify"]


def open_vault(
    url: str, *, key: str | None = None, passphrase: str | SecretRef | None = None, profile: str | None = None
) -> Vault:
    """Open a vault to read its files in memory.

    Parameters
    ----------
    url : str
        The vault.
    key : str, optional
        Your key that decrypts, by its name; your only one when not given.
    passphrase : str or SecretRef, optional
        Where its passphrase is kept, such as ``file:/path``; it is asked for when not given.
    profile : str, optional
        Settings to open the vault with.

    Raises
    ------
    ConfigurationError
        You have no key, or several and none is named.
    """
    name = own_key(key)
    return Vault(resolve_source(url, profile), Reader(name, passphrase_of(name, reference_of(passphrase))))


def ls(
    url: str,
    *,
    recursive: bool = False,
    standing: bool = False,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
) -> Iterator[ListedObject]:
    """List a store, a part of one, an object, or a vault; a vault's files by their own names and sizes.

    Parameters
    ----------
    url : str
        What is listed; of a vault with ``#path`` what is below a path.
    recursive : bool
        List all objects, page by page; otherwise objects and folders that are directly there.
    standing : bool
        Ask for each object's storage class, and whether it is archived: one HEAD an object.
    key, passphrase
        As in `open_vault`, for the names of files in packs; without either a pack is listed as one.
    profile : str, optional
        Settings to open it with.

    Raises
    ------
    NotFoundError
        There is nothing at the address.
    IntegrityError
        It is a vault, and its manifests are not what they were.
    """
    contents = list_objects(
        url,
        recursive=recursive,
        standing=standing,
        key=key,
        passphrase=reference_of(passphrase),
        profile=profile,
    )
    return contents.rows


def put(
    source: str,
    url: str,
    *,
    seal_for: Sequence[str] = (),
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    existing: str = "error",
    storage_class: str | None = None,
    pack: str | None = None,
    profile: str | None = None,
    from_profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Upload the files of a folder, or of a store, into a vault, with a signed manifest.

    Parameters
    ----------
    source, url : str
        What is uploaded, and the vault.
    seal_for : sequence of str
        For whom to encrypt: names of keys, or paths of ``.pub`` files; without any, files are kept as they are.
    key, passphrase, profile
        As in `open_vault`: the key signs.
    existing : str
        What to do with files that the vault has in another version: ``error``, ``skip`` or ``refresh``.
    storage_class : str, optional
        The storage class of the files, such as ``DEEP_ARCHIVE``; manifests stay where they can be read at once.
    pack : str, optional
        Put small files together into tars of up to this size, from ``128MB`` to ``1GB``.
    from_profile : str, optional
        Settings to open the source with, where it is a store.
    jobs : int, optional
        How many files are handled at a time.
    dry_run : bool
        Only plan.

    Returns
    -------
    RunResult
        With plan and tally.

    Raises
    ------
    UsageError
        The vault has a file in another version, and `existing` is ``error``: nothing was written.
    NotFoundError
        There is nothing to upload, or a recipient is not known.
    IntegrityError
        The vault's manifests are not what they were.
    """
    job = put_job(
        source,
        url,
        seal_for=seal_for,
        key=key,
        passphrase=reference_of(passphrase),
        existing=existing,
        profile=profile,
        from_profile=from_profile,
    )
    job = kept_in(job, storage_class, pack)
    return execute(job, open_destination(job.dest), executor(jobs), dry_run=dry_run)


def cp(
    source: str,
    dest: str,
    *,
    recursive: bool = False,
    existing: str = "error",
    storage_class: str | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Copy one object, or all below an address, from any store to any other, as they are; a vault stays one.

    Parameters
    ----------
    source, dest : str
        What is copied; and the folder, store or part of one that it is copied into, under the name it has.
    recursive : bool
        Copy all that is below `source`; otherwise it names one object.
    existing : str
        What to do with objects that the destination has already: ``error``, ``skip`` or ``refresh``.
    storage_class : str, optional
        The storage class of the copies; the store's own default when not given.
    profile, dest_profile : str, optional
        Settings to open source and destination with.
    jobs, dry_run
        As in `put`.

    Returns
    -------
    RunResult
        What differs from a vault's manifest is in its tally as quarantined, and what cannot be copied as failed.

    Raises
    ------
    UsageError
        The destination has such an object, and `existing` is ``error``: nothing was written.
    PolicyError
        One of source and destination lies in the other.
    NotFoundError
        There is nothing to copy.
    IntegrityError
        A vault's manifests are not what they were.
    """
    job = cp_job(
        source,
        dest,
        recursive=recursive,
        existing=existing,
        storage_class=storage_class,
        profile=profile,
        dest_profile=dest_profile,
    )
    return execute(job, open_destination(resolve_dest(dest, dest_profile)), executor(jobs), dry_run=dry_run)


def get(
    url: str,
    dest: str,
    *,
    unseal: bool = False,
    wait: bool = False,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Fetch the files of a vault, or with ``URL#path`` those below a path; each is shown once all of it is proved.

    Parameters
    ----------
    url, dest : str
        The vault, and where to.
    unseal : bool
        Decrypt; otherwise objects stay encrypted.
    wait : bool
        Wait for archived objects that were asked for; otherwise they are in the tally as failed.
    key, passphrase, profile, jobs, dry_run
        As in `put`: the key decrypts.
    dest_profile : str, optional
        Settings to open the destination with, where it is a store.

    Returns
    -------
    RunResult
        What is not proved is in its tally as quarantined, and what is missing as failed.

    Raises
    ------
    NotFoundError
        There is no vault, or nothing below the path.
    IntegrityError
        The vault's manifests are not what they were.
    """
    job = get_job(
        url,
        dest,
        unseal=unseal,
        key=key,
        passphrase=reference_of(passphrase),
        profile=profile,
        dest_profile=dest_profile,
        wait=wait,
    )
    return execute(job, open_destination(resolve_dest(dest, dest_profile)), executor(jobs), dry_run=dry_run)


def rekey(
    url: str,
    *,
    add: Sequence[str],
    drop: Sequence[str] = (),
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Change who can decrypt a vault, by new headers alone; its contents are not encrypted again.

    Parameters
    ----------
    url : str
        The vault; with ``#path`` what is below a path.
    add, drop : sequence of str
        Who is to decrypt from now on, and who not any more: names of keys, or paths of ``.pub`` files; of `drop`
        fingerprints too. Recipients that are not dropped stay.
    key, passphrase, profile, jobs, dry_run
        As in `put`: the key decrypts headers, and signs.

    Returns
    -------
    RunResult
        What is not proved, archived, or not for your key is in its tally as failed: it keeps its recipients.

    Raises
    ------
    UsageError
        Nothing was ever encrypted for somebody who is to be dropped.
    ConfigurationError
        The public key of somebody who stays is not known.
    IntegrityError
        The vault's manifests are not what they were.
    """
    job = rekey_job(url, add=add, drop=drop, key=key, passphrase=reference_of(passphrase), profile=profile)
    return execute(job, open_destination(job.store), executor(jobs), dry_run=dry_run)


def verify(
    url: str,
    *,
    deep: bool = False,
    sample: float | None = None,
    unseal: bool = False,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
    jobs: int | None = None,
) -> RunResult:
    """Hold a vault against its signed manifests.

    Parameters
    ----------
    url : str
        The vault; with ``#path`` what is below a path.
    deep : bool
        Read every object and compare its checksum; otherwise presence and size are compared.
    sample : float, optional
        Read this percentage of the objects, chosen at random.
    unseal : bool
        Decrypt what is read, and compare its content too.
    key, passphrase, profile, jobs
        As in `get`.

    Returns
    -------
    RunResult
        What differs, is missing or unknown is in its tally as failed.

    Raises
    ------
    NotFoundError
        There is no vault, or nothing below the path.
    IntegrityError
        The vault's manifests are not what they were.
    """
    job = verifying.verify_job(
        url, deep=deep, sample=sample, unseal=unseal, key=key, passphrase=reference_of(passphrase), profile=profile
    )
    return execute(job, verifying.destination_of(job), executor(jobs))
