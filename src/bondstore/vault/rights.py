"""The rights that an upload needs, asked for before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.errors import CredentialsError, NotFoundError
from bondstore.runs.destination import PRIVATE
from bondstore.stores import open_store
from bondstore.stores.address import parse_address
from bondstore.stores.failures import LACKING

if TYPE_CHECKING:
    from bondstore.config.profiles import StoreSpec


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
    store = open_store(dest)
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


def _hint(kind: str, place: str, prefix: str) -> str:
    if kind != "s3":
        return f"Ask for list, read, write and delete in the container {place}."
    below = f" --prefix {prefix}/" if prefix else ""
    return (
        f"Ask for list, read, write and delete there: bondstore policy make --bucket {place}{below} --write. "
        "A key to decrypt is not needed for that."
    )
