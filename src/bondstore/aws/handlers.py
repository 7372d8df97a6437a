"""The functions that AWS Lambda calls: ``bondstore.aws.handlers.profile_arrived`` and ``….participants_changed``.

The same functions serve a queue on a plain server (`bondstore watch`) and a try on a laptop (`bondstore aws invoke`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from bondstore.aws.events import parse_event
from bondstore.aws.report import Report, log, log_items
from bondstore.aws.settings import load_settings, prepare_lambda

if TYPE_CHECKING:
    from bondstore.aws.events import Events
    from bondstore.aws.settings import Settings


def profile_arrived(event: Any, context: Any = None) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives two
    """Test each profile that arrived, write its netCDF file, draw it; release and mail as the settings say.

    Parameters
    ----------
    event : dict
        Of S3, SQS, SNS or EventBridge, with any number of records.
    context : object
        Of Lambda; not looked at.

    Returns
    -------
    dict
        For a queue ``{"batchItemFailures": […]}``; else counts by outcome and kind.

    Raises
    ------
    HandlingError
        Something failed and is to come again, and the sender takes no answer by item. All others were handled.
    ConfigurationError
        The settings do not hold.
    """
    return handle("profile", event).response()


def participants_changed(event: Any, context: Any = None) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives two
    """Bring the participants' CSV, as it is now, into the table. As in `profile_arrived`."""
    return handle("participants", event).response()


def handle(handler: str, event: Any) -> Report:
    """Handle an event and log what became of it.

    Parameters
    ----------
    handler : {"profile", "participants"}
        Who.
    event : dict
        As in `profile_arrived`.
    """
    prepare_lambda()
    began = time.monotonic()
    report = HANDLERS[handler](parse_event(event), load_settings())
    log_items(report.items)
    log("handled", **report.summary(), seconds=round(time.monotonic() - began, 3))
    return report


def _profiles(events: Events, settings: Settings) -> Report:
    from bondstore.aws.profiles import handle_profiles

    return handle_profiles(events, settings)


def _participants(events: Events, settings: Settings) -> Report:
    from bondstore.aws.people import handle_participants

    return handle_participants(events, settings)


HANDLERS: Mapping[str, Callable[[Events, Settings], Report]] = {"profile": _profiles, "participants": _participants}
"""By the word that commands and settings call them."""
