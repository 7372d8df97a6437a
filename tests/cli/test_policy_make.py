"""``bondstore policy make``."""

from __future__ import annotations

import json
import re

import pytest

from bondstore.access import actions
from bondstore.access.conditions import Context
from bondstore.access.document import Document, parse
from bondstore.access.evaluate import Permission, Policies, Principal, Request, decide
from bondstore.aws.options import Stack
from bondstore.aws.template import template
from tests.cli.conftest import Call
from tests.homes import Home

STUDY = "5873fe38644ad7557b168e43"
TABLE = "arn:aws:dynamodb:ap-southeast-2:123456789012:table/people"
BEIWE = ("policy", "make", "beiwe", "--study", STUDY, "--bucket", "my-study-data")


def test_one_participant_is_printed_as_a_policy(cli: Call, home: Home) -> None:
    made = cli(*BEIWE, "-p", "1ab2cd3e")
    assert made.code == 0
    policy = json.loads(made.out)
    assert policy["Version"] == "2012-10-17"
    assert policy["Statement"][0]["Resource"] == [
        f"arn:aws:s3:::my-study-data/CHUNKED_DATA/{STUDY}/1ab2cd3e/*",
        f"arn:aws:s3:::my-study-data/{STUDY}/1ab2cd3e/*",
    ]


