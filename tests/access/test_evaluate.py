"""Answers that AWS documents, one rule each."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bondstore.access.conditions import Context
from bondstore.access.document import parse, parsed
from bondstore.access.evaluate import Permission, Policies, Principal, Request, decide
from bondstore.errors import ConfigurationError

ADA = Principal("arn:aws:iam::123456789012:user/ada")
OBJECT = "arn:aws:s3:::study-data/S/P/1.csv"


def policy(*statements: dict[str, Any]) -> Any:
    return parsed({"Version": "2012-10-17", "Statement": list(statements)}, "policy.json")


def allow(resource: str | list[str] = "arn:aws:s3:::study-data/S/P/*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": resource, **more}


def deny(**more: Any) -> dict[str, Any]:
    return {**allow(), "Effect": "Deny", **more}


def answer(*documents: Any, resource: str = OBJECT, who: Principal = ADA, **known: tuple[str, ...]) -> Permission:
    keys = {name.replace("__", ":"): value for name, value in known.items()}
    return decide(Request("s3:GetObject", resource, who, Context(keys)), Policies(documents)).permission


def test_what_nothing_allows_is_denied() -> None:
    assert answer(policy(allow()), resource="arn:aws:s3:::study-data/S/PX/1.csv") is Permission.DENIED


def test_a_deny_wins_over_any_allow() -> None:
    assert answer(policy(allow(), deny())) is Permission.FORBIDDEN


def test_a_deny_that_may_hold_leaves_the_answer_open() -> None:
    insecure = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    assert answer(policy(allow(), deny(**insecure))) is Permission.UNKNOWN
    assert answer(policy(allow(), deny(**insecure)), aws__securetransport=("true",)) is Permission.ALLOWED


def test_a_variable_stands_for_the_users_name() -> None:
    own = policy(allow("arn:aws:s3:::study-data/${aws:username}/*"))
    assert answer(own, resource="arn:aws:s3:::study-data/ada/x") is Permission.ALLOWED
    assert answer(own, resource="arn:aws:s3:::study-data/bob/x") is Permission.DENIED


def test_a_variable_means_nothing_in_the_first_version_of_the_language() -> None:
    old = parsed({"Statement": [allow("arn:aws:s3:::study-data/${aws:username}/*")]}, "old")
    assert answer(old, resource="arn:aws:s3:::study-data/ada/x") is Permission.DENIED


def test_a_value_of_a_variable_is_no_wildcard() -> None:
    star = Principal("arn:aws:iam::123456789012:user/*")
    own = policy(allow("arn:aws:s3:::study-data/${aws:username}/x"))
    assert answer(own, who=star, resource="arn:aws:s3:::study-data/bob/x") is Permission.DENIED


@pytest.mark.parametrize(
    ("bucket_allows", "identity_allows", "home", "away"),
    [
        (False, True, Permission.ALLOWED, Permission.DENIED),
        (True, False, Permission.ALLOWED, Permission.DENIED),
        (True, True, Permission.ALLOWED, Permission.ALLOWED),
    ],
)
def test_another_account_needs_both_policies(
    *, bucket_allows: bool, identity_allows: bool, home: Permission, away: Permission
) -> None:
    own = [policy(allow())] if identity_allows else []
    named = policy(allow(Principal={"AWS": ADA.arn})) if bucket_allows else None
    for owner, expected in (("", home), ("210987654321", away)):
        request = Request("s3:GetObject", OBJECT, ADA, owner=owner)
        assert decide(request, Policies(own, resource=named)).permission is expected


def test_a_boundary_bounds_the_users_own_policies_and_not_what_a_bucket_gives_by_name() -> None:
    request, nothing = Request("s3:GetObject", OBJECT, ADA), policy(allow("arn:aws:s3:::other/*"))
    by_name = policy(allow(Principal={"AWS": ADA.arn}))
    assert decide(request, Policies([policy(allow())], boundary=nothing)).permission is Permission.DENIED
    assert decide(request, Policies(boundary=nothing, resource=by_name)).permission is Permission.ALLOWED


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("arn:aws:iam::123456789012:role/analyst", Permission.ALLOWED),
        ("arn:aws:iam::123456789012:role/lab/analyst", Permission.ALLOWED),
        ("arn:aws:iam::123456789012:role/analyst2", Permission.DENIED),
        ("arn:aws:iam::210987654321:role/analyst", Permission.DENIED),
        ("arn:aws:iam::123456789012:user/analyst", Permission.DENIED),
    ],
)
def test_a_role_that_a_bucket_names_is_each_of_its_sessions(named: str, expected: Permission) -> None:
    session = Principal("arn:aws:sts::123456789012:assumed-role/analyst/ada")
    bucket = policy(allow(Principal={"AWS": named}))
    assert decide(Request("s3:GetObject", OBJECT, session), Policies(resource=bucket)).permission is expected


def test_a_statement_without_a_resource_leaves_the_answer_open() -> None:
    nothing = {"Effect": "Allow", "Action": "s3:*"}
    assert answer(policy(nothing)) is Permission.UNKNOWN
    assert answer(policy(allow(), {**nothing, "Effect": "Deny"})) is Permission.UNKNOWN


def test_a_pattern_does_not_reach_over_the_parts_of_an_arn() -> None:
    assert answer(policy(allow("arn:aws:s3:*:*:study-data/*"))) is Permission.ALLOWED
    assert answer(policy(allow("arn:aws:s3:::*"))) is Permission.ALLOWED


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{"Version": "2012-10-17"}', 1, "Statement"),
        ('{\n "Statement": [\n  {"Effect": "allow", "Action": "s3:*", "Resource": "*"}\n ]\n}', 3, "Effect"),
        ('{"Statement": [],\n "Statement": []}', 2, "twice"),
        ('{"Statement": [\n{"Effect": "Allow", "Resource": "*"}]}', 2, "Action"),
        ('{"Statement": [\n\n{"Effect": "Allow", "Action": "s3:*" "Resource": "*"}]}', 3, "comma"),
        ("[" * 100_000, 1, "nested"),
        ('{"Statement": "\n"}', 1, "text"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        parse(text, "mine.json")
    assert f"mine.json, line {line}:" in str(told.value)
    assert why in str(told.value)


def test_the_size_is_without_the_white_space_between_parts() -> None:
    content = {"Statement": [allow()]}
    assert parse(json.dumps(content, indent=4), "x").size == len(json.dumps(content).replace(" ", ""))
