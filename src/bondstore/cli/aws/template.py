"""``bondstore aws template``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bondstore.aws.options import Stack
from bondstore.cli import options
from bondstore.cli.from_model import with_settings

EXAMPLES = (
    "bondstore aws template > stack.json",
    "bondstore aws template --python 3.13 --arch arm64 --layers 2 > stack.json",
)


@with_settings
def command(
    *,
    form: Annotated[str, typer.Option("--format", metavar="cloudformation", help="The language of the template.")] = (
        "cloudformation"
    ),
    stack: Stack,
    json: options.Json = False,  # noqa: ARG001 - it is JSON either way
) -> int:
    """Print a template of all that the Lambda functions need: buckets, queues, tables, roles, logs.

    It names no account, no region and no secret: CloudFormation asks for names as parameters. Each function's role
    allows what it does and no more. Buckets, tables and queues of failures stay when the stack is deleted.
    """
    from bondstore.aws.template import template_text

    sys.stdout.write(template_text(stack, form))
    return 0
