"""The handlers in AWS's own runtime client, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.aws.conftest import Cloud
from tests.aws.samples import s3_event, sqs_event
from tests.servers.lambda_stub import LambdaStub

KEY = "MOANA_0012_1_240501030000.csv"


@contextmanager
def runtime(stub: LambdaStub, handler: str) -> Iterator[subprocess.Popen[bytes]]:
    settings = os.environ | {"AWS_LAMBDA_RUNTIME_API": stub.address, "AWS_LAMBDA_FUNCTION_NAME": "profiles",
                             "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769", "AWS_LAMBDA_FUNCTION_VERSION": "1"}  # fmt: skip
    process = subprocess.Popen([sys.executable, "-m", "awslambdaric", handler], env=settings, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_an_event_through_the_runtime(cloud: Cloud) -> None:
    cloud.put(KEY)
    with LambdaStub() as stub, runtime(stub, "bondstore.aws.handlers.profile_arrived"):
        event = sqs_event(s3_event(cloud.raw, KEY), "no json")
        kind, answer = stub.ask(event)
        assert kind == "response"
        assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]}
        assert len(cloud.listed(cloud.qc)) == 2
        # the same process takes the next one, and an error of one event is no end
        kind, answer = stub.ask(s3_event(f"{cloud.raw}-none", KEY), "request-2")
        assert kind == "error"
        assert answer["errorType"] == "HandlingError"
        assert "1 item of the event failed (NotFoundError)" in answer["errorMessage"]
        kind, answer = stub.ask(s3_event(cloud.raw, KEY), "request-3")
        assert (kind, answer["outcomes"]) == ("response", {"done": 1})
