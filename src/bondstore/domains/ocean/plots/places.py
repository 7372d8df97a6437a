"""What is drawn, and where plots go."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.config.profiles import check_named
from bondstore.config.resolve import resolve_store, with_url
from bondstore.errors import NotFoundError, PolicyError
from bondstore.runs.paths import safe_relpath
from bondstore.stores.address import dest_spec, parse_address

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec


SUFFIXES = (".csv", ".nc")


def find_source(source: str | os.PathLike[str], profile: str | Profile | None = None) -> tuple[StoreSpec, str | None]:
    """Find what is to be drawn: the store, and the key of a single object or None for all."""
    text = check_named(os.fspath(source))
    if "://" not in text:
        return _local(Path(text).expanduser().absolute(), text, profile)
    spec = resolve_store(text, profile)
    address = parse_address(spec.url)
    if address.kind == "file":
        return _local(Path(address.place), text, profile)
    if address.prefix.lower().endswith(SUFFIXES):
        url, _, key = spec.url.rstrip("/").rpartition("/")
        return with_url(spec, url), key
    return spec, None


def _local(path: Path, text: str, profile: str | Profile | None) -> tuple[StoreSpec, str | None]:
    if path.is_dir():
        return resolve_store(str(path), profile), None
    if path.is_file():
        return resolve_store(str(path.parent), profile), path.name
    raise NotFoundError(f"There is no file or folder {text!r}.", hint="Name a file, a folder, or s3://BUCKET/PREFIX.")


def find_dest(
    dest: str | os.PathLike[str] | None,
    source: StoreSpec,
    profile: str | Profile | None = None,
    *,
    group: str | None = None,
    follow_links: bool = False,
) -> StoreSpec:
    """Find where pictures go: beside what they show where that lies on this computer, else the current folder."""
    if dest is None:
        local = parse_address(source.url).kind == "file"
        found = source if local else resolve_store(str(Path.cwd()), profile)
        found = dest_spec(found, group=group, follow_links=follow_links)
    else:
        found = dest_spec(dest, profile, group=group, follow_links=follow_links)
    if source.profile.plaintext == "forbidden" and parse_address(found.url).kind == "file":
        raise PolicyError(
            f"The profile {source.profile.name} forbids its data on a disk.",
            hint="Name a destination in a bucket, or use another profile.",
        )
    return found


class Names:
    """Gives every picture a path of its own."""

    def __init__(self, form: str) -> None:
        self._form = form
        self._given: set[str] = set()

    def of_profile(self, key: str, number: int) -> str:
        """Return the path for a profile of an object: beside it, with its stem; from the second on with a number."""
        stem, suffix = posixpath.splitext(key)
        more = f"-{number + 1}" if number else ""
        return self._free(f"{stem}{more}", f"{stem}{suffix}{more}")

    def of_platform(self, platform: str, what: str) -> str:
        """Return the path for a picture of a platform; its name comes from a file, and is no folder."""
        name = (platform or "unknown").replace("/", "%2F")
        return self._free(f"{name}_{what}", f"platform {name}_{what}")

    def _free(self, wanted: str, other: str) -> str:
        for name in (wanted, other):
            path = safe_relpath(f"{name}.{self._form}")
            if path not in self._given:
                self._given.add(path)
                return path
        return self._free(f"{wanted}~", f"{other}~")
