"""Guided: which bucket, and which folder in it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from bondstore.cli import asking
from bondstore.cli.screenlake._access import Access, ask_access
from bondstore.config.profiles import Profile, StoreSpec
from bondstore.config.resolve import store_url
from bondstore.errors import BondstoreError, CredentialsError, UsageError
from bondstore.stores import open_store
from bondstore.stores.address import Address, parse_address
from bondstore.stores.buckets import Bucket, list_buckets
from bondstore.text import number_text

USUAL = "screenlake-zip-prod"
UP = ".."


@dataclass(frozen=True, slots=True)
class Place:
    """Where the zips are.

    Parameters
    ----------
    spec : StoreSpec
        The store.
    access : Access
        How it is opened.
    """

    spec: StoreSpec
    access: Access


def ask_place() -> Place:
    """Ask for credentials, bucket and folder; what does not work is told, and asked again."""
    while True:
        try:
            access = ask_access()
            found = _folder() if access is None else _in_store(access)
        except BondstoreError as error:
            asking.complain(error)
            continue
        if found is not None:
            return found


def _folder() -> Place:
    def read(answer: str) -> Path:
        path = Path(answer).expanduser().absolute()
        if not answer or not path.is_dir():
            raise UsageError("There is no such folder.")
        return path

    path = asking.ask("Folder", read, explain="A folder that holds the zips as they lie in the bucket.", default=".")
    return Place(StoreSpec(store_url(str(path)), Profile()), Access(Profile()))


def _in_store(access: Access) -> Place | None:
    """Bucket by bucket, until a folder is taken; None where it is all to begin anew."""
    home = parse_address(access.profile.url) if access.profile.url else None
    if home is not None and home.kind == "file":
        return Place(StoreSpec(home.url, access.profile), access)
    if home is not None and home.kind == "az":
        return _walked(access, home, home.prefix)
    buckets = list_buckets(access.profile)
    while True:
        bucket = _ask_bucket(buckets, home.place if home else "")
        here = _in_region(access, bucket)
        start = home.prefix if home is not None and home.place == bucket.name else ""
        try:
            found = _walked(here, Address("s3", bucket.name), start)
        except BondstoreError as error:
            asking.complain(error)
            if isinstance(error, CredentialsError):
                return None
            continue
        if found is not None:
            return found


def _in_region(access: Access, bucket: Bucket) -> Access:
    """Follow a bucket into its own region, as the server says it."""
    if not bucket.region or access.profile.endpoint or access.region_given or bucket.region == access.profile.region:
        return access
    profile = dataclasses.replace(access.profile, region=bucket.region)
    added = () if access.typed else (("AWS_REGION", bucket.region),)
    return dataclasses.replace(access, profile=profile, variables=(*access.variables, *added))


def _ask_bucket(buckets: list[Bucket] | None, home: str) -> Bucket:
    asking.title("Which bucket?")
    explain = "The name of the bucket that the phones upload to, as you were told it; or a number from the list."
    if not buckets:
        asking.say("(They cannot be listed with these keys; a name will do.)" if buckets is None else "(None is shown "
                   "to these keys; a name will do.)")  # fmt: skip
        return asking.ask("Bucket", _named, explain=explain, default=home or USUAL)
    known = {one.name: one for one in buckets}
    likely = [name for name in (home, USUAL, buckets[0].name if len(buckets) == 1 else "") if name in known]
    return asking.pick(
        "Number or name",
        list(known),
        chosen=lambda name: known[name],
        first=lambda _: None,
        last=_named,
        explain=explain,
        default=likely[0] if likely else home,
    )


def _named(answer: str) -> Bucket:
    return Bucket(parse_address(f"s3://{answer.removeprefix('s3://').strip('/')}").place)


def _walked(access: Access, root: Address, start: str) -> Place | None:
    """Walk from folder to folder; None where somebody goes up from the top."""
    spec = StoreSpec(Address(root.kind, root.place).url, access.profile)
    store = open_store(spec)
    path: str | None = start
    while path is not None:
        place = Address(root.kind, root.place, path).url
        folders, zips = [], 0
        asking.title(f"In {place}/")
        try:
            found = store.dirs(path)
        except CredentialsError as error:
            if not path and not _lacks_permission(error):
                raise
            asking.complain(error)
            asking.say("It cannot be listed; you can type the path of a folder below it.", "  ")
        else:
            folders = [folder[len(path) + bool(path) :] for folder in found.prefixes]
            zips = sum(one.key.lower().endswith(".zip") for one in found.objects)
        if zips:
            asking.say(f"{number_text(zips)} zips lie right here.", "  ")
        moved = _ask_folder(path, folders)
        if moved is None:
            return Place(StoreSpec(place, access.profile), access)
        path = _joined(path, moved)
    return None


def _lacks_permission(error: CredentialsError) -> bool:
    return "AccessDenied" in error.message


def _ask_folder(path: str, folders: list[str]) -> str | None:
    """Ask where to go, as a path from here; None to take this folder."""
    taken = ""

    def first(answer: str) -> str | None:
        if not answer:
            return taken
        if answer == UP or answer.startswith("/") or (answer.rstrip("/") and "/" in answer.rstrip("/")):
            return answer
        return None

    def last(answer: str) -> str:
        if folders:
            raise UsageError(f"No folder here has {answer!r} in its name.", hint="? explains.")
        return answer  # nothing could be listed, so nothing is known to be missing

    moved = asking.pick(
        "Folder to go into; Enter takes this one, .. goes up",
        folders,
        chosen=lambda name: name,
        first=first,
        last=last,
        explain="All zips below the folder that you take are looked at, whatever lies between. Type a number, a name, "
        "a part of a name, or a whole path (from the top with a / before it). .. goes up; from the top it goes back to "
        f"the buckets. You are in {path or 'the top folder'}.",
    )
    return moved or None


def _joined(path: str, moved: str) -> str | None:
    """Return where a move leads to; None above the top."""
    parts = [] if moved.startswith("/") else [part for part in path.split("/") if part]
    for part in moved.split("/"):
        if part == UP:
            if not parts:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
