"""Releases from Python: publish what passed quality control, take it back.

Examples
--------
>>> about = bondstore.releases.About(title="Temperatures", licence="CC-BY-4.0")
>>> plan = bondstore.releases.publish("s3://lab-public", "s3://lab-qc", about=about, dry_run=True)  # doctest: +SKIP
>>> plan.files, plan.held  # doctest: +SKIP
>>> bondstore.releases.recall("s3://lab-public", plan.release, reason="wrong position")  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bondstore.config.resolve import resolve_store
from bondstore.domains import inspectors, is_by_product
from bondstore.release import inventory
from bondstore.release import recall as recalling
from bondstore.release.inventory import Release
from bondstore.release.manifest import Entry
from bondstore.release.outcome import Published, Recalled, RecallPlan
from bondstore.release.outcome import ReleasePlan as Plan
from bondstore.release.publish import Places, publish_between
from bondstore.release.settings import About, Order
from bondstore.stores import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "About",
    "Entry",
    "Plan",
    "Published",
    "RecallPlan",
    "Recalled",
    "Release",
    "files",
    "publish",
    "recall",
    "releases",
]


def publish(
    dest: str,
    source: str,
    *,
    require: str = "good",
    about: About | None = None,
    overview: str | None = None,
    stac: bool = False,
    again: bool = False,
    source_may_be_public: bool = False,
    require_public: bool = False,
    profile: str | None = None,
    source_profile: str | None = None,
    follow_links: bool = False,
    confirm: Callable[[Plan], bool] | None = None,
    dry_run: bool = False,
) -> Plan | Published:
    """Copy what passed quality control from a private store to a public one.

    Parameters
    ----------
    dest, source : str
        Addresses of the public and the private store.
    require : str
        What a file must be: ``good``, ``good:SHARE`` or ``suspect``.
    about : About, optional
        What the landing page says.
    overview : str, optional
        Key of a map in the private store, for the landing page.
    stac : bool
        Write a STAC item for every file too.
    again : bool
        Release even what was taken back.
    source_may_be_public : bool
        Go on though everybody may read the private store.
    require_public : bool
        Go on only if everybody can read the public store.
    profile, source_profile : str, optional
        Named settings to open the two with; those of the public store serve for both when there is one name only.
    follow_links : bool
        Release into a folder that is a symbolic link, or through such links in it.
    confirm : callable, optional
        Asked once the plan stands; false ends it before anything is written.
    dry_run : bool
        Only plan.

    Returns
    -------
    Plan or Published
        What would be done, or was; both with what was held back and why.

    Raises
    ------
    UsageError
        The requirement is unknown, or the stores are not apart.
    PolicyError
        The private store is not private, or that could not be told; the public one is not public and must be.
    """
    order = Order(require, about or About(), inspectors(), overview, stac, again, is_by_product)
    places = Places(dest, source, profile, source_profile, source_may_be_public, require_public, follow_links)
    return publish_between(places, order, confirm=confirm, dry_run=dry_run)


def recall(
    store: str,
    what: str,
    *,
    reason: str = "",
    profile: str | None = None,
    follow_links: bool = False,
    confirm: Callable[[RecallPlan], bool] | None = None,
    dry_run: bool = False,
) -> RecallPlan | Recalled:
    """Take a release back, or one file out of all releases; a tombstone stays.

    Parameters
    ----------
    store : str
        Address of the public store.
    what : str
        A release's id, a file's SHA-256 (its first 16 digits do), or its name in the release.
    reason : str
        Why; it becomes public.
    profile : str, optional
        Named settings to open the store with.
    follow_links : bool
        Remove and write through symbolic links in a folder too.
    confirm : callable, optional
        Asked once the plan stands; false ends it.
    dry_run : bool
        Only plan.

    Returns
    -------
    RecallPlan or Recalled
        What would be done, or was.

    Raises
    ------
    NotFoundError
        Nothing of that name was released.
    PolicyError
        The store is a folder that is a symbolic link, or has one in it, and none is to be followed.
    """
    opened = recalling.open_public(store, profile, follow_links=follow_links)
    return recalling.recall(opened, what, reason=reason, confirm=confirm, dry_run=dry_run)


def releases(store: str, *, profile: str | None = None) -> list[Release]:
    """Return every release that a public store ever held, the newest first.

    Parameters
    ----------
    store : str
        Its address.
    profile : str, optional
        Named settings to open it with.
    """
    return list(inventory.releases(open_store(resolve_store(store, profile))))


def files(store: str, release: str | None = None, *, profile: str | None = None) -> tuple[Entry, ...]:
    """Return the files of a release.

    Parameters
    ----------
    store : str
        Address of the public store.
    release : str, optional
        Its id; the one that holds when not given.
    profile : str, optional
        Named settings to open the store with.

    Raises
    ------
    NotFoundError
        There is no such release, or it was taken back.
    """
    return inventory.files_of(open_store(resolve_store(store, profile)), release)[1]
