"""An ONNX graph made fit for pictures of any size, and the session that runs it on one thread."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from bondstore.deid import offline
from bondstore.deid.faces.weights import INSTALL, MODEL_HINT
from bondstore.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from onnx import ModelProto, ValueInfoProto

FATAL = 4
"""The log level of onnxruntime that keeps it silent; what matters is raised."""
NO_MODEL = "The model file is no ONNX model that can be run."


@dataclass(frozen=True, slots=True)
class Graph:
    """A model made ready to run."""

    content: bytes
    outputs: tuple[str, ...]  # all that the file had, in its order, before cleaning
    size: tuple[int, int] | None  # height and width where the model takes no other


def read_graph(content: bytes) -> ModelProto:
    """Parse an ONNX file."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise MissingExtraError("Face detection needs the onnx package.", hint=INSTALL) from None
    try:
        model = onnx.load_model_from_string(content)
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError):
        raise ConfigurationError(NO_MODEL, hint=MODEL_HINT) from None
    inputs = _inputs(model)
    if len(inputs) != 1 or len(inputs[0].type.tensor_type.shape.dim) != 4:
        raise ConfigurationError("The model does not take one picture as its input.", hint=MODEL_HINT)
    return model


def clean(model: ModelProto, wanted: Sequence[str]) -> Graph:
    """Make a graph that onnxruntime can optimise whole and feed with pictures of any size.

    The CenterFace file lists its 194 weights as inputs too, so that nothing can be folded; it was exported for ten
    pictures of 32 by 32 pixels; and it computes landmarks that nobody asks for.
    """
    graph = model.graph
    names = tuple(item.name for item in graph.output)
    used = {name for node in graph.node for name in node.input}
    inputs = _inputs(model)
    height, width = (dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim[2:])
    _keep(graph.input, {item.name for item in inputs})
    _keep(graph.output, set(wanted))
    _keep(graph.initializer, used)
    del graph.value_info[:]
    fixed = model.SerializeToString()
    _free(graph.input[0], ("pictures", "", "height", "width"))
    for output in graph.output:
        _free(output, tuple(f"{output.name}.{place}" for place in range(len(output.type.tensor_type.shape.dim))))
    free = model.SerializeToString()
    if not height or not width or _takes_any_size(free):
        return Graph(free, names, None)
    return Graph(fixed, names, (height, width))


def _inputs(model: ModelProto) -> list[ValueInfoProto]:
    weights = {weight.name for weight in model.graph.initializer}
    return [item for item in model.graph.input if item.name not in weights]


def _keep(items: Any, names: set[str]) -> None:
    """Drop those of a repeated field that have another name."""
    for place in reversed(range(len(items))):
        if items[place].name not in names:
            del items[place]


def _free(value: ValueInfoProto, words: Sequence[str]) -> None:
    """Give the dimensions of a value names in place of numbers; an empty word leaves one as it is."""
    for dimension, word in zip(value.type.tensor_type.shape.dim, words, strict=True):
        if word:
            dimension.dim_param = word


def _takes_any_size(content: bytes) -> bool:
    """Try two sizes: a graph may hold the exported size in its insides."""
    import numpy as np

    session = _session(content, 1)
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    try:
        for height, width in ((32, 64), (96, 32)):
            session.run(None, {session.get_inputs()[0].name: np.zeros((1, 3, height, width), np.float32)})
    except (ort.Fail, ort.InvalidArgument, ort.RuntimeException, ort.InvalidGraph):
        return False
    return True


def _session(content: bytes, threads: int) -> Any:
    """Open a session that computes the same on every run and at any number of processes."""
    try:
        onnxruntime = offline.onnxruntime()
        from onnxruntime.capi import onnxruntime_pybind11_state as ort
    except ImportError:
        raise MissingExtraError("Face detection needs onnxruntime.", hint=INSTALL) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL
    options.use_deterministic_compute = True
    # An arena that grows by what is asked: by doubling, as is the default, it takes twice the memory of the largest
    # picture; with none at all, every run pays for fresh pages (a third more time).
    processor = ("CPUExecutionProvider", {"arena_extend_strategy": "kSameAsRequested"})
    try:
        return onnxruntime.InferenceSession(content, options, providers=[processor])
    except (ort.Fail, ort.InvalidArgument, ort.InvalidGraph, ort.InvalidProtobuf, ort.NotImplemented, ort.NoSuchFile):
        raise ConfigurationError(NO_MODEL, hint=MODEL_HINT) from None


@cache
def _opened(content: bytes, threads: int, process: int) -> Any:  # noqa: ARG001 - a child does not use its parent's
    return _session(content, threads)


def run(graph: Graph, pixels: NDArray[np.uint8], threads: int) -> list[NDArray[np.float32]]:
    """Return what a graph answers to pictures of one size, (n, height, width, 3); sides are multiples of 32."""
    import numpy as np

    session = _opened(graph.content, threads, os.getpid())
    blob = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32)
    answers: list[NDArray[np.float32]] = session.run(None, {session.get_inputs()[0].name: blob})
    return answers
