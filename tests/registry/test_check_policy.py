"""Who else could read the participants' table: the right answers are those of AWS's "Policy evaluation logic"."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bondstore.access.actions import OF_STREAMS, OF_TABLES
from bondstore.access.dynamodb import table_policy
from bondstore.errors import ConfigurationError, UsageError
from bondstore.participants import guards, open_participants
from bondstore.registry.exposure import guard_of, let_in

ACCOUNT = "123456789012"
ME = f"arn:aws:iam::{ACCOUNT}:user/ann"
BOB = f"arn:aws:iam::{ACCOUNT}:user/bob"
TABLE = f"arn:aws:dynamodb:ap-southeast-2:{ACCOUNT}:table/participant-information"
STREAM = f"{TABLE}/stream/2026-01-01T00:00:00.000"
INDEX = f"{TABLE}/index/*"
ROLES = "arn:aws:iam::*:role/x-*"
VERSION = {"Version": "2012-10-17"}


def deny(**words: Any) -> dict[str, Any]:
    usual = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "dynamodb:*",
        "Resource": [TABLE, INDEX],
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ME}},
    }
    return {name: value for name, value in (usual | words).items() if value is not None}


def left(*statements: dict[str, Any], place: str = TABLE) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    guard = guard_of(place, json.dumps({**VERSION, "Statement": list(statements)}), ME, None)
    return {one.place: (one.actions, one.who) for one in guard.openings}


@pytest.mark.parametrize("place", [TABLE, f"{TABLE}-history", STREAM])
def test_our_own_policy_shuts_its_place(place: str) -> None:
    assert guard_of(place, json.dumps(table_policy(place, ME)), ME, None).is_shut


def test_without_a_policy_all_is_open() -> None:
    assert [(one.actions, one.who) for one in guard_of(STREAM, None, ME, None).openings] == [(OF_STREAMS, ("*",))]
    assert [one.actions for one in guard_of(TABLE, None, ME, None).openings] == [OF_TABLES, OF_TABLES]


EIGHT = [
    f"dynamodb:{name}"
    for name in ["BatchGetItem", "BatchWriteItem", "DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem"]
]


def test_a_list_of_eight_denied_actions_leaves_partiql_exports_and_backups_open() -> None:
    actions, who = left(deny(Action=EIGHT))[TABLE]
    assert {"PartiQLSelect", "ExportTableToPointInTime", "CreateBackup", "UpdateTable"} <= set(actions)
    assert not {"GetItem", "Scan", "Query"} & set(actions)
    assert who == ("*",)


SHUT: dict[str, tuple[dict[str, Any], ...]] = {
    "by one statement": (deny(),),
    "by capitals and wildcards": (deny(Action="DynamoDB:?*", Resource="arn:aws:dynamodb:*"),),
    "by what is not named": (deny(Action=None, NotAction="dynamodb:DescribeTable"),),
    "by places not named": (deny(Resource=None, NotResource="arn:aws:s3:::*"),),
    "by AWS star": (deny(Principal={"AWS": "*"}),),
    "by who is not named": (deny(Principal=None, NotPrincipal={"AWS": [ME]}, Condition=None),),
    "by two that overlap": (
        deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": [ME, BOB]}}),
        deny(Condition={"StringNotLike": {"aws:principalarn": [ME, "arn:aws:iam::*:role/x"]}}),
    ),
}


@pytest.mark.parametrize("case", SHUT)
def test_what_shuts(case: str) -> None:
    assert left(*SHUT[case]) == {}


OPEN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one more is spared": (deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": [ME, BOB]}}), (BOB,)),
    "a pattern is spared": (deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [ME, ROLES]}}), (ROLES,)),
    "a pattern of no ARN": (deny(Condition={"ArnNotLike": {"aws:PrincipalArn": [ME, "*/role/x-*"]}}), ("*",)),
    "a name that others may have": (deny(Condition={"StringNotEquals": {"aws:username": "ann"}}), ("*",)),
    "either of two conditions spares": (
        deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ME}, "StringNotEquals": {"aws:PrincipalArn": BOB}}),
        (BOB,),
    ),
    "another condition": (deny(Condition={"Bool": {"aws:SecureTransport": "false"}}), ("*",)),
    "one condition more": (
        deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": ME}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        ("*",),
    ),
    "a variable": (deny(Condition={"ArnNotEquals": {"aws:PrincipalArn": "${aws:PrincipalTag/arn}"}}), ("*",)),
    "only one is denied": (deny(Principal={"AWS": BOB}), ("*",)),
    "another table": (deny(Resource=f"{TABLE}2"), ("*",)),
    "places know capitals": (deny(Resource=TABLE.upper()), ("*",)),
}


@pytest.mark.parametrize("case", OPEN)
def test_what_leaves_open(case: str) -> None:
    statement, who = OPEN[case]
    assert left(statement)[TABLE] == (OF_TABLES, who)


@pytest.mark.parametrize("resource", [TABLE, [TABLE, f"{TABLE}/index/any"]])
def test_indexes_are_places_of_their_own(resource: Any) -> None:
    assert left(deny(Resource=resource)) == {INDEX: (OF_TABLES, ("*",))}


@pytest.mark.parametrize("resource", [TABLE, INDEX, f"{TABLE}/index/by-name*", "*"])
def test_whom_the_places_own_policy_names(resource: str) -> None:
    other = "arn:aws:iam::999999999999:root"
    allow = {"Effect": "Allow", "Principal": {"AWS": [ME, other]}, "Action": "dynamodb:GetItem", "Resource": resource}
    guard = guard_of(TABLE, json.dumps({"Statement": allow}), ME, None)
    assert (guard.strangers, guard.others) == ((other,), ("*", other))


def held(**statement: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"} | statement]}


def user(name: str, *documents: dict[str, Any], **more: Any) -> dict[str, Any]:
    inline = [{"PolicyDocument": document} for document in documents]
    return {"Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}", "UserPolicyList": inline, **more}


def test_who_is_let_in_by_a_policy_of_their_own() -> None:
    admin = {"Arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
    versions = [
        {"IsDefaultVersion": False, "Document": held(Action="s3:*")},
        {"IsDefaultVersion": True, "Document": held(Action="*")},
    ]
    details = {
        "Policies": [{**admin, "PolicyVersionList": versions}],
        "GroupDetailList": [
            {"GroupName": "readers", "GroupPolicyList": [{"PolicyDocument": held(Action="dynamodb:Get*")}]}
        ],
        "UserDetailList": [
            user("ann", held()),
            user("inline", held()),
            user("by-group", GroupList=["readers"]),
            user("managed", AttachedManagedPolicies=[{"PolicyArn": admin["Arn"]}]),
            user("not-told", AttachedManagedPolicies=[{"PolicyArn": "arn:aws:iam::aws:policy/NotAmongThose"}]),
            user("sometimes", held(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})),
            user("denied", held(), {"Statement": {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}}),
            user("by-index", held(Resource=f"{TABLE}/index/by-name")),
            user("elsewhere", held(Resource=f"{TABLE}-history")),
            user("buckets", held(Action="s3:*")),
            user("describes", held(Action="dynamodb:DescribeTable")),
        ],
        "RoleDetailList": [
            {"Arn": f"arn:aws:iam::{ACCOUNT}:role/task", "RolePolicyList": [{"PolicyDocument": held()}]}
        ],
    }
    names = [arn.rpartition("/")[2] for arn in let_in(details, TABLE, ME)]
    # A policy whose text IAM does not give may allow anything.
    assert names == ["task", "by-group", "by-index", "inline", "managed", "not-told", "sometimes"]


EACH = "arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/table}"
"""Which table that is, only the user's tag says: it may be any."""
DENIED = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("documents", "is_let_in"),
    [
        ([held(Resource=EACH)], True),
        ([held(), {"Statement": DENIED | {"Resource": EACH}}], True),
        ([held(), {"Statement": {**DENIED, "NotResource": EACH, "Resource": None}}], True),
        ([held(Resource="arn:aws:dynamodb:*:*:table/${aws:username}-own")], False),
        ([held(), {"Statement": DENIED}], False),
        ([held(NotAction="iam:*", Action=None)], True),
        ([held(NotAction="dynamodb:*", Action=None)], False),
        ([held(Resource="arn:aws:dynamodb:ap-*:*:table/participant-?nformation")], True),
        ([held(Condition={"StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}"}})], True),
        ([held(), {"Statement": DENIED | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}}], True),
    ],
)
def test_variables_tags_and_wildcards_are_no_reason_to_leave_somebody_out(
    documents: list[dict[str, Any]], is_let_in: bool
) -> None:
    """IAM User Guide, "IAM policy elements: Variables and tags": what a variable stands for is known at the request."""
    made = [{**VERSION, "Statement": {k: v for k, v in one.items() if v is not None}} for one in map(_only, documents)]
    assert bob_is_let_in(*made) is is_let_in