def test_the_bucket_and_study_come_from_the_settings(cli: Call, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_BUCKET", "my-study-data")
    monkeypatch.setenv("STUDY_FOLDER", STUDY)
    made = cli("policy", "make", "beiwe", "-p", "1ab2cd3e")
    assert made.out == cli(*BEIWE, "-p", "1ab2cd3e").out
    below = cli("policy", "make", "beiwe", "-p", "1ab2cd3e", "--store", "s3://other/in/here")
    assert f"arn:aws:s3:::other/in/here/{STUDY}/1ab2cd3e/*" in below.out
    assert f'"in/here/{STUDY}/1ab2cd3e/*"' in below.out


def test_a_plan_lies_in_a_folder_and_changes_by_one_policy(cli: Call, home: Home) -> None:
    people = home.project / "people.txt"
    people.write_text("".join(f"p{one:07d}\n" for one in range(40)), encoding="utf-8")
    folder = home.project / "policies"
    words = (*BEIWE, "--participants", str(people), "--out", str(folder))
    planned = cli(*words, "--dry-run", "--json")
    assert planned.code == 0
    assert not folder.exists()
    first = cli(*words, "--json")
    assert first.records == planned.records
    assert all(one["characters"] <= one["limit"] == 6144 for one in first.records)
    assert {f"{one['policy']}.json" for one in first.records} == {path.name for path in folder.glob("bond*.json")}
    people.write_text(people.read_text(encoding="utf-8") + "newcomer\r\n\n", encoding="utf-8")
    second = cli(*words, "--json")
    assert [one["change"] for one in second.records].count("new or changed") == 1
    assert [one["change"] for one in cli(*words, "--json").records].count("as before") == len(second.records)


def test_more_than_can_be_attached_is_said_with_what_would_do(cli: Call, home: Home) -> None:
    words = [word for one in range(300) for word in ("-p", f"p{one:07d}")]
    folder = str(home.project / "policies")
    made = cli(*BEIWE, *words, "--out", folder)
    assert made.code == 0, "groups would do"
    assert "groups: 10 attached to the user" in made.err
    role = cli(*BEIWE, *words, "--out", folder, "--for", "role")
    assert role.code == 4
    assert "access-points:" in role.err


def test_who_releases_gets_one_policy_for_two_buckets(cli: Call, home: Home) -> None:
    made = cli("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://lab-public/here")
    assert made.code == 0
    rights = {one["Sid"]: (one["Action"], one["Resource"]) for one in json.loads(made.out)["Statement"]}
    assert rights["SourceRead"] == (["s3:GetObject"], ["arn:aws:s3:::lab-qc/*"])
    assert rights["IntoWrite"][1] == ["arn:aws:s3:::lab-public/here/*"]
    assert "s3:PutObject" in rights["IntoWrite"][0]


def may(document: Document, action: str, resource: str) -> bool:
    request = Request(action, resource, Principal("arn:aws:iam::123456789012:user/ann"), Context({"s3:prefix": ("",)}))
    return decide(request, Policies([document])).permission is Permission.ALLOWED


def test_a_functions_role_may_what_the_template_lets_it(cli: Call, home: Home) -> None:
    role = template(Stack())["Resources"]["ProfileRole"]["Properties"]["Policies"]
    [files] = [one["PolicyDocument"] for one in role if one.get("PolicyName") == "files"]
    text = json.dumps(files)
    for bucket, name in (("DataBucket", "lab-data"), ("ResultBucket", "lab-qc")):
        text = text.replace(f"${{{bucket}}}", name)
    text = re.sub(r'\{"Fn::Sub": ("[^"]*")\}', r"\1", text).replace("${AWS::Partition}", "aws")
    theirs = parse(text, "template")
    ours = parse(cli("policy", "make", "lambda", "--bucket", "lab-data", "--into", "s3://lab-qc").out, "made")
    for bucket in ("lab-data", "lab-qc", "other"):
        arn = f"arn:aws:s3:::{bucket}"
        for action in (f"s3:{one}" for one in actions.KNOWN["s3"] - {"GetBucketLocation"}):
            for resource in (arn, f"{arn}/a/b.csv"):
                assert may(ours, action, resource) == may(theirs, action, resource), (action, resource)


def test_a_prefix_of_a_study_opens_no_device_keys_unless_they_are_named(cli: Call, home: Home) -> None:
    words = ("policy", "make", "--bucket", "lab", "--prefix", f"{STUDY}/")
    key = f"arn:aws:s3:::lab/{STUDY}/keys/1ab2cd3e_private"
    made = parse(cli(*words).out, "made")
    assert may(made, "s3:GetObject", f"arn:aws:s3:::lab/{STUDY}/1ab2cd3e/gps/1.csv")
    assert not may(made, "s3:GetObject", key)
    asked = parse(cli(*words, "--prefix", f"{STUDY}/keys/").out, "made")
    assert may(asked, "s3:GetObject", key)


@pytest.mark.parametrize("more", [(), ("--alone", "arn:aws:iam::123456789012:user/ann")])
def test_a_table_has_the_policies_that_participants_print(cli: Call, home: Home, more: tuple[str, ...]) -> None:
    made = cli("policy", "make", "--table", TABLE, *more)
    assert made.code == 0
    old = cli("participants", "policy", TABLE, *(("--user", more[1]) if more else ()))
    assert json.loads(made.out) == json.loads(old.out)


def test_a_name_in_place_of_an_id_is_not_repeated(cli: Call, home: Home) -> None:
    assert "Ann" not in cli(*BEIWE, "-p", "Ann Lee").err


def test_a_folder_that_is_a_link_is_refused(cli: Call, home: Home) -> None:
    (home.project / "elsewhere").mkdir()
    (home.project / "link").symlink_to(home.project / "elsewhere")
    made = cli(*BEIWE, "-p", "1ab2cd3e", "--out", str(home.project / "link"))
    assert made.code == 6
    assert not list((home.project / "elsewhere").iterdir())


def test_what_is_meant_to_be_read_names_device_keys_where_they_are_asked_for(cli: Call, home: Home) -> None:
    folder = home.project / "policies"
    assert cli(*BEIWE, "--also", "keys", "--out", str(folder)).code == 0
    assert f"{STUDY}/keys/" in (folder / "expect.csv").read_text(encoding="utf-8").splitlines()
    inventory = home.project / "keys.csv"
    inventory.write_text(f"key\nCHUNKED_DATA/{STUDY}/p/1.csv\n{STUDY}/keys/p_private\n", encoding="utf-8")
    words = ("--against", str(inventory), "--bucket", "my-study-data", "--expect", str(folder / "expect.csv"))
    assert cli("policy", "prove", str(folder), *words).code == 0
    put = home.project / "put"
    assert cli(*BEIWE, "--put-only", "--out", str(put)).code == 0
    assert (put / "expect.csv").read_text(encoding="utf-8") == "prefix\n"


def test_two_plans_of_a_study_have_names_of_their_own(cli: Call, home: Home) -> None:
    words = (*BEIWE, "-p", "1ab2cd3e", "--out", str(home.project / "ann"))
    made = cli(*words, "--name", "ann", "--json")
    assert [one["policy"] for one in made.records] == ["ann-001"]
    other = cli(*words, "--json")
    assert other.code == 2
    assert "--name ann" in other.err
    assert cli(*BEIWE, "-p", "p", "--name", "a/b").code == 2
    assert cli(*BEIWE, "-p", "p", "--name", "n" * 125).code == 2
    assert cli(*BEIWE, "-p", "p", "--name", "n" * 124).code == 0


def test_inline_policies_count_what_is_there_already(cli: Call, home: Home) -> None:
    few = [word for one in range(5) for word in ("-p", f"p{one:07d}")]
    assert cli(*BEIWE, *few, "--inline").code == 0
    taken = cli(*BEIWE, *few, "--inline", "--taken", "1000")
    assert taken.code == 2
    assert "1,048 characters" in taken.err


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("policy", "make"), 4, "No store is named"),
        (("policy", "make", "--bucket", "bucket"), 2, "Nothing would be granted"),
        (("policy", "make", "--bucket", "bucket", "--prefix", "a"), 2, "does not end in a slash"),
        (("policy", "make", "--bucket", "bucket", "--study", "S"), 2, "needs its kind"),
        (("policy", "make", "--bucket", "bucket", "--prefix", "a/", "--write", "--put-only"), 2, "exclude each other"),
        (("policy", "make", "ocean", "--study", "S", "--bucket", "bucket"), 3, "ocean"),
        (("policy", "make", "--bucket", "Bk..x", "--prefix", "a/"), 2, "'Bk..x' is not the name of a bucket"),
        (("policy", "make", "--store", "az://container", "--prefix", "a/"), 2, "only for buckets of S3"),
        ((*BEIWE, "--prefix", "a/"), 2, "prefixes of its own"),
        ((*BEIWE, "--participants", "missing.txt"), 3, "missing.txt"),
        ((*BEIWE, "--also", "secrets"), 2, "secrets"),
        ((*BEIWE, "-p", "p", "--also", "keys"), 2, "by participant"),
        ((*BEIWE, "-p", "keys"), 2, "device keys"),
        ((*BEIWE, "-p", "p", "--for", "everybody"), 2, "everybody"),
        (("policy", "make", "release", "--bucket", "lab-qc"), 2, "--into"),
        (("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://lab-qc"), 6, "the same place"),
        (("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://lab-qc/public"), 6, "lies in the other"),
        (("policy", "make", "--table", f"{TABLE}-history"), 2, "without -history"),
        (("policy", "make", "--alone", "arn:aws:iam::123456789012:user/ann"), 2, "--table"),
        (("policy", "make", "--table", "people"), 2, "not the ARN"),
        (("policy", "make", "--bucket", "bucket", "--prefix", ""), 2, "whole bucket"),
        (("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://pub", "--prefix", "a/"), 2, "--prefix"),
        (("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://pub", "--out", "plan"), 2, "--out"),
        (("policy", "make", "--table", TABLE, "-p", "p"), 2, "--participant"),
        (("policy", "make", "beiwe", "--table", TABLE), 2, "--table"),
        (("policy", "make", "--table", TABLE, "--write"), 2, "--write"),
        (("policy", "make", "release", "--bucket", "lab-qc", "--into", "s3://pub", "--put-only"), 2, "--put-only"),
        ((*BEIWE, "-p", "p", "--into", "s3://pub"), 2, "--into"),
        (("policy", "make", "beiwe", "--study", "CHUNKED_DATA", "--bucket", "bucket", "-p", STUDY), 2, "not a study"),
        (("policy", "make", "beiwe", "--study", "PROBLEM_UPLOADS", "--bucket", "bucket"), 2, "not a study"),
        (("policy", "make", "beiwe", "--study", "s" * 125, "--bucket", "bucket"), 2, "128"),
        ((*BEIWE, "-p", "p", "--partition", "moon"), 2, "aws-cn"),
        ((*BEIWE, "-p", "p", "--inline", "--taken", "5000"), 2, "2,048 characters"),
        (("policy", "make", "beiwe", "--study", "*", "--bucket", "bucket"), 2, "not a study's id"),
        ((*BEIWE, "--store", "s3://other/in/here"), 2, "--bucket"),
        ((*BEIWE, "-p", "1ab2cd3e", "-p", "Ann Lee"), 2, "Participant 2"),
        (("policy", "make", "--bucket", "s3://lab", "--prefix", "a/"), 2, "without s3://"),
        (("policy", "make", "--bucket", "lab*", "--prefix", "a/"), 2, "not the name of a bucket"),
        (("policy", "make", "--bucket", "lab/a", "--prefix", "b/"), 2, "--store s3://BUCKET/PREFIX"),
        (("policy", "make", "--bucket", "lab", "--prefix", "images/*"), 2, "Write images/\n"),
        (("policy", "make", "--bucket", "lab", "--prefix", "s3://lab/images/"), 2, "is a URL"),
        ((*BEIWE, "-p", "p", "--taken", "5"), 2, "--inline"),
        ((*BEIWE, "-p", "p", "--inline", "--attachments", "20"), 2, "--attachments"),
        ((*BEIWE, "-p", "p", "--for", "group", "--attachments", "20"), 2, "--attachments"),
        (("policy", "make", "--table", TABLE, "--alone", "arn:aws-cn:iam::123456789012:user/ann"), 2, "partition"),
    ],
)
def test_what_cannot_be_made_is_refused(cli: Call, home: Home, words: tuple[str, ...], code: int, why: str) -> None:
    made = cli(*words)
    assert made.code == code
    assert why in made.err
    assert made.out == ""


