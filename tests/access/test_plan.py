"""Plans: each policy within its limit, all that is meant and nothing else, and one change for one participant."""

from __future__ import annotations

import errno
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bondstore.access import actions, plan
from bondstore.access.conditions import Context
from bondstore.access.document import parse
from bondstore.access.evaluate import Permission, Policies, Principal, Request, decide
from bondstore.access.grants import Grant, Rights, Scope, Share
from bondstore.access.pack import Room, fill, refill
from bondstore.access.plan import PolicyPlan, changing, make_plan, read_plan, ways, write_plan
from bondstore.domains.beiwe.access import scope
from bondstore.errors import ConfigurationError, NoSpaceError, UsageError

STUDY = "5873fe38644ad7557b168e43"
ADA = Principal("arn:aws:iam::123456789012:user/ada")
IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=8)


def grant(ids: Sequence[str], bucket: str = "b" * 63, **more: Rights) -> Grant:
    return Grant(bucket, scope(STUDY, ids), **more)


def people(number: int) -> list[str]:
    return [f"p{one:07d}" for one in range(number)]


def characters(made: PolicyPlan, folder: Path) -> list[int]:
    """What IAM counts: the characters of each file but for white space, of which names and ids here have none."""
    write_plan(made, folder)
    files = (folder / f"{name}.json" for name in made.policies)
    return [sum(not one.isspace() for one in file.read_text(encoding="utf-8")) for file in files]


def permission(made: PolicyPlan, key: str, action: str = "s3:GetObject", prefix: str | None = None) -> Permission:
    documents = [parse(json.dumps(document), name) for name, document in made.documents.items()]
    bucket = f"arn:aws:s3:::{made.grant.bucket}"
    context = Context({"s3:prefix": (prefix,) if prefix is not None else ()})
    resource = bucket if action == "s3:ListBucket" else f"{bucket}/{key}"
    return decide(Request(action, resource, ADA, context), Policies(documents)).permission


@pytest.mark.parametrize("number", [1, 2, 17, 18, 60, 250, 500])
def test_policies_are_within_their_limit_and_hold_each_participant_whole(number: int, tmp_path: Path) -> None:
    made = make_plan("n", grant(people(number)))
    assert max(characters(made, tmp_path)) <= 6_144
    held = [share for pieces in made.policies.values() for share in pieces]
    assert sorted(held) == people(number)


