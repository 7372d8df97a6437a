"""Stores: places with objects, behind one interface."""

from __future__ import annotations

from bondstore.stores.info import Dirs, Fetched, Listing, ObjectInfo
from bondstore.stores.retry import RetryRule
from bondstore.stores.store import Store, open_store

__all__ = ["Dirs", "Fetched", "Listing", "ObjectInfo", "RetryRule", "Store", "open_store"]
