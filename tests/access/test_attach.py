"""Policies are attached by IAM's own calls: planned first, and the same wherever it was cut off."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bondstore.access.attach import AttachPlan, PolicySet, carry_out, plan_attach, read_set
from bondstore.access.grants import Grant, Scope, Share
from bondstore.access.iam import Grantee, IamAccount, ListedPolicy, grantee_of
from bondstore.access.plan import make_plan, write_plan
from bondstore.config.settings import load_profile
from bondstore.errors import BondstoreError, ConfigurationError, NotFoundError, PolicyError, UsageError
from tests.access.test_check import BUCKET, allow
from tests.homes import home
from tests.servers.moto import Moto

__all__ = ["home"]
ADA = Grantee("user", "ada")
FOREIGN = {"Version": "2012-10-17", "Statement": [allow(resource=f"{BUCKET}/other/*")]}


def text(*participants: str) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [allow(resource=[f"{BUCKET}/S/{one}/*" for one in participants])]}


MAY = PolicySet("study", {"p-1": text("a", "b"), "p-2": text("c"), "p-3": text("d")})
JUNE = PolicySet("study", {"p-1": text("a"), "p-2": text("c"), "p-4": text("e"), "p-5": text("f")})


@pytest.fixture
def iam(home: object, moto_environment: Moto) -> Any:
    """A plain client of an account with somebody in it, who has policies of somebody else."""
    client = moto_environment.client("iam")
    client.create_user(UserName="ada")
    client.create_user(UserName="bob")
    client.create_role(RoleName="export", AssumeRolePolicyDocument="{}")
    client.create_group(GroupName="readers")
    client.add_user_to_group(GroupName="readers", UserName="ada")
    for name, path in (("theirs", "/"), ("theirs-too", "/bondstore/")):
        made = client.create_policy(PolicyName=name, Path=path, PolicyDocument=json.dumps(FOREIGN))
        client.attach_user_policy(UserName="ada", PolicyArn=made["Policy"]["Arn"])
    return client


@pytest.fixture
def account(iam: Any) -> IamAccount:
    return IamAccount(load_profile())


def state(iam: Any) -> dict[str, Any]:
    """What another program sees: of each policy its path, the text that holds and all texts; who has which."""
    found: dict[str, Any] = {}
    for one in iam.list_policies(Scope="Local")["Policies"]:
        versions = iam.list_policy_versions(PolicyArn=one["Arn"])["Versions"]
        texts = {
            each["VersionId"]: iam.get_policy_version(PolicyArn=one["Arn"], VersionId=each["VersionId"])[
                "PolicyVersion"
            ]
            for each in versions
        }
        [holds] = [each["Document"] for each in texts.values() if each["IsDefaultVersion"]]
        found[one["PolicyName"]] = (one["Path"], holds, sorted(json.dumps(each["Document"]) for each in texts.values()))
    for kind in ("User", "Role", "Group"):
        for each in getattr(iam, f"list_{kind.lower()}s")()[f"{kind}s"]:
            name = each[f"{kind}Name"]
            held = getattr(iam, f"list_attached_{kind.lower()}_policies")(**{f"{kind}Name": name})["AttachedPolicies"]
            found[name] = sorted(one["PolicyName"] for one in held)
    return found


def calls(plan: AttachPlan) -> list[tuple[str, str]]:
    return [(one.operation, one.policy) for one in plan.calls]


def do(account: IamAccount, policies: PolicySet, who: Grantee = ADA, **more: Any) -> AttachPlan:
    plan = plan_attach(account, who, policies, **more)
    carry_out(account, plan)
    return plan


@pytest.mark.parametrize("who", [ADA, Grantee("role", "export"), Grantee("group", "readers")], ids=str)
def test_a_plan_is_attached_changed_and_attached_again(who: Grantee, iam: Any, account: IamAccount) -> None:
    before = state(iam)
    first = plan_attach(account, who, MAY)
    assert state(iam) == before  # a plan changes nothing
    kind = who.kind.capitalize()
    assert calls(first) == [
        (operation, f"p-{n}") for operation in ("CreatePolicy", f"Attach{kind}Policy") for n in (1, 2, 3)
    ]
    carry_out(account, first)
    mine = before[who.name]
    assert state(iam)[who.name] == sorted([*mine, "p-1", "p-2", "p-3"])
    assert state(iam)["p-1"][:2] == ("/bondstore/", text("a", "b"))
    assert plan_attach(account, who, MAY).calls == ()
    changed = do(account, JUNE, who)
    assert calls(changed) == [
        ("CreatePolicyVersion", "p-1"), ("CreatePolicy", "p-4"), ("CreatePolicy", "p-5"),
        (f"Attach{kind}Policy", "p-4"), (f"Attach{kind}Policy", "p-5"), (f"Detach{kind}Policy", "p-3"),
        ("DeletePolicy", "p-3"),
    ]  # fmt: skip
    after = state(iam)
    assert after[who.name] == sorted([*mine, "p-1", "p-2", "p-4", "p-5"])
    assert (after["p-1"][1], after["p-2"][1], "p-3" in after) == (text("a"), text("c"), False)
    assert after["theirs"] == before["theirs"]
    assert after["theirs-too"] == before["theirs-too"]
    assert changed.attached == len(after[who.name])
    assert list(changed.others) == sorted(mine)
    # back to what was before: the earlier version holds again
    assert ("SetDefaultPolicyVersion", "p-1") in calls(do(account, MAY, who))
    assert state(iam)["p-1"][1] == text("a", "b")


class Cut(Exception):
    """The process was killed."""


class Cutting(IamAccount):
    """An account that is cut off after so many calls that change something."""

    left = 0

    def call(self, operation: str, about: str, **arguments: Any) -> dict[str, Any]:
        if not operation.startswith(("get", "list")):
            if not self.left:
                raise Cut
            self.left -= 1
        return super().call(operation, about, **arguments)


def full(account: IamAccount) -> None:
    """A policy with as many versions as there may be, and another that leaves."""
    for number in range(4):
        do(account, PolicySet("study", {"p-1": text(f"v{number}")}))
    do(account, MAY)


def test_cut_off_anywhere_and_run_again_it_ends_the_same(iam: Any, account: IamAccount, moto_server: Moto) -> None:
    def begin() -> None:
        moto_server.reset()
        iam.create_user(UserName="ada")
        full(account)

    begin()
    planned = plan_attach(account, ADA, JUNE)
    assert ("DeletePolicyVersion", "p-1") in calls(planned)
    carry_out(account, planned)
    undisturbed = state(iam)
    assert undisturbed["ada"] == ["p-1", "p-2", "p-4", "p-5"]
    assert len(undisturbed["p-1"][2]) == 5
    held = "".join(undisturbed["p-1"][2])
    assert [f"/S/v{number}/" in held for number in range(4)] == [False, True, True, True]  # the oldest one went
    for number in range(len(planned.calls)):
        begin()
        cutting = Cutting(load_profile())
        cutting.left = number
        with pytest.raises(Cut):
            do(cutting, JUNE)
        do(account, JUNE)
        assert state(iam) == undisturbed, number
        assert plan_attach(account, ADA, JUNE).calls == ()


def test_policies_of_somebody_else_are_neither_changed_nor_removed(iam: Any, account: IamAccount) -> None:
    before = state(iam)
    for name in ("theirs", "theirs-too"):
        with pytest.raises(PolicyError, match=f"There is a policy {name} already"):
            plan_attach(account, ADA, PolicySet("study", {name: text("a")}))
    # what says the same anyway is attached as it is
    same = PolicySet("study", {"theirs": FOREIGN})
    assert plan_attach(account, ADA, same).calls == ()
    do(account, same, Grantee("group", "readers"))
    assert state(iam) == {**before, "readers": ["theirs"]}
    # and stays where the plan has it no more: it is not of this plan
    assert plan_attach(account, Grantee("group", "readers"), PolicySet("study", {"p-1": text("a")})).kept == ()
    do(account, PolicySet("study", {"p-1": text("a")}), Grantee("group", "readers"))
    assert state(iam)["readers"] == ["p-1", "theirs"]


def test_a_policy_elsewhere_is_not_of_this_plan_whatever_its_description(iam: Any, account: IamAccount) -> None:
    iam.create_policy(PolicyName="p-1", PolicyDocument=json.dumps(FOREIGN), Description="Bondstore plan: study")
    with pytest.raises(PolicyError, match="There is a policy p-1 already"):
        plan_attach(account, ADA, MAY)


def test_what_somebody_else_alone_has_is_left_out(iam: Any, account: IamAccount) -> None:
    do(account, MAY, Grantee("user", "bob"))
    before = state(iam)
    plan = do(account, JUNE, shared=True)
    assert plan.kept == ()
    assert (state(iam)["bob"], state(iam)["p-3"]) == (before["bob"], before["p-3"])


def test_who_has_more_than_ten_already_may_have_them_changed(iam: Any, account: IamAccount) -> None:
    many = PolicySet("many", {f"m-{n:02}": text(str(n)) for n in range(9)})
    do(account, many, quota=11)  # two are there already
    changed = PolicySet("many", {**many.contents, "m-00": text("changed")})
    assert calls(do(account, changed)) == [("CreatePolicyVersion", "m-00")]


def test_what_others_have_is_not_changed_unasked_and_not_removed(iam: Any, account: IamAccount) -> None:
    bob = Grantee("user", "bob")
    do(account, MAY)
    do(account, MAY, bob)
    with pytest.raises(PolicyError, match="p-1 would change, and 1 other"):
        plan_attach(account, ADA, JUNE)
    plan = do(account, JUNE, shared=True)
    assert plan.kept == ("p-3",)
    after = state(iam)
    assert after["bob"] == ["p-1", "p-2", "p-3"]
    assert after["p-3"][1] == text("d")
    assert "p-3" not in after["ada"]
    do(account, JUNE, bob)
    assert "p-3" not in state(iam)


class Bounded(IamAccount):
    """An account in which one policy is also somebody's boundary: moto does not count these, as AWS does."""

    def call(self, operation: str, about: str, **arguments: Any) -> dict[str, Any]:
        answer = super().call(operation, about, **arguments)
        for one in answer.get("Policies", []):
            one["PermissionsBoundaryUsageCount"] = int(one["PolicyName"] == "p-3")
        return answer


