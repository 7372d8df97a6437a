"""`examine`: every check, in the order in which one explains the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from bondstore.doctor import access, machine, network, settings
from bondstore.doctor.check import Check, CheckStatus, guarded, skipped

if TYPE_CHECKING:
    from bondstore.doctor.case import Case

OFFLINE: tuple[tuple[str, Callable[[Case], Iterable[Check]]], ...] = (
    ("settings", settings.look_at_settings),
    ("mix-ups", settings.look_for_mix_ups),
    ("credentials", settings.look_at_credentials),
    ("secret-files", settings.look_at_secret_files),
    ("proxy", settings.look_at_proxy),
    ("checksums", settings.look_at_checksums),
    ("encryption", settings.look_at_encryption),
)
MACHINE: tuple[tuple[str, Callable[[Case], Iterable[Check]]], ...] = (
    ("space", machine.look_at_space),
    ("ram-disk", machine.look_for_ram_disk),
)


def examine(case: Case) -> Iterator[Check]:
    """Run every check that fits the case; nothing is written to the store unless the case asks for it."""
    failed: set[str] = set()
    for name, look in OFFLINE:
        for check in guarded(name, lambda look=look: look(case)):  # type: ignore[misc]
            if check.status is CheckStatus.FAIL:
                failed.add(check.name)
            yield check
    if "mix-ups" in failed:  # the name in question must not travel, not even to a name server
        yield skipped("endpoint", "This could not be looked at before mix-ups is mended.")
    else:
        for check in guarded("endpoint", lambda: network.look_at_endpoint(case)):
            if check.status is CheckStatus.FAIL:
                failed.add(check.name)
            yield check
    first = next((name for name in ("mix-ups", "credentials", "endpoint", "addressing") if name in failed), None)
    if first is None:
        yield from guarded("access", lambda: access.look_at_access(case))
    else:
        for name in ("list", "read", *(["exposure"] if case.expected else []), *(["study"] if case.extras else [])):
            yield skipped(name, f"This could not be looked at before {first} is mended.")
    for name, look in MACHINE:
        yield from guarded(name, lambda look=look: look(case))  # type: ignore[misc]
