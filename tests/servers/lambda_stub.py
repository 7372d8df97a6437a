"""The runtime API of AWS Lambda on loopback, as far as one function needs it: hands out events, takes answers."""

from __future__ import annotations

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LambdaStub:
    """A context manager; `ask` waits for the answer to one event (AWS: "Using the Lambda runtime API")."""

    def __init__(self) -> None:
        self._events: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[tuple[str, Any]] = queue.Queue()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:  # …/invocation/next
                name, body = stub._events.get()
                self.send_response(200)
                self.send_header("Lambda-Runtime-Aws-Request-Id", name)
                self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-southeast-2:1:function:f")
                # without these two, as the real one always sends them, AWS's client crashes
                self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:  # …/invocation/ID/response, …/ID/error, …/init/error
                data = self.rfile.read(int(self.headers["Content-Length"]))
                stub._answers.put((self.path.rsplit("/", 1)[1], json.loads(data)))
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> LambdaStub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def ask(self, event: object, name: str = "request-1") -> tuple[str, Any]:
        """Hand an event out; returns ``response`` or ``error`` and what came with it."""
        self._events.put((name, json.dumps(event).encode()))
        return self._answers.get(timeout=60)
