"""What a proof comes to: counts, differences, and what nobody can say. It keeps no keys."""

from __future__ import annotations

import tracemalloc
from collections import deque
from collections.abc import Iterator
from typing import Any

import pytest

from bondstore.access.document import parsed
from bondstore.access.evaluate import Policies
from bondstore.access.folders import FolderCounts, FolderRow, KeyOutcome
from bondstore.access.inventory import KeyPage
from bondstore.access.prove import Proof, asked_of
from bondstore.domains import private_prefixes
from bondstore.errors import UsageError

STUDY = "5873fe38644ad7557b168e43"


def allow(*patterns: str, **more: Any) -> dict[str, Any]:
    resources = [f"arn:aws:s3:::lab/{one}" for one in patterns]
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resources, **more}


def policies(*statements: dict[str, Any]) -> Policies:
    return Policies([parsed({"Version": "2012-10-17", "Statement": list(statements)}, "p.json")])


READS, LISTS = "s3:GetObject", "s3:ListBucket"


def proven(
    held: Policies, *keys: str, expect: list[str] | None = None, actions: tuple[str, ...] = (READS,), **who: Any
) -> Proof:
    proof = Proof([asked_of("lab", one, **who) for one in actions], held, expect, private_prefixes)
    deque(proof.answers([KeyPage(keys)]), maxlen=0)
    return proof