def test_split_anew_a_folder_has_the_new_policies_alone(cli: Call, home: Home) -> None:
    folder = home.project / "policies"
    many = [word for one in range(60) for word in ("-p", f"p{one:07d}")]
    assert cli(*BEIWE, *many, "--out", str(folder)).code == 0
    fewer = cli(*BEIWE, *many[:10], "--out", str(folder), "--again")
    assert fewer.code == 0
    assert {path.name for path in folder.glob("bond*.json")} == {f"bondstore-beiwe-{STUDY}-001.json"}
    assert f"No longer needed: bondstore-beiwe-{STUDY}-002" in fewer.err
    changed = folder / f"bondstore-beiwe-{STUDY}-001.json"
    changed.write_text("{}", encoding="utf-8")
    assert cli(*BEIWE, *many, "--out", str(folder), "--again").code == 4
    assert changed.read_text(encoding="utf-8") == "{}"


def test_a_folder_with_another_plan_is_not_written_to_unasked(cli: Call, home: Home) -> None:
    folder = home.project / "policies"
    assert cli(*BEIWE, "-p", "1ab2cd3e", "--out", str(folder)).code == 0
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = ("policy", "make", "--bucket", "my-study-data", "--prefix", "images/", "--out", str(folder))
    refused = cli(*other)
    assert refused.code == 2
    assert f"a plan for study {STUDY} of arn:aws:s3:::" in refused.err
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    name = ("--name", f"bondstore-beiwe-{STUDY}")
    bucket = BEIWE[BEIWE.index("--bucket") + 1]
    for words in (
        ("policy", "make", "beiwe", "--study", f"{STUDY}2", "--bucket", bucket, "-p", "1ab2cd3e", *name),
        ("policy", "make", "beiwe", "--study", STUDY, "--bucket", "other-bucket", "-p", "1ab2cd3e", *name),
        ("policy", "make", "beiwe", "--study", STUDY, "--store", f"s3://{bucket}/below", "-p", "1ab2cd3e", *name),
        (*BEIWE, "-p", "1ab2cd3e", "--partition", "aws-cn"),
        (*other, *name),
    ):
        assert cli(*words, "--out", str(folder)).code == 2, words
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert cli(*other, "--again").code == 0
    assert {path.name for path in folder.glob("bond*.json")} == {"bondstore-my-study-data-001.json"}


