"""Who subscribed: pending until confirmed, and without an address once unsubscribed."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bondstore.config.secrets import Secret
from bondstore.databases import Change, Row, Table, Value
from bondstore.errors import ChangedError, ConfigurationError, NotFoundError, UsageError
from bondstore.notify.addresses import (
    CONFIRM,
    UNSUBSCRIBE,
    Token,
    check_address,
    key_of,
    keyed,
    make_token,
    masked,
    new_nonce,
    read_token,
    refused,
)

TABLE = "notify-subscribers"
KEY = "subscriber"
ALL = "all"
PENDING, CONFIRMED, UNSUBSCRIBED = "pending", "confirmed", "unsubscribed"
_TOPICS = ("platform", "vessel")
_CHECK = "_secret"
_TRIES = 20
_LONGEST_TOPIC = 200
_WEEK = 7 * 86400
_QUIET = 600


@dataclass(frozen=True, slots=True)
class Subscriber:
    """One subscriber."""

    key: str
    state: str  # only a confirmed one gets mail
    address: str = field(repr=False)  # empty once unsubscribed
    topics: tuple[str, ...]  # ``all``, ``platform:SERIAL``, ``vessel:NAME``
    nonce: str = field(repr=False)  # of this subscription
    since: int  # when it came into this state, seconds since 1970
    version: int
    fields: Mapping[str, Value] = field(repr=False)  # its row

    @property
    def masked(self) -> str:
        """What may be shown of the address."""
        return masked(self.address) if self.address else ""

    @property
    def asked(self) -> tuple[str, ...]:
        """The topics that wait for a confirmation; none where nothing does."""
        return _topics(self.fields.get("asked"))


@dataclass(frozen=True, slots=True)
class SubscriptionRequest:
    """What came of a wish to subscribe."""

    subscriber: Subscriber
    token: str | None = field(repr=False)
    """For the address and nobody else; None where nothing is left to confirm, or where one went there a moment ago."""


def everybody(table: Table) -> Iterator[Subscriber]:
    """Yield all subscribers of a table."""
    return (_subscriber(row) for row in table.scan() if row.key != _CHECK)


def check_topics(topics: Sequence[str]) -> tuple[str, ...]:
    """Return topics in one order, `ALL` where none is named; `UsageError` where one is none."""
    checked = set()
    for topic in topics or [ALL]:
        kind, colon, name = topic.strip().partition(":")
        plain = name.strip()
        if topic.strip() == ALL:
            checked.add(ALL)
        elif kind in _TOPICS and colon and plain and plain.isprintable() and len(plain) <= _LONGEST_TOPIC:
            checked.add(f"{kind}:{plain}")
        else:
            raise UsageError("That is no topic.", hint="Write all, platform:SERIAL or vessel:NAME.")
    return (ALL,) if ALL in checked else tuple(sorted(checked))


class Subscribers:
    """A table of subscribers, with `KEY` as its key; every change holds only for the version that was read."""

    def __init__(self, table: Table, secret: Secret) -> None:
        self._table, self._secret = table, secret

    def create(self) -> None:
        """Make the table unless it is there, and hold the secret against it.

        With another secret the links of subscribers would be dead, and people be there twice: `ConfigurationError`.
        """
        self._table.create()
        wanted = keyed(self._secret, "check", b"").hex()[:16]
        row = self._table.get(_CHECK)
        if row is None:
            try:
                self._table.apply([Change(_CHECK, None, {"state": "", "check": wanted})])
            except ChangedError:  # somebody else made it at this moment
                row = self._table.get(_CHECK)
        if row is not None and not hmac.compare_digest(str(row.fields.get("check", "")), wanted):
            raise ConfigurationError(
                "The subscribers were written with another secret.", hint="Refer to that one, or name another database."
            )

    def exists(self) -> bool:
        """Tell whether the table is there."""
        return self._table.exists()

    def all(self) -> Iterator[Subscriber]:
        """Return all subscribers, one after the other."""
        return everybody(self._table)

    def confirmed(self) -> list[Subscriber]:
        """Return those who get mail, by key."""
        return sorted((one for one in self.all() if one.state == CONFIRMED and one.address), key=lambda one: one.key)

    def get(self, key: str) -> Subscriber | None:
        """Return one subscriber as it is now."""
        row = self._table.get(key)
        return _subscriber(row) if row is not None else None

    def subscribe(self, address: str, topics: Sequence[str] = (), *, now: float) -> SubscriptionRequest:
        """Note a wish (all topics when none is named); it comes true when the token that is sent out comes back.

        So do new topics of somebody who is confirmed. `UsageError` where the address or a topic is none.
        """
        address, wanted = check_address(address), check_topics(topics)
        key = key_of(address, self._secret)

        def change(row: Row | None) -> dict[str, Value] | None:
            old = dict(row.fields) if row else {}
            state = str(old.get("state", ""))
            if state == CONFIRMED and old.get("topics") == _packed(wanted) and "asked" not in old:
                return None
            if state in (PENDING, CONFIRMED) and "asked" in old and _is_quiet(old, now):
                return None  # the mail that just went out names other topics: no click on it means these
            changes: dict[str, Value] = {"address": address, "asked": _packed(wanted)}
            if state in (PENDING, CONFIRMED):  # goes on as it is until the new wish is confirmed
                return {**old, **changes}
            return {**changes, "state": PENDING, "since": int(now), "nonce": new_nonce()}

        row = self._change(key, change)
        one = _subscriber(row)
        if "asked" not in row.fields or _is_quiet(row.fields, now):
            return SubscriptionRequest(one, None)
        token = Token(key, _nonce_for(one.nonce, row.fields["asked"]))
        return SubscriptionRequest(one, make_token(self._secret, CONFIRM, token, expires=int(now) + _WEEK))

    def mailed(self, key: str, *, now: float) -> None:
        """Note that the token went out: for ten minutes no other one does."""
        self._change(key, lambda row: {**row.fields, "mailed": int(now)} if row else None)

    def confirm(self, token: str, *, now: float) -> Subscriber:
        """Make a wish come true.

        `UsageError` where the token is made up, too old, for other topics than were asked for last, or for a
        subscription that was ended since.
        """
        claim = read_token(self._secret, CONFIRM, token, now=now)

        def change(row: Row | None) -> dict[str, Value] | None:
            fields = dict(row.fields) if row else {}
            meant = _nonce_for(str(fields.get("nonce", "")), fields.get("asked", fields.get("topics")))
            if not hmac.compare_digest(meant, claim.nonce):
                raise refused()
            if fields.get("state") not in (PENDING, CONFIRMED):
                raise refused()
            if "asked" not in fields:
                return None
            fields["topics"] = fields.pop("asked")
            fields.pop("mailed", None)
            since = fields["since"] if fields["state"] == CONFIRMED else int(now)
            return {**fields, "state": CONFIRMED, "since": since}

        return _subscriber(self._change(claim.key, change))

    def unsubscribe(self, token: str, *, now: float) -> None:
        """End a subscription by the token in any mail; such tokens never run out."""
        self._end(read_token(self._secret, UNSUBSCRIBE, token, now=now).key, now)

    def unsubscribe_address(self, address: str, *, now: float) -> None:
        """End a subscription by its address; `NotFoundError` where there is none."""
        key = key_of(check_address(address), self._secret)
        if self._table.get(key) is None:
            raise NotFoundError("There is no such subscriber.", hint="Run: bondstore notify list")
        self._end(key, now)

    def token_for(self, one: Subscriber) -> str:
        """Return the token that ends a subscription."""
        return make_token(self._secret, UNSUBSCRIBE, Token(one.key, one.nonce))

    def _end(self, key: str, now: float) -> None:
        def change(row: Row | None) -> dict[str, Value] | None:
            if row is None or row.fields.get("state") == UNSUBSCRIBED:
                return None
            # the address is not needed any more: whoever subscribes again gives it again
            return {"state": UNSUBSCRIBED, "since": int(now)}

        self._change(key, change, missing=True)

    def _change(
        self, key: str, change: Callable[[Row | None], dict[str, Value] | None], *, missing: bool = False
    ) -> Row:
        for _ in range(_TRIES):
            row = self._table.get(key)
            fields = change(row)
            if fields is None:
                if row is None and not missing:
                    raise refused()
                return row or Row(key, 0, {})
            try:
                [done] = self._table.apply([Change(key, row.version if row else None, fields)])
            except ChangedError:
                continue
            if done is not None:
                return done
        raise ChangedError("Others keep changing this subscription.", hint="Run the same command again.")


def handle_confirm(token: str, subscribers: Table, secret: Secret, *, now: float | None = None) -> bool:
    """Confirm a subscription by the token from its message; what a web page or a Lambda calls, on POST only.

    Anything may stand in a link. Returns whether it held; nothing tells whom it was about.
    """
    return _holds(Subscribers(subscribers, secret).confirm, token, now)


def handle_unsubscribe(token: str, subscribers: Table, secret: Secret, *, now: float | None = None) -> bool:
    """End a subscription by the token from any message; what a web page or a Lambda calls, on POST only.

    Programs that look through mail follow its links: a page that is only looked at must change nothing (RFC 8058).
    Returns as `handle_confirm`. A token that was used before holds again.
    """
    return _holds(Subscribers(subscribers, secret).unsubscribe, token, now)


class _Act(Protocol):
    def __call__(self, token: str, *, now: float) -> object: ...


def _holds(act: _Act, token: str, now: float | None) -> bool:
    try:
        act(token, now=time.time() if now is None else now)
    except UsageError:
        return False
    return True


def _is_quiet(fields: Mapping[str, Value], now: float) -> bool:
    return now < int(fields.get("mailed") or 0) + _QUIET


def _nonce_for(nonce: str, topics: Value) -> str:
    """Return what a token to confirm these topics holds: whoever confirms has read of them and of no others."""
    return hashlib.sha256(f"{nonce}\0{topics or ''}".encode()).hexdigest()[:16]


def _packed(topics: tuple[str, ...]) -> str:
    return json.dumps(list(topics), ensure_ascii=False)


def _topics(packed: Value) -> tuple[str, ...]:
    try:
        return tuple(str(one) for one in json.loads(str(packed or "[]")))
    except ValueError:
        return ()


def _subscriber(row: Row) -> Subscriber:
    fields = row.fields
    return Subscriber(
        str(row.key),
        str(fields.get("state", "")),
        str(fields.get("address", "")),
        _topics(fields.get("topics")),
        str(fields.get("nonce", "")),
        int(fields.get("since") or 0),
        row.version,
        fields,
    )
