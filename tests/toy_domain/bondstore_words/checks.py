"""What the doctor asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bondstore.config.profiles import StoreSpec
from bondstore.config.secrets import SecretRef
from bondstore.doctor import Check, ok, skipped
from bondstore.stores import Store


def of_case(
    spec: StoreSpec, study: str | None, key: SecretRef | None, participants: Sequence[str]
) -> Mapping[str, Any]:
    return {"extras": (texts,)}


def texts(store: Store) -> Iterator[Check]:
    found = sum(one.key.endswith(".txt") for one in store.list())
    yield ok("texts", f"There are {found} text files.") if found else skipped("texts", "There are no text files.")
