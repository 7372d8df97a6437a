"""How an archived object comes back: its stages, and the rules that lead from one to the next, as tables of data.

The page docs/reference/archive.md is made from them, and so are the words of the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from bondstore.findings import FindingKind, Severity, registry
from bondstore.stores.archive import Access, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping


class Stage(StrEnum):
    """Where an object is on its way back; what a run recorded of it last."""

    NEW = ""
    PLAIN = "plain"
    TO_ASK = "to-ask"
    TO_MOVE = "to-move"
    TO_ASK_AGAIN = "to-ask-again"
    TO_MOVE_AGAIN = "to-move-again"
    ASKED = "asked"
    ASKED_AGAIN = "asked-again"
    READY = "ready"
    READY_AGAIN = "ready-again"
    FETCHED = "fetched"
    EXPIRED = "expired"
    REFUSED = "refused"
    FULL = "full"
    UNKNOWN = "unknown"


class Found(StrEnum):
    """What reading one byte of an object that is ready shows."""

    READ = "read"
    ARCHIVED = "archived"


Source = Literal["HEAD", "restore", "GET"]

WAITING = FindingKind(
    "restore-waiting",
    Severity.INFO,
    "The object was asked for, and is not there yet.",
    "Run the same command again later; it does not ask twice.",
)
LAPSED = FindingKind(
    "restore-lapsed",
    Severity.WARNING,
    "The object was restored, and archived again before Bondstore fetched it. It was asked for once more.",
    "Fetch it once it is ready. Give it more time with --days, and check the lifecycle rules of the bucket.",
)
FLIPPED = FindingKind(
    "restore-flipped",
    Severity.WARNING,
    "A HEAD said that the object can be read, and reading it was refused as archived. It was asked for again.",
    "Look for a lifecycle rule that archives it, and run the same command again.",
)
EXPIRED = FindingKind(
    "restore-expired",
    Severity.ERROR,
    "The object was restored twice, and archived again each time before Bondstore fetched it. It was not asked for.",
    "Check the lifecycle rules of the bucket. The next run asks for it again: give it more time with --days.",
)
REFUSED = FindingKind(
    "restore-refused",
    Severity.ERROR,
    "The store refuses to restore the object.",
    "Ask for the permission to restore (s3:RestoreObject), or look at the object's storage class.",
)
FULL = FindingKind(
    "restore-no-capacity",
    Severity.ERROR,
    "The store has no capacity for expedited restores at the moment.",
    "Run the same command again later, or with --tier standard.",
)
UNKNOWN = FindingKind(
    "restore-unknown",
    Severity.ERROR,
    "The store does not say how the object stands.",
    "Run the same command again; bondstore doctor says what is wrong with the store.",
)
RESTORES = registry(WAITING, LAPSED, FLIPPED, EXPIRED, REFUSED, FULL, UNKNOWN)

Outcome = Literal["planned", "done", "waiting", "failed"]


@dataclass(frozen=True, slots=True)
class About:
    """What a stage means, what it is in the tally, and what is found of an object that ends a run in it."""

    meaning: str
    outcome: Outcome
    finding: FindingKind | None = None


STAGES: Mapping[Stage, About] = {
    Stage.PLAIN: About("can be read at once: nothing to restore", "done"),
    Stage.TO_ASK: About("archived: is to be asked for", "planned"),
    Stage.TO_MOVE: About("archived: is to be asked for, and comes back for good", "planned"),
    Stage.TO_ASK_AGAIN: About("archived again before it was fetched: is to be asked for once more", "planned"),
    Stage.TO_MOVE_AGAIN: About("the same, and comes back for good", "planned"),
    Stage.ASKED: About("asked for, not there yet", "waiting", WAITING),
    Stage.ASKED_AGAIN: About("asked for the second time, not there yet", "waiting", WAITING),
    Stage.READY: About("can be read", "done"),
    Stage.READY_AGAIN: About("can be read, after it was asked for twice", "done"),
    Stage.FETCHED: About("was fetched after it was restored", "done"),
    Stage.EXPIRED: About("archived again twice before it was fetched; named, not asked for", "failed", EXPIRED),
    Stage.REFUSED: About("the store refused", "failed", REFUSED),
    Stage.FULL: About("no capacity for expedited restores", "failed", FULL),
    Stage.UNKNOWN: About("the store did not say how it stands", "failed", UNKNOWN),
}

FRESH = (
    *(Stage.NEW, Stage.PLAIN, Stage.TO_ASK, Stage.TO_MOVE),
    *(Stage.EXPIRED, Stage.REFUSED, Stage.FULL, Stage.UNKNOWN),
)
ONCE = (Stage.ASKED, Stage.READY)
SECOND = (Stage.TO_ASK_AGAIN, Stage.TO_MOVE_AGAIN)
TWICE = (Stage.ASKED_AGAIN, Stage.READY_AGAIN)
ASKED_FOR = (*ONCE, *SECOND, *TWICE)
FIRST_ASKS, ASKS = (Stage.TO_ASK, Stage.TO_MOVE), (Stage.TO_ASK, Stage.TO_MOVE, *SECOND)


@dataclass(frozen=True, slots=True)
class Rule:
    """From some stages, on what a store said, to the next one; with what is found on the way."""

    before: tuple[Stage, ...]
    source: Source
    told: tuple[Access | Answer | Found, ...]
    then: Stage
    finding: FindingKind | None = None


_GONE = (Access.ARCHIVED, Access.EXPIRED)
RULES = (
    Rule(FRESH, "HEAD", (Access.PLAIN,), Stage.PLAIN),
    Rule((*FRESH, Stage.FETCHED), "HEAD", _GONE, Stage.TO_ASK),
    Rule((*FRESH, Stage.FETCHED), "HEAD", (Access.WAITING,), Stage.ASKED),
    Rule(FRESH, "HEAD", (Access.READY,), Stage.READY),
    Rule((Stage.FETCHED,), "HEAD", (Access.READY, Access.PLAIN), Stage.FETCHED),
    Rule(ONCE, "HEAD", (Access.WAITING,), Stage.ASKED),
    Rule(ONCE, "HEAD", (Access.READY, Access.PLAIN), Stage.READY),
    Rule(ONCE, "HEAD", _GONE, Stage.TO_ASK_AGAIN),
    # a run that was killed may have asked for it the second time, or not
    Rule(SECOND, "HEAD", _GONE, Stage.TO_ASK_AGAIN),
    Rule((*SECOND, *TWICE), "HEAD", (Access.WAITING,), Stage.ASKED_AGAIN),
    Rule((*SECOND, *TWICE), "HEAD", (Access.READY, Access.PLAIN), Stage.READY_AGAIN),
    Rule(TWICE, "HEAD", _GONE, Stage.EXPIRED),
    Rule(FIRST_ASKS, "restore", (Answer.ASKED, Answer.WAITING), Stage.ASKED),
    Rule(FIRST_ASKS, "restore", (Answer.READY,), Stage.READY),
    Rule(SECOND, "restore", (Answer.ASKED, Answer.WAITING), Stage.ASKED_AGAIN, LAPSED),
    Rule(SECOND, "restore", (Answer.READY,), Stage.READY_AGAIN, LAPSED),
    Rule(ASKS, "restore", (Answer.REFUSED,), Stage.REFUSED),
    Rule(ASKS, "restore", (Answer.FULL,), Stage.FULL),
    Rule((Stage.READY,), "GET", (Found.READ,), Stage.READY),
    Rule((Stage.READY_AGAIN,), "GET", (Found.READ,), Stage.READY_AGAIN),
    Rule((Stage.READY,), "GET", (Found.ARCHIVED,), Stage.TO_ASK_AGAIN, FLIPPED),
    Rule((Stage.READY_AGAIN,), "GET", (Found.ARCHIVED,), Stage.EXPIRED),
)
# by the class of what was told too: an enumeration's words are those of another's
_NEXT = {
    (before, rule.source, type(told), told): rule for rule in RULES for before in rule.before for told in rule.told
}
_FOR_GOOD = {Stage.TO_ASK: Stage.TO_MOVE, Stage.TO_ASK_AGAIN: Stage.TO_MOVE_AGAIN}


def rule_of(before: Stage, source: Source, told: Access | Answer | Found) -> Rule:
    """Return the rule that leads on from a stage."""
    return _NEXT[before, source, type(told), told]


def after_head(before: Stage, access: Access, *, for_good: bool) -> Stage:
    """Return the stage after a HEAD; `for_good` says that the object's class brings it back for good."""
    then = rule_of(before, "HEAD", access).then
    return _FOR_GOOD.get(then, then) if for_good else then


def stage_of(reason: str) -> Stage:
    """Return the stage that a run recorded; what has another reason is new."""
    try:
        return Stage(reason)
    except ValueError:
        return Stage.NEW