@pytest.mark.parametrize(
    ("text", "line"),
    [("p1\np1\n\np 2\n", 4), ("p1,p2\n", 1), ('"p1"\n', 1), ("p1\n# all\n", 2), ("Participant ID\np1\n", 1),
     ("patient_id\np1\n", 1), ("p1\np*\n", 2)],
)  # fmt: skip
def test_a_line_that_is_not_an_id_is_told_by_its_number(cli: Call, home: Home, text: str, line: int) -> None:
    people = home.project / "people.txt"
    people.write_text(text)
    made = cli(*BEIWE, "--participants", str(people))
    assert (made.code, made.out) == (4, "")
    assert f"people.txt, line {line}: this is not an id." in made.err


def test_signs_in_a_prefix_that_are_often_not_meant_are_told(cli: Call, home: Home) -> None:
    words = ("policy", "make", "--bucket", "lab", "--prefix")
    assert "begins with a slash" in cli(*words, "/images/").err
    assert "stand for themselves" in cli(*words, "images/*/").err
    assert cli(*words, "images/").err == ""


def test_json_says_what_the_text_says(cli: Call, home: Home) -> None:
    folder = str(home.project / "policies")
    many = [word for one in range(300) for word in ("-p", f"p{one:07d}")]
    made = cli(*BEIWE, *many, "--out", folder, "--json")
    assert {one["way"] for one in made.records if one["kind"] == "way"} >= {"groups", "tags"}
    last = len([one for one in made.records if one["kind"] == "policy"])
    fewer = cli(*BEIWE, *many[:10], "--out", folder, "--again", "--json")
    assert [one["change"] for one in fewer.records].count("no longer needed") == last - 1


