"""Nothing of a person gets out: canaries in every text that comes from outside, looked for in every output."""

import io
from dataclasses import replace

import pyarrow.parquet

from bondstore.domains.ocean.output.attributes import Attributes
from bondstore.domains.ocean.output.names import output_path
from bondstore.domains.ocean.output.netcdf import netcdf_file
from bondstore.domains.ocean.output.record import record_of
from bondstore.domains.ocean.output.status import status_csv
from bondstore.domains.ocean.profiles import Deployment, Header
from tests.domains.ocean.output.making import STEPS, about, batch, parquet_files, profile, result

MAIL, PHONE, PERSON = "canary@boats.example.org", "+64 21 555 0147", "Keziah Quillfeather"
BOTH = f"x {MAIL} y {PHONE} z"
CANARIES = [
    text.encode()
    for text in (MAIL, "canary", "boats", PHONE, "555 0147", "555-0147", "5550147", PERSON, "Quillfeather")
]
WHOLE = {"Contact name": PERSON, "Operator": PERSON, "Note": PERSON, BOTH: BOTH}


def hostile(number: int):
    header = Header(
        BOTH,
        deck_unit_serial=BOTH,
        deck_unit_firmware=BOTH,
        sensor_serial=BOTH,
        sensor_firmware=BOTH,
        reset_codes=(BOTH, MAIL),
        other=WHOLE,
    )
    other = {"Contact name": PERSON, "Contact number": PHONE, "Port": BOTH, "Skipper": PERSON, BOTH: BOTH}
    return profile(
        number,
        key=f"in/{MAIL}/{BOTH}.csv",
        name=f"{BOTH}-{number}",
        header=header,
        platform=BOTH,
        deployment=Deployment(f"{BOTH} {number}", BOTH, other=other),
        known={"truncated": BOTH, "pi_name": PERSON, "remark": PERSON},
    )


def outputs() -> dict[str, bytes]:
    of = batch(4, 5, profiles=[hostile(1), hostile(2)])
    steps = [(name, label, on, {**thresholds, "note": BOTH}) for name, label, on, thresholds in STEPS]
    said = result(of, steps=steps, reasons={("spike", "TEMP"): {0: BOTH, 1: BOTH}})
    said = replace(said, suite=replace(said.suite, name=BOTH, title=BOTH))
    stated = Attributes({"creator_name": BOTH, "comment": BOTH}, {"own": BOTH}, (BOTH, "Contact name"))
    told = about(
        attributes=stated, key=f"in/{BOTH}.csv", store=f"s3://{MAIL}/x", source_version=BOTH, tool="bondstore 0.1.0"
    )
    file = netcdf_file(of, said, told)
    path = output_path(f"in/{BOTH}.csv", of)
    record = record_of(path, file, of, said, told)
    return {
        "netcdf": file,
        "one": netcdf_file(of.take([0]), result(of.take([0])), told),
        "parquet": next(iter(parquet_files(of, said, "x").values())),
        "record": record.to_json(),
        "status": status_csv([record]),
        "path": path.encode(),
        "aodn": output_path(f"in/{BOTH}.csv", of, "aodn").encode(),
    }


def test_no_canary_is_in_any_output():
    for name, data in outputs().items():
        for canary in CANARIES:
            assert canary not in data, (name, canary)


def test_nor_in_the_columns_of_a_table():
    table = pyarrow.parquet.read_table(io.BytesIO(outputs()["parquet"]))
    told = repr(table.to_pydict()) + repr(table.schema.metadata)
    assert not [canary for canary in CANARIES if canary.decode() in told]


def test_the_canaries_were_in_what_went_in():
    """Were they scrubbed by nobody, they would be found: the marks stand where they were."""
    found = outputs()
    assert found["netcdf"].count(b"[EMAIL]") > 10
    assert b"[PHONE]" in found["netcdf"]
    assert b"[EMAIL]" in found["record"]
    assert b"[EMAIL]" in found["status"]
