"""What was archived, brought back from Python: restores, old Glacier vaults, and archives that openssl encrypted.

Nothing here waits. A call asks for what has to be asked for and ends; a later call with the same words goes on.

Examples
--------
>>> bondstore.archives.restore("s3://VAULT/eeg", tier="standard").tally.waiting  # doctest: +SKIP
>>> bondstore.archives.inventory("lab-eeg").tally.complete  # doctest: +SKIP
>>> [one.name for one in bondstore.archives.listed("lab-eeg")]  # doctest: +SKIP
>>> bondstore.archives.migrate("lab-eeg", "s3://VAULT/eeg", seal_for=["anna"]).tally.waiting  # doctest: +SKIP
>>> bondstore.archives.unseal_legacy("old", "opened", passphrases=["file:/etc/lab/2016"])  # doctest: +SKIP
>>> bondstore.archives.Archive("id", "", "day1.edf", 3000, "2016-03-01T00:00:00Z", "00").name
'day1.edf'
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bondstore.config.secrets import SecretRef, reference_of
from bondstore.config.settings import load_profile
from bondstore.runs.destinations import open_destination
from bondstore.runs.engine import RunResult, execute
from bondstore.runs.executors import Serial
from bondstore.stores.archive import speed_of
from bondstore.vault import restore as restoring
from bondstore.vault.glacier.archives import Archive
from bondstore.vault.glacier.inventory import inventory_job, read_inventory
from bondstore.vault.glacier.migrate import migrate_job
from bondstore.vault.glacier.service import GlacierVault
from bondstore.vault.jobs import executor
from bondstore.vault.keys import find_recipient
from bondstore.vault.legacy import job as legacy
from bondstore.vault.legacy.unseal import ASK, Asked
from bondstore.vault.put import kept_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Archive", "RunResult", "inventory", "listed", "migrate", "restore", "unseal_legacy"]


def restore(
    url: str,
    *,
    tier: str | None = None,
    days: int | None = None,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Ask for archived objects, so that they can be read, and look after those that were asked for.

    Parameters
    ----------
    url : str
        A bucket or container, or a part of it; of a vault with ``#path`` what has the files below a path.
    tier : str, optional
        How soon: ``bulk``, ``standard`` or ``expedited``; the cheapest that the store has when not given.
    days : int, optional
        How long restored copies can be read: 7 when not given. Azure's blobs come back for good.
    key, passphrase
        As in `vaults.open_vault`: needed for a path of a vault with packs.
    profile : str, optional
        Settings to open the store with.
    dry_run : bool
        Only plan: nothing is asked for.

    Returns
    -------
    RunResult
        ``tally.waiting`` objects are on their way: call again later. ``plan.classes`` says what was asked for.

    Raises
    ------
    UsageError
        The store has no such tier, or no copies that last for days.
    NotFoundError
        There is nothing.
    """
    place, _, below = url.partition("#")
    job = restoring.prepare(place, profile, tier=tier, days=days)
    job = restoring.part_of(job, below, key, reference_of(passphrase))
    return execute(job, restoring.destination_of(job), Serial(), dry_run=dry_run or not restoring.has_archive(job))


def inventory(vault: str, *, refresh: bool = False, profile: str | None = None, dry_run: bool = False) -> RunResult:
    """Ask an old Glacier vault for the list of its archives, or fetch the one that was asked for.

    Parameters
    ----------
    vault : str
        The name of the old vault.
    refresh : bool
        Ask for a new inventory, although one is kept here.
    profile : str, optional
        Settings to open the service with.
    dry_run : bool
        Only plan: nothing is asked for.

    Returns
    -------
    RunResult
        Once ``tally.complete`` holds, `listed` gives the archives.

    Raises
    ------
    NotFoundError
        There is no such vault.
    """
    job = inventory_job(vault, profile, refresh=refresh)
    return execute(job, job.vault.record, Serial(), dry_run=dry_run)


def listed(vault: str, *, profile: str | None = None) -> Iterator[Archive]:
    """Yield the archives of an old Glacier vault, by the inventory that is kept here.

    Parameters
    ----------
    vault, profile
        As in `inventory`.

    Raises
    ------
    NothingThereError
        No inventory is kept here.
    """
    return read_inventory(GlacierVault(vault, load_profile(profile)))


def migrate(
    vault: str,
    url: str,
    *,
    seal_for: Sequence[str] = (),
    tier: str = "bulk",
    at_once: int = 500,
    storage_class: str | None = None,
    key: str | None = None,
    passphrase: str | SecretRef | None = None,
    profile: str | None = None,
    dest_profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Move the archives of an old Glacier vault into a vault as `vaults.put` makes it; nothing is deleted.

    Parameters
    ----------
    vault, profile
        As in `inventory`.
    url : str
        The vault that it becomes.
    seal_for, storage_class, key, passphrase, jobs
        As in `vaults.put`.
    tier : str
        How soon: ``bulk``, ``standard`` or ``expedited``.
    at_once : int
        How many archives are asked for at a time.
    dest_profile : str, optional
        Settings to open the new vault with.
    dry_run : bool
        Only plan: nothing is asked for.

    Returns
    -------
    RunResult
        ``tally.waiting`` archives are on their way: call again, within a day after they are ready.

    Raises
    ------
    UsageError
        There is no such tier.
    NothingThereError
        No inventory is kept here.
    """
    job = migrate_job(
        vault,
        url,
        seal_for=seal_for,
        key=key,
        passphrase=reference_of(passphrase),
        profile=profile,
        dest_profile=dest_profile,
    )
    job = replace(job, put=kept_in(job.put, storage_class), speed=speed_of(tier), at_once=at_once)
    return execute(job, open_destination(job.dest), executor(jobs), dry_run=dry_run)


def unseal_legacy(
    source: str,
    dest: str,
    *,
    passphrases: Sequence[str | SecretRef] = (),
    seal_for: Sequence[str] = (),
    iterations: int | None = None,
    keep_tar: bool = False,
    accept_unknown: bool = False,
    profile: str | None = None,
    dest_profile: str | None = None,
    jobs: int | None = None,
    dry_run: bool = False,
) -> RunResult:
    """Decrypt archives that ``openssl enc`` encrypted with a passphrase, and unpack their tars.

    Parameters
    ----------
    source, dest : str
        An archive, or a folder or store of archives; and where to.
    passphrases : sequence of str or SecretRef
        Where the passphrases to try are, such as ``file:/path``; one is asked for when not given.
    seal_for : sequence of str
        Encrypt what comes out before it is written, for these keys.
    iterations : int, optional
        Rounds of ``-pbkdf2``, if not 10,000.
    keep_tar : bool
        Do not unpack tars.
    accept_unknown : bool
        Also write what cannot be proved.
    profile, dest_profile : str, optional
        Settings to open source and destination with.
    jobs, dry_run
        As in `vaults.put`.

    Returns
    -------
    RunResult
        What no passphrase opens, or is damaged, is in its tally as quarantined.
    """
    tried = tuple(SecretRef.parse(one) if isinstance(one, str) else one for one in passphrases)
    recipients = tuple(find_recipient(one).public.hex() for one in seal_for)
    asked = Asked(tried or (ASK,), iterations, keep_tar, accept_unknown, recipients)
    job = legacy.prepare(source, dest, asked, profile=profile, dest_profile=dest_profile)
    return execute(job, open_destination(job.dest), executor(jobs), dry_run=dry_run)
