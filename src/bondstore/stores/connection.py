"""A store's clients, opened when first needed and again in every process, and the loop that tries again."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from bondstore.errors import BondstoreError, used_up
from bondstore.stores.address import Client, Role, parse_address
from bondstore.stores.checksums import Etags
from bondstore.stores.failures import Failure, for_user_of, understand, unreachable
from bondstore.stores.redirects import is_proxied, refuse_redirect
from bondstore.stores.retry import RetryRule

if TYPE_CHECKING:
    from bondstore.config.profiles import Profile, StoreSpec

T = TypeVar("T")
_PATIENT: tuple[Role, ...] = ("list", "write")
"""Clients that try again for long by themselves."""
_also_raised: dict[type[Exception], None] = {}


def raisable() -> tuple[type[Exception], ...]:
    """Return the classes of exceptions that a client raises on its own account."""
    from obstore.exceptions import BaseError

    return (BaseError, OSError, ValueError, *_also_raised)


def may_raise(*classes: type[Exception]) -> None:
    """Add what another client raises: once it is loaded, so that nobody loads it while a failure is dealt with."""
    _also_raised.update(dict.fromkeys(classes))


class Patience:
    """What is left of the patience with one request."""

    def __init__(self, rule: RetryRule) -> None:
        self._rule = rule
        self.progress()

    def progress(self) -> None:
        """Something arrived: the clock and the waits start anew."""
        self._since = time.monotonic()
        self._waits = self._rule.waits()

    def spend(self, failure: Failure) -> None:
        """Wait before the next try, or raise the failure when none may help or the patience is used up."""
        wait = next(self._waits)
        if not failure.passing or time.monotonic() + wait - self._since > self._rule.patience:
            raise failure.error from None  # the cause's text quotes the server's answer
        time.sleep(wait)


class Connection:
    """The clients of one store."""

    def __init__(self, spec: StoreSpec, rule: RetryRule) -> None:
        self.spec = spec
        self.rule = rule
        self.address = parse_address(spec.url)
        self.kind = self.address.store_kind
        self._lock = threading.RLock()
        self._clients: dict[Role, Client] = {}
        self._process = os.getpid()
        self._reached = self._at_home = False
        self.etags = Etags(opaque=spec.profile.etags == "opaque")
        self.whole: dict[str, int] = {}  # the longest listing of each sort that is known to be whole

    def client(self, role: Role) -> Client:
        """Return the client for a role; opens it when this process has none yet."""
        kept = self._clients.get(role)
        if kept is not None and self._process == os.getpid():
            return kept
        with self._lock:
            try:
                return self._open(role)
            except BondstoreError as error:
                for_user_of(self.spec.profile, error)
                raise

    def _open(self, role: Role) -> Client:
        if self._process != os.getpid():
            self._clients.clear()
            self._process = os.getpid()
        if role not in self._clients:
            profile = self.spec.profile
            opened = self.kind.client(self.address, profile, self.rule, role)
            if not self._reached and self.kind.is_remote:
                check_contact(self.address.endpoint(profile), self.address.url, profile, self.rule)
                self._reached = True
            if role in _PATIENT and self.kind.is_remote and not self._at_home:
                front = self.kind.front(self.address, profile)
                refuse_redirect(front, self.address.url, profile, self.kind.authorities(profile))
                self._at_home = True
            self._clients[role] = opened
        return self._clients[role]

    def understand(self, raised: BaseException, key: str | None) -> Failure:
        """Map an exception onto our errors; see `bondstore.stores.failures`."""
        failure = understand(raised, self.address.url, key)
        return replace(failure, error=for_user_of(self.spec.profile, failure.error))

    def attempt(self, role: Role, act: Callable[[Client], T], key: str | None = None) -> T:
        """Do something once, without trying again beyond what the role's client does."""
        try:
            return act(self.client(role))
        except raisable() as raised:
            raise self.understand(raised, key).error from None

    def persist(self, role: Role, act: Callable[[Client], T], key: str | None = None) -> T:
        """Do something that may be repeated, until it goes through or the patience is used up."""
        return persist(self.rule, lambda: act(self.client(role)), lambda raised: self.understand(raised, key))


def persist(rule: RetryRule, act: Callable[[], T], understand: Callable[[BaseException], Failure]) -> T:
    """Try until it goes through or the patience is used up; then the last failure is raised, as it was understood."""
    patience: Patience | None = None
    while True:
        try:
            return act()
        except raisable() as raised:
            patience = patience or Patience(rule)
            patience.spend(understand(raised))


def check_contact(endpoint: str, place: str, profile: Profile, rule: RetryRule) -> None:
    """Make one TCP connection to an endpoint: a wrong address is told in seconds, not after all the patience.

    Where a proxy stands in between nothing is tried: what it reaches cannot be seen from here.
    """
    parts = urlsplit(endpoint)
    host = parts.hostname or ""
    if is_proxied(profile, parts.scheme, host):
        return
    port = parts.port or (80 if parts.scheme == "http" else 443)
    give_up = time.monotonic() + rule.first_contact
    for wait in rule.waits():
        try:
            socket.create_connection((host, port), timeout=rule.connect_timeout).close()
        except socket.gaierror:
            why = f"the name {host} is not known"
        except OSError as raised:
            if (exhausted := used_up(raised)) is not None:
                raise exhausted from None
            why = raised.strerror or "no connection"
        else:
            return
        if time.monotonic() + wait > give_up:
            raise unreachable(f"{place} at {host}:{port}", why.lower())
        time.sleep(wait)
