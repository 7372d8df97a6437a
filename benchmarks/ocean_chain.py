"""Profiles from file to netCDF, against a file at a time with pandas and xarray: ``python -m benchmarks.ocean_chain``.

The other way is written here from the rules in the documentation, in the manner of such chains: each file is read by
pandas, becomes an xarray dataset, goes through a function for each test, and is written by xarray. It does
eleven of the tests of our suite ``moana``. Levels are counted in what both wrote.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def other_way(source: Path, dest: Path) -> None:
    """Test and write file by file."""
    import numpy as np
    import pandas as pd
    import xarray as xr

    dest.mkdir()
    for path in sorted(source.iterdir()):
        _one(path.read_text(), dest / f"{path.stem}_qc.nc", np, pd, xr)


def other_store(source: str, dest: str) -> None:
    """Test and write object by object, from bucket to bucket."""
    import boto3
    import numpy as np
    import pandas as pd
    import xarray as xr
    from botocore.config import Config

    client = boto3.client("s3", config=Config(proxies={}))
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch, "one.nc")
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=source):
            for key in (one["Key"] for one in page["Contents"]):
                text = client.get_object(Bucket=source, Key=key)["Body"].read().decode()
                _one(text, written, np, pd, xr)
                client.put_object(Bucket=dest, Key=f"{key.removesuffix('.csv')}_qc.nc", Body=written.read_bytes())


def _one(text: str, dest: Path, np, pd, xr) -> None:  # type: ignore[no-untyped-def]
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("DateTime"))
    header = dict(line.strip().split(",", 1) for line in lines[:start])
    frame = pd.read_csv(io.StringIO("\n".join(lines[start:-1])))
    frame.columns = pd.Index(["TIME", "LATITUDE", "LONGITUDE", "PRES", "TEMP"])
    frame["TIME"] = pd.to_datetime(frame["TIME"], format="%Y%m%dT%H%M%S")
    data = xr.Dataset.from_dataframe(frame).rename({"index": "obs"})
    data.attrs.update({name.replace(" ", "_"): value for name, value in header.items()})
    for name, variable, flags in _tests(data, np):
        data[f"{variable}_qc_{name}"] = ("obs", flags.astype(np.int8))
        data[f"{variable}_qc_{name}"].attrs.update(flag_values=[1, 2, 3, 4], flag_meanings="good maybe suspect bad")
    for variable in ("TIME", "LATITUDE", "PRES", "TEMP"):
        flags = [data[one] for one in data.data_vars if str(one).startswith(f"{variable}_qc_")]
        data[f"{variable}_quality_control"] = xr.concat(flags, "test").max("test").astype(np.int8)
    data.to_netcdf(dest)


def _tests(data, np):  # type: ignore[no-untyped-def]
    times = data["TIME"].values
    seconds = (times - times[0]) / np.timedelta64(1, "s")
    yield "impossible_date", "TIME", np.where(times > np.datetime64("2010-01-01"), 1, 3)
    yield "datetime_increasing", "TIME", np.where(np.diff(seconds, prepend=-1) > 0, 1, 4)
    yield "timing_gap", "TIME", np.where(np.diff(seconds, prepend=seconds[0]) < 3600, 1, 4)
    lat, lon = data["LATITUDE"].values, data["LONGITUDE"].values
    yield "impossible_location", "LATITUDE", np.where((abs(lat) <= 90) & (lon >= -180) & (lon <= 360), 1, 4)
    far = np.hypot(lat + 41.25707, (lon - 173.28393) * np.cos(np.radians(lat))) * 111.2
    yield "remove_ref_location", "LATITUDE", np.where(far > 5, 1, 4)
    step = np.hypot(np.diff(lat, prepend=lat[0]), np.diff(lon, prepend=lon[0])) * 60
    hours = np.maximum(np.diff(seconds, prepend=seconds[0] - 1), 1) / 3600
    yield "impossible_speed", "LATITUDE", np.where(step / hours < 100, 1, 3)
    for variable, low, high, worst, deviations in (("TEMP", -2, 30, 34, 3), ("PRES", 0, 1600, 2000, 2)):
        values = data[variable].values
        yield "global_range", variable, np.select([(values < low) | (values > worst), values > high], [4, 3], 1)
        second = np.abs(values[1:-1] - (values[:-2] + values[2:]) / 2)
        flags = np.ones(len(values))
        flags[1:-1][second > deviations * values.std()] = 3
        yield "spike", variable, flags
        still = np.ones(len(values))
        width = 0.05 if variable == "TEMP" else 0.01
        for at in range(len(values) - 20):
            if np.ptp(values[at : at + 20]) < width:
                still[at : at + 20] = 3
        yield "stuck_value", variable, still
    slope = np.abs(
        np.diff(data["TEMP"].values, prepend=0) / np.where(step := np.diff(data["PRES"].values, prepend=-1), step, 1)
    )
    yield "rate_of_change", "TEMP", np.where(slope < 2 + 2 * data["TEMP"].values.std(), 1, 3)


def ours(source: Path, dest: Path, jobs: int) -> None:
    """Run quality control as a user does."""
    from bondstore.domains.ocean import service

    service.qc(str(source), str(dest), jobs=jobs)


def levels_in(dest: Path) -> int:
    """Count the temperatures that were written."""
    import netCDF4

    total = 0
    for path in dest.rglob("*_qc.nc"):
        with netCDF4.Dataset(path) as file:
            total += int(file["TEMP"][:].count())
    return total


def run(way: str, source: Path, dest: Path, jobs: int) -> tuple[float, float, int]:
    """Go one way in a process of its own; return seconds, seconds of processors, and MB of the largest process."""
    line = [sys.executable, "-m", "benchmarks.ocean_chain", "--way", way, str(source), str(dest), str(jobs)]
    out = subprocess.run(line, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    return float(out[0]), float(out[1]), int(out[2])


def stores(files: int) -> None:
    """Go from bucket to bucket, start-up included, and print the table."""
    from tests.ocean_files import moana_fleet
    from tests.servers.seaweedfs import SeaweedFS

    with tempfile.TemporaryDirectory() as name, SeaweedFS() as server:
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        place = {one: value for one, value in os.environ.items() if one not in names} | {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": server.region,
            "AWS_DEFAULT_REGION": server.region,
            "XDG_STATE_HOME": name,
        }
        source = server.create_bucket("raw")
        for part in range(0, files, 1000):
            for file, data in moana_fleet(min(1000, files - part), 180, seed=part).items():
                server.client().put_object(Bucket=source, Key=f"{part:06d}_{file}", Body=data)
        print(f"{files:,} files of 180 levels, from S3 to S3, start-up included:\n")
        print("| way | seconds | CPU seconds of the client | × | × CPU | files written |\n|---|---|---|---|---|---|")
        first: tuple[float, float] | None = None
        for label, dest, line in (
            ("pandas and xarray", "other", ["benchmarks.ocean_chain", "--loop", source, "other"]),
            ("bondstore", "ours", ["bondstore", "ocean", "qc", f"s3://{source}", "s3://ours", "--yes"]),
        ):
            server.create_bucket(dest)
            start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([sys.executable, "-m", *line], check=True, capture_output=True, cwd=ROOT, env=place)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            first = first or (wall, cpu)
            pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=dest)
            written = sum(one["Key"].endswith("_qc.nc") for page in pages for one in page.get("Contents", []))
            print(
                f"| {label} | {wall:.1f} | {cpu:.1f} | {first[0] / wall:.1f} | {first[1] / cpu:.1f} | {written:,} |",
                flush=True,
            )


def growth(numbers: list[int]) -> None:
    """Print time and memory of more and more files, and of a second run that has nothing to do."""
    from tests.ocean_files import moana_fleet

    print("| files | seconds | ms a file | MB, largest process | again: seconds |\n|---|---|---|---|---|")
    for number in numbers:
        with tempfile.TemporaryDirectory() as name:
            source, dest = Path(name, "raw"), Path(name, "qc")
            source.mkdir()
            for part in range(0, number, 1000):
                for file, data in moana_fleet(min(1000, number - part), 180, seed=part).items():
                    (source / f"{part:06d}_{file}").write_bytes(data)
            wall, _, peak = run("ours", source, dest, 2)
            again, _, _ = run("ours", source, dest, 2)
            print(f"| {number:,} | {wall:.1f} | {1000 * wall / number:.2f} | {peak} | {again:.2f} |", flush=True)


def main() -> None:
    """Run all ways, each in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--growth", type=int, nargs="+", help="Numbers of files to measure time and memory at.")
    parser.add_argument("--stores", action="store_true", help="From bucket to bucket, start-up included.")
    parser.add_argument("--loop", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--way", nargs=4, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        name, source, dest, jobs = given.way
        started, cpu = time.perf_counter(), time.process_time()
        if name == "other":
            other_way(Path(source), Path(dest))
        else:
            ours(Path(source), Path(dest), int(jobs))
        spent = time.process_time() - cpu
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent += children.ru_utime + children.ru_stime
        peak = max(children.ru_maxrss, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) // 1024
        print(time.perf_counter() - started, spent, peak)
        return
    if given.loop:
        other_store(*given.loop)
        return
    sys.path.insert(0, str(ROOT))
    if given.stores:
        stores(given.files)
        return
    if given.growth:
        growth(given.growth)
        return
    from tests.ocean_files import moana_fleet

    with tempfile.TemporaryDirectory() as name:
        source = Path(name, "raw")
        source.mkdir()
        for file, data in moana_fleet(given.files, 180, seed=1).items():
            (source / file).write_bytes(data)
        print(f"{given.files:,} files of 180 levels, from CSV to netCDF (read, test, write):\n")
        print("| way | seconds | files/s | CPU ms a file | × | levels written |\n|---|---|---|---|---|---|")
        first = 0.0
        for label, way, jobs in (
            ("pandas and xarray, a file at a time", "other", 1),
            ("bondstore, one process", "ours", 1),
            ("bondstore, two processes", "ours", 2),
        ):
            dest = Path(name, f"{way}-{jobs}")
            wall, cpu, _ = run(way, source, dest, jobs)
            first = first or wall
            print(
                f"| {label} | {wall:.1f} | {given.files / wall:,.0f} | {1000 * cpu / given.files:.1f} |"
                f" {first / wall:.1f} | {levels_in(dest):,} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
