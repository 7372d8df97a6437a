"""The destination at an address, the one that a person names, and the one that a run recorded."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import StoreSpec, check_named
from bondstore.config.resolve import recorded_dest, with_dest_profile
from bondstore.config.settings import DEFAULT, load_profile
from bondstore.errors import ConfigurationError, UsageError
from bondstore.ledger.personal import personal_path
from bondstore.modes import shared_with
from bondstore.runs.folder_destination import FolderDestination
from bondstore.runs.policy import refuse_private
from bondstore.runs.store_destination import StoreDestination
from bondstore.stores.address import parse_address, store_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from bondstore.ledger import RunRecord
    from bondstore.runs.destination import Destination


def open_destination(spec: StoreSpec) -> Destination:
    """Return the destination at an address.

    Raises
    ------
    UsageError
        A folder that is the account's copy of a store's record: what is written there would pass for written to it.
    PolicyError
        It lies in the private corner of another destination, or is a symbolic link and none is to be followed.
    ConfigurationError
        The group that is to read it does not exist, or this account is not in it; or what lies there is no folder.
    """
    refuse_private(spec)
    address = parse_address(spec.url)
    if address.kind != "file":
        return StoreDestination(spec)
    folder = FolderDestination(Path(address.place), shared_with(spec.profile.group), spec.follow_links)
    folder.refuse_link()
    folder.refuse_misplaced()
    if copied := _params_of_copy(folder):
        raise UsageError(
            f"{folder.shown} is a copy of the record of {copied['dest']}, and no place for results.",
            hint=f"Name the store: {copied['dest']}",
        )
    return folder


def named_destination(place: str, profile: str | None = None) -> Destination:
    """Return what a person names, its record brought up to date.

    That is a folder, or a store: by its address, or by the folder where this account keeps the copy of its record.
    """
    found: Destination
    spec = store_spec(place, profile) if "://" in check_named(place) else None
    if spec is not None and parse_address(spec.url).kind != "file":
        found = StoreDestination(spec)
    else:
        if profile is not None:
            load_profile(profile)  # a name that is nobody's is said, though a folder needs no settings
        folder = FolderDestination(_whole(Path(parse_address(spec.url).place if spec else place).expanduser()))
        folder.refuse_misplaced()
        copied = _recorded_store(with_dest_profile(_params_of_copy(folder), profile))
        found = folder if copied is None else StoreDestination(copied)
    found.refresh()
    return found


def recorded_destination(record: RunRecord, named: Destination) -> Destination:
    """Return where to go on with a run: the store that it recorded, or the folder that has its record, wherever it is.

    Raises
    ------
    UsageError
        The run wrote to a store, and another place is named.
    """
    spec = _recorded_store(record.params)
    if spec is None:
        return named.recorded(record.params) if isinstance(named, FolderDestination) else named
    found = StoreDestination(spec)
    if not isinstance(named, StoreDestination) or parse_address(named.spec.url) != parse_address(spec.url):
        raise UsageError(
            f"The run {record.id} wrote to {found.shown}, and not to {named.shown}.",
            hint=f"Name that store: {dest_options(found)}",
        )
    if found != named:
        found.refresh()
    return found


def _whole(place: Path) -> Path:
    """Return a folder's whole path. If it is a link itself it stays one, so that nothing is written there unasked."""
    try:
        return place.parent.resolve() / place.name if place.is_symlink() else place.resolve()
    except OSError as error:  # a name that is too long, a disk that fails
        raise ConfigurationError(f"{place} cannot be opened ({error.strerror}).", hint="Check the name.") from error


def dest_options(destination: Destination) -> str:
    """Return the options that name a destination to ``run`` and ``audit``, fit to be pasted into a shell."""
    return f"--dest {shlex.quote(destination.shown)}{dest_profile_option(destination)}"


def dest_profile_option(destination: Destination) -> str:
    """Return the option, with a blank before it, that names the profile of a store; empty where it has no name."""
    if not isinstance(destination, StoreDestination) or destination.spec.profile.name == DEFAULT:
        return ""
    return f" --dest-profile {destination.spec.profile.name}"


def _params_of_copy(folder: FolderDestination) -> Mapping[str, Any]:
    """Return what the newest run recorded that wrote to a store, where a folder has the account's copy of its record.

    That is told by its runs and not by the folder's name, which depends on the settings the store was opened with.
    """
    if not folder.root.resolve().is_relative_to(personal_path().parent.resolve()) or not folder.ledger_path.exists():
        return {}
    with folder.ledger(create=False) as ledger:
        runs = ledger.runs.newest_first()
    return runs[0].params if runs and _is_in_store(runs[0].params) else {}


def _is_in_store(params: Mapping[str, Any]) -> bool:
    return {"dest", "dest_profile"} <= params.keys() and parse_address(params["dest"]).kind != "file"


def _recorded_store(params: Mapping[str, Any]) -> StoreSpec | None:
    return recorded_dest(params) if _is_in_store(params) else None
