"""Storage classes, and the stages of an archived object on its way back: both are tables of data in the code."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generator.text import code, page, table

from bondstore.stores.archive import CLASSES, Access, Answer, Speed, StorageClass, wait_text
from bondstore.text import counted
from bondstore.vault.restore_rules import RULES, STAGES, Found, Rule, Stage

INTRODUCTION = """`bondstore restore` and everything that writes with a storage class go by these tables. The
[how-to](../how-to/archive.md) says how to bring archived objects back. Waiting times are those that the vendors state;
what a request or a GB costs is in their price lists."""
SOURCES = """Sources: Amazon S3 User Guide (storage classes; archive retrieval options), Azure Blob Storage's
documentation (access tiers; rehydration from the archive tier)."""
TOLD: dict[tuple[str, str], str] = {
    ("HEAD", Access.PLAIN): "can be read",
    ("HEAD", Access.ARCHIVED): "archived",
    ("HEAD", Access.WAITING): "on its way",
    ("HEAD", Access.READY): "a copy can be read",
    ("HEAD", Access.EXPIRED): "the copy has ended",
    ("restore", Answer.ASKED): "202 accepted",
    ("restore", Answer.READY): "200 already there",
    ("restore", Answer.WAITING): "409 in progress",
    ("restore", Answer.REFUSED): "403 refused",
    ("restore", Answer.FULL): "503 no expedited capacity",
    ("GET", Found.READ): "read",
    ("GET", Found.ARCHIVED): "refused as archived",
}
"""What a store says, in words."""


def make() -> str:
    """Return the page."""
    return page(
        "Archived objects",
        INTRODUCTION,
        "## Storage classes",
        table(
            ("store", "class", "readable", "billed at least", "small objects", "a restore brings"), map(_row, CLASSES)
        ),
        "`ARCHIVE_ACCESS` and `DEEP_ARCHIVE_ACCESS` are the archives inside `INTELLIGENT_TIERING`. No upload can ask "
        "for them.",
        SOURCES,
        "## Stages",
        "A run records the last stage of each object, as the item's `reason`. The counts of `bondstore restore` use "
        "the same words; `asked` there are those that the run itself asked for, and `waiting` those of earlier runs.",
        table(("stage", "meaning", "in the tally", "finding"), _stages()),
        "## Rules",
        "A HEAD says how an object stands. A request to restore follows where a rule leads to a stage that *is to be "
        "asked for*. A GET of one byte proves that a ready object can be read. `to-move` stands for `to-ask` where the "
        "object comes back for good.",
        table(("stages before", "request", "answer", "next stage", "finding"), map(_rule, RULES)),
    )


def _row(one: StorageClass) -> tuple[str, ...]:
    waits = "; ".join(f"{speed}: {wait_text(one.waits[speed])}" for speed in Speed if speed in one.waits)
    small = f"{one.overhead // 1024} KB each on top, and {one.index // 1024} KB as STANDARD" if one.overhead else ""
    small = f"as {one.smallest // 1024} KB" if one.smallest else small
    stay = counted(one.stay, "day") if one.stay else ""
    back = ("the object itself, for good" if one.for_good else "a copy, for some days") if one.is_archive else ""
    return f"`{one.kind}`", code(one.name), waits or "at once", stay, small, back


def _stages() -> Iterator[tuple[str, ...]]:
    for stage, about in STAGES.items():
        tally = {"waiting": "failed (exit code 8)", "done": "done; skipped in later runs"}.get(
            about.outcome, about.outcome
        )
        yield code(stage.value), about.meaning, tally, code(about.finding.word if about.finding else "")


def _rule(rule: Rule) -> tuple[str, ...]:
    before = ", ".join("*none*" if one is Stage.NEW else code(one.value) for one in rule.before)
    told = ", ".join(TOLD[rule.source, one] for one in rule.told)
    return before, rule.source, told, code(rule.then.value), code(rule.finding.word if rule.finding else "")
