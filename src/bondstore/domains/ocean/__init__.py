"""Ocean profiles: temperature and salinity over depth, from fishing gear and floats."""

from bondstore.runs.domain import Domain, HandlerSpec

DOMAIN = Domain(
    "ocean",
    "Ocean profiles: test, look, draw.",
    {
        "qc": "Test profiles by a standard's rules, and write them for release.",
        "show": "Show a profile: header, flags by test, and why.",
        "compare": "Compare the flags that files bring with those of the tests.",
        "tests": "The tests of a suite, or all there are, with their thresholds.",
        "plot": "Pictures of profiles, and a map and a section of each platform.",
    },
    package="bondstore.cli.ocean",
    jobs="bondstore.domains.ocean.job",
    ending="bondstore.cli.ocean._ending",
    findings={
        "bondstore.domains.ocean.findings:KINDS": (
            "Ocean profiles: reading",
            "From `bondstore ocean qc`, `show` and `plot`. With *error* and no level that could be read, the object "
            "has no results.",
        ),
        "bondstore.domains.ocean.findings:RUN_KINDS": (
            "Ocean profiles: quality control",
            "From `bondstore ocean qc`.",
        ),
        "bondstore.domains.ocean.findings:PLOT_KINDS": (
            "Ocean profiles: pictures",
            "From `bondstore ocean plot`, and `--plots`.",
        ),
    },
    handlers={
        "profile": HandlerSpec(
            "bondstore.aws.profiles",
            # pandas and pyarrow are never imported by a handler that tests, writes, draws and mails; later versions of
            # polars and of netCDF4 have 60 and 5 MB more, and would leave no room for the others
            ("gsw>=3.6.19", "jinja2>=3.1.5", "numpy>=2,<2.4", "polars>=1.30,<1.31"),
            {
                # from 3.11 on it imports fontTools (23 MB) even to draw a PNG
                "plots": ("matplotlib>=3.9,<3.11",),
                "netcdf": ("netCDF4>=1.7.2,<1.7.4",),
            },
        )
    },
    inspectors="bondstore.domains.ocean.verify:INSPECTORS",
    by_product="bondstore.domains.ocean.paths:is_by_product",
)
