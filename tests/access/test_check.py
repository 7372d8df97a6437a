"""What is wrong with a policy is told with its line, and what is written instead is right."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bondstore.access import actions
from bondstore.access.check import Defect, check, check_all
from bondstore.access.conditions import Context
from bondstore.access.document import Document, parse, parsed
from bondstore.access.dynamodb import table_policy, user_policy
from bondstore.access.evaluate import Permission, Policies, Principal, Request, decide
from bondstore.access.grants import Grant, Rights, Scope, Share, joined
from bondstore.domains import private_prefixes
from bondstore.domains.beiwe.access import scope
from tests.servers.moto import Moto

STUDY = "55d4c9b21f5a83a7e2b6f013"
BUCKET = "arn:aws:s3:::study-data"
ADA = Principal("arn:aws:iam::123456789012:user/ada")
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/people"
P1 = f"{BUCKET}/S/p1/*"
# As people write a policy for a study by hand.
BY_HAND = f"""{{
  "Version": "2012-10-17",
  "Statement": [
    {{
      "Sid": "Listing",
      "Effect": "Allow",
      "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
      "Resource": "{BUCKET}",
      "Condition": {{
        "StringLike": {{
          "s3:prefix": [
            "{STUDY}*",
            "CHUNKED_DATA/{STUDY}*"
          ]
        }}
      }}
    }},
    {{
      "Sid": "Objects",
      "Effect": "Allow",
      "Action": ["s3:GetObject"],
      "Resource": [
        "{BUCKET}",
        "{BUCKET}/{STUDY}*",
        "{BUCKET}/CHUNKED_DATA/{STUDY}*"
      ]
    }}
  ]
}}
"""


def policy(*statements: dict[str, Any]) -> Document:
    return parsed({"Version": "2012-10-17", "Statement": list(statements)}, "policy.json")


def allow(action: str | list[str] = "s3:GetObject", resource: str | list[str] = f"{BUCKET}/S/*", **more: Any) -> Any:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def listing(*prefixes: str, operator: str = "StringLike", action: str | list[str] = "s3:ListBucket") -> Any:
    return allow(action, BUCKET, Condition={operator: {"s3:prefix": list(prefixes)}})


def kinds(found: Sequence[Defect]) -> list[str]:
    return [one.kind for one in found]


def mended(document: Document, found: Sequence[Defect]) -> Document:
    """The policy with what is to be written instead in place of each statement."""
    by_name = {one.statement: one.mended for one in found if one.statement and one.mended is not None}
    given = document.content["Statement"]
    statements = [
        two for one, raw in zip(document.statements, given, strict=True) for two in by_name.get(one.name, (raw,))
    ]
    return policy(*map(dict, statements)) if statements else parsed({"Statement": []}, "policy.json")


def may(document: Document, action: str, key: str | None, prefix: str | None = None) -> Permission:
    context = Context({"s3:prefix": () if prefix is None else (prefix,)})
    resource = BUCKET if key is None else f"{BUCKET}/{key}"
    return decide(Request(action, resource, ADA, context), Policies((document,))).permission


def test_each_defect_of_a_policy_by_hand_is_named_with_its_line() -> None:
    found = check(parse(BY_HAND, "by-hand.json"), private=private_prefixes)
    assert [(one.kind, one.line, one.statement) for one in found] == [
        ("prefix-condition", 7, "Listing"),
        ("over-broad", 12, "Listing"),
        ("over-broad", 13, "Listing"),
        ("useless", 23, "Objects"),
        ("over-broad", 24, "Objects"),
        ("private", 24, "Objects"),
        ("over-broad", 25, "Objects"),
    ]
    assert f"Who then lists {STUDY} without the slash is refused." in found[1].message
    assert f"{STUDY}/keys/*" in found[5].message


def test_what_is_written_instead_opens_the_study_and_nothing_else() -> None:
    before = parse(BY_HAND, "by-hand.json")
    after = mended(before, check(before, private=private_prefixes))
    assert check(after, private=private_prefixes) == []
    held = {
        ("s3:GetObject", f"{STUDY}/1ab2cd3e/gps/1.csv"): Permission.ALLOWED,
        ("s3:GetObject", f"CHUNKED_DATA/{STUDY}/1ab2cd3e/gps/1.csv"): Permission.ALLOWED,
        ("s3:GetObject", f"{STUDY}2/1ab2cd3e/gps/1.csv"): Permission.DENIED,
        ("s3:GetObject", f"{STUDY}/keys/1ab2cd3e_private"): Permission.FORBIDDEN,
    }
    assert {asked: may(after, *asked) for asked in held} == held
    assert may(before, "s3:GetObject", f"{STUDY}2/x") is Permission.ALLOWED
    assert may(before, "s3:GetBucketLocation", None) is Permission.DENIED
    assert may(after, "s3:GetBucketLocation", None) is Permission.ALLOWED
    for prefix, answer in {
        f"{STUDY}/": Permission.ALLOWED,
        f"{STUDY}/1ab2cd3e/": Permission.ALLOWED,
        STUDY: Permission.DENIED,
        f"{STUDY}2/": Permission.DENIED,
    }.items():
        assert may(after, "s3:ListBucket", None, prefix) is answer, prefix


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        (allow(resource=BUCKET), "useless"),
        (allow("s3:ListBucket", f"{BUCKET}/S/*"), "useless"),
        (allow(["s3:GetObject", "s3:GetBucketLocation"]), "useless"),
        (allow("s3:GetObjects"), "unknown-action"),
        (allow("s3:Reed*"), "unknown-action"),
        (allow("GetObject"), "unknown-action"),
        (allow("dynamodb:GetItems", "arn:aws:dynamodb:eu-west-1:123456789012:table/t"), "unknown-action"),
        (allow(resource=f"{BUCKET}/S*"), "over-broad"),
        (allow(resource=f"{BUCKET}/${{aws:username}}*"), "over-broad"),
        (allow(resource="arn:aws:s3:::study*/S/*"), "over-broad"),
        (allow(resource="*"), "over-broad"),
        (allow("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/people*"), "over-broad"),
        (allow("dynamodb:Query", "*"), "over-broad"),
        (allow(resource=f"{BUCKET}/S/p?/*"), "over-broad"),
        (allow(resource=f"{BUCKET}/*/p1/*"), "over-broad"),
        (allow(resource=f"{BUCKET}/S/p1/"), "useless"),
        (allow(resource="study-data/S/*"), "resource"),
        (allow(resource="s3://study-data/S/*"), "resource"),
        (allow(resource="arn:aws:s3:eu-west-1:123456789012:study-data/S/*"), "resource"),
        ({"Effect": "Deny", "Action": "s3:*", "NotResource": "study-data/S/*"}, "resource"),
        # AWS: with IfExists, with Not, with ForAllValues and with Null, a request without the key fits.
        (listing("S/*", operator="StringLikeIfExists"), "list-without-prefix"),
        (listing("S/*", operator="StringNotLike"), "list-without-prefix"),
        (listing("S/*", operator="ForAllValues:StringLike"), "list-without-prefix"),
        (listing("true", operator="Null"), "list-without-prefix"),
        (listing("S*"), "over-broad"),
        (listing("S"), "over-broad"),
        (listing(""), "over-broad"),
        (listing("*"), "over-broad"),
        (listing("S/"), "prefix-incomplete"),
        (listing("S/", "S/*", operator="StringEquals"), "prefix-incomplete"),
        (listing("S/*", action=["s3:ListBucket", "s3:GetBucketLocation"]), "prefix-condition"),
        (listing("S/*", action="s3:GetBucketLocation"), "prefix-condition"),
        (allow("s3:ListBucket", BUCKET), "list-without-prefix"),
        (allow("s3:*"), "escalation"),
        (allow("*", "*"), "escalation"),
        (allow("iam:*", "*"), "escalation"),
        (allow("iam:PassRole", "*"), "escalation"),
        (allow("iam:PutUserPolicy", "*"), "escalation"),
        (allow("s3:PutBucketPolicy", BUCKET), "escalation"),
        (allow("s3:Put*"), "escalation"),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, "escalation"),
        ({"Effect": "Allow", "Action": "s3:GetObject", "NotResource": f"{BUCKET}/S/*"}, "escalation"),
        (allow(Condition={"StringLikes": {"aws:username": "ada"}}), "unknown-condition"),
        (allow(Condition={"StringLike": {"aws:usernames": "ada"}}), "unknown-condition"),
        (allow(Condition={"Bool": {"SecureTransport": "true"}}), "unknown-condition"),
        (allow(resource=f"{BUCKET}/{STUDY}/*"), "private"),
        (allow(resource=f"{BUCKET}/{STUDY}/*", Condition={"Bool": {"aws:SecureTransport": "true"}}), "private"),
        (allow(resource=f"{BUCKET}/PROBLEM_UPLOADS/{STUDY}/*"), "private"),
        (allow(resource=[f"{BUCKET}/lab/S/*", f"{BUCKET}/lab/CHUNKED_DATA/S/*"]), "private"),
        (allow(resource=f"{BUCKET}/lab/{STUDY}/*"), "private"),
        (allow(resource=f"{BUCKET}/lab/PROBLEM_UPLOADS/S/*"), "private"),
        (allow(Principal="*"), "principal"),
        (allow(Sid="not so"), "statement-name"),
        ({"Effect": "Allow", "Action": "s3:GetObject"}, "no-resource"),
    ],
)  # fmt: skip
def test_a_statement_with_a_defect(statement: Any, kind: str) -> None:
    assert kind in kinds(check(policy(statement), private=private_prefixes))


@pytest.mark.parametrize(
    "statements",
    [
        [allow()],
        [allow(), listing("S/", "S/*"), allow("s3:GetBucketLocation", BUCKET)],
        [listing("S/*")],  # a star also stands for nothing
        [listing("S/*", operator="ForAnyValue:StringLike")],
        [  # AWS' own example of folders
            allow(
                "s3:ListBucket", BUCKET, Condition={"StringEquals": {"s3:prefix": ["", "home/"], "s3:delimiter": ["/"]}}
            ),
            listing("home/${aws:username}/*"),
        ],
        [allow(resource=f"{BUCKET}/S/p1/*.csv")],
        [allow(resource="arn:aws:s3:*:*:study-data/S/*")],  # a star stands for nothing too
        [allow("s3:GetObject", f"{BUCKET}/*"), allow("s3:ListBucket", BUCKET)],  # all of it is open anyway
        [allow(["s3:GetObject", "s3:ListBucket"], [BUCKET, f"{BUCKET}/*"])],
        [allow("s3:ListAllMyBuckets", "*")],
        [allow("s3:GetBucketLocation", BUCKET, Condition={"StringLikeIfExists": {"s3:prefix": "S/*"}})],
        [allow(resource=[f"{BUCKET}/{STUDY}/1ab2cd3e/*", f"{BUCKET}/CHUNKED_DATA/{STUDY}/1ab2cd3e/*"])],
        [allow("kms:Decrypt", "*", Condition={"StringEquals": {"kms:ViaService": "s3"}})],
        [allow("s3:GetObject", f"{BUCKET}/${{aws:PrincipalTag/study}}/*")],
        [allow(resource=f"{BUCKET}/S/${{*}}")],
        [allow(Condition={"Bool": {"aws:SecureTransport": "true"}})],
        [allow("s3:GetObject", "arn:aws:s3:eu-west-1:123456789012:accesspoint/lab/object/S/*")],
        [
            allow(resource=f"{BUCKET}/{STUDY}/*"),
            {"Effect": "Deny", "Action": "s3:*", "Resource": f"{BUCKET}/{STUDY}/keys/*"},
        ],
        [allow(["dynamodb:GetItem", "dynamodb:Query"], "arn:aws:dynamodb:eu-west-1:123456789012:table/people")],
        [{**allow("s3:*", "*", Condition={"Bool": {"aws:SecureTransport": "false"}}), "Effect": "Deny"}],
    ],
)  # fmt: skip
def test_nothing_is_wrong(statements: list[Any]) -> None:
    assert check(policy(*statements), private=private_prefixes) == []


@pytest.mark.parametrize("rights", list(Rights))
@pytest.mark.parametrize("people", [(), ("1ab2cd3e", "2ab2cd3e")], ids=["all", "two"])
def test_what_bondstore_makes_has_no_defect(rights: Rights, people: tuple[str, ...]) -> None:
    grant = Grant("study-data", scope(STUDY, people, []), rights)
    assert check(parsed(grant.whole(), "made.json"), private=private_prefixes) == []


def test_what_bondstore_makes_for_who_releases_has_no_defect() -> None:
    everything = Scope([Share("all", ("",))])
    made = joined(
        source=Grant("lab-qc", everything), into=Grant("lab-public", everything, Rights.WRITE, "aws", "here/")
    )
    assert check(parsed(made, "made.json"), private=private_prefixes) == []


def test_what_bondstore_makes_for_tables_has_no_defect() -> None:
    table = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/participant-information"
    assert check(parsed(user_policy(table), "made.json")) == []
    assert check(parsed(table_policy(table, ADA.arn), "made.json"), "bucket") == []


def test_nobody_else_may_do_more_with_a_table_than_manage_it() -> None:
    table = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/people"
    stream = f"{table}/stream/2026-01-01T00:00:00.000"
    bob, everything = Principal("arn:aws:iam::123456789012:user/bob"), policy(allow("dynamodb:*", "*"))
    manage = {
        "DeleteResourcePolicy", "DescribeContinuousBackups", "DescribeStream", "DescribeTable", "DescribeTimeToLive",
        "GetResourcePolicy", "ListTagsOfResource", "PutResourcePolicy", "TagResource", "UntagResource",
        "UpdateContinuousBackups",
    }  # fmt: skip

    def allowed(who: Principal, place: str, of: str) -> set[str]:
        held = Policies((everything,), resource=parsed(table_policy(of, ADA.arn), "table"))
        asked = {one: Request(f"dynamodb:{one}", place, who) for one in actions.KNOWN["dynamodb"]}
        return {one for one, request in asked.items() if decide(request, held).permission.is_allowed}

    for of, places in (
        (table, [table, f"{table}/index/by-port"]),
        (f"{table}-history", [f"{table}-history", f"{table}-history/index/by-time"]),
        (stream, [stream]),
    ):
        for place in places:
            assert allowed(bob, place, of) == manage
            assert allowed(ADA, place, of) == actions.KNOWN["dynamodb"]


def test_a_star_after_a_literal_star_is_no_wildcard() -> None:
    assert kinds(check(policy(allow(resource=f"{BUCKET}/S${{*}}")))) == []
    assert kinds(check(policy(allow(resource=f"{BUCKET}/S${{*}}*")))) == ["over-broad"]


def test_a_deny_that_lists_actions_leaves_other_ways_open() -> None:
    table = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/people"
    rows = [f"dynamodb:{one}" for one in ("GetItem", "BatchGetItem", "Query", "Scan", "PutItem", "UpdateItem")]
    deny = {
        "Effect": "Deny",
        "Action": rows,
        "Resource": table,
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": ADA.arn}},
    }
    [found] = check(policy(deny))
    assert found.kind == "deny-leaves-open"
    # the AWS names of what reads the same rows: PartiQL, an export, a backup, a stream
    for name in ("PartiQLSelect", "ExportTableToPointInTime", "CreateBackup", "GetRecords"):
        assert name in found.message
    after = policy(*map(dict, found.mended or ()))
    bob = Principal("arn:aws:iam::123456789012:user/bob")
    everything = policy(allow("dynamodb:*", "*"))
    for action, place in (
        ("PartiQLSelect", table), ("ExportTableToPointInTime", table), ("CreateBackup", table),
        ("Query", f"{table}/index/by-port"), ("GetRecords", f"{table}/stream/2026-01-01T00:00:00.000"),
    ):  # fmt: skip
        asked = Request(f"dynamodb:{action}", place, bob)
        assert decide(asked, Policies((everything, policy(deny)))).permission is Permission.ALLOWED, action
        assert decide(asked, Policies((everything, after))).permission is Permission.FORBIDDEN, action
    managing = Request("dynamodb:PutResourcePolicy", table, bob)
    assert decide(managing, Policies((everything, after))).permission is Permission.ALLOWED
    assert check(after) == []


@pytest.mark.parametrize(
    ("statement", "instead"),
    [
        (allow("s3:GetObjets"), [allow()]),
        # AWS: ListObjectsV2 and HeadObject take s3:ListBucket and s3:GetObject; nothing becomes a right to write.
        (allow("s3:ListObjects"), [listing("S/", "S/*")]),
        (allow("s3:ListObjectsV2", BUCKET), None),
        (allow("s3:HeadObject"), [allow()]),
        (allow("s3:Reading"), []),
        (allow("dynamodb:GetItems", TABLE), [allow("dynamodb:GetItem", TABLE)]),
        (allow(resource=f"{BUCKET}/*", Condition={"StringLike": {"s3:prefix": "S/p1/*"}}), [allow(resource=P1)]),
        (allow(resource=P1, Condition={"StringLike": {"s3:prefix": "S/*"}}), [allow(resource=P1)]),
        (allow(resource=f"{BUCKET}/T/*", Condition={"StringLike": {"s3:prefix": "S/*"}}), []),
        (listing("S/*", operator="StringLikeIfExists"), [listing("S/", "S/*")]),
        (listing("S/*", operator="StringNotLike"), None),  # a person must say which prefixes
        (allow("s3:*", f"{BUCKET}/S*"), [allow(), listing("S/", "S/*")]),
        (allow("s3:ListBucket", f"{BUCKET}/S/*"), [listing("S/", "S/*")]),
        (allow(resource=BUCKET), []),
        (allow(["s3:PutBucketPolicy", "s3:GetBucketLocation"], BUCKET), [allow("s3:GetBucketLocation", BUCKET)]),
        (listing("S/", operator="StringEquals"), [listing("S/", "S/*")]),
        (allow("iam:PassRole", "*"), []),
        (allow(resource=f"{BUCKET}/PROBLEM_UPLOADS/{STUDY}/*"), []),
        (allow(resource="arn:aws:s3:::study*/S/*"), None),
        (allow(resource=[f"{BUCKET}/S*", "*"]), None),  # a person must say which bucket
        (allow("s3:ListBucket", BUCKET), None),  # a person must say which prefix
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, None),
    ],
)  # fmt: skip
def test_what_is_written_instead(statement: Any, instead: list[Any] | None) -> None:
    found = check(policy(statement), private=private_prefixes)
    assert found
    assert {None if one.mended is None else json.dumps(one.mended) for one in found} == {
        None if instead is None else json.dumps(instead)
    }


def test_a_sid_that_is_there_twice_is_left_out_of_the_second() -> None:
    [found] = check(policy(allow(Sid="A"), allow(Sid="A", resource=P1)))
    assert (found.kind, found.mended) == ("statement-name", (allow(resource=P1),))


def test_iam_refuses_what_it_is_said_to_refuse(moto_environment: Moto) -> None:
    iam = moto_environment.client("iam")
    for number, statements in enumerate(
        [[], [allow(resource="study-data/S/*")], [allow(resource="s3://study-data/S")]]
    ):
        content = json.dumps({"Version": "2012-10-17", "Statement": statements})
        assert {"no-policy", "resource"} & {*kinds(check_all([(Path("p.json"), content.encode())]))}
        with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
            iam.create_policy(PolicyName=f"p-{number}", PolicyDocument=content)


def test_the_same_statement_twice() -> None:
    again = {"Sid": "Again", "Resource": [f"{BUCKET}/S/*"], "Action": ["S3:getobject"], "Effect": "Allow"}
    [found] = check(policy(allow(), again))
    assert (found.kind, found.statement, found.mended) == ("duplicate", "Again", ())
    assert "statement 1" in found.message
    assert kinds(check(policy(allow(Sid="A"), allow(resource=f"{BUCKET}/T/*", Sid="A")))) == ["statement-name"]


def test_a_variable_in_the_first_version_of_the_language() -> None:
    old = parsed({"Statement": [allow(resource=f"{BUCKET}/${{aws:username}}/*")]}, "old.json")
    assert kinds(check(old)) == ["old-version"]


def sized(characters: int) -> bytes:
    """A policy of so many characters without white space, and of more with it."""
    content = {"Version": "2012-10-17", "Statement": [allow(resource=f"{BUCKET}/S/")]}
    short = len(json.dumps(content, separators=(",", ":")))
    content["Statement"] = [allow(resource=f"{BUCKET}/S/{'x' * (characters - short)}")]
    return json.dumps(content, indent=4).encode()


@pytest.mark.parametrize(
    ("kind", "limit"), [("managed", 6_144), ("user", 2_048), ("group", 5_120), ("role", 10_240), ("bucket", 20_480)]
)
def test_the_size_of_each_kind_is_that_of_aws(kind: str, limit: int) -> None:
    def found(size: int) -> list[str]:
        return [one for one in kinds(check_all([(Path("p.json"), sized(size))], kind)) if one == "too-large"]

    assert found(limit) == []
    assert found(limit + 1) == ["too-large"]


def test_inline_policies_count_together() -> None:
    two = [(Path("a.json"), sized(1_100)), (Path("b.json"), sized(1_100))]
    assert kinds(check_all(two, "user")) == ["too-large"]
    assert kinds(check_all(two, "group")) == []
    assert kinds(check_all(two, "managed")) == []


def test_names_characters_and_what_is_no_policy() -> None:
    good = sized(400)
    assert kinds(check_all([(Path(f"{'n' * 128}.json"), good)])) == []
    assert kinds(check_all([(Path(f"{'n' * 129}.json"), good)])) == ["name"]
    assert kinds(check_all([(Path("my policy.json"), good)])) == ["name"]
    text = json.dumps(
        {"Version": "2012-10-17", "Statement": [allow(Sid="ÿ"), allow(resource=f"{BUCKET}/ō/*")]}, indent=1
    )
    [odd] = [
        one for one in check_all([(Path("p.json"), text.replace("\\u014d", "ō").encode())]) if one.kind == "character"
    ]
    assert odd.line == 1 + text[: text.index("\\u014d")].count("\n")
    assert "U+014D" in odd.message
    broken, fine = check_all([(Path("a.json"), b"{"), (Path("b.json"), sized(6_145))])
    assert (broken.kind, fine.kind) == ("no-policy", "too-large")


def test_a_buckets_policy_names_who_is_meant() -> None:
    assert kinds(check(policy(allow()), "bucket")) == ["principal"]
    assert kinds(check(policy(allow(Principal={"AWS": ADA.arn}, Sid="who may")), "bucket")) == []


ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:ListBucket", "s3:GetBucketLocation", "s3:Put*", "iam:PassRole"]
RESOURCES = [
    BUCKET, "*", "arn:aws:s3:::study*/S/*", "arn:aws:dynamodb:eu-west-1:123456789012:table/t*",
    *(f"{BUCKET}/{key}*" for key in ("", "S", "S/", STUDY, f"{STUDY}/", f"{STUDY}/keys/", "PROBLEM_UPLOADS/")),
]  # fmt: skip
CONDITION = some.dictionaries(
    some.sampled_from(["StringLike", "StringEquals", "StringNotLike", "StringLikeIfExists", "Null", "Odd"]),
    some.dictionaries(
        some.sampled_from(["s3:prefix", "aws:username", "kms:x", "plain"]),
        some.lists(some.sampled_from(["S/", "S/*", "S*", "", "*", "true"]), min_size=1, max_size=2),
        min_size=1,
        max_size=2,
    ),
    max_size=1,
)
ANY = some.fixed_dictionaries(
    {
        "Effect": some.sampled_from(["Allow", "Allow", "Deny"]),
        "Action": some.lists(some.sampled_from(ACTIONS), min_size=1, max_size=3),
        "Resource": some.lists(some.sampled_from(RESOURCES), min_size=1, max_size=3),
    },
    optional={"Condition": CONDITION},
)


@given(some.lists(ANY, min_size=1, max_size=3))
def test_what_is_written_instead_has_no_defect_and_opens_nothing_more(statements: list[Any]) -> None:
    before = policy(*({**one, "Sid": f"N{number}"} for number, one in enumerate(statements)))
    found = check(before, private=private_prefixes)
    after = mended(before, found)
    stays = {one.statement for one in found if one.mended is None}
    # Where only a part is written anew, what is left as it was may clash with it; so may the same statement twice.
    if not stays and "duplicate" not in kinds(found):
        assert [one for one in check(after, private=private_prefixes) if one.kind != "duplicate"] == []
    if "prefix-condition" in kinds(found):
        return  # what was never allowed is allowed by its own statement: that was meant
    for action in ("s3:GetObject", "s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject"):
        for key in ("S/P/1", "S2/P/1", f"{STUDY}/P/1", f"{STUDY}/keys/x", f"{STUDY}2/x", "PROBLEM_UPLOADS/x"):
            if may(after, action, key) is Permission.ALLOWED:
                assert may(before, action, key) in (Permission.ALLOWED, Permission.UNKNOWN)