def test_a_boundary_of_somebody_is_not_removed(iam: Any, account: IamAccount) -> None:
    do(account, MAY)
    assert do(Bounded(load_profile()), JUNE).kept == ("p-3",)
    assert state(iam)["p-3"][1] == text("d")


def test_too_many_are_refused_before_the_first_call(iam: Any, account: IamAccount) -> None:
    before = state(iam)
    many = PolicySet("many", {f"m-{n:02}": text(str(n)) for n in range(9)})
    with pytest.raises(PolicyError) as caught:
        plan_attach(account, ADA, many)  # two are there already
    assert "user/ada would have 11 policies, and may have 10." in caught.value.message
    assert "1 of them could come by 1 group; user/ada is in 1 of at most 10." in caught.value.message
    assert plan_attach(account, ADA, many, quota=11).attached == 11
    with pytest.raises(UsageError):
        plan_attach(account, Grantee("group", "readers"), many, quota=20)
    assert state(iam) == before


def test_a_full_list_makes_room_first(iam: Any, account: IamAccount) -> None:
    do(account, PolicySet("many", {f"m-{n}": text(str(n)) for n in range(8)}))
    plan = do(account, PolicySet("many", {f"m-{n}": text(str(n)) for n in range(1, 9)}))
    order = [one.operation for one in plan.calls]
    assert order.index("DetachUserPolicy") < order.index("AttachUserPolicy")
    assert len(state(iam)["ada"]) == 10


