"""``bondstore aws package``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.aws.options import PackageOptions
from bondstore.cli import options, output
from bondstore.cli.from_model import with_settings

EXAMPLES = (
    "bondstore aws package --target layer --out build",
    "bondstore aws package --target layer --with plots --with netcdf --python 3.13 --arch arm64",
    "bondstore aws package --target lambda --handler participants",
)


@with_settings
def command(
    *,
    wanted: PackageOptions,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the zips go.")] = Path("build"),
    json: options.Json = False,
) -> int:
    """Make the zips of a Lambda function, and of the layers it stands on.

    Wheels for Lambda's machine are got by pip, whatever this machine is; tests, sources and documentation are left
    out. The same wheels give the same zips, byte for byte. What would not fit into Lambda (50 MiB a zip, 250 MiB
    unpacked, 5 layers) is refused, with the largest parts by name.
    """
    from bondstore.aws.package import package

    made = package(wanted, out)
    columns = (
        "path",
        output.size("packed"),
        output.size("size"),
        "parts",
    )
    output.display(made, columns, json=json)
    return 0
