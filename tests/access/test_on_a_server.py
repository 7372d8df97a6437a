"""What a real server does, key by key, beside what the evaluator says; and where that server, SeaweedFS, is not AWS."""

from __future__ import annotations

import functools
import itertools
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config

from bondstore.access.conditions import Context
from bondstore.access.document import parse
from bondstore.access.evaluate import Policies, Principal, Request, decide
from tests.servers.seaweedfs import SeaweedFS
from tests.waiting import wait_until

USERS, BUCKET_POLICIES = 25, 8  # 200 cases, of ten requests each
BUCKET = "policies-on-a-server"
IN_FORCE = "policies-in-force"  # each policy opens an object here, which tells when the server follows it
STUDIES, PEOPLE = ["St1", "St10", "St", "Tx"], ["p1", "p10", "p", "q1"]  # one begins with another
FORMS = ["@S/@P/a.csv", "CHUNKED_DATA/@S/@P/a.csv", "@S/keys/@P_private", "PROBLEM_UPLOADS/@S/@P/x.csv"]
KEYS = [form.replace("@S", s).replace("@P", p) for form in FORMS for s in STUDIES for p in PEOPLE]
PREFIXES = ["", "@S/", "@S/@P", "@S/@P/", "CHUNKED_DATA/@S/@P/"]
PATTERNS = [
    "@S/@P/*",
    "@S/@P/*",
    "CHUNKED_DATA/@S/@P/*",
    "@S/*",
    "@S*",
    "@S/p?/*",
    "*/@P/*",
    "*",
    "@S/keys/*",
    "@S/@P/a.csv",
]
PATTERNS += ["PROBLEM_UPLOADS/*", "*/${aws:username}/*", "@S/${aws:username}/a.cs?"]
ABSENT = dict.fromkeys(("s3:prefix", "aws:principaltag/site", "aws:tagkeys"), ())
ANSWERS = {True: "allowed", False: "denied", None: "unknown"}


@dataclass
class User:
    """Somebody with policies of their own, and a connection."""

    arn: str
    policies: list[str]
    client: Any


@pytest.fixture(scope="module")
def served(seaweedfs: SeaweedFS) -> Iterator[SeaweedFS]:
    """The server with a bucket of several studies."""
    seaweedfs.create_bucket(BUCKET)
    seaweedfs.create_bucket(IN_FORCE)
    for number in range(2):
        seaweedfs.client().put_object(Bucket=IN_FORCE, Key=str(number), Body=b"x")
    for key in KEYS:
        seaweedfs.client().put_object(Bucket=BUCKET, Key=key, Body=b"x")
    yield seaweedfs
    set_bucket_policy(seaweedfs, "")


NUMBERS = itertools.count()
SESSION = functools.cache(boto3.session.Session)  # it reads the descriptions of the services once


def client_of(server: SeaweedFS, service: str, access_key: str, secret_key: str) -> Any:
    return SESSION().client(
        service,
        endpoint_url=server.endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=server.region,
        config=Config(proxies={}, s3={"addressing_style": "path"}),
    )


def user_with(server: SeaweedFS, *statements: list[dict[str, Any]], name: str = "u") -> User:
    """Make a user with managed policies."""
    iam = client_of(server, "iam", server.access_key, server.secret_key)
    name = f"{name}{next(NUMBERS)}"
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    made = iam.create_access_key(UserName=name)["AccessKey"]
    texts = [policy(*some, opens(f"{IN_FORCE}/{number}")) for number, some in enumerate(statements)]
    arns = [
        iam.create_policy(PolicyName=f"{name}-{number}", PolicyDocument=text)["Policy"]["Arn"]
        for number, text in enumerate(texts)
    ]
    user = User(arn, texts, client_of(server, "s3", made["AccessKeyId"], made["SecretAccessKey"]))
    followed = [str(n) for n, text in enumerate(texts) if "NotResource" not in text]  # those are dropped, see below

    def in_force() -> bool:  # now and then the server forgets one that it is told of beside other things
        for one in arns:
            iam.attach_user_policy(UserName=name, PolicyArn=one)
        time.sleep(0.02)
        return all(done(user, "s3:GetObject", key, IN_FORCE) == "allowed" for key in followed)

    wait_until(in_force, pause=0.2)
    return user


