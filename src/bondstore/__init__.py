"""Bondstore: read, export, check and prove sensitive research data kept in object storage.

Public names are found here when first used, so that ``import bondstore`` stays quick: `archives`, `beiwe`,
`screenlake`, `neuro`, `ocean`, `participants`, `policies`, `releases`, `vaults`, `open_store`, `BondstoreError`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bondstore.version import VERSION

if TYPE_CHECKING:
    from bondstore import archives, beiwe, neuro, ocean, participants, policies, releases, screenlake, vaults
    from bondstore.errors import BondstoreError
    from bondstore.stores import open_store

__version__ = VERSION
__all__ = [
    "BondstoreError",
    "__version__",
    "archives",
    "beiwe",
    "neuro",
    "ocean",
    "open_store",
    "participants",
    "policies",
    "releases",
    "screenlake",
    "vaults",
]

_HOMES = {"BondstoreError": "bondstore.errors", "open_store": "bondstore.stores"}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in __all__:
        return importlib.import_module(f"bondstore.{name}")
    raise AttributeError(f"module 'bondstore' has no attribute {name!r}")
