"""Profiles that arrive: from the event to the netCDF file, the release and the mail; twice is once."""

from __future__ import annotations

import json
import time
from typing import Any

import polars as pl
import pytest

from bondstore.aws.handlers import handle, profile_arrived
from bondstore.aws.report import HandlingError, ObjectOutcome
from bondstore.domains.ocean import service
from bondstore.errors import ConfigurationError, NotFoundError, PolicyError
from tests.aws.conftest import READER, Cloud
from tests.aws.samples import TEST_EVENT, eventbridge_event, s3_event, s3_record, sns_event, sqs_event
from tests.ocean_files import moana_csv

KEY = "in coming/MOANA_0012_1+ü_240501030000.csv"


def outcomes(event: Any) -> dict[str, str]:
    return {item.key: item.outcome.value for item in handle("profile", event).items}


def test_the_whole_way_and_the_same_event_twice(cloud: Cloud) -> None:
    cloud.patch.setenv("BONDSTORE_PLOTS", "yes")
    cloud.patch.setenv("BONDSTORE_PUBLIC", f"s3://{cloud.public}")
    cloud.patch.setenv("BONDSTORE_REQUIRE", "suspect")
    cloud.subscribe()
    cloud.put(KEY)
    event = sqs_event(s3_event(cloud.raw, KEY))
    assert profile_arrived(event) == {"batchItemFailures": []}
    made = cloud.listed(cloud.qc)
    assert sorted(key.rsplit(".", 1)[1] for key in made) == ["json", "nc", "png"]
    released = cloud.listed(cloud.public)
    assert {key.rsplit(".", 1)[1] for key in released if key.startswith("data/")} == {"nc", "png"}
    [mail] = cloud.mails()
    assert mail["To"] == READER
    plot = next(key for key in made if key.endswith(".png"))
    picture = cloud.s3.get_object(Bucket=cloud.qc, Key=plot)["Body"].read()
    assert picture in [one.get_content() for one in mail.walk() if one.get_content_type() == "image/png"]

    time.sleep(1.1)  # the server tells times in whole seconds
    for _ in range(2):  # the same machine again, then one that knows of nothing
        assert profile_arrived(event) == {"batchItemFailures": []}
        assert cloud.listed(cloud.qc) == made
        assert cloud.listed(cloud.public) == released
        assert len(cloud.mails()) == 1
        cloud.forget_state()


@pytest.mark.parametrize("form", ["parquet", "both"])
def test_tables_are_left_to_a_run_over_all(cloud: Cloud, form: str) -> None:
    """An event knows one profile: a table made of that alone would take the rows of all others away."""
    cloud.patch.setenv("BONDSTORE_FORM", form)
    keys = [f"{number}.csv" for number in range(3)]
    for number, key in enumerate(keys[:2]):
        cloud.put(key, moana_csv(serial=str(number)))
    source = f"s3://{cloud.raw}"
    asked = service.Asked(form=form)
    assert service.qc(source, f"s3://{cloud.qc}", asked, jobs=1).tally.done.objects == 2
    before = tables(cloud)
    assert [one["source"].n_unique() for one in before.values()] == [2]
    for number, key in enumerate(keys[1:]):
        cloud.forget_state()
        cloud.put(key, moana_csv(serial=f"{number}7"))
        assert outcomes(s3_event(cloud.raw, key)) == {key: "done"}
        assert tables(cloud).keys() == before.keys()
        assert all(one.equals(before[key]) for key, one in tables(cloud).items())
    cloud.forget_state()
    assert service.qc(source, f"s3://{cloud.qc}", asked, jobs=1).tally.skipped.objects == 3
    assert [one["source"].n_unique() for one in tables(cloud).values()] == [3]


def tables(cloud: Cloud) -> dict[str, pl.DataFrame]:
    paths = [key for key in cloud.listed(cloud.qc) if key.endswith(".parquet")]
    return {path: pl.read_parquet(cloud.s3.get_object(Bucket=cloud.qc, Key=path)["Body"].read()) for path in paths}


@pytest.mark.parametrize("shape", ["s3", "sns", "eventbridge"])
def test_direct_events_are_answered_with_counts(cloud: Cloud, shape: str) -> None:
    cloud.put(KEY)
    event = {
        "s3": s3_event(cloud.raw, KEY),
        "sns": sns_event(s3_event(cloud.raw, KEY)),
        "eventbridge": eventbridge_event(cloud.raw, KEY),
    }[shape]
    answer = profile_arrived(event)
    assert answer["outcomes"] == {"done": 1}
    assert answer["qc_done"] == 1
    assert KEY not in json.dumps(answer)
    assert len(cloud.listed(cloud.qc)) == 2


