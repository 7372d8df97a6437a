"""Zips from untrusted places: looked over first, then read member by member under limits, salvaged where damaged."""

from __future__ import annotations

from bondstore.zips.findings import ZIPS
from bondstore.zips.limits import LIMITS, Limits
from bondstore.zips.reader import Content, Member, OpenedZip, open_zip

__all__ = ["LIMITS", "ZIPS", "Content", "Limits", "Member", "OpenedZip", "open_zip"]
