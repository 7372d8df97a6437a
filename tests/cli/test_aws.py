"""``bondstore aws``: invoke, package, template."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.aws.conftest import Cloud, cloud
from tests.aws.samples import s3_event, sqs_event
from tests.cli.conftest import Call

__all__ = ["cloud"]

KEY = "in coming/MOANA_0012_1+ü_240501030000.csv"


def test_invoke_runs_the_handler_with_a_real_event(cli: Call, cloud: Cloud, tmp_path: Path) -> None:
    cloud.put(KEY)
    event = tmp_path / "event.json"
    event.write_text(json.dumps(s3_event(cloud.raw, KEY)))
    done = cli("aws", "invoke", str(event), "--json")
    assert done.code == 0
    assert [one["outcome"] for one in done.records if one["kind"] == "item"] == ["done"]
    assert done.records[-1]["response"]["outcomes"] == {"done": 1}
    assert len(cloud.listed(cloud.qc)) == 2
    event.write_text(json.dumps(sqs_event(s3_event(cloud.raw, KEY), "no json")))
    failed = cli("aws", "invoke", str(event), "--json")
    assert failed.code == 5
    assert failed.records[-1]["response"] == {
        "batchItemFailures": [{"itemIdentifier": failed.records[-1]["failed"][0]}]
    }


@pytest.mark.parametrize(("content", "code"), [("no json", 2), (None, 3)])
def test_an_event_that_is_none(cli: Call, tmp_path: Path, content: str | None, code: int) -> None:
    path = tmp_path / "event.json"
    if content is not None:
        path.write_text(content)
    assert cli("aws", "invoke", str(path), "--json").code == code
    assert cli("aws", "invoke", str(path), "--handler", "nobody").code == 2


def test_the_template_is_json_and_the_same_twice(cli: Call) -> None:
    one, two = cli("aws", "template"), cli("aws", "template", "--json")
    assert one.code == 0
    assert one.out == two.out
    assert json.loads(one.out)["AWSTemplateFormatVersion"] == "2010-09-09"
    assert cli("aws", "template", "--layers", "9").code == 2


def test_package_refuses_what_it_does_not_know(cli: Call, tmp_path: Path) -> None:
    assert cli("aws", "package", "--target", "image", "--out", str(tmp_path)).code == 2
    (tmp_path / "none").mkdir()
    nothing = cli("aws", "package", "--wheels", str(tmp_path / "none"), "--out", str(tmp_path / "out"))
    assert nothing.code == 4
    assert "obstore" in nothing.err