class Crowded(IamAccount):
    """An account with so many policies."""

    number = 0

    def policies(self) -> dict[str, ListedPolicy]:
        return {f"x-{one}": ListedPolicy(f"x-{one}", f"arn:x-{one}", "/", 1) for one in range(self.number)}


def test_an_account_takes_1500_policies(iam: Any) -> None:
    account = Crowded(load_profile())
    account.number = 1_497
    assert len(plan_attach(account, ADA, MAY).calls) == 6
    account.number = 1_498
    with pytest.raises(PolicyError, match="The account has 1,498 policies, and 3 more are over its 1,500"):
        plan_attach(account, ADA, MAY)
    assert len(plan_attach(account, ADA, MAY, account_quota=5_000).calls) == 6


def test_nobody_of_this_name(account: IamAccount) -> None:
    with pytest.raises(NotFoundError, match="IAM has no user/eve"):
        plan_attach(account, Grantee("user", "eve"), MAY)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("user/ada", ADA),
        ("arn:aws:iam::123456789012:role/service/export", Grantee("role", "export")),
        ("group/readers", Grantee("group", "readers")),
        ("ada", None), ("users/ada", None), ("user/", None), ("user/a b", None),
    ],
)  # fmt: skip
def test_who_is_meant(words: str, meant: Grantee | None) -> None:
    if meant:
        assert grantee_of(words) == meant
        return
    with pytest.raises(UsageError):
        grantee_of(words)


