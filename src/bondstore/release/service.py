"""Publishing from Python: stores by address, the questions asked of them, and the publication itself."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_store
from bondstore.release.gates import check_apart, check_dest, check_source
from bondstore.release.publish import Order, Plan, Published, publish
from bondstore.runs.destination import FolderDestination
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from bondstore.release.visibility import Seen


@dataclass(frozen=True, slots=True)
class Places:
    """From where to where, and what is asked of both.

    Parameters
    ----------
    dest, source : str
        Addresses of the public and the private store.
    profile, source_profile : str, optional
        Names of the settings to open them with; those of the public store serve for both when there is one name only.
    source_may_be_public : bool
        Go on though everybody may read the private store.
    require_public : bool
        Go on only if everybody can read the public store.
    """

    dest: str
    source: str
    profile: str | None = None
    source_profile: str | None = None
    source_may_be_public: bool = False
    require_public: bool = False


def publish_between(
    places: Places,
    order: Order,
    *,
    seen: Callable[[Seen], None] | None = None,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> Plan | Published:
    """Ask of both stores what must hold, then publish; see `bondstore.release.publish.publish`.

    Parameters
    ----------
    places : Places
        From where to where.
    order : Order
        What to publish.
    seen : callable, optional
        Told what a stranger sees of the private store, then of the public one.
    confirm, dry_run
        As in `publish`.

    Raises
    ------
    UsageError
        The stores are not apart.
    PolicyError
        The private store is not private, or that could not be told; the public one is not public and must be.
    """
    spec = resolve_store(places.dest, places.profile)
    address = parse_address(spec.url)
    if address.kind == "file" and not dry_run:
        FolderDestination(Path(address.place)).prepare_root()
    dest = open_store(spec)
    source = open_store(resolve_store(places.source, places.source_profile or places.profile), read_only=True)
    check_apart(source, dest)
    if address.kind == "file" and not Path(address.place).exists():
        # only for a dry run: nothing is released there yet, and the folder is not made
        dest = open_store(f"memory://nothing-{secrets.token_hex(8)}", read_only=True)
    of_source = check_source(source, may_be_public=places.source_may_be_public)
    of_dest = check_dest(dest, must_be_public=places.require_public, probe=not dry_run)
    if seen is not None:
        seen(of_source)
        seen(of_dest)
    return publish(source, dest, order, confirm=confirm, dry_run=dry_run)
