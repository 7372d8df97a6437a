"""``bondstore aws package``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bondstore.cli import options, output
from bondstore.text import bytes_text

EXAMPLES = (
    "bondstore aws package --target layer --out build",
    "bondstore aws package --target layer --with plots --with netcdf --python 3.13 --arch arm64",
    "bondstore aws package --target lambda --handler participants",
)


def command(
    *,
    target: Annotated[
        str,
        typer.Option(
            metavar="lambda|layer", help="One zip with everything; or a small function and layers for the rest."
        ),
    ] = "layer",
    handler: Annotated[str, typer.Option(metavar="profile|participants", help="Which handler it is for.")] = "profile",
    extras: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="plots|netcdf", help="More for profiles: pictures, netCDF sources. Repeatable."),
    ] = None,
    python: Annotated[str, typer.Option(metavar="3.13", help="The version of Lambda's Python runtime.")] = "3.13",
    arch: Annotated[str, typer.Option(metavar="x86_64|arm64", help="The processor of the function.")] = "x86_64",
    wheels: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A folder of wheels to take, without any network.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the zips go.")] = Path("build"),
    json: options.Json = False,
) -> int:
    """Make the zips of a Lambda function, and of the layers it stands on.

    Wheels for Lambda's machine are got by pip, whatever this machine is; tests, sources and documentation are left
    out. The same wheels give the same zips, byte for byte. What would not fit into Lambda (50 MiB a zip, 250 MiB
    unpacked, 5 layers) is refused, with the largest parts by name.
    """
    from bondstore.aws.package import PackageOptions, package

    made = package(PackageOptions(target, handler, tuple(extras or ()), python, arch, wheels), out)
    columns = (
        "path",
        output.Column("packed", right=True, show=bytes_text),
        output.Column("size", right=True, show=bytes_text),
        "parts",
    )
    output.display(made, columns, json=json)
    return 0
