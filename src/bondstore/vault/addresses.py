"""What an address means: a store or a part of one, a vault and a path in it, or one object."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from bondstore.config.resolve import resolve_source
from bondstore.errors import NoPlaceError, NotFoundError, NothingThereError
from bondstore.runs.process import shared_store
from bondstore.stores import open_store
from bondstore.vault.known import seen
from bondstore.vault.manifest import FOLDER, manifest_path

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec


def vault_at(url: str, profile: str | Profile | None = None) -> tuple[StoreSpec, str] | None:
    """Return the vault of an address, and the path behind its ``#``; None where there is no vault.

    Keys and names of folders may have a ``#``, too; only in a ``file://`` address it is never a part of the name.
    """
    place, mark, below = url.partition("#")
    with suppress(NotFoundError):
        spec = resolve_source(place, profile)
        if is_vault(spec):
            return spec, below.strip("/")
    if mark and urlsplit(url).scheme.lower() == "file":
        raise NothingThereError(
            f"{place} is not a vault.", hint="Only a vault has a #PATH: write %23 for a # in a name."
        )
    return None


def is_vault(spec: StoreSpec) -> bool:
    """Whether a store has manifests, or had some before: then that they are gone is for who reads them to tell."""
    if seen(spec) is not None:
        return True
    # listed, not asked for by name: rights to a prefix alone refuse a HEAD of what is not there
    try:
        return any(one.key == manifest_path(1) for one in open_store(spec).dirs(FOLDER).objects)
    except NoPlaceError:
        raise
    except NotFoundError:
        return False


def is_empty(spec: StoreSpec) -> bool:
    """Whether a store has no object at all. Raises what is wrong with it, as `check` of a store does."""
    return next(shared_store(spec).list(), None) is None


def object_at(url: str, profile: str | Profile | None = None) -> tuple[StoreSpec, str]:
    """Return the store that one object is in, and its key. Any key can be named, also one that no prefix can be."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme.lower() != "file":
        place, _, key = rest.partition("/")
        return resolve_source(f"{scheme}://{place}", profile), key
    path = Path(unquote(urlsplit(url).path) if separator else url).expanduser().absolute()
    return resolve_source(path.parent.as_uri(), profile), path.name
