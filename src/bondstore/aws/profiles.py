"""Profiles that arrived: tested and written, released and mailed as the settings say, each object by itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bondstore.aws.events import Events
from bondstore.aws.report import EventReport, Handled, ObjectOutcome, log, log_items, sort_arrivals
from bondstore.aws.settings import reference
from bondstore.domains.ocean import service
from bondstore.errors import (
    BondstoreError,
    ConfigurationError,
    Interrupted,
    NoPlaceError,
    NotFoundError,
    PolicyError,
    TransientStoreError,
    UsageError,
)
from bondstore.ledger.items import State
from bondstore.runs.destinations import open_destination
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.aws.settings import HandlerSettings
    from bondstore.domains.ocean.job import QcJob
    from bondstore.notify.open import Mail

SUFFIXES = (".csv", ".nc")
_OUTCOMES = {
    State.DONE: ObjectOutcome.DONE,
    State.QUARANTINED: ObjectOutcome.QUARANTINED,
    State.FAILED: ObjectOutcome.FAILED,
}
_HOPELESS = (ConfigurationError, NoPlaceError, PolicyError, UsageError)
"""Errors that one object less would not fix."""

_SAID = {
    "transport": "TRANSPORT",
    "sender": "MAIL_FROM",
    "user": "SMTP_USER",
    "unsubscribe_url": "UNSUBSCRIBE_URL",
    "unsubscribe_mail": "UNSUBSCRIBE_MAIL",
}
_SECRETS = {"password": "SMTP_PASSWORD", "secret": "MAIL_SECRET"}
COMING_AGAIN = ("failed", "retry-later", "not-attempted", "in-progress")
"""States of a message after which the event must come again: it is not sent yet."""


def handle(events: Events, settings: HandlerSettings) -> EventReport:
    """Handle all profiles of an event; `ConfigurationError` where no object would be handled."""
    own = [settings.need("DEST"), *filter(None, [settings.get("PUBLIC")])]
    report = EventReport("profile", events)
    groups = sort_arrivals(report, settings.sources, own, SUFFIXES, "no-profile")
    for source, keys in groups.items():
        bucket, prefix = _place_of(source)
        handled = _test(_job(settings, source, tuple(keys)), report)
        report.items += [
            dataclasses.replace(one, bucket=bucket, key=prefix + one.key, records=keys[one.key]) for one in handled
        ]
    _finish(report, settings)
    return report


def look(url: str, settings: HandlerSettings, owed: Sequence[Handled] = ()) -> EventReport:
    """Test what is new in a store, then release and mail as after an event, `owed` objects too."""
    job = _job(settings, url, None)
    result = service.run(job, jobs=1)
    with open_destination(job.dest).ledger(create=False) as ledger:
        read = list(dict.fromkeys(one.key for one in ledger.audit.entries(run=result.run) if one.action == "read"))
        left = [item.key for item in ledger.items.unsettled(job.name, result.run)]
    report = EventReport("profile", Events())
    bucket, prefix = _place_of(job.store.url)
    handled = _looked_up(job, list(dict.fromkeys([*read, *left])), result.run)
    report.items = [*owed, *(dataclasses.replace(one, bucket=bucket, key=prefix + one.key) for one in handled)]
    _finish(report, settings)
    log_items(report.items)
    log("looked", **report.summary(), skipped=result.tally.skipped.objects)
    return report


def _finish(report: EventReport, settings: HandlerSettings) -> None:
    """Release, then mail, where the settings say so. What fails leaves the objects to come again."""
    if not any(one.outcome is ObjectOutcome.DONE for one in report.items):
        return
    for word, step in (("release", _release), ("mail", _mail)):
        try:
            step(report, settings)
        except Interrupted:
            raise
        except BondstoreError as error:
            log("step-failed", step=word, error=type(error).__name__)
            kind = f"{word}:{type(error).__name__}"
            report.items = [
                dataclasses.replace(one, outcome=ObjectOutcome.FAILED, kinds=(*one.kinds, kind))
                if one.outcome is ObjectOutcome.DONE
                else one
                for one in report.items
            ]
            return


def _job(settings: HandlerSettings, source: str, keys: tuple[str, ...] | None) -> QcJob:
    """Build the job for objects of one store; all of them without keys."""
    form, names, plots = settings.get("FORM", "netcdf"), settings.get("NAMES", "plain"), settings.plots
    if form == "parquet":  # a function that was set up so goes on as it did
        names, plots = "plain", False
    asked = service.Asked(settings.get("TESTS", "moana"), form, names, plots)
    from bondstore.config.resolve import store_url

    # a bucket's bare name would else be taken for a folder
    dest = settings.need("DEST")
    store_url(dest)
    job = service.prepare(store_url(source), dest, asked, keys=keys)
    from bondstore.domains.ocean.reading.metadata import without_contacts

    table = _fetched(settings.get("METADATA"))
    wanted = dataclasses.replace(
        job.settings,
        metadata=without_contacts(table) if table else "",
        attributes=_text(settings.get("ATTRIBUTES")),
        columns=_text(settings.get("COLUMNS")),
    )
    return dataclasses.replace(job, settings=wanted)


def _text(place: str) -> str:
    try:
        return _fetched(place).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{place} is no text.", hint="Save it as UTF-8.") from error


def _fetched(place: str) -> bytes:
    """Read a small file: a path, or an object as it is now; nothing for no place."""
    if not place:
        return b""
    try:
        if "://" not in place:
            return Path(place).read_bytes()
        from bondstore.config.resolve import resolve_store

        folder, _, key = place.rpartition("/")
        return bytes(open_store(resolve_store(folder), read_only=True).get(key).data)
    except (OSError, BondstoreError) as error:
        raise ConfigurationError(
            f"{place} cannot be read ({type(error).__name__}).", hint="Check the settings."
        ) from None


def _test(job: QcJob, report: EventReport) -> list[Handled]:
    """Run the job; where it fails as a whole, object by object, so that one cannot take the others along."""
    keys = job.keys or ()
    try:
        result = service.run(job, jobs=1)
    except Interrupted:
        raise
    except _HOPELESS as error:
        if not isinstance(error, UsageError):  # which may name an object
            log("not-handled", objects=len(keys), why=error.message, hint=error.hint)
        return [Handled("", key, ObjectOutcome.FAILED, (type(error).__name__,)) for key in keys]
    except BondstoreError as error:
        if len(keys) > 1:
            return [one for key in keys for one in _test(dataclasses.replace(job, keys=(key,)), report)]
        if _is_gone(job, keys[0]):
            return [Handled("", keys[0], ObjectOutcome.GONE, ("gone",))]
        return [Handled("", keys[0], ObjectOutcome.FAILED, (type(error).__name__,))]
    for word in ("done", "skipped"):
        report.counts[f"qc_{word}"] += getattr(result.tally, word).objects
    return _looked_up(job, keys, result.run)


def _looked_up(job: QcJob, keys: Sequence[str], run: str) -> list[Handled]:
    """Return what the ledger says of each object after a run: by key in the store, without a bucket."""
    with open_destination(job.dest).ledger(create=False) as ledger:
        known = ledger.items.known(job.name, list(keys))
        kinds: dict[str, set[str]] = {}
        for finding in ledger.findings.of_run(run):
            kinds.setdefault(finding.key, set()).add(finding.kind)
    handled = []
    for key in keys:
        item = known.get(key)
        if item is None or item.state not in _OUTCOMES:
            handled.append(Handled("", key, ObjectOutcome.FAILED, ("not-handled",)))
            continue
        found = kinds.get(key, set()) | ({item.reason} if item.reason else set())
        path = item.output if item.state is State.DONE else ""
        handled.append(Handled("", key, _OUTCOMES[item.state], tuple(sorted(found)), path=path))
    return handled


def _is_gone(job: QcJob, key: str) -> bool:
    """Whether the source itself says that it has an object no more; what fails elsewhere says nothing of that.

    A source that is not there itself says so of every object: it is asked for others, too.
    """
    source = open_store(job.store, read_only=True)
    try:
        source.head(key)
    except NotFoundError:
        try:
            source.check()
        except BondstoreError:
            return False
        return True
    except BondstoreError:
        return False
    return False


def _place_of(source: str) -> tuple[str, str]:
    """Return a store's bucket, and what the keys in it start with."""
    address = parse_address(source)
    return address.place, f"{address.prefix}/" if address.prefix else ""


