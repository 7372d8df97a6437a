"""Every handler there is, and the functions that AWS Lambda calls.

The same handlers serve a queue on a plain server (`bondstore watch`) and a try on a laptop (`bondstore aws invoke`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bondstore.aws.events import parse_event
from bondstore.aws.report import log, log_items
from bondstore.aws.settings import load_settings, prepare_lambda
from bondstore.domains import all_domains
from bondstore.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from bondstore.aws.events import Events
    from bondstore.aws.report import EventReport, Handled
    from bondstore.aws.settings import HandlerSettings

LARGEST = 16 << 20
"""Bytes of an event; Lambda itself takes 6 MiB."""


class Handler(Protocol):
    """What handles one kind of event: enough to run it, to package it, and to describe what it stands on in AWS."""

    @property
    def name(self) -> str:
        """The word for it in commands and settings."""

    @property
    def module(self) -> str:
        """The module with its code: a package takes along what this imports."""

    @property
    def requirements(self) -> Sequence[str]:
        """Distributions that it cannot run without, as pip takes them; boto3 is part of Lambda's own runtimes."""

    @property
    def extras(self) -> Mapping[str, Sequence[str]]:
        """More distributions, by the word that asks for them."""

    def handle(self, events: Events, settings: HandlerSettings) -> EventReport:
        """Handle what arrived, each object by itself."""

    def look(self, url: str, settings: HandlerSettings, owed: Sequence[Handled] = ()) -> EventReport:
        """Handle what is new in a store that sends no events; `UsageError` where this handler cannot."""


@dataclass(frozen=True)
class ModuleHandler:
    """A handler whose code is the functions `handle` and `look` of a module, which is imported when first used."""

    name: str
    module: str
    requirements: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def handle(self, events: Events, settings: HandlerSettings) -> EventReport:
        """Handle what arrived."""
        report: EventReport = import_module(self.module).handle(events, settings)
        return report

    def look(self, url: str, settings: HandlerSettings, owed: Sequence[Handled] = ()) -> EventReport:
        """Handle what is new in a store."""
        report: EventReport = import_module(self.module).look(url, settings, owed)
        return report


_ALWAYS = ("obstore>=0.12,<0.13", "pydantic>=2.11")
_PARTICIPANTS = ModuleHandler("participants", "bondstore.aws.participants", _ALWAYS)


def _of_domains() -> Iterator[ModuleHandler]:
    for domain in all_domains().values():
        for name, spec in domain.handlers.items():
            yield ModuleHandler(name, spec.module, (*_ALWAYS, *spec.requirements), spec.extras)


HANDLERS: Mapping[str, Handler] = {one.name: one for one in (*_of_domains(), _PARTICIPANTS)}
"""By name. Each domain brings its own."""


def profile_arrived(event: Any, context: Any = None) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives two
    """Test each profile that arrived, write its netCDF file, draw it; release and mail as the settings say.

    It returns ``{"batchItemFailures": […]}`` to a queue, else counts by outcome and kind. `HandlingError` means that
    something failed and is to come again, and the sender takes no answer by item; all others were handled.
    """
    return handle("profile", event).response()


def participants_changed(event: Any, context: Any = None) -> dict[str, Any]:  # noqa: ARG001 - Lambda gives two
    """Bring the participants' CSV, as it is now, into the table. It returns and raises as `profile_arrived`."""
    return handle("participants", event).response()


def handle(name: str, event: Any) -> EventReport:
    """Handle an event, as Lambda would give it, and log what became of it."""
    prepare_lambda()
    began = time.monotonic()
    report = HANDLERS[name].handle(parse_event(event), load_settings())
    for one in report.events.damaged:
        log("damaged-record", record=one.record, why=one.why)
    log_items(report.items)
    log("handled", **report.summary(), seconds=round(time.monotonic() - began, 3))
    return report


def handler_named(name: str) -> Handler:
    """Return a handler, or refuse its name with `UsageError`."""
    if name not in HANDLERS:
        raise UsageError("There is no such handler.", hint=f"Choose one of: {', '.join(HANDLERS)}.")
    return HANDLERS[name]


def invoke(path: Path, name: str) -> EventReport:
    """Run a handler here, with an event from a JSON file."""
    handler_named(name)
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is too large for an event.", hint="Name a file with one event.")
        event = json.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise NotFoundError(f"The file {path} could not be read ({error.strerror}).", hint="Check its name.") from None
    except (ValueError, RecursionError):
        raise UsageError(
            f"{path} holds no JSON.", hint="Save the event as it is shown in the log or console."
        ) from None
    return handle(name, event)
