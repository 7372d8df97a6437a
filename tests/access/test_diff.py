"""Policies are compared by what they mean, not by how they are written."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bondstore.access.conditions import Context
from bondstore.access.diff import compare, permits
from bondstore.access.document import Document
from bondstore.access.evaluate import Policies, Principal, Request, decide
from tests.access.test_check import ADA, BUCKET, allow, listing, policy


def one(document: Document) -> dict[str, Document]:
    return {"policy": document}


def told(old: Document, new: Document) -> list[tuple[str, list[str], str, str]]:
    records = compare(one(old), one(new)).records()
    return [
        (each["state"], each["actions"], each["resource"].removeprefix(f"{BUCKET}/"), each["prefix"])
        for each in records
    ]


def test_the_same_written_otherwise() -> None:
    old = policy(
        {**allow(["s3:GetObject", "s3:PutObject"], [f"{BUCKET}/S/*", f"{BUCKET}/T/*"]), "Sid": "All"},
        listing("S/*", "T/*"),
    )
    new = policy(
        listing("T/*"),
        listing("S/*"),
        allow("s3:PutObject", [f"{BUCKET}/T/*", f"{BUCKET}/S/*"]),
        allow("S3:getobject", [f"{BUCKET}/T/*"]),
        allow("s3:GetObject", f"{BUCKET}/S/*"),
    )
    found = compare(one(old), one(new))
    assert (list(found.records()), found.policies, found.changed) == ([], {"policy": "rewritten"}, 0)
    assert found.counts() == {"new": 0, "gone": 0, "covered": 0, "same": 6}
    assert compare(one(old), one(old)).policies == {"policy": "same"}


def test_what_is_new_gone_or_within_something_wider() -> None:
    old, new = policy(allow(), listing("S/*")), policy(allow(resource=f"{BUCKET}/S/P/*"), listing("S/P/*", "T/*"))
    assert told(old, new) == [
        ("new", ["s3:ListBucket"], BUCKET, "T/*"),
        ("gone", ["s3:ListBucket"], BUCKET, "S/*"),
        ("gone", ["s3:GetObject"], "S/*", ""),
        ("covered", ["s3:ListBucket"], BUCKET, "S/P/*"),
        ("covered", ["s3:GetObject"], "S/P/*", ""),
    ]
    assert told(policy(allow()), policy(allow("s3:Get*"))) == [
        ("new", ["s3:get*"], "S/*", ""),
        ("covered", ["s3:GetObject"], "S/*", ""),
    ]


@pytest.mark.parametrize(
    ("wide", "narrow", "is_within"),
    [
        ("S/p?/*", "S/p1/*", True), ("S/p?/*", "S/p10/*", False), ("S/p?/*", "S/p*/*", False),
        ("S/p?/*", "S/p?/x", True),
        ("*/p1/*", "S/p1/*", True), ("*/p1/*", "S/p1", False), ("S/*/gps/*", "S/p/gps/1", True), ("S/??", "S/*", False),
        ("S/*/gps/*", "S/*", False), ("S/*/x", "S/${aws:username}/x", True), ("S/${*}/x", "S/y/x", False),
    ],
)  # fmt: skip
def test_a_wildcard_inside_holds_for_what_it_fits(wide: str, narrow: str, is_within: bool) -> None:
    for old, new in (
        (policy(allow(resource=f"{BUCKET}/{wide}")), policy(allow(resource=f"{BUCKET}/{narrow}"))),
        (policy(listing(wide)), policy(listing(narrow))),
    ):
        [state] = [each[0] for each in told(old, new) if narrow in each[2:]]
        assert state == ("covered" if is_within else "new")


def test_terms_are_part_of_the_meaning() -> None:
    secure = {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    [new, gone] = compare(one(policy(allow())), one(policy(allow(**secure)))).records()
    assert (new["conditions"], gone["conditions"]) == (["Bool aws:securetransport true"], [])
    deny = {**allow(), "Effect": "Deny"}
    assert [each["effect"] for each in compare(one(policy(allow())), one(policy(deny))).records()] == ["Deny", "Allow"]
    inverted = {"Effect": "Allow", "NotAction": ["s3:GetObject"], "Resource": f"{BUCKET}/S/*"}
    assert [each["actions"] for each in compare(one(policy(allow())), one(policy(inverted))).records()] == [
        ["all but s3:GetObject"],
        ["s3:GetObject"],
    ]
    assert told(policy(listing("S/*")), policy(listing("S/*", operator="StringEquals")))[0][3] == "StringEquals S/*"


def test_folders_are_told_policy_by_policy() -> None:
    places = {name: allow(resource=f"{BUCKET}/{name}/*") for name in "ABCD"}
    old = {"p-1": policy(places["A"], places["B"]), "p-2": policy(places["C"]), "p-3": policy(places["D"])}
    new = {"p-1": policy(places["A"]), "p-2": policy(places["C"], places["B"]), "p-4": policy(places["D"])}
    found = compare(old, new)
    assert found.policies == {"p-1": "changed", "p-2": "changed", "p-3": "gone", "p-4": "new"}
    assert found.changed == 4
    assert list(found.records()) == []  # all is open as before: two moved to another policy


def test_thousands_of_participants_are_compared_in_a_moment() -> None:
    def plan(study: str) -> dict[str, Document]:
        return {
            f"p-{n}": policy(allow(resource=[f"{BUCKET}/{study}/p{n:03}{m:02}/*" for m in range(20)]))
            for n in range(200)
        }

    start = time.perf_counter()
    found = compare(plan("S"), plan("T"))
    assert found.counts() == {"new": 4_000, "gone": 4_000, "covered": 0, "same": 0}
    assert time.perf_counter() - start < 20  # each with each would take minutes


RESOURCES = [f"{BUCKET}/{key}" for key in ("S/*", "S/P/*", "S*", "*", "T/*", "S/P/1", "?/P/*", "S/?/1", "*/P/1")]
STATEMENT = some.builds(
    lambda effect, acts, resources: {"Effect": effect, "Action": acts, "Resource": resources},
    some.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
    some.lists(some.sampled_from(["s3:GetObject", "s3:Get*", "S3:PutObject", "s3:*"]), min_size=1, max_size=2),
    some.lists(some.sampled_from(RESOURCES), min_size=1, max_size=3),
)
ASKED = [
    Request(action, f"{BUCKET}/{key}", ADA, Context({}))
    for action in ("s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:DeleteObject")
    for key in ("S/P/1", "S/P/2", "S/Q/1", "S2/1", "T/1", "x")
]


@given(some.lists(STATEMENT, min_size=1, max_size=4), some.lists(STATEMENT, min_size=1, max_size=4))
def test_policies_that_differ_in_no_permit_give_the_same_answers(old: list[Any], new: list[Any]) -> None:
    before, after = policy(*old), policy(*new)
    found = compare(one(before), one(after))
    if not found.new and not found.gone:
        for asked in ASKED:
            assert decide(asked, Policies((before,))).permission is decide(asked, Policies((after,))).permission
    shuffled = policy(*reversed([{**each, "Action": list(reversed(each["Action"]))} for each in old]))
    assert permits(shuffled) == permits(before)


def test_who_is_meant_is_part_of_the_meaning() -> None:
    ada, bob = allow(Principal={"AWS": ADA.arn}), allow(Principal={"AWS": Principal("arn:aws:iam::1:user/bob").arn})
    found = compare(one(policy(ada)), one(policy(bob)))
    assert [each["principals"] for each in found.records()] == ["AWS arn:aws:iam::1:user/bob", f"AWS {ADA.arn}"]
