"""Participants: who takes part, as rows with a stable key, kept in step with the CSV of a form tool."""

from bondstore.registry.settings import SyncSettings
from bondstore.registry.sync import SyncResult, sync_participants

__all__ = ["SyncResult", "SyncSettings", "sync_participants"]