@pytest.mark.parametrize("bucket", [3, 20, 43, 50, 63])
def test_two_thousand_take_one_policy_more_than_their_characters_at_most(bucket: int, tmp_path: Path) -> None:
    one = grant(people(1), "b" * bucket).policy([(Share("x", ("p/",)), (0, 1))])
    made = make_plan("n", grant(people(2_000), "b" * bucket))
    sizes = characters(made, tmp_path)
    assert max(sizes) <= 6_144
    # What each policy has besides its entries, and all entries with a comma each.
    frame = len(json.dumps(one, separators=(",", ":"))) - len(f'"arn:aws:s3:::{"b" * bucket}/p/*","p/*"')
    entries = sum(
        2 * len(f'"{prefix}*",') + len(f"arn:aws:s3:::{'b' * bucket}/")
        for person in people(2_000)
        for prefix in (f"CHUNKED_DATA/{STUDY}/{person}/", f"{STUDY}/{person}/")
    )
    assert len(made.policies) <= -(-entries // (6_144 - frame)) + 1


@settings(max_examples=60, deadline=None)
@given(st.sets(IDS, min_size=1, max_size=30), st.data())
def test_all_that_is_meant_is_granted_and_nothing_else(ids: set[str], data: st.DataObject) -> None:
    meant = data.draw(st.sets(st.sampled_from(sorted(ids)), min_size=1))
    made = make_plan("n", grant(sorted(meant - {"keys"}) or ["p"]))
    shares = {one.name for one in made.grant.scope.shares}
    for person in ids | {f"{one}x" for one in ids} | {"keys"}:
        for key in (f"CHUNKED_DATA/{STUDY}/{person}/gps/1.csv", f"{STUDY}/{person}/gps/1.csv"):
            assert (permission(made, key) is Permission.ALLOWED) == (person in shares)
        for prefix in (f"{STUDY}/{person}/", f"{STUDY}/{person}/gps/", f"CHUNKED_DATA/{STUDY}/{person}/"):
            assert (permission(made, "", "s3:ListBucket", prefix) is Permission.ALLOWED) == (person in shares)
        for prefix in (f"{STUDY}/{person}", STUDY, "", None):
            assert permission(made, "", "s3:ListBucket", prefix) is Permission.DENIED
        assert permission(made, f"{STUDY}/keys/{person}_private") is Permission.DENIED
        assert permission(made, f"PROBLEM_UPLOADS/{STUDY}/{person}") is Permission.DENIED
        assert permission(made, f"{STUDY}/{person}/1.csv", "s3:PutObject") is Permission.DENIED
    assert permission(made, f"{STUDY}x/p/1.csv") is Permission.DENIED


def test_a_whole_study_opens_no_device_key_and_no_study_that_begins_alike() -> None:
    made = make_plan("n", Grant("bucket", scope(STUDY)))
    assert permission(made, f"{STUDY}/p/gps/1.csv") is Permission.ALLOWED
    assert permission(made, f"{STUDY}/keys/p_private") is Permission.FORBIDDEN
    assert permission(made, f"{STUDY}x/p/gps/1.csv") is Permission.DENIED
    assert permission(made, f"PROBLEM_UPLOADS/{STUDY}/1.csv") is Permission.DENIED
    below = make_plan("n", Grant("bucket", scope(STUDY), below="lab/"))
    assert permission(below, f"lab/{STUDY}/p/gps/1.csv") is Permission.ALLOWED
    assert permission(below, f"lab/{STUDY}/keys/p_private") is Permission.FORBIDDEN
    asked = make_plan("n", Grant("bucket", scope(STUDY, also=["keys", "problem-uploads"])))
    assert permission(asked, f"{STUDY}/keys/p_private") is Permission.ALLOWED
    assert permission(asked, f"PROBLEM_UPLOADS/{STUDY}/1.csv") is Permission.ALLOWED


# "Uploading an object using multipart upload" (S3 User Guide): PutObject begins, fills and completes it.
PUTS = {"PutObject", "AbortMultipartUpload", "ListMultipartUploadParts"}


@pytest.mark.parametrize(
    ("rights", "on_objects", "on_bucket"),
    [
        (Rights.READ, {"GetObject"}, {"ListBucket", "GetBucketLocation"}),
        (Rights.WRITE, {"GetObject", "DeleteObject", *PUTS}, {"ListBucket", "GetBucketLocation"}),
        (Rights.PUT, PUTS, {"GetBucketLocation"}),
    ],
)
def test_rights_are_these_actions_and_no_others(rights: Rights, on_objects: set[str], on_bucket: set[str]) -> None:
    made = make_plan("n", grant(["p"], rights=rights))
    [document] = [parse(json.dumps(one), name) for name, one in made.documents.items()]
    bucket = f"arn:aws:s3:::{made.grant.bucket}"
    context = Context({"s3:prefix": (f"{STUDY}/p/",)})

    def allowed(resource: str) -> set[str]:
        asked = {one: Request(f"s3:{one}", resource, ADA, context) for one in actions.KNOWN["s3"]}
        return {one for one, request in asked.items() if decide(request, Policies([document])).permission.is_allowed}

    assert allowed(f"{bucket}/{STUDY}/p/1.csv") == on_objects
    assert allowed(f"{bucket}/{STUDY}/q/1.csv") == set()
    assert allowed(bucket) == on_bucket
    located = Request("s3:GetBucketLocation", bucket, ADA, Context({"s3:prefix": ()}))
    assert decide(located, Policies([document])).permission is Permission.ALLOWED  # such a request has no prefix


@pytest.mark.parametrize("number", [1, 16, 17, 18, 119, 120, 500])
def test_one_participant_more_or_less_changes_one_policy(number: int) -> None:
    before = make_plan("n", grant(people(number)))
    for ids in ([*people(number), "newcomer"], people(number)[1:], people(number)[:-1], ["a", *people(number)]):
        if not ids:
            continue
        after = make_plan("n", grant(ids), before=before)
        old, new = before.documents, after.documents
        differing = [name for name in old.keys() | new.keys() if old.get(name) != new.get(name)]
        assert len(differing) == 1
        assert sorted(differing) == sorted({*after.changed, *after.dropped})


def test_from_one_to_five_hundred_each_step_holds() -> None:
    grown: PolicyPlan | None = None
    for number in range(1, 501):
        ids = people(number)
        meant = {f"arn:aws:s3:::{'b' * 63}/{root}{STUDY}/{one}/*" for one in ids for root in ("", "CHUNKED_DATA/")}
        before, grown = grown, make_plan("n", grant(ids), before=grown)
        for made in (grown, *([] if number % 5 else [make_plan("n", grant(ids))])):
            documents = list(made.documents.values())
            assert max(len(json.dumps(one, separators=(",", ":"))) for one in documents) <= 6_144
            reads = [one["Statement"][0] for one in documents]
            assert {one["Action"][0] for one in reads} == {"s3:GetObject"}
            granted = [resource for one in reads for resource in one["Resource"]]
            assert set(granted) == meant
            assert len(granted) == len(meant)
        assert before is None or len(grown.changed) == 1
        assert not grown.dropped


def test_a_share_with_other_prefixes_is_placed_again() -> None:
    before = make_plan("n", prefixes(200))
    longer = Grant("bbb", Scope([Share(one, (f"{'x' * 30}/{one}/",)) for one in people(200)]))
    after = make_plan("n", longer, before=before)
    assert max(len(json.dumps(one, separators=(",", ":"))) for one in after.documents.values()) <= 6_144


@pytest.mark.parametrize(("capacity", "policies"), [(10, 2), (11, 1)])
def test_a_policy_is_filled_to_its_last_character(capacity: int, policies: int) -> None:
    room = Room(capacity, {"a": (6,), "b": (5,)})
    assert len(fill(room)) == policies
    assert len(refill(room, [{"a": (0,)}])) == policies


def test_shares_are_cut_where_whole_ones_would_take_two_policies_too_many() -> None:
    # Ten pieces of 3 in policies of 10: 3 would do if they were a liquid, and 4 are enough for pieces.
    room = Room(10, dict.fromkeys("abcde", (3, 3)))
    made = fill(room)
    assert [sum(3 * len(pieces) for pieces in one.values()) for one in made] == [9, 9, 9, 3]
    assert sorted((share, piece) for one in made for share, pieces in one.items() for piece in pieces) == [
        (name, piece) for name in "abcde" for piece in (0, 1)
    ]


def test_who_comes_and_goes_for_long_leaves_each_in_one_policy(tmp_path: Path) -> None:
    rng, ids = random.Random(7), people(100)
    made = make_plan("n", grant(ids))
    for step in range(60):
        if rng.random() < 0.5:
            ids.remove(rng.choice(ids))
        else:
            ids.append(f"q{step:07d}")
        made = make_plan("n", grant(ids), before=made)
        assert sorted(share for pieces in made.policies.values() for share in pieces) == sorted(ids)
    assert max(characters(made, tmp_path)) <= 6_144


def prefixes(number: int, bucket: str = "bbb", closed: int = 0, rights: Rights = Rights.READ) -> Grant:
    shares = [Share(one, (f"{one}/",)) for one in people(number)]
    return Grant(bucket, Scope(shares, tuple(f"closed-{one:040d}/" for one in range(closed))), rights)


@pytest.mark.parametrize(
    ("changed", "limit"),
    [
        (prefixes(200, "b" * 63), 6_144),
        (prefixes(200, closed=40), 6_144),
        (prefixes(200, rights=Rights.WRITE), 6_144),
        (prefixes(200), 2_048),
        (prefixes(200), 6_144),
    ],
    ids=["a longer bucket", "more that stays closed", "more rights", "a lower limit", "nothing"],
)
def test_with_other_settings_each_policy_is_within_its_limit(changed: Grant, limit: int) -> None:
    before = make_plan("n", prefixes(200))
    after = make_plan("n", changed, limit=limit, before=before)
    assert max(len(json.dumps(one, separators=(",", ":"))) for one in after.documents.values()) <= limit
    assert set(after.changed) == (set() if (changed, limit) == (before.grant, before.limit) else set(after.policies))
    assert sorted(share for pieces in after.policies.values() for share in pieces) == people(200)


def test_a_plan_is_read_back_and_says_what_is_expected(tmp_path: Path) -> None:
    made = make_plan("n", grant(people(40)))
    write_plan(made, tmp_path)
    again = read_plan(tmp_path)
    assert again is not None
    assert again.documents == made.documents
    lines = (tmp_path / "expect.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "prefix"
    assert set(lines[1:]) == {f"{root}{STUDY}/{one}/" for one in people(40) for root in ("", "CHUNKED_DATA/")}
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o600"}


def test_a_plan_killed_at_any_file_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_plan(make_plan("n", grant(people(60))), tmp_path)
    target = [*people(30), *[f"q{one:07d}" for one in range(20)]]
    whole = os.fsync
    for files in range(1, 6):
        left = files

        def cut(descriptor: int) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            whole(descriptor)

        monkeypatch.setattr(plan.os, "fsync", cut)
        with pytest.raises(KeyboardInterrupt):
            write_plan(make_plan("n", grant(target[files:]), before=read_plan(tmp_path)), tmp_path)
        monkeypatch.setattr(plan.os, "fsync", whole)
        made = make_plan("n", grant(target[files:]), before=read_plan(tmp_path))
        write_plan(made, tmp_path)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {*(f"{name}.json" for name in made.policies), "plan.json", "expect.csv"}
        held = [share for pieces in made.policies.values() for share in pieces]
        assert sorted(held) == sorted(target[files:])


def test_several_at_once_leave_the_plan_of_one_of_them(tmp_path: Path) -> None:
    def write(number: int) -> None:
        with changing(tmp_path):
            write_plan(make_plan("n", grant(people(number)), before=read_plan(tmp_path)), tmp_path)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(write, range(50, 90, 2)))
    left = read_plan(tmp_path)
    assert left is not None
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {*(f"{name}.json" for name in left.policies), "plan.json", "expect.csv"}


def test_what_a_killed_process_left_is_gone_after_the_next(tmp_path: Path) -> None:
    write_plan(make_plan("n", grant(people(3))), tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    program = (
        "import os, sys; from pathlib import Path; from bondstore.access import plan;"
        "os.fsync = lambda descriptor: os._exit(9);"
        "folder = Path(sys.argv[1]); plan.write_plan(plan.read_plan(folder), folder)"
    )
    killed = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert killed.returncode == 9
    assert len(list(tmp_path.iterdir())) == len(names) + 1
    write_plan(make_plan("n", grant(people(3)), before=read_plan(tmp_path)), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(plan.os, "fsync", full)
    with pytest.raises(NoSpaceError, match="No space left"), changing(tmp_path):
        write_plan(make_plan("n", grant(people(3))), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_policy_that_somebody_changed_is_not_written_over(tmp_path: Path) -> None:
    write_plan(make_plan("n", grant(people(3))), tmp_path)
    (tmp_path / "n-001.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"n-001\.json"):
        read_plan(tmp_path)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"name": 1}', "\x00", '{"name":"n","limit":1,"grant":null,"policies":[]}']
)
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not a plan"):
        read_plan(tmp_path)


def test_a_plan_cannot_lead_out_of_its_folder(tmp_path: Path) -> None:
    write_plan(make_plan("n", grant(people(1))), tmp_path)
    content = (tmp_path / "plan.json").read_text(encoding="utf-8")
    (tmp_path / "plan.json").write_text(content.replace('"n-001"', '"../n-001"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="not a plan"):
        read_plan(tmp_path)


@pytest.mark.parametrize("ids", [["a/b"], ["a*"], ["a?"], ["${aws:username}"], ["keys"], [""], [".."]])
def test_an_id_that_could_stand_for_another_is_refused(ids: list[str]) -> None:
    with pytest.raises(UsageError):
        scope(STUDY, ids)


def test_a_prefix_without_its_slash_is_refused_and_signs_stand_for_themselves() -> None:
    with pytest.raises(UsageError, match="slash"):
        Grant("bucket", Scope([Share("a", ("a",))]))
    for odd in ("ō/", "\x7f/", "\n/"):  # IAM takes none of them in a policy
        with pytest.raises(UsageError, match="cannot contain"):
            Grant("bucket", Scope([Share("a", (odd,))]))
    assert Grant("bucket", Scope([Share("a", ("ÿ/",))])).prefixes() == ["ÿ/"]
    made = make_plan("n", Grant("bucket", Scope([Share("a", ("a*?$/",))])))
    assert permission(made, "a*?$/x") is Permission.ALLOWED
    assert permission(made, "abc$/x") is Permission.DENIED


def test_one_share_larger_than_a_policy_is_refused() -> None:
    with pytest.raises(UsageError, match="alone takes"):
        make_plan("n", Grant("bucket", Scope([Share("a", tuple(f"{one:0900d}/" for one in range(9)))])))


def test_what_is_too_much_for_a_user_reaches_it_otherwise() -> None:
    made = make_plan("n", grant(people(500)))
    number = len(made.policies)
    assert 10 < number <= 110
    found = {one.name: one for one in ways(made)}
    assert not found["attach"].fits
    assert found["groups"].fits
    assert f"{number - 10} by {-(-(number - 10) // 10)} groups" in found["groups"].message
    assert not {one.name: one for one in ways(make_plan("n", grant(people(2_000))))}["groups"].fits


def of_policies(number: int) -> PolicyPlan:
    """A plan of so many policies, with a share each."""
    shares = [Share(f"{one:03d}", (f"{one:0{one % 2 + 3}d}/",)) for one in range(number)]
    held = {f"n-{one.name}": {one.name: (0, 1)} for one in shares}
    return PolicyPlan("n", Grant("bucket", Scope(shares)), 6_144, held)


@pytest.mark.parametrize(
    ("number", "attachments", "fitting"),
    [
        (10, 10, {"attach", "groups"}),  # IAM: 10 policies of a user, 10 groups, 10 policies of a group
        (11, 10, {"groups"}),
        (110, 10, {"groups"}),
        (111, 10, set()),
        (20, 20, {"attach", "groups"}),
        (120, 20, {"groups"}),
        (121, 20, set()),
    ],
)
def test_each_way_fits_up_to_its_own_number(number: int, attachments: int, fitting: set[str]) -> None:
    found = {one.name for one in ways(of_policies(number), attachments=attachments) if one.fits}
    assert found == fitting | {"access-points", "tags"}
    assert "groups" not in {one.name for one in ways(of_policies(number), "role", attachments)}