def opens(path: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{path}"}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def set_bucket_policy(server: SeaweedFS, text: str) -> None:
    if text:
        server.client().put_bucket_policy(Bucket=BUCKET, Policy=text)
        return
    # The server has no "no policy": to take away what is not there is an error.
    server.client().put_bucket_policy(Bucket=BUCKET, Policy=policy(DENY_NOBODY))
    server.client().delete_bucket_policy(Bucket=BUCKET)


NOBODY = {"AWS": "arn:aws:iam::000000000000:user/nobody"}
DENY_NOBODY = {"Effect": "Deny", "Principal": NOBODY, "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/*"}


def said(user: User, bucket_policy: str, action: str, key: str) -> str:
    """Return what the evaluator says: of an object, or of listing under a prefix."""
    lists = action == "s3:ListBucket"
    resource = f"arn:aws:s3:::{BUCKET}" + ("" if lists else f"/{key}")
    context = Context(ABSENT | {"s3:prefix": (key,), "aws:securetransport": ("false",)} if lists else ABSENT)
    document = parse(bucket_policy, "bucket.json") if bucket_policy else None
    policies = Policies([parse(text, "own.json") for text in user.policies], resource=document)
    return ANSWERS[decide(Request(action, resource, Principal(user.arn), context), policies).permission.is_allowed]


def done(user: User, action: str, key: str, bucket: str = BUCKET) -> str:
    """Return what the server does."""
    calls: dict[str, Callable[[], Any]] = {
        "s3:GetObject": lambda: user.client.get_object(Bucket=bucket, Key=key).get("Body").close(),
        "s3:PutObject": lambda: user.client.put_object(Bucket=bucket, Key=key, Body=b"x"),
        "s3:ListBucket": lambda: user.client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1),
    }
    try:
        calls[action]()
    except user.client.exceptions.ClientError as error:
        return "denied" if error.response["Error"]["Code"] == "AccessDenied" else str(error)
    return "allowed"


