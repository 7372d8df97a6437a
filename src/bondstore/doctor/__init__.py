"""The doctor: says what is wrong with settings, network, store and machine, and the command that mends it."""

from bondstore.doctor.case import Case, Extra
from bondstore.doctor.check import Check, CheckStatus, fail, ok, skipped, warn
from bondstore.doctor.examine import examine

__all__ = ["Case", "Check", "CheckStatus", "Extra", "examine", "fail", "ok", "skipped", "warn"]