def test_extra_missing_and_unknown_are_told_apart() -> None:
    insecure = {"Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    held = policies(allow("S/a*", "S/u/*"), allow("S/u/*", **insecure))
    proof = proven(held, "S/a/1", "S/ab/1", "S/b/1", "S/c/1", "S/u/1", expect=["S/a/", "S/b/", "S/u/", "S/none/"])
    assert proof.found[0].counts == {"granted": 2, "denied": 2, "unknown": 1, "extra": 1, "missing": 1}
    assert not proof.is_as_meant
    told = " ".join(proof.sentences())
    assert "may read 2 of 5 keys; 2 denied, 1 unknown." in told
    assert "not meant (extra): 1 key: S/ab/1." in told
    assert "not granted (missing): 1 key: S/b/1." in told
    assert "--context aws:SecureTransport=VALUE" in told
    assert "without any key: 1 prefix: S/none/." in told
    known = proven(held, "S/a/1", "S/u/1", expect=["S/a/", "S/u/"], known=["aws:SecureTransport=true"])
    assert known.is_as_meant
    assert "All is as it was meant" in " ".join(known.sentences())


def test_device_keys_are_meant_only_where_they_are_named() -> None:
    device, data = f"{STUDY}/keys/1ab2cd3e_private", f"{STUDY}/1ab2cd3e/gps/1.csv"
    held = policies(allow(f"{STUDY}/*"))
    proof = proven(held, data, device, expect=[f"{STUDY}/"])
    assert (proof.found[0].counts["extra"], proof.found[0].private) == (1, 1)
    assert f"keys of devices: 1 key, the first is {device}." in " ".join(proof.sentences())
    assert proven(held, data, device, expect=[f"{STUDY}/", f"{STUDY}/keys/"]).is_as_meant
    denied = policies(allow(f"{STUDY}/*"), allow(f"{STUDY}/keys/*", Effect="Deny"))
    assert proven(denied, data, device, expect=[f"{STUDY}/"]).is_as_meant
    assert proven(held, data, device).found[0].private == 1


def test_what_could_not_be_read_fails_the_proof() -> None:
    proof = Proof([asked_of("lab")], policies(allow("*")))
    deque(proof.answers([KeyPage(["a"], 1, ("line 2 is damaged",))]), maxlen=0)
    assert not proof.is_as_meant
    assert "line 2 is damaged" in " ".join(proof.sentences())


def test_a_key_says_which_statement_decides() -> None:
    held = policies(allow("a/*", Sid="Read"), allow("a/x", Effect="Deny", Sid="Shut"))
    proof = Proof([asked_of("lab")], held)
    records = [one.record() for one in proof.answers([KeyPage(["a/1", "a/x", "b"])])]
    assert [(one["key"], one["permission"], one["document"], one["statement"], one["line"]) for one in records] == [
        ("a/1", "allowed", "p.json", "Read", 1),
        ("a/x", "forbidden", "p.json", "Shut", 1),
        ("b", "denied", None, None, None),
    ]


def test_who_may_list_is_asked_of_prefixes() -> None:
    lists = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::lab"}
    condition = {"Condition": {"StringLike": {"s3:prefix": "S/a/*"}}}
    held = policies(allow("S/a/*"), {**lists, **condition})
    both = (READS, LISTS)
    proof = proven(held, "S/a/1", "S/a/x/1", "S/b/1", expect=["S/a/"], actions=both)
    assert [one.counts["granted"] for one in proof.found] == [2, 2]
    assert proof.is_as_meant
    whole = proven(policies(lists), "S/a/1", "S/b/1", expect=["S/a/"], actions=both[1:])
    assert whole.found[0].counts["extra"] == 1


@pytest.mark.parametrize(
    "wrong",
    [{"principal": "ada"}, {"owner": "12"}, {"known": ["aws:SecureTransport"]}, {"known": ["=x"]}],
)
def test_a_question_that_cannot_be_asked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        asked_of("lab", **wrong)


def test_the_partition_is_that_of_who_asks() -> None:
    held = Policies([parsed({"Statement": [{**allow(), "Resource": "arn:aws-cn:s3:::lab/*"}]}, "cn")])
    who = {"principal": "arn:aws-cn:iam::123456789012:user/ada"}
    assert proven(held, "a", **who).found[0].counts["granted"] == 1
    assert proven(held, "a").found[0].counts["granted"] == 0


def counted(most: int, *keys: tuple[str, KeyOutcome]) -> list[FolderRow]:
    folders = FolderCounts(most)
    for folder, outcome in keys:
        folders.of(folder)[outcome] += 1
    return list(folders.rows())


GRANTED, DENIED = KeyOutcome.GRANTED, KeyOutcome.DENIED


def test_folders_in_which_all_is_alike_are_one_row() -> None:
    keys = [
        ("S/a/x/", GRANTED),
        ("S/a/y/", GRANTED),
        ("S/b/", DENIED),
        ("S/c/", DENIED),
        ("S/", GRANTED),
        ("T/", DENIED),
    ]
    assert counted(100, *keys) == [
        FolderRow("S/", (1, 0, 0, 0, 0), directly=True),
        FolderRow("S/a/", (2, 0, 0, 0, 0)),
        FolderRow("S/", (0, 0, 2, 0, 0), others=2),
        FolderRow("T/", (0, 0, 1, 0, 0)),
    ]
    assert counted(100, ("", GRANTED), ("S/", GRANTED)) == [FolderRow("", (2, 0, 0, 0, 0))]


def test_too_many_folders_are_put_together_and_none_is_lost() -> None:
    keys = [(f"S/p{n}/s{m}/", GRANTED if n % 2 else DENIED) for n in range(40) for m in range(20)]
    rows = counted(100, *keys)
    assert sum(sum(one.counts) for one in rows) == 800
    assert [one.folder for one in rows if one.counts[0]] == sorted(f"S/p{n}/" for n in range(1, 40, 2))


def test_memory_does_not_grow_with_the_keys() -> None:
    def pages(count: int) -> Iterator[KeyPage]:
        for page in range(count):
            yield KeyPage([f"S/p{page}/f{number % 50}/{number}.csv" for number in range(1_000)])

    def peak(count: int) -> int:
        proof = Proof([asked_of("lab")], policies(allow("S/p1*/*")), ["S/p1/"])
        for one in proof.found:
            one.folders = FolderCounts(500)
        tracemalloc.start()
        deque(proof.answers(pages(count)), maxlen=0)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(80) < 1.3 * peak(20)
