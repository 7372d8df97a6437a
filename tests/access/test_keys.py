"""Keys are looked up: the answers are those that each request has by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.access.conditions import Context
from bondstore.access.document import Document, parsed
from bondstore.access.evaluate import Permission, Policies, Principal, decide
from bondstore.access.keys import PREFIX, KeyRequest, decider_of
from bondstore.errors import UsageError

ADA = Principal("arn:aws:iam::123456789012:user/a")
HERE = KeyRequest("s3:GetObject", "b", ADA)
VARIABLES = ["${aws:username}", "${*}", "${aws:userid}", "${aws:userid, 'a'}"]
keys = st.text("ab/:*?$é\n", max_size=8)
pieces = st.sampled_from(["a", "b", "/", "/a/", "/b/", "*", "?", ":", "é", "\n", *VARIABLES])
wild = st.lists(pieces, max_size=5).map("".join)
resource = st.one_of(
    wild.map("arn:aws:s3:::b/{}".format),
    wild.map("arn:aws:s3:::{}".format),
    wild.map("arn:aws:s3:*:*:b/{}*".format),
    wild.map("arn:aws:*:b/{}".format),
    wild.map("arn:aws-cn:s3:::b/{}*".format),
    st.sampled_from(["*", "b/*", "arn:aws:s3:::b"]),
)
action = st.sampled_from(["s3:GetObject", "s3:getobject", "s3:Get*", "s3:PutObject", "*", "s3:ListBucket"])
condition = st.sampled_from(
    [
        {},
        {"Bool": {"aws:SecureTransport": "false"}},
        {"StringLike": {"aws:username": "a*"}},
        {"Null": {"aws:MultiFactorAuthAge": "true"}},
    ]
)
principal = st.sampled_from(["*", {"AWS": ADA.arn}, {"AWS": "123456789012"}, {"AWS": "210987654321"}])


@st.composite
def statement(draw: st.DrawFn, *, with_principal: bool = False, resources: Any = resource, **fixed: Any) -> Any:
    inverted = draw(st.sampled_from(["", "", "", "Not"]))
    negated = draw(st.sampled_from(["", "", "", "Not"]))
    made = {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        f"{inverted}Action": draw(st.lists(action, min_size=1, max_size=2)),
        f"{negated}Resource": draw(st.lists(resources, min_size=1, max_size=3)),
        "Condition": draw(condition),
        **fixed,
    }
    if with_principal:
        made[draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))] = draw(principal)
    return made


def document(version: str, statements: list[Any]) -> Document:
    return parsed({"Version": version, "Statement": statements}, "drawn")


def documents(one: Any) -> Any:
    return st.builds(document, st.sampled_from(["2012-10-17", "2012-10-17", "2008-10-17"]), st.lists(one, max_size=4))


policies = st.builds(
    Policies,
    st.lists(documents(statement()), max_size=3),
    st.none() | documents(statement()),
    st.none() | documents(statement(with_principal=True)),
)
contexts = st.dictionaries(
    st.sampled_from(["aws:securetransport", "aws:multifactorauthage", "aws:userid"]),
    st.sampled_from([(), ("true",), ("false",), ("a", "b")]),
).map(Context)
asks = st.builds(
    KeyRequest,
    st.sampled_from(["s3:GetObject", "s3:PutObject"]),
    st.just("b"),
    st.sampled_from([ADA, ADA, Principal(), Principal("arn:aws:iam::210987654321:role/x")]),
    contexts,
    st.sampled_from(["", "123456789012"]),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(asks, policies, st.lists(keys, min_size=1, max_size=6))
def test_each_key_has_the_answer_of_its_own_request(asked: KeyRequest, held: Policies, several: list[str]) -> None:
    decider = decider_of(asked, held)
    for key in several:
        right = decide(asked.request(f"arn:aws:s3:::b/{key}"), held)
        assert decider(key) == right, key
        assert decider.in_folder("".join(key.rpartition("/")[:2])) in (None, right), key


ORDER = (Permission.ALLOWED, Permission.UNKNOWN, Permission.FORBIDDEN, Permission.DENIED)


def listable(asked: KeyRequest, held: Policies, key: str) -> Permission:
    """Ask for each beginning of a key, and for the whole bucket without a prefix."""
    beginnings: list[tuple[str, ...]] = [(), *((key[:end],) for end in range(len(key) + 1))]
    found = [decide(asked.request("arn:aws:s3:::b", **{PREFIX: one}), held).permission for one in beginnings]
    return min(found, key=ORDER.index)


def listing(values: Any, operators: list[str]) -> Any:
    block = st.builds(
        lambda operator, key, value: {operator: {key: value}},
        st.sampled_from(operators),
        st.sampled_from(["s3:prefix", "s3:Prefix", "s3:delimiter", "aws:username"]),
        st.lists(values, min_size=1, max_size=3),
    )
    bucket = st.sampled_from(["arn:aws:s3:::b", "arn:aws:s3:::b*", "*", "arn:aws:s3:::other"])
    one = st.one_of(
        st.builds(lambda made, asked: {**made, "Condition": asked}, statement(resources=bucket), block),
        statement(resources=bucket),
    )
    return st.builds(Policies, st.lists(documents(one), max_size=3))


prefixes = st.text("ab/", max_size=4)
quick = listing(prefixes | prefixes.map("{}*".format), ["StringLike", "StringEquals", "StringLikeIfExists"])
any_of_them = listing(wild, ["StringLike", "StringNotLike", "ForAllValues:StringLike", "StringEqualsIgnoreCase"])
LIST = KeyRequest("s3:ListBucket", "b", ADA, Context({"aws:multifactorauthage": ()}))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(quick, st.lists(st.text("ab/", max_size=7), min_size=1, max_size=5))
def test_a_key_may_be_listed_where_any_beginning_of_it_may(held: Policies, several: list[str]) -> None:
    decider = decider_of(LIST, held)
    for key in several:
        right = listable(LIST, held, key)
        assert decider(key).permission is right, key
        of_all = decider.in_folder("".join(key.rpartition("/")[:2]))
        assert of_all is None or of_all.permission is right, key


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_of_them, st.lists(st.text("ab/", max_size=7), min_size=1, max_size=5))
def test_whatever_a_condition_on_the_prefix_says_folders_are_asked(held: Policies, several: list[str]) -> None:
    decider = decider_of(LIST, held)
    for key in several:
        found = ORDER.index(decider(key).permission)
        folders = "".join(key.rpartition("/")[:2])
        ends = [(), *((folders[:end],) for end in range(len(folders) + 1) if not end or folders[end - 1] == "/")]
        requests = [decide(LIST.request("arn:aws:s3:::b", **{PREFIX: one}), held).permission for one in ends]
        assert ORDER.index(listable(LIST, held, key)) <= found <= min(map(ORDER.index, requests))


def test_a_pattern_in_the_middle_is_found_by_its_part() -> None:
    # 3,000 patterns such as b/*/p7/*: one by one they would take minutes for a million keys
    held = Policies(
        [
            document(
                "2012-10-17",
                [{"Effect": "Allow", "Action": "*", "Resource": [f"arn:aws:s3:::b/*/S/p{n}/*" for n in range(3_000)]}],
            )
        ]
    )
    decider = decider_of(HERE, held)
    assert decider("CHUNKED_DATA/S/p2999/x").permission is Permission.ALLOWED
    assert decider("CHUNKED_DATA/S/p3000/x").permission is Permission.DENIED


@pytest.mark.parametrize("odd", ["s3:GetBucketLocation", "s3:Get*", "iam:PassRole", "GetObject", "s3:ListAllMyBuckets"])
def test_an_action_that_is_of_no_object_is_refused(odd: str) -> None:
    with pytest.raises(UsageError):
        decider_of(KeyRequest(odd, "b", ADA), Policies())
