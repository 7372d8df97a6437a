"""The evaluator against a second one, written from the guide's text by other means: no difference in random cases."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bondstore.access.conditions import Context
from bondstore.access.document import parse
from bondstore.access.evaluate import Policies, Principal, Request, decide
from bondstore.access.inventory import KeyPage
from bondstore.access.keys import KeyRequest
from bondstore.access.prove import Proof
from tests.access.random_cases import AWAY, BUCKET, EVE, HOME, KEYS, ROLE, USERS, Maker
from tests.access.second_evaluator import Papers, Question, outcomes, verdict, worlds

CASES = 5_000
ADA = USERS[0]
OBJECT = f"arn:aws:s3:::{BUCKET}/St1/ada/accel/1.csv"
AT_LEAST = {  # of 5,000
    **dict.fromkeys(("allowed", "denied", "forbidden", "unknown"), 100),
    **{f"has {one}": 500 for one in ("Deny", "NotAction", "NotResource", "NotPrincipal", "IfExists", "StringNot", "?")},
    **{f"has {one}": 500 for one in ("StringEquals", "StringLike", "ForAnyValue", "ForAllValues", "${aws:username}")},
    **{f"has {one}": 300 for one in ("${aws:PrincipalTag/site", "Null", "ArnLike", "/keys/", "PROBLEM_UPLOADS")},
    **{f"has {one}": 100 for one in (":root", "2008-10-17", "arn:aws:s3:*")},
    **dict.fromkeys(("a boundary", "a bucket policy", "another account", "nobody", "a role"), 300),
    **dict.fromkeys(("an absent key", "an unknown key"), 1000),
}


def policies(papers: Papers) -> Policies:
    """Read all policies."""
    return Policies(
        [parse(text, "own.json") for text in papers.identity],
        parse(papers.boundary, "boundary.json") if papers.boundary else None,
        parse(papers.bucket, "bucket.json") if papers.bucket else None,
    )


def first(question: Question, papers: Papers) -> str:
    """Return what Bondstore answers."""
    context = Context().also(question.known)
    request = Request(question.action, question.resource, Principal(question.who), context, question.owner)
    return decide(request, policies(papers)).permission.value


def proved(question: Question, papers: Papers, keys: Sequence[str]) -> list[str]:
    """Return what Bondstore answers for many keys at once."""
    context = Context().also(question.known)
    asked = KeyRequest(question.action, BUCKET, Principal(question.who), context, question.owner)
    answers = Proof([asked], policies(papers)).answers([KeyPage(keys)])
    return [one.ruling.permission.value for one in answers]


def features(question: Question, papers: Papers) -> set[str]:
    """Return what occurs in a case."""
    whole = json.dumps([*papers.identity, papers.boundary, papers.bucket]) + question.resource
    others = {
        "a boundary": bool(papers.boundary),
        "a bucket policy": bool(papers.bucket),
        "another account": question.owner == AWAY and bool(question.who),
        "nobody": not question.who,
        "a role": question.who == ROLE,
        "an absent key": not all(question.known.values()),
        "an unknown key": len(question.known) < 4,
    }
    return {name for name in AT_LEAST if name.startswith("has ") and name[4:] in whole} | {
        name for name, is_so in others.items() if is_so
    }


def test_two_evaluators_agree_on_every_case() -> None:
    tally: Counter[str] = Counter()
    seen: set[int] = set()

    @settings(max_examples=CASES, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
    @given(st.integers(0, 2**64))
    def compare(seed: int) -> None:
        maker = Maker(seed)
        question, papers = maker.question(), maker.papers()
        expected = verdict(question, papers)
        assert first(question, papers) == expected
        if key := question.resource.partition("/")[2]:
            assert proved(question, papers, [key, key]) == [expected, expected]
        if seed not in seen:
            seen.add(seed)
            tally.update([expected, *features(question, papers)])

    compare()
    assert len(seen) > 0.9 * CASES
    assert {name: tally[name] for name, least in AT_LEAST.items() if tally[name] < least} == {}


@settings(max_examples=700, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 2**64))
def test_keys_that_are_answered_together_have_the_answers_of_the_second_evaluator(seed: int) -> None:
    maker = Maker(seed)
    question, papers = maker.question(), maker.papers()
    question = replace(question, action=maker.one_of(["s3:GetObject", "s3:PutObject"]))
    keys = sorted({maker.text(KEYS) for _ in range(8)} | {"St1/", "St1"})
    each = [verdict(replace(question, resource=f"arn:aws:s3:::{BUCKET}/{key}"), papers) for key in keys]
    assert dict(zip(keys, proved(question, papers, keys), strict=True)) == dict(zip(keys, each, strict=True))


ORDER = ("allowed", "unknown", "forbidden", "denied")


@settings(max_examples=400, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 2**64))
def test_a_key_may_be_listed_by_a_beginning_of_it_as_the_second_evaluator_says(seed: int) -> None:
    """What is found is at most what all beginnings open, and at least what a whole folder or the bucket opens."""
    maker = Maker(seed)
    question, papers = maker.question(), maker.papers()
    question = Question("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", question.who, question.owner, question.known)
    known = {name: value for name, value in question.known.items() if name != "s3:prefix"}
    keys = sorted({maker.text(["@S/@P/x", "@S/x", "x"]) for _ in range(3)})
    found = proved(replace(question, known=known), papers, keys)
    for key, answer in zip(keys, found, strict=True):
        beginnings: list[tuple[str, ...]] = [(), *((key[:end],) for end in range(len(key) + 1))]
        each = {one: verdict(replace(question, known={**known, "s3:prefix": one}), papers) for one in beginnings}
        whole = [each[one] for one in beginnings if not one or one[0] == "" or one[0].endswith("/")]
        assert min(map(ORDER.index, each.values())) <= ORDER.index(answer) <= min(map(ORDER.index, whole)), key


@settings(max_examples=300, derandomize=True, deadline=None, database=None, suppress_health_check=[*HealthCheck])
@given(st.integers(0, 2**64))
def test_what_is_answered_for_sure_holds_whatever_the_unknown_keys_are(seed: int) -> None:
    maker = Maker(seed)
    question, papers = maker.question(), maker.papers()
    assert worlds(question, papers) <= outcomes(question, papers)


def policy(**more: object) -> str:
    about = {} if "NotResource" in more else {"Resource": f"arn:aws:s3:::{BUCKET}*"}
    statement = {"Effect": "Allow", "Action": "s3:*", **about, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


LIST = Question("s3:ListBucket", f"arn:aws:s3:::{BUCKET}", ADA, known={"s3:prefix": ("",)})
READ = Question("s3:GetObject", OBJECT, ADA)
READ_AS_ROLE = Question("s3:GetObject", OBJECT, ROLE)
NOTHING, ALL = policy(Resource="arn:aws:s3:::other"), policy()


@pytest.mark.parametrize("who", [ADA, ROLE, EVE], ids=["a user", "a role", "of another account"])
@pytest.mark.parametrize("boundary", ["", NOTHING, ALL], ids=["no boundary", "a narrow one", "a wide one"])
def test_two_evaluators_agree_on_whomever_a_bucket_names_together(who: str, boundary: str) -> None:
    names = [ADA, ROLE, EVE, HOME, "*"]
    lists = [list(some) for number in range(1, len(names) + 1) for some in combinations(names, number)]
    for listed, whom, own in product(lists, ("Principal", "NotPrincipal"), ([], [ALL])):
        for effect in ("Allow", "Deny"):
            papers = Papers(own, boundary, policy(Effect=effect, **{whom: {"AWS": listed}}))
            question = Question("s3:GetObject", OBJECT, who, HOME)
            assert first(question, papers) == verdict(question, papers), (listed, whom, own, effect)


@pytest.mark.parametrize(
    ("question", "papers", "answer"),
    [
        # "An empty string" is an empty set: ForAllValues is true of it, ForAnyValue is not.
        (LIST, Papers([policy(Condition={"ForAllValues:StringLike": {"s3:prefix": "St1/*"}})]), "allowed"),
        (LIST, Papers([policy(Condition={"ForAnyValue:StringLike": {"s3:prefix": "*"}})]), "denied"),
        # "If the * wildcard is the last character of a segment, it can expand to match beyond the colon boundaries."
        (READ, Papers([policy(Resource="arn:aws:s3:*")]), "allowed"),
        (READ, Papers([policy(Resource="arn:aws:*:study-data/St1/*")]), "allowed"),
        (READ, Papers([ALL, policy(Effect="Deny", Resource="arn:aws:s3:*")]), "forbidden"),
        (READ, Papers([policy(NotResource="arn:aws:s3:*")]), "denied"),
        # "Not present means that any attempt to match it fails and causes the statement to be invalid": a role.
        (READ_AS_ROLE, Papers([policy(Resource=f"arn:aws:s3:::{BUCKET}/St1/${{aws:username}}/*")]), "denied"),
        (READ_AS_ROLE, Papers([policy(Resource=[OBJECT, f"arn:aws:s3:::{BUCKET}/${{aws:username}}"])]), "unknown"),
        (READ_AS_ROLE, Papers([policy(Condition={"StringEquals": {"aws:username": "x"}})]), "denied"),
        # A default stands for a value that is absent; a value that is not known may be another.
        (READ_AS_ROLE, Papers([policy(Resource=f"arn:aws:s3:::{BUCKET}/St1/${{aws:username, 'ada'}}/*")]), "allowed"),
        (READ, Papers([policy(Resource=f"arn:aws:s3:::{BUCKET}/St1/${{aws:PrincipalTag/x, 'ada'}}/*")]), "unknown"),
        (READ, Papers([policy(Resource=f"arn:aws:s3:::{BUCKET}/St2/${{aws:PrincipalTag/x, 'ada'}}/*")]), "denied"),
        # A key of which nothing is known, where every value of it would do.
        (READ, Papers([policy(Condition={"StringLikeIfExists": {"aws:PrincipalTag/x": "*"}})]), "allowed"),
        (READ, Papers([policy(Condition={"StringLike": {"aws:PrincipalTag/x": "*"}})]), "unknown"),
        # "NotPrincipal with Deny will always deny any IAM principal that has a permissions boundary."
        (READ, Papers([ALL], ALL, policy(Effect="Deny", NotPrincipal={"AWS": [ADA, HOME]})), "forbidden"),
        # To spare a user, NotPrincipal has to list the user's account too.
        (READ, Papers([ALL], "", policy(Effect="Deny", NotPrincipal={"AWS": ADA})), "unknown"),
        (READ, Papers([ALL], "", policy(Effect="Deny", NotPrincipal={"AWS": [ADA, HOME]})), "allowed"),
        # What a bucket allows a role by its ARN is bounded; what it allows a user is not.
        (READ_AS_ROLE, Papers([], NOTHING, policy(Principal={"AWS": ROLE})), "denied"),
        (READ_AS_ROLE, Papers([], ALL, policy(Principal={"AWS": ROLE})), "allowed"),
        (READ, Papers([], NOTHING, policy(Principal={"AWS": ADA})), "allowed"),
        # The account as a principal: it hands the matter to the account, or it is all in it.
        (READ, Papers([], "", policy(Principal={"AWS": HOME})), "unknown"),
        (READ, Papers([ALL], "", policy(Principal={"AWS": HOME})), "allowed"),
        # Who has no credentials has no name.
        (Question("s3:GetObject", OBJECT), Papers([], "", policy(Principal="*")), "allowed"),
        (
            Question("s3:GetObject", OBJECT),
            Papers([], "", policy(Principal="*", Condition={"StringLike": {"aws:username": "*"}})),
            "denied",
        ),
    ],
)
def test_cases_on_which_the_two_once_differed(question: Question, papers: Papers, answer: str) -> None:
    assert (first(question, papers), verdict(question, papers)) == (answer, answer)
