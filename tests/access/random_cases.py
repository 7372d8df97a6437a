"""Random requests and policies of studies, made to meet each other often enough that every answer occurs."""

from __future__ import annotations

import json
import random
from typing import Any

from tests.access.second_evaluator import Papers, Question

HOME, AWAY = "111122223333", "444455556666"
BUCKET = "study-data"
# Ids that look alike, and ids with which other ids begin.
STUDIES = ["St1", "St10", "st1", "St"]
PEOPLE = ["p1", "p10", "P1", "pl", "ada"]
USERS = [f"arn:aws:iam::{HOME}:user/{name}" for name in ("ada", "p1", "team/p10")]
ROLE = f"arn:aws:iam::{HOME}:role/reader"
EVE = f"arn:aws:iam::{AWAY}:user/eve"

KEYS = ["@S/@P/accel/1.csv", "@S/@P/gps/2.csv", "CHUNKED_DATA/@S/@P/accel/1.csv", "@S/@P/a:b.csv", "@S/@P"]
KEYS += ["@S/keys/@P_private", "PROBLEM_UPLOADS/@S/@P/x.csv"]
PATTERNS = ["@S/@P/*", "@S/*", "@S*", "@S/@P*", "*/@P/*", "@S/@P/accel/?.csv", "@S/p?/*", "CHUNKED_DATA/@S/*", "*"]
PATTERNS += ["@S/keys/*", "PROBLEM_UPLOADS/*", "@S/${aws:username}/*", "*/${aws:username}/*", "@S/p${*}/*"]
PATTERNS += ["@S/${aws:PrincipalTag/site}/*", "@S/${aws:PrincipalTag/site, '@P'}/*"]
WHOLE = ["*", "arn:aws:s3:::*", "arn:aws:s3:*", "arn:*:s3:::study-data/@S/*", "arn:aws:s3:*:*:study-data/*"]
WHOLE += ["arn:aws:s3:::study-dat?/@S*", f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}"]
ACTIONS = ["s3:GetObject", "s3:GetObject", "s3:Get*", "s3:*", "*", "S3:getobject", "s3:PutObject", "s3:?etObject"]
ACTIONS += ["s3:ListBucket", "s3:List*"]
PREFIXES = ["@S/", "@S/@P/", "@S/@P", "", "@S/@P/accel/"]
PREFIX_PATTERNS = ["@S/", "@S/*", "@S/@P/", "@S/@P/*", "@S*", "", "*", "@S/${aws:username}/*"]
PREFIX_PATTERNS += ["@S/${aws:PrincipalTag/site}/*"]
SITES = ["p1", "p10", "ada", "north", "p*"]
TAGS = ["site", "Site", "owner", ""]
OPERATORS = ["StringEquals", "StringLike", "StringLike", "StringNotEquals", "StringNotLike", "StringEqualsIgnoreCase"]


