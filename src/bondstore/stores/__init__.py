"""Stores: places with objects, behind one interface."""

from __future__ import annotations

from bondstore.stores.info import Dirs, Fetched, Listing, ObjectInfo
from bondstore.stores.open import open_store
from bondstore.stores.retry import RetryRule
from bondstore.stores.store import Store

__all__ = ["Dirs", "Fetched", "Listing", "ObjectInfo", "RetryRule", "Store", "open_store"]
