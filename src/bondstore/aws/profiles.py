"""Profiles that arrived: tested and written, released and mailed as the settings say, each object by itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from bondstore.aws.mailing import mail
from bondstore.aws.report import Handled, Outcome, Report, log
from bondstore.aws.sorting import sort_arrivals
from bondstore.domains.ocean import service
from bondstore.errors import BondstoreError, ConfigurationError, Interrupted, NotFoundError, PolicyError, UsageError
from bondstore.ledger.items import State
from bondstore.runs.outlets import record_place
from bondstore.stores import open_store
from bondstore.stores.address import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bondstore.aws.events import Events
    from bondstore.aws.settings import Settings
    from bondstore.domains.ocean.qcjob import QcJob

_OUTCOMES = {State.DONE: Outcome.DONE, State.QUARANTINED: Outcome.QUARANTINED, State.FAILED: Outcome.FAILED}
_HOPELESS = (ConfigurationError, PolicyError, UsageError)
"""Errors that one object less would not mend."""


def handle_profiles(events: Events, settings: Settings) -> Report:
    """Handle all profiles of an event.

    Parameters
    ----------
    events : Events
        What arrived.
    settings : Settings
        How and where to.

    Returns
    -------
    Report

    Raises
    ------
    ConfigurationError
        The settings do not hold: no object would be handled.
    """
    dest = settings.need("DEST")
    own = [dest, *filter(None, [settings.get("PUBLIC")])]
    report = Report("profile", events)
    groups, report.items = sort_arrivals(events.arrivals, settings.sources, own)
    for source, keys in groups.items():
        bucket, prefix = place_of(source)
        handled = _test(job_of(settings, source, tuple(keys)), report)
        report.items += [
            dataclasses.replace(one, bucket=bucket, key=prefix + one.key, records=keys[one.key]) for one in handled
        ]
    finish(report, settings)
    return report


def finish(report: Report, settings: Settings) -> None:
    """Release, then mail, where the settings say so. What fails leaves the objects to come again."""
    if not any(one.outcome is Outcome.DONE for one in report.items):
        return
    for word, step in (("release", _release), ("mail", mail)):
        try:
            step(report, settings)
        except Interrupted:
            raise
        except BondstoreError as error:
            log("step-failed", step=word, error=type(error).__name__)
            kind = f"{word}:{type(error).__name__}"
            report.items = [
                dataclasses.replace(one, outcome=Outcome.FAILED, kinds=(*one.kinds, kind))
                if one.outcome is Outcome.DONE
                else one
                for one in report.items
            ]
            return


def job_of(settings: Settings, source: str, keys: tuple[str, ...] | None) -> QcJob:
    """Build the job for objects of one store; all of them without keys."""
    asked = service.Asked(
        settings.get("TESTS", "moana"), settings.get("FORM", "netcdf"), settings.get("NAMES", "plain"), settings.plots
    )
    job = service.prepare(source, settings.need("DEST"), asked, keys=keys)
    from bondstore.domains.ocean.reading.metadata import without_contacts

    table = text_of(settings.get("METADATA"))
    wanted = dataclasses.replace(
        job.settings,
        metadata=without_contacts(table) if table else "",
        attributes=text_of(settings.get("ATTRIBUTES")),
        columns=text_of(settings.get("COLUMNS")),
    )
    return dataclasses.replace(job, settings=wanted)


def text_of(place: str) -> str:
    """Read a small text: a path, or an object as it is now; nothing for no place.

    Raises
    ------
    ConfigurationError
        It cannot be read.
    """
    if not place:
        return ""
    try:
        if "://" not in place:
            return Path(place).read_text("utf-8-sig")
        from bondstore.config.resolve import resolve_store

        folder, _, key = place.rpartition("/")
        return bytes(open_store(resolve_store(folder), read_only=True).get(key).data).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, BondstoreError) as error:
        raise ConfigurationError(
            f"{place} cannot be read ({type(error).__name__}).", hint="Check the settings."
        ) from None


def _test(job: QcJob, report: Report) -> list[Handled]:
    """Run the job; where it fails as a whole, object by object, so that one cannot take the others along."""
    keys = job.keys or ()
    try:
        result = service.run(job, jobs=1)
    except Interrupted:
        raise
    except _HOPELESS as error:
        return [Handled("", key, Outcome.FAILED, (type(error).__name__,)) for key in keys]
    except BondstoreError as error:
        if len(keys) > 1:
            return [one for key in keys for one in _test(dataclasses.replace(job, keys=(key,)), report)]
        if isinstance(error, NotFoundError) and _stands(job):
            return [Handled("", keys[0], Outcome.GONE, ("gone",))]
        return [Handled("", keys[0], Outcome.FAILED, (type(error).__name__,))]
    for word in ("done", "skipped"):
        report.counts[f"qc_{word}"] += getattr(result.tally, word).objects
    return looked_up(job, keys, result.run)


def looked_up(job: QcJob, keys: Sequence[str], run: str) -> list[Handled]:
    """Return what the ledger says of each object, after a run.

    Parameters
    ----------
    job : QcJob
        The job.
    keys : sequence of str
        Keys in its store. Those of what is returned are the same, and its bucket is empty.
    run : str
        The run whose findings count.
    """
    with record_place(job.dest).ledger(create=False) as ledger:
        known = ledger.items.known(job.name, list(keys))
        kinds: dict[str, set[str]] = {}
        for finding in ledger.findings.of_run(run):
            kinds.setdefault(finding.key, set()).add(finding.kind)
    handled = []
    for key in keys:
        item = known.get(key)
        if item is None or item.state not in _OUTCOMES:
            handled.append(Handled("", key, Outcome.FAILED, ("not-handled",)))
            continue
        found = kinds.get(key, set()) | ({item.reason} if item.reason else set())
        path = item.output if item.state is State.DONE else ""
        handled.append(Handled("", key, _OUTCOMES[item.state], tuple(sorted(found)), path=path))
    return handled


def _stands(job: QcJob) -> bool:
    """Whether the store itself is there: only then is an object that is not found one that is gone."""
    try:
        open_store(job.store, read_only=True).check()
    except BondstoreError:
        return False
    return True


def place_of(source: str) -> tuple[str, str]:
    """Return a store's bucket, and what the keys in it start with."""
    address = parse_address(source)
    return address.place, f"{address.prefix}/" if address.prefix else ""


def _release(report: Report, settings: Settings) -> None:
    if not settings.get("PUBLIC"):
        return
    from bondstore.domains.ocean.places import is_by_product
    from bondstore.domains.ocean.vouching import INSPECTORS
    from bondstore.release.about import About
    from bondstore.release.publish import Order, Published
    from bondstore.release.service import Places, publish_between

    about = About.load(Path(settings.get("ABOUT"))) if settings.get("ABOUT") else About()
    order = Order(settings.get("REQUIRE", "good"), about, INSPECTORS, by_product=is_by_product)
    done = publish_between(Places(settings.need("PUBLIC"), settings.need("DEST")), order)
    if isinstance(done, Published):
        report.counts["released_files"] = done.files
        report.counts["released_objects_new"] = done.copied
