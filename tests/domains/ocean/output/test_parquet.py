"""Tables by month, read by three other libraries as one dataset."""

import io
from datetime import UTC, datetime

import duckdb
import numpy as np
import pandas
import polars
import pyarrow.parquet
import pytest

from bondstore.domains.ocean.output.parquet import month_table
from bondstore.domains.ocean.qc.flags import SCALES, Flag
from bondstore.errors import UsageError
from tests.domains.ocean.output.making import batch, parquet_files, result

MAY, JUNE = 1714521600.0, 1717200000.0


def three():
    """Two profiles of June around one of May that ends in June, and one without a time."""
    time = np.concatenate([np.full(3, JUNE), [JUNE - 60, JUNE + 60], np.full(2, JUNE + 1), np.full(2, np.nan)])
    return batch(3, 2, 2, 2, time=time)


def stored(folder, files):
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True)
        (folder / path).write_bytes(data)
    return folder


def test_each_profile_goes_whole_into_its_month():
    of = three()
    files = parquet_files(of, result(of), "shard-1")
    assert list(files) == [
        "year=0000/month=00/shard-1.parquet",
        "year=2024/month=05/shard-1.parquet",
        "year=2024/month=06/shard-1.parquet",
    ]
    held = {path: polars.read_parquet(io.BytesIO(data))["profile"].unique().sort() for path, data in files.items()}
    assert [names.to_list() for names in held.values()] == [
        ["MOANA_0004_1_240501"],
        ["MOANA_0002_1_240501"],
        ["MOANA_0001_1_240501", "MOANA_0003_1_240501"],
    ]


def test_others_read_it_as_one_dataset(tmp_path):
    of = three()
    folder = stored(tmp_path, parquet_files(of, result(of), "x"))
    by_polars = polars.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
    assert by_polars.height == of.levels
    assert sorted(by_polars["year"].unique().to_list()) == [0, 2024]
    by_pandas = pandas.read_parquet(folder)
    assert len(by_pandas) == of.levels
    assert {int(one) for one in by_pandas["month"].unique()} == {0, 5, 6}
    with duckdb.connect() as database:
        counted = database.execute(
            f"SELECT year::int, month::int, count(*) FROM read_parquet('{folder}/**/*.parquet', hive_partitioning=true)"
            " GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert counted == [(0, 0, 2), (2024, 5, 2), (2024, 6, 5)]


@pytest.mark.parametrize("salinity", [True, False])
def test_rows_are_the_levels_and_their_flags(salinity):
    of = batch(4, 0, 3, salinity=salinity, longitude=np.array([181.0, 179, 0, 1, 2, 3, np.nan]))
    said = result(of, "argo")
    (data,) = (data for path, data in parquet_files(of, said, "x").items() if "2024" in path)
    rows = polars.read_parquet(io.BytesIO(data))
    assert rows["profile"].to_list() == ["MOANA_0001_1_240501"] * 4 + ["MOANA_0003_1_240501"] * 3
    assert rows["source"][0] == "in/MOANA_0001_1_240501.csv"
    assert rows["level"].to_list() == [0, 1, 2, 3, 0, 1, 2]
    assert rows["TEMP"].to_list() == of.temperature.tolist()
    assert rows["LONGITUDE"].to_list() == [-179.0, 179.0, 0.0, 1.0, 2.0, 3.0, None]
    assert rows["TIME"][1] == datetime(2024, 5, 1, 0, 1, tzinfo=UTC)
    numbers = SCALES["argo"].numbers
    assert rows["TEMP_qc_spike"].to_list() == [numbers[Flag(one)] for one in said.flags["spike", "TEMP"].tolist()]
    assert rows["POSITION_quality_control"].to_list() == [numbers[Flag(one)] for one in said.rolled["POSITION"]]
    assert rows.schema["TEMP_qc_spike"] == polars.Int8
    assert rows.schema["PSAL"] == polars.Float64
    if not salinity:
        assert rows["PSAL"].null_count() == 7
        assert rows["PSAL_quality_control"].unique().to_list() == [9]


def test_columns_depend_on_the_suite_alone():
    with_salinity, without = batch(3, salinity=True), batch(2)
    schemas = [
        pyarrow.parquet.read_schema(io.BytesIO(next(iter(parquet_files(of, result(of), "x").values()))))
        for of in (with_salinity, without)
    ]
    assert schemas[0].equals(schemas[1], check_metadata=True)
    assert b"qartod.spike; high=1.0; low=0.5" in schemas[0].metadata[b"TEMP_qc_spike"]


def test_a_time_that_no_calendar_has_is_null():
    of = batch(2, time=np.array([1e18, -1e300]))
    (data,) = parquet_files(of, result(of), "x").values()
    assert polars.read_parquet(io.BytesIO(data))["TIME"].to_list() == [None, None]


def test_the_same_batch_gives_the_same_bytes():
    assert parquet_files(three(), result(three()), "x") == parquet_files(three(), result(three()), "x")


def test_a_month_is_put_together_batch_by_batch():
    batches = [batch(3, salinity=True), batch(2, 4)]
    data = month_table((of, result(of)) for of in batches)
    rows = polars.read_parquet(io.BytesIO(data))
    assert rows["TEMP"].to_list() == [*batches[0].temperature, *batches[1].temperature]
    with pytest.raises(UsageError):
        month_table(iter(()))


def test_profiles_without_levels_are_no_rows():
    of = batch(0, 2)
    files = parquet_files(of, result(of), "x")
    assert sum(polars.read_parquet(io.BytesIO(data)).height for data in files.values()) == 2