def test_a_study_of_the_settings_is_another_plan_too(cli: Call, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("policy", "make", "beiwe", "--bucket", "lab", "-p", "1ab2cd3e", "--out", str(home.project / "policies"))
    monkeypatch.setenv("STUDY_FOLDER", STUDY)
    assert cli(*words).code == 0
    monkeypatch.setenv("STUDY_FOLDER", f"{STUDY}2")
    assert cli(*words).code == 2


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_what_no_plan_wrote_is_not_written_over(cli: Call, home: Home, dry: tuple[str, ...]) -> None:
    folder = home.project / "policies"
    folder.mkdir()
    many = [word for one in range(60) for word in ("-p", f"p{one:07d}")]
    words = (*BEIWE, "--out", str(folder), *dry)
    for name in ("expect.csv", f"bondstore-beiwe-{STUDY}-001.json"):
        (folder / name).write_text("mine")
        refused = cli(*words, "-p", "p0000000")
        assert (refused.code, (folder / name).read_text()) == (4, "mine")
        assert f"{name} is there already" in refused.err
        (folder / name).unlink()
    assert cli(*words[:-1] if dry else words, "-p", "p0000000").code == 0
    (folder / f"bondstore-beiwe-{STUDY}-002.json").write_text("mine")
    assert cli(*words, *many).code == 4
    (folder / f"bondstore-beiwe-{STUDY}-002.json").unlink()
    with (folder / "expect.csv").open("a") as out:
        out.write("mine/\n")
    assert cli(*words, *many).code == 4
    assert (folder / "expect.csv").read_text().endswith("mine/\n")


def test_a_folder_that_cannot_be_written_to_is_named(cli: Call, home: Home) -> None:
    folder = home.project / "policies"
    (folder / f"bondstore-beiwe-{STUDY}-001.json").mkdir(parents=True)
    made = cli(*BEIWE, "-p", "1ab2cd3e", "--out", str(folder))
    assert made.code == 4
    assert f"could not be written into {folder} (Is a directory)" in made.err