class StudyPolicies:
    """Random policies of studies, of what the server knows of the language."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.study, self.person = self.random.choice(STUDIES), self.random.choice(PEOPLE)

    def text(self, forms: list[str]) -> str:
        mine = self.random.random() < 0.7
        study, person = (self.study, self.person) if mine else (self.random.choice(STUDIES), self.random.choice(PEOPLE))
        return self.random.choice(forms).replace("@S", study).replace("@P", person)

    def objects(self, effect: str) -> dict[str, Any]:
        actions = ["s3:GetObject", ["s3:GetObject", "s3:PutObject"], "s3:Get*", "s3:*", "s3:PutObject"]
        resources = [f"arn:aws:s3:::{BUCKET}/{self.text(PATTERNS)}" for _ in range(self.random.randint(1, 2))]
        return {"Effect": effect, "Action": self.random.choice(actions), "Resource": resources}

    def listing(self, effect: str, *more: str) -> dict[str, Any]:
        operator = self.random.choice(["StringLike", "StringLike", "StringEquals", "StringNotLike", "StringNotEquals"])
        values = [self.text([*PREFIXES[1:], *more, "@S/*", "@S/@P/*", "@S*", "${aws:username}/*"]) for _ in range(2)]
        condition = {"Condition": {operator: {"s3:prefix": values}}} if self.random.random() < 0.8 else {}
        return {"Effect": effect, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}", **condition}

    def own(self) -> list[dict[str, Any]]:
        effects = ["Allow", "Allow", "Allow", "Deny"]
        some = [self.objects(self.random.choice(effects)), self.listing(self.random.choice(effects), "", "")]
        return [*some[: self.random.randint(1, 2)], self.objects("Allow")]

    def of_bucket(self, arn: str) -> str:
        principal = self.random.choice(["*", {"AWS": "*"}, {"AWS": arn}, {"AWS": [arn]}, NOBODY])
        effects = ["Deny", "Deny", "Allow"]
        some = [self.objects(self.random.choice(effects)), self.listing(self.random.choice(effects))]
        for one in some:  # a Deny of all that all may do would shut out the administrator of this test
            one["Action"] = "s3:GetObject" if one["Action"] == "s3:*" else one["Action"]
        return policy(*({**one, "Principal": principal} for one in some[: self.random.randint(1, 2)]))

    def requests(self) -> list[tuple[str, str]]:
        mine = [self.text([form]) for form in FORMS]
        reads = [("s3:GetObject", key) for key in [*mine[:3], *self.random.sample(KEYS, 2)]]
        writes = [("s3:PutObject", key) for key in [mine[0], self.random.choice(KEYS)]]
        return [*reads, *writes, *(("s3:ListBucket", self.text([form])) for form in self.random.sample(PREFIXES, 3))]


def test_the_server_does_what_the_evaluator_says_key_by_key(served: SeaweedFS) -> None:
    differ, tally = [], Counter[str]()
    for number in range(USERS):
        made = StudyPolicies(number)
        own = [made.own() for _ in range(made.random.randint(1, 2))]
        user = user_with(served, *own, name=made.person if number % 2 else "u")
        for bucket_policy in ["", *(made.of_bucket(user.arn) for _ in range(BUCKET_POLICIES - 1))]:
            set_bucket_policy(served, bucket_policy)
            for action, key in made.requests():
                expected, answer = said(user, bucket_policy, action, key), done(user, action, key)
                if expected != answer:  # the server follows a change within a moment
                    time.sleep(1)
                    answer = done(user, action, key)
                tally.update(["all", f"{action} {answer}"])
                if expected != answer:
                    differ.append((number, action, key, expected, answer, user.policies, bucket_policy))
    assert differ == []
    assert tally["all"] >= 10 * USERS * BUCKET_POLICIES
    for action in ("s3:GetObject", "s3:PutObject", "s3:ListBucket"):
        assert tally[f"{action} allowed"] > 50, tally
        assert tally[f"{action} denied"] > 50, tally


def objects(effect: str = "Allow", action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    about = {} if more.keys() & {"NotResource"} else {"Resource": f"arn:aws:s3:::{BUCKET}/*"}
    named = {} if "NotAction" in more else {"Action": action}
    return {"Effect": effect, **named, **about, **more}


def when(operator: str, key: str, value: str) -> dict[str, Any]:
    return objects(Condition={operator: {key: value}})


LIST_ALL = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"}
ROOT = {"AWS": "arn:aws:iam::000000000000:root"}
READ = ("s3:GetObject", "St1/p1/a.csv")
ST1, OTHER = f"arn:aws:s3:::{BUCKET}/St1/*", f"arn:aws:s3:::{BUCKET}/Tx/*"
NO_PREFIX = {"StringNotLike": {"s3:prefix": [""]}}


@dataclass
class NotAsAws:
    """A request that AWS, by its documents, and the server answer differently."""

    why: str
    own: list[list[dict[str, Any]]]
    of_bucket: list[dict[str, Any]] = field(default_factory=list)
    request: tuple[str, str] = READ
    by_aws: str = "allowed"
    by_server: str = "denied"


SEAWEEDFS_IS_NOT_AWS = [
    NotAsAws(
        "resources of a user's policy fit without regard to case",
        [[objects(Resource=f"arn:aws:s3:::{BUCKET}/sT1/*")]],
        by_aws="denied",
        by_server="allowed",
    ),
    NotAsAws("NotAction in a user's policy means nothing", [[objects(NotAction="s3:PutObject")]]),
    NotAsAws("a user's policy with NotResource is dropped: an Allow", [[objects(NotResource=OTHER)], [LIST_ALL]]),
    NotAsAws(
        "a user's policy with NotResource is dropped: a Deny",
        [[objects("Deny", NotResource=OTHER)], [objects()]],
        by_aws="denied",
        by_server="allowed",
    ),
    NotAsAws(
        "the account as a principal means nobody",
        [[objects()]],
        [objects("Deny", Principal=ROOT)],
        by_aws="denied",
        by_server="allowed",
    ),
    NotAsAws("IfExists of an absent key is false", [[when("StringLikeIfExists", "s3:prefix", "x")]]),
    NotAsAws("ForAllValues of an absent key is false", [[when("ForAllValues:StringLike", "s3:prefix", "x")]]),
    NotAsAws("keys of conditions have case", [[when("StringLike", "aws:UserName", "u*")]]),
    NotAsAws("aws:PrincipalArn is not known", [[when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:user/*")]]),
    NotAsAws(
        "aws:SecureTransport is not known",
        [[{**LIST_ALL, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]],
        request=("s3:ListBucket", "St1/"),
    ),
    NotAsAws(
        "an empty prefix is no prefix in a bucket's policy",
        [[LIST_ALL]],
        [{**LIST_ALL, "Effect": "Deny", "Principal": "*", "Condition": NO_PREFIX}],
        request=("s3:ListBucket", ""),
    ),
]


@pytest.mark.parametrize("case", SEAWEEDFS_IS_NOT_AWS, ids=lambda case: case.why)
def test_where_the_server_is_not_as_aws_documents(served: SeaweedFS, case: NotAsAws) -> None:
    user, bucket_policy = user_with(served, *case.own), policy(*case.of_bucket) if case.of_bucket else ""
    set_bucket_policy(served, bucket_policy)
    assert said(user, bucket_policy, *case.request) == case.by_aws
    assert done(user, *case.request) == case.by_server


@pytest.mark.parametrize("odd", [{"NotPrincipal": NOBODY}, {"NotAction": "s3:PutObject", "Principal": "*"}])
def test_the_server_refuses_what_aws_takes_in_a_buckets_policy(served: SeaweedFS, odd: dict[str, Any]) -> None:
    text = policy(objects("Deny", **odd))
    parse(text, "bucket.json")
    with pytest.raises(served.client().exceptions.ClientError, match="InvalidPolicyDocument"):
        set_bucket_policy(served, text)


def test_the_server_keeps_an_old_bucket_policy_beside_one_with_not_resource(served: SeaweedFS) -> None:
    user = user_with(served, [LIST_ALL])
    after = policy(objects("Deny", NotResource=OTHER, Principal="*"))
    set_bucket_policy(served, policy({**LIST_ALL, "Effect": "Deny", "Principal": "*"}))
    set_bucket_policy(served, after)
    assert said(user, after, "s3:ListBucket", "St1/") == "allowed"
    assert done(user, "s3:ListBucket", "St1/") == "denied"
