from __future__ import annotations

import time
from itertools import islice

import pytest

from bondstore.config.profiles import Profile
from bondstore.errors import NotFoundError, TransientStoreError
from bondstore.stores import RetryRule
from bondstore.stores.connection import Patience
from bondstore.stores.failures import Failure


def test_waits_grow_are_jittered_and_bounded() -> None:
    rule = RetryRule(first_wait=0.1, longest_wait=2)
    waits = list(islice(rule.waits(), 12))
    for n, wait in enumerate(waits):
        bound = min(0.1 * 2**n, 2)
        assert bound / 2 <= wait <= bound
    assert waits != list(islice(rule.waits(), 12))


def test_a_profile_gives_about_a_minute_by_default_and_none_when_asked() -> None:
    assert 60 <= RetryRule.of(Profile()).patience <= 90
    none = RetryRule.of(Profile(retries=0, connect_timeout=3, stall_timeout=4))
    assert (none.patience, none.first_contact, none.connect_timeout, none.stall_timeout) == (0, 0, 3, 4)


def test_patience_ends_and_progress_renews_it() -> None:
    patience = Patience(RetryRule(patience=0.3, first_wait=0.1, longest_wait=0.1))
    passing = Failure(TransientStoreError("busy"), passing=True)
    for _ in range(8):
        patience.spend(passing)
        patience.progress()
    started = time.monotonic()
    with pytest.raises(TransientStoreError):
        any(map(patience.spend, [passing] * 50))
    assert time.monotonic() - started < 0.5


def test_what_does_not_pass_is_raised_at_once() -> None:
    with pytest.raises(NotFoundError):
        Patience(RetryRule()).spend(Failure(NotFoundError("gone")))
