"""A store's clients, opened when first needed and again in every process, and the loop that tries again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from bondstore.stores.address import parse_address
from bondstore.stores.failures import Failure, understand
from bondstore.stores.retry import RetryRule

if TYPE_CHECKING:
    from obstore.store import ObjectStore

    from bondstore.config.profiles import StoreSpec
    from bondstore.stores.clients import Role

T = TypeVar("T")


def raisable() -> tuple[type[Exception], ...]:
    """Return the classes of exceptions that a client raises on its own account."""
    from obstore.exceptions import BaseError

    return (BaseError, OSError, ValueError)


class Patience:
    """What is left of the patience with one request.

    Parameters
    ----------
    rule : RetryRule
        Its bounds.
    """

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
    """The clients of one store.

    Parameters
    ----------
    spec : StoreSpec
        What to open.
    rule : RetryRule
        Time-outs and patience.
    """

    def __init__(self, spec: StoreSpec, rule: RetryRule) -> None:
        self.spec = spec
        self.rule = rule
        self.address = parse_address(spec.url)
        self._lock = threading.RLock()
        self._clients: dict[Role, ObjectStore] = {}
        self._process = os.getpid()
        self._reached = False

    def client(self, role: Role) -> ObjectStore:
        """Return the client for a role; opens it when this process has none yet.

        Raises
        ------
        ConfigurationError, CredentialsError, UnreachableError, NotFoundError
            When it cannot be opened.
        """
        kept = self._clients.get(role)
        if kept is not None and self._process == os.getpid():
            return kept
        with self._lock:
            return self._open(role)

    def _open(self, role: Role) -> ObjectStore:
        from bondstore.stores.clients import build_client
        from bondstore.stores.contact import check_contact

        if self._process != os.getpid():
            self._clients.clear()
            self._process = os.getpid()
        if role not in self._clients:
            opened = build_client(self.spec, self.rule, role)
            if not self._reached and self.address.kind in {"s3", "az"}:
                check_contact(self.address, self.spec.profile, self.rule)
                self._reached = True
            self._clients[role] = opened
        return self._clients[role]

    def understand(self, raised: BaseException, key: str | None) -> Failure:
        """Map an exception onto our errors; see `bondstore.stores.failures`."""
        return understand(raised, self.address.url, key)

    def attempt(self, role: Role, act: Callable[[ObjectStore], T], key: str | None = None) -> T:
        """Do something once, without trying again beyond what the role's client does.

        Raises
        ------
        BondstoreError
            When it fails.
        """
        try:
            return act(self.client(role))
        except raisable() as raised:
            raise self.understand(raised, key).error from None

    def persist(self, role: Role, act: Callable[[ObjectStore], T], key: str | None = None) -> T:
        """Do something that may be repeated, until it goes through or the patience is used up.

        Parameters
        ----------
        role : str
            Which client to use.
        act : callable
            Takes the client; runs once or more.
        key : str, optional
            The object concerned, for the message.

        Raises
        ------
        BondstoreError
            The last failure, mapped.
        """
        patience: Patience | None = None
        while True:
            try:
                return act(self.client(role))
            except raisable() as raised:
                patience = patience or Patience(self.rule)
                patience.spend(self.understand(raised, key))