def test_an_event_is_not_lost_where_the_destination_is_missing(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in (KEY, "other.csv"):
        cloud.put(key)
    monkeypatch.setenv("BONDSTORE_DEST", f"s3://{cloud.qc}-none")
    event = sqs_event(s3_event(cloud.raw, KEY, "other.csv"), s3_event(cloud.raw, "gone.csv"))
    report = handle("profile", event)
    assert {item.key: item.outcome.value for item in report.items} == {
        KEY: "failed",
        "other.csv": "failed",
        "gone.csv": "gone",
    }
    assert report.response() == {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}


def test_many_records_each_with_its_own_end(cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.put(KEY)
    cloud.put("damaged.csv", b"no profile at all, of person@mail.example")
    event = sqs_event(
        s3_event(cloud.raw, KEY, "damaged.csv"),
        s3_event(cloud.raw, "gone.csv"),
        s3_event(f"{cloud.raw}-none", "a.csv"),
        "no json",
        TEST_EVENT,
        s3_event(cloud.raw, "readme.txt"),
    )
    ids = [one["messageId"] for one in event["Records"]]
    report = handle("profile", event)
    assert {item.key: item.outcome.value for item in report.items} == {
        KEY: "done",
        "damaged.csv": "quarantined",
        "gone.csv": "gone",
        "a.csv": "failed",
        "readme.txt": "ignored",
    }
    # the damaged object is told, and does not come again; the bucket that is not there may be there later
    failed = [{"itemIdentifier": one} for one in (ids[3], ids[2])]
    assert report.response() == {"batchItemFailures": failed}
    log = capsys.readouterr().err
    lines = [json.loads(line) for line in log.splitlines()]
    assert lines[-1]["outcomes"] == {"done": 1, "failed": 1, "gone": 1, "ignored": 1, "quarantined": 1}
    assert lines[-1]["passed_over"] == {"test-event": 1}
    assert [line["findings"] for line in lines if line["event"] == "quarantined"] == [["not-a-profile"]]
    for private in (KEY, "damaged.csv", "MOANA", "person@mail.example"):
        assert private not in log
    # and again, with the damage known
    assert handle("profile", event).response() == {"batchItemFailures": failed}


def test_a_direct_event_with_failures_raises_after_all_were_tried(cloud: Cloud) -> None:
    cloud.put(KEY)
    event = {"Records": [s3_record(f"{cloud.raw}-none", "secret-name.csv"), None, s3_record(cloud.raw, KEY)]}
    with pytest.raises(HandlingError) as caught:
        profile_arrived(event)
    assert "2 items" in str(caught.value)
    assert "NotFoundError, record" in str(caught.value)
    assert "secret-name" not in str(caught.value)
    assert len(cloud.listed(cloud.qc)) == 2


def test_hostile_keys_do_no_harm(cloud: Cloud) -> None:
    keys = [
        "../../etc/x.csv",
        "a//b.csv",
        ".csv",
        "a\nb\x1b[31m.csv",
        "é" * 90 + ".csv",
        "con.csv",
        " .csv",
        "%2e%2e/a.csv",
    ]
    for key in keys[3:]:
        cloud.put(key)
    cloud.put(KEY)
    before = {path for path in cloud.root.rglob("*") if "state" not in str(path)}
    found = outcomes(sqs_event(s3_event(cloud.raw, *keys, KEY)))
    assert found[KEY] == "done"
    assert set(found.values()) <= {"done", "gone", "failed", "quarantined"}
    assert {path for path in cloud.root.rglob("*") if "state" not in str(path)} == before
    assert all(".." not in key.split("/") for key in cloud.listed(cloud.qc))


def test_what_is_written_here_is_never_taken(cloud: Cloud) -> None:
    cloud.patch.setenv("BONDSTORE_DEST", f"s3://{cloud.raw}/qc")
    cloud.patch.setenv("BONDSTORE_SOURCE", f"s3://{cloud.raw}/in s3://{cloud.raw}/qc")
    cloud.put("in/MOANA_0012_1_240501030000.csv")
    cloud.put("elsewhere/MOANA_0012_1_240501030000.csv")
    event = s3_event(
        cloud.raw, "in/MOANA_0012_1_240501030000.csv", "elsewhere/MOANA_0012_1_240501030000.csv", "qc/2024/05/a_qc.nc"
    )
    report = handle("profile", event)
    assert {item.key: (item.outcome.value, item.kinds) for item in report.items} == {
        "in/MOANA_0012_1_240501030000.csv": ("done", ()),
        "elsewhere/MOANA_0012_1_240501030000.csv": ("ignored", ("not-ours",)),
        "qc/2024/05/a_qc.nc": ("ignored", ("own-output",)),
    }


def test_an_object_that_changed_since_is_taken_as_it_is_now(cloud: Cloud) -> None:
    cloud.put(KEY, b"half")
    assert outcomes(s3_event(cloud.raw, KEY)) == {KEY: "quarantined"}
    cloud.put(KEY)
    late = sqs_event(s3_event(cloud.raw, KEY), s3_event(cloud.raw, KEY))
    [item] = handle("profile", late).items
    assert item.outcome is ObjectOutcome.DONE
    assert len(item.records) == 2, "told of twice, done once"


def test_mail_that_does_not_go_comes_again_and_is_then_sent_once(cloud: Cloud) -> None:
    cloud.subscribe()
    cloud.patch.setenv("BONDSTORE_MAIL_FROM", "stranger@reef.example")
    cloud.put(KEY)
    event = sqs_event(s3_event(cloud.raw, KEY))
    again = {"batchItemFailures": [{"itemIdentifier": event["Records"][0]["messageId"]}]}
    assert profile_arrived(event) == again
    assert not cloud.mails()
    cloud.patch.setenv("BONDSTORE_MAIL_FROM", "data@reef.example")
    assert profile_arrived(event) == {"batchItemFailures": []}
    assert len(cloud.mails()) == 1


def test_what_fails_quality_control_is_not_released(cloud: Cloud) -> None:
    cloud.patch.setenv("BONDSTORE_PUBLIC", f"s3://{cloud.public}")
    bad = moana_csv(temperature=[99.0] * 40)
    cloud.put("good.csv", moana_csv())
    cloud.put("bad.csv", bad)
    assert outcomes(sqs_event(s3_event(cloud.raw, "good.csv", "bad.csv"))) == {"good.csv": "done", "bad.csv": "done"}
    assert not [key for key in cloud.listed(cloud.public) if "bad" in key]
    assert [key for key in cloud.listed(cloud.qc) if "bad" in key]


def test_settings_that_do_not_hold_stop_everything(cloud: Cloud) -> None:
    cloud.put(KEY)
    cloud.patch.setenv("BONDSTORE_TESTS", "no-such-suite")
    with pytest.raises(NotFoundError, match="no-such-suite"):
        profile_arrived(s3_event(cloud.raw, KEY))
    cloud.patch.delenv("BONDSTORE_DEST")
    with pytest.raises(ConfigurationError, match="BONDSTORE_DEST is not set"):
        profile_arrived(s3_event(cloud.raw, KEY))


def test_the_table_of_deployments_from_a_bucket(cloud: Cloud) -> None:
    table = (
        "Moana serial number,Date supplied,Date returned,Vessel name,Vessel email\n"
        "12,01/01/2024,31/12/2024,Mira,skipper@mail.example\n"
    )
    cloud.put("deployments/table.csv.txt", table.encode())
    cloud.patch.setenv("BONDSTORE_METADATA", f"s3://{cloud.raw}/deployments/table.csv.txt")
    cloud.put(KEY)
    assert outcomes(s3_event(cloud.raw, KEY)) == {KEY: "done"}
    [name] = [key for key in cloud.listed(cloud.qc) if key.endswith(".nc")]
    data = cloud.s3.get_object(Bucket=cloud.qc, Key=name)["Body"].read()
    assert b"2024-01-01T00:00:00Z" in data, "the deployment is known"
    assert b"Mira" not in data, "and its vessel is private"
    assert b"skipper" not in data


def test_what_events_alone_filled_holds_no_new_destination_and_goes_on(cloud: Cloud) -> None:
    """Its record is entries alone, until the first run over all puts them together."""
    source, filled = f"s3://{cloud.raw}", f"s3://{cloud.qc}/inner"
    cloud.put("1.csv", moana_csv(serial="1"))
    cloud.patch.setenv("BONDSTORE_DEST", filled)
    assert outcomes(s3_event(cloud.raw, "1.csv")) == {"1.csv": "done"}
    cloud.forget_state()
    with pytest.raises(PolicyError, match=f"s3://{cloud.qc} holds {filled},"):
        service.qc(source, f"s3://{cloud.qc}", jobs=1)
    with pytest.raises(PolicyError, match=f"{filled}/deep/er lies in {filled},"):
        service.qc(source, f"{filled}/deep/er", jobs=1)
    cloud.patch.setenv("BONDSTORE_DEST", f"s3://{cloud.qc}")  # an event does not look: nested before
    assert outcomes(s3_event(cloud.raw, "1.csv")) == {"1.csv": "done"}
    for place in (filled, f"s3://{cloud.qc}"):
        cloud.forget_state()
        assert service.qc(source, place, jobs=1).tally.skipped.objects == 1
