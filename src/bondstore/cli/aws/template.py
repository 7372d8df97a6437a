"""``bondstore aws template``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bondstore.cli import options

EXAMPLES = (
    "bondstore aws template > stack.json",
    "bondstore aws template --python 3.13 --arch arm64 --layers 2 > stack.json",
)


def command(
    *,
    form: Annotated[str, typer.Option(metavar="cloudformation", help="The language of the template.")] = (
        "cloudformation"
    ),
    python: Annotated[str, typer.Option(metavar="3.13", help="The version of Lambda's Python runtime.")] = "3.13",
    arch: Annotated[str, typer.Option(metavar="x86_64|arm64", help="The processor of the functions.")] = "x86_64",
    layers: Annotated[int, typer.Option(metavar="N", help="How many layers bondstore aws package made.")] = 2,
    json: options.Json = False,  # noqa: ARG001 - it is JSON either way
) -> int:
    """Print a template of all that the Lambda functions need: buckets, queues, tables, roles, logs.

    It names no account, no region and no secret: CloudFormation asks for names as parameters. Each function's role
    allows what it does and no more. Buckets, tables and queues of failures stay when the stack is deleted.
    """
    from bondstore.aws.template import Stack, template_text

    sys.stdout.write(template_text(Stack(python, arch, layers), form))
    return 0