def _release(report: EventReport, settings: HandlerSettings) -> None:
    if not settings.get("PUBLIC"):
        return
    from bondstore.domains.ocean.paths import is_by_product
    from bondstore.domains.ocean.verify import INSPECTORS
    from bondstore.release.outcome import Published
    from bondstore.release.publish import Places, publish_between
    from bondstore.release.settings import About, Order

    about = About.load(Path(settings.get("ABOUT"))) if settings.get("ABOUT") else About()
    order = Order(settings.get("REQUIRE", "good"), about, INSPECTORS, by_product=is_by_product)
    done = publish_between(Places(settings.need("PUBLIC"), settings.need("DEST")), order)
    if isinstance(done, Published):
        report.counts["released_files"] = done.files
        report.counts["released_objects_new"] = done.copied
        report.counts["held_back_files"] = sum(done.held_back.values())


def _mail(report: EventReport, settings: HandlerSettings) -> None:
    """Send what was made to those who subscribed, and count the messages in the report by their state.

    `TransientStoreError` means that messages are left which can go later.
    """
    files = sorted({item.path for item in report.items if item.outcome is ObjectOutcome.DONE and item.path})
    if not settings.get("TRANSPORT") or not files or settings.get("FORM") == "parquet":
        return
    from bondstore.config.resolve import resolve_store
    from bondstore.notify.news import find_news, read_plot
    from bondstore.notify.send import notify

    store = open_store(resolve_store(settings.need("DEST")), read_only=True)
    news, _ = find_news(store, files)
    opened = _opened_mail(settings)
    transport = opened.transport()
    try:
        done = notify(
            news,
            lambda key: read_plot(store, key),
            opened.subscribers,
            opened.deliveries,
            transport,
            settings=opened.settings,
            secret=opened.secret(),
        )
    finally:
        transport.close()
    for state, number in done.counts.items():
        report.counts[f"mail_{state}"] += number
    if done.stopped is not None:
        raise done.stopped
    if set(COMING_AGAIN) & set(done.counts):
        raise TransientStoreError("Messages could not be sent yet.", hint="Send the event again.")


def _opened_mail(settings: HandlerSettings) -> Mail:
    from bondstore.notify.open import open_mail

    said: dict[str, Any] = {name: settings.get(variable) or None for name, variable in _SAID.items()}
    for name, variable in _SECRETS.items():
        said[name] = reference(settings.get(variable)) if settings.get(variable) else None
    file = settings.get("NOTIFY")
    return open_mail(Path(file) if file else None, database=settings.need("DATABASE"), **said)
