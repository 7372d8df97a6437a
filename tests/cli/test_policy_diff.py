from __future__ import annotations

from pathlib import Path

from tests.access.test_check import BUCKET, allow, listing
from tests.cli.conftest import Call
from tests.cli.test_policy_check import written


def test_two_policies(cli: Call, tmp_path: Path) -> None:
    old = written(tmp_path, "old.json", allow(), listing("S/*"))
    new = written(tmp_path, "new.json", listing("S/*"), allow(resource=f"{BUCKET}/T/*"))
    result = cli("policy", "diff", old, new)
    assert result.code == 0
    assert [line.split()[:3] for line in result.out.splitlines()[1:]] == [
        ["new", "Allow", "s3:GetObject"],
        ["gone", "Allow", "s3:GetObject"],
    ]
    assert result.err == "1 new, 1 gone, 0 covered, 1 same.\n"
    *permits, state, summary = cli("policy", "diff", old, new, "--json").records
    assert [one["resource"] for one in permits] == [f"{BUCKET}/T/*", f"{BUCKET}/S/*"]
    assert state == {"kind": "policy", "policy": "new", "state": "changed"}
    assert summary == {
        "kind": "policy-diff", "new": 1, "gone": 1, "covered": 0, "same": 1, "policies": 1, "policies_changed": 1,
    }  # fmt: skip
    same = cli("policy", "diff", old, old)
    assert (same.code, same.out, same.err) == (0, "", "They say the same.\n0 new, 0 gone, 0 covered, 2 same.\n")


def test_two_plans(cli: Call, tmp_path: Path) -> None:
    for name, third in (("may", "C"), ("june", "D")):
        folder = tmp_path / name
        folder.mkdir()
        written(folder, "p-1.json", allow(resource=f"{BUCKET}/A/*"))
        written(folder, "p-2.json", allow(resource=[f"{BUCKET}/B/*", f"{BUCKET}/{third}/*"]))
        (folder / "plan.json").write_text("{}")
    result = cli("policy", "diff", str(tmp_path / "may"), str(tmp_path / "june"))
    assert result.code == 0
    assert result.err == "changed: p-2\n1 of 2 policies changed.\n1 new, 1 gone, 0 covered, 2 same.\n"


def test_what_is_not_there(cli: Call, tmp_path: Path) -> None:
    old = written(tmp_path, "old.json", allow())
    assert cli("policy", "diff", old, str(tmp_path / "none.json")).code == 3
    (tmp_path / "odd.json").write_text("{}")
    assert cli("policy", "diff", old, str(tmp_path / "odd.json")).code == 4
