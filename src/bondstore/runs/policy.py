"""What a run refuses before it writes anything."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.errors import PolicyError, ReadOnlyError
from bondstore.modes import linked
from bondstore.runs.destination import PRIVATE
from bondstore.runs.ram_disk import ram_place
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec


NOT_ON_A_DISK = "Name a destination in a bucket, or use another profile."


def check_places(source: StoreSpec, dest: StoreSpec | None, *, files: bool = False, hint: str = NOT_ON_A_DISK) -> None:
    """Refuse results where they are forbidden: on a disk, in a read-only store, or among their sources.

    Without `dest` they go to a folder. `files` says that outputs are put together as files, even on their way to a
    store: where plaintext is forbidden on a disk, a folder that lives in memory must be there.
    """
    folder = dest is None or parse_address(dest.url).kind == "file"
    for profile in (source.profile, *(() if dest is None else (dest.profile,))):
        if profile.plaintext == "forbidden" and folder:
            raise PolicyError(
                f"The profile {profile.name} forbids decrypted data on a disk.",
                hint=hint,
            )
        if profile.plaintext == "forbidden" and files:
            ram_place()
    if dest is not None:
        refuse_read_only(dest)
        refuse_overlap(source, dest)


def refuse_read_only(dest: StoreSpec) -> None:
    """Refuse a store that its profile opens for reading alone; folders are opened by nobody's profile."""
    if dest.profile.read_only and parse_address(dest.url).kind != "file":
        raise ReadOnlyError(
            f"{dest.url} is opened read-only, and results are to be written there.",
            hint="Name a profile that allows writing: --dest-profile NAME",
        )


def refuse_unless_identified(dest: StoreSpec) -> None:
    """Refuse a place for files that name people, unless the profile that opens it says that it is one."""
    profile = dest.profile
    if not profile.identified:
        raise PolicyError(
            f"The profile {profile.name} does not say that files that name people may be kept in {dest.url}.",
            hint="Set identified = true in the profile of a place for such files. Then name it: --dest-profile NAME",
        )
    if profile.url is not None and not is_in(dest.url, profile.url):
        raise PolicyError(
            f"By the profile {profile.name}, files that name people may be kept in {profile.url}, not in {dest.url}.",
            hint="Name a place there, or another profile: --dest-profile NAME",
        )


def refuse_link(place: str | None, spec: StoreSpec) -> None:
    """Refuse a folder to write to that is a symbolic link itself, unless links are followed; `place` is its name."""
    folder = parse_address(spec.url).folder
    if folder is None or spec.follow_links:
        return
    named = folder if place is None or "://" in place else Path(place).expanduser()
    if os.path.islink(named):  # noqa: PTH114 - a name that is too long is none, and told where it is opened
        raise linked(str(named))


def refuse_private(dest: StoreSpec) -> None:
    """Refuse a destination inside the private corner of another one: it is cleared, and holds what is not released."""
    if PRIVATE in parse_address(dest.url).parts:
        raise PolicyError(
            f"{dest.url} lies in {PRIVATE}, where another destination keeps its record.",
            hint=f"Name a folder or a prefix outside of {PRIVATE}.",
        )


def is_in(url: str, outer: str) -> bool:
    """Whether a place is another one, or lies in it."""
    parts = _parts(outer)
    return _parts(url)[: len(parts)] == parts


def refuse_overlap(source: StoreSpec, dest: StoreSpec) -> None:
    """Refuse a destination in which results could be taken for sources, or sources for results.

    Raises
    ------
    PolicyError
        Both are the same place, or one lies in the other; folders are told by what they are, not by their names.
    """
    if source.url == dest.url or _parts(source.url) == _parts(dest.url):
        raise PolicyError(
            "Source and destination are the same place.", hint="Results would be taken for sources: name another."
        )
    if is_in(source.url, dest.url) or is_in(dest.url, source.url):
        raise PolicyError(
            "One of source and destination lies in the other.",
            hint="Results would be taken for sources: name two places side by side, such as a/raw and a/qc.",
        )


def _parts(url: str) -> tuple[str, ...]:
    address = parse_address(url)
    if address.kind == "file":
        return (address.kind, *Path(address.place).resolve().parts)
    return (address.kind, address.place, *(address.prefix.split("/") if address.prefix else ()))
