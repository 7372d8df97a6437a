"""Participants from Python: a form tool's CSV kept as a table, with its history.

Examples
--------
>>> table = bondstore.participants.open_participants("sqlite:///participants.sqlite")
>>> settings = bondstore.participants.SyncSettings(key=("Vessel number",))
>>> plan = bondstore.participants.sync("form.csv", table, settings, dry_run=True)  # doctest: +SKIP
>>> plan.counts["new"], plan.counts["changed"], plan.counts["inactive"]  # doctest: +SKIP
>>> [one.user_id for one in bondstore.participants.members(table)]  # doctest: +SKIP
"""

from bondstore.registry.exposure import Guard
from bondstore.registry.service import Participant, Past, guards, member, members, open_participants, past, sync
from bondstore.registry.settings import SyncSettings
from bondstore.registry.sync import Participants, SyncResult

__all__ = [
    "Guard",
    "Participant",
    "Participants",
    "Past",
    "SyncResult",
    "SyncSettings",
    "guards",
    "member",
    "members",
    "open_participants",
    "past",
    "sync",
]