def bob_is_let_in(*documents: dict[str, Any]) -> bool:
    users = [user("bob", *documents)]
    found = let_in({"Policies": [], "GroupDetailList": [], "UserDetailList": users, "RoleDetailList": []}, TABLE, ME)
    assert found in ([], [BOB])
    return bool(found)


def _only(document: dict[str, Any]) -> dict[str, Any]:
    statement = document["Statement"]
    return statement[0] if isinstance(statement, list) else statement


@pytest.mark.parametrize(
    ("condition", "is_let_in"),
    [
        ({"ArnNotEquals": {"aws:PrincipalArn": ME}}, False),
        ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/b*"}}, False),
        ({"StringEquals": {"aws:username": "bob"}}, False),
        ({"StringEquals": {"aws:username": "bob", "aws:PrincipalAccount": ACCOUNT}}, False),
        ({"StringEquals": {"aws:username": "sue"}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": BOB}}, True),
        ({"StringEquals": {"aws:username": "bob"}, "Bool": {"aws:MultiFactorAuthPresent": "false"}}, True),
    ],
)
def test_a_deny_whose_condition_is_met_for_sure_keeps_out(condition: dict[str, Any], is_let_in: bool) -> None:
    """What a condition asks of the ARN is known of everybody; nothing else is."""
    assert bob_is_let_in(held(), {**VERSION, "Statement": [DENIED | {"Condition": condition}]}) is is_let_in


@pytest.mark.parametrize(
    ("index", "is_let_in"),
    [
        (f"{TABLE}/index/by-*", True),
        ("arn:aws:dynamodb:*:*:table/*/index/by-name", True),
        ("arn:aws:dynamodb:*:*:table/*-information/index/${aws:username}", True),
        ("arn:aws:dynamodb:*:*:table/participant?information*name", True),
        ("arn:aws:dynamodb:*:*:table/*/stream/*", False),
        ("arn:aws:dynamodb:*:*:table/*-history/index/by-name", False),
    ],
)
def test_an_index_is_found_by_whatever_pattern_it_is_allowed(index: str, is_let_in: bool) -> None:
    assert bob_is_let_in({**held(Resource=index), **VERSION}) is is_let_in


def test_before_2012_a_variable_was_text() -> None:
    """IAM User Guide, "Version": a policy without it has that of 2008, in which variables are plain text."""
    assert not bob_is_let_in(held(Resource=EACH))


def test_two_patterns_spare_what_fits_both() -> None:
    statements = [
        deny(Condition={"ArnNotLike": {"aws:PrincipalArn": one}})
        for one in ("arn:aws:iam::*:role/x-*", "arn:aws:iam::*:role/*-y")
    ]
    assert left(*statements)[TABLE] == (OF_TABLES, ("arn:aws:iam::*:role/x-*-y",))


def test_a_policy_that_nobody_can_read() -> None:
    assert bob_is_let_in({"Statement": [{"Effect": "Allow", "New": "thing"}]}), "it may allow anything"
    with pytest.raises(ConfigurationError, match="participant-information, line 1"):
        guard_of(TABLE, "[]", ME, None)


def test_a_permissions_boundary_only_takes_away() -> None:
    """IAM User Guide, "Permissions boundaries": what both allow is allowed; an unknown one may allow all."""

    def bounded(name: str, arn: str) -> dict[str, Any]:
        return user(name, held(), PermissionsBoundary={"PermissionsBoundaryArn": arn})

    documents = {"buckets": held(Action="s3:*"), "tables": held(Action="dynamodb:*")}
    policies = [
        {"Arn": name, "PolicyVersionList": [{"IsDefaultVersion": True, "Document": document}]}
        for name, document in documents.items()
    ]
    users = [bounded(name, name) for name in ("buckets", "tables", "not-told")]
    details = {"Policies": policies, "GroupDetailList": [], "UserDetailList": users, "RoleDetailList": []}
    assert [arn.rpartition("/")[2] for arn in let_in(details, TABLE, ME)] == ["not-told", "tables"]


def test_a_place_that_denies_by_a_variable_is_open() -> None:
    """Of Resource ``table/${aws:PrincipalTag/x}`` nobody is denied for sure."""
    resource = f"arn:aws:dynamodb:ap-southeast-2:{ACCOUNT}:table/${{aws:PrincipalTag/x}}"
    assert left(deny(Resource=None, NotResource=resource))[TABLE] == (OF_TABLES, ("*",))
    allow = {"Effect": "Allow", "Principal": {"AWS": BOB}, "Action": "dynamodb:GetItem", "Resource": resource}
    assert guard_of(TABLE, json.dumps({**VERSION, "Statement": [allow]}), ME, None).strangers == (BOB,)


def test_only_dynamodb_has_policies(tmp_path: Any) -> None:
    with pytest.raises(UsageError, match="no policies"):
        guards(open_participants(f"sqlite:///{tmp_path}/p.sqlite"), ME)
