"""What an upload needs of its vault, looked at before anything is written: rights, and room of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import CredentialsError, NotFoundError, UsageError
from bondstore.runs.destination import PRIVATE
from bondstore.runs.process import shared_store
from bondstore.stores.address import parse_address
from bondstore.stores.failures import LACKING
from bondstore.vault.bag import PATHS
from bondstore.vault.manifest import FOLDER, PAYLOAD

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec
    from bondstore.stores import Store


def refuse_without_rights(dest: StoreSpec) -> None:
    """Refuse a vault that these credentials can neither list nor read, as with a policy that only lets them put.

    Raises
    ------
    CredentialsError
        The hint names the rights.
    """
    place = parse_address(dest.url)
    if not place.is_remote:
        return
    store = shared_store(dest)
    try:
        next(iter(store.pages(PRIVATE)), None)
        store.get(f"{PRIVATE}/record.json")  # not HEAD, whose answer does not say why
    except NotFoundError:
        return
    except CredentialsError as error:
        if not (error.hint or "").startswith(LACKING):
            raise
        raise CredentialsError(
            f"With these credentials {dest.url} cannot be listed and read. An upload needs both, for the manifests and "
            "the record of earlier runs: without them nothing that it put could be proved.",
            hint=_hint(place.kind, place.place, place.prefix),
        ) from error


def refuse_foreign(dest: StoreSpec) -> None:
    """Refuse a place that is no vault yet and has objects where those of a vault would be."""
    store = shared_store(dest)
    for name in (PAYLOAD, *PATHS):
        found = _first(store, name)
        if found and not _first(store, FOLDER) and not _first(store, PRIVATE):
            raise UsageError(
                f"{dest.url} has {found}, which no upload into a vault put there.",
                hint="Nothing was written. Name an empty place for the vault.",
            )


def _first(store: Store, name: str) -> str:
    """Return an object of this name, or below it; nothing where there is none."""
    try:
        found = next(store.list(name), None)
        return found.key if found is not None else store.head(name).key
    except NotFoundError:
        return ""


def _hint(kind: str, place: str, prefix: str) -> str:
    if kind != "s3":
        return f"Ask for list, read, write and delete in the container {place}."
    below = f" --prefix {prefix}/" if prefix else ""
    return (
        f"Ask for list, read, write and delete there: bondstore policy make --bucket {place}{below} --write. "
        "A key to decrypt is not needed for that."
    )