class Maker:
    """Makes one case of one seed: a study and a participant of its own, which most of its parts name."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.study, self.person = self.one_of(STUDIES), self.one_of(PEOPLE)

    def one_of(self, things: list[Any]) -> Any:
        """Return one of several."""
        return self.random.choice(things)

    def chance(self, share: float) -> bool:
        """Say yes as often as that."""
        return self.random.random() < share

    def text(self, forms: list[str]) -> str:
        """Return a form with ids: mostly those of this case, else others."""
        study = self.study if self.chance(0.7) else self.one_of(STUDIES)
        person = self.person if self.chance(0.7) else self.one_of(PEOPLE)
        return self.one_of(forms).replace("@S", study).replace("@P", person)

    def some(self, forms: list[str]) -> Any:
        """Return one text, or a list of one or two."""
        if self.chance(0.5):
            return self.text(forms)
        return [self.text(forms) for _ in range(self.random.randint(1, 2))]

    def condition(self) -> tuple[str, str, Any]:
        """Return an operator, a key and values."""
        exists = "IfExists" * self.chance(0.3)
        operator = self.one_of(OPERATORS) + exists
        quantity = self.one_of(["", "", "ForAnyValue:", "ForAllValues:"])
        kind = self.one_of(["prefix"] * 4 + ["site"] * 2 + ["tags"] * 2 + ["secure", "arn", "null", "name"])
        if kind == "prefix":
            return quantity + operator, "s3:prefix", self.some(PREFIX_PATTERNS)
        if kind == "site":
            return operator, "aws:PrincipalTag/site", self.some(SITES)
        if kind == "tags":
            return quantity + operator, "aws:TagKeys", self.some(TAGS)
        if kind == "secure":
            return "Bool" + exists, "aws:SecureTransport", self.one_of(["true", "false"])
        if kind == "arn":
            arns = [*USERS, ROLE, f"arn:aws:iam::{HOME}:user/*", "arn:aws:iam::*:*/@P"]
            return self.one_of(["ArnLike", "ArnEquals", "ArnNotLike"]), "aws:PrincipalArn", self.text(arns)
        if kind == "null":
            key = self.one_of(["s3:prefix", "aws:PrincipalTag/site", "aws:username"])
            return "Null", key, self.one_of(["true", "false"])
        return operator, "AWS:UserName", self.some(PEOPLE)

    def principal(self) -> Any:
        """Return who a statement of a bucket names."""
        kind = self.random.randrange(6)
        if kind < 2:
            return [{"AWS": "*"}, "*"][kind]
        if kind == 5:
            return {"Service": "cloudtrail.amazonaws.com"}
        accounts = [HOME, AWAY, f"arn:aws:iam::{HOME}:root"] if kind == 4 else []
        return {"AWS": self.some([*USERS, ROLE, EVE, *accounts])}

    def resource(self) -> str:
        """Return a resource or a pattern of some."""
        forms = WHOLE if self.chance(0.35) else [f"arn:aws:s3:::{BUCKET}/{one}" for one in [*PATTERNS, *KEYS[:2]]]
        return self.text(forms)

    def statement(self, *, bucket: bool, boundary: bool) -> dict[str, Any]:
        """Return a statement; one of a boundary allows more."""
        wide = 0.6 if boundary else 0.0
        one: dict[str, Any] = {"Effect": "Deny" if self.chance(0.2) else "Allow"}
        one["NotAction" if self.chance(0.12) else "Action"] = "s3:*" if self.chance(wide) else self.some(ACTIONS)
        resources: Any = "*" if self.chance(wide) else self.resource()
        one["NotResource" if self.chance(0.12) else "Resource"] = (
            [resources, self.resource()] if self.chance(0.4) else resources
        )
        if bucket:
            one["NotPrincipal" if self.chance(0.15) else "Principal"] = self.principal()
        for _ in range(self.one_of([0, 0, 0, 1, 1, 2])):
            operator, key, values = self.condition()
            one.setdefault("Condition", {}).setdefault(operator, {})[key] = values
        return one

    def policy(self, *, bucket: bool = False, boundary: bool = False) -> str:
        """Return the text of a policy."""
        version = self.one_of([{"Version": "2012-10-17"}] * 6 + [{"Version": "2008-10-17"}, {}])
        count = self.random.randint(1, 3)
        statements: Any = [self.statement(bucket=bucket, boundary=boundary) for _ in range(count)]
        return json.dumps({**version, "Statement": statements[0] if count == 1 and self.chance(0.3) else statements})

    def known(self) -> dict[str, tuple[str, ...]]:
        """Return what is known of a request: each key unknown, known to be absent, or with its values."""
        values = {
            "s3:prefix": (self.text(PREFIXES),),
            "aws:PrincipalTag/site": (self.person if self.chance(0.5) else self.one_of(SITES),),
            "aws:TagKeys": tuple(self.random.sample(TAGS, self.random.randint(1, 2))),
            "aws:SecureTransport": (self.one_of(["true", "false"]),),
        }
        states = {key: self.one_of(["unknown", "absent", "known", "known"]) for key in values}
        return {
            key: value if states[key] == "known" else () for key, value in values.items() if states[key] != "unknown"
        }

    def question(self) -> Question:
        """Return a request."""
        action = self.one_of(["s3:GetObject", "s3:GetObject", "s3:PutObject", "s3:ListBucket"])
        key = "" if action == "s3:ListBucket" else "/" + self.text([*KEYS, KEYS[0], KEYS[2]])
        who = self.one_of([*USERS, *USERS, *USERS, ROLE, ROLE, ""])
        return Question(action, f"arn:aws:s3:::{BUCKET}{key}", who, self.one_of(["", HOME, HOME, AWAY]), self.known())

    def papers(self) -> Papers:
        """Return all policies."""
        own = [self.policy() for _ in range(self.one_of([0, 1, 1, 2, 2]))]
        boundary = self.policy(boundary=True) if self.chance(0.35) else ""
        return Papers(own, boundary, self.policy(bucket=True) if self.chance(0.5) else "")