def test_an_arn_of_another_account_or_path_is_nobody(account: IamAccount) -> None:
    mine = "arn:aws:iam::123456789012:user/ada"
    assert account.details(grantee_of(mine))["Arn"] == mine
    for other in ("arn:aws:iam::999999999999:user/ada", "arn:aws:iam::123456789012:user/away/ada"):
        with pytest.raises(NotFoundError, match=other):
            plan_attach(account, grantee_of(other), MAY)


def test_a_list_of_one_says_the_same_as_its_text(account: IamAccount) -> None:
    def written(actions: Any, resources: Any, statements: bool) -> PolicySet:
        statement = {"Effect": "Allow", "Action": actions, "Resource": resources}
        return PolicySet("q", {"q": {"Version": "2012-10-17", "Statement": [statement] if statements else statement}})

    do(account, written(["s3:GetObject"], [f"{BUCKET}/S/*"], True))
    assert plan_attach(account, ADA, written("s3:GetObject", f"{BUCKET}/S/*", False)).calls == ()
    assert plan_attach(account, ADA, written("s3:GetObject", f"{BUCKET}/T/*", True)).calls


def test_only_what_the_plan_wrote_is_attached(tmp_path: Path) -> None:
    grant = Grant("bucket", Scope([Share(f"p{number:03d}", (f"S/p{number:03d}/",)) for number in range(100)]))
    plan = make_plan("n", grant)
    write_plan(plan, tmp_path)
    assert read_set(tmp_path) == PolicySet("n", {name: dict(one) for name, one in plan.documents.items()})
    file = tmp_path / "n-001.json"
    whole = file.read_bytes()
    changes = [("admin", allow("*", "*"), r"admin\.json is not part of the plan"), ("n-001", allow(), "was changed")]
    for name, statement, why in changes:
        (tmp_path / f"{name}.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
        with pytest.raises(ConfigurationError, match=why):
            read_set(tmp_path)
        (tmp_path / f"{name}.json").unlink()
    with pytest.raises(ConfigurationError, match=r"n-001\.json, which is part of the plan, is missing"):
        read_set(tmp_path)
    file.write_bytes(whole)
    (tmp_path / "plan.next").write_bytes((tmp_path / "plan.json").read_bytes())  # as a killed process leaves it
    with pytest.raises(ConfigurationError, match="not written to its end"):
        read_set(tmp_path)


def test_what_iam_would_refuse_is_not_begun(tmp_path: Path) -> None:
    (tmp_path / "p-1.json").write_text(json.dumps(text("a")))
    assert read_set(tmp_path) == PolicySet(tmp_path.name, {"p-1": text("a")})
    (tmp_path / "p-3.json").write_text("hello")
    with pytest.raises(ConfigurationError) as caught:
        read_set(tmp_path)
    assert str(caught.value).count("p-3.json") == 1
    (tmp_path / "p-3.json").unlink()
    (tmp_path / "p-2.json").write_text(json.dumps(text("x" * 6_144)))
    with pytest.raises(ConfigurationError, match=r"p-2\.json: 6,"):
        read_set(tmp_path)
    with pytest.raises(BondstoreError):
        read_set(tmp_path / "none")


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("p 1", allow()),
        ("p", allow(resource=f"{BUCKET}/ō/*")),
        ("p", {"Effect": "Allow", "Action": "s3:GetObject"}),
        ("p", allow(Principal="*")),
        ("p", allow(Sid="not so")),
        ("p", {"Effect": "Allow"}),
    ],
    ids=["name", "character", "no resource", "principal", "statement's name", "no policy"],
)
def test_each_policy_that_iam_refuses_is_refused(tmp_path: Path, name: str, statement: Any) -> None:
    content = {"Version": "2012-10-17", "Statement": [statement]}
    (tmp_path / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    with pytest.raises(ConfigurationError):
        read_set(tmp_path)


def test_an_account_with_more_policies_than_a_page_is_read_to_its_end(iam: Any, account: IamAccount) -> None:
    for number in range(110):  # IAM gives 100 at a time
        iam.create_policy(PolicyName=f"x-{number}", PolicyDocument=json.dumps(FOREIGN))
    assert len(account.policies()) == 112
